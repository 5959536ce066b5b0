/* access.h - may this request have this file? Told by what proves who is asking; a User-Agent, a directory never entitle.
 *
 * Proofs are gathered first: a token by Basic or Digest, a password brought in, a certificate that the proxy verified, an address, a use of an enrolment window. Then the device's
 * policies (or its tenant's, or the usual ones: token, or password) say whether they are enough. The order is the security property: a token that does not prove itself
 * costs nothing but its own check; what needs the database to be compared costs one small round trip that is the same for every MAC; and until a device is known to be proven every
 * refusal is the same 401. Whoever has proven an identity gets the same 404 for whatever is not his. */
#ifndef DIALTONE_ACCESS_H
#define DIALTONE_ACCESS_H

#include "arena.h"
#include "catalogue.h"
#include "credential.h"
#include "device.h"
#include "digest.h"
#include "error.h"
#include "identify.h"
#include "identity.h"
#include "replay.h"
#include "request.h"
#include "result.h"
#include "token.h"

#include <stdbool.h>

/* One a worker; all must outlive it. */
struct access {
	const struct catalogue *catalogue;
	struct token_maker *tokens;
	struct store *store;
	struct credential_store *credentials;
	struct digest_maker *digests;
	struct replay *replay;
	const struct identity_rules *rules;
	const char *realm;
	long long nonce_lifetime;
	bool plain_refused; /* http.plain_http = refuse */
	bool passwords, enrolment, networks; /* [identity] */
};

struct verdict {
	enum result result;          /* RESULT_OK: serve `device` its file; RESULT_COMMON: serve file.common_model's common file */
	const char *detail;          /* why, for the journal; "" where the result says it all */
	struct identify_file file;
	struct identity identity;
	bool identified;             /* `user` has proven itself, by `way` */
	enum identity_way way;
	unsigned proofs;             /* enum layer_proof */
	struct mac user;
	char generation[TOKEN_GENERATION + 1]; /* of the token that proved it; "" where none did */
	bool stale;                  /* Digest with a nonce that is over: the challenge says so, and a phone need not ask its user */
	bool claimed;                /* a use of the window was taken, and is to be ended (access_end) */
	struct device device;        /* where found: valid as long as store_fetch says */
	const struct file_rule *rule; /* the device's vendor's rule; NULL until it is known */
	struct error error;          /* of RESULT_DATABASE */
	struct credential *credential; /* of the first round trip; NULL: there was none */
};

/* Never sends. Reads the database at most twice; writes only where a window is used. `now`: seconds since 1970; id: the journal's, of this request. */
void access_decide(const struct access *access, const struct request *request, int64_t now, const unsigned char id[16], struct arena *arena,
	struct verdict *verdict_r);

/* Where verdict->claimed: the file has left whole, or it has not. */
enum error_code access_end(const struct access *access, const struct verdict *verdict, const unsigned char id[16], bool delivered, struct error *error);

/* Basic credentials (RFC 7617), into the arena. NULL: parsed. Else why not, in constant text without a byte of the header. */
struct basic {
	struct text user, password;
};
const char *access_parse_basic(const char *authorization, struct arena *arena, struct basic *basic_r);

#endif
