/* health.h - /healthz, /readyz and /metrics, on a socket and a process of their own: a full pool is not taken for a dead one. */
#ifndef DIALTONE_HEALTH_H
#define DIALTONE_HEALTH_H

#include "buf.h"
#include "conf.h"
#include "scoreboard.h"
#include "spool.h"

struct health_setup {
	const struct conf *conf;
	struct scoreboard *scoreboard;
	struct slot *slot;
	const struct spool *spool;
	int listener, lifeline, status;
};

/* Runs until SIGTERM or until the master is gone. Returns the process's exit status. */
int health_run(const struct health_setup *setup);

/* The answer to one path: its status, its body appended. Exposed for tests. */
unsigned health_answer(const struct health_setup *setup, const char *path, struct buf *body);

#endif
