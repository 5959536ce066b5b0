/* rotate_job.c - rotations that are not over: their devices or accounts are listed, get new secrets, and are watched until each phone has come. */
#include "rotate.h"

#include "clock.h"
#include "log.h"

#include <string.h>

#define ROTATIONS_MAX 1000
#define LIST_PAGE 1000
#define PUT_OFF 10   /* seconds */
#define BUSY 2       /* the same, where another transaction has the row */
/* The look for phones that have come costs what there are stragglers: it is taken again after so many times the time that it took. */
#define WATCH_PAUSE 10
/* The journal writes what phones fetched a moment later. */
#define SETTLE "5"

const char rotate_device_state_sql[] = "UPDATE rotation_device SET state = ?, last_error = ?, due_at = CURRENT_TIMESTAMP + INTERVAL ? SECOND,"
	" finished_at = IF(state IN ('waiting', 'held', 'made'), NULL, UTC_TIMESTAMP(6)) WHERE id = ?";
const char rotate_account_state_sql[] = "UPDATE rotation_account SET state = ?, last_error = ?, due_at = CURRENT_TIMESTAMP + INTERVAL ? SECOND,"
	" finished_at = IF(state IN ('waiting', 'held', 'made'), NULL, UTC_TIMESTAMP(6)) WHERE id = ?";

/* ---- statements */

enum error_code rotate_execute_row(struct courier *courier, const char *sql, const char *const *texts, unsigned count, long long id, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, sql);
	for (unsigned i = 0; i < count; i++)
		courier_bind(statement, i, texts[i]);
	if (id)
		db_bind_int(statement, count, id);
	return courier_execute(courier, statement, error);
}

enum error_code rotate_execute(struct courier *courier, const char *sql, const char *const *texts, unsigned count, struct error *error)
{
	return rotate_execute_row(courier, sql, texts, count, 0, error);
}

int rotate_ask(struct courier *courier, const char *sql, const char *const *texts, unsigned count, long long *value_r, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, sql);
	int more = rotate_execute(courier, sql, texts, count, error) ? -1 : db_next(statement, error);
	if (more > 0)
		*value_r = db_column_int(statement, 0);
	db_done(statement);
	return more;
}

bool rotate_locked(const struct courier *courier, const struct error *error)
{
	return error->code == ERROR_DATABASE_GONE && db_connected(courier->db) && courier->transaction == db_generation(courier->db);
}

enum error_code rotate_move(struct courier *courier, const char *sql, long long id, const char *state, long long seconds, const char *why, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, sql);
	courier_bind(statement, 0, state);
	courier_bind(statement, 1, why);
	db_bind_int(statement, 2, seconds);
	db_bind_int(statement, 3, id);
	return courier_execute(courier, statement, error);
}

/* ---- batches */

static const char *kept(struct courier *courier, const struct db_statement *row, unsigned index)
{
	struct db_column column = db_column(row, index);
	return column.text ? arena_copy(&courier->arena, column.text, column.length) : "";
}

static enum error_code find(struct courier *courier, const struct rotation *rotation, const char *sql, struct rotate_row **rows_r, size_t *count_r, struct error *error)
{
	size_t most = (size_t)courier->conf->courier.batch;
	struct db_statement *statement = courier_statement(courier, sql);
	*rows_r = arena_array(&courier->arena, most, sizeof **rows_r);
	*count_r = 0;
	db_bind_int(statement, 0, rotation->id);
	db_bind_int(statement, 1, (long long)most);
	enum error_code code = courier_execute(courier, statement, error);
	int more = 0;
	while (!code && *count_r < most && (more = db_next(statement, error)) > 0)
		(*rows_r)[(*count_r)++] = (struct rotate_row){.id = db_column_int(statement, 0), .mac = kept(courier, statement, 1), .account_id = kept(courier, statement, 2),
			.generation = kept(courier, statement, 3), .gone = db_column_int(statement, 4) != 0};
	db_done(statement);
	return code ? code : more < 0 ? error->code : ERROR_NONE;
}

static enum error_code run_row(struct courier *courier, const struct rotation *rotation, const struct rotate_step *step, const struct rotate_row *row, size_t *done,
	struct error *error)
{
	struct db_statement *lock = courier_statement(courier, step->lock_sql);
	db_bind_int(lock, 0, row->id);
	enum error_code code = courier_execute(courier, lock, error);
	int ours = code ? 0 : db_next(lock, error);
	db_done(lock);
	if (code || ours < 0)
		return rotate_locked(courier, error) ? ERROR_NONE : error->code;
	*done += ours != 0;
	return ours ? step->run(courier, rotation, row, error) : ERROR_NONE;
}

static enum error_code run_rows(struct courier *courier, const struct rotation *rotation, const struct rotate_step *step, const struct rotate_row *rows, size_t count, size_t *done_r,
	struct error *error)
{
	size_t done = 0;
	enum error_code code = courier_begin(courier, error);
	for (size_t i = 0; !code && i < count; i++)
		code = run_row(courier, rotation, step, &rows[i], &done, error);
	if (!code)
		code = courier_commit(courier, error);
	courier_rollback(courier);
	if (!code)
		*done_r += done;
	return code;
}

