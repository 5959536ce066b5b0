/* writer.c - the list of writers, and what they share. */
#include "writer-private.h"

#include <openssl/crypto.h>
#include <string.h>

const struct writer *const writer_list[] = {&writer_flat, &writer_nested_xml, &writer_fanvil_text, &writer_snom_xml, &writer_lpconfig, &writer_grandstream, NULL};

const struct writer *writer_find(const char *name)
{
	for (const struct writer *const *writer = writer_list; *writer; writer++)
		if (strcmp((*writer)->name, name) == 0)
			return *writer;
	return NULL;
}

bool writer_plain(const char *text, size_t length, bool literal)
{
	bool null = length == 6 && memcmp(text, "%NULL%", 6) == 0;
	if (length && (text[0] == ' ' || text[0] == '#' || text[length - 1] == ' '))
		return false;
	return length <= WRITER_VALUE_MAX && (literal || !null) && writer_printable(text, length);
}

/* Bytes of the sequence that begins here, 0 if it is none (RFC 3629, section 4). */
static size_t sequence(const unsigned char *text, size_t left)
{
	unsigned char first = text[0], low = 0x80, high = 0xbf;
	size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
	if (size < 2 || size > left)
		return size == 1;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return size;
}

bool writer_utf8(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	for (size_t i = 0; i < length;) {
		if (length - i >= 8 && !(copy_word(text + i) & WRITER_BYTES(0x80))) {
			i += 8;
			continue;
		}
		if (bytes[i] < 0x80) {
			i++;
			continue;
		}
		size_t size = sequence(bytes + i, length - i);
		if (!size)
			return false;
		i += size;
	}
	return true;
}

static bool has_control(const char *text, size_t size)
{
	if (size >= 16) {
		copy_block block = copy_load(text + size - 16), control = (block < 0x20) | (block == 0x7f);
		for (size_t i = 0; i + 16 < size; i += 16) {
			block = copy_load(text + i);
			control |= (block < 0x20) | (block == 0x7f);
		}
		return copy_any(control);
	}
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return true;
	return false;
}

enum error_code writer_check_text(const struct parameter *parameter, struct error *error)
{
	if (has_control(parameter->text, parameter->length))
		return error_set(error, ERROR_INEXPRESSIBLE, "the value of %.*s has a control character (such as a line break)",
			WRITER_NAME(parameter));
	if (!writer_utf8(parameter->text, parameter->length))
		return error_set(error, ERROR_INEXPRESSIBLE, "the value of %.*s is not UTF-8", WRITER_NAME(parameter));
	return ERROR_NONE;
}

enum error_code writer_too_large(const struct buf *out, struct error *error)
{
	return error_set(error, ERROR_RANGE, "the file would pass %zu bytes", out->max);
}

void writer_restore(struct buf *out, size_t size)
{
	if (!out->data)
		return;
	if (out->size > size)
		OPENSSL_cleanse(out->data + size, out->size - size);
	out->size = size;
	out->data[size] = 0;
}
