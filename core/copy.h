/* copy.h - short copies without a call: names and values of a configuration are mostly below 32 bytes, where a call costs more than the
 * bytes. */
#ifndef DIALTONE_COPY_H
#define DIALTONE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Sixteen bytes for one register; comparisons give 0xff where they hold. */
typedef uint8_t copy_block __attribute__((vector_size(16)));

static inline copy_block copy_load(const char *from)
{
	copy_block block;
	__builtin_memcpy(&block, from, 16);
	return block;
}

/* Is any byte of it set? */
static inline uint64_t copy_any(copy_block block)
{
	uint64_t halves[2];
	__builtin_memcpy(halves, &block, 16);
	return halves[0] | halves[1];
}

/* The two never overlap. Returns `to` behind the last byte. */
static inline char *copy_bytes(char *restrict to, const char *restrict from, size_t size)
{
	if (size > 64) {
		memcpy(to, from, size);
	} else if (size >= 16) {
		/* From both ends, perhaps meeting; no loop, for the compiler would make a call of it. */
		__builtin_memcpy(to, from, 16);
		__builtin_memcpy(to + size - 16, from + size - 16, 16);
		if (size > 32) {
			__builtin_memcpy(to + 16, from + 16, 16);
			__builtin_memcpy(to + size - 32, from + size - 32, 16);
		}
	} else if (size >= 8) {
		__builtin_memcpy(to, from, 8);
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

/* As copy_bytes, in whole blocks: `from` must be readable on to the next multiple of 16, as what arena_copy made is, and `to` writable. What
 * lands behind the end is to be written over. */
static inline char *copy_blocks(char *restrict to, const char *restrict from, size_t size)
{
	__builtin_memcpy(to, from, 16);
	if (size > 16) {
		__builtin_memcpy(to + 16, from + 16, 16);
		for (size_t i = 32; i < size; i += 16)
			__builtin_memcpy(to + i, from + i, 16);
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

/* At most 8 bytes as a number: of one size, different ones give different numbers. Of more than 8 the first and last four count. */
static inline uint64_t copy_short_word(const char *text, size_t size)
{
	uint32_t low, high;
	if (size >= 4) {
		__builtin_memcpy(&low, text, 4);
		__builtin_memcpy(&high, text + size - 4, 4);
		return (uint64_t)high << 32 | low;
	}
	return size ? (uint64_t)(unsigned char)text[0] << 16 | (unsigned)(unsigned char)text[size / 2] << 8 | (unsigned char)text[size - 1]
		    : 0;
}

/* A hash for tables that live for one file. */
static inline uint32_t copy_hash(const char *text, size_t size, uint64_t seed)
{
	uint64_t hash = (seed + size) * 0x9e3779b97f4a7c15u;
	size_t i = 0;
	for (; i + 8 < size; i += 8) {
		hash = (hash ^ copy_word(text + i)) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 29;
	}
	hash = (hash ^ (size >= 8 ? copy_word(text + size - 8) : copy_short_word(text, size))) * 0xff51afd7ed558ccdu;
	return (uint32_t)(hash ^ hash >> 32);
}

/* Are two texts of one size equal? Most differ, if not in size, in what one comparison tells. */
static inline int copy_same(const char *a, const char *b, size_t size)
{
	return copy_short_word(a, size) == copy_short_word(b, size) && (size <= 8 || memcmp(a, b, size) == 0);
}

/* How many bytes of both, of which `most` can be read, are equal from the beginning. */
static inline size_t copy_common(const char *a, const char *b, size_t most)
{
	size_t i = 0;
	while (i + 8 <= most && copy_word(a + i) == copy_word(b + i))
		i += 8;
	while (i < most && a[i] == b[i])
		i++;
	return i;
}

#endif
