#include "db_load.h"

#include "dictionary_sync.h"
#include "migration.h"
#include "output.h"
#include "password.h"
#include "sql_script.h"
#include "xalloc.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACEHOLDERS_MAX 16
#define SHOWN_PER_TABLE 20 /* changes of one table that are told one by one */

struct load {
	struct cli *cli;
	struct db *db;
	struct arena arena;
	const char *directory;
	const char *password_directory;
	struct error error;
	struct sql_placeholder placeholders[PLACEHOLDERS_MAX];
	size_t placeholder_count;
	json_t *applied, *changes;
	size_t change_count;
	const char *told_table;        /* of the last change told */
	size_t told, kept_quiet, added;
	const char *added_names;
	bool set_passwords;
};

bool db_name_check(struct cli *cli, const char *name)
{
	size_t length = strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_");
	if (length && !name[length] && length <= 64)
		return true;
	cli_message("the database's name `%s` must be 1 to 64 letters, digits or `_`: change [database] name", name);
	cli->status = CLI_CONFIG;
	return false;
}

static enum error_code run_text(struct load *load, const char *sql)
{
	return db_run(load->db, sql, strlen(sql), &load->error);
}

/* The one number that a statement answers. */
static enum error_code ask(struct load *load, const char *sql, long long *number_r)
{
	struct db_statement *statement = db_prepare(load->db, sql);
	enum error_code code = db_execute(statement, false, &load->error);
	if (!code && db_next(statement, &load->error) != 1)
		code = load->error.code;
	else if (!code)
		*number_r = db_column_int(statement, 0);
	db_done(statement);
	db_statement_free(&statement);
	return code;
}

/* Two upgrades at a time would both find the same migration pending. */
static enum error_code take_lock(struct load *load)
{
	long long ours;
	enum error_code code = ask(load, "SELECT COALESCE(GET_LOCK(CONCAT('dialtone.upgrade.', DATABASE()), 10), 0)", &ours);
	return code || ours == 1 ? code : error_set(&load->error, ERROR_DATABASE_GONE, "another `dialtone db upgrade` is at work in this database");
}

/* READ COMMITTED, under which all of Dialtone works, writes nothing while the binary log wants statements. */
static enum error_code refuse_statement_log(struct load *load)
{
	long long statements;
	enum error_code code = ask(load, "SELECT CAST(@@log_bin = 1 AND @@GLOBAL.binlog_format = 'STATEMENT' AS SIGNED)", &statements);
	return code || !statements ? code : error_set(&load->error, ERROR_DATABASE,
		"the server's binary log has binlog_format = STATEMENT, which cannot take Dialtone's changes: set binlog_format = ROW in its configuration"
		" and by SET GLOBAL, then run this again");
}

static enum error_code run_migrations(struct load *load)
{
	struct migrations migrations;
	enum error_code code = migrations_read(load->directory, &load->arena, &migrations, &load->error);
	if (!code)
		code = migrations_compare(load->db, &migrations, &load->error);
	for (size_t i = 0; !code && i < migrations.count; i++) {
		const struct migration *migration = &migrations.list[i];
		if (migration->finished)
			continue;
		code = migration_apply(load->db, migration, load->placeholders, load->placeholder_count, &load->error);
		if (code)
			break;
		json_array_append_new(load->applied, output_json_string(migration->name));
		if (!load->cli->json)
			printf("migration %s %s\n", migration->name, migration->recorded ? "run again, as it had been left unfinished" : "applied");
	}
	return code;
}

