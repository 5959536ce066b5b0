/* writer-flat.c - `name = value`, one a line: Yealink's .cfg and its like.
 *
 * There is no quoting: a value runs to the end of its line and blanks at its ends are lost, a line that begins with # is a comment, and
 * %NULL% as a value means "factory default" (Yealink's administrator guides). What would be read as something else is refused; only a
 * template or a raw parameter may say %NULL% and mean it.
 *
 * A name may end in a tag, `name@TAG`, which is not written: some parameters stand in a file several times. */
#include "writer-private.h"

#include <openssl/crypto.h>
#include <string.h>

static enum error_code bad_name(const char *name, size_t length, const char *why, struct error *error)
{
	return error_set(error, ERROR_SYNTAX, "parameter %.*s: %s", (int)(length < 200 ? length : 200), name, why);
}

/* Where the name ends that is written: at its tag, if it has one. */
static size_t written_length(const char *name, size_t length)
{
	const char *tag = memchr(name, WRITER_TAG, length);
	return tag ? (size_t)(tag - name) : length;
}

static bool tag_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static enum error_code check_name(const char *name, size_t length, struct error *error)
{
	size_t written = length ? written_length(name, length) : 0;
	if (!written)
		return error_set(error, ERROR_SYNTAX, "a parameter without a name");
	if (name[0] == '#')
		return bad_name(name, length, "a line that begins with # is a comment", error);
	for (size_t i = 0; i < written; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '=')
			return bad_name(name, length, "a name is printable ASCII without blanks and =", error);
	if (written + 1 == length)
		return bad_name(name, length, "nothing behind @", error);
	for (size_t i = written + 1; i < length; i++)
		if (!tag_char(name[i]))
			return bad_name(name, length, "behind @ stand letters, digits and -", error);
	return ERROR_NONE;
}

/* What no name without a tag may hold. */
static inline copy_block odd_bytes(copy_block block)
{
	return (block - 0x21 > 0x5d) | (block == '=') | (block == WRITER_TAG);
}

/* Does check_name pass it, and has it no tag? Sixteen bytes at a time; false: check_name is to be asked. */
static bool good_name(const char *name, size_t length)
{
	if (length < 16)
		return false;
	copy_block odd = odd_bytes(copy_load(name + length - 16));
	for (size_t i = 0; i + 16 < length; i += 16)
		odd |= odd_bytes(copy_load(name + i));
	return name[0] != '#' && !copy_any(odd);
}

static enum error_code refuse(const struct parameter *parameter, const char *why, struct error *error)
{
	return error_set(error, ERROR_INEXPRESSIBLE, "the value of %.*s %s", WRITER_NAME(parameter), why);
}

static inline bool is_null(const struct parameter *parameter)
{
	return parameter->length == 6 && memcmp(parameter->text, "%NULL%", 6) == 0 && !parameter->literal;
}

/* What a value that does not look plain comes to. */
static enum error_code judge(const struct parameter *parameter, struct error *error)
{
	const char *text = parameter->text;
	uint32_t length = parameter->length;
	if (length > WRITER_VALUE_MAX)
		return refuse(parameter, "is longer than 4096 bytes", error);
	if (length && (text[0] == ' ' || text[length - 1] == ' '))
		return refuse(parameter, "begins or ends with a blank", error);
	if (length && text[0] == '#')
		return refuse(parameter, "begins with #", error);
	if (is_null(parameter))
		return refuse(parameter, "is the word that stands for no value", error);
	return writer_check_text(parameter, error);
}

/* Is there nothing to judge? The value was copied to the end of the line, behind a good name: what stands before it is printable too. */
static inline bool looks_plain(const struct parameter *parameter, const char *line, const char *end)
{
	const char *value = end - parameter->length, *at = end - 16;
	if (!parameter->length)
		return true;
	if (*value == ' ' || *value == '#' || end[-1] == ' ' || parameter->length > WRITER_VALUE_MAX || is_null(parameter))
		return false;
	if (value - line < 15)
		return writer_printable(value, parameter->length);
	copy_block odd = copy_load(at) - 0x20 > 0x5e;
	while (at > value)
		odd |= copy_load(at -= 16) - 0x20 > 0x5e;
	return !copy_any(odd);
}

/* ---- the file ---- */

