#include "batch.h"

#include "buf.h"
#include "xalloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A row that is there already is left as it is: sent again after an unknown outcome. */
#define JOURNAL_COLUMNS 19
static const char journal_head[] =
	"INSERT INTO fetch_journal (at, id, mac, tenant_id, file, method, status, result, detail, identity, address, user_agent, vendor, model, firmware, "
	"digest, bytes, duration_us, note) VALUES ";
static const char journal_tail[] = " ON DUPLICATE KEY UPDATE id = fetch_journal.id";

/* Records may come late or twice: only a newer one wins. Assignments are made from left to right and see what was assigned before, so the columns that a
 * condition reads come last. A 304 has no digest: where the nonce, thus the bytes, are those of the row, the row's digest still holds. */
#define STATE_COLUMNS 18
static const char state_head[] =
	"INSERT INTO device_state (mac, file, last_at, status, result, detail, address, user_agent, vendor, model, firmware, delivered_at, inputs, nonce, digest, "
	"identity, proven_at, generation) VALUES ";
#define NEWER(column) column " = IF(VALUES(last_at) >= last_at, VALUES(" column "), " column "), "
#define DELIVERED "VALUES(delivered_at) IS NOT NULL AND (delivered_at IS NULL OR VALUES(delivered_at) >= delivered_at)"
#define PROVEN "VALUES(proven_at) IS NOT NULL AND (proven_at IS NULL OR VALUES(proven_at) >= proven_at)"
static const char state_tail[] =
	" ON DUPLICATE KEY UPDATE "
	"digest = IF(" DELIVERED ", COALESCE(VALUES(digest), IF(nonce <=> VALUES(nonce), digest, NULL)), digest), "
	"nonce = IF(" DELIVERED ", VALUES(nonce), nonce), "
	"inputs = IF(" DELIVERED ", VALUES(inputs), inputs), "
	"delivered_at = IF(" DELIVERED ", VALUES(delivered_at), delivered_at), "
	"generation = IF(" PROVEN ", COALESCE(VALUES(generation), generation), generation), "
	"identity = IF(" PROVEN " OR proven_at IS NULL, VALUES(identity), identity), "
	"proven_at = IF(" PROVEN ", VALUES(proven_at), proven_at), "
	NEWER("status") NEWER("result") NEWER("detail") NEWER("address") NEWER("user_agent") NEWER("vendor") NEWER("model") NEWER("firmware")
	"last_at = GREATEST(last_at, VALUES(last_at))";

/* The first fetch with credentials closes a device's enrolment window. Open windows are few. */
static const char close_sql[] =
	"UPDATE enrolment AS e JOIN device_state AS s ON s.mac = e.mac SET e.closed_at = s.proven_at WHERE e.closed_at IS NULL AND s.proven_at > e.opened_at";

#define PACK_PARAMETERS 6
static const char pack_head[] = "INSERT INTO device_pack (mac, revision, tenant_id, site_id, profile_id, pack) VALUES ";
static const char pack_tail[] =
	" ON DUPLICATE KEY UPDATE revision = VALUES(revision), tenant_id = VALUES(tenant_id), site_id = VALUES(site_id), profile_id = VALUES(profile_id), "
	"pack = VALUES(pack)";

static char *build(const char *head, size_t columns, size_t rows, const char *tail)
{
	struct buf sql;
	buf_init(&sql, 1u << 20);
	buf_add_string(&sql, head);
	for (size_t row = 0; row < rows; row++) {
		buf_add_string(&sql, row ? ",(" : "(");
		for (size_t column = 0; column < columns; column++)
			buf_add_string(&sql, column ? ",?" : "?");
		buf_add_char(&sql, ')');
	}
	buf_add_string(&sql, tail);
	return sql.data;
}

