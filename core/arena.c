#include "arena.h"

#include "wipe.h"
#include "xalloc.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 8192u

struct arena_block {
	struct arena_block *older;
	size_t size; /* of data */
	alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

static void release(struct arena *arena, struct arena_block *keep)
{
	struct arena_block *block = arena->blocks, *older;
	for (; block; block = older) {
		older = block->older;
		/* Only the newest block is partly used; the older ones are full or nearly so. */
		size_t used = block == arena->blocks ? (size_t)(arena->next - block->data) : block->size;
		wipe(block->data, used);
		if (block != keep)
			free(block);
	}
	*arena = (struct arena){0};
	if (keep) {
		keep->older = NULL;
		arena->blocks = keep;
		arena->next = keep->data;
		arena->end = keep->data + keep->size;
		arena->bytes = sizeof *keep + keep->size;
	}
}

void arena_deinit(struct arena *arena)
{
	release(arena, NULL);
}

void arena_clear(struct arena *arena)
{
	/* The newest block is the largest that was needed lately, unless one huge value came: that one is not kept. */
	struct arena_block *keep = arena->blocks;
	release(arena, keep && keep->size <= 8 * BLOCK_SIZE ? keep : NULL);
}

void *arena_new_block(struct arena *arena, size_t aligned)
{
	size_t room = BLOCK_SIZE;
	if (arena->blocks && arena->blocks->size < 8 * BLOCK_SIZE)
		room = arena->blocks->size * 2;
	if (room < aligned)
		room = aligned;
	struct arena_block *block = xmalloc(sizeof *block + room);
	block->older = arena->blocks;
	block->size = room;
	arena->blocks = block;
	arena->next = block->data + aligned;
	arena->end = block->data + room;
	arena->bytes += sizeof *block + room;
	return block->data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_raw(arena, size), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size && count > (size_t)-1 / 2 / size)
		abort();
	return arena_alloc(arena, count * size);
}

char *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	char *copy = arena_raw(arena, size + 1);
	if (size)
		memcpy(copy, bytes, size);
	copy[size] = 0;
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_copy(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = NULL;
	int size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0)
		abort();
	char *copy = arena_copy(arena, text, (size_t)size);
	wipe(text, (size_t)size);
	free(text);
	return copy;
}
