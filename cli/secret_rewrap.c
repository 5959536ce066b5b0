/* secret_rewrap.c - `dialtone secret rewrap`: what is sealed under an older key is sealed under the newest.
 *
 * The secret stays the same, so does its version, and no revision moves. In the order of each table's key, a batch a transaction: broken off at any point, what was committed stays, and the next run
 * goes on with what is left. A row that became another secret in between is left alone: it is sealed under the newest key, or will be. */
#include "cli.h"
#include "verbs.h"

#include "output.h"
#include "secret.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BATCH 100

struct item {
	const char *keys[SECRET_KEYS];
	struct text sealed;
	const char *key_id;
	unsigned char version[SECRET_VERSION];
};

struct rewrap {
	struct cli *cli;
	const struct secret_table *table;
	struct db_statement *older, *write;
	struct arena arena;         /* of one batch */
	struct item items[BATCH];
	unsigned count;
	char last[SECRET_KEYS][256];/* the batch's last key */
	unsigned long long done, failed, of_table;
	struct error error;
};

static void bind_text(struct db_statement *statement, unsigned index, const char *text)
{
	db_bind_text(statement, index, text, strlen(text));
}

static const char *kept(struct rewrap *rewrap, unsigned column)
{
	struct db_column text = db_column(rewrap->older, column);
	return arena_copy(&rewrap->arena, text.text ? text.text : "", text.length);
}

static enum error_code read_batch(struct rewrap *rewrap)
{
	unsigned keys = rewrap->table->key_count;
	bind_text(rewrap->older, 0, sealer_key_id(rewrap->cli->sealer));
	for (unsigned i = 0; i < keys; i++)
		bind_text(rewrap->older, 1 + i, rewrap->last[i]);
	db_bind_int(rewrap->older, 1 + keys, BATCH);
	rewrap->count = 0;
	enum error_code code = db_execute(rewrap->older, true, &rewrap->error);
	int more = 0;
	while (!code && rewrap->count < BATCH && (more = db_next(rewrap->older, &rewrap->error)) > 0) {
		struct item *item = &rewrap->items[rewrap->count++];
		for (unsigned i = 0; i < keys; i++) {
			item->keys[i] = kept(rewrap, i);
			snprintf(rewrap->last[i], sizeof rewrap->last[i], "%s", item->keys[i]);
		}
		item->sealed.text = kept(rewrap, keys);
		item->sealed.length = (uint32_t)db_column(rewrap->older, keys).length;
		item->key_id = kept(rewrap, keys + 1);
		struct db_column version = db_column(rewrap->older, keys + 2);
		memcpy(item->version, version.text, version.length < SECRET_VERSION ? version.length : SECRET_VERSION);
	}
	db_done(rewrap->older);
	return code ? code : more < 0 ? rewrap->error.code : ERROR_NONE;
}

/* Open, seal, write. One that does not open is passed over here (tell_unopened). */
static enum error_code rewrap_one(struct rewrap *rewrap, const struct item *item)
{
	const struct secret_table *table = rewrap->table;
	struct seal_place place = secret_place(table, item->keys);
	unsigned char sealed[SEAL_MAX];
	struct text plain;
	if (seal_open(rewrap->cli->sealer, &rewrap->arena, &place, item->sealed.text, item->sealed.length, &plain, NULL))
		return ERROR_NONE;
	size_t size = seal_make(rewrap->cli->sealer, &place, plain.text, plain.length, table->pad, sealed, &rewrap->error);
	if (!size)
		return rewrap->error.code;
	db_bind_bytes(rewrap->write, 0, sealed, size);
	bind_text(rewrap->write, 1, sealer_key_id(rewrap->cli->sealer));
	for (unsigned i = 0; i < table->key_count; i++)
		bind_text(rewrap->write, 2 + i, item->keys[i]);
	db_bind_bytes(rewrap->write, 2 + table->key_count, item->version, SECRET_VERSION);
	bind_text(rewrap->write, 3 + table->key_count, item->key_id);
	return db_execute(rewrap->write, false, &rewrap->error);
}

static enum error_code run(struct rewrap *rewrap, const char *sql)
{
	return db_run(rewrap->cli->courier, sql, strlen(sql), &rewrap->error);
}

static enum error_code whole_batch(struct rewrap *rewrap)
{
	enum error_code code = run(rewrap, "START TRANSACTION");
	unsigned generation = db_generation(rewrap->cli->courier);
	for (unsigned i = 0; !code && i < rewrap->count; i++)
		code = rewrap_one(rewrap, &rewrap->items[i]);
	if (!code && generation != db_generation(rewrap->cli->courier))
		code = error_set(&rewrap->error, ERROR_DATABASE_GONE, "the connection was lost; run it again, it goes on where it was");
	if (!code)
		code = run(rewrap, "COMMIT");
	if (code && db_connected(rewrap->cli->courier))
		db_run(rewrap->cli->courier, "ROLLBACK", strlen("ROLLBACK"), NULL);
	return code;
}

