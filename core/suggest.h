/* suggest.h - "did you mean": the nearest of some names. */
#ifndef DIALTONE_SUGGEST_H
#define DIALTONE_SUGGEST_H

#include <stddef.h>

/* Feed candidates one by one; `best` is the nearest so far, NULL if none is near enough (distance at most a third of the name, and 3). */
struct suggest {
	const char *name, *best;
	size_t distance;
};

void suggest_init(struct suggest *suggest, const char *name);
void suggest_try(struct suggest *suggest, const char *candidate);

#endif
