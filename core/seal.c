#include "seal.h"

#include "wipe.h"
#include "xalloc.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEAL_VERSION 1
#define NONCE 12u
#define TAG 16u
#define SUBJECT_MAX 1024u /* the longest table, row and name of the schema together are below */

struct sealer {
	unsigned count;
	char ids[KEYRING_MAX][SEAL_KEY_ID_MAX + 1];
	size_t id_lengths[KEYRING_MAX];
	EVP_CIPHER_CTX *open[KEYRING_MAX]; /* as in the ring, newest last */
	EVP_CIPHER_CTX *seal;
};

struct sealer *sealer_new(const struct keyring *keyring)
{
	struct sealer *sealer = xcalloc(1, sizeof *sealer);
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	bool good = gcm != NULL;
	sealer->count = keyring->count;
	for (unsigned i = 0; good && i < keyring->count; i++) {
		sealer->id_lengths[i] = strlen(keyring->keys[i].id);
		memcpy(sealer->ids[i], keyring->keys[i].id, sealer->id_lengths[i] + 1);
		sealer->open[i] = EVP_CIPHER_CTX_new();
		good = sealer->open[i] && EVP_DecryptInit_ex2(sealer->open[i], gcm, keyring->keys[i].key[KEY_SEAL], NULL, NULL) == 1;
	}
	sealer->seal = EVP_CIPHER_CTX_new();
	if (!good || !sealer->seal || EVP_EncryptInit_ex2(sealer->seal, gcm, keyring_newest(keyring, KEY_SEAL), NULL, NULL) != 1)
		abort(); /* an OpenSSL without AES-256-GCM cannot run any of this */
	EVP_CIPHER_free(gcm);
	return sealer;
}

void sealer_free(struct sealer **sealer)
{
	if (!*sealer)
		return;
	for (unsigned i = 0; i < (*sealer)->count; i++)
		EVP_CIPHER_CTX_free((*sealer)->open[i]);
	EVP_CIPHER_CTX_free((*sealer)->seal);
	free(*sealer);
	*sealer = NULL;
}

const char *sealer_key_id(const struct sealer *sealer)
{
	return sealer->ids[sealer->count - 1];
}

char *seal_place_text(const struct seal_place *place, char text_r[SEAL_PLACE_TEXT])
{
	snprintf(text_r, SEAL_PLACE_TEXT, "%s %s%s%s%s%s %s", place->table, place->row[0] ? place->row[0] : "", place->row[0] && place->row[1] ? "/" : "",
		place->row[0] && place->row[1] ? place->row[1] : "", place->row[1] && place->row[2] ? "/" : "", place->row[1] && place->row[2] ? place->row[2] : "", place->name);
	return text_r;
}

/* Append a text and its 0; false once it does not fit. */
static bool append(unsigned char subject[SUBJECT_MAX], size_t *size, const char *text)
{
	size_t length = strlen(text) + 1;
	if (length > SUBJECT_MAX - *size)
		return false;
	memcpy(subject + *size, text, length);
	*size += length;
	return true;
}

/* The place as additional data. The table settles how many parts a row's key has, so no two places give the same bytes. */
static bool bind_to(EVP_CIPHER_CTX *context, const struct seal_place *place)
{
	unsigned char subject[SUBJECT_MAX];
	size_t size = 0;
	int ignored;
	bool good = append(subject, &size, place->table);
	for (size_t i = 0; good && i < sizeof place->row / sizeof *place->row && place->row[i]; i++)
		good = append(subject, &size, place->row[i]);
	good = good && append(subject, &size, place->name);
	return good && EVP_CipherUpdate(context, NULL, &ignored, subject, (int)size - 1) == 1;
}

