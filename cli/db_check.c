/* db_check.c - `dialtone db check`: is the database what this program and its files expect? Changes nothing. */
#include "cli.h"
#include "verbs.h"

#include "db_check.h"
#include "db_load.h"
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 3, 0))) static void add(json_t *list, const char *area, const char *format, va_list args)
{
	char *text;
	if (vasprintf(&text, format, args) < 0)
		abort();
	json_array_append_new(list, json_pack("{s:s, s:o}", "area", area, "message", output_json_string(text)));
	free(text);
}

void db_check_problem(struct db_check *check, const char *area, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(check->problems, area, format, args);
	va_end(args);
}

void db_check_hint(struct db_check *check, const char *area, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(check->hints, area, format, args);
	va_end(args);
}

enum error_code db_check_query(struct db_check *check, const char *sql, void (*each)(struct db_check *check, const struct db_statement *row))
{
	struct db_statement *statement = db_prepare(check->db, sql);
	enum error_code code = db_execute(statement, true, &check->error);
	int more = 0;
	while (!code && (more = db_next(statement, &check->error)) > 0)
		each(check, statement);
	db_done(statement);
	db_statement_free(&statement);
	return more < 0 ? check->error.code : code;
}

/* 1: go on, 0: there is nothing to look at further, -1: error. */
static int check_schema(struct db_check *check)
{
	if (migrations_read(check->directory, &check->arena, &check->migrations, &check->error))
		return -1;
	if (migrations_compare(check->db, &check->migrations, &check->error)) {
		if (check->error.code != ERROR_SCHEMA)
			return -1;
		db_check_problem(check, "schema", "%s", check->error.message);
		return 1;
	}
	if (!check->migrations.database) {
		db_check_problem(check, "schema", "there is no Dialtone schema in this database: `dialtone db init` makes one");
		return 0;
	}
	for (size_t i = 0; i < check->migrations.count; i++) {
		const struct migration *migration = &check->migrations.list[i];
		if (!migration->finished)
			db_check_problem(check, "schema", "migration %s %s: run `dialtone db upgrade`", migration->name,
				migration->recorded ? "was left unfinished" : "is pending");
	}
	return check->migrations.database == check->migrations.count;
}

static enum error_code check_all(struct db_check *check)
{
	static enum error_code (*const parts[])(struct db_check *) = {
		db_check_objects, db_check_grants, db_check_dictionary, db_check_values, db_check_retired, db_check_server};
	int schema = check_schema(check);
	if (schema <= 0)
		return schema ? check->error.code : ERROR_NONE;
	enum error_code code = ERROR_NONE;
	for (size_t i = 0; !code && i < sizeof parts / sizeof *parts; i++)
		code = parts[i](check);
	return code;
}

static void print_list(struct table *table, const json_t *list, const char *kind)
{
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one) {
		table_cell(table, kind);
		table_cell(table, json_string_value(json_object_get(one, "area")));
		table_cell(table, json_string_value(json_object_get(one, "message")));
	}
}

static void print(const struct db_check *check)
{
	size_t problems = json_array_size(check->problems);
	const char *name = check->cli->conf->database.name;
	if (check->cli->json) {
		output_json_print(json_pack("{s:s, s:b, s:i, s:i, s:O, s:O}", "database", name, "good", !problems, "version",
			(int)check->migrations.database, "expected", DB_SCHEMA_VERSION_MAX, "problems", check->problems, "hints", check->hints));
		return;
	}
	struct table *table = table_new(3);
	print_list(table, check->hints, "hint");
	print_list(table, check->problems, "FAIL");
	table_print(&table, check->cli->color);
	if (problems)
		printf("database %s: %zu %s\n", name, problems, problems == 1 ? "problem" : "problems");
	else
		printf("database %s: version %u, as this program expects it\n", name, check->migrations.database);
}

int verb_db_check(struct cli *cli, int argc, char **argv)
{
	if (!cli_parse(cli, argc, argv, NULL, 0, 0, NULL) || !cli_need(cli, NEED_CONF | NEED_CATALOGUE) || !db_name_check(cli, cli->conf->database.name))
		return cli->status;
	struct db *db = cli_admin_db(cli, cli->conf->database.name);
	if (!db)
		return cli->status;
	struct db_check check = {.cli = cli, .db = db, .problems = json_array(), .hints = json_array()};
	arena_init(&check.arena);
	check.directory = cli_sql_directory(cli, &check.arena);
	int status;
	if (check_all(&check))
		status = cli_fail(cli, &check.error);
	else {
		print(&check);
		status = json_array_size(check.problems) ? CLI_FOUND : CLI_OK;
	}
	json_decref(check.problems);
	json_decref(check.hints);
	arena_deinit(&check.arena);
	db_free(&db);
	return status;
}
