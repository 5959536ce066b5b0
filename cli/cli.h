/* cli.h - what the verbs of the command `dialtone` share: its options, its exit codes, and the things that several of them open.
 *
 * A verb is a function of its own file; main.c lists them. It parses its arguments with cli_parse, opens what it needs with cli_need, and returns
 * an exit code. Messages go to stderr, results to stdout; secrets to neither unless the verb's purpose is to show them. */
#ifndef DIALTONE_CLI_H
#define DIALTONE_CLI_H

#include "arena.h"
#include "catalogue.h"
#include "conf.h"
#include "db.h"
#include "device.h"
#include "error.h"
#include "fingerprint.h"
#include "keyring.h"
#include "mac.h"
#include "token.h"

#include <stdbool.h>
#include <stddef.h>

/* Told in dialtone(1), EXIT STATUS. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FOUND = 1,         /* a check found something, a device lags */
	CLI_USAGE = 2,         /* bad arguments */
	CLI_UNKNOWN = 3,       /* no such device, no such file */
	CLI_NOT_RENDERED = 4,  /* a device that cannot be rendered */
	CLI_NOT_SERVED = 5,    /* the phone would get 404: disabled, or a file that we never have */
	CLI_CONFIG = 6,        /* configuration, key ring, templates or a file are wrong */
	CLI_DATABASE = 7,      /* the database is away, refused, or does not fit this program */
};

struct cli {
	/* options */
	const char *conf_path;   /* NULL: CONF_DEFAULT_PATH */
	const char *templates;   /* NULL: conf's */
	const char *sql;         /* NULL: see cli_sql_directory */
	const char *user, *password_file; /* NULL: conf's */
	bool json, help;
	bool color;              /* stdout is a terminal and NO_COLOR is not set */

	/* opened by cli_need; closed by main */
	struct conf *conf;
	struct catalogue *catalogue;
	struct keyring *keyring;
	struct token_maker *tokens;
	struct sealer *sealer;   /* of secrets */
	struct fingerprint_maker *fingerprints;
	struct db *db;           /* as [database] user */
	struct db *journal;      /* as [database] journal_user: who may read fetch_journal and device_state */
	struct db *courier;      /* as [courier] user: who may seal */
	struct store *store;

	const struct verb *verb;
	int status;              /* of the last failure, for `return cli->status` */
};

struct verb {
	const char *name;        /* "db upgrade" */
	const char *arguments;   /* "MAC [FILE] [--show-secrets]" */
	const char *summary;
	int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the verb's last word */
};

extern const struct verb cli_verbs[]; /* ends with a NULL name */

/* A verb's own option: exactly one of flag and value is not NULL. A table ends with a NULL name. */
struct cli_option {
	const char *name;
	bool *flag;
	const char **value;
};

/* Parse own and common options, which may stand anywhere. Leaves between min and max positional arguments in positional_r[0..max), NULL where
 * absent. False: told, cli->status is set. options may be NULL. */
bool cli_parse(struct cli *cli, int argc, char **argv, const struct cli_option *options, int min, int max, const char **positional_r);
/* "dialtone: MESSAGE" and the verb's usage line; returns CLI_USAGE, also in cli->status. */
int cli_usage(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Names to "; did you mean `x`?" or "". `buffer` is returned. */
const char *cli_did_you_mean(const char *name, const char *const *candidates, size_t count, char *buffer, size_t size);

/* The same as one word of the exit codes above. */
int cli_exit_of(enum error_code code);
/* "dialtone: message"; sets and returns cli->status. */
int cli_fail(struct cli *cli, const struct error *error);
void cli_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

enum cli_need {
	NEED_CONF = 1,
	NEED_CATALOGUE = 2,
	NEED_KEYS = 4,           /* key ring, both makers and the sealer */
	NEED_DB = 8,             /* connected as conf's user (or --user), schema checked */
	NEED_STORE = 16,         /* all of the above and the store */
	NEED_COURIER = 64,       /* connected as conf's [courier] user (or --user) */
	NEED_JOURNAL = 32,       /* connected as conf's journal_user (or --user) */
};

/* Open what is asked for and what that needs. False: told, cli->status is set. */
bool cli_need(struct cli *cli, unsigned what);
/* The configuration if there is one. Without -c, a default file that does not exist leaves conf NULL and is success. */
bool cli_conf_if_any(struct cli *cli);
const char *cli_templates_directory(const struct cli *cli);
/* Where migrations/ and grants.sql are: --sql, else `db` beside the templates directory if it has them, else the installed ones. Owned by the arena. */
const char *cli_sql_directory(const struct cli *cli, struct arena *arena);
/* Connect as `db init` and `db upgrade` do: root by the unix socket unless --user was given; schema not checked. name NULL: without a
 * database. NULL: told. */
struct db *cli_admin_db(struct cli *cli, const char *name);
/* NEED_JOURNAL if it can be had; else a note on stderr, and false. For what is better with the journal and goes without. */
bool cli_want_journal(struct cli *cli, const char *without);
void cli_close(struct cli *cli);

/* The MAC in any spelling, or told what is wrong with it. */
bool cli_mac(struct cli *cli, const char *text, struct mac *mac_r);

#endif
