/* writer-xml.h - texts of elements and attributes: escaped, or refused where XML 1.0 has no way to say them (section 2.2, Char). */
#ifndef DIALTONE_WRITER_XML_H
#define DIALTONE_WRITER_XML_H

#include "writer-private.h"

#define WRITER_XML_HEADER "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define WRITER_XML_GROWTH 6u /* bytes that one may become */

static inline copy_block writer_xml_special(copy_block block)
{
	return (block - 0x20 > 0x5e) | (block == '&') | (block == '<') | (block == '>') | (block == '"') | (block == '\'');
}

/* Is it ASCII that needs no escape? */
static inline bool writer_xml_plain(const char *text, size_t size)
{
	if (size >= 16) {
		copy_block odd = writer_xml_special(copy_load(text + size - 16));
		for (size_t i = 0; i + 16 < size; i += 16)
			odd |= writer_xml_special(copy_load(text + i));
		return !copy_any(odd);
	}
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		/* all of the specials lie below 0x40 */
		if (c < 0x40 ? c < 0x20 || c == '&' || c == '<' || c == '>' || c == '"' || c == '\'' : c > 0x7e)
			return false;
	}
	return true;
}

/* Write at *to, where there is room for WRITER_XML_GROWTH times the length, and move it on. Line breaks and tabs become references. */
enum error_code writer_xml_escaped(const struct parameter *parameter, char **to, struct error *error);

/* The same, with what needs no escape in place. */
static inline enum error_code writer_xml_value(const struct parameter *parameter, char **to, struct error *error)
{
	if (!writer_xml_plain(parameter->text, parameter->length))
		return writer_xml_escaped(parameter, to, error);
	*to = copy_bytes(*to, parameter->text, parameter->length);
	return ERROR_NONE;
}

/* Append to `out` (look at its `overflow` at the end); control characters, line breaks too, are refused: for phones that keep their settings as lines. */
enum error_code writer_xml_text(const struct parameter *parameter, struct buf *out, struct error *error);

#endif
