/* audit.c - `dialtone audit`: who changed what, from the view audit_trail. Newest first. */
#include "cli.h"
#include "verbs.h"

#include "number.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIMIT_DEFAULT 200
#define LIMIT_MAX 1000000
#define SINCE_SIZE 20 /* "2026-11-30 12:00:00" */

/* The tables that 0009-audit.sql gives triggers to; tests/integration/test_db_audit.py compares. A deleted tenant or device leaves its trail, so those
 * names cannot be checked, but a mistyped table must not read as "nobody changed it". */
static const char *const tables[] = {
	"tenant", "site", "profile", "device", "account", "line", "line_key", "profile_key", "provider_setting", "tenant_setting", "site_setting",
	"profile_setting", "device_setting", "account_setting", "line_setting", "tenant_policy", "device_policy", "tenant_network", "enrolment",
	"certificate_denied", "tenant_secret", "device_secret", "account_secret", "device_password",
};
#define TABLE_COUNT (sizeof tables / sizeof *tables)

struct audit {
	struct cli *cli;
	const char *mac_text, *tenant, *since_text, *table, *limit_text;
	struct mac mac;
	char since[SINCE_SIZE];
	long long limit;
	struct table *output;
	json_t *list;
	size_t count;
	bool more; /* than the limit */
};

static void format_time(time_t at, char out[SINCE_SIZE])
{
	struct tm tm;
	gmtime_r(&at, &tm);
	strftime(out, SINCE_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
}

/* "90m", "12h", "7d": so long ago. */
static bool parse_ago(const char *text, char out[SINCE_SIZE])
{
	static const struct { char unit; long seconds; } units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}};
	char digits[8];
	size_t length = strlen(text);
	long long number;
	if (length < 2 || length > sizeof digits)
		return false;
	memcpy(digits, text, length - 1);
	digits[length - 1] = 0;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (text[length - 1] == units[i].unit && number_parse(digits, 0, 99999, &number)) {
			format_time(time(NULL) - (time_t)number * units[i].seconds, out);
			return true;
		}
	return false;
}

/* "2026-11-30", "2026-11-30 12:00", "2026-11-30T12:00:00Z": UTC, as everything here. */
static bool parse_time(const char *text, char out[SINCE_SIZE])
{
	static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%MZ",
		"%Y-%m-%dT%H:%M:%SZ"};
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct tm tm = {0};
		const char *end = strptime(text, formats[i], &tm);
		if (!end || *end || tm.tm_year < 100 || tm.tm_year > 8099)
			continue;
		int day = tm.tm_mday; /* timegm makes 3 March of 31 February */
		format_time(timegm(&tm), out);
		return tm.tm_mday == day;
	}
	return false;
}

static bool parse(struct audit *audit, int argc, char **argv)
{
	struct cli *cli = audit->cli;
	const struct cli_option options[] = {{"mac", NULL, &audit->mac_text}, {"tenant", NULL, &audit->tenant}, {"since", NULL, &audit->since_text},
		{"table", NULL, &audit->table}, {"limit", NULL, &audit->limit_text}, {NULL, NULL, NULL}};
	if (!cli_parse(cli, argc, argv, options, 0, 0, NULL) || (audit->mac_text && !cli_mac(cli, audit->mac_text, &audit->mac)))
		return false;
	if (audit->since_text && !parse_ago(audit->since_text, audit->since) && !parse_time(audit->since_text, audit->since)) {
		cli_usage(cli, "`%s` is no time: 7d, 12h, 30m, or 2026-11-30 12:00 in UTC", audit->since_text);
		return false;
	}
	audit->limit = LIMIT_DEFAULT;
	if (audit->limit_text && !number_parse(audit->limit_text, 1, LIMIT_MAX, &audit->limit)) {
		cli_usage(cli, "`%s` is no number within 1 to %d", audit->limit_text, LIMIT_MAX);
		return false;
	}
	for (size_t i = 0; audit->table && i < TABLE_COUNT; i++)
		if (strcmp(tables[i], audit->table) == 0)
			return true;
	if (audit->table) {
		char hint[64];
		cli_usage(cli, "no trail is kept of a table `%s`%s", audit->table, cli_did_you_mean(audit->table, tables, TABLE_COUNT, hint, sizeof hint));
	}
	return !audit->table;
}

