/* rotate_make.c - new secrets: of a device its token's generation or web passwords, of an account its SIP password. */
#include "rotate.h"

#include "device.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define BUSY 2        /* seconds: another transaction has the row, or the HA1 values are on their way */
#define HELD 60       /* seconds; the end of what holds it wakes it up before */

#define DUE "w.rotation_id = ? AND w.state IN ('waiting', 'held') AND w.due_at <= CURRENT_TIMESTAMP LIMIT ?"
#define LOCK(table) "SELECT id FROM " table " WHERE id = ? AND state IN ('waiting', 'held') FOR UPDATE NOWAIT"

static enum error_code move_device(struct courier *courier, const struct rotate_row *row, const char *state, long long seconds, const char *why, struct error *error)
{
	return rotate_move(courier, rotate_device_state_sql, row->id, state, seconds, why, error);
}

static enum error_code move_account(struct courier *courier, const struct rotate_row *row, const char *state, long long seconds, const char *why, struct error *error)
{
	return rotate_move(courier, rotate_account_state_sql, row->id, state, seconds, why, error);
}

/* ---- http */

/* Locks the device. 1: it has an older generation that still counts, and has not shown that it knows the current one: another one now would lock it out. A phone that proves itself by other
 * means than its token knows the current one when it has the current file. */
static const char outstanding_sql[] = "SELECT d.previous_generation IS NOT NULL AND d.previous_until > CURRENT_TIMESTAMP AND NOT EXISTS (SELECT 1 FROM device_state AS s"
	" WHERE s.mac = d.mac AND (s.generation = d.generation OR s.identity IN ('certificate', 'network')"
	" AND LEFT(s.inputs, 8) = (SELECT v.revision FROM device_revision AS v WHERE v.mac = d.mac)))"
	" FROM device AS d WHERE d.mac = ? AND d.tenant_id = ? FOR UPDATE NOWAIT";
/* The trigger takes a time that stays the same for one that was not given. */
static const char rotate_sql[] = "UPDATE device SET previous_until = IF(previous_until <=> CAST(? AS DATETIME), CAST(? AS DATETIME) - INTERVAL 1 SECOND, CAST(? AS DATETIME)),"
	" generation = DEFAULT WHERE mac = ?";
static const char revision_sql[] = "INSERT INTO rotation_revision (mac, revision) SELECT v.mac, v.revision FROM device_revision AS v WHERE v.mac = ?";
#define SINCE "(SELECT MAX(k.id) FROM rotation_revision AS k WHERE k.mac = "
#define MADE "UPDATE rotation_device SET state = 'made', made_at = UTC_TIMESTAMP(6), last_error = NULL, since = " SINCE "rotation_device.mac)"
static const char made_http_sql[] = MADE ", valid_until = CAST(? AS DATETIME), generation = (SELECT d.generation FROM device AS d WHERE d.mac = rotation_device.mac) WHERE id = ?";
static const char made_web_sql[] = MADE " WHERE id = ?";

/* Lock the device: 1 and what outstanding_sql says; 0: it is not ours now, and its row was moved; -1: *error. */
static int lock_device(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, long long *outstanding_r, struct error *error)
{
	const char *const keys[] = {row->mac, rotation->tenant_id};
	int found = rotate_ask(courier, outstanding_sql, keys, 2, outstanding_r, error);
	if (found < 0 && rotate_locked(courier, error))
		return move_device(courier, row, "waiting", BUSY, "its row is locked by another transaction", error) ? -1 : 0;
	if (!found)
		return move_device(courier, row, "gone", 0, NULL, error) ? -1 : 0;
	return found;
}

static enum error_code make_http(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	const char *until = rotation->expire_at ? rotation->expire_at : ROTATE_NEVER;
	long long outstanding;
	int locked = lock_device(courier, rotation, row, &outstanding, error);
	if (locked <= 0)
		return locked ? error->code : ERROR_NONE;
	if (outstanding)
		return move_device(courier, row, "held", HELD, NULL, error);
	enum error_code code = rotate_execute(courier, rotate_sql, (const char *const[]){until, until, until, row->mac}, 4, error);
	if (!code)
		code = rotate_execute(courier, revision_sql, &row->mac, 1, error);
	if (!code)
		code = rotate_execute_row(courier, made_http_sql, (const char *const[]){until}, 1, row->id, error);
	if (!code)
		log_info("rotation %lld: device %s has a new generation, the previous one counts until %s UTC", rotation->id, row->mac, until);
	return code;
}

