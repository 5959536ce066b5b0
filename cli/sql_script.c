#include "sql_script.h"

#include "buf.h"
#include "xalloc.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX (16u << 20)
#define SHOWN 60 /* bytes of a statement's start in messages */

void sql_script_init(struct sql_script *script, const char *file, const char *text, size_t length)
{
	*script = (struct sql_script){.file = file, .next = text, .end = text + length, .line = 1, .delimiter = ";"};
}

static bool looking_at(const struct sql_script *script, const char *what)
{
	size_t length = strlen(what);
	return (size_t)(script->end - script->next) >= length && memcmp(script->next, what, length) == 0;
}

static void advance(struct sql_script *script, size_t count)
{
	for (; count && script->next < script->end; count--)
		if (*script->next++ == '\n')
			script->line++;
}

static void skip_line(struct sql_script *script)
{
	while (script->next < script->end && *script->next != '\n')
		script->next++;
}

static bool at_line_comment(const struct sql_script *script)
{
	if (looking_at(script, "#"))
		return true;
	return looking_at(script, "--") && (script->next + 2 == script->end || isspace((unsigned char)script->next[2]));
}

static enum error_code skip_block(struct sql_script *script, const char *open, const char *close, bool backslash, const char *what,
	struct error *error)
{
	unsigned line = script->line;
	advance(script, strlen(open));
	while (script->next < script->end) {
		if (backslash && *script->next == '\\')
			advance(script, 2);
		else if (looking_at(script, close)) {
			advance(script, strlen(close));
			return ERROR_NONE;
		} else
			advance(script, 1);
	}
	return error_set(error, ERROR_SYNTAX, "%s:%u: %s does not end", script->file, line, what);
}

/* Past a quoted string or a comment, if one begins here. 1: yes, 0: none here, -1: *error. A doubled quote is two strings side by side. */
static int skip_opaque(struct sql_script *script, struct error *error)
{
	static const struct { const char *open, *close, *what; bool backslash; } kinds[] = {
		{"'", "'", "the '...' that begins here", true},
		{"\"", "\"", "the \"...\" that begins here", true},
		{"`", "`", "the `...` that begins here", false},
		{"/*", "*/", "the comment that begins here", false},
	};
	if (at_line_comment(script)) {
		skip_line(script);
		return 1;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (looking_at(script, kinds[i].open))
			return skip_block(script, kinds[i].open, kinds[i].close, kinds[i].backslash, kinds[i].what, error) ? -1 : 1;
	return 0;
}

/* DELIMITER xx, where a statement could begin. 1: it was one, 0: none here, -1: *error. */
static int delimiter_line(struct sql_script *script, struct error *error)
{
	static const char word[] = "delimiter";
	size_t length = sizeof word - 1;
	if ((size_t)(script->end - script->next) <= length || strncasecmp(script->next, word, length) != 0 ||
		!isblank((unsigned char)script->next[length]))
		return 0;
	unsigned line = script->line;
	const char *value = script->next + length;
	skip_line(script);
	const char *end = script->next;
	while (value < end && isspace((unsigned char)*value))
		value++;
	while (end > value && isspace((unsigned char)end[-1]))
		end--;
	size_t size = (size_t)(end - value);
	if (!size || size >= sizeof script->delimiter || memchr(value, '\\', size) || memchr(value, ' ', size)) {
		error_set(error, ERROR_SYNTAX, "%s:%u: DELIMITER needs 1 to %zu characters without blanks or backslash", script->file, line,
			sizeof script->delimiter - 1);
		return -1;
	}
	memcpy(script->delimiter, value, size);
	script->delimiter[size] = 0;
	return 1;
}

/* Past blanks, comments, DELIMITER lines and lone delimiters to where a statement begins. Conditional comments (slash, star, !) are statements. */
static enum error_code skip_to_statement(struct sql_script *script, struct error *error)
{
	while (script->next < script->end) {
		int skipped = delimiter_line(script, error);
		if (skipped < 0)
			return error->code;
		if (skipped)
			continue;
		if (isspace((unsigned char)*script->next))
			advance(script, 1);
		else if (looking_at(script, script->delimiter))
			advance(script, strlen(script->delimiter));
		else if (at_line_comment(script))
			skip_line(script);
		else if (looking_at(script, "/*") && !looking_at(script, "/*!") && !looking_at(script, "/*M!")) {
			if (skip_block(script, "/*", "*/", false, "the comment that begins here", error))
				return error->code;
		} else
			break;
	}
	return ERROR_NONE;
}

int sql_script_next(struct sql_script *script, struct sql_statement *statement_r, struct error *error)
{
	struct error ignored = {0};
	if (!error)
		error = &ignored;
	if (skip_to_statement(script, error))
		return -1;
	if (script->next == script->end)
		return 0;
	*statement_r = (struct sql_statement){.text = script->next, .line = script->line};
	while (script->next < script->end && !looking_at(script, script->delimiter)) {
		int opaque = skip_opaque(script, error);
		if (opaque < 0)
			return -1;
		if (!opaque)
			advance(script, 1);
	}
	const char *end = script->next;
	advance(script, strlen(script->delimiter));
	while (end > statement_r->text && isspace((unsigned char)end[-1]))
		end--;
	statement_r->length = (size_t)(end - statement_r->text);
	return 1;
}

static const struct sql_placeholder *placeholder_at(const char *text, size_t length, const struct sql_placeholder *placeholders, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(placeholders[i].name);
		if (size <= length && memcmp(text, placeholders[i].name, size) == 0)
			return &placeholders[i];
	}
	return NULL;
}

