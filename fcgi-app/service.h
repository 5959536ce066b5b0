/* service.h - everything that is read before the fork and shared by all workers: configuration, key ring, catalogue and what follows from them. */
#ifndef DIALTONE_SERVICE_H
#define DIALTONE_SERVICE_H

#include "catalogue.h"
#include "common.h"
#include "conf.h"
#include "error.h"
#include "hops.h"
#include "keyring.h"

struct service {
	struct conf *conf;
	struct keyring *keyring;
	struct catalogue *catalogue;
	struct commons *commons;
	struct hops hops;
	char *challenge; /* value of WWW-Authenticate */
};

/* All or nothing: NULL, *error, and in *exit_status_r what dialtone-fcgi exits with (dialtone-fcgi(8), EXIT STATUS). */
struct service *service_load(const char *conf_path, int *exit_status_r, struct error *error);
void service_free(struct service **service);

/* `Basic realm="…", charset="UTF-8"` with the realm quoted (RFC 9110 5.6.4); malloc'd. NULL and *error for one that no header can carry. Exposed for tests. */
char *service_challenge(const char *realm, struct error *error);

#endif
