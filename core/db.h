/* db.h - one connection to MySQL, its own reconnecting over several hosts, its prepared statements.
 *
 * Everything above speaks only this interface. A statement belongs to one connection generation; after a reconnect it is prepared again before use.
 * Reads may be repeated once on a lost connection; writes never are: their error says that the outcome is unknown.
 * The client library's many error numbers become ERROR_DATABASE_GONE (try again later), ERROR_DATABASE (the server refused), ERROR_SCHEMA. */
#ifndef DIALTONE_DB_H
#define DIALTONE_DB_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What schema_migration's highest finished version must be for this program. */
#define DB_SCHEMA_VERSION_MIN 10
#define DB_SCHEMA_VERSION_MAX 10

struct db;

struct db_options {
	const char *hosts;         /* blank-separated: host, host:port, [v6]:port, unix:/path; shuffled at creation when `spread` */
	const char *name, *user;
	const char *password_file; /* NULL or "": none. Read at each connect, so that it can be changed under a running program */
	const char *tls_ca;        /* NULL or "": none */
	unsigned connect_timeout, read_timeout; /* seconds */
	unsigned lock_wait;        /* seconds for a row that another transaction has locked; 0: as the server has it */
	bool spread;               /* start at a random host */
	bool check_schema;         /* refuse a database whose schema does not fit DB_SCHEMA_VERSION_* */
};

/* Connects to nothing yet. Options are copied. */
struct db *db_new(const struct db_options *options);
void db_free(struct db **db);

/* Make sure that there is a connection: if not, try each host once, beginning with the current one. After a round in which all failed, calls fail at once with that round's error for a
 * moment (50 ms, doubled to 400 ms), so that a request never waits behind a dead server for longer than one round of connects. */
enum error_code db_connect(struct db *db, struct error *error);
bool db_connected(const struct db *db);
void db_disconnect(struct db *db);
/* Rises with each connect; 0 before the first. */
unsigned db_generation(const struct db *db);
/* host:port or unix:/path of the current connection, "" without one. */
const char *db_host(const struct db *db);

/* A prepared statement. `sql` must outlive it. Parameters and columns are bound by position. */
struct db_statement;
struct db_statement *db_prepare(struct db *db, const char *sql);   /* prepared at first use */
void db_statement_free(struct db_statement **statement);

/* Bind before each execute; the bytes must live until db_execute returns. */
void db_bind_text(struct db_statement *statement, unsigned index, const char *text, size_t length); /* text NULL: SQL NULL */
void db_bind_bytes(struct db_statement *statement, unsigned index, const void *bytes, size_t length);
void db_bind_int(struct db_statement *statement, unsigned index, long long value);

/* Run it: one round trip (a prepare before it once per connection). read: may be repeated on a lost connection. Afterwards db_next brings the rows; call
 * db_done in any case. */
enum error_code db_execute(struct db_statement *statement, bool read, struct error *error);
/* 1: a row is there; 0: no more; -1: *error. Column texts live until the next call on this statement, 0-terminated. */
int db_next(struct db_statement *statement, struct error *error);
struct db_column { const char *text; size_t length; }; /* text NULL: SQL NULL */
struct db_column db_column(const struct db_statement *statement, unsigned index);
long long db_column_int(const struct db_statement *statement, unsigned index); /* NULL is 0 */
void db_done(struct db_statement *statement);
/* Wipe the room of the columns: after rows that hold secrets, and db_done. */
void db_wipe(struct db_statement *statement);
unsigned long long db_affected(const struct db_statement *statement);

/* One statement of text, results (if any) thrown away: for migrations and SET. Never built from input. */
enum error_code db_run(struct db *db, const char *sql, size_t length, struct error *error);

#endif
