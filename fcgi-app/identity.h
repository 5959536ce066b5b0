/* identity.h - who a request says it is, beside its Authorization: what the proxy has verified and hands on in parameters of our own names.
 *
 * The names are the configuration's ([identity]); all are off by default. They count only in a request that comes from the proxy that the configuration names: where
 * identity.proxy_key names a parameter, it must hold the key in identity.proxy_key_file. A client cannot set any of them: what it sends arrives as HTTP_…. */
#ifndef DIALTONE_IDENTITY_H
#define DIALTONE_IDENTITY_H

#include "arena.h"
#include "catalogue.h"
#include "conf.h"
#include "error.h"
#include "layer.h"
#include "request.h"

#include <stdbool.h>

#define IDENTITY_KEY_MAX 256u

/* How a device proved itself, as fetch_journal.identity has it. */
enum identity_way {
	IDENTITY_NONE,
	IDENTITY_TOKEN,           /* its token, by Basic */
	IDENTITY_DIGEST,          /* its token, by Digest */
	IDENTITY_PASSWORD,        /* the password brought in for it, by Basic */
	IDENTITY_DIGEST_PASSWORD, /* the same, by Digest */
	IDENTITY_CERTIFICATE,
	IDENTITY_CERTIFICATE_TOO, /* credentials and a certificate, as the policy wants */
	IDENTITY_PROXY,           /* its token, checked by the proxy */
	IDENTITY_NETWORK,         /* nothing but its address */
	IDENTITY_ENROLMENT,       /* a use of its enrolment window */
	IDENTITY_WAYS
};
const char *identity_name(enum identity_way way);
/* Is it a proof that only the phone itself (or its proxy's check of it) can give? */
bool identity_proven(enum identity_way way);

struct identity_rules {
	struct request_names names;
	char key[IDENTITY_KEY_MAX]; /* of the proxy */
	size_t key_length;          /* 0: none is asked for */
};
/* From [identity]. A key is wanted where the pool's socket is not a unix one, because everybody on that network could connect. */
enum error_code identity_rules_load(const struct conf *conf, struct identity_rules *rules_r, struct error *error);
void identity_rules_wipe(struct identity_rules *rules);

struct identity {
	bool certificate;             /* verified, of a known issuer, for `certificate_mac` */
	struct mac certificate_mac;
	const struct vendor *certificate_vendor;
	const char *certificate_why;  /* why one that was presented does not count; "" where none was, or it does */
	bool proxied;                 /* the proxy has checked the token of `proxied_mac` */
	struct mac proxied_mac;
	bool authorize;               /* only asks whether the credentials are good (nginx auth_request) */
};

void identity_read(const struct identity_rules *rules, const struct catalogue *catalogue, const struct request *request, struct identity *identity_r);

/* SHA-256 of the certificate (DER), as the proxy hands it on or of what it hands on (identity.certificate_pem: percent-encoded PEM). False where it hands on neither. */
bool identity_fingerprint(const struct request *request, struct arena *arena, struct layer_fingerprint *fingerprint_r);

#endif
