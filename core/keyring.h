/* keyring.h - the keys that lie outside the database.
 *
 * A text file of mode 0640 at most, owned by root or the reader, one key a line: `ID HEX`, ID of 1..32 characters
 * [A-Za-z0-9._-], HEX 64 hex digits; `#` begins a comment line. The **last** key is the newest: it makes new tokens and seals; all are tried when
 * something is checked. Purposes get keys of their own by HKDF-SHA-256 (RFC 5869) with the purpose as info. */
#ifndef DIALTONE_KEYRING_H
#define DIALTONE_KEYRING_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYRING_MAX 16
#define KEY_SIZE 32

enum key_purpose { KEY_TOKEN, KEY_ETAG, KEY_BODY, KEY_DERIVED_SECRET, KEY_PACK, KEY_SEAL, KEY_NONCE, KEY_PURPOSES };

struct keyring {
	unsigned count;
	struct {
		char id[33];
		unsigned char key[KEY_PURPOSES][KEY_SIZE];
	} keys[KEYRING_MAX]; /* in the file's order: newest last */
};

/* Where the key ring is, malloc'd, by what [keys] file says: a path; `credential:NAME`, or nothing: systemd's credential of that name (nothing: `keys`), a file of
 * $CREDENTIALS_DIRECTORY (systemd.exec(5), LoadCredential). NULL and *error where the program has no credentials. */
char *keyring_path(const char *configured, struct error *error);
/* keyring_load of that path. */
struct keyring *keyring_load_configured(const char *configured, struct error *error);
/* Opened without following a link, checked for owner, mode and size; a sample's key (counting or repeating bytes) is refused. NULL and *error if anything is wrong; never a key in a message. */
struct keyring *keyring_load(const char *path, struct error *error);
/* Wipes. */
void keyring_free(struct keyring **keyring);
/* From text already read (for tests: takes a sample's keys too). */
struct keyring *keyring_parse(const char *text, size_t length, struct error *error);
/* Could these characters be a key's ID? */
bool keyring_id_valid(const char *id, size_t length);
/* The newest key of a purpose. */
const unsigned char *keyring_newest(const struct keyring *keyring, enum key_purpose purpose);
/* Append a fresh random key to the file (made with mode 0600 if it is not there; otherwise owner and mode stay), atomically. id_r receives its ID: "k" + date + random. */
enum error_code keyring_add(const char *path, char id_r[33], struct error *error);

#endif