static enum error_code put_off(struct courier *courier, const struct rotation *rotation, const struct rotate_step *step, const struct rotate_row *row, const struct error *why,
	struct error *error)
{
	/* Rows are locked now and then, by DBAs and other couriers: no news. */
	bool locked = why->code == ERROR_DATABASE_GONE;
	struct db_statement *statement = courier_statement(courier, step->put_off_sql);
	log_write(locked ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "rotation %lld: %s%s: %s; tried again", rotation->id, row->mac, row->account_id, why->message);
	courier->failures++;
	db_bind_int(statement, 0, locked ? BUSY : PUT_OFF);
	courier_bind(statement, 1, why->message);
	db_bind_int(statement, 2, row->id);
	enum error_code code = courier_execute(courier, statement, error);
	return code && db_connected(courier->db) ? ERROR_NONE : code; /* the row is at work elsewhere */
}

enum error_code rotate_batch(struct courier *courier, const struct rotation *rotation, const struct rotate_step *step, size_t *done_r, struct error *error)
{
	struct rotate_row *rows;
	size_t count;
	*done_r = 0;
	enum error_code code = find(courier, rotation, step->find_sql, &rows, &count, error);
	if (code || !count)
		return code;
	code = run_rows(courier, rotation, step, rows, count, done_r, error);
	if (!code || !db_connected(courier->db))
		return code;
	/* One bad row, or one that somebody's transaction holds, keeps no other waiting. */
	for (size_t i = 0; i < count; i++) {
		struct error why = {0};
		code = run_rows(courier, rotation, step, &rows[i], 1, done_r, &why);
		if (code && !db_connected(courier->db))
			return error_set(error, code, "%s", why.message);
		if (code && (code = put_off(courier, rotation, step, &rows[i], &why, error)))
			return code;
	}
	return ERROR_NONE;
}

/* ---- the list of what a rotation concerns */

static const char list_lock_sql[] = "SELECT COALESCE(listed_to, '') FROM rotation WHERE id = ? AND listed_at IS NULL AND state = 'open' FOR UPDATE NOWAIT";
/* Web passwords: of phones whose templates use one. */
static const char list_devices_sql[] = "INSERT INTO rotation_device (rotation_id, mac) SELECT r.id, d.mac FROM rotation AS r JOIN device AS d ON d.tenant_id = r.tenant_id"
	" WHERE r.id = ? AND d.mac > ? AND (r.site_id IS NULL OR d.site_id = r.site_id) AND (r.mac IS NULL OR d.mac = r.mac)"
	" AND (r.what <> 'web' OR EXISTS (SELECT 1 FROM model AS m JOIN vendor_setting AS v ON v.vendor_id = m.vendor_id"
	" WHERE m.model_id = d.model_id AND v.name IN ('phone.admin_password', 'phone.user_password')))"
	" ORDER BY d.mac LIMIT ? ON DUPLICATE KEY UPDATE rotation_device.mac = rotation_device.mac";
static const char list_accounts_sql[] = "INSERT INTO rotation_account (rotation_id, tenant_id, account_id) SELECT r.id, x.tenant_id, x.account_id FROM rotation AS r"
	" JOIN account_secret AS x ON x.tenant_id = r.tenant_id AND x.name = 'sip.password' WHERE r.id = ? AND x.account_id > ?"
	" AND (r.site_id IS NULL AND r.mac IS NULL OR EXISTS (SELECT 1 FROM account_route AS a JOIN device AS d ON d.mac = a.mac"
	" WHERE a.tenant_id = x.tenant_id AND a.account_id = x.account_id AND (r.site_id IS NULL OR d.site_id = r.site_id) AND (r.mac IS NULL OR d.mac = r.mac)))"
	" ORDER BY x.account_id LIMIT ? ON DUPLICATE KEY UPDATE rotation_account.account_id = rotation_account.account_id";
static const char devices_to_sql[] = "UPDATE rotation SET started_at = COALESCE(started_at, UTC_TIMESTAMP()), listed_to = (SELECT MAX(w.mac) FROM rotation_device AS w"
	" WHERE w.rotation_id = rotation.id) WHERE id = ?";
static const char accounts_to_sql[] = "UPDATE rotation SET started_at = COALESCE(started_at, UTC_TIMESTAMP()), listed_to = (SELECT MAX(w.account_id) FROM rotation_account AS w"
	" WHERE w.rotation_id = rotation.id) WHERE id = ?";
static const char listed_sql[] = "UPDATE rotation SET started_at = COALESCE(started_at, UTC_TIMESTAMP()), listed_at = UTC_TIMESTAMP() WHERE id = ?";