void batch_init(struct batch *batch, struct db *db, size_t most, bool windows)
{
	*batch = (struct batch){.db = db, .most = most};
	batch->sizes[batch->size_count++] = most;
	for (size_t size = 256; size; size /= 2)
		if (size < most)
			batch->sizes[batch->size_count++] = size;
	for (size_t i = 0; i < batch->size_count; i++) {
		batch->sql[2 * i] = build(journal_head, JOURNAL_COLUMNS, batch->sizes[i], journal_tail);
		batch->sql[2 * i + 1] = build(state_head, STATE_COLUMNS, batch->sizes[i], state_tail);
		batch->journal[i] = db_prepare(db, batch->sql[2 * i]);
		batch->state[i] = db_prepare(db, batch->sql[2 * i + 1]);
	}
	char **sql = &batch->sql[2 * batch->size_count];
	sql[0] = build(pack_head, PACK_PARAMETERS, BATCH_PACKS, pack_tail);
	sql[1] = build(pack_head, PACK_PARAMETERS, 1, pack_tail);
	batch->packs = db_prepare(db, sql[0]);
	batch->pack = db_prepare(db, sql[1]);
	batch->loss = db_prepare(db, "INSERT INTO journal_loss (at, reason, records) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE records = VALUES(records)");
	batch->close = windows ? db_prepare(db, close_sql) : NULL;
	batch->states = xcalloc(most, sizeof *batch->states);
	batch->times = xcalloc(most, sizeof *batch->times);
	batch->files = xcalloc(most, sizeof *batch->files);
}

void batch_deinit(struct batch *batch)
{
	for (size_t i = 0; i < batch->size_count; i++) {
		db_statement_free(&batch->journal[i]);
		db_statement_free(&batch->state[i]);
	}
	db_statement_free(&batch->packs);
	db_statement_free(&batch->pack);
	for (size_t i = 0; i < sizeof batch->sql / sizeof *batch->sql; i++)
		free(batch->sql[i]);
	if (batch->loss)
		db_statement_free(&batch->loss);
	if (batch->close)
		db_statement_free(&batch->close);
	free(batch->states);
	free(batch->times);
	free(batch->files);
	*batch = (struct batch){0};
}

static void bind_text(struct db_statement *statement, unsigned index, const struct text *text)
{
	db_bind_text(statement, index, text->text ? text->text : "", text->length);
}

static void bind_name(struct db_statement *statement, unsigned index, const char *name)
{
	db_bind_text(statement, index, name, strlen(name));
}

static void bind_journal(struct db_statement *statement, unsigned i, const struct record *record, const char *at)
{
	const struct record_head *head = &record->head;
	const struct text *texts = record->texts;
	db_bind_text(statement, i++, at, RECORD_TIME - 1);
	db_bind_bytes(statement, i++, head->id, RECORD_ID);
	db_bind_text(statement, i++, *head->mac.digits ? head->mac.digits : NULL, *head->mac.digits ? MAC_DIGITS : 0);
	db_bind_text(statement, i++, texts[RECORD_TENANT].length ? texts[RECORD_TENANT].text : NULL, texts[RECORD_TENANT].length);
	bind_text(statement, i++, &texts[RECORD_FILE]);
	bind_text(statement, i++, &texts[RECORD_METHOD]);
	db_bind_int(statement, i++, head->status);
	bind_name(statement, i++, result_name(head->result));
	bind_text(statement, i++, &texts[RECORD_DETAIL]);
	bind_name(statement, i++, identity_name(head->identity));
	bind_text(statement, i++, &texts[RECORD_ADDRESS]);
	bind_text(statement, i++, &texts[RECORD_USER_AGENT]);
	bind_text(statement, i++, &texts[RECORD_VENDOR]);
	bind_text(statement, i++, &texts[RECORD_MODEL]);
	bind_text(statement, i++, &texts[RECORD_FIRMWARE]);
	db_bind_bytes(statement, i++, head->has_digest ? head->digest : NULL, head->has_digest ? sizeof head->digest : 0);
	db_bind_int(statement, i++, head->bytes);
	db_bind_int(statement, i++, head->microseconds);
	bind_text(statement, i, &texts[RECORD_NOTE]);
}

