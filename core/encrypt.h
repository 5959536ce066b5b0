/* encrypt.h - a written file as the encrypted file that a vendor's phones open with a key of their own.
 *
 * What makes the bytes differ from one file to the next (salt, and the IV that follows from it) is a keyed digest of the file itself: equal inputs give equal bytes, so that
 * ETag and body digest mean what they mean for plain files, and two files share an IV only if they are equal or by the accident of 64 bits. */
#ifndef DIALTONE_ENCRYPT_H
#define DIALTONE_ENCRYPT_H

#include "buf.h"
#include "error.h"

#include <stddef.h>

struct encrypter;

/* What a file is encrypted with, borrowed. `key`: provisioning.encryption_key. `rsa`: provisioning.encryption_rsa_key, the public key whose private half the phone has, as base64 of
 * a DER SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7); NULL where there is none. */
struct encryption_keys {
	const char *key, *rsa;
	size_t key_length, rsa_length;
};

/* One form of encrypted files, as a [dialect] of vendor.ini names it. */
struct encryption {
	const char *name;
	/* Length of a key that nobody gave: so many base62 characters (token_derive). */
	size_t key_length;
	/* Is it a key that the phones take? The message says what one is, never the key. ERROR_INEXPRESSIBLE. */
	enum error_code (*check_key)(const char *key, size_t length, struct error *error);
	/* See encrypt_file. */
	enum error_code (*encrypt)(struct encrypter *encrypter, const char *key, size_t length, struct buf *file, size_t begin, struct error *error);
	/* The same where there is an RSA key: the file's own AES key travels in the file, and `key` only makes it. NULL: these phones have no such form. */
	enum error_code (*encrypt_rsa)(struct encrypter *encrypter, const struct encryption_keys *keys, struct buf *file, size_t begin, struct error *error);
};

/* NULL if there is none of that name. encryption_list ends with NULL. */
const struct encryption *encryption_find(const char *name);
extern const struct encryption *const encryption_list[];
#define ENCRYPTION_NAMES "grandstream, yealink" /* all of the list, for messages */

/* What a worker keeps for it: ciphers and digests, fetched when they are first used, so that who never encrypts pays for none. */
struct encrypter *encrypter_new(void);
void encrypter_free(struct encrypter **encrypter);

/* Replace what `file` holds from `begin` on by its encrypted form, in place; nothing of the plain text is left. On failure that part is wiped and taken out, and the message names
 * the setting that is wrong and never its value. ERROR_RANGE: `file` would pass its maximum. */
enum error_code encrypt_file(struct encrypter *encrypter, const struct encryption *encryption, const struct encryption_keys *keys, struct buf *file, size_t begin,
	struct error *error);

#endif