static enum error_code list_page(struct courier *courier, const struct rotation *rotation, bool *more_r, struct error *error)
{
	struct db_statement *lock = courier_statement(courier, list_lock_sql);
	db_bind_int(lock, 0, rotation->id);
	enum error_code code = courier_execute(courier, lock, error);
	int ours = code ? 0 : db_next(lock, error);
	const char *behind = ours > 0 ? kept(courier, lock, 0) : "";
	db_done(lock);
	if (code || ours < 0)
		return rotate_locked(courier, error) ? ERROR_NONE : error->code;
	if (!ours)
		return ERROR_NONE;
	bool accounts = rotation->what == ROTATE_SIP;
	struct db_statement *list = courier_statement(courier, accounts ? list_accounts_sql : list_devices_sql);
	db_bind_int(list, 0, rotation->id);
	courier_bind(list, 1, behind);
	db_bind_int(list, 2, LIST_PAGE);
	code = courier_execute(courier, list, error);
	if (code)
		return code;
	unsigned long long listed = db_affected(list);
	*more_r = listed != 0;
	log_info("rotation %lld: %llu %s of tenant %s %s", rotation->id, listed, accounts ? "accounts" : "devices", rotation->tenant_id, listed ? "listed" : "more: all are listed");
	return rotate_execute_row(courier, !listed ? listed_sql : accounts ? accounts_to_sql : devices_to_sql, NULL, 0, rotation->id, error);
}

static enum error_code list(struct courier *courier, const struct rotation *rotation, bool *more_r, struct error *error)
{
	enum error_code code = courier_begin(courier, error);
	if (!code)
		code = list_page(courier, rotation, more_r, error);
	if (!code)
		code = courier_commit(courier, error);
	courier_rollback(courier);
	return code;
}

/* ---- the job */

static const char active_sql[] = "SELECT id, tenant_id, what, CAST(expire_at AS CHAR(19)), COALESCE(overlap, ?), state = 'open', listed_at IS NOT NULL,"
	" COALESCE(expire_at <= CURRENT_TIMESTAMP - INTERVAL " SETTLE " SECOND, 0) FROM rotation WHERE finished_at IS NULL ORDER BY id LIMIT ?";

static enum error_code read_active(struct courier *courier, struct rotation *rotations, size_t *count_r, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, active_sql);
	db_bind_int(statement, 0, courier->conf->courier.sip_overlap);
	db_bind_int(statement, 1, ROTATIONS_MAX);
	enum error_code code = courier_execute(courier, statement, error);
	int more = 0;
	*count_r = 0;
	while (!code && *count_r < ROTATIONS_MAX && (more = db_next(statement, error)) > 0) {
		const char *what = db_column(statement, 2).text;
		rotations[(*count_r)++] = (struct rotation){.id = db_column_int(statement, 0), .tenant_id = kept(courier, statement, 1),
			.what = strcmp(what, "http") == 0 ? ROTATE_HTTP : strcmp(what, "sip") == 0 ? ROTATE_SIP : ROTATE_WEB,
			.expire_at = db_column(statement, 3).text ? kept(courier, statement, 3) : NULL, .overlap = db_column_int(statement, 4),
			.open = db_column_int(statement, 5) != 0, .listed = db_column_int(statement, 6) != 0, .over = db_column_int(statement, 7) != 0};
	}
	db_done(statement);
	return code ? code : more < 0 ? error->code : ERROR_NONE;
}

static enum error_code advance(struct courier *courier, const struct rotation *rotation, bool *more_r, struct error *error)
{
	static const struct rotate_step *const steps[] = {[ROTATE_HTTP] = &rotate_make_http, [ROTATE_SIP] = &rotate_make_sip, [ROTATE_WEB] = &rotate_make_web};
	size_t made = 0;
	enum error_code code = ERROR_NONE;
	if (rotation->open && !rotation->listed)
		code = list(courier, rotation, more_r, error);
	if (!code && rotation->open && !rotation->over)
		code = rotate_batch(courier, rotation, steps[rotation->what], &made, error);
	*more_r |= made != 0;
	return code;
}

enum error_code rotate_run(struct courier *courier, bool *more_r, struct error *error)
{
	struct rotation *rotations = arena_array(&courier->arena, ROTATIONS_MAX, sizeof *rotations);
	size_t count;
	enum error_code code = read_active(courier, rotations, &count, error);
	bool more = false;
	for (size_t i = 0; !code && i < count; i++)
		code = advance(courier, &rotations[i], &more, error);
	int64_t before = clock_monotonic();
	bool due = before >= courier->rotate_watch_at, found = false;
	for (size_t i = 0; !code && due && i < count; i++)
		code = rotate_watch(courier, &rotations[i], &found, error);
	/* While there is something it is gone on with; nothing may stay nothing for a while. */
	if (due)
		courier->rotate_watch_at = found ? 0 : before + (WATCH_PAUSE + 1) * (clock_monotonic() - before);
	*more_r = more || found;
	return code;
}
