/* sql_script.h - a file of SQL to its statements, as the mysql client splits it.
 *
 * DELIMITER lines, 'quotes', "quotes", `quotes`, `-- `, # and C comments are understood; a delimiter inside any of them ends nothing.
 * Placeholders such as @DATABASE@ are filled in after splitting, so that messages show the placeholder and never what stands for it. */
#ifndef DIALTONE_SQL_SCRIPT_H
#define DIALTONE_SQL_SCRIPT_H

#include "db.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

struct sql_script {
	const char *file;      /* for messages */
	const char *next, *end;
	unsigned line;         /* of next */
	char delimiter[16];
};

struct sql_statement {
	const char *text;      /* inside the script's text; begins with the statement, comments before it left out */
	size_t length;
	unsigned line;         /* where it begins */
};

/* `text` must outlive the script. */
void sql_script_init(struct sql_script *script, const char *file, const char *text, size_t length);
/* 1: *statement_r is the next; 0: no more; -1: *error (a quote or comment that does not end, a DELIMITER that is none) with file:line. */
int sql_script_next(struct sql_script *script, struct sql_statement *statement_r, struct error *error);

/* What stands for @NAME@ (name with its @s). */
struct sql_placeholder {
	const char *name, *value;
	bool secret;
};

/* Run every statement. The message names file, line, the statement's start, and what the server said (without secrets).
 * A statement that holds a placeholder whose value is NULL is left out. */
enum error_code sql_script_run(struct db *db, const char *file, const char *text, size_t length, const struct sql_placeholder *placeholders,
	size_t count, struct error *error);

/* A whole file, 0-terminated, malloc'd; at most 16 MiB. NULL and *error. */
char *sql_script_read(const char *path, size_t *length_r, struct error *error);

#endif
