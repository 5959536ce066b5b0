/* rotate_watch.c - which phones have come, whose time is over, and which rotations are finished. */
#include "rotate.h"

#include "log.h"

#include <string.h>

#define DUE "w.due_at <= CURRENT_TIMESTAMP" /* not put off */
#define LOCK_MADE "SELECT id FROM rotation_device WHERE id = ? AND state = 'made' FOR UPDATE NOWAIT"
#define LEFT_WAITING "SELECT id FROM rotation_device WHERE id = ? AND state IN ('waiting', 'held', 'made') FOR UPDATE NOWAIT"

/* A device that was held back by this change may have its own now. */
static const char wake_device_sql[] = "UPDATE rotation_device SET state = 'waiting', due_at = CURRENT_TIMESTAMP WHERE mac = ? AND state = 'held'";
static const char wake_account_sql[] = "UPDATE rotation_account SET state = 'waiting', due_at = CURRENT_TIMESTAMP WHERE tenant_id = ? AND account_id = ? AND state = 'held'";

static const char forget_revisions_sql[] = "DELETE FROM rotation_revision WHERE mac = ? AND NOT EXISTS (SELECT 1 FROM rotation_device AS w WHERE w.mac = rotation_revision.mac"
	" AND w.state = 'made')";

static enum error_code end_device(struct courier *courier, const struct rotate_row *row, const char *state, struct error *error)
{
	enum error_code code = rotate_move(courier, rotate_device_state_sql, row->id, state, 0, NULL, error);
	if (!code)
		code = rotate_execute(courier, forget_revisions_sql, &row->mac, 1, error);
	return code ? code : rotate_execute(courier, wake_device_sql, &row->mac, 1, error);
}

/* ---- http: the phone has used the new generation */

/* The device must still be of the generation that was seen in use; previous_until NULL too, so that a later change can set any. */
static const char forget_sql[] = "UPDATE device SET previous_generation = NULL, previous_until = NULL WHERE mac = ? AND generation = ? AND previous_generation IS NOT NULL";

static enum error_code come_http(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	enum error_code code = row->gone ? ERROR_NONE : rotate_execute(courier, forget_sql, (const char *const[]){row->mac, row->generation}, 2, error);
	if (!code)
		code = end_device(courier, row, row->gone ? "gone" : "finished", error);
	if (!code)
		log_info("rotation %lld: device %s %s", rotation->id, row->mac, row->gone ? "is gone" : "uses its new generation, the previous one is over");
	return code;
}

/* What a file was made of begins with the device's revision: that of the change, or any that came after it. A phone that proves itself by other means than a token shows by having such a
 * file that it has the new token. */
#define HAS_FILE "(LEFT(s.inputs, 8) = v.revision OR EXISTS (SELECT 1 FROM rotation_revision AS k WHERE k.mac = w.mac AND k.revision = LEFT(s.inputs, 8) AND k.id >= w.since))"

static const struct rotate_step came_http = {
	.find_sql = "SELECT w.id, w.mac, '', COALESCE(d.generation, ''), d.mac IS NULL FROM rotation_device AS w JOIN rotation AS r ON r.id = w.rotation_id"
		" LEFT JOIN device AS d ON d.mac = w.mac AND d.tenant_id = r.tenant_id LEFT JOIN device_revision AS v ON v.mac = w.mac"
		" WHERE w.rotation_id = ? AND w.state = 'made' AND " DUE " AND (d.mac IS NULL OR EXISTS (SELECT 1 FROM device_state AS s WHERE s.mac = w.mac AND (s.generation = d.generation"
		" OR s.identity IN ('certificate', 'network') AND " HAS_FILE "))) LIMIT ?",
	.lock_sql = LOCK_MADE,
	.put_off_sql = ROTATE_PUT_OFF("rotation_device"),
	.run = come_http,
};

/* Somebody has changed expire_at: the old generation's end goes with it, unless somebody has set that too. */
static const char move_end_sql[] = "UPDATE device AS d JOIN rotation_device AS w ON w.mac = d.mac AND w.generation = d.generation JOIN rotation AS r ON r.id = w.rotation_id"
	" SET d.previous_until = COALESCE(r.expire_at, CAST('" ROTATE_NEVER "' AS DATETIME))"
	" WHERE w.id = ? AND d.previous_generation IS NOT NULL AND (d.previous_until = w.valid_until OR d.previous_until = w.valid_until - INTERVAL 1 SECOND)";
static const char moved_end_sql[] = "UPDATE rotation_device AS w JOIN rotation AS r ON r.id = w.rotation_id SET w.valid_until = COALESCE(r.expire_at, CAST('" ROTATE_NEVER "' AS DATETIME))"
	" WHERE w.id = ?";

