/* writer-grandstream.c - Grandstream's <gs_provision>, in the version that the dialect's `root` names (templates/grandstream/README.md):
 *
 *   root = 1   <config version="1">, elements named by number:      <P47>pbx.example.net</P47>
 *   root = 2   <config version="2">, elements named by alias:       <item name="account.1.sip.server.1.address">pbx.example.net</item>
 *
 * The parameter `mac` is no setting of the phone: it goes before <config> as <mac>, and a phone with another MAC rejects the file. A name of the other version is
 * refused by name, because a phone would pass over it without a word. */
#include "writer-xml.h"

#include <string.h>

#define NUMBER_DIGITS_MAX 6u
#define ALIAS_MAX 128u
/* Markup round a value, at most; the name stands there twice. */
#define MARKUP 32u

enum form { FORM_NONE, FORM_NUMBER, FORM_ALIAS, FORM_MAC };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* P and a number without leading zeros, so that one parameter has one spelling. */
static bool is_number(const char *name, size_t length)
{
	if (length < 2 || length > 1 + NUMBER_DIGITS_MAX || name[0] != 'P' || name[1] == '0')
		return false;
	for (size_t i = 1; i < length; i++)
		if (!is_digit(name[i]))
			return false;
	return true;
}

/* Two or more words of letters, digits, _ and -, with one dot between. */
static bool is_alias(const char *name, size_t length)
{
	bool dotted = false, word = false;
	for (size_t i = 0; i < length; i++) {
		char c = name[i];
		if (c == '.' && word) {
			dotted = true;
			word = false;
		} else if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-') {
			word = true;
		} else {
			return false;
		}
	}
	return dotted && word && length <= ALIAS_MAX;
}

static enum form form_of(const char *name, size_t length)
{
	if (length == 3 && memcmp(name, "mac", 3) == 0)
		return FORM_MAC;
	return is_number(name, length) ? FORM_NUMBER : is_alias(name, length) ? FORM_ALIAS : FORM_NONE;
}

static enum error_code check_name(const char *name, size_t length, struct error *error)
{
	if (form_of(name, length) != FORM_NONE)
		return ERROR_NONE;
	return error_set(error, ERROR_SYNTAX, "parameter %.*s: a name is P47, account.1.name or mac", (int)(length < 200 ? length : 200), name);
}

/* ---- writing ---- */

struct file {
	struct buf *out;
	enum form form; /* of all names but mac */
};

/* `before` NAME `middle` value `after` [NAME `>`] and the end of the line. */
static enum error_code write_element(struct buf *out, const struct parameter *parameter, const char *before, const char *middle, const char *after,
	bool named_end, struct error *error)
{
	size_t room = 2 * (size_t)parameter->name_length + (size_t)parameter->length * WRITER_XML_GROWTH + MARKUP;
	if (!buf_reserve(out, room + 1))
		return writer_too_large(out, error);
	char *to = out->data + out->size;
	to = copy_bytes(to, before, strlen(before));
	to = copy_bytes(to, parameter->name, parameter->name_length);
	to = copy_bytes(to, middle, strlen(middle));
	enum error_code code = writer_xml_value(parameter, &to, error);
	if (code == ERROR_NONE) {
		to = copy_bytes(to, after, strlen(after));
		if (named_end) {
			to = copy_bytes(to, parameter->name, parameter->name_length);
			*to++ = '>';
		}
		*to++ = '\n';
	}
	out->size = (size_t)(to - out->data);
	return code;
}

static enum error_code write_parameter(const struct file *file, const struct parameter *parameter, struct error *error)
{
	enum form form = form_of(parameter->name, parameter->name_length);
	if (form == FORM_MAC)
		return ERROR_NONE;
	if (form == FORM_NONE)
		return check_name(parameter->name, parameter->name_length, error);
	if (form != file->form)
		return error_set(error, ERROR_INEXPRESSIBLE, "parameter %.*s: this dialect's names are %s", WRITER_NAME(parameter),
			file->form == FORM_NUMBER ? "numbers such as P47" : "aliases such as account.1.name");
	if (form == FORM_NUMBER)
		return write_element(file->out, parameter, "<", ">", "</", true, error);
	return write_element(file->out, parameter, "<item name=\"", "\">", "</item>", false, error);
}

/* The MAC that the file is for, where the template says it; once. */
static enum error_code write_mac(const struct file *file, const struct parameters *parameters, struct error *error)
{
	const struct parameter *mac = NULL;
	for (uint32_t i = 0; i < parameters->count; i++) {
		const struct parameter *one = &parameters->list[i];
		if (form_of(one->name, one->name_length) != FORM_MAC)
			continue;
		if (mac)
			return error_set(error, ERROR_INEXPRESSIBLE, "parameter mac has a value twice");
		mac = one;
	}
	return mac ? write_element(file->out, mac, "<", ">", "</", true, error) : ERROR_NONE;
}

static enum error_code write_all(const struct file *file, const struct dialect *dialect, const struct parameters *parameters, struct error *error)
{
	struct buf *out = file->out;
	buf_add_string(out, dialect->header ? dialect->header : WRITER_XML_HEADER);
	buf_add_string(out, "\n<gs_provision version=\"1\">\n");
	enum error_code code = out->overflow ? writer_too_large(out, error) : write_mac(file, parameters, error);
	if (code != ERROR_NONE)
		return code;
	buf_add_string(out, "<config version=\"");
	buf_add_string(out, dialect->root);
	buf_add_string(out, "\">\n");
	for (uint32_t i = 0; i < parameters->count && code == ERROR_NONE && !out->overflow; i++)
		code = write_parameter(file, &parameters->list[i], error);
	if (code != ERROR_NONE)
		return code;
	buf_add_string(out, "</config>\n</gs_provision>\n");
	return out->overflow ? writer_too_large(out, error) : ERROR_NONE;
}

static enum error_code write_grandstream(
	const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error)
{
	size_t before = out->size;
	struct file file = {.out = out};
	if (dialect->root && strcmp(dialect->root, "1") == 0)
		file.form = FORM_NUMBER;
	else if (dialect->root && strcmp(dialect->root, "2") == 0)
		file.form = FORM_ALIAS;
	else
		return error_set(error, ERROR_SYNTAX, "dialect %s: root is the version of <config>, 1 or 2", dialect->name);
	enum error_code code = write_all(&file, dialect, parameters, error);
	if (code == ERROR_NONE)
		out->data[out->size] = 0;
	else
		writer_restore(out, before);
	return code;
}

const struct writer writer_grandstream = {.name = "grandstream", .check_name = check_name, .write = write_grandstream};
