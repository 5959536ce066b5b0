/* access.h - may this request have this file? Told by the credentials alone; a User-Agent, an address, a directory never entitle.
 *
 * The order is the security property: without a token that proves itself nothing is read from the database, and until a device and its generation are known to fit,
 * every refusal is the same 401. Whoever has proven an identity gets the same 404 for whatever is not his. */
#ifndef DIALTONE_ACCESS_H
#define DIALTONE_ACCESS_H

#include "arena.h"
#include "catalogue.h"
#include "device.h"
#include "error.h"
#include "identify.h"
#include "request.h"
#include "result.h"
#include "token.h"

#include <stdbool.h>

/* One a worker; all must outlive it. */
struct access {
	const struct catalogue *catalogue;
	struct token_maker *tokens;
	struct store *store;
	bool plain_refused; /* http.plain_http = refuse */
};

struct verdict {
	enum result result;          /* RESULT_OK: serve `device` its file; RESULT_COMMON: serve file.common_model's common file */
	const char *detail;          /* why, for the journal; "" where the result says it all */
	struct identify_file file;
	bool identified;             /* `user` has proven itself, the generation included */
	struct mac user;
	struct device device;        /* where found: valid as long as store_fetch says */
	const struct file_rule *rule; /* the device's vendor's rule; NULL until it is known */
	struct error error;          /* of RESULT_DATABASE */
};

/* Never writes, never sends; reads the database at most once, and only for a token that proved itself. */
void access_decide(const struct access *access, const struct request *request, struct arena *arena, struct verdict *verdict_r);

/* Basic credentials (RFC 7617): the user as a MAC, the password as bytes. */
struct credentials {
	struct mac user;
	char password[TOKEN_LENGTH + 1];
	size_t password_length;
};
/* NULL: parsed. Else why not (a constant without a byte of the header); *credentials_r is wiped then. */
const char *access_parse_basic(const char *authorization, struct credentials *credentials_r);

#endif
