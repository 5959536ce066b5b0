/* service.h - everything that is read before the fork and shared by all workers: configuration, key ring, catalogue and what follows from them. */
#ifndef DIALTONE_SERVICE_H
#define DIALTONE_SERVICE_H

#include "catalogue.h"
#include "common.h"
#include "conf.h"
#include "error.h"
#include "hops.h"
#include "identity.h"
#include "keyring.h"

#define SERVICE_CHALLENGES 3

struct service {
	struct conf *conf;
	struct keyring *keyring;
	struct catalogue *catalogue;
	struct commons *commons;
	struct hops hops;
	struct identity_rules identity;
	/* What a 401 says, in the configuration's order: whole lines, but that of a Digest lacks its nonce and what follows. */
	struct { char *text; bool digest; } challenges[SERVICE_CHALLENGES];
	size_t challenge_count;
};

/* All or nothing: NULL, *error, and in *exit_status_r what dialtone-fcgi exits with (dialtone-fcgi(8), EXIT STATUS). */
struct service *service_load(const char *conf_path, int *exit_status_r, struct error *error);
void service_free(struct service **service);

/* The beginning of a line WWW-Authenticate for one way of http.challenges ("basic", "digest-md5", "digest-sha-256"), with the realm quoted (RFC 9110 5.6.4, RFC 7616 3.3); malloc'd. That of
 * Basic ends with CRLF, that of Digest with `nonce="`. NULL and *error for a realm that no header can carry. Exposed for tests. */
char *service_challenge(const char *way, const char *realm, struct error *error);

#endif