/* @PASSWORD_WORKER@ → worker */
static const char *account_of(struct load *load, const char *name, size_t length)
{
	size_t prefix = strlen("@PASSWORD_");
	char *account = arena_copy(&load->arena, name + prefix, length - prefix - 1);
	for (char *c = account; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return account;
}

/* One @PASSWORD_WORKER@ of grants.sql: worker.password. */
static enum error_code add_password(struct load *load, const char *name, size_t length)
{
	for (size_t i = 0; i < load->placeholder_count; i++)
		if (strlen(load->placeholders[i].name) == length && memcmp(load->placeholders[i].name, name, length) == 0)
			return ERROR_NONE;
	if (load->placeholder_count == PLACEHOLDERS_MAX)
		return error_set(&load->error, ERROR_RANGE, "grants.sql: more than %d placeholders", PLACEHOLDERS_MAX);
	const char *account = account_of(load, name, length);
	char *password = NULL;
	if (load->password_directory) {
		password = arena_alloc(&load->arena, PASSWORD_ROOM);
		if (password_get(load->password_directory, account, password, &load->error))
			return load->error.code;
	}
	load->placeholders[load->placeholder_count++] =
		(struct sql_placeholder){.name = arena_copy(&load->arena, name, length), .value = password, .secret = true};
	return ERROR_NONE;
}

static enum error_code add_passwords(struct load *load, const char *text)
{
	for (const char *at = text; (at = strstr(at, "@PASSWORD_"));) {
		size_t length = 1 + strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
		if (at[length] == '@' && add_password(load, at, length + 1))
			return load->error.code;
		at += length;
	}
	return ERROR_NONE;
}

/* A GRANT to an account that is not there must fail, not make one without a password (MariaDB). */
static const char strict_grants[] = "SET SESSION sql_mode = IF(VERSION() LIKE '%MariaDB%', 'STRICT_ALL_TABLES,NO_AUTO_CREATE_USER', 'STRICT_ALL_TABLES')";

/* CREATE USER IF NOT EXISTS leaves an account's password as it is; the same words behind ALTER USER set it. */
static enum error_code set_passwords(struct load *load, const char *path, const char *text, size_t length)
{
	static const char create[] = "CREATE USER IF NOT EXISTS ";
	struct sql_script script;
	struct sql_statement statement;
	sql_script_init(&script, path, text, length);
	enum error_code code = ERROR_NONE;
	int more = 0;
	while (!code && (more = sql_script_next(&script, &statement, &load->error)) > 0) {
		if (statement.length < sizeof create || strncmp(statement.text, create, sizeof create - 1) != 0)
			continue;
		const char *alter = arena_printf(&load->arena, "ALTER USER %.*s", (int)(statement.length - (sizeof create - 1)),
			statement.text + sizeof create - 1);
		code = sql_script_run(load->db, path, alter, strlen(alter), load->placeholders, load->placeholder_count, &load->error);
	}
	return more < 0 ? load->error.code : code;
}

/* Can the accounts log in by the files' passwords? One that was there before, with another password, would only be noticed by a service. */
static enum error_code try_password(struct load *load, const char *account)
{
	const struct conf *conf = load->cli->conf;
	const struct db_options options = {
		.hosts = db_host(load->db),
		.name = conf->database.name,
		.user = arena_printf(&load->arena, "dialtone_%s", account),
		.password_file = arena_printf(&load->arena, "%s/%s.password", load->password_directory, account),
		.tls_ca = conf->database.tls_ca,
		.connect_timeout = (unsigned)conf->database.connect_timeout,
		.read_timeout = (unsigned)conf->database.read_timeout,
	};
	struct error said = {0};
	struct db *db = db_new(&options);
	enum error_code code = db_connect(db, &said);
	db_free(&db);
	if (!code)
		return ERROR_NONE;
	return error_set(&load->error, ERROR_DENIED,
		"%s cannot log in by the password in %s (%.200s): put its password there, or let `dialtone db upgrade --password-dir %s --set-passwords` set what is there",
		options.user, options.password_file, said.message, load->password_directory);
}

static enum error_code try_passwords(struct load *load)
{
	enum error_code code = ERROR_NONE;
	for (size_t i = 0; !code && load->password_directory && i < load->placeholder_count; i++)
		if (load->placeholders[i].secret)
			code = try_password(load, account_of(load, load->placeholders[i].name, strlen(load->placeholders[i].name)));
	return code;
}

static enum error_code run_grants(struct load *load)
{
	const char *path = arena_printf(&load->arena, "%s/grants.sql", load->directory);
	size_t length;
	char *text = sql_script_read(path, &length, &load->error);
	if (!text)
		return load->error.code;
	enum error_code code = add_passwords(load, text);
	if (!code)
		code = run_text(load, strict_grants);
	if (!code)
		code = sql_script_run(load->db, path, text, length, load->placeholders, load->placeholder_count, &load->error);
	if (!code && load->set_passwords)
		code = set_passwords(load, path, text, length);
	free(text);
	return code;
}

/* A first load adds hundreds: then their number says enough. */
static void end_table(struct load *load)
{
	if (load->added > SHOWN_PER_TABLE)
		printf("%s: %zu added\n", load->told_table, load->added);
	else if (load->added)
		printf("%s: added%s\n", load->told_table, load->added_names);
	if (load->kept_quiet)
		printf("%s: and %zu more\n", load->told_table, load->kept_quiet);
	load->told = load->kept_quiet = load->added = 0;
	load->added_names = "";
}

static void tell_people(struct load *load, const struct sync_difference *d)
{
	if (load->told_table != d->table)
		end_table(load);
	load->told_table = d->table;
	if (d->change == SYNC_ADD) {
		if (++load->added <= SHOWN_PER_TABLE)
			load->added_names = arena_printf(&load->arena, "%s %s", load->added_names, d->key);
	} else if (load->told++ >= SHOWN_PER_TABLE)
		load->kept_quiet++;
	else if (d->columns)
		printf("%s: %s %s (%s)\n", d->table, d->key, sync_change_name(d->change), d->columns);
	else
		printf("%s: %s %s\n", d->table, d->key, sync_change_name(d->change));
}

static void tell_change(void *context, const struct sync_difference *d)
{
	struct load *load = context;
	load->change_count++;
	if (!load->cli->json) {
		tell_people(load, d);
		return;
	}
	json_t *change = json_pack("{s:s, s:o, s:s}", "table", d->table, "name", output_json_string(d->key), "change", sync_change_name(d->change));
	if (d->columns)
		json_object_set_new(change, "columns", output_json_string(d->columns));
	json_array_append_new(load->changes, change);
}

static enum error_code load_dictionary(struct load *load)
{
	enum error_code code =
		dictionary_sync(load->db, load->cli->catalogue, true, &load->arena, tell_change, load, &load->error);
	end_table(load);
	return code;
}

static enum error_code load_all(struct load *load)
{
	enum error_code code = take_lock(load);
	if (!code)
		code = run_text(load, "SET SESSION lock_wait_timeout = 60");
	if (!code)
		code = refuse_statement_log(load);
	if (!code)
		code = run_migrations(load);
	if (!code)
		code = run_grants(load);
	if (!code)
		code = run_text(load, "SET SESSION sql_mode = 'STRICT_ALL_TABLES'");
	if (!code)
		code = load_dictionary(load);
	if (!code)
		code = try_passwords(load);
	return code;
}

static void report(struct load *load)
{
	struct cli *cli = load->cli;
	if (cli->json)
		output_json_print(json_pack("{s:s, s:i, s:O, s:O}", "database", cli->conf->database.name, "version", DB_SCHEMA_VERSION_MAX, "migrations",
			load->applied, "changes", load->changes));
	else if (!json_array_size(load->applied) && !load->change_count)
		printf("database %s: nothing to do, it is at version %d and its dictionary equals the files\n", cli->conf->database.name,
			DB_SCHEMA_VERSION_MAX);
	else
		printf("database %s is at version %d; dictionary: %zu changes\n", cli->conf->database.name, DB_SCHEMA_VERSION_MAX, load->change_count);
}

int db_load(struct cli *cli, struct db *db, const char *password_directory, bool set_passwords)
{
	struct load load = {.cli = cli, .db = db, .password_directory = password_directory, .applied = json_array(), .changes = json_array(),
		.set_passwords = set_passwords, .added_names = ""};
	arena_init(&load.arena);
	load.directory = cli_sql_directory(cli, &load.arena);
	load.placeholders[load.placeholder_count++] = (struct sql_placeholder){.name = "@DATABASE@", .value = cli->conf->database.name};
	int status = CLI_OK;
	if (load_all(&load))
		status = cli_fail(cli, &load.error);
	else
		report(&load);
	json_decref(load.applied);
	json_decref(load.changes);
	arena_deinit(&load.arena); /* wipes the passwords */
	return status;
}
