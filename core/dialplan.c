#include "dialplan.h"

#include <stdbool.h>
#include <string.h>

struct reader {
	const char *at, *end;
	char *to;
};

/* Bytes of the element that begins here: a key, x for any digit, or a range in brackets; 0 if it is none. */
static size_t element_size(const struct reader *reader)
{
	const char *at = reader->at;
	if (*at != '[')
		return strchr("0123456789*#xX", *at) != NULL;
	for (at++; at < reader->end && *at && strchr("0123456789*#-", *at); at++)
		;
	return at < reader->end && *at == ']' && at > reader->at + 1 ? (size_t)(at + 1 - reader->at) : 0;
}

static bool same_element(const char *a, size_t a_size, const char *b, size_t b_size)
{
	return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* One alternative, up to `|` or the end. */
static bool convert(struct reader *reader)
{
	const char *before = NULL, *last = NULL; /* the elements before the dot */
	size_t before_size = 0, last_size = 0;
	bool timed = false;
	while (reader->at < reader->end && *reader->at != '|') {
		char c = *reader->at;
		if (timed)
			return false;
		if (c == 'T' || c == 't') {
			timed = true;
			reader->at++;
			continue;
		}
		if (c == '.') {
			if (!before || !last || !same_element(before, before_size, last, last_size))
				return false;
			reader->to -= last_size;
			*reader->to++ = '+';
			before = last = NULL;
			reader->at++;
			continue;
		}
		size_t size = c ? element_size(reader) : 0;
		if (!size)
			return false;
		before = last;
		before_size = last_size;
		last = reader->at;
		last_size = size;
		for (size_t i = 0; i < size; i++)
			*reader->to++ = last[i] == 'X' ? 'x' : last[i];
		reader->at += size;
	}
	return true;
}

struct text dialplan_x_plus(struct arena *arena, struct text digitmap)
{
	/* An alternative grows by the blanks round its bar. */
	char *plan = arena_alloc(arena, 3 * (size_t)digitmap.length + 8);
	struct reader reader = {.at = digitmap.text, .end = digitmap.text + digitmap.length, .to = plan};
	*reader.to++ = '{';
	for (;;) {
		*reader.to++ = ' ';
		const char *begin = reader.to;
		if (!convert(&reader) || reader.to == begin)
			return (struct text){0};
		*reader.to++ = ' ';
		if (reader.at == reader.end)
			break;
		*reader.to++ = '|';
		reader.at++;
	}
	*reader.to++ = '}';
	*reader.to = 0;
	return (struct text){.text = plan, .length = (uint32_t)(reader.to - plan)};
}
