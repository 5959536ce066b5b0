/* writer-lpconfig.c - Linphone's remote provisioning: the sections and entries of its configuration file, as XML.
 *
 * A name is `proxy_0/reg_identity`. Every entry says overwrite="true", without which a client keeps what it has. The client takes the first text of an entry as it is, line
 * breaks included, and writes it into a file of lines: so a value has no control character, and nothing but its own text stands in an entry. */
#include "writer-elements.h"
#include "writer-xml.h"

#include <string.h>

static enum error_code bad_name(const char *name, size_t length, struct error *error)
{
	return error_set(error, ERROR_SYNTAX, "parameter %.*s: a name is SECTION/ENTRY of letters, digits, _, - and ., such as proxy_0/reg_proxy",
		(int)(length < 200 ? length : 200), name);
}

/* Both are values of attributes and names in a file: what the client's own are made of is enough. */
static uint32_t word_length(const char *text, const char *end)
{
	const char *at = text;
	while (at < end && element_char(*at, false))
		at++;
	return (uint32_t)(at - text);
}

static enum error_code split(const char *name, size_t length, struct element_name *name_r, struct error *error)
{
	const char *end = name + length;
	uint32_t section = word_length(name, end);
	if (!section || section == length || name[section] != '/')
		return bad_name(name, length, error);
	uint32_t entry = word_length(name + section + 1, end);
	if (!entry || section + 1 + entry != length)
		return bad_name(name, length, error);
	*name_r = (struct element_name){.section = section, .element = (uint32_t)length};
	return ERROR_NONE;
}

static enum error_code check_name(const char *name, size_t length, struct error *error)
{
	struct element_name ignored;
	return split(name, length, &ignored, error);
}

static enum error_code write_entry(const struct element *entry, struct buf *out, struct error *error)
{
	buf_add_string(out, "    <entry name=\"");
	buf_add(out, entry->name, entry->length);
	buf_add_string(out, "\" overwrite=\"true\">");
	if (writer_xml_text(entry->value, out, error) != ERROR_NONE)
		return ERROR_INEXPRESSIBLE;
	buf_add_string(out, "</entry>\n");
	return ERROR_NONE;
}

static enum error_code write_section(const struct elements *elements, const struct element_section *section, struct buf *out, struct error *error)
{
	enum error_code code = ERROR_NONE;
	buf_add_string(out, "  <section name=\"");
	buf_add(out, section->name, section->length);
	buf_add_string(out, "\">\n");
	for (uint32_t i = section->first; i != ELEMENT_NONE && code == ERROR_NONE; i = elements->list[i].next)
		code = write_entry(&elements->list[i], out, error);
	buf_add_string(out, "  </section>\n");
	return code;
}

static enum error_code write_lpconfig(const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error)
{
	struct elements elements;
	size_t before = out->size;
	enum error_code code = elements_gather(&elements, parameters, split, error);
	if (code != ERROR_NONE)
		return code;
	buf_add_string(out, dialect->header ? dialect->header : WRITER_XML_HEADER);
	buf_add_string(out, "\n<config xmlns=\"http://www.linphone.org/xsds/lpconfig.xsd\">\n");
	for (uint32_t i = 0; i < elements.section_count && code == ERROR_NONE; i++)
		code = write_section(&elements, &elements.sections[i], out, error);
	buf_add_string(out, "</config>\n");
	if (code == ERROR_NONE && out->overflow)
		code = writer_too_large(out, error);
	if (code != ERROR_NONE)
		writer_restore(out, before);
	elements_free(&elements);
	return code;
}

const struct writer writer_lpconfig = {.name = "lpconfig", .check_name = check_name, .write = write_lpconfig};
