/* wipe.h - overwrite what held a secret, so that the compiler cannot leave it out. */
#ifndef DIALTONE_WIPE_H
#define DIALTONE_WIPE_H

#include <stddef.h>
#include <string.h>

/* In pieces, because libc's memset fills longer runs by `rep stosb`: for the 40 KB that a request leaves behind its start-up costs more than plain stores on some processors, and an
 * instruction count (tests/bench/instructions) takes every byte of it for an instruction. */
static inline void wipe(void *bytes, size_t size)
{
	enum { PIECE = 1024 };
	char *at = bytes;
	for (; size > PIECE; size -= PIECE, at += PIECE)
		explicit_bzero(at, PIECE);
	if (size)
		explicit_bzero(at, size);
}

#endif
