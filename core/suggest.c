#include "suggest.h"

#include <string.h>

#define NAME_MAX_BYTES 128u

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance in which two neighbours that changed places count as one edit. Both lengths are at most NAME_MAX_BYTES. */
static size_t distance_of(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][NAME_MAX_BYTES + 1];
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			now[j] = before[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = smaller(now[j], smaller(before[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = smaller(now[j], earlier[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

void suggest_init(struct suggest *suggest, const char *name)
{
	/* One more than what is near enough, so that a nearer one is always smaller. */
	*suggest = (struct suggest){.name = name, .distance = smaller(strlen(name) / 3, 3) + 1};
}

void suggest_try(struct suggest *suggest, const char *candidate)
{
	size_t length = strlen(suggest->name), other = strlen(candidate);
	size_t apart = length > other ? length - other : other - length;
	if (length > NAME_MAX_BYTES || other > NAME_MAX_BYTES || apart >= suggest->distance)
		return;
	size_t distance = distance_of(suggest->name, length, candidate, other);
	if (distance < suggest->distance) {
		suggest->distance = distance;
		suggest->best = candidate;
	}
}