static void bind_state(struct db_statement *statement, unsigned i, const struct record *record, const char *at, const char *file)
{
	const struct record_head *head = &record->head;
	const struct text *texts = record->texts;
	bool delivered = head->delivered, digest = delivered && head->has_digest, proven = identity_proven(head->identity), token = *head->generation != 0;
	db_bind_text(statement, i++, head->mac.digits, MAC_DIGITS);
	bind_name(statement, i++, file);
	db_bind_text(statement, i++, at, RECORD_TIME - 1);
	db_bind_int(statement, i++, head->status);
	bind_name(statement, i++, result_name(head->result));
	bind_text(statement, i++, &texts[RECORD_DETAIL]);
	bind_text(statement, i++, &texts[RECORD_ADDRESS]);
	bind_text(statement, i++, &texts[RECORD_USER_AGENT]);
	bind_text(statement, i++, &texts[RECORD_VENDOR]);
	bind_text(statement, i++, &texts[RECORD_MODEL]);
	bind_text(statement, i++, &texts[RECORD_FIRMWARE]);
	db_bind_text(statement, i++, delivered ? at : NULL, delivered ? RECORD_TIME - 1 : 0);
	db_bind_bytes(statement, i++, delivered ? head->inputs : NULL, delivered ? sizeof head->inputs : 0);
	db_bind_bytes(statement, i++, delivered ? head->nonce : NULL, delivered ? sizeof head->nonce : 0);
	db_bind_bytes(statement, i++, digest ? head->digest : NULL, digest ? sizeof head->digest : 0);
	bind_name(statement, i++, identity_name(head->identity));
	db_bind_text(statement, i++, proven ? at : NULL, proven ? RECORD_TIME - 1 : 0);
	db_bind_text(statement, i, token ? head->generation : NULL, token ? sizeof head->generation : 0);
}

/* A statement costs as much as some 32 rows that are there already: so many may be the last row again, which changes nothing (idempotent keys). */
#define PADDING 32

/* Which statement takes the most of `left` rows: the smallest that takes all with a little padding, otherwise the largest below. */
static size_t fitting(const struct batch *batch, size_t left)
{
	size_t i = 0;
	while (i + 1 < batch->size_count && batch->sizes[i] > left && (batch->sizes[i] - left > PADDING || batch->sizes[i + 1] >= left))
		i++;
	return i;
}

static enum error_code run(struct db_statement *statement, struct error *error)
{
	enum error_code code = db_execute(statement, false, error);
	db_done(statement);
	return code;
}

static enum error_code write_journal(struct batch *batch, const struct record *records, size_t count, struct error *error)
{
	for (size_t done = 0; done < count;) {
		size_t which = fitting(batch, count - done), rows = batch->sizes[which];
		for (size_t row = 0; row < rows; row++) {
			size_t at = done + row < count ? done + row : count - 1;
			bind_journal(batch->journal[which], (unsigned)(row * JOURNAL_COLUMNS), &records[at], batch->times[at]);
		}
		done += rows;
		enum error_code code = run(batch->journal[which], error);
		if (code)
			return code;
	}
	return ERROR_NONE;
}

/* By key, so that journals of two hosts never wait for each other in a circle; among equals by time. */
static int by_key(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a, *y = *(const struct record *const *)b;
	int order = strcmp(x->head.mac.digits, y->head.mac.digits);
	return order ? order : (x->head.at > y->head.at) - (x->head.at < y->head.at);
}

/* A phone asks for its file by one spelling; a hostile one could make 4,096 rows with others. */
static const char *folded(const struct text *file, char out[256])
{
	size_t length = file->length < 255 ? file->length : 255;
	for (size_t i = 0; i < length; i++)
		out[i] = (char)tolower((unsigned char)file->text[i]);
	out[length] = 0;
	return out;
}

static enum error_code write_states(struct batch *batch, const struct record *records, size_t count, struct error *error)
{
	size_t states = 0;
	for (size_t i = 0; i < count; i++)
		if (records[i].head.state)
			batch->states[states++] = &records[i];
	if (states)
		qsort(batch->states, states, sizeof *batch->states, by_key);
	for (size_t done = 0; done < states;) {
		size_t which = fitting(batch, states - done), rows = batch->sizes[which];
		for (size_t row = 0; row < rows; row++) {
			const struct record *record = batch->states[done + row < states ? done + row : states - 1];
			bind_state(batch->state[which], (unsigned)(row * STATE_COLUMNS), record, batch->times[record - records],
				folded(&record->texts[RECORD_FILE], batch->files[row]));
		}
		done += rows;
		enum error_code code = run(batch->state[which], error);
		if (code)
			return code;
	}
	return ERROR_NONE;
}