static enum error_code move_end(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	(void)rotation;
	enum error_code code = rotate_execute_row(courier, move_end_sql, NULL, 0, row->id, error);
	return code ? code : rotate_execute_row(courier, moved_end_sql, NULL, 0, row->id, error);
}

static const struct rotate_step moved_http = {
	.find_sql = "SELECT w.id, w.mac, '', '', 0 FROM rotation_device AS w JOIN rotation AS r ON r.id = w.rotation_id WHERE w.rotation_id = ? AND w.state = 'made'"
		" AND " DUE " AND w.valid_until <> COALESCE(r.expire_at, CAST('" ROTATE_NEVER "' AS DATETIME)) LIMIT ?",
	.lock_sql = LOCK_MADE,
	.put_off_sql = ROTATE_PUT_OFF("rotation_device"),
	.run = move_end,
};

/* ---- sip and web: a file that was made after the change was delivered */

static enum error_code come_file(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	enum error_code code = end_device(courier, row, row->gone ? "gone" : "finished", error);
	if (!code)
		log_info("rotation %lld: device %s %s%s", rotation->id, row->mac, row->gone ? "is gone" : "has its new file", *row->account_id ? row->account_id : "");
	return code;
}

static const struct rotate_step came_web = {
	.find_sql = "SELECT w.id, w.mac, '', '', d.mac IS NULL FROM rotation_device AS w JOIN rotation AS r ON r.id = w.rotation_id"
		" LEFT JOIN device AS d ON d.mac = w.mac AND d.tenant_id = r.tenant_id LEFT JOIN device_revision AS v ON v.mac = w.mac"
		" WHERE w.rotation_id = ? AND w.state = 'made' AND " DUE " AND (d.mac IS NULL OR EXISTS (SELECT 1 FROM device_state AS s WHERE s.mac = w.mac AND " HAS_FILE ")) LIMIT ?",
	.lock_sql = LOCK_MADE,
	.put_off_sql = ROTATE_PUT_OFF("rotation_device"),
	.run = come_file,
};

#define NO_LINE "NOT EXISTS (SELECT 1 FROM account_route AS a WHERE a.tenant_id = r.tenant_id AND a.account_id = w.account_id AND a.mac = w.mac)"

static const struct rotate_step came_sip = {
	.find_sql = "SELECT w.id, w.mac, w.account_id, '', " NO_LINE " FROM rotation_device AS w JOIN rotation AS r ON r.id = w.rotation_id LEFT JOIN device_revision AS v ON v.mac = w.mac"
		" WHERE w.rotation_id = ? AND w.state = 'made' AND " DUE " AND (" NO_LINE " OR EXISTS (SELECT 1 FROM device_state AS s WHERE s.mac = w.mac AND " HAS_FILE ")) LIMIT ?",
	.lock_sql = LOCK_MADE,
	.put_off_sql = ROTATE_PUT_OFF("rotation_device"),
	.run = come_file,
};

/* ---- sip: both passwords count no longer than they must */

static const char end_overlap_sql[] = "UPDATE account_digest SET previous_realm = NULL, previous_username = NULL, previous_ha1 = NULL, previous_ha1b = NULL,"
	" previous_ha1_sha256 = NULL, previous_ha1b_sha256 = NULL, previous_until = NULL WHERE tenant_id = ? AND account_id = ?";

/* row->gone: phones of it have not come. */
static enum error_code end_account(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	const char *const keys[] = {rotation->tenant_id, row->account_id};
	enum error_code code = rotate_execute(courier, end_overlap_sql, keys, 2, error);
	if (!code)
		code = rotate_move(courier, rotate_account_state_sql, row->id, row->gone ? "over" : "finished", 0, NULL, error);
	if (!code)
		code = rotate_execute(courier, wake_account_sql, keys, 2, error);
	if (!code)
		log_info("rotation %lld: account %s of tenant %s: the previous password is over%s", rotation->id, keys[1], keys[0], row->gone ? ", phones of it have not come" : "");
	return code;
}

#define NOT_COME "EXISTS (SELECT 1 FROM rotation_device AS d WHERE d.rotation_id = w.rotation_id AND d.account_id = w.account_id AND d.state = 'made')"

static const struct rotate_step ended_sip = {
	.find_sql = "SELECT w.id, '', w.account_id, '', " NOT_COME " FROM rotation_account AS w JOIN rotation AS r ON r.id = w.rotation_id WHERE w.rotation_id = ? AND w.state = 'made'"
		" AND " DUE " AND (NOT " NOT_COME " OR w.valid_until <= CURRENT_TIMESTAMP OR r.expire_at <= CURRENT_TIMESTAMP) LIMIT ?",
	.lock_sql = "SELECT id FROM rotation_account WHERE id = ? AND state = 'made' FOR UPDATE NOWAIT",
	.put_off_sql = ROTATE_PUT_OFF("rotation_account"),
	.run = end_account,
};

