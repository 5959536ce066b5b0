/* db_upgrade.c - `dialtone db upgrade`: pending migrations, grants, dictionary. */
#include "cli.h"
#include "verbs.h"

#include "db_load.h"

int verb_db_upgrade(struct cli *cli, int argc, char **argv)
{
	const char *password_directory = NULL;
	bool set_passwords = false;
	const struct cli_option options[] = {
		{"password-dir", NULL, &password_directory}, {"set-passwords", &set_passwords, NULL}, {NULL, NULL, NULL}};
	if (!cli_parse(cli, argc, argv, options, 0, 0, NULL))
		return cli->status;
	if (set_passwords && !password_directory)
		return cli_usage(cli, "--set-passwords needs --password-dir DIR: where the passwords are");
	if (!cli_need(cli, NEED_CONF | NEED_CATALOGUE) || !db_name_check(cli, cli->conf->database.name))
		return cli->status;
	struct db *db = cli_admin_db(cli, cli->conf->database.name);
	if (!db)
		return cli->status;
	int status = db_load(cli, db, password_directory, set_passwords);
	db_free(&db);
	return status;
}
