/* result.h - what became of a request: one table for the journal's `result`, the metrics and the status of the answer. */
#ifndef DIALTONE_RESULT_H
#define DIALTONE_RESULT_H

#include <stddef.h>

enum result {
	RESULT_OK,
	RESULT_NOT_MODIFIED,
	RESULT_COMMON,
	RESULT_CHALLENGE,         /* no credentials: an ordinary first request */
	RESULT_BAD_CREDENTIALS,   /* they prove nothing */
	RESULT_STALE_CREDENTIALS, /* ours once, but device or generation is gone */
	RESULT_POLICY,            /* a proof, and not all that the device's policies want */
	RESULT_NOT_ENTITLED,      /* proven identity, another device's file */
	RESULT_DISABLED,
	RESULT_ABSENT_FILE,       /* a file that these phones ask for and that we do not have */
	RESULT_UNKNOWN_FILE,
	RESULT_PLAIN_HTTP,
	RESULT_BAD_REQUEST,
	RESULT_METHOD,
	RESULT_TOO_LARGE,
	RESULT_AUTHORIZED,        /* only the credentials were asked for, and they are good */
	RESULT_DATABASE,
	RESULT_RENDER_ERROR,
	RESULTS
};

/* "ok", "not-modified", ... as in fetch_journal.result. Never NULL. */
const char *result_name(enum result result);
/* The answer's status. RESULT_TOO_LARGE is 413; 431, where the headers were it, is set by the caller. */
unsigned result_status(enum result result);
/* X-Dialtone-Event, which the proxies count and strip; NULL: none. */
const char *result_event(enum result result);

#endif