enum { AT, ACCOUNT, HOST, CONNECTION, ACTION, TABLE_NAME, ROW, TENANT, MAC, OLD, NEW };

static void add_json(struct audit *audit, const struct db_statement *row)
{
	static const char *const keys[] = {[AT] = "at", [ACCOUNT] = "account", [HOST] = "host", [CONNECTION] = NULL, [ACTION] = "action",
		[TABLE_NAME] = "table", [ROW] = "row", [TENANT] = "tenant", [MAC] = "mac", [OLD] = "old", [NEW] = "new"};
	json_t *one = json_object();
	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
		if (keys[i])
			json_object_set_new(one, keys[i], output_json_string(db_column(row, i).text));
	json_object_set_new(one, "connection", json_integer(db_column_int(row, CONNECTION)));
	json_array_append_new(audit->list, one);
}

static void add_row(struct audit *audit, const struct db_statement *row)
{
	struct table *table = audit->output;
	if (!table_rows(table)) {
		const char *const names[] = {"AT (UTC)", "WHO", "WHAT", "ROW", "OLD", "NEW"};
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			table_cell(table, names[i]);
		table_heading(table);
	}
	table_cellf(table, "%.19s", db_column(row, AT).text);
	table_cellf(table, "%s@%s", db_column(row, ACCOUNT).text, db_column(row, HOST).text);
	table_cellf(table, "%s %s", db_column(row, ACTION).text, db_column(row, TABLE_NAME).text);
	table_cell(table, db_column(row, ROW).text);
	table_cell(table, db_column(row, OLD).text);
	table_cell(table, db_column(row, NEW).text);
}

static void bind_text(struct db_statement *statement, unsigned *index, const char *text)
{
	db_bind_text(statement, (*index)++, text, strlen(text));
}

static enum error_code read_trail(struct audit *audit, struct error *error)
{
	char sql[640];
	snprintf(sql, sizeof sql,
		"SELECT CAST(at AS CHAR(26)), account, host, connection, action, table_name, row_key, tenant_id, mac, old_value, new_value FROM audit_trail"
		" WHERE 1 = 1%s%s%s%s ORDER BY at DESC, id DESC LIMIT ?",
		audit->mac_text ? " AND mac = ?" : "", audit->tenant ? " AND tenant_id = ?" : "", audit->since_text ? " AND at >= ?" : "",
		audit->table ? " AND table_name = ?" : "");
	struct db_statement *statement = db_prepare(audit->cli->journal, sql);
	unsigned index = 0;
	if (audit->mac_text)
		bind_text(statement, &index, audit->mac.digits);
	if (audit->tenant)
		bind_text(statement, &index, audit->tenant);
	if (audit->since_text)
		bind_text(statement, &index, audit->since);
	if (audit->table)
		bind_text(statement, &index, audit->table);
	db_bind_int(statement, index, audit->limit + 1);
	enum error_code code = db_execute(statement, true, error);
	int got = 0;
	while (!code && (got = db_next(statement, error)) > 0) {
		if ((long long)audit->count == audit->limit) {
			audit->more = true;
			break;
		}
		audit->count++;
		if (audit->cli->json)
			add_json(audit, statement);
		else
			add_row(audit, statement);
	}
	db_done(statement);
	db_statement_free(&statement);
	return got < 0 ? error->code : code;
}

static void print(struct audit *audit)
{
	if (audit->cli->json) {
		output_json_print(json_pack("{s:O, s:b}", "changes", audit->list, "more", audit->more));
		return;
	}
	if (!audit->count)
		printf("no change is recorded\n");
	else
		table_print(&audit->output, audit->cli->color);
	if (audit->more)
		cli_message("there are more than %lld: older ones are left out (--limit, --since)", audit->limit);
}

int verb_audit(struct cli *cli, int argc, char **argv)
{
	struct audit audit = {.cli = cli};
	if (!parse(&audit, argc, argv) || !cli_need(cli, NEED_JOURNAL))
		return cli->status;
	audit.output = table_new(6);
	audit.list = json_array();
	struct error error = {0};
	int status = CLI_OK;
	if (read_trail(&audit, &error))
		status = cli_fail(cli, &error);
	else
		print(&audit);
	json_decref(audit.list);
	if (audit.output)
		table_free(&audit.output);
	return status;
}
