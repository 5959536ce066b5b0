/* writer-flat.c - `name = value`, one a line: Yealink's .cfg and its like.
 *
 * There is no quoting: a value runs to the end of its line and blanks at its ends are lost, a line that begins with # is a comment, and
 * %NULL% as a value means "factory default" (Yealink's administrator guides). What would be read as something else is refused; only a
 * template or a raw parameter may say %NULL% and mean it. */
#include "writer-private.h"

#include <openssl/crypto.h>
#include <string.h>

static enum error_code check_name(const char *name, size_t length, struct error *error)
{
	if (!length)
		return error_set(error, ERROR_SYNTAX, "a parameter without a name");
	if (name[0] == '#')
		return error_set(error, ERROR_SYNTAX, "parameter %.*s: a line that begins with # is a comment",
			(int)(length < 200 ? length : 200), name);
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '=')
			return error_set(error, ERROR_SYNTAX, "parameter %.*s: a name is printable ASCII without blanks and =",
				(int)(length < 200 ? length : 200), name);
	return ERROR_NONE;
}

/* As check_name, sixteen bytes at a time. */
static bool good_name(const char *name, size_t length)
{
	if (length < 16)
		return check_name(name, length, NULL) == ERROR_NONE;
	copy_block block = copy_load(name + length - 16), bad = (block - 0x21 > 0x5d) | (block == '=');
	for (size_t i = 0; i + 16 < length; i += 16) {
		block = copy_load(name + i);
		bad |= (block - 0x21 > 0x5d) | (block == '=');
	}
	return name[0] != '#' && !copy_any(bad);
}

static enum error_code refuse(const struct parameter *parameter, const char *why, struct error *error)
{
	return error_set(error, ERROR_INEXPRESSIBLE, "the value of %.*s %s", WRITER_NAME(parameter), why);
}

/* What a name or value that does not look plain comes to. */
static enum error_code judge(const struct parameter *parameter, struct error *error)
{
	const char *text = parameter->text;
	uint32_t length = parameter->length;
	enum error_code code = check_name(parameter->name, parameter->name_length, error);
	if (code != ERROR_NONE)
		return code;
	if (length > WRITER_VALUE_MAX)
		return refuse(parameter, "is longer than 4096 bytes", error);
	if (length && (text[0] == ' ' || text[length - 1] == ' '))
		return refuse(parameter, "begins or ends with a blank", error);
	if (length && text[0] == '#')
		return refuse(parameter, "begins with #", error);
	if (!parameter->literal && length == 6 && memcmp(text, "%NULL%", 6) == 0)
		return refuse(parameter, "is the word that stands for no value", error);
	return writer_check_text(parameter, error);
}

/* Is there nothing to judge? `line` is what was made of it. */
static inline bool plain(const struct parameter *parameter, const char *line, size_t size)
{
	const char *text = parameter->text;
	uint32_t length = parameter->length;
	if (!(parameter->place && parameter->place->checked_by == check_name) && !good_name(parameter->name, parameter->name_length))
		return false;
	if (length && (text[0] == ' ' || text[0] == '#' || text[length - 1] == ' ' || length > WRITER_VALUE_MAX ||
		    (length == 6 && !parameter->literal)))
		return false;
	return writer_printable(line, size);
}

static bool reserve(const struct dialect *dialect, const struct parameters *parameters, struct buf *out)
{
	size_t size = (dialect->header ? strlen(dialect->header) : 0) + (dialect->footer ? strlen(dialect->footer) : 0) + 2;
	for (uint32_t i = 0; i < parameters->count; i++)
		size += (size_t)parameters->list[i].name_length + parameters->list[i].length + 4;
	return buf_reserve(out, size + 1);
}

static char *write_line(char *to, const char *line)
{
	if (!line)
		return to;
	to = copy_bytes(to, line, strlen(line));
	*to++ = '\n';
	return to;
}

static enum error_code write_flat(const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error)
{
	if (!reserve(dialect, parameters, out))
		return writer_too_large(out, error);
	char *to = write_line(out->data + out->size, dialect->header);
	for (uint32_t i = 0; i < parameters->count; i++) {
		const struct parameter *parameter = &parameters->list[i];
		char *line = to;
		to = copy_bytes(to, parameter->name, parameter->name_length);
		__builtin_memcpy(to, " = ", 3);
		to = copy_bytes(to + 3, parameter->text, parameter->length);
		if (!plain(parameter, line, (size_t)(to - line))) {
			enum error_code code = judge(parameter, error);
			if (code != ERROR_NONE) {
				OPENSSL_cleanse(out->data + out->size, (size_t)(to - out->data) - out->size);
				out->data[out->size] = 0;
				return code;
			}
		}
		*to++ = '\n';
	}
	to = write_line(to, dialect->footer);
	out->size = (size_t)(to - out->data);
	out->data[out->size] = 0;
	return ERROR_NONE;
}

const struct writer writer_flat = {.name = "flat", .check_name = check_name, .write = write_flat};
