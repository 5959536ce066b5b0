/* secret.c - `dialtone secret set`, `secret status`, `secret derive`. */
#include "cli.h"
#include "verbs.h"

#include "output.h"
#include "secret.h"
#include "wipe.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define SECRET_MAX 128u /* check_secret of the schema, which cannot look into a sealed one */

/* ---- set */

static const char *what_is_wrong(const char *secret, size_t length)
{
	if (!length || length > SECRET_MAX)
		return "has 1 to 128 characters";
	for (size_t i = 0; i < length; i++)
		if (secret[i] < ' ' || secret[i] > '~')
			return "is printable ASCII";
	return secret[0] == ' ' || secret[length - 1] == ' ' ? "has no blank at its ends" : NULL;
}

/* One line of standard input, without its line break; bytes beyond the room make it too long. By read(2): stdio would keep a copy in its buffer. */
static bool read_line(char *line_r, size_t room, size_t *length_r)
{
	size_t length = 0;
	ssize_t got;
	char c;
	while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		if (length < room)
			line_r[length++] = c;
	if (length && line_r[length - 1] == '\r')
		length--;
	*length_r = length;
	return got > 0 || (got == 0 && length);
}

static bool ask(const char *prompt, char *line_r, size_t room, size_t *length_r)
{
	struct termios old, quiet;
	bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
	if (terminal) {
		quiet = old;
		quiet.c_lflag &= (tcflag_t)~(ECHO | ECHONL);
		fputs(prompt, stderr);
		fflush(stderr);
		if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet))
			return false;
	}
	bool good = read_line(line_r, room, length_r);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fputc('\n', stderr);
	}
	return good;
}

/* From the terminal twice, without echo; from anything else one line. */
static bool read_secret(struct cli *cli, char secret_r[SECRET_MAX + 1], size_t *length_r)
{
	char again[SECRET_MAX + 1];
	size_t length = 0;
	bool good = ask("secret: ", secret_r, SECRET_MAX + 1, length_r);
	if (good && isatty(STDIN_FILENO)) {
		good = ask("once more: ", again, sizeof again, &length);
		if (good && (length != *length_r || memcmp(again, secret_r, length) != 0)) {
			cli_usage(cli, "the two are not equal");
			return false;
		}
	}
	wipe(again, sizeof again);
	const char *wrong = good ? what_is_wrong(secret_r, *length_r) : NULL;
	if (!good)
		cli_usage(cli, "no secret came from standard input");
	else if (wrong)
		cli_usage(cli, "a secret %s", wrong);
	return good && !wrong;
}

/* KEY of the command line to the columns of the primary key, which the secret is bound to: so they have to be spelled as they are stored. */
static bool take_keys(struct cli *cli, const struct secret_table *table, const char *key, const char *name, struct arena *arena, const char *keys_r[SECRET_KEYS])
{
	unsigned count = 0;
	struct mac mac;
	if (strcmp(table->keys[0], "mac") == 0) {
		if (!cli_mac(cli, key, &mac))
			return false;
		keys_r[count++] = arena_strdup(arena, mac.digits);
	} else if (strcmp(table->kind, "account") == 0) {
		const char *slash = strchr(key, '/');
		if (!slash)
			return cli_usage(cli, "which account? As TENANT/ACCOUNT"), false;
		keys_r[count++] = arena_copy(arena, key, (size_t)(slash - key));
		keys_r[count++] = arena_strdup(arena, slash + 1);
	} else {
		keys_r[count++] = key;
	}
	if (!name && strcmp(table->kind, "account") == 0)
		name = "sip.password";
	if (count < table->key_count && !name)
		return cli_usage(cli, "which secret of it? Give its NAME, such as phone.admin_password"), false;
	if (count < table->key_count)
		keys_r[count++] = name;
	for (unsigned i = 0; i < count; i++)
		if (!*keys_r[i] || strpbrk(keys_r[i], " \t"))
			return cli_usage(cli, "`%s` is no name: it is empty or has a blank", keys_r[i]), false;
	return true;
}

static void bind_text(struct db_statement *statement, unsigned index, const char *text)
{
	db_bind_text(statement, index, text, strlen(text));
}

