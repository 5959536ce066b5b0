/* copy.h - short copies without a call: names and values of a configuration are mostly below 32 bytes, where a call costs more than the bytes. */
#ifndef DIALTONE_COPY_H
#define DIALTONE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The two never overlap. Returns `to` behind the last byte. */
static inline char *copy_bytes(char *restrict to, const char *restrict from, size_t size)
{
	if (size >= 8) {
		if (size > 64) {
			memcpy(to, from, size);
			return to + size;
		}
		size_t i = 0;
		for (; i + 8 <= size; i += 8)
			__builtin_memcpy(to + i, from + i, 8);
		/* The last, perhaps partly for the second time. */
		__builtin_memcpy(to + size - 8, from + size - 8, 8);
	} else if (size >= 4) {
		__builtin_memcpy(to, from, 4);
		__builtin_memcpy(to + size - 4, from + size - 4, 4);
	} else if (size) {
		to[0] = from[0];
		to[size / 2] = from[size / 2];
		to[size - 1] = from[size - 1];
	}
	return to + size;
}

/* Eight bytes as a number, for tests of all at once; the order of bytes does not matter to those. */
static inline uint64_t copy_word(const char *from)
{
	uint64_t word;
	__builtin_memcpy(&word, from, 8);
	return word;
}

#endif
