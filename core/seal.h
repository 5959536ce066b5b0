/* seal.h - one secret, sealed so that it may lie in the database: AES-256-GCM under a key of the ring, bound to its place.
 *
 * Form, self-contained: 1 byte version (1), 1 byte length of the key's id, the id, 12 bytes random nonce, ciphertext, 16 bytes tag. Additional data: table ‖ 0 ‖ each part of the
 * row's key ‖ 0 ‖ name; so a value that was moved to another row, name or table does not open. The newest key seals, every key of the ring opens. A plain secret is printable
 * ASCII, so the first byte tells the two forms apart.
 *
 * Random nonces of 96 bits may meet under one key: after 2^32 values with probability 2^-33 (NIST SP 800-38D, 8.3), which no database of phones comes near. */
#ifndef DIALTONE_SEAL_H
#define DIALTONE_SEAL_H

#include "arena.h"
#include "error.h"
#include "keyring.h"
#include "layer.h"

#include <stdbool.h>
#include <stddef.h>

#define SEAL_PLAIN_MAX 512u
#define SEAL_KEY_ID_MAX 32u
#define SEAL_MAX (2u + SEAL_KEY_ID_MAX + 12u + SEAL_PLAIN_MAX + 16u)

/* Where a secret lies. */
struct seal_place {
	const char *table;
	const char *row[3]; /* the parts of the row's key before the name; NULL behind the last */
	const char *name;   /* the setting's name, or the column's where the row has no name */
};

/* Holds the OpenSSL contexts, keyed once; one a process. */
struct sealer;
struct sealer *sealer_new(const struct keyring *keyring);
void sealer_free(struct sealer **sealer);
/* The id of the key that seals: what the column key_id gets. */
const char *sealer_key_id(const struct sealer *sealer);

/* Seal `length` bytes (1..SEAL_PLAIN_MAX, none of them 0) into sealed_r. pad: filled up to a multiple of so many bytes first, so that neither size nor the work of opening tells
 * the length; 0 or 1: not. Returns the size; 0 and *error where the secret is too long or OpenSSL has no random bytes. */
size_t seal_make(struct sealer *sealer, const struct seal_place *place, const char *plain, size_t length, size_t pad, unsigned char sealed_r[SEAL_MAX], struct error *error);

/* Open into the arena (0-terminated; padding is taken off). ERROR_MISSING: the key is not in the ring, its id named; ERROR_DENIED: it does not open, being altered or moved. Both messages name
 * the place and the way out. */
enum error_code seal_open(struct sealer *sealer, struct arena *arena, const struct seal_place *place, const void *sealed, size_t size, struct text *plain_r, struct error *error);

/* Is this a sealed value (as opposed to a plain secret)? */
static inline bool seal_is(const void *bytes, size_t size)
{
	return size && *(const unsigned char *)bytes == 1;
}

/* "table row/row name", for messages, into text_r. Returns text_r. */
#define SEAL_PLACE_TEXT 200u
char *seal_place_text(const struct seal_place *place, char text_r[SEAL_PLACE_TEXT]);

#endif
