#include "migration.h"

#include "number.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void hex_digest(const char *text, size_t length, char digest_r[65])
{
	unsigned char bytes[32];
	unsigned size = sizeof bytes;
	if (EVP_Digest(text, length, bytes, &size, EVP_sha256(), NULL) != 1)
		abort();
	for (size_t i = 0; i < sizeof bytes; i++)
		sprintf(digest_r + 2 * i, "%02x", bytes[i]);
}

static int is_sql(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return entry->d_name[0] != '.' && dot && strcmp(dot, ".sql") == 0;
}

/* "0001-tables.sql" → 1; 0 if it is no migration's name. */
static unsigned version_of(const char *name)
{
	size_t digits = strspn(name, "0123456789");
	if (digits != 4 || name[digits] != '-')
		return 0;
	return (unsigned)strtoul(name, NULL, 10);
}

static enum error_code read_one(const char *folder, const char *name, unsigned expected, struct arena *arena, struct migration *migration_r,
	struct error *error)
{
	*migration_r = (struct migration){.version = version_of(name), .name = arena_strdup(arena, name)};
	migration_r->path = arena_printf(arena, "%s/%s", folder, name);
	if (!migration_r->version)
		return error_set(error, ERROR_SYNTAX, "%s: a migration's name is NNNN-words.sql", migration_r->path);
	if (migration_r->version != expected)
		return error_set(error, ERROR_MISSING, "%s: expected migration %u here: numbers run from 1 without a gap", migration_r->path, expected);
	char *text = sql_script_read(migration_r->path, &migration_r->length, error);
	if (!text)
		return error->code;
	migration_r->text = arena_copy(arena, text, migration_r->length);
	free(text);
	hex_digest(migration_r->text, migration_r->length, migration_r->digest);
	return ERROR_NONE;
}

static enum error_code check_release(const char *folder, size_t count, struct error *error)
{
	if (count >= DB_SCHEMA_VERSION_MIN && count <= DB_SCHEMA_VERSION_MAX)
		return ERROR_NONE;
	return error_set(error, ERROR_SCHEMA, "%s ends with migration %zu, this program needs %d: they are of different releases", folder, count,
		DB_SCHEMA_VERSION_MAX);
}

enum error_code migrations_read(const char *directory, struct arena *arena, struct migrations *migrations_r, struct error *error)
{
	struct error ignored;
	if (!error)
		error = &ignored;
	*migrations_r = (struct migrations){0};
	const char *folder = arena_printf(arena, "%s/migrations", directory);
	struct dirent **entries;
	int count = scandir(folder, &entries, is_sql, alphasort);
	if (count < 0)
		return error_set(error, ERROR_SYSTEM, "%s: %s (`--sql DIR` says where migrations/ and grants.sql are)", folder, strerror(errno));
	migrations_r->list = arena_array(arena, (size_t)count + 1, sizeof *migrations_r->list);
	enum error_code code = ERROR_NONE;
	for (int i = 0; i < count; i++) {
		if (!code)
			code = read_one(folder, entries[i]->d_name, (unsigned)i + 1, arena, &migrations_r->list[i], error);
		free(entries[i]);
	}
	free(entries);
	if (code)
		return code;
	migrations_r->count = (size_t)count;
	return check_release(folder, migrations_r->count, error);
}

/* -1: *error; else whether there is a table schema_migration. */
static int has_table(struct db *db, struct error *error)
{
	struct db_statement *statement = db_prepare(db,
		"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'schema_migration'");
	int found = -1;
	if (db_execute(statement, true, error) == ERROR_NONE && db_next(statement, error) == 1)
		found = db_column_int(statement, 0) > 0;
	db_done(statement);
	db_statement_free(&statement);
	return found;
}

/* One row of schema_migration against the files. */
static enum error_code compare_row(struct migrations *migrations, long long version, const char *name, const char *digest, bool finished,
	struct error *error)
{
	if (version < 1 || version > (long long)migrations->count)
		return error_set(error, ERROR_SCHEMA, "the database is newer than this program: it has migration %lld (`%s`), the program knows %zu; use the newer program",
			version, name, migrations->count);
	struct migration *migration = &migrations->list[version - 1];
	migration->recorded = true;
	migration->finished = finished;
	if (!finished)
		return ERROR_NONE;
	migrations->database = (unsigned)version;
	if (strcmp(digest, migration->digest) != 0)
		return error_set(error, ERROR_SCHEMA,
			"migration %lld was applied from `%s` with digest %.12s..., but `%s` has digest %.12s...: a released migration never changes; restore the file",
			version, name, digest, migration->path, migration->digest);
	return ERROR_NONE;
}

enum error_code migrations_compare(struct db *db, struct migrations *migrations, struct error *error)
{
	struct error ignored;
	if (!error)
		error = &ignored;
	int there = has_table(db, error);
	if (there <= 0)
		return there ? error->code : ERROR_NONE;
	struct db_statement *statement =
		db_prepare(db, "SELECT version, name, digest, finished_at IS NOT NULL FROM schema_migration ORDER BY version");
	enum error_code code = db_execute(statement, true, error);
	int more = 0;
	while (!code && (more = db_next(statement, error)) > 0)
		code = compare_row(migrations, db_column_int(statement, 0), db_column(statement, 1).text, db_column(statement, 2).text,
			db_column_int(statement, 3) != 0, error);
	if (more < 0)
		code = error->code;
	db_done(statement);
	db_statement_free(&statement);
	return code;
}

/* Before (done = false) and after. */
static enum error_code record(struct db *db, const struct migration *migration, bool done, struct error *error)
{
	struct db_statement *statement = db_prepare(db,
		"INSERT INTO schema_migration (version, name, digest, started_at, finished_at) VALUES (?, ?, ?, UTC_TIMESTAMP(), IF(?, UTC_TIMESTAMP(), NULL))"
		" ON DUPLICATE KEY UPDATE name = VALUES(name), digest = VALUES(digest), finished_at = VALUES(finished_at),"
		" started_at = IF(VALUES(finished_at) IS NULL, VALUES(started_at), started_at)");
	db_bind_int(statement, 0, migration->version);
	db_bind_text(statement, 1, migration->name, strlen(migration->name));
	db_bind_text(statement, 2, migration->digest, strlen(migration->digest));
	db_bind_int(statement, 3, done);
	enum error_code code = db_execute(statement, false, error);
	db_done(statement);
	db_statement_free(&statement);
	return code;
}

enum error_code migration_apply(struct db *db, const struct migration *migration, const struct sql_placeholder *placeholders, size_t count,
	struct error *error)
{
	struct error ignored;
	if (!error)
		error = &ignored;
	int there = has_table(db, error); /* the first migration makes it */
	if (there < 0 || (there && record(db, migration, false, error)))
		return error->code;
	enum error_code code = sql_script_run(db, migration->path, migration->text, migration->length, placeholders, count, error);
	return code ? code : record(db, migration, true, error);
}
