/* writer-private.h - what the writers share: looking at a text while copying it, and failing without a trace in the output. */
#ifndef DIALTONE_WRITER_PRIVATE_H
#define DIALTONE_WRITER_PRIVATE_H

#include "copy.h"
#include "writer.h"

#include <stdbool.h>

extern const struct writer writer_flat, writer_nested_xml, writer_fanvil_text, writer_snom_xml, writer_lpconfig, writer_grandstream;

/* Longest value of the line-based syntaxes. */
#define WRITER_VALUE_MAX 4096u

#define WRITER_BYTES(byte) (0x0101010101010101u * (byte))

/* Non-zero bits (0x80 of some byte) unless all eight bytes lie in [lowest, 0x7e]. Borrows and carries reach higher bytes only, behind one
 * that is marked already. */
static inline uint64_t writer_outside(uint64_t word, unsigned lowest)
{
	return (word | (word + WRITER_BYTES(1)) | (word - WRITER_BYTES((uint64_t)lowest))) & WRITER_BYTES(0x80);
}

/* Non-zero bits if one of the eight bytes is `byte` (exact when no byte is above 0x7f, which writer_outside tells). */
static inline uint64_t writer_has(uint64_t word, unsigned byte)
{
	word ^= WRITER_BYTES((uint64_t)byte);
	return (word - WRITER_BYTES(1)) & ~word & WRITER_BYTES(0x80);
}

/* Is all of it printable ASCII (0x20 to 0x7e)? Then nothing more is to be looked at. */
static inline bool writer_printable(const char *text, size_t size)
{
	if (size >= 16) {
		copy_block odd = copy_load(text + size - 16) - 0x20 > 0x5e;
		for (size_t i = 0; i + 16 < size; i += 16)
			odd |= copy_load(text + i) - 0x20 > 0x5e;
		return !copy_any(odd);
	}
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)(text[i] - 0x20) > 0x5e)
			return false;
	return true;
}

/* The parameter's name for a message: foreign bytes, so cut; who prints the message escapes. */
#define WRITER_NAME(parameter) ((int)((parameter)->name_length < 200 ? (parameter)->name_length : 200)), (parameter)->name

/* A value that is not all printable ASCII: UTF-8 without control characters? */
enum error_code writer_check_text(const struct parameter *parameter, struct error *error);
/* The file would pass the buffer's maximum. */
enum error_code writer_too_large(const struct buf *out, struct error *error);
/* Take back what was appended since `size`. */
void writer_restore(struct buf *out, size_t size);

#endif
