#include "buf.h"

#include "wipe.h"
#include "xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_deinit(struct buf *buf)
{
	wipe(buf->data, buf->room);
	free(buf->data);
	*buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
	buf->size = 0;
	buf->overflow = false;
	if (buf->data)
		buf->data[0] = 0;
}

void buf_wipe(struct buf *buf)
{
	wipe(buf->data, buf->size);
	buf_clear(buf);
}

bool buf_reserve(struct buf *buf, size_t more)
{
	if (buf->overflow || more > buf->max - buf->size) {
		buf->overflow = true;
		return false;
	}
	if (buf->room - buf->size >= more)
		return true;
	size_t room = buf->room ? buf->room : 256;
	if (room > buf->max)
		room = buf->max;
	while (room - buf->size < more)
		room = room > buf->max / 2 ? buf->max : room * 2;
	/* Not realloc: it would leave the old bytes, perhaps a secret, behind unwiped. */
	char *data = xmalloc(room);
	if (buf->data) {
		memcpy(data, buf->data, buf->size + 1);
		wipe(buf->data, buf->room);
		free(buf->data);
	}
	buf->data = data;
	buf->room = room;
	return true;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	size_t free_room = buf->room - buf->size;
	int size = vsnprintf(buf->data ? buf->data + buf->size : NULL, free_room, format, args);
	if (size >= 0 && (size_t)size >= free_room && buf_reserve(buf, (size_t)size + 1))
		vsnprintf(buf->data + buf->size, (size_t)size + 1, format, again);
	if (size >= 0 && !buf->overflow)
		buf->size += (size_t)size;
	else if (buf->data)
		buf->data[buf->size] = 0;
	va_end(again);
	va_end(args);
}