/* One transaction, one wait for the disk a batch: autocommit is off on our connections. */
static enum error_code begin(struct batch *batch, struct error *error)
{
	static const char sql[] = "SET autocommit = 0";
	enum error_code code = db_connect(batch->db, error);
	if (code || batch->generation == db_generation(batch->db))
		return code;
	code = db_run(batch->db, sql, sizeof sql - 1, error);
	if (!code)
		batch->generation = db_generation(batch->db);
	return code;
}

static enum error_code finish(struct batch *batch, enum error_code code, struct error *error)
{
	if (!code)
		code = db_run(batch->db, "COMMIT", 6, error);
	/* A half-done transaction goes with its connection, whatever state that is in. */
	if (code)
		db_disconnect(batch->db);
	return code;
}

enum error_code batch_write(struct batch *batch, const struct record *records, size_t count, struct error *error)
{
	enum error_code code = begin(batch, error);
	for (size_t i = 0; i < count; i++)
		record_time(records[i].head.at, batch->times[i]);
	if (!code)
		code = write_journal(batch, records, count, error);
	if (!code)
		code = write_states(batch, records, count, error);
	if (!code && batch->close)
		code = run(batch->close, error);
	return finish(batch, code, error);
}

static void bind_pack(struct db_statement *statement, unsigned i, const struct pack_record *pack)
{
	db_bind_text(statement, i++, pack->mac.digits, MAC_DIGITS);
	db_bind_bytes(statement, i++, pack->revision, sizeof pack->revision);
	bind_text(statement, i++, &pack->tenant_id);
	bind_text(statement, i++, &pack->site_id);
	bind_text(statement, i++, &pack->profile_id);
	db_bind_bytes(statement, i, pack->sealed.text, pack->sealed.length);
}

/* Statements that fail are left out, the others count. More than BATCH_PACKS / 2 packs fill the large statement by the last one again. */
static size_t run_packs(struct batch *batch, const struct pack_record *packs, size_t count, struct error *error)
{
	size_t written = 0;
	for (size_t done = 0; done < count && db_connected(batch->db);) {
		bool many = count - done > BATCH_PACKS / 2;
		struct db_statement *statement = many ? batch->packs : batch->pack;
		size_t rows = many ? BATCH_PACKS : 1, taken = count - done < rows ? count - done : rows;
		for (size_t row = 0; row < rows; row++)
			bind_pack(statement, (unsigned)(row * PACK_PARAMETERS), &packs[done + (row < taken ? row : taken - 1)]);
		if (!run(statement, error))
			written += taken;
		done += taken;
	}
	return written;
}

size_t batch_packs(struct batch *batch, const struct pack_record *packs, size_t count, struct error *error)
{
	static const char hasty[] = "SET innodb_lock_wait_timeout = 0, lock_wait_timeout = 0";
	static const char patient[] = "SET innodb_lock_wait_timeout = DEFAULT, lock_wait_timeout = DEFAULT";
	if (begin(batch, error) || db_run(batch->db, hasty, sizeof hasty - 1, error)) {
		db_disconnect(batch->db);
		return 0;
	}
	size_t written = run_packs(batch, packs, count, error);
	if (!db_connected(batch->db) || db_run(batch->db, "COMMIT", 6, error))
		written = 0;
	/* Records wait for locks, as ever: a connection that cannot be told so goes. */
	if (!db_connected(batch->db) || db_run(batch->db, patient, sizeof patient - 1, error))
		db_disconnect(batch->db);
	return written;
}

enum error_code batch_loss(struct batch *batch, int64_t at, const char *reason, uint64_t records, struct error *error)
{
	char time[RECORD_TIME];
	enum error_code code = begin(batch, error);
	if (!code) {
		record_time(at, time);
		db_bind_text(batch->loss, 0, time, RECORD_TIME - 1);
		bind_name(batch->loss, 1, reason);
		db_bind_int(batch->loss, 2, (long long)records);
		code = run(batch->loss, error);
	}
	return finish(batch, code, error);
}
