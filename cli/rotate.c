/* rotate.c - `dialtone rotate`: ask for new secrets, look how far that is, stop it. The rows of `rotation` are the interface (0010-rotation.sql); dialtone-courier does the work. */
#include "cli.h"
#include "verbs.h"

#include "number.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 500

struct wanted {
	const char *what, *tenant, *site, *expire, *overlap, *cancel;
	const char *mac;         /* 12 digits */
	struct mac mac_room;
	char until[20];          /* "YYYY-MM-DD HH:MM:SS", UTC */
	long long seconds, id;
	bool list, stragglers, wait;
};

static void bind_text(struct db_statement *statement, unsigned index, const char *text)
{
	db_bind_text(statement, index, text, text ? strlen(text) : 0);
}

/* ---- arguments */

static bool usable_date(const char *text, char out[20])
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%d", &tm);
	if (rest && (*rest == ' ' || *rest == 'T'))
		rest = strptime(rest + 1, "%H:%M:%S", &tm);
	if (!rest || *rest)
		return false;
	/* 31 February is none, and strptime takes it. */
	struct tm same = tm;
	time_t at = timegm(&same);
	return at != (time_t)-1 && same.tm_mday == tm.tm_mday && strftime(out, 20, "%Y-%m-%d %H:%M:%S", &tm) == 19;
}

static bool check_start(struct cli *cli, struct wanted *wanted)
{
	static const char *const kinds[] = {"http", "sip", "web"};
	char hint[64];
	bool known = false;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		known |= strcmp(wanted->what, kinds[i]) == 0;
	if (!known)
		cli_usage(cli, "`%s` cannot be rotated: http, sip or web%s", wanted->what, cli_did_you_mean(wanted->what, kinds, 3, hint, sizeof hint));
	else if (!wanted->tenant && !wanted->mac)
		cli_usage(cli, wanted->site ? "--site needs its --tenant" : "whose? --tenant, --tenant and --site, or --mac");
	else if (wanted->site && wanted->mac)
		cli_usage(cli, "--site or --mac, not both");
	else if (wanted->mac && !cli_mac(cli, wanted->mac, &wanted->mac_room))
		return false;
	else if (wanted->expire && !usable_date(wanted->expire, wanted->until))
		cli_usage(cli, "`%s` is no date: YYYY-MM-DD or \"YYYY-MM-DD HH:MM:SS\", UTC", wanted->expire);
	else if (wanted->overlap && strcmp(wanted->what, "sip") != 0)
		cli_usage(cli, "--overlap is for sip; for %s give --expire", wanted->what);
	else if (wanted->overlap && !number_parse(wanted->overlap, 0, 31536000, &wanted->seconds))
		cli_usage(cli, "--overlap is a number of seconds up to a year, not `%s`", wanted->overlap);
	else
		return true;
	return false;
}

static bool parse(struct cli *cli, int argc, char **argv, struct wanted *wanted)
{
	const struct cli_option options[] = {
		{"tenant", NULL, &wanted->tenant}, {"site", NULL, &wanted->site}, {"mac", NULL, &wanted->mac}, {"expire", NULL, &wanted->expire},
		{"overlap", NULL, &wanted->overlap}, {"wait", &wanted->wait, NULL}, {"list", &wanted->list, NULL}, {"stragglers", &wanted->stragglers, NULL},
		{"cancel", NULL, &wanted->cancel}, {NULL, NULL, NULL}};
	if (!cli_parse(cli, argc, argv, options, 0, 1, &wanted->what))
		return false;
	int forms = (wanted->what != NULL) + wanted->list + wanted->stragglers + (wanted->cancel != NULL);
	bool start_only = wanted->site || wanted->mac || wanted->expire || wanted->overlap || wanted->wait;
	if (forms != 1)
		cli_usage(cli, forms ? "one of: what to rotate, --list, --stragglers, --cancel" : "what? http, sip or web; or --list, --stragglers, --cancel");
	else if (!wanted->what && (start_only || (wanted->cancel && wanted->tenant)))
		cli_usage(cli, "--site, --mac, --expire, --overlap and --wait go with http, sip or web; --tenant not with --cancel");
	else if (wanted->cancel && !number_parse(wanted->cancel, 1, INT64_MAX, &wanted->id))
		cli_usage(cli, "`%s` is no rotation's number: `dialtone rotate --list` shows them", wanted->cancel);
	else
		return !wanted->what || check_start(cli, wanted);
	return false;
}