static enum error_code replace(struct db *db, const struct secret_table *table, const char *const keys[], const void *sealed, size_t size, const char *key_id,
	unsigned long long *changed_r, struct error *error)
{
	unsigned char version[SECRET_VERSION];
	if (RAND_bytes(version, sizeof version) != 1)
		return error_set(error, ERROR_SYSTEM, "no random bytes from OpenSSL");
	struct db_statement *statement = db_prepare(db, table->replace_sql);
	db_bind_bytes(statement, 0, sealed, size);
	bind_text(statement, 1, key_id);
	/* Anything new tells the trigger that the secret is another one. */
	db_bind_bytes(statement, 2, version, sizeof version);
	for (unsigned i = 0; i < table->key_count; i++)
		bind_text(statement, 3 + i, keys[i]);
	enum error_code code = db_execute(statement, false, error);
	*changed_r = code ? 0 : db_affected(statement);
	db_statement_free(&statement);
	return code;
}

static enum error_code insert(struct db *db, const struct secret_table *table, const char *const keys[], const void *sealed, size_t size, const char *key_id, struct error *error)
{
	struct db_statement *statement = db_prepare(db, table->insert_sql);
	for (unsigned i = 0; i < table->key_count; i++)
		bind_text(statement, i, keys[i]);
	db_bind_bytes(statement, table->key_count, sealed, size);
	bind_text(statement, table->key_count + 1, key_id);
	enum error_code code = db_execute(statement, false, error);
	db_statement_free(&statement);
	return code;
}

static int set(struct cli *cli, const struct secret_table *table, const char *const keys[], const char *secret, size_t length)
{
	struct error error = {0};
	struct seal_place place = secret_place(table, keys);
	unsigned char sealed[SEAL_MAX];
	char where[SEAL_PLACE_TEXT];
	unsigned long long changed = 0;
	size_t size = seal_make(cli->sealer, &place, secret, length, table->pad, sealed, &error);
	if (!size)
		return cli_fail(cli, &error);
	struct db *db = cli_admin_db(cli, cli->conf->database.name);
	if (!db)
		return cli->status;
	const char *key_id = sealer_key_id(cli->sealer);
	enum error_code code = replace(db, table, keys, sealed, size, key_id, &changed, &error);
	if (!code && !changed)
		code = insert(db, table, keys, sealed, size, key_id, &error);
	db_free(&db);
	if (code)
		return cli_fail(cli, &error);
	if (cli->json)
		output_json_print(json_pack("{s:s, s:o, s:s, s:b}", "table", table->table, "name", output_json_string(place.name), "key_id", key_id, "new", !changed));
	else
		printf("%s is set, sealed under key %s\n", seal_place_text(&place, where), key_id);
	return CLI_OK;
}

int verb_secret_set(struct cli *cli, int argc, char **argv)
{
	const char *positional[3], *keys[SECRET_KEYS];
	char secret[SECRET_MAX + 1];
	size_t length;
	if (!cli_parse(cli, argc, argv, NULL, 2, 3, positional))
		return cli->status;
	const struct secret_table *table = secret_table_find(positional[0]);
	if (!table) {
		const char *kinds[16];
		char buffer[128], known[128] = "";
		unsigned count = 0;
		for (; count < secret_table_count && count < 16; count++) {
			kinds[count] = secret_tables[count].kind;
			size_t used = strlen(known);
			snprintf(known + used, sizeof known - used, "%s%s", count ? ", " : "", kinds[count]);
		}
		return cli_usage(cli, "no secrets are kept for `%s`; KIND is one of %s%s", positional[0], known,
			cli_did_you_mean(positional[0], kinds, count, buffer, sizeof buffer));
	}
	struct arena arena;
	arena_init(&arena);
	if (take_keys(cli, table, positional[1], positional[2], &arena, keys) && cli_need(cli, NEED_KEYS) && read_secret(cli, secret, &length))
		cli->status = set(cli, table, keys, secret, length);
	wipe(secret, sizeof secret);
	arena_deinit(&arena);
	return cli->status;
}

/* ---- status */

struct status {
	struct cli *cli;
	struct table *table;
	json_t *forms, *outbox;
	long long plain, older, waiting;
	struct error error;
};

static void tell_form(struct status *status, const struct secret_table *table, const char *key_id, long long count)
{
	bool newest = key_id && strcmp(key_id, sealer_key_id(status->cli->sealer)) == 0, known = false;
	for (unsigned i = 0; key_id && i < status->cli->keyring->count; i++)
		known |= strcmp(key_id, status->cli->keyring->keys[i].id) == 0;
	*(key_id ? &status->older : &status->plain) += newest ? 0 : count;
	const char *state = !key_id ? "plain" : newest ? "newest" : known ? "older" : "not in the key ring";
	table_cell(status->table, table->table);
	table_cell(status->table, key_id ? "sealed" : "plain");
	table_cell(status->table, key_id);
	table_cell(status->table, key_id ? state : "");
	table_cellf(status->table, "%lld", count);
	json_array_append_new(status->forms, json_pack("{s:s, s:s, s:s?, s:s?, s:I}", "table", table->table, "form", key_id ? "sealed" : "plain", "key_id", key_id,
		"key", key_id ? state : NULL, "count", (json_int_t)count));
}

