/* scoreboard.h - what the processes of the service know of each other: one shared mapping, made by the master before the first fork.
 *
 * A slot belongs to one process at a time and only that process writes its state; the master clears it after it has reaped the process. Counters
 * of a slot are never cleared, so that sums over slots never fall. A process that is killed leaves nothing half done: every field is one atomic. */
#ifndef DIALTONE_SCOREBOARD_H
#define DIALTONE_SCOREBOARD_H

#include "result.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum slot_state { SLOT_FREE, SLOT_STARTING, SLOT_IDLE, SLOT_BUSY };
enum slot_database { SLOT_DATABASE_UNTRIED, SLOT_DATABASE_UP, SLOT_DATABASE_DOWN };

/* Why a record of the journal was lost. */
enum loss { LOSS_SOCKET, LOSS_SPOOL, LOSS_REFUSED, LOSS_STOP, LOSSES };
/* Why the master started a worker again. */
enum restart { RESTART_DIED, RESTART_WATCHDOG, RESTART_RETIRED, RESTARTS };

#define SLOT_JOURNAL 0
#define SLOT_HEALTH 1
#define SLOT_WORKERS 2       /* the first worker's */
#define SCOREBOARD_SLOTS 1100 /* twice the most workers, for a reload, and some that retire */

struct slot {
	_Atomic pid_t pid;
	_Atomic int state, database;
	_Atomic bool retiring;          /* wants to leave once another has taken over */
	_Atomic int64_t busy_since;     /* monotonic ns; 0: idle */
	_Atomic uint64_t requests;      /* of this process */
	_Atomic uint64_t results[RESULTS], microseconds;
	_Atomic uint64_t given_up;      /* by the proxy before we came to them */
	_Atomic uint64_t cache_hits, cache_misses;
	_Atomic uint64_t cache_bytes, cache_entries; /* now, of this process */
} __attribute__((aligned(64)));

/* The loss of one kind: what happened, and what journal_loss was told. `pending` is being written under the time `pending_at`: a second try after an
 * unknown outcome writes the very same row. */
struct loss_count {
	_Atomic uint64_t total;
	uint64_t told, pending;         /* the journal process's own */
	int64_t pending_at;             /* wall clock, µs */
};

struct scoreboard {
	_Atomic uint64_t restarts[RESTARTS], reloads, reloads_failed;
	_Atomic bool stopping;
	_Atomic unsigned workers_wanted;
	_Atomic uint64_t journal_received, journal_written;
	_Atomic uint64_t packs_written, packs_dropped; /* dropped: by a worker or by the journal process; no loss of a record */
	_Atomic bool journal_database_up;
	struct loss_count losses[LOSSES];
	struct slot slots[SCOREBOARD_SLOTS];
};

/* NULL if there is no memory. Never freed: it lasts as long as the master. */
struct scoreboard *scoreboard_new(void);

const char *loss_name(enum loss loss);
const char *restart_name(enum restart restart);

/* Add to a counter that one process alone writes: no locked instruction. */
static inline void slot_add(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more, memory_order_relaxed);
}

static inline void slot_busy(struct slot *slot, int64_t now)
{
	atomic_store_explicit(&slot->state, SLOT_BUSY, memory_order_relaxed);
	atomic_store_explicit(&slot->busy_since, now, memory_order_release);
}

static inline void slot_idle(struct slot *slot)
{
	atomic_store_explicit(&slot->busy_since, 0, memory_order_release);
	atomic_store_explicit(&slot->state, SLOT_IDLE, memory_order_relaxed);
}

/* The process is gone: empty but for the counters. */
void slot_clear(struct slot *slot);

#endif
