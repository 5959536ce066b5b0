/* journal.h - the journal process: takes the workers' records, spools them, writes them to the database in batches; their packs after the records.
 *
 * One thread does nothing but move datagrams into the spool, so that a database that hangs stops nobody; the other writes. A batch is one transaction with
 * idempotent keys: whatever happened to it, it may be sent again. Packs are written if it costs the records nothing, and dropped otherwise. See doc/architecture.md. */
#ifndef DIALTONE_JOURNAL_H
#define DIALTONE_JOURNAL_H

#include "conf.h"
#include "inbox.h"
#include "scoreboard.h"
#include "spool.h"

struct journal_setup {
	const struct conf *conf;
	struct scoreboard *scoreboard;
	struct slot *slot;
	struct spool *spool;
	struct inbox *inbox;
	int socket;       /* the receiving end */
	int lifeline, status;
};

/* Runs until SIGTERM (then drains what it can) or until the master is gone. Returns the process's exit status. */
int journal_run(const struct journal_setup *setup);

#endif
