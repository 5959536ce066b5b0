/* respond.h - an answer and its bytes: one header block of less than 4 KB, Content-Length always but with 304, no body with HEAD and 304.
 *
 * HAProxy 2.6.12 aborts on a header block in two writes and answers 502 to a body with HEAD or 304; nginx takes 4 KB of headers. */
#ifndef DIALTONE_RESPOND_H
#define DIALTONE_RESPOND_H

#include "buf.h"
#include "fingerprint.h"
#include "result.h"

#include <stdbool.h>
#include <stddef.h>

#define RESPOND_HEAD_MAX 4096u

struct answer {
	enum result result;
	unsigned status;
	bool head;                 /* the request was HEAD */
	const char *detail;        /* for the journal and the log; never NULL, never sent */
	const char *body;          /* what GET gets; NULL: the status's own short text */
	size_t size;
	const char *content_type;  /* of body */
	bool tagged;               /* fingerprint is set: an ETag is sent */
	struct fingerprint fingerprint;
	bool digested;
	unsigned char digest[FINGERPRINT_DIGEST];
	const char *device;        /* whose credentials they are, with RESULT_AUTHORIZED */
	unsigned retry_after;      /* seconds, with 503 */
	const char *challenges;    /* lines WWW-Authenticate, each with its CRLF, with 401; NULL: none */
};

/* A refusal or an error: the same bytes for the same status. */
void respond_error(struct answer *answer, enum result result, const char *detail);

/* Append status and headers to `head` (cleared by the caller). `answer->body` of an error is filled in. */
void respond_head(struct answer *answer, struct buf *head);

/* How many bytes of body follow the head. */
size_t respond_body_size(const struct answer *answer);

#endif
