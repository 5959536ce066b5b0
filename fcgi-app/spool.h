/* spool.h - a ring of records in memory that outlives the journal process: made by the master before the first fork.
 *
 * One thread puts, one thread takes. What was put and not released is still there after the process was killed at any instant: the ends move only when a
 * record is whole, or written to the database. Records are never torn: one that does not fit into the rest of the ring begins at its start.
 *
 * Packs (record.h) lie between the records, but are none: they are not counted, and enter only what is empty of the ring's first half, so that the
 * other half is always the records'. */
#ifndef DIALTONE_SPOOL_H
#define DIALTONE_SPOOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool;

/* NULL if there is no memory. `bytes` is rounded up to pages; the ring lasts as long as the master. */
struct spool *spool_new(size_t bytes);
/* For tests. */
void spool_free(struct spool **spool);

/* False: there is no room. */
bool spool_put(struct spool *spool, const void *bytes, size_t size);
/* False: half of the ring is in use, or would be. */
bool spool_put_pack(struct spool *spool, const void *bytes, size_t size);

/* Walk from the oldest: spool_first, then spool_next until it returns false. The bytes stay until spool_release. */
struct spool_cursor { uint64_t at; };
void spool_first(const struct spool *spool, struct spool_cursor *cursor_r);
bool spool_next(const struct spool *spool, struct spool_cursor *cursor, const unsigned char **bytes_r, size_t *size_r);
/* Everything before the cursor may be overwritten. `records`: how many records (not packs) that are. */
void spool_release(struct spool *spool, const struct spool_cursor *cursor, uint64_t records);

/* How far the log has been told, so that a new journal process does not tell it again: a place among those that cursors have. */
bool spool_told(const struct spool *spool, const struct spool_cursor *cursor);
void spool_tell(struct spool *spool, const struct spool_cursor *cursor);

/* Without packs. */
uint64_t spool_records(const struct spool *spool);
/* Of everything. */
uint64_t spool_bytes(const struct spool *spool);

#endif