size_t seal_make(struct sealer *sealer, const struct seal_place *place, const char *plain, size_t length, size_t pad, unsigned char sealed_r[SEAL_MAX], struct error *error)
{
	char where[SEAL_PLACE_TEXT];
	size_t padded = pad > 1 ? (length + pad - 1) / pad * pad : length;
	if (!length || padded > SEAL_PLAIN_MAX || memchr(plain, 0, length)) {
		error_set(error, ERROR_RANGE, "%s: a secret has 1 to %u bytes, none of them 0", seal_place_text(place, where), SEAL_PLAIN_MAX);
		return 0;
	}
	unsigned newest = sealer->count - 1;
	unsigned char *at = sealed_r, *nonce;
	char filled[SEAL_PLAIN_MAX] = {0};
	int size = 0, rest = 0;
	memcpy(filled, plain, length);
	*at++ = SEAL_VERSION;
	*at++ = (unsigned char)sealer->id_lengths[newest];
	memcpy(at, sealer->ids[newest], sealer->id_lengths[newest]);
	nonce = at + sealer->id_lengths[newest];
	at = nonce + NONCE;
	bool good = RAND_bytes(nonce, (int)NONCE) == 1 && EVP_EncryptInit_ex2(sealer->seal, NULL, NULL, nonce, NULL) == 1 && bind_to(sealer->seal, place) &&
		    EVP_EncryptUpdate(sealer->seal, at, &size, (const unsigned char *)filled, (int)padded) == 1 && EVP_EncryptFinal_ex(sealer->seal, at + size, &rest) == 1 &&
		    EVP_CIPHER_CTX_ctrl(sealer->seal, EVP_CTRL_AEAD_GET_TAG, (int)TAG, at + size) == 1;
	wipe(filled, sizeof filled);
	if (!good) {
		error_set(error, ERROR_SYSTEM, "%s: OpenSSL could not seal it", seal_place_text(place, where));
		return 0;
	}
	return (size_t)(at - sealed_r) + padded + TAG;
}

/* The id of a sealed value's key as text, or NULL where it cannot be one. */
static const char *id_text(const unsigned char *bytes, size_t length, char text_r[SEAL_KEY_ID_MAX + 1])
{
	if (!keyring_id_valid((const char *)bytes, length))
		return NULL;
	memcpy(text_r, bytes, length);
	text_r[length] = 0;
	return text_r;
}

static int find_key(const struct sealer *sealer, const unsigned char *id, size_t length)
{
	for (int i = (int)sealer->count - 1; i >= 0; i--)
		if (sealer->id_lengths[i] == length && memcmp(sealer->ids[i], id, length) == 0)
			return i;
	return -1;
}

enum error_code seal_open(struct sealer *sealer, struct arena *arena, const struct seal_place *place, const void *sealed, size_t size, struct text *plain_r, struct error *error)
{
	const unsigned char *bytes = sealed;
	char where[SEAL_PLACE_TEXT], id[SEAL_KEY_ID_MAX + 1];
	int made = 0, rest = 0;
	*plain_r = (struct text){0};
	size_t id_length = size > 2 ? bytes[1] : 0, head = 2 + id_length + NONCE;
	if (!seal_is(sealed, size) || size <= head + TAG || size > SEAL_MAX || !id_text(bytes + 2, id_length, id))
		return error_set(error, ERROR_DENIED, "%s: is no sealed value; set the secret again (`dialtone secret set`)", seal_place_text(place, where));
	int key = find_key(sealer, bytes + 2, id_length);
	if (key < 0)
		return error_set(error, ERROR_MISSING, "%s: sealed under key %s, which the key ring does not hold; put that key back, or set the secret again (`dialtone secret set`)",
			seal_place_text(place, where), id);
	EVP_CIPHER_CTX *context = sealer->open[key];
	size_t length = size - head - TAG, used = 0;
	unsigned char *opened = arena_raw(arena, length + 1), tag[TAG];
	memcpy(tag, bytes + head + length, TAG);
	if (EVP_DecryptInit_ex2(context, NULL, NULL, bytes + 2 + id_length, NULL) != 1 || !bind_to(context, place) ||
	    EVP_DecryptUpdate(context, opened, &made, bytes + head, (int)length) != 1 || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)TAG, tag) != 1 ||
	    EVP_DecryptFinal_ex(context, opened + made, &rest) != 1) {
		wipe(opened, length);
		return error_set(error, ERROR_DENIED, "%s: does not open: it was altered, or moved here from another row; set the secret again (`dialtone secret set`)",
			seal_place_text(place, where));
	}
	/* No byte of a secret is 0, so what is not 0 is no padding: counted through to the end, whatever the length. */
	for (size_t i = 0; i < length; i++)
		used += opened[i] != 0;
	opened[used] = 0;
	*plain_r = (struct text){.text = (const char *)opened, .length = (uint32_t)used};
	return ERROR_NONE;
}