/* ---- rotations as rows */

#define COLUMNS "id, what, tenant_id, site_id, mac, state, requested_by, CAST(requested_at AS CHAR(19)), CAST(finished_at AS CHAR(19)), CAST(expire_at AS CHAR(19))," \
	" total, waiting, held, stragglers, finished, given_up, skipped, last_error"
enum { ID, WHAT, TENANT, SITE, MAC, STATE, BY, AT, FINISHED_AT, EXPIRE_AT, TOTAL, WAITING, HELD, STRAGGLERS, FINISHED, GIVEN_UP, SKIPPED, LAST_ERROR };

/* A sum is a DECIMAL, which comes as text. */
static long long count(const struct db_statement *row, unsigned column)
{
	const char *text = db_column(row, column).text;
	return column == ID || column == STRAGGLERS || column == TOTAL ? db_column_int(row, column) : text ? strtoll(text, NULL, 10) : 0;
}

static json_t *rotation_json(const struct db_statement *row)
{
	return json_pack("{s:I, s:s, s:s, s:s?, s:s?, s:s, s:o, s:s?, s:s?, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "id", (json_int_t)count(row, ID), "what", db_column(row, WHAT).text,
		"tenant", db_column(row, TENANT).text, "site", db_column(row, SITE).text, "mac", db_column(row, MAC).text, "state", db_column(row, STATE).text, "requested_by",
		output_json_string(db_column(row, BY).text), "requested_at", db_column(row, AT).text, "finished_at", db_column(row, FINISHED_AT).text, "expire_at",
		db_column(row, EXPIRE_AT).text, "total", (json_int_t)count(row, TOTAL), "waiting", (json_int_t)count(row, WAITING), "held", (json_int_t)count(row, HELD), "stragglers",
		(json_int_t)count(row, STRAGGLERS), "finished", (json_int_t)count(row, FINISHED), "given_up", (json_int_t)count(row, GIVEN_UP), "skipped",
		(json_int_t)count(row, SKIPPED), "last_error", output_json_string(db_column(row, LAST_ERROR).text));
}

static void rotation_row(struct table *table, const struct db_statement *row)
{
	static const unsigned texts[] = {WHAT, TENANT, SITE, MAC, STATE, BY, AT}, counts[] = {TOTAL, WAITING, HELD, STRAGGLERS, FINISHED, GIVEN_UP, SKIPPED};
	table_cellf(table, "%lld", count(row, ID));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		table_cell(table, db_column(row, texts[i]).text);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		table_cellf(table, "%lld", count(row, counts[i]));
}

static struct table *headed(const char *const *names, unsigned columns)
{
	struct table *table = table_new(columns);
	for (unsigned i = 0; i < columns; i++)
		table_cell(table, names[i]);
	table_heading(table);
	return table;
}

static int list(struct cli *cli, const char *tenant)
{
	static const char *const names[] = {"ID", "WHAT", "TENANT", "SITE", "MAC", "STATE", "ASKED BY", "ASKED AT (UTC)", "ALL", "WAITING", "HELD", "STRAGGLERS", "FINISHED", "GIVEN UP", "SKIPPED"};
	struct error error = {0};
	struct db_statement *rows = db_prepare(cli->courier, "SELECT " COLUMNS " FROM rotation_state WHERE tenant_id = COALESCE(?, tenant_id) ORDER BY id");
	bind_text(rows, 0, tenant);
	json_t *array = json_array();
	struct table *table = headed(names, sizeof names / sizeof *names);
	enum error_code code = db_execute(rows, true, &error);
	int more = 0;
	while (!code && (more = db_next(rows, &error)) > 0) {
		if (cli->json)
			json_array_append_new(array, rotation_json(rows));
		rotation_row(table, rows);
		if (!cli->json && db_column(rows, LAST_ERROR).text)
			cli_message("rotation %lld: %s", count(rows, ID), db_column(rows, LAST_ERROR).text);
	}
	db_done(rows);
	db_statement_free(&rows);
	int status = code || more < 0 ? cli_fail(cli, &error) : CLI_OK;
	if (!status && cli->json)
		output_json_print(json_pack("{s:O}", "rotations", array));
	else if (!status && table_rows(table) > 1)
		table_print(&table, cli->color);
	else if (!status)
		printf("no rotation was asked for\n");
	if (table)
		table_free(&table);
	json_decref(array);
	return status;
}

