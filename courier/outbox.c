#include "outbox.h"

#include "log.h"

#include <string.h>

static const char take_sql[] = "SELECT id, subject, key1, key2, key3, attempts FROM outbox WHERE kind = ? AND due_at <= CURRENT_TIMESTAMP"
			       " ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED";
static const char lease_sql[] = "UPDATE outbox SET due_at = CURRENT_TIMESTAMP + INTERVAL ? SECOND, attempts = attempts + 1 WHERE id = ?";
static const char done_sql[] = "DELETE FROM outbox WHERE id = ?";
static const char put_off_sql[] = "UPDATE outbox SET due_at = CURRENT_TIMESTAMP + INTERVAL ? SECOND, last_error = ? WHERE id = ?";

#define PUT_OFF_MAX 3600
#define ERROR_ROOM 500u /* of the column */

static const char *kept(struct courier *courier, const struct db_statement *row, unsigned index)
{
	struct db_column column = db_column(row, index);
	return arena_copy(&courier->arena, column.text ? column.text : "", column.length);
}

static enum error_code read_due(struct courier *courier, const char *kind, struct outbox_row *rows, size_t most, size_t *count_r, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, take_sql);
	courier_bind(statement, 0, kind);
	db_bind_int(statement, 1, (long long)most);
	enum error_code code = courier_execute(courier, statement, error);
	int more = 0;
	while (!code && *count_r < most && (more = db_next(statement, error)) > 0) {
		struct outbox_row *row = &rows[(*count_r)++];
		row->id = db_column_int(statement, 0);
		row->subject = kept(courier, statement, 1);
		for (unsigned i = 0; i < 3; i++)
			row->keys[i] = kept(courier, statement, 2 + i);
		row->attempts = (unsigned)db_column_int(statement, 5) + 1;
	}
	db_done(statement);
	return code ? code : more < 0 ? ERROR_DATABASE_GONE : ERROR_NONE;
}

enum error_code outbox_take(struct courier *courier, const char *kind, struct outbox_row **rows_r, size_t *count_r, struct error *error)
{
	size_t most = (size_t)courier->conf->courier.batch;
	*rows_r = arena_array(&courier->arena, most, sizeof **rows_r);
	*count_r = 0;
	enum error_code code = courier_begin(courier, error);
	if (!code)
		code = courier_patient(courier, true, error);
	if (!code)
		code = read_due(courier, kind, *rows_r, most, count_r, error);
	if (!code)
		code = courier_patient(courier, false, error);
	if (code)
		db_disconnect(courier->db); /* in whatever state: the next connection is as it should be */
	struct db_statement *lease = courier_statement(courier, lease_sql);
	for (size_t i = 0; !code && i < *count_r; i++) {
		db_bind_int(lease, 0, courier->conf->courier.lease);
		db_bind_int(lease, 1, (*rows_r)[i].id);
		code = courier_execute(courier, lease, error);
	}
	if (!code)
		code = courier_commit(courier, error);
	courier_rollback(courier);
	return code;
}

enum error_code outbox_done(struct courier *courier, const struct outbox_row *row, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, done_sql);
	db_bind_int(statement, 0, row->id);
	return courier_execute(courier, statement, error);
}

enum error_code outbox_put_off(struct courier *courier, const struct outbox_row *row, const struct error *why, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, put_off_sql);
	long long wait = row->attempts < 12 ? 1LL << row->attempts : PUT_OFF_MAX;
	size_t length = strlen(why->message);
	db_bind_int(statement, 0, wait < PUT_OFF_MAX ? wait : PUT_OFF_MAX);
	db_bind_text(statement, 1, why->message, length < ERROR_ROOM ? length : ERROR_ROOM);
	db_bind_int(statement, 2, row->id);
	courier->failures++;
	/* Rows are locked now and then, by DBAs and other couriers: no news unless it goes on. */
	bool locked = why->code == ERROR_DATABASE_GONE && row->attempts < 4;
	log_write(locked ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "%s %s %s %s: %s; tried again in %lld s", row->subject, row->keys[0], row->keys[1], row->keys[2], why->message, wait < PUT_OFF_MAX ? wait : PUT_OFF_MAX);
	return courier_execute(courier, statement, error);
}

typedef enum error_code deliver_one(struct courier *courier, const struct outbox_row *row, struct error *error);

/* All of them in one transaction, or none. */
static enum error_code deliver_all(struct courier *courier, deliver_one *deliver, const struct outbox_row *rows, size_t count, struct error *error)
{
	enum error_code code = courier_begin(courier, error);
	for (size_t i = 0; !code && i < count; i++) {
		code = deliver(courier, &rows[i], error);
		if (!code)
			code = outbox_done(courier, &rows[i], error);
	}
	if (!code)
		code = courier_commit(courier, error);
	courier_rollback(courier);
	return code;
}

enum error_code outbox_deliver(struct courier *courier, const char *kind, deliver_one *deliver, bool *more_r, struct error *error)
{
	struct outbox_row *rows;
	size_t count;
	enum error_code code = outbox_take(courier, kind, &rows, &count, error);
	*more_r = !code && count;
	if (code || !count)
		return code;
	code = deliver_all(courier, deliver, rows, count, error);
	if (!code || !db_connected(courier->db))
		return code;
	for (size_t i = 0; i < count; i++) {
		struct error why = {0};
		code = deliver_all(courier, deliver, &rows[i], 1, &why);
		if (code && db_connected(courier->db))
			code = outbox_put_off(courier, &rows[i], &why, error);
		else if (code)
			*error = why;
		if (code)
			return code;
	}
	return ERROR_NONE;
}
