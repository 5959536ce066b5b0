/* buf.h - a growing run of bytes with a hard maximum.
 *
 * Invariants: size <= room <= max; data[size] is 0 whenever data is not NULL, so that text in it is a C string. When an append would
 * pass max, nothing is appended, `overflow` is set and stays set: callers append freely and look once at the end. */
#ifndef DIALTONE_BUF_H
#define DIALTONE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buf {
	char *data;
	size_t size, room, max;
	bool overflow;
};

/* Caller's storage; allocates nothing yet. */
void buf_init(struct buf *buf, size_t max);
/* Wipes (secrets pass through) and frees; the buf may be initialised again. NULL data is fine. */
void buf_deinit(struct buf *buf);
/* Empty it and keep its memory; clears overflow. Does not wipe: use buf_wipe where secrets were. */
void buf_clear(struct buf *buf);
/* Overwrite what it holds, then empty it. */
void buf_wipe(struct buf *buf);

/* Make room for `more` bytes beyond size; false (and overflow) if that passes max. */
bool buf_reserve(struct buf *buf, size_t more);

void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void buf_add(struct buf *buf, const void *bytes, size_t size)
{
	if (buf->room - buf->size <= size && !buf_reserve(buf, size + 1))
		return;
	memcpy(buf->data + buf->size, bytes, size);
	buf->size += size;
	buf->data[buf->size] = 0;
}

static inline void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

static inline void buf_add_string(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

#endif
