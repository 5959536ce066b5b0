/* migration.h - the files of db/migrations/ and what schema_migration says about them.
 *
 * A migration is NNNN-name.sql; numbers run from 1 without a gap. Its digest is the file's SHA-256. One that has no finished_at was left in the
 * middle; every statement of it may be run again, so it is. */
#ifndef DIALTONE_MIGRATION_H
#define DIALTONE_MIGRATION_H

#include "arena.h"
#include "db.h"
#include "error.h"
#include "sql_script.h"

#include <stdbool.h>
#include <stddef.h>

struct migration {
	unsigned version;
	const char *name;       /* "0001-tables.sql" */
	const char *path;
	const char *text;
	size_t length;
	char digest[65];
	/* what the database says: */
	bool recorded, finished;
};

struct migrations {
	struct migration *list; /* [i].version == i + 1 */
	size_t count;
	unsigned database;      /* highest finished version in the database; 0: none */
};

/* Read DIRECTORY/migrations. All memory in the arena. *error if the numbers do not run, or the last one is not this program's. */
enum error_code migrations_read(const char *directory, struct arena *arena, struct migrations *migrations_r, struct error *error);
/* Compare with the database: fills recorded, finished, database. ERROR_SCHEMA for a newer database or another digest. */
enum error_code migrations_compare(struct db *db, struct migrations *migrations, struct error *error);
/* Run one and record it. */
enum error_code migration_apply(struct db *db, const struct migration *migration, const struct sql_placeholder *placeholders, size_t count,
	struct error *error);

#endif
