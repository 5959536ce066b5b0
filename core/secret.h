/* secret.h - the tables that hold secrets, so that sealing, rewrapping and counting are written once.
 *
 * Each has the columns plain, sealed, key_id and version (0001-tables.sql): exactly one of plain and sealed is there, and version moves when the secret becomes another one, not when
 * its form changes. A further table is one more row in secret.c, and triggers that fill the outbox (0007-secrets.sql). */
#ifndef DIALTONE_SECRET_H
#define DIALTONE_SECRET_H

#include "db.h"
#include "seal.h"

#include <stdbool.h>
#include <stddef.h>

#define SECRET_KEYS 3
#define SECRET_VERSION 8

struct secret_table {
	const char *kind;              /* as people name it: "tenant" */
	const char *table;
	const char *keys[SECRET_KEYS]; /* columns of the primary key; NULL behind the last. Where the table has a column `name`, it is the last */
	unsigned key_count;
	const char *name;              /* what seal_place.name is where the table has no such column; NULL: the last key */
	size_t pad;                    /* plain texts are filled up to a multiple of this before they are sealed */
	/* Statements. `key` stands for one parameter a key column, in their order. */
	const char *read_sql;    /* key → plain, sealed, key_id, version */
	const char *seal_sql;    /* sealed, key_id, key, version: the plain one of that version becomes sealed; moves no revision */
	const char *rewrap_sql;  /* sealed, key_id, key, version, old key_id: the same secret under another key; moves no revision */
	const char *replace_sql; /* sealed, key_id, version, key: another secret */
	const char *insert_sql;  /* key, sealed, key_id */
	const char *older_sql;   /* key_id, key to begin behind, limit → key, sealed, key_id, version: rows that are sealed under any other key, in the key's order */
	const char *count_sql;   /* → key_id (NULL: plain), how many */
	const char *sweep_sql;   /* puts an event for each plain secret that has none into the outbox */
};

extern const struct secret_table secret_tables[];
extern const unsigned secret_table_count;

/* By kind or table's name; NULL if there is none. */
const struct secret_table *secret_table_find(const char *name);
/* The place that a row's secret is bound to. keys: [key_count]; they must outlive the place. */
struct seal_place secret_place(const struct secret_table *table, const char *const keys[SECRET_KEYS]);

#endif