/* The batch met a row that somebody holds: each by itself, and those that are held are left for the next run. */
static enum error_code one_by_one(struct rewrap *rewrap)
{
	for (unsigned i = 0; i < rewrap->count; i++) {
		enum error_code code = rewrap_one(rewrap, &rewrap->items[i]);
		if (code && !db_connected(rewrap->cli->courier))
			return code;
		if (code) {
			cli_message("%s %s: %s", rewrap->table->table, rewrap->items[i].keys[0], rewrap->error.message);
			rewrap->failed++;
		}
	}
	return ERROR_NONE;
}

/* Which of the batch do not open? Told once it is written. */
static void tell_unopened(struct rewrap *rewrap)
{
	for (unsigned i = 0; i < rewrap->count; i++) {
		const struct item *item = &rewrap->items[i];
		struct seal_place place = secret_place(rewrap->table, item->keys);
		struct error error = {0};
		struct text plain;
		if (!seal_open(rewrap->cli->sealer, &rewrap->arena, &place, item->sealed.text, item->sealed.length, &plain, &error))
			continue;
		cli_message("%s", error.message);
		rewrap->failed++;
	}
}

static enum error_code rewrap_table(struct rewrap *rewrap)
{
	enum error_code code;
	memset(rewrap->last, 0, sizeof rewrap->last);
	rewrap->of_table = 0;
	do {
		unsigned long long failed = rewrap->failed;
		arena_clear(&rewrap->arena);
		code = read_batch(rewrap);
		if (code || !rewrap->count)
			break;
		code = whole_batch(rewrap);
		if (code && db_connected(rewrap->cli->courier))
			code = one_by_one(rewrap);
		if (!code)
			tell_unopened(rewrap);
		rewrap->of_table += rewrap->count - (rewrap->failed - failed);
		if (!code && isatty(STDERR_FILENO))
			fprintf(stderr, "\r%s: %llu", rewrap->table->table, rewrap->of_table);
	} while (!code && rewrap->count == BATCH);
	if (rewrap->of_table && isatty(STDERR_FILENO))
		fputc('\n', stderr);
	rewrap->done += rewrap->of_table;
	return code;
}

static enum error_code rewrap_all(struct rewrap *rewrap, json_t *tables)
{
	enum error_code code = ERROR_NONE;
	for (unsigned i = 0; !code && i < secret_table_count; i++) {
		rewrap->table = &secret_tables[i];
		rewrap->older = db_prepare(rewrap->cli->courier, rewrap->table->older_sql);
		rewrap->write = db_prepare(rewrap->cli->courier, rewrap->table->rewrap_sql);
		code = rewrap_table(rewrap);
		db_statement_free(&rewrap->older);
		db_statement_free(&rewrap->write);
		json_object_set_new(tables, rewrap->table->table, json_integer((json_int_t)rewrap->of_table));
	}
	return code;
}

int verb_secret_rewrap(struct cli *cli, int argc, char **argv)
{
	if (!cli_parse(cli, argc, argv, NULL, 0, 0, NULL) || !cli_need(cli, NEED_KEYS | NEED_COURIER))
		return cli->status;
	static struct rewrap rewrap;
	rewrap = (struct rewrap){.cli = cli};
	arena_init(&rewrap.arena);
	json_t *tables = json_object();
	/* As the courier does (courier/context.c): never wait for a lock, so that no DBA's transaction meets a deadlock. */
	enum error_code code = run(&rewrap, "SET SESSION innodb_lock_wait_timeout = IF(VERSION() LIKE '%MariaDB%', 0, 1)");
	if (!code)
		code = rewrap_all(&rewrap, tables);
	if (code)
		cli_fail(cli, &rewrap.error);
	else if (cli->json)
		output_json_print(json_pack("{s:s, s:O, s:I}", "key_id", sealer_key_id(cli->sealer), "rewrapped", tables, "failed", (json_int_t)rewrap.failed));
	else
		printf("%llu secrets rewrapped under key %s%s\n", rewrap.done, sealer_key_id(cli->sealer), rewrap.failed ? "; those named above were not" : "");
	json_decref(tables);
	arena_deinit(&rewrap.arena);
	return code ? cli->status : rewrap.failed ? CLI_FOUND : CLI_OK;
}
