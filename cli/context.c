/* context.c - opens what verbs need: configuration, templates, key ring, database. */
#include "cli.h"

#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Seconds: a person waits for an answer that may take many rows, a phone does not. */
#define READ_TIMEOUT 120
#define ADMIN_READ_TIMEOUT 3600

static bool open_conf(struct cli *cli)
{
	if (cli->conf)
		return true;
	struct error error = {0};
	cli->conf = conf_load(cli->conf_path ? cli->conf_path : CONF_DEFAULT_PATH, &error);
	if (!cli->conf)
		cli_fail(cli, &error);
	return cli->conf != NULL;
}

bool cli_conf_if_any(struct cli *cli)
{
	if (!cli->conf_path && access(CONF_DEFAULT_PATH, F_OK) != 0 && errno == ENOENT)
		return true;
	return open_conf(cli);
}

const char *cli_templates_directory(const struct cli *cli)
{
	if (cli->templates)
		return cli->templates;
	return cli->conf ? cli->conf->templates.directory : PKGDATADIR "/templates";
}

const char *cli_sql_directory(const struct cli *cli, struct arena *arena)
{
	if (cli->sql)
		return cli->sql;
	char *beside = arena_printf(arena, "%s/../db", cli_templates_directory(cli));
	if (access(arena_printf(arena, "%s/migrations", beside), R_OK | X_OK) == 0)
		return beside;
	return PKGDATADIR "/db";
}

static bool open_catalogue(struct cli *cli)
{
	if (cli->catalogue)
		return true;
	struct error error = {0};
	cli->catalogue = catalogue_load(cli_templates_directory(cli), &error);
	if (!cli->catalogue)
		cli_fail(cli, &error);
	return cli->catalogue != NULL;
}

static bool open_keys(struct cli *cli)
{
	if (cli->keyring)
		return true;
	struct error error = {0};
	cli->keyring = keyring_load_configured(cli->conf->keys.file, &error);
	if (!cli->keyring) {
		cli_fail(cli, &error);
		return false;
	}
	cli->tokens = token_maker_new(cli->keyring);
	cli->sealer = sealer_new(cli->keyring);
	cli->fingerprints = fingerprint_maker_new(cli->keyring);
	return true;
}

static struct db *connect_to(const struct db_options *options, struct error *error)
{
	struct db *db = db_new(options);
	if (db_connect(db, error))
		db_free(&db);
	return db;
}

/* --user takes the place of both accounts of the configuration. */
static struct db *service_db(struct cli *cli, const char *user, const char *password_file, struct error *error)
{
	const struct conf *conf = cli->conf;
	const struct db_options options = {
		.hosts = conf->database.hosts,
		.name = conf->database.name,
		.user = cli->user ? cli->user : user,
		.password_file = cli->user || cli->password_file ? cli->password_file : password_file,
		.tls_ca = conf->database.tls_ca,
		.connect_timeout = (unsigned)conf->database.connect_timeout,
		.read_timeout = READ_TIMEOUT,
		.check_schema = true,
	};
	return connect_to(&options, error);
}

static bool open_db(struct cli *cli)
{
	struct error error = {0};
	if (!cli->db)
		cli->db = service_db(cli, cli->conf->database.user, cli->conf->database.password_file, &error);
	if (!cli->db)
		cli_fail(cli, &error);
	return cli->db;
}

static bool try_journal(struct cli *cli, struct error *error)
{
	if (!cli->journal)
		cli->journal = service_db(cli, cli->conf->database.journal_user, cli->conf->database.journal_password_file, error);
	return cli->journal;
}

bool cli_want_journal(struct cli *cli, const char *without)
{
	struct error error = {0};
	if (try_journal(cli, &error))
		return true;
	cli_message("%s (%s)", without, error.message);
	return false;
}

static bool open_journal(struct cli *cli)
{
	struct error error = {0};
	if (try_journal(cli, &error))
		return true;
	cli_fail(cli, &error);
	return false;
}

/* The first unix: socket among the hosts, or NULL. */
static char *socket_among(const char *hosts)
{
	for (const char *host = hosts + strspn(hosts, " \t"); *host; host += strspn(host, " \t")) {
		size_t length = strcspn(host, " \t");
		if (strncmp(host, "unix:", 5) == 0)
			return xstrndup(host, length);
		host += length;
	}
	return NULL;
}

static bool open_courier(struct cli *cli)
{
	struct error error = {0};
	if (!cli->courier)
		cli->courier = service_db(cli, cli->conf->courier.user, cli->conf->courier.password_file, &error);
	if (!cli->courier)
		cli_fail(cli, &error);
	return cli->courier;
}

struct db *cli_admin_db(struct cli *cli, const char *name)
{
	const struct conf *conf = cli->conf;
	char *socket = cli->user ? NULL : socket_among(conf->database.hosts);
	if (!cli->user && !socket) {
		cli_usage(cli, "database.hosts names no unix socket for root to log in by: give --user (and --password-file) of an account with all rights");
		return NULL;
	}
	const struct db_options options = {
		.hosts = socket ? socket : conf->database.hosts,
		.name = name,
		.user = cli->user ? cli->user : "root",
		.password_file = cli->password_file,
		.tls_ca = conf->database.tls_ca,
		.connect_timeout = (unsigned)conf->database.connect_timeout,
		.read_timeout = ADMIN_READ_TIMEOUT,
	};
	struct error error = {0};
	struct db *db = connect_to(&options, &error);
	if (!db)
		cli_fail(cli, &error);
	free(socket);
	return db;
}

bool cli_need(struct cli *cli, unsigned what)
{
	if (what & NEED_STORE)
		what |= NEED_CATALOGUE | NEED_KEYS | NEED_DB;
	if ((what & (NEED_CONF | NEED_KEYS | NEED_DB | NEED_JOURNAL | NEED_COURIER)) && !open_conf(cli))
		return false;
	if ((what & NEED_CATALOGUE) && !open_catalogue(cli))
		return false;
	if ((what & NEED_KEYS) && !open_keys(cli))
		return false;
	if ((what & NEED_DB) && !open_db(cli))
		return false;
	if ((what & NEED_COURIER) && !open_courier(cli))
		return false;
	if ((what & NEED_JOURNAL) && !open_journal(cli))
		return false;
	if ((what & NEED_STORE) && !cli->store)
		cli->store = store_new(cli->db, cli->catalogue, NULL, cli->tokens, NULL, cli->sealer);
	return true;
}

void cli_close(struct cli *cli)
{
	store_free(&cli->store);
	db_free(&cli->db);
	db_free(&cli->journal);
	db_free(&cli->courier);
	fingerprint_maker_free(&cli->fingerprints);
	token_maker_free(&cli->tokens);
	sealer_free(&cli->sealer);
	keyring_free(&cli->keyring);
	catalogue_free(&cli->catalogue);
	conf_free(&cli->conf);
}