const struct rotate_step rotate_make_http = {
	.find_sql = "SELECT w.id, w.mac, '', '', 0 FROM rotation_device AS w WHERE " DUE,
	.lock_sql = LOCK("rotation_device"),
	.put_off_sql = ROTATE_PUT_OFF("rotation_device"),
	.run = make_http,
};

/* ---- web */

static const char uses_sql[] = "SELECT COUNT(*) FROM device AS d JOIN model AS m ON m.model_id = d.model_id JOIN vendor_setting AS v ON v.vendor_id = m.vendor_id"
	" WHERE d.mac = ? AND v.name = ?";

static enum error_code make_web(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	long long ignored, uses;
	int locked = lock_device(courier, rotation, row, &ignored, error);
	enum error_code code = ERROR_NONE;
	if (locked <= 0)
		return locked ? error->code : ERROR_NONE;
	for (unsigned i = 0; !code && i < DEVICE_DERIVED; i++) {
		const char *const keys[] = {row->mac, device_derived_names[i], NULL};
		if (rotate_ask(courier, uses_sql, keys, 2, &uses, error) <= 0)
			return error->code;
		if (uses)
			code = rotate_new_secret(courier, "device_secret", keys, DEVICE_DERIVED_LENGTH, error);
	}
	if (!code)
		code = rotate_execute(courier, revision_sql, &row->mac, 1, error);
	if (!code)
		code = rotate_execute_row(courier, made_web_sql, NULL, 0, row->id, error);
	if (!code)
		log_info("rotation %lld: device %s has new web passwords", rotation->id, row->mac);
	return code;
}

const struct rotate_step rotate_make_web = {
	.find_sql = "SELECT w.id, w.mac, '', '', 0 FROM rotation_device AS w WHERE " DUE,
	.lock_sql = LOCK("rotation_device"),
	.put_off_sql = ROTATE_PUT_OFF("rotation_device"),
	.run = make_web,
};

/* ---- sip */

/* In the order in which a DBA's change of the password takes them: first the secret's row, then that of its HA1 values. */
static const char lock_secret_sql[] = "SELECT 1 FROM account_secret WHERE tenant_id = ? AND account_id = ? AND name = 'sip.password' FOR UPDATE NOWAIT";
static const char phones_sql[] = "SELECT COUNT(*) FROM account_route WHERE tenant_id = ? AND account_id = ? AND position > 0";
static const char older_sql[] = "SELECT COUNT(*) FROM rotation_account WHERE tenant_id = ? AND account_id = ? AND state = 'made'";
/* 1: the values are those of the current password. */
static const char lock_digest_sql[] = "SELECT g.realm IS NOT NULL AND g.version <=> (SELECT x.version FROM account_secret AS x WHERE x.tenant_id = g.tenant_id"
	" AND x.account_id = g.account_id AND x.name = 'sip.password') FROM account_digest AS g WHERE g.tenant_id = ? AND g.account_id = ? FOR UPDATE NOWAIT";
static const char overlap_sql[] = "UPDATE account_digest SET previous_realm = realm, previous_username = username, previous_ha1 = ha1, previous_ha1b = ha1b,"
	" previous_ha1_sha256 = ha1_sha256, previous_ha1b_sha256 = ha1b_sha256, previous_until = CAST(? AS DATETIME) WHERE tenant_id = ? AND account_id = ?";
static const char until_sql[] = "SELECT CAST(LEAST(CURRENT_TIMESTAMP + INTERVAL ? SECOND, CAST(? AS DATETIME)) AS CHAR(19))";
#define PHONES " FROM rotation_account AS w JOIN account_route AS a ON a.tenant_id = w.tenant_id AND a.account_id = w.account_id AND a.position > 0"
static const char phones_revision_sql[] = "INSERT INTO rotation_revision (mac, revision) SELECT DISTINCT v.mac, v.revision" PHONES
	" JOIN device_revision AS v ON v.mac = a.mac WHERE w.id = ?";
