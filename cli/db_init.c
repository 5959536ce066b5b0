/* db_init.c - `dialtone db init`: schema, accounts, dictionary; harmless when all of it is there. */
#include "cli.h"
#include "verbs.h"

#include "db_load.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The database itself, by a connection that is in none. */
static bool create_database(struct cli *cli)
{
	struct db *db = cli_admin_db(cli, NULL);
	if (!db)
		return false;
	struct error error = {0};
	char *sql = xasprintf("CREATE DATABASE IF NOT EXISTS `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", cli->conf->database.name);
	bool good = db_run(db, sql, strlen(sql), &error) == ERROR_NONE;
	if (!good)
		cli_fail(cli, &error);
	free(sql);
	db_free(&db);
	return good;
}

int verb_db_init(struct cli *cli, int argc, char **argv)
{
	const char *password_directory = NULL;
	bool set_passwords = false;
	const struct cli_option options[] = {
		{"password-dir", NULL, &password_directory}, {"set-passwords", &set_passwords, NULL}, {NULL, NULL, NULL}};
	if (!cli_parse(cli, argc, argv, options, 0, 0, NULL))
		return cli->status;
	if (!password_directory)
		return cli_usage(cli, "--password-dir DIR is missing: where the service accounts' passwords are kept, or put if they are not there yet");
	if (!cli_need(cli, NEED_CONF | NEED_CATALOGUE) || !db_name_check(cli, cli->conf->database.name) || !create_database(cli))
		return cli->status;
	struct db *db = cli_admin_db(cli, cli->conf->database.name);
	if (!db)
		return cli->status;
	int status = db_load(cli, db, password_directory, set_passwords);
	db_free(&db);
	return status;
}