/* ---- who has not come */

static int stragglers(struct cli *cli, const char *tenant)
{
	static const char *const names[] = {"ROTATION", "WHAT", "TENANT", "MAC", "ACCOUNT", "SITE", "MODEL", "STATE", "SINCE (UTC)", "OLD ONE COUNTS UNTIL", "LAST SEEN (UTC)", "ADDRESS", "RESULT"};
	static const char *const keys[] = {"rotation", "what", "tenant", "mac", "account", "site", "model", "state", "since", "valid_until", "last_seen", "address", "last_result"};
	enum { COUNT = sizeof names / sizeof *names };
	struct error error = {0};
	struct db_statement *rows = db_prepare(cli->courier, "SELECT rotation_id, what, tenant_id, mac, account_id, site_id, model_id, IF(enabled = 1, state, CONCAT(state, ', disabled')),"
		" CAST(since AS CHAR(19)), CAST(valid_until AS CHAR(19)), CAST(last_seen AS CHAR(19)), address, last_result FROM rotation_straggler"
		" WHERE tenant_id = COALESCE(?, tenant_id) ORDER BY rotation_id, mac, account_id");
	bind_text(rows, 0, tenant);
	json_t *array = json_array();
	struct table *table = headed(names, COUNT);
	enum error_code code = db_execute(rows, true, &error);
	int more = 0;
	while (!code && (more = db_next(rows, &error)) > 0) {
		json_t *one = json_pack("{s:I}", keys[0], (json_int_t)db_column_int(rows, 0));
		table_cellf(table, "%lld", db_column_int(rows, 0));
		for (unsigned i = 1; i < COUNT; i++) {
			table_cell(table, db_column(rows, i).text);
			json_object_set_new(one, keys[i], output_json_string(db_column(rows, i).text));
		}
		json_array_append_new(array, one);
	}
	db_done(rows);
	db_statement_free(&rows);
	size_t found = json_array_size(array);
	int status = code || more < 0 ? cli_fail(cli, &error) : found ? CLI_FOUND : CLI_OK;
	if (!error.code && cli->json)
		output_json_print(json_pack("{s:O}", "stragglers", array));
	else if (!error.code && found)
		table_print(&table, cli->color);
	else if (!error.code)
		printf("no phone is waited for\n");
	if (table)
		table_free(&table);
	json_decref(array);
	return status;
}

/* ---- start, wait, cancel */

static enum error_code insert(struct db *db, struct wanted *wanted, struct error *error)
{
	struct db_statement *statement = db_prepare(db, "INSERT INTO rotation (tenant_id, site_id, mac, what, expire_at, overlap) VALUES (?, ?, ?, ?, ?, ?)");
	bind_text(statement, 0, wanted->tenant ? wanted->tenant : "");
	bind_text(statement, 1, wanted->site);
	bind_text(statement, 2, wanted->mac ? wanted->mac_room.digits : NULL);
	bind_text(statement, 3, wanted->what);
	bind_text(statement, 4, wanted->expire ? wanted->until : NULL);
	bind_text(statement, 5, wanted->overlap);
	enum error_code code = db_execute(statement, false, error);
	db_statement_free(&statement);
	if (code)
		return code;
	statement = db_prepare(db, "SELECT LAST_INSERT_ID()");
	int more = db_execute(statement, true, error) ? -1 : db_next(statement, error);
	if (more > 0)
		wanted->id = db_column_int(statement, 0);
	db_done(statement);
	db_statement_free(&statement);
	return more > 0 ? ERROR_NONE : error->code;
}

static void tell_progress(const struct cli *cli, const struct db_statement *row)
{
	static char last[160];
	char line[sizeof last];
	snprintf(line, sizeof line, "rotation %lld: %lld of %lld finished, %lld wait, %lld held, %lld phones have not come", count(row, ID), count(row, FINISHED), count(row, TOTAL),
		count(row, WAITING), count(row, HELD), count(row, STRAGGLERS));
	if (!cli->json && strcmp(line, last) != 0)
		printf("%s\n", line);
	fflush(stdout);
	memcpy(last, line, sizeof last);
}

