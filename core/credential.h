/* credential.h - what a request is compared with where its credentials do not prove themselves: a first, small round trip by MAC.
 *
 * Asked for Digest (which token, of which generation?), for a password brought in from an older system, for an enrolment window, and for an address in a tenant's networks. It
 * costs the same for a MAC that nobody has: one statement, as many look-ups in it, and what an unknown MAC lacks is filled by a decoy of the same size, so that neither the
 * database nor the worker does less. Nothing of it goes anywhere before the credentials have proven to fit. */
#ifndef DIALTONE_CREDENTIAL_H
#define DIALTONE_CREDENTIAL_H

#include "arena.h"
#include "db.h"
#include "error.h"
#include "layer.h"
#include "mac.h"
#include "network.h"
#include "seal.h"
#include "token.h"

#include <stdbool.h>

/* Passwords brought in are filled up to this before they are sealed, so that opening one takes the same work whatever its length. */
#define CREDENTIAL_PAD 128u

struct credential {
	/* The device's generations; of a MAC without a device, and where there is no previous one that still counts, hyphens, which no generation has. */
	char generation[TOKEN_GENERATION + 1], previous[TOKEN_GENERATION + 1];
	bool has_password;       /* `password` is the device's; otherwise a random one */
	struct text user;        /* that goes with it: the MAC where the row names none */
	struct text password;
	bool window;             /* an enrolment window is open for an address in `networks` */
	struct text networks;    /* CIDRs; some that nobody has where there is no window */
	bool in_network;         /* the address is in a network of the device's tenant */
	/* A password that does not open: for the journal; the request goes on without it. */
	struct error fault;
};

struct credential_store;
/* db and sealer must outlive it. */
struct credential_store *credential_store_new(struct db *db, struct sealer *sealer);
void credential_store_free(struct credential_store **store);

/* address NULL: none. Memory from the arena. ERROR_DATABASE_GONE also while a restore is running. */
enum error_code credential_fetch(struct credential_store *store, const struct mac *mac, const unsigned char *address, struct arena *arena,
	struct credential *credential_r, struct error *error);

/* A use of the MAC's window, counted at once; false: it has none left. id: 16 bytes, the journal's. Writes. */
enum error_code credential_claim(struct credential_store *store, const struct mac *mac, const unsigned char id[16], bool *granted_r, struct error *error);
/* The file has left whole; or it has not, and the use is given back. Writes. */
enum error_code credential_end(struct credential_store *store, const struct mac *mac, const unsigned char id[16], bool delivered, struct error *error);

#endif