struct file {
	struct buf *out;
	char *to, *end;      /* where the next byte goes, and the end of the room */
	bool trusted;        /* names that are `checked` passed our check_name */
};

/* Bytes that copies of whole blocks may write beyond what they are for, of a name, its `=` and a value. */
#define SLACK 48u

/* Room for so many bytes, and for the 0 behind the file. */
static bool make_room(struct file *file, size_t size)
{
	struct buf *out = file->out;
	size_t begin = out->size;
	if ((size_t)(file->end - file->to) > size)
		return true;
	out->size = (size_t)(file->to - out->data);
	bool good = buf_reserve(out, size + 1);
	file->to = out->data + out->size;
	file->end = out->data + out->room;
	out->size = begin;
	return good;
}

static bool write_text(struct file *file, const char *line)
{
	size_t length = line ? strlen(line) : 0;
	if (!line)
		return true;
	if (!make_room(file, length + 1))
		return false;
	file->to = copy_bytes(file->to, line, length);
	*file->to++ = '\n';
	return true;
}

/* Any parameter, with all that is to be looked at. */
static __attribute__((noinline)) enum error_code write_any(struct file *file, const struct parameter *parameter, struct error *error)
{
	size_t length = parameter->name_length;
	if (!(file->trusted && parameter->checked) && !good_name(parameter->name, length)) {
		enum error_code code = check_name(parameter->name, length, error);
		if (code != ERROR_NONE)
			return code;
		length = written_length(parameter->name, length);
	}
	if (!make_room(file, length + parameter->length + 4))
		return writer_too_large(file->out, error);
	char *line = file->to, *to = copy_bytes(line, parameter->name, length);
	__builtin_memcpy(to, " = ", 3);
	to = copy_bytes(to + 3, parameter->text, parameter->length);
	enum error_code code = looks_plain(parameter, line, to) ? ERROR_NONE : judge(parameter, error);
	*to++ = '\n';
	file->to = to;
	return code;
}

/* Most parameters were looked at when the template was compiled: copied in blocks. False: write_any is to be asked. */
static inline bool write_known(struct file *file, const struct parameter *parameter)
{
	size_t most = (size_t)parameter->name_length + parameter->length + SLACK;
	if (!parameter->checked || (size_t)(file->end - file->to) < most)
		return false;
	char *line = file->to, *to = copy_blocks(line, parameter->name, parameter->name_length);
	__builtin_memcpy(to, " = ", 4);
	to += 3;
	if (parameter->plain) {
		to = copy_blocks(to, parameter->text, parameter->length);
	} else {
		to = copy_bytes(to, parameter->text, parameter->length);
		if (!looks_plain(parameter, line, to))
			return false;
	}
	*to = '\n';
	file->to = to + 1;
	return true;
}

static enum error_code write_lines(struct file *file, const struct parameters *parameters, struct error *error)
{
	struct file known = *file; /* its own, for registers */
	if (!parameters->count)
		return ERROR_NONE; /* no list to point into */
	for (const struct parameter *at = parameters->list, *end = at + parameters->count; at < end; at++) {
		if (known.trusted && write_known(&known, at))
			continue;
		*file = known;
		enum error_code code = write_any(file, at, error);
		known = *file;
		if (code != ERROR_NONE)
			return code;
	}
	*file = known;
	return ERROR_NONE;
}

static enum error_code write_flat(const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error)
{
	size_t before = out->size;
	if (!buf_reserve(out, 1))
		return writer_too_large(out, error);
	struct file file = {.out = out, .to = out->data + out->size, .end = out->data + out->room, .trusted = parameters->checked_by == check_name};
	enum error_code code =
		write_text(&file, dialect->header) ? write_lines(&file, parameters, error) : writer_too_large(out, error);
	if (code == ERROR_NONE && !write_text(&file, dialect->footer))
		code = writer_too_large(out, error);
	/* What blocks left behind the last line may be a secret's. */
	size_t left = (size_t)(file.end - file.to);
	OPENSSL_cleanse(file.to, left < SLACK ? left : SLACK);
	out->size = (size_t)(file.to - out->data);
	if (code != ERROR_NONE)
		writer_restore(out, before);
	out->data[out->size] = 0;
	return code;
}

const struct writer writer_flat = {.name = "flat", .check_name = check_name, .write = write_flat};