/* ---- whom the rotation waits for no longer */

/* The previous generation goes too: previous_until has ended it, unless expire_at was set to an earlier time just now. */
static enum error_code expire(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	enum error_code code = *row->generation ? rotate_execute(courier, forget_sql, (const char *const[]){row->mac, row->generation}, 2, error) : ERROR_NONE;
	if (!code)
		code = end_device(courier, row, "expired", error);
	if (!code)
		log_info("rotation %lld: device %s has not come in time%s", rotation->id, row->mac, *row->generation ? ", its previous generation is over" : "");
	return code;
}

static const struct rotate_step expired = {
	.find_sql = "SELECT w.id, w.mac, w.account_id, COALESCE(w.generation, ''), 0 FROM rotation_device AS w WHERE w.rotation_id = ? AND w.state IN ('waiting', 'held', 'made')"
		" AND (w.state <> 'made' OR " DUE ") LIMIT ?",
	.lock_sql = LEFT_WAITING,
	.put_off_sql = ROTATE_PUT_OFF("rotation_device"),
	.run = expire,
};

static enum error_code cancel_device(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	(void)rotation;
	return rotate_move(courier, rotate_device_state_sql, row->id, "cancelled", 0, NULL, error);
}

static enum error_code cancel_account(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error)
{
	return rotate_move(courier, rotate_account_state_sql, row->id, rotation->open ? "expired" : "cancelled", 0, NULL, error);
}

static const struct rotate_step cancelled_devices = {
	.find_sql = "SELECT w.id, w.mac, '', '', 0 FROM rotation_device AS w WHERE w.rotation_id = ? AND w.state IN ('waiting', 'held') LIMIT ?",
	.lock_sql = "SELECT id FROM rotation_device WHERE id = ? AND state IN ('waiting', 'held') FOR UPDATE NOWAIT",
	.put_off_sql = ROTATE_PUT_OFF("rotation_device"),
	.run = cancel_device,
};
static const struct rotate_step cancelled_accounts = {
	.find_sql = "SELECT w.id, '', w.account_id, '', 0 FROM rotation_account AS w WHERE w.rotation_id = ? AND w.state IN ('waiting', 'held') LIMIT ?",
	.lock_sql = "SELECT id FROM rotation_account WHERE id = ? AND state IN ('waiting', 'held') FOR UPDATE NOWAIT",
	.put_off_sql = ROTATE_PUT_OFF("rotation_account"),
	.run = cancel_account,
};

/* ---- */

static const char finish_sql[] = "UPDATE rotation SET state = IF(state = 'open', 'finished', state), finished_at = UTC_TIMESTAMP() WHERE id = ? AND finished_at IS NULL"
	" AND (listed_at IS NOT NULL OR state = 'cancelled')"
	" AND NOT EXISTS (SELECT 1 FROM rotation_device AS w WHERE w.rotation_id = rotation.id AND w.state IN ('waiting', 'held', 'made'))"
	" AND NOT EXISTS (SELECT 1 FROM rotation_account AS w WHERE w.rotation_id = rotation.id AND w.state IN ('waiting', 'held', 'made'))";

static enum error_code finish(struct courier *courier, const struct rotation *rotation, struct error *error)
{
	enum error_code code = rotate_execute_row(courier, finish_sql, NULL, 0, rotation->id, error);
	if (!code && db_affected(courier_statement(courier, finish_sql)))
		log_info("rotation %lld of tenant %s is %s", rotation->id, rotation->tenant_id, rotation->open ? "finished" : "cancelled, and nothing of it is left");
	return code;
}

enum error_code rotate_watch(struct courier *courier, const struct rotation *rotation, bool *more_r, struct error *error)
{
	static const struct rotate_step *const came[] = {[ROTATE_HTTP] = &came_http, [ROTATE_SIP] = &came_sip, [ROTATE_WEB] = &came_web};
	const struct rotate_step *steps[6];
	size_t count = 0, done = 0;
	steps[count++] = came[rotation->what];
	if (rotation->what == ROTATE_SIP)
		steps[count++] = &ended_sip;
	if (!rotation->open)
		steps[count++] = &cancelled_devices;
	if (!rotation->open || rotation->over)
		steps[count++] = &cancelled_accounts;
	if (rotation->over)
		steps[count++] = &expired;
	else if (rotation->what == ROTATE_HTTP)
		steps[count++] = &moved_http;
	/* In this order, and each to its end before the next: who has come has come in time. */
	for (size_t i = 0; i < count; i++) {
		enum error_code code = rotate_batch(courier, rotation, steps[i], &done, error);
		if (code || done) {
			*more_r |= done != 0;
			return code;
		}
	}
	return finish(courier, rotation, error);
}
