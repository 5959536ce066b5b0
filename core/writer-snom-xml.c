/* writer-snom-xml.c - Snom's settings files (and those of phones on the same engine): <settings>, in it sections such as phone-settings and functionKeys, in
 * them one element a setting, told apart by idx.
 *
 * A name is `phone-settings/user_name[1]` (the number becomes idx="1") or `functionKeys/fkey[0]/@label`, an attribute of that element. Every element says its perm: `R`,
 * read-only at the phone and set anew by each fetch, unless an attribute of that name says another. Templates and source: templates/snom/README.md. */
#include "writer-elements.h"
#include "writer-xml.h"

#include <string.h>

#define PERM_USUAL "R"
#define INDEX_DIGITS 5u

static enum error_code bad_name(const char *name, size_t length, struct error *error)
{
	return error_set(error, ERROR_SYNTAX, "parameter %.*s: a name is a path such as phone-settings/user_name[1] or functionKeys/fkey[0]/@label",
		(int)(length < 200 ? length : 200), name);
}

/* How many of them are of one XML name. */
static uint32_t tag_length(const char *text, const char *end)
{
	const char *at = text;
	while (at < end && element_char(*at, at == text))
		at++;
	return (uint32_t)(at - text);
}

/* `[12]`: no leading zero, so that one element has one spelling. Its length; 0: it is none. */
static uint32_t index_length(const char *text, const char *end)
{
	const char *at = text + 1;
	if (text == end || *text != '[')
		return 0;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	size_t digits = (size_t)(at - text) - 1;
	return at < end && *at == ']' && digits && digits <= INDEX_DIGITS && !(text[1] == '0' && digits > 1) ? (uint32_t)digits + 2 : 0;
}

static enum error_code split(const char *name, size_t length, struct element_name *name_r, struct error *error)
{
	const char *end = name + length;
	uint32_t tag, at = name_r->section = tag_length(name, end);
	if (!at || at == length || name[at] != '/')
		return bad_name(name, length, error);
	tag = tag_length(name + at + 1, end);
	at += 1 + tag;
	at += index_length(name + at, end);
	name_r->element = at;
	if (tag && at == length)
		return ERROR_NONE;
	if (!tag || length - at < 3 || name[at] != '/' || name[at + 1] != '@')
		return bad_name(name, length, error);
	name_r->attribute = at + 2;
	uint32_t attribute = tag_length(name + at + 2, end);
	/* idx is said by the name, and by nothing else */
	if (attribute != length - name_r->attribute || (attribute == 3 && memcmp(name + name_r->attribute, "idx", 3) == 0))
		return bad_name(name, length, error);
	return ERROR_NONE;
}

static enum error_code check_name(const char *name, size_t length, struct error *error)
{
	struct element_name ignored = {0};
	return split(name, length, &ignored, error);
}

static bool is_perm(const char *attribute, size_t length)
{
	return length == 4 && memcmp(attribute, "perm", 4) == 0;
}

static enum error_code write_attributes(const struct elements *elements, const struct element *element, struct buf *out, struct error *error)
{
	bool perm = false;
	for (uint32_t i = element->first_attribute; i != ELEMENT_NONE; i = elements->more[i]) {
		const struct parameter *parameter = &elements->parameters->list[i];
		const char *name = (const char *)memchr(parameter->name, '@', parameter->name_length) + 1;
		size_t length = (size_t)(parameter->name + parameter->name_length - name);
		perm = perm || is_perm(name, length);
		buf_add_char(out, ' ');
		buf_add(out, name, length);
		buf_add(out, "=\"", 2);
		if (writer_xml_text(parameter, out, error) != ERROR_NONE)
			return ERROR_INEXPRESSIBLE;
		buf_add_char(out, '"');
	}
	if (!perm)
		buf_add_string(out, " perm=\"" PERM_USUAL "\"");
	return ERROR_NONE;
}

static enum error_code write_element(const struct elements *elements, const struct element *element, struct buf *out, struct error *error)
{
	uint32_t tag = tag_length(element->name, element->name + element->length);
	buf_add_string(out, "    <");
	buf_add(out, element->name, tag);
	if (tag < element->length) {
		buf_add_string(out, " idx=\"");
		buf_add(out, element->name + tag + 1, element->length - tag - 2);
		buf_add_char(out, '"');
	}
	if (write_attributes(elements, element, out, error) != ERROR_NONE)
		return ERROR_INEXPRESSIBLE;
	buf_add_char(out, '>');
	if (writer_xml_text(element->value, out, error) != ERROR_NONE)
		return ERROR_INEXPRESSIBLE;
	buf_add_string(out, "</");
	buf_add(out, element->name, tag);
	buf_add_string(out, ">\n");
	return ERROR_NONE;
}

static enum error_code write_section(const struct elements *elements, const struct element_section *section, struct buf *out, struct error *error)
{
	enum error_code code = ERROR_NONE;
	buf_add_string(out, "  <");
	buf_add(out, section->name, section->length);
	buf_add_string(out, ">\n");
	for (uint32_t i = section->first; i != ELEMENT_NONE && code == ERROR_NONE; i = elements->list[i].next)
		if (elements->list[i].value)
			code = write_element(elements, &elements->list[i], out, error);
	buf_add_string(out, "  </");
	buf_add(out, section->name, section->length);
	buf_add_string(out, ">\n");
	return code;
}

static enum error_code write_snom_xml(const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error)
{
	struct elements elements;
	size_t before = out->size;
	enum error_code code = elements_gather(&elements, parameters, split, error);
	if (code != ERROR_NONE)
		return code;
	buf_add_string(out, dialect->header ? dialect->header : WRITER_XML_HEADER);
	buf_add_string(out, "\n<settings>\n");
	for (uint32_t i = 0; i < elements.section_count && code == ERROR_NONE; i++)
		code = write_section(&elements, &elements.sections[i], out, error);
	buf_add_string(out, "</settings>\n");
	if (code == ERROR_NONE && out->overflow)
		code = writer_too_large(out, error);
	if (code != ERROR_NONE)
		writer_restore(out, before);
	elements_free(&elements);
	return code;
}

const struct writer writer_snom_xml = {.name = "snom-xml", .check_name = check_name, .write = write_snom_xml};
