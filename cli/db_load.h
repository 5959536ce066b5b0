/* db_load.h - what `db init` and `db upgrade` have in common. */
#ifndef DIALTONE_DB_LOAD_H
#define DIALTONE_DB_LOAD_H

#include "cli.h"

/* Migrations, grants, dictionary, in this order; tells what it did. password_directory NULL: accounts keep their passwords, and statements of
 * grants.sql that need one are left out. set_passwords: accounts that were there before get the directory's passwords. Returns an exit code. */
int db_load(struct cli *cli, struct db *db, const char *password_directory, bool set_passwords);

/* May `name` stand in SQL without a quote's trouble? Told if not. */
bool db_name_check(struct cli *cli, const char *name);

#endif
