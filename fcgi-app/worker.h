/* worker.h - one worker: waits, takes a request, answers it, tells the journal; one at a time until it is told to leave.
 *
 * libfcgi is initialised here and nowhere else: in the master its signal handlers would be inherited by every child. */
#ifndef DIALTONE_WORKER_H
#define DIALTONE_WORKER_H

#include "replay.h"
#include "scoreboard.h"
#include "service.h"

struct worker_setup {
	const struct service *service;
	struct scoreboard *scoreboard;
	struct slot *slot;
	struct replay *replay; /* shared with all workers */
	int listener;     /* non-blocking, shared with all workers */
	int journal;      /* where records are sent, non-blocking */
	int lifeline;     /* readable (end of file) when the master is gone */
	int status;       /* a byte written here wakes the master */
};

/* Runs until SIGTERM or until the master is gone; returns the process's exit status. Signals are blocked when it is called. */
int worker_run(const struct worker_setup *setup);

#endif
