/* fingerprint.h - ETags from the inputs of a rendering, and keyed digests of bodies.
 *
 * One AES-256-CMAC (NIST SP 800-38B) over everything that decides the bytes is the ETag; its first 96 bits are the nonce under which the body's AES-256-GMAC is
 * computed. Equal inputs give equal bytes, so one nonce never meets two bodies; the database keeps nonce and tag, and whoever holds the key can tell whether a body
 * of today equals the one delivered then by computing its tag under the stored nonce. Neither reveals or lets guess anything of the body without the key. Both by AES because HMAC-SHA-256
 * costs four times the instructions for so short a message, and ten times for an 8 KB body. */
#ifndef DIALTONE_FINGERPRINT_H
#define DIALTONE_FINGERPRINT_H

#include "keyring.h"

#include <stdbool.h>
#include <stddef.h>

#define FINGERPRINT_ETAG 16
#define FINGERPRINT_NONCE 12
#define FINGERPRINT_DIGEST 16

struct fingerprint {
	unsigned char etag[FINGERPRINT_ETAG];
	unsigned char nonce[FINGERPRINT_NONCE];
};

struct fingerprint_maker;
struct fingerprint_maker *fingerprint_maker_new(const struct keyring *keyring);
void fingerprint_maker_free(struct fingerprint_maker **maker);

/* Inputs are fed as length-prefixed parts, so that no two lists of parts run together. */
struct fingerprint_part { const void *bytes; size_t size; };
void fingerprint_of(struct fingerprint_maker *maker, const struct fingerprint_part *parts, size_t count, struct fingerprint *fingerprint_r);

void fingerprint_body(struct fingerprint_maker *maker, const unsigned char nonce[FINGERPRINT_NONCE], const void *body, size_t size,
	unsigned char digest_r[FINGERPRINT_DIGEST]);

/* `"` + 32 hex digits + `"`, 0-terminated: the ETag header's value. */
#define FINGERPRINT_ETAG_TEXT 35
void fingerprint_etag_text(const struct fingerprint *fingerprint, char text_r[FINGERPRINT_ETAG_TEXT]);
/* Does an If-None-Match value (RFC 9110 13.1.2: a list, `*`, weak tags) match? */
bool fingerprint_matches(const struct fingerprint *fingerprint, const char *if_none_match);

#endif
