/* writer-xml.h - a value as the text of an XML element, for the writers of XML.
 *
 * What would be markup is escaped, so are the blanks that a parser may change (XML 1.0, section 2.11 and 3.3.3); what XML 1.0 has no way to say (section 2.2, Char) is refused
 * by the parameter's name. */
#ifndef DIALTONE_WRITER_XML_H
#define DIALTONE_WRITER_XML_H

#include "writer-private.h"

/* A value grows at most by so much. */
#define WRITER_XML_GROWTH 6u

static inline const char *writer_xml_escape(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\t':
		return "&#9;";
	case '\r':
		return "&#13;";
	case '\n':
		return "&#10;";
	default:
		return NULL;
	}
}

static inline enum error_code writer_xml_check(const struct parameter *parameter, struct error *error)
{
	const unsigned char *text = (const unsigned char *)parameter->text;
	for (uint32_t i = 0; i < parameter->length; i++) {
		bool control = text[i] < 0x20 && text[i] != '\t' && text[i] != '\r' && text[i] != '\n';
		bool reserved = text[i] == 0xef && parameter->length - i >= 3 && text[i + 1] == 0xbf && text[i + 2] >= 0xbe;
		if (control || reserved)
			return error_set(error, ERROR_INEXPRESSIBLE, "the value of %.*s has a character that XML cannot hold",
				WRITER_NAME(parameter));
	}
	if (!writer_utf8(parameter->text, parameter->length))
		return error_set(error, ERROR_INEXPRESSIBLE, "the value of %.*s is not UTF-8", WRITER_NAME(parameter));
	return ERROR_NONE;
}

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

static inline enum error_code writer_xml_escaped(const struct parameter *parameter, char **to, struct error *error)
{
	if (writer_xml_check(parameter, error) != ERROR_NONE)
		return ERROR_INEXPRESSIBLE;
	for (uint32_t i = 0; i < parameter->length; i++) {
		const char *escape = writer_xml_escape((unsigned char)parameter->text[i]);
		if (!escape) {
			*(*to)++ = parameter->text[i];
			continue;
		}
		size_t size = strlen(escape);
		memcpy(*to, escape, size);
		*to += size;
	}
	return ERROR_NONE;
}

/* Write the value at *to and move it on. Room was made for WRITER_XML_GROWTH times the length, and the slack of copy_bytes. */
static inline enum error_code writer_xml_value(const struct parameter *parameter, char **to, struct error *error)
{
	if (!writer_xml_plain(parameter->text, parameter->length))
		return writer_xml_escaped(parameter, to, error);
	*to = copy_bytes(*to, parameter->text, parameter->length);
	return ERROR_NONE;
}

#endif