/* Until it is finished. 1: it is; 0: not yet; -1: *error. */
static int look(struct cli *cli, struct db_statement *row, long long id, int *status_r, struct error *error)
{
	db_bind_int(row, 0, id);
	int more = db_execute(row, true, error) ? -1 : db_next(row, error);
	if (more == 0)
		return error_set(error, ERROR_UNKNOWN, "there is no rotation %lld any more", id), -1;
	if (more < 0)
		return -1;
	tell_progress(cli, row);
	bool over = db_column(row, FINISHED_AT).text;
	if (over) {
		*status_r = strcmp(db_column(row, STATE).text, "finished") == 0 && !count(row, GIVEN_UP) ? CLI_OK : CLI_FOUND;
		if (cli->json)
			output_json_print(rotation_json(row));
		else
			printf("rotation %lld is %s\n", id, db_column(row, STATE).text);
	}
	db_done(row);
	return over;
}

static int wait_for(struct cli *cli, struct db *db, long long id)
{
	struct error error = {0};
	struct db_statement *row = db_prepare(db, "SELECT " COLUMNS " FROM rotation_state WHERE id = ?");
	int status = CLI_OK, over;
	while ((over = look(cli, row, id, &status, &error)) == 0) {
		const struct timespec pause = {LOOK_MS / 1000, LOOK_MS % 1000 * 1000000L};
		nanosleep(&pause, NULL);
	}
	db_statement_free(&row);
	return over < 0 ? cli_fail(cli, &error) : status;
}

static int start(struct cli *cli, struct db *db, struct wanted *wanted)
{
	struct error error = {0};
	if (insert(db, wanted, &error))
		return cli_fail(cli, &error);
	if (cli->json && !wanted->wait)
		output_json_print(json_pack("{s:I, s:s, s:s?, s:s?, s:s?}", "id", (json_int_t)wanted->id, "what", wanted->what, "tenant", wanted->tenant, "site", wanted->site, "mac",
			wanted->mac ? wanted->mac_room.digits : NULL));
	else if (!cli->json)
		printf("rotation %lld: dialtone-courier does it; `dialtone rotate --list` tells how far it is, --stragglers which phones have not come\n", wanted->id);
	return wanted->wait ? wait_for(cli, db, wanted->id) : CLI_OK;
}

static int cancel(struct cli *cli, struct db *db, long long id)
{
	struct error error = {0};
	struct db_statement *statement = db_prepare(db, "SELECT state FROM rotation WHERE id = ?");
	db_bind_int(statement, 0, id);
	int there = db_execute(statement, true, &error) ? -1 : db_next(statement, &error);
	bool open = there > 0 && strcmp(db_column(statement, 0).text, "open") == 0;
	char state[32] = "";
	if (there > 0)
		snprintf(state, sizeof state, "%s", db_column(statement, 0).text);
	db_done(statement);
	db_statement_free(&statement);
	if (there < 0)
		return cli_fail(cli, &error);
	if (!there)
		cli_message("there is no rotation %lld: `dialtone rotate --list` shows them", id);
	else if (!open)
		cli_message("rotation %lld is %s already", id, state);
	if (!open)
		return there ? CLI_DATABASE : CLI_UNKNOWN;
	statement = db_prepare(db, "UPDATE rotation SET state = 'cancelled' WHERE id = ?");
	db_bind_int(statement, 0, id);
	enum error_code code = db_execute(statement, false, &error);
	db_statement_free(&statement);
	if (code)
		return cli_fail(cli, &error);
	if (cli->json)
		output_json_print(json_pack("{s:I, s:s}", "id", (json_int_t)id, "state", "cancelled"));
	else
		printf("rotation %lld makes no more new secrets; phones that have one already are waited for, and their old one counts until then\n", id);
	return CLI_OK;
}

int verb_rotate(struct cli *cli, int argc, char **argv)
{
	struct wanted wanted = {0};
	if (!parse(cli, argc, argv, &wanted) || !cli_need(cli, wanted.list || wanted.stragglers ? NEED_COURIER : NEED_CONF))
		return cli->status;
	if (wanted.list || wanted.stragglers)
		return wanted.list ? list(cli, wanted.tenant) : stragglers(cli, wanted.tenant);
	struct db *db = cli_admin_db(cli, cli->conf->database.name);
	if (!db)
		return cli->status;
	int status = wanted.what ? start(cli, db, &wanted) : cancel(cli, db, wanted.id);
	db_free(&db);
	return status;
}
