#include "why_neighbours.h"

#include "buf.h"
#include "output.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_MAX 65536
#define SITE_PHONES 200      /* of one site, looked at for their addresses */
#define SHOWN 10

size_t neighbours_make(const struct mac *mac, struct mac list_r[NEIGHBOURS_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t count = 0;
	for (unsigned place = 0; place < MAC_DIGITS; place++)
		for (unsigned d = 0; d < 16; d++) {
			list_r[count] = *mac;
			list_r[count].digits[place] = digits[d];
			if (digits[d] != mac->digits[place])
				count++;
		}
	for (unsigned place = 0; place + 1 < MAC_DIGITS; place++) {
		if (mac->digits[place] == mac->digits[place + 1])
			continue;
		list_r[count] = *mac;
		list_r[count].digits[place] = mac->digits[place + 1];
		list_r[count++].digits[place + 1] = mac->digits[place];
	}
	return count;
}

/* "before ('..', '..') after": MACs are hex digits, so they may stand in the text. */
static char *with_list(const char *before, const struct mac *list, size_t count, const char *after)
{
	struct buf sql;
	buf_init(&sql, SQL_MAX);
	buf_add_string(&sql, before);
	for (size_t i = 0; i < count; i++)
		buf_printf(&sql, "%s'%s'", i ? ", " : " (", list[i].digits);
	buf_add_string(&sql, ") ");
	buf_add_string(&sql, after);
	char *text = xstrdup(sql.data);
	buf_deinit(&sql);
	return text;
}

static bool is_device(struct cli *cli, const char *mac)
{
	struct db_statement *statement = db_prepare(cli->db, "SELECT 1 FROM device WHERE mac = ?");
	db_bind_text(statement, 0, mac, strlen(mac));
	bool found = db_execute(statement, true, NULL) == ERROR_NONE && db_next(statement, NULL) == 1;
	db_done(statement);
	db_statement_free(&statement);
	return found;
}

/* How the other MAC differs from this one: told to people. */
static const char *difference(const struct mac *mac, const char *other, char *text, size_t size)
{
	unsigned first = 0, differing = 0;
	for (unsigned i = 0; i < MAC_DIGITS; i++)
		if (mac->digits[i] != other[i] && differing++ == 0)
			first = i;
	if (differing == 1)
		snprintf(text, size, "digit %u is %c, not %c", first + 1, other[first], mac->digits[first]);
	else
		snprintf(text, size, "digits %u and %u are swapped", first + 1, first + 2);
	return text;
}

/* Columns: mac, at, result, address, user_agent. */
static void add_phone(struct story *story, const struct db_statement *row, const char *reason)
{
	json_array_append_new(story->similar, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "mac", db_column(row, 0).text, "reason", reason, "last_at",
		output_json_string(db_column(row, 1).text), "result", output_json_string(db_column(row, 2).text), "address",
		output_json_string(db_column(row, 3).text), "user_agent", output_json_string(db_column(row, 4).text)));
}

static bool told_already(const struct story *story, const char *mac)
{
	size_t i;
	json_t *one;
	json_array_foreach(story->similar, i, one)
		if (strcmp(json_string_value(json_object_get(one, "mac")), mac) == 0)
			return true;
	return false;
}

enum error_code neighbours_similar(struct cli *cli, const struct mac *mac, struct story *story, struct error *error)
{
	struct mac list[NEIGHBOURS_MAX];
	size_t count = neighbours_make(mac, list);
	char *sql = with_list("SELECT mac, CAST(at AS CHAR(19)), result, address, user_agent FROM fetch_journal WHERE mac IN", list, count,
		"ORDER BY at DESC LIMIT 1000");
	struct db_statement *statement = db_prepare(cli->journal, sql);
	enum error_code code = db_execute(statement, true, error);
	int more = 0;
	while (!code && (more = db_next(statement, error)) > 0) {
		const char *other = db_column(statement, 0).text;
		char reason[64];
		if (!told_already(story, other) && !is_device(cli, other))
			add_phone(story, statement, difference(mac, other, reason, sizeof reason));
	}
	db_done(statement);
	db_statement_free(&statement);
	free(sql);
	return more < 0 ? error->code : code;
}

static enum error_code site_phones(struct cli *cli, const struct mac *mac, struct mac *list, size_t *count_r, struct error *error)
{
	struct db_statement *statement = db_prepare(cli->db, "SELECT o.mac FROM device AS d JOIN device AS o ON o.tenant_id = d.tenant_id"
		" AND o.site_id <=> d.site_id AND o.mac <> d.mac WHERE d.mac = ? LIMIT 200");
	db_bind_text(statement, 0, mac->digits, MAC_DIGITS);
	enum error_code code = db_execute(statement, true, error);
	int more = 0;
	*count_r = 0;
	while (!code && *count_r < SITE_PHONES && (more = db_next(statement, error)) > 0)
		if (mac_parse(db_column(statement, 0).text, db_column(statement, 0).length, &list[*count_r]))
			++*count_r;
	db_done(statement);
	db_statement_free(&statement);
	return more < 0 ? error->code : code;
}

enum error_code neighbours_of_site(struct cli *cli, const struct mac *mac, struct story *story, struct error *error)
{
	struct mac list[SITE_PHONES];
	size_t count;
	enum error_code code = site_phones(cli, mac, list, &count, error);
	if (code || !count)
		return code;
	char *sql = with_list("SELECT j.mac, CAST(MAX(j.at) AS CHAR(19)), MAX(j.result), MAX(j.address), MAX(j.user_agent) FROM fetch_journal AS j"
		" WHERE j.at > UTC_TIMESTAMP() - INTERVAL 2 DAY AND j.mac IS NOT NULL AND j.address <> '' AND j.address IN"
		" (SELECT s.address FROM device_state AS s WHERE s.mac IN", list, count, ") GROUP BY j.mac ORDER BY MAX(j.at) DESC LIMIT 1000");
	struct db_statement *statement = db_prepare(cli->journal, sql);
	code = db_execute(statement, true, error);
	int more = 0;
	for (unsigned shown = 0; !code && shown < SHOWN && (more = db_next(statement, error)) > 0;) {
		const char *other = db_column(statement, 0).text;
		if (strcmp(other, mac->digits) == 0 || told_already(story, other) || is_device(cli, other))
			continue;
		add_phone(story, statement, "from the site's address");
		shown++;
	}
	db_done(statement);
	db_statement_free(&statement);
	free(sql);
	return more < 0 ? error->code : code;
}

enum error_code neighbours_known(struct cli *cli, const struct mac *mac, struct story *story, size_t *count_r, struct error *error)
{
	struct mac list[NEIGHBOURS_MAX];
	size_t count = neighbours_make(mac, list);
	char *sql = with_list("SELECT mac, tenant_id, model_id FROM device WHERE mac IN", list, count, "ORDER BY mac");
	struct db_statement *statement = db_prepare(cli->db, sql);
	enum error_code code = db_execute(statement, true, error);
	int more = 0;
	*count_r = 0;
	while (!code && (more = db_next(statement, error)) > 0) {
		const char *other = db_column(statement, 0).text;
		char reason[64];
		++*count_r;
		story_fact(story, "similar", STORY_NEUTRAL, "device %s (%s, tenant %s) differs: %s", other, db_column(statement, 2).text,
			db_column(statement, 1).text, difference(mac, other, reason, sizeof reason));
	}
	db_done(statement);
	db_statement_free(&statement);
	free(sql);
	return more < 0 ? error->code : code;
}
