/* arena.h - memory of one lifetime, given back at once.
 *
 * A request's values, a layer in the cache, a compiled template each live in an arena. Nothing in it is freed alone. */
#ifndef DIALTONE_ARENA_H
#define DIALTONE_ARENA_H

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	char *next, *end;
	size_t bytes;               /* memory held, block headers included: what a bounded cache counts */
};

void arena_init(struct arena *arena);
/* Wipe and free everything. */
void arena_deinit(struct arena *arena);
/* Wipe everything and keep one block for the next use, so that a steady request allocates nothing. */
void arena_clear(struct arena *arena);

/* Zeroed, aligned for any type, never NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
void *arena_array(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));
/* arena_raw's second half: a block that begins with `aligned` bytes, taken. */
void *arena_new_block(struct arena *arena, size_t aligned) __attribute__((returns_nonnull));
/* As arena_alloc, but not zeroed: for what is written whole at once on the path of a fetch. */
static inline __attribute__((returns_nonnull)) void *arena_raw(struct arena *arena, size_t size)
{
	size_t aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (aligned < size)
		abort();
	if ((size_t)(arena->end - arena->next) < aligned)
		return arena_new_block(arena, aligned);
	char *memory = arena->next;
	arena->next += aligned;
	return memory;
}
/* A copy with a 0 behind it. `bytes` may be NULL if size is 0. */
char *arena_copy(struct arena *arena, const void *bytes, size_t size) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((returns_nonnull, format(printf, 2, 3)));

#endif