/* False: a placeholder without a value stands in it. */
static bool fill_in(const struct sql_statement *statement, const struct sql_placeholder *placeholders, size_t count, struct buf *sql)
{
	for (size_t i = 0; i < statement->length;) {
		const struct sql_placeholder *found = NULL;
		if (statement->text[i] == '@')
			found = placeholder_at(statement->text + i, statement->length - i, placeholders, count);
		if (found && !found->value)
			return false;
		if (found) {
			buf_add_string(sql, found->value);
			i += strlen(found->name);
		} else
			buf_add_char(sql, statement->text[i++]);
	}
	return true;
}

/* The server quotes a piece of the statement, which may be cut anywhere: overwrite whatever agrees with a secret for 4 bytes or more. */
static void hide_secrets(char *message, const struct sql_placeholder *placeholders, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *secret = placeholders[i].secret ? placeholders[i].value : NULL;
		size_t length = secret ? strlen(secret) : 0;
		for (char *at = message; *at; at++)
			for (size_t from = 0; from + 4 <= length; from++) {
				size_t same = 0;
				while (from + same < length && at[same] && at[same] == secret[from + same])
					same++;
				if (same >= 4)
					memset(at, '*', same);
			}
	}
}

/* The first line or so, blanks folded, as written in the file. */
static void shown_start(const struct sql_statement *statement, char start[SHOWN + 4])
{
	size_t used = 0, i = 0;
	bool blank = false;
	for (; i < statement->length && used < SHOWN; i++) {
		char c = statement->text[i];
		if (isspace((unsigned char)c)) {
			blank = used > 0;
			continue;
		}
		if (blank && used < SHOWN - 1)
			start[used++] = ' ';
		blank = false;
		start[used++] = c;
	}
	strcpy(start + used, i < statement->length ? "..." : "");
}

static enum error_code run_one(struct db *db, const char *file, const struct sql_statement *statement, const struct sql_placeholder *placeholders,
	size_t count, struct error *error)
{
	struct buf sql;
	buf_init(&sql, FILE_MAX);
	enum error_code code = ERROR_NONE;
	if (fill_in(statement, placeholders, count, &sql) && sql.size)
		code = db_run(db, sql.data, sql.size, error);
	buf_deinit(&sql);
	if (code && error) {
		char start[SHOWN + 4];
		shown_start(statement, start);
		hide_secrets(error->message, placeholders, count);
		error_prefix(error, "%s:%u: %s", file, statement->line, start);
	}
	return code;
}

enum error_code sql_script_run(struct db *db, const char *file, const char *text, size_t length, const struct sql_placeholder *placeholders,
	size_t count, struct error *error)
{
	struct sql_script script;
	struct sql_statement statement;
	sql_script_init(&script, file, text, length);
	int more;
	while ((more = sql_script_next(&script, &statement, error)) > 0) {
		enum error_code code = run_one(db, file, &statement, placeholders, count, error);
		if (code)
			return code;
	}
	return more < 0 ? error ? error->code : ERROR_SYNTAX : ERROR_NONE;
}

char *sql_script_read(const char *path, size_t *length_r, struct error *error)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		error_set(error, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
		return NULL;
	}
	struct buf text;
	buf_init(&text, FILE_MAX);
	char block[16384];
	size_t got;
	while ((got = fread(block, 1, sizeof block, file)) > 0)
		buf_add(&text, block, got);
	bool failed = ferror(file);
	fclose(file);
	if (failed || text.overflow) {
		error_set(error, ERROR_SYSTEM, "%s: %s", path, failed ? strerror(errno) : "larger than 16 MiB");
		buf_deinit(&text);
		return NULL;
	}
	char *copy = xmalloc(text.size + 1);
	if (text.size)
		memcpy(copy, text.data, text.size);
	copy[text.size] = 0;
	*length_r = text.size;
	buf_deinit(&text);
	return copy;
}
