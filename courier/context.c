/* context.c - what a courier opens, and how its jobs use the database. */
#include "courier.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static struct db *open_db(const struct conf *conf)
{
	const struct db_options options = {
		.hosts = conf->database.hosts,
		.name = conf->database.name,
		.user = conf->courier.user,
		.password_file = conf->courier.password_file,
		.tls_ca = conf->database.tls_ca,
		.connect_timeout = (unsigned)conf->database.connect_timeout,
		.read_timeout = (unsigned)conf->database.read_timeout,
		.check_schema = true,
	};
	return db_new(&options);
}

bool courier_load(struct courier *courier, const char *conf_path, int *exit_status_r, struct error *error)
{
	*courier = (struct courier){.conf_path = conf_path};
	arena_init(&courier->arena);
	*exit_status_r = EX_CONFIG;
	if (!(courier->conf = conf_load(conf_path, error)))
		goto fail;
	*exit_status_r = EX_NOPERM;
	if (!(courier->keyring = keyring_load_configured(courier->conf->keys.file, error)))
		goto fail;
	*exit_status_r = EX_DATAERR;
	if (!(courier->catalogue = catalogue_load(courier->conf->templates.directory, error)))
		goto fail;
	courier->sealer = sealer_new(courier->keyring);
	courier->tokens = token_maker_new(courier->keyring);
	courier->db = open_db(courier->conf);
	*exit_status_r = EX_OK;
	return true;
fail:
	courier_free(courier);
	return false;
}

bool courier_reload(struct courier *courier, struct error *error)
{
	struct courier fresh;
	int ignored;
	if (!courier_load(&fresh, courier->conf_path, &ignored, error))
		return false;
	fresh.failures = courier->failures;
	courier_free(courier);
	*courier = fresh;
	return true;
}

static void forget_statements(struct courier *courier)
{
	for (unsigned i = 0; i < courier->statement_count; i++)
		db_statement_free(&courier->statements[i].statement);
	courier->statement_count = 0;
}

void courier_free(struct courier *courier)
{
	forget_statements(courier);
	haproxy_map_free(&courier->haproxy_map);
	if (courier->db)
		db_free(&courier->db);
	token_maker_free(&courier->tokens);
	sealer_free(&courier->sealer);
	if (courier->catalogue)
		catalogue_free(&courier->catalogue);
	if (courier->keyring)
		keyring_free(&courier->keyring);
	if (courier->conf)
		conf_free(&courier->conf);
	arena_deinit(&courier->arena);
}

/* A row that is locked is put off, at once: then a DBA's open transaction holds up that row and not the courier, and as the courier never waits while it holds locks itself, it is never part of a
 * deadlock, for which the server might end the DBA's transaction. MySQL knows no shorter wait than a second. */
static const char session_sql[] = "SET SESSION innodb_lock_wait_timeout = IF(VERSION() LIKE '%MariaDB%', 0, 1)";

/* Under a wait of 0 a statement with SKIP LOCKED skips, and then MariaDB refuses the transaction's COMMIT: "Got error 1 during COMMIT", 1180, seen with 10.11.19. */
static const char patient_sql[] = "SET SESSION innodb_lock_wait_timeout = 1";

enum error_code courier_patient(struct courier *courier, bool patient, struct error *error)
{
	return patient ? db_run(courier->db, patient_sql, sizeof patient_sql - 1, error) : db_run(courier->db, session_sql, sizeof session_sql - 1, error);
}

enum error_code courier_connect(struct courier *courier, struct error *error)
{
	enum error_code code = db_connect(courier->db, error);
	if (!code && courier->generation != db_generation(courier->db))
		code = db_run(courier->db, session_sql, sizeof session_sql - 1, error);
	if (!code)
		courier->generation = db_generation(courier->db);
	return code;
}

struct db_statement *courier_statement(struct courier *courier, const char *sql)
{
	for (unsigned i = 0; i < courier->statement_count; i++)
		if (courier->statements[i].sql == sql)
			return courier->statements[i].statement;
	if (courier->statement_count == COURIER_STATEMENTS)
		abort(); /* sql is no constant */
	struct db_statement *statement = db_prepare(courier->db, sql);
	courier->statements[courier->statement_count].sql = sql;
	courier->statements[courier->statement_count++].statement = statement;
	return statement;
}

void courier_bind(struct db_statement *statement, unsigned index, const char *text)
{
	db_bind_text(statement, index, text, text ? strlen(text) : 0);
}

static enum error_code check_transaction(const struct courier *courier, struct error *error)
{
	if (courier->transaction && (!db_connected(courier->db) || db_generation(courier->db) != courier->transaction))
		return error_set(error, ERROR_DATABASE_GONE, "the connection was lost in a transaction");
	return ERROR_NONE;
}

enum error_code courier_execute(struct courier *courier, struct db_statement *statement, struct error *error)
{
	enum error_code code = check_transaction(courier, error);
	return code ? code : db_execute(statement, false, error);
}

enum error_code courier_begin(struct courier *courier, struct error *error)
{
	enum error_code code = db_run(courier->db, "START TRANSACTION", strlen("START TRANSACTION"), error);
	if (!code)
		courier->transaction = db_generation(courier->db);
	return code;
}

enum error_code courier_commit(struct courier *courier, struct error *error)
{
	enum error_code code = check_transaction(courier, error);
	if (!code)
		code = db_run(courier->db, "COMMIT", strlen("COMMIT"), error);
	courier->transaction = 0;
	return code;
}

void courier_rollback(struct courier *courier)
{
	struct error ignored;
	if (courier->transaction && !check_transaction(courier, &ignored))
		db_run(courier->db, "ROLLBACK", strlen("ROLLBACK"), &ignored);
	courier->transaction = 0;
}
