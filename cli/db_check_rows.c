/* db_check_rows.c - dictionary, values, retired names, and what the server itself should have. */
#include "db_check.h"

#include "dictionary_sync.h"
#include "setting.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 20 /* of one table's differences, one by one */

/* ---- dictionary ---- */

struct differences {
	struct db_check *check;
	const char *table;
	size_t count;
};

static void end_table(struct differences *differences)
{
	if (differences->count > SHOWN)
		db_check_problem(differences->check, "dictionary", "table %s: and %zu more", differences->table, differences->count - SHOWN);
	differences->count = 0;
}

static void each_difference(void *context, const struct sync_difference *d)
{
	static const char *const words[] = {
		[SYNC_ADD] = "is in the files, not in the table",
		[SYNC_CHANGE] = "differs",
		[SYNC_RETIRE] = "is no longer in the files",
		[SYNC_REMOVE] = "is no longer in the files",
	};
	struct differences *differences = context;
	if (differences->table != d->table)
		end_table(differences);
	differences->table = d->table;
	if (differences->count++ < SHOWN)
		db_check_problem(differences->check, "dictionary", "table %s: %s %s%s%s%s", d->table, d->key, words[d->change], d->columns ? " in " : "",
			d->columns ? d->columns : "", differences->count == 1 ? ": run `dialtone db upgrade`" : "");
}

enum error_code db_check_dictionary(struct db_check *check)
{
	struct differences differences = {.check = check};
	enum error_code code = dictionary_sync(check->db, check->cli->catalogue, false, &check->arena, each_difference, &differences, &check->error);
	end_table(&differences);
	return code;
}

/* ---- values ---- */

/* Columns: table, whose, name, value. */
static void each_value(struct db_check *check, const struct db_statement *row)
{
	const struct catalogue *catalogue = check->cli->catalogue;
	struct db_column name = db_column(row, 2), value = db_column(row, 3);
	const struct setting *setting = dictionary_find(catalogue->dictionary, name.text, name.length);
	struct error error = {0};
	if (!setting)
		db_check_problem(check, "values", "%s %s: `%s` is no longer a setting: it has no effect", db_column(row, 0).text, db_column(row, 1).text,
			name.text);
	else if (value.text && setting_check(setting, catalogue->timezones, value.text, value.length, &error))
		db_check_problem(check, "values", "%s %s: %s", db_column(row, 0).text, db_column(row, 1).text, error.message);
}

enum error_code db_check_values(struct db_check *check)
{
	return db_check_query(check,
		"SELECT CAST('provider_setting' AS CHAR(32)), CAST('' AS CHAR(300)), name, value FROM provider_setting WHERE vendor = ''"
		" UNION ALL SELECT 'tenant_setting', tenant_id, name, value FROM tenant_setting WHERE vendor = ''"
		" UNION ALL SELECT 'site_setting', CONCAT(tenant_id, '/', site_id), name, value FROM site_setting WHERE vendor = ''"
		" UNION ALL SELECT 'profile_setting', CONCAT(tenant_id, '/', profile_id), name, value FROM profile_setting WHERE vendor = ''"
		" UNION ALL SELECT 'device_setting', mac, name, value FROM device_setting WHERE vendor = ''"
		" UNION ALL SELECT 'account_setting', CONCAT(tenant_id, '/', account_id), name, value FROM account_setting WHERE vendor = ''"
		" UNION ALL SELECT 'line_setting', CONCAT(mac, '/', position), name, value FROM line_setting WHERE vendor = ''"
		" UNION ALL SELECT 'tenant_secret', tenant_id, name, NULL FROM tenant_secret"
		" UNION ALL SELECT 'device_secret', mac, name, NULL FROM device_secret"
		" UNION ALL SELECT 'account_secret', CONCAT(tenant_id, '/', account_id), name, NULL FROM account_secret",
		each_value);
}

/* ---- retired names in use ---- */

/* Columns: what, name, count, of what. */
static void each_retired(struct db_check *check, const struct db_statement *row)
{
	db_check_problem(check, "retired", "%s %s is no longer in the files, and %lld %s it", db_column(row, 0).text, db_column(row, 1).text,
		db_column_int(row, 2), db_column(row, 3).text);
}

enum error_code db_check_retired(struct db_check *check)
{
	return db_check_query(check,
		"SELECT CAST('model' AS CHAR(16)), m.model_id, COUNT(*), 'devices are of'"
		" FROM model AS m JOIN device AS d ON d.model_id = m.model_id WHERE m.retired = 1 GROUP BY m.model_id",
		each_retired);
}

/* ---- server ---- */

/* Columns: days from today to the end of the last partition by time, whether there is one, of which table. */
static void each_partition(struct db_check *check, const struct db_statement *row)
{
	const char *table = db_column(row, 2).text, *procedure = strcmp(table, "audit") == 0 ? "audit_partitions" : "journal_partitions";
	if (!db_column_int(row, 1))
		db_check_hint(check, "journal", "%s has no partition by time yet: the journal process makes them (CALL %s)", table, procedure);
	else if (db_column_int(row, 0) < 1)
		db_check_problem(check, "journal", "%s's partitions by time have ended: is dialtone-fcgi running? (CALL %s)", table, procedure);
}

/* Columns: bytes of the buffer pool, bytes of tables without the journal. */
static void each_size(struct db_check *check, const struct db_statement *row)
{
	long long pool = db_column_int(row, 0), data = db_column_int(row, 1);
	if (data > pool / 4 * 3)
		db_check_hint(check, "server", "innodb_buffer_pool_size is %lld MiB, the configuration's tables are %lld MiB: they should fit with room to spare",
			pool >> 20, data >> 20);
}

/* Columns: the format of the binary log; no row if there is no log. */
static void each_log(struct db_check *check, const struct db_statement *row)
{
	const char *format = db_column(row, 0).text;
	if (strcmp(format, "STATEMENT") == 0)
		db_check_problem(check, "server", "binlog_format is STATEMENT: programs and DBAs can change nothing; set binlog_format = ROW and restart the programs");
	else if (strcmp(format, "ROW") != 0)
		db_check_hint(check, "server", "binlog_format is %s: DBAs wait for each other's open transactions; set binlog_format = ROW", format);
}

enum error_code db_check_server(struct db_check *check)
{
	enum error_code code = db_check_query(check,
		"SELECT CAST(COALESCE(MAX(CAST(NULLIF(PARTITION_DESCRIPTION, 'MAXVALUE') AS SIGNED)), 0) - TO_DAYS(UTC_DATE()) AS SIGNED), COUNT(*) - 1, TABLE_NAME"
		" FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('fetch_journal', 'audit') GROUP BY TABLE_NAME",
		each_partition);
	if (!code)
		code = db_check_query(check,
			"SELECT CAST(@@innodb_buffer_pool_size AS SIGNED), CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS SIGNED)"
			" FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT IN ('fetch_journal', 'journal_loss', 'audit')",
			each_size);
	if (!code)
		code = db_check_query(check, "SELECT @@GLOBAL.binlog_format FROM DUAL WHERE @@log_bin = 1", each_log);
	return code;
}