static const char phones_made_sql[] = "INSERT INTO rotation_device (rotation_id, mac, account_id, state, made_at, since)"
	" SELECT DISTINCT w.rotation_id, a.mac, w.account_id, 'made', UTC_TIMESTAMP(6), " SINCE "a.mac)" PHONES " WHERE w.id = ?"
	" ON DUPLICATE KEY UPDATE rotation_device.mac = rotation_device.mac";
static const char made_account_sql[] = "UPDATE rotation_account SET state = 'made', made_at = UTC_TIMESTAMP(6), last_error = NULL, valid_until = CAST(? AS DATETIME) WHERE id = ?";

static enum error_code overlap_end(struct courier *courier, const struct rotation *rotation, const char **until_r, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, until_sql);
	db_bind_int(statement, 0, rotation->overlap);
	courier_bind(statement, 1, rotation->expire_at ? rotation->expire_at : ROTATE_NEVER);
	int more = courier_execute(courier, statement, error) ? -1 : db_next(statement, error);
	if (more > 0)
		*until_r = arena_strdup(&courier->arena, db_column(statement, 0).text);
	db_done(statement);
	return more > 0 ? ERROR_NONE : error->code;
}

/* May it be changed now? 1: yes, and its rows are locked; 0: its row was moved; -1: *error. */
static int lock_account(struct courier *courier, const struct rotate_row *row, const char *const keys[2], struct error *error)
{
	long long value;
	int found = rotate_ask(courier, lock_secret_sql, keys, 2, &value, error);
	if (found < 0)
		return rotate_locked(courier, error) && !move_account(courier, row, "waiting", BUSY, "its password is locked by another transaction", error) ? 0 : -1;
	if (!found)
		return move_account(courier, row, "gone", 0, NULL, error) ? -1 : 0;
	if (rotate_ask(courier, phones_sql, keys, 2, &value, error) <= 0)
		return -1;
	if (!value)
		return move_account(courier, row, "skipped", 0, "no phone has a line of it, nobody would learn the new password", error) ? -1 : 0;
	if (rotate_ask(courier, older_sql, keys, 2, &value, error) <= 0)
		return -1;
	if (value)
		return move_account(courier, row, "held", HELD, NULL, error) ? -1 : 0;
	found = rotate_ask(courier, lock_digest_sql, keys, 2, &value, error);
	if (found < 0)
		return rotate_locked(courier, error) && !move_account(courier, row, "waiting", BUSY, "its HA1 values are at work", error) ? 0 : -1;
	if (!found || !value)
		return move_account(courier, row, "waiting", BUSY, "the HA1 values of its password are not made yet", error) ? -1 : 0;
	return 1;
}

/* Phone and registrar change in one moment: what the phone is told, the new HA1, and the old one for as long as it may take. */
static enum error_code make_sip(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	const char *const keys[] = {rotation->tenant_id, row->account_id, "sip.password"};
	const char *until = NULL;
	int locked = lock_account(courier, row, keys, error);
	if (locked <= 0)
		return locked ? error->code : ERROR_NONE;
	enum error_code code = overlap_end(courier, rotation, &until, error);
	if (!code)
		code = rotate_execute(courier, overlap_sql, (const char *const[]){until, keys[0], keys[1]}, 3, error);
	if (!code)
		code = rotate_new_secret(courier, "account_secret", keys, ROTATE_PASSWORD, error);
	if (!code)
		code = digest_account(courier, keys[0], keys[1], error);
	if (!code)
		code = rotate_execute_row(courier, phones_revision_sql, NULL, 0, row->id, error);
	if (!code)
		code = rotate_execute_row(courier, phones_made_sql, NULL, 0, row->id, error);
	if (!code)
		code = rotate_execute_row(courier, made_account_sql, (const char *const[]){until}, 1, row->id, error);
	if (!code)
		log_info("rotation %lld: account %s of tenant %s has a new password, the registrar takes the previous one too until %s UTC", rotation->id, keys[1], keys[0], until);
	return code;
}

const struct rotate_step rotate_make_sip = {
	.find_sql = "SELECT w.id, '', w.account_id, '', 0 FROM rotation_account AS w WHERE " DUE,
	.lock_sql = LOCK("rotation_account"),
	.put_off_sql = ROTATE_PUT_OFF("rotation_account"),
	.run = make_sip,
};
