/* token.h - a device's provisioning credentials, which prove themselves.
 *
 * user = MAC (12 lower-case hex digits), password = generation (10 hex digits) ‖ 22 base62 characters of HMAC-SHA-256(token key, MAC ‖ generation) cut to 128
 * bits: 32 in all. Nothing of it lies in the database but the generation, so a guess is refused without asking it, in equal time for every MAC. */
#ifndef DIALTONE_TOKEN_H
#define DIALTONE_TOKEN_H

#include "keyring.h"
#include "mac.h"

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_GENERATION 10
#define TOKEN_LENGTH 32

/* Holds the OpenSSL contexts, so that a check allocates nothing. One a process. */
struct token_maker;
struct token_maker *token_maker_new(const struct keyring *keyring);
void token_maker_free(struct token_maker **maker);

/* Make the password (0-terminated) by the newest key. generation: TOKEN_GENERATION characters. */
void token_make(struct token_maker *maker, const struct mac *mac, const char *generation, char password_r[TOKEN_LENGTH + 1]);
/* The same by any key of the ring, of which there are so many; the last is the newest. For what was made when an older one was the newest. */
unsigned token_keys(const struct token_maker *maker);
void token_make_by(struct token_maker *maker, unsigned key, const struct mac *mac, const char *generation, char password_r[TOKEN_LENGTH + 1]);
/* Is `password` a token of this MAC under any key of the ring? Work does not depend on MAC or password (only on its length being right). generation_r gets the generation
 * it names, 0-terminated; whether that one still counts is the device row's word. */
bool token_check(struct token_maker *maker, const struct mac *mac, const char *password, size_t length, char generation_r[TOKEN_GENERATION + 1]);

/* Wipe what the last check left for token_make: at the end of a request. */
void token_forget(struct token_maker *maker);

/* A secret that no row needs to hold: `length` (at most 22) base62 characters of AES-256-CMAC(derived-secret key, MAC ‖ generation ‖ purpose), e.g. the
 * web password of a phone. A purpose has at most 64 characters. */
void token_derive(struct token_maker *maker, const char *purpose, const struct mac *mac, const char *generation, size_t length, char *secret_r);
/* The same for what the device must still have after its next rotation, because the file that would tell the new one is opened with it: of the MAC alone, by the *oldest* key of the
 * ring. It changes when that key leaves the ring. */
void token_derive_lasting(struct token_maker *maker, const char *purpose, const struct mac *mac, size_t length, char *secret_r);

#endif
