/* seal_job.c - plain secrets become sealed ones.
 *
 * Triggers put an event for each new plain secret into the outbox. The row is read, sealed, and written back under the version that was read: a secret that became another one in between is
 * left alone, and its own event is already there. The version, and with it every revision, stays: phones notice nothing. */
#include "courier.h"

#include "outbox.h"
#include "secret.h"

#include <string.h>

static void bind_keys(struct db_statement *statement, unsigned first, const struct secret_table *table, const char *const keys[SECRET_KEYS])
{
	for (unsigned i = 0; i < table->key_count; i++)
		courier_bind(statement, first + i, keys[i]);
}

/* The row's plain secret and its version, in the arena; text NULL where it has none (any more). */
static enum error_code read_plain(struct courier *courier, const struct secret_table *table, const struct outbox_row *row, struct text *plain_r,
	unsigned char version_r[SECRET_VERSION], struct error *error)
{
	struct db_statement *statement = courier_statement(courier, table->read_sql);
	*plain_r = (struct text){0};
	bind_keys(statement, 0, table, row->keys);
	enum error_code code = courier_execute(courier, statement, error);
	int more = code ? 0 : db_next(statement, error);
	if (more > 0) {
		struct db_column plain = db_column(statement, 0), version = db_column(statement, 3);
		if (plain.text && version.length == SECRET_VERSION) {
			*plain_r = (struct text){arena_copy(&courier->arena, plain.text, plain.length), (uint32_t)plain.length};
			memcpy(version_r, version.text, SECRET_VERSION);
		}
	}
	db_done(statement);
	db_wipe(statement);
	return code ? code : more < 0 ? ERROR_DATABASE_GONE : ERROR_NONE;
}

static enum error_code deliver(struct courier *courier, const struct outbox_row *row, struct error *error)
{
	const struct secret_table *table = secret_table_find(row->subject);
	unsigned char version[SECRET_VERSION], sealed[SEAL_MAX];
	struct text plain;
	if (!table)
		return error_set(error, ERROR_UNKNOWN, "this courier knows no table %s of secrets", row->subject);
	enum error_code code = read_plain(courier, table, row, &plain, version, error);
	if (code || !plain.text)
		return code;
	struct seal_place place = secret_place(table, row->keys);
	size_t size = seal_make(courier->sealer, &place, plain.text, plain.length, table->pad, sealed, error);
	if (!size)
		return error->code;
	struct db_statement *statement = courier_statement(courier, table->seal_sql);
	db_bind_bytes(statement, 0, sealed, size);
	courier_bind(statement, 1, sealer_key_id(courier->sealer));
	bind_keys(statement, 2, table, row->keys);
	db_bind_bytes(statement, 2 + table->key_count, version, SECRET_VERSION);
	return courier_execute(courier, statement, error);
}

enum error_code seal_run(struct courier *courier, bool *more_r, struct error *error)
{
	return outbox_deliver(courier, "seal", deliver, more_r, error);
}
