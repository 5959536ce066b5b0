#include "ini.h"

#include "arena.h"
#include "xalloc.h"

#if __has_include(<iniparser.h>)
#include <iniparser.h>
#else
#include <iniparser/iniparser.h>
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_BYTES 1022u /* iniparser's buffer less newline and 0 */
#define NAME_MAX_BYTES 255u  /* iniparser joins section and key in a buffer of its own */
#define FILE_MAX_LINES 100000u

struct key {
	const char *name, *value;
	unsigned line;
};

struct section {
	const char *name;
	unsigned line;
	struct key *keys;
	size_t key_count;
};

struct ini {
	struct arena arena;
	const char *path;
	struct section *sections;
	size_t section_count;
};

/* Where the scan stands; what it finds goes into the ini. */
struct scan {
	struct ini *ini;
	struct error *error;
	unsigned line;
};

static enum error_code fault(const struct scan *scan, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message with "PATH:LINE: " before it. */
static enum error_code fault(const struct scan *scan, const char *format, ...)
{
	char message[ERROR_MESSAGE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	return error_set(scan->error, ERROR_SYNTAX, "%s:%u: %s", scan->ini->path, scan->line, message);
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Cut blanks at both ends, in place. */
static char *strip(char *text)
{
	while (is_blank(*text))
		text++;
	size_t length = strlen(text);
	while (length && is_blank(text[length - 1]))
		length--;
	text[length] = 0;
	return text;
}

static char *fold(struct arena *arena, const char *name)
{
	char *folded = arena_strdup(arena, name);
	for (char *c = folded; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	return folded;
}

static struct section *find_section(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->section_count; i++)
		if (strcasecmp(ini->sections[i].name, name) == 0)
			return &ini->sections[i];
	return NULL;
}

static struct key *find_key(const struct section *section, const char *name)
{
	for (size_t i = 0; section && i < section->key_count; i++)
		if (strcasecmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	return NULL;
}

static enum error_code scan_section(struct scan *scan, char *text)
{
	struct ini *ini = scan->ini;
	size_t length = strlen(text);
	if (text[length - 1] != ']')
		return fault(scan, "a [section] stands on a line of its own");
	text[length - 1] = 0;
	char *name = strip(text + 1);
	if (!*name || strlen(name) > NAME_MAX_BYTES)
		return fault(scan, "the section's name is empty or too long");
	if (strpbrk(name, "[]:"))
		return fault(scan, "section `%s`: its name may not hold [, ] or :", name);
	if (find_section(ini, name))
		return fault(scan, "section [%s] is there twice", name);
	ini->sections = xreallocarray(ini->sections, ini->section_count + 1, sizeof *ini->sections);
	ini->sections[ini->section_count++] = (struct section){.name = fold(&ini->arena, name), .line = scan->line};
	return ERROR_NONE;
}

/* iniparser takes what follows ';' or '#' for a comment wherever it stands, unless the value is quoted. */
static enum error_code check_value(struct scan *scan, const char *key, const char *value)
{
	if (*value == '"' || *value == '\'') {
		const char *close = strchr(value + 1, *value);
		if (!close)
			return fault(scan, "the value of `%s` lacks its closing quote", key);
		/* iniparser 4.1 knows no escapes, and drops what follows. */
		close++;
		while (is_blank(*close))
			close++;
		if (*close && *close != ';' && *close != '#')
			return fault(scan, "`%s`: text behind the closing quote (a value with one kind of quotes stands in the other)", key);
		return ERROR_NONE;
	}
	const char *mark = strpbrk(value, ";#");
	if (mark && (mark == value || !is_blank(mark[-1])))
		return fault(scan, "`%s`: a value with ; or # must stand in double quotes (a comment needs a blank before it)", key);
	return ERROR_NONE;
}

static enum error_code scan_key(struct scan *scan, char *text)
{
	struct ini *ini = scan->ini;
	char *equals = strchr(text, '=');
	if (!equals)
		return fault(scan, "neither a [section] nor a line of the form `key = value`");
	*equals = 0;
	const char *name = strip(text);
	if (!*name || strlen(name) > NAME_MAX_BYTES)
		return fault(scan, "the key before = is empty or too long");
	if (strchr(name, ':'))
		return fault(scan, "key `%s`: the file's format has no keys with a colon", name);
	if (!ini->section_count)
		return fault(scan, "key `%s` stands before the first [section]", name);
	struct section *section = &ini->sections[ini->section_count - 1];
	if (find_key(section, name))
		return fault(scan, "key `%s` is there twice in its section", name);
	if (check_value(scan, name, strip(equals + 1)))
		return ERROR_SYNTAX;
	section->keys = xreallocarray(section->keys, section->key_count + 1, sizeof *section->keys);
	section->keys[section->key_count++] = (struct key){.name = fold(&ini->arena, name), .line = scan->line};
	return ERROR_NONE;
}

static enum error_code scan_line(struct scan *scan, char *text, size_t length)
{
	if (memchr(text, 0, length))
		return fault(scan, "a NUL byte");
	if (length && text[length - 1] == '\n')
		text[--length] = 0;
	if (length > LINE_MAX_BYTES)
		return fault(scan, "the line is longer than 1022 bytes");
	if (scan->line > FILE_MAX_LINES)
		return fault(scan, "too many lines");
	char *stripped = strip(text);
	size_t rest = strlen(stripped);
	/* iniparser joins lines, comments too, at a backslash. */
	if (rest && stripped[rest - 1] == '\\')
		return fault(scan, "a backslash at the end of a line");
	if (!rest || *stripped == '#' || *stripped == ';')
		return ERROR_NONE;
	return *stripped == '[' ? scan_section(scan, stripped) : scan_key(scan, stripped);
}

/* Find sections and keys with their lines: what iniparser does not remember. */
static enum error_code scan_file(struct ini *ini, struct error *error)
{
	struct scan scan = {.ini = ini, .error = error};
	enum error_code code = ERROR_NONE;
	char *text = NULL;
	size_t room = 0;
	ssize_t length;
	FILE *file = fopen(ini->path, "re");
	if (!file)
		return error_set(error, ERROR_SYSTEM, "%s: %s", ini->path, strerror(errno));
	errno = 0;
	while (!code && (length = getline(&text, &room, file)) >= 0) {
		scan.line++;
		code = scan_line(&scan, text, (size_t)length);
	}
	if (!code && ferror(file))
		code = error_set(error, ERROR_SYSTEM, "%s: %s", ini->path, strerror(errno));
	free(text);
	fclose(file);
	return code;
}

/* iniparser reports by a callback without a context. What it says is caught here for the time of one load. */
static char caught[ERROR_MESSAGE_SIZE];

static int catch_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int catch_message(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int size = caught[0] ? 0 : vsnprintf(caught, sizeof caught, format, args);
	va_end(args);
	for (char *c = caught; *c; c++)
		if (*c == '\n')
			*c = ' ';
	return size;
}

static enum error_code take_values(struct ini *ini, const dictionary *values, struct error *error)
{
	char name[2 * NAME_MAX_BYTES + 2];
	for (size_t i = 0; i < ini->section_count; i++) {
		struct section *section = &ini->sections[i];
		for (size_t k = 0; k < section->key_count; k++) {
			snprintf(name, sizeof name, "%s:%s", section->name, section->keys[k].name);
			const char *value = iniparser_getstring(values, name, NULL);
			if (!value)
				return error_set(error, ERROR_SYNTAX, "%s:%u: `%s` cannot be read; did the file change just now?", ini->path,
					section->keys[k].line, section->keys[k].name);
			section->keys[k].value = arena_strdup(&ini->arena, value);
		}
	}
	return ERROR_NONE;
}

static enum error_code parse_file(struct ini *ini, struct error *error)
{
	caught[0] = 0;
	iniparser_set_error_callback(catch_message);
	dictionary *values = iniparser_load(ini->path);
	iniparser_set_error_callback(NULL);
	if (!values || caught[0]) {
		iniparser_freedict(values);
		return error_set(error, ERROR_SYNTAX, "%s: %s", ini->path, caught[0] ? caught : "iniparser cannot read it");
	}
	enum error_code code = take_values(ini, values, error);
	iniparser_freedict(values);
	return code;
}

struct ini *ini_open(const char *path, struct error *error)
{
	struct ini *ini = xcalloc(1, sizeof *ini);
	arena_init(&ini->arena);
	ini->path = arena_strdup(&ini->arena, path);
	if (scan_file(ini, error) || parse_file(ini, error))
		ini_close(&ini);
	return ini;
}

void ini_close(struct ini **ini)
{
	if (!*ini)
		return;
	for (size_t i = 0; i < (*ini)->section_count; i++)
		free((*ini)->sections[i].keys);
	free((*ini)->sections);
	arena_deinit(&(*ini)->arena);
	free(*ini);
	*ini = NULL;
}

const char *ini_path(const struct ini *ini)
{
	return ini->path;
}

size_t ini_section_count(const struct ini *ini)
{
	return ini->section_count;
}

const char *ini_section(const struct ini *ini, size_t index)
{
	return index < ini->section_count ? ini->sections[index].name : NULL;
}

size_t ini_key_count(const struct ini *ini, const char *section)
{
	const struct section *found = find_section(ini, section);
	return found ? found->key_count : 0;
}

const char *ini_key(const struct ini *ini, const char *section, size_t index)
{
	const struct section *found = find_section(ini, section);
	return found && index < found->key_count ? found->keys[index].name : NULL;
}

const char *ini_get(const struct ini *ini, const char *section, const char *key)
{
	const struct key *found = find_key(find_section(ini, section), key);
	return found ? found->value : NULL;
}

unsigned ini_line(const struct ini *ini, const char *section, const char *key)
{
	const struct section *found = find_section(ini, section);
	if (!key)
		return found ? found->line : 0;
	const struct key *entry = find_key(found, key);
	return entry ? entry->line : 0;
}

enum error_code ini_error(const struct ini *ini, const char *section, const char *key, enum error_code code, struct error *error,
	const char *format, ...)
{
	char message[ERROR_MESSAGE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	unsigned line = section ? ini_line(ini, section, key) : 0;
	if (line)
		return error_set(error, code, "%s:%u: %s", ini->path, line, message);
	return error_set(error, code, "%s: %s", ini->path, message);
}
