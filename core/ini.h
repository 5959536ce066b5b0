/* ini.h - reading ini files by iniparser, with what it lacks: the line of a key, and its own messages caught.
 *
 * iniparser 4.1 folds sections and keys to lower case and cuts lines at 1024 bytes; a longer line is refused here with its number. */
#ifndef DIALTONE_INI_H
#define DIALTONE_INI_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

struct ini;

/* NULL and *error for a file that cannot be read, has a syntax error, a line too long, or a section or key twice (all with file:line).
 * Refused too, because iniparser would take them in silence for something else: a backslash at the end of a line, text behind a [section],
 * a key with ':', a key outside of any section, an unquoted value with ';' or '#' that has no blank before it, text behind a closing quote. */
struct ini *ini_open(const char *path, struct error *error);
void ini_close(struct ini **ini); /* NULL inside is fine; clears */

const char *ini_path(const struct ini *ini);
size_t ini_section_count(const struct ini *ini);
/* Sections in the file's order. The string lives as long as the ini. */
const char *ini_section(const struct ini *ini, size_t index);
size_t ini_key_count(const struct ini *ini, const char *section);
/* Keys of a section in the file's order, without the section's name. */
const char *ini_key(const struct ini *ini, const char *section, size_t index);
/* NULL if it is not there; "" if it is empty. */
const char *ini_get(const struct ini *ini, const char *section, const char *key);
/* The line (from 1) where the key stands, or the section's line if key is NULL; 0 if neither is there. */
unsigned ini_line(const struct ini *ini, const char *section, const char *key);
/* error_set with "PATH:LINE: " in front, the line being that of ini_line (left out where that is 0). */
enum error_code ini_error(const struct ini *ini, const char *section, const char *key, enum error_code code, struct error *error,
	const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
