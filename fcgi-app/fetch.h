/* fetch.h - one fetch from parameters to answer and record: request, access, device, fingerprint, render. No socket is touched here.
 *
 * One struct fetch a worker. Everything of a request lives in its arena and buffers until fetch_clear wipes them. */
#ifndef DIALTONE_FETCH_H
#define DIALTONE_FETCH_H

#include "access.h"
#include "arena.h"
#include "buf.h"
#include "cache.h"
#include "db.h"
#include "fingerprint.h"
#include "identify.h"
#include "record.h"
#include "request.h"
#include "respond.h"
#include "service.h"

#define FETCH_BODY_MAX (4u << 20) /* no phone takes more; an answer beyond is an error */

struct fetch {
	const struct service *service;
	struct db *db;
	struct cache *cache;
	struct access access;            /* its tokens, stores and digests are ours */
	struct fingerprint_maker *fingerprints;
	struct pack_sealer *sealer;
	struct sealer *secrets;
	struct arena arena;
	struct buf head, body;
	unsigned char id[RECORD_ID];     /* random of this worker ‖ a counter */
	uint64_t count;

	/* of the request in hand, until fetch_clear */
	struct request request;
	struct identify_agent agent;
	struct verdict verdict;
	struct answer answer;
	struct error error;
	char note[256];
};

/* Connects to nothing yet. Service and replay must outlive it. */
void fetch_init(struct fetch *fetch, const struct service *service, struct replay *replay);
void fetch_deinit(struct fetch *fetch);

/* Answer: fetch->answer and fetch->head are what to send. Parameters stay the caller's, and must live until fetch_clear. `at`: wall clock in µs. */
void fetch_answer(struct fetch *fetch, char *const *parameters, int64_t at);
/* It has left, whole or not: a use of an enrolment window that it took is counted or given back. */
void fetch_end(struct fetch *fetch, bool sent);
/* What the journal is told of it. `at`: wall clock in µs. Texts point into the fetch. */
void fetch_record(struct fetch *fetch, int64_t at, uint32_t microseconds, struct record *record_r);
/* The pack that fetch_answer had to make, if any: false if there is none. Texts point into the fetch. */
bool fetch_pack(const struct fetch *fetch, struct pack_record *pack_r);
/* Wipe everything of the request in hand, the Authorization in the parameters included. */
void fetch_clear(struct fetch *fetch);

#endif
