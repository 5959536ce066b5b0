/* batch.h - records into the database: fetch_journal, device_state, journal_loss; packs: device_pack. Many rows a statement, one transaction a batch. */
#ifndef DIALTONE_BATCH_H
#define DIALTONE_BATCH_H

#include "db.h"
#include "error.h"
#include "record.h"
#include "scoreboard.h"

#define BATCH_SIZES 16
#define BATCH_PACKS 8 /* packs a statement */

struct batch {
	struct db *db;
	unsigned generation;                   /* the connection that was told autocommit=0 */
	size_t most;                           /* rows a batch */
	size_t sizes[BATCH_SIZES];             /* largest first; the last is 1 */
	size_t size_count;
	struct db_statement *journal[BATCH_SIZES], *state[BATCH_SIZES], *loss, *packs, *pack, *close; /* close: NULL where windows are not looked at */
	char *sql[2 * BATCH_SIZES + 2];
	const struct record **states;          /* room for `most` */
	char (*times)[RECORD_TIME];
	char (*files)[256];
};

/* `db` must outlive it. windows: enrolment windows of devices that have proven themselves are closed. */
void batch_init(struct batch *batch, struct db *db, size_t most, bool windows);
void batch_deinit(struct batch *batch);

/* Write `count` (≤ most) records: all or none. ERROR_DATABASE: the server refused them. */
enum error_code batch_write(struct batch *batch, const struct record *records, size_t count, struct error *error);
/* Write packs; the number written. Waits for nobody's lock: what is not written is dropped, *error says why (of the last). */
size_t batch_packs(struct batch *batch, const struct pack_record *packs, size_t count, struct error *error);
/* A row of journal_loss; the same `at` and reason twice is one row. */
enum error_code batch_loss(struct batch *batch, int64_t at, const char *reason, uint64_t records, struct error *error);

#endif
