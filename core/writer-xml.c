#include "writer-xml.h"

#include <string.h>

static const char *escape_of(unsigned char c)
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

static enum error_code check_value(const struct parameter *parameter, struct error *error)
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

enum error_code writer_xml_escaped(const struct parameter *parameter, char **to, struct error *error)
{
	if (check_value(parameter, error) != ERROR_NONE)
		return ERROR_INEXPRESSIBLE;
	for (uint32_t i = 0; i < parameter->length; i++) {
		const char *escape = escape_of((unsigned char)parameter->text[i]);
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

enum error_code writer_xml_text(const struct parameter *parameter, struct buf *out, struct error *error)
{
	if (writer_xml_plain(parameter->text, parameter->length)) {
		buf_add(out, parameter->text, parameter->length);
		return ERROR_NONE;
	}
	enum error_code code = writer_check_text(parameter, error);
	if (code != ERROR_NONE || !buf_reserve(out, (size_t)parameter->length * WRITER_XML_GROWTH + 1))
		return code;
	char *to = out->data + out->size;
	code = writer_xml_escaped(parameter, &to, error);
	out->size = (size_t)(to - out->data);
	out->data[out->size] = 0;
	return code;
}