static enum error_code count_table(struct status *status, const struct secret_table *table)
{
	struct db_statement *statement = db_prepare(status->cli->courier, table->count_sql);
	enum error_code code = db_execute(statement, true, &status->error);
	int more = 0;
	while (!code && (more = db_next(statement, &status->error)) > 0)
		tell_form(status, table, db_column(statement, 0).text, db_column_int(statement, 1));
	db_done(statement);
	db_statement_free(&statement);
	return code ? code : more < 0 ? status->error.code : ERROR_NONE;
}

static enum error_code count_outbox(struct status *status)
{
	struct db_statement *statement = db_prepare(status->cli->courier, "SELECT kind, COUNT(*), SUM(attempts > 0 AND last_error IS NOT NULL),"
		" CAST(MIN(created_at) AS CHAR(19)), MAX(last_error) FROM outbox GROUP BY kind ORDER BY kind");
	enum error_code code = db_execute(statement, true, &status->error);
	int more = 0;
	while (!code && (more = db_next(statement, &status->error)) > 0) {
		const char *kind = db_column(statement, 0).text, *since = db_column(statement, 3).text, *why = db_column(statement, 4).text;
		long long count = db_column_int(statement, 1), failed = db_column_int(statement, 2);
		status->waiting += count;
		json_array_append_new(status->outbox, json_pack("{s:s, s:I, s:I, s:s, s:o}", "kind", kind, "count", (json_int_t)count, "failed", (json_int_t)failed, "since", since,
			"last_error", output_json_string(why)));
		if (!status->cli->json)
			printf("outbox: %lld of kind %s wait since %s UTC%s%s\n", count, kind, since, why ? "; " : "", why ? why : "");
	}
	db_done(statement);
	db_statement_free(&statement);
	return code ? code : more < 0 ? status->error.code : ERROR_NONE;
}

int verb_secret_status(struct cli *cli, int argc, char **argv)
{
	if (!cli_parse(cli, argc, argv, NULL, 0, 0, NULL) || !cli_need(cli, NEED_KEYS | NEED_COURIER))
		return cli->status;
	struct status status = {.cli = cli, .table = table_new(5), .forms = json_array(), .outbox = json_array()};
	static const char *const heading[] = {"table", "form", "key", "which", "secrets"};
	for (unsigned i = 0; i < 5; i++)
		table_cell(status.table, heading[i]);
	table_heading(status.table);
	enum error_code code = ERROR_NONE;
	for (unsigned i = 0; !code && i < secret_table_count; i++)
		code = count_table(&status, &secret_tables[i]);
	if (!code && !cli->json)
		table_print(&status.table, cli->color);
	if (!code)
		code = count_outbox(&status);
	if (code)
		cli_fail(cli, &status.error);
	else if (cli->json)
		output_json_print(json_pack("{s:O, s:O, s:s}", "secrets", status.forms, "outbox", status.outbox, "newest", sealer_key_id(cli->sealer)));
	if (status.table)
		table_free(&status.table);
	json_decref(status.forms);
	json_decref(status.outbox);
	return code ? cli->status : status.plain || status.older || status.waiting ? CLI_FOUND : CLI_OK;
}

/* ---- derive */

int verb_secret_derive(struct cli *cli, int argc, char **argv)
{
	const char *tenant;
	if (!cli_parse(cli, argc, argv, NULL, 0, 1, &tenant) || !cli_need(cli, NEED_COURIER))
		return cli->status;
	struct error error = {0};
	struct db_statement *statement = db_prepare(cli->courier, "INSERT INTO outbox (kind, subject, key1) VALUES ('digest', 'account', ?)");
	bind_text(statement, 0, tenant ? tenant : "");
	enum error_code code = db_execute(statement, false, &error);
	db_statement_free(&statement);
	if (code)
		return cli_fail(cli, &error);
	if (cli->json)
		output_json_print(json_pack("{s:b, s:s?}", "queued", true, "tenant", tenant));
	else
		printf("the HA1 values of %s%s are made again by dialtone-courier; `dialtone secret status` tells what is left\n", tenant ? "tenant " : "all tenants", tenant ? tenant : "");
	return CLI_OK;
}
