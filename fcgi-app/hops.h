/* hops.h - the proxies whose word about a client's address is believed (http.trusted_hops), and the address that follows from it.
 *
 * An address never entitles to anything: it is for the journal, and for whoever reads it. */
#ifndef DIALTONE_HOPS_H
#define DIALTONE_HOPS_H

#include "network.h"

#define HOPS_MAX 64
#define HOPS_TEXT NETWORK_TEXT

struct hops {
	size_t count;
	struct network list[HOPS_MAX];
};

/* Blank-separated CIDRs ("10.0.0.0/8 2001:db8::/32 192.0.2.1"). */
enum error_code hops_parse(const char *text, struct hops *hops_r, struct error *error);

/* The client's address, in its usual spelling: `remote`, or where that is a trusted hop, the right-most entry of `forwarded` (X-Forwarded-For; NULL
 * or "": none) that is not one. All of them trusted: the left-most. "" where there is no address ("unix", rubbish). */
void hops_client(const struct hops *hops, const char *remote, const char *forwarded, char address_r[HOPS_TEXT]);

#endif
