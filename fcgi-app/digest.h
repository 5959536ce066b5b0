/* digest.h - HTTP Digest (RFC 7616): challenges with nonces that nobody stores, and answers to them.
 *
 * A nonce is time ‖ random ‖ a MAC of both under the key ring: whoever has the ring knows its own, and how old it is. It may be used for a while (http.nonce_lifetime) and, by the table
 * of replay.h, each of its counts once. qop is `auth` only; MD5 and SHA-256, no -sess; `userhash` is not offered. */
#ifndef DIALTONE_DIGEST_H
#define DIALTONE_DIGEST_H

#include "arena.h"
#include "ha1.h"
#include "keyring.h"
#include "layer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_NONCE_TEXT 57  /* of 28 bytes in hex, 0-terminated */
#define DIGEST_HEX_MAX 64u    /* digits of a SHA-256 */

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_ALGORITHMS };

/* Of an Authorization header, unquoted; texts lie in the arena. */
struct digest_answer {
	enum digest_algorithm algorithm;
	struct text username, realm, nonce, uri, response, cnonce, nc;
};

/* NULL: parsed. Else why not, in constant text without a byte of the header. */
const char *digest_parse(const char *authorization, struct arena *arena, struct digest_answer *answer_r);

/* Does the answer's uri name what was asked for? Compared with the request target as it came, and where one of them is in absolute form, without its scheme and authority. */
bool digest_same_target(const struct digest_answer *answer, const char *request_uri);

/* Holds the OpenSSL contexts; one a process. */
struct digest_maker;
struct digest_maker *digest_maker_new(const struct keyring *keyring);
void digest_maker_free(struct digest_maker **maker);

/* A fresh nonce of the moment `now` (seconds since 1970). */
void digest_nonce(struct digest_maker *maker, int64_t now, char nonce_r[DIGEST_NONCE_TEXT]);

enum digest_freshness { NONCE_FOREIGN, NONCE_OLD, NONCE_FRESH };
/* Is it ours, and at most `lifetime` seconds old (a clock that is a little behind counts as now)? By any key of the ring, in constant time. */
enum digest_freshness digest_nonce_check(struct digest_maker *maker, const struct text *nonce, int64_t now, long long lifetime);

/* Is the answer's response the one that this password gives (RFC 7616 3.4.1)? Constant time; `method` as requested. The same work whether it is or not. */
bool digest_fits(struct digest_maker *maker, const struct digest_answer *answer, const char *method, const char *password, size_t length);

/* As many blocks hashed as digest_fits would have needed more for a password of `most` bytes: after both, the password's length has made no difference. */
void digest_pad(struct digest_maker *maker, const struct digest_answer *answer, size_t length, size_t most);

/* What tells one use of one nonce from all others, for replay.h: its bytes and the count. */
uint64_t digest_use(struct digest_maker *maker, const struct digest_answer *answer);

#endif
