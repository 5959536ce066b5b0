/* pool.h - the master's children: forked, watched, replaced. One slot of the scoreboard each: the journal, health, and workers.
 *
 * Whom there is too much of (of an old configuration, or due to retire) leaves only when as many fresh ones as are wanted are ready. Forks are slowed down
 * where children die young: 100 ms, doubled to 10 s where they die before they are ready, to half a second where they were. */
#ifndef DIALTONE_POOL_H
#define DIALTONE_POOL_H

#include "inbox.h"
#include "listen.h"
#include "replay.h"
#include "scoreboard.h"
#include "service.h"
#include "spool.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
	pid_t pid;              /* 0: none in this slot */
	unsigned generation;    /* of the configuration that it was forked with */
	int64_t started, told_at, told_again_at; /* monotonic ns; told_at 0: not told to leave */
	bool killed;            /* by us, with SIGKILL */
	bool retired;           /* asked to leave by itself */
	bool ready;             /* was seen ready */
};

struct pool {
	/* given */
	struct service *service;
	unsigned generation;
	struct scoreboard *board;
	struct spool *spool;
	struct inbox *inbox;
	struct replay *replay;
	struct listener listener, health;
	int journal[2];         /* workers send to [1], the journal process receives from [0] */
	int lifeline[2];        /* the master holds [1]: its end is everybody's */
	int status[2];          /* children write to [1] */
	bool workers_stop, journal_stop, health_stop; /* nobody of that kind is forked any more */

	/* kept */
	struct child children[SCOREBOARD_SLOTS];
	int64_t fork_at, fork_delay, died_young_at;
	unsigned died_before_ready; /* of this generation; the reload looks at it */
};

/* Make the pipes and sockets. */
bool pool_init(struct pool *pool);
/* Reap whoever ended. */
void pool_reap(struct pool *pool);
/* One look at everybody: kill who overstays, tell who is too much, fork who is missing. */
void pool_supervise(struct pool *pool);
/* SIGTERM to all of the kind, again each second, SIGKILL at `deadline` (monotonic ns). True when none is left. */
bool pool_stop_workers(struct pool *pool, int64_t deadline);
bool pool_stop_one(struct pool *pool, int slot, int64_t deadline);
void pool_signal_all(const struct pool *pool, int number);
/* Workers of the present generation that are ready and not about to leave; and all that live. */
unsigned pool_ready(const struct pool *pool);
unsigned pool_alive(const struct pool *pool);
/* Until when pool_supervise has nothing to do, at most half a second from `now`. */
int64_t pool_next(const struct pool *pool, int64_t now);

#endif
