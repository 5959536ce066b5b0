/* db_check.h - the parts of `dialtone db check`: each looks at one side of the database and adds what it finds. */
#ifndef DIALTONE_DB_CHECK_H
#define DIALTONE_DB_CHECK_H

#include "cli.h"
#include "migration.h"

#include <jansson.h>

struct db_check {
	struct cli *cli;
	struct db *db;
	struct arena arena;
	const char *directory;    /* of the SQL files */
	struct migrations migrations;
	json_t *problems, *hints; /* arrays of {"area", "message"} */
	struct error error;
};

void db_check_problem(struct db_check *check, const char *area, const char *format, ...) __attribute__((format(printf, 3, 4)));
void db_check_hint(struct db_check *check, const char *area, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Run a query without parameters and hand each row to `each`. */
enum error_code db_check_query(struct db_check *check, const char *sql, void (*each)(struct db_check *check, const struct db_statement *row));

/* Tables, triggers, routines, views: those that the migrations create, and their definer. */
enum error_code db_check_objects(struct db_check *check);
/* Accounts and rights against grants.sql. */
enum error_code db_check_grants(struct db_check *check);
/* Dictionary tables against the files; rows that the dictionary no longer accepts; retired names in use. */
enum error_code db_check_dictionary(struct db_check *check);
enum error_code db_check_values(struct db_check *check);
enum error_code db_check_retired(struct db_check *check);
/* Partitions of the journal, size of the buffer pool, format of the binary log. */
enum error_code db_check_server(struct db_check *check);

#endif
