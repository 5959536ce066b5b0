#include "pack.h"

#include "wipe.h"
#include "xalloc.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define PACK_VERSION 2 /* 1: no rows of policies */
#define PACK_NULL UINT32_MAX
#define NONCE 12
#define TAG 16
#define REVISION 8
#define OVERHEAD (1 + NONCE + TAG)

struct pack_sealer {
	EVP_CIPHER_CTX *seal, *open; /* keyed once */
};

struct pack_sealer *pack_sealer_new(const struct keyring *keyring)
{
	struct pack_sealer *sealer = xcalloc(1, sizeof *sealer);
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	const unsigned char *key = keyring_newest(keyring, KEY_PACK);
	sealer->seal = EVP_CIPHER_CTX_new();
	sealer->open = EVP_CIPHER_CTX_new();
	if (!sealer->seal || !sealer->open || EVP_EncryptInit_ex2(sealer->seal, gcm, key, NULL, NULL) != 1 ||
	    EVP_DecryptInit_ex2(sealer->open, gcm, key, NULL, NULL) != 1)
		abort(); /* an OpenSSL without AES-256-GCM cannot run any of this */
	EVP_CIPHER_free(gcm);
	return sealer;
}

void pack_sealer_free(struct pack_sealer **sealer)
{
	if (!*sealer)
		return;
	EVP_CIPHER_CTX_free((*sealer)->seal);
	EVP_CIPHER_CTX_free((*sealer)->open);
	free(*sealer);
	*sealer = NULL;
}

void pack_writer_init(struct pack_writer *writer, struct arena *arena)
{
	*writer = (struct pack_writer){.arena = arena};
}

/* Room for `size` bytes more; false once PACK_MAX is passed. */
static bool make_room(struct pack_writer *writer, size_t size)
{
	if (writer->full || size > PACK_MAX - OVERHEAD - writer->size) {
		writer->full = true;
		return false;
	}
	if (writer->room - writer->size >= size)
		return true;
	size_t room = writer->room ? writer->room * 2 : 2048;
	while (room - writer->size < size)
		room *= 2;
	char *bytes = arena_raw(writer->arena, room);
	if (writer->size)
		memcpy(bytes, writer->bytes, writer->size);
	writer->bytes = bytes;
	writer->room = room;
	return true;
}

static void add(struct pack_writer *writer, const void *bytes, size_t size)
{
	memcpy(writer->bytes + writer->size, bytes, size);
	writer->size += size;
}

void pack_add(struct pack_writer *writer, const struct pack_row *row)
{
	size_t size = sizeof row->number;
	for (size_t i = 0; i < PACK_COLUMNS; i++)
		size += sizeof(uint32_t) + (row->columns[i].text ? (size_t)row->columns[i].length + 1 : 0);
	if (!make_room(writer, size))
		return;
	add(writer, &row->number, sizeof row->number);
	for (size_t i = 0; i < PACK_COLUMNS; i++) {
		uint32_t length = row->columns[i].text ? row->columns[i].length : PACK_NULL;
		add(writer, &length, sizeof length);
		if (row->columns[i].text) {
			add(writer, row->columns[i].text, length);
			add(writer, "", 1);
		}
	}
}

/* What a pack belongs to, as additional data. */
static bool bind_to(EVP_CIPHER_CTX *context, const struct mac *mac, const unsigned char *revision)
{
	unsigned char subject[MAC_DIGITS + REVISION];
	int ignored;
	memcpy(subject, mac->digits, MAC_DIGITS);
	memcpy(subject + MAC_DIGITS, revision, REVISION);
	return EVP_CipherUpdate(context, NULL, &ignored, subject, sizeof subject) == 1;
}

struct text pack_seal(struct pack_sealer *sealer, struct pack_writer *writer, const struct mac *mac, const unsigned char *revision)
{
	if (writer->full || !writer->size)
		return (struct text){0};
	unsigned char *sealed = arena_raw(writer->arena, writer->size + OVERHEAD), *nonce = sealed + 1, *text = nonce + NONCE;
	int size = 0, rest = 0;
	sealed[0] = PACK_VERSION;
	if (RAND_bytes(nonce, NONCE) != 1 || EVP_EncryptInit_ex2(sealer->seal, NULL, NULL, nonce, NULL) != 1 || !bind_to(sealer->seal, mac, revision) ||
	    EVP_EncryptUpdate(sealer->seal, text, &size, (const unsigned char *)writer->bytes, (int)writer->size) != 1 ||
	    EVP_EncryptFinal_ex(sealer->seal, text + size, &rest) != 1 ||
	    EVP_CIPHER_CTX_ctrl(sealer->seal, EVP_CTRL_AEAD_GET_TAG, TAG, text + size) != 1)
		return (struct text){0};
	return (struct text){.text = (const char *)sealed, .length = (uint32_t)(writer->size + OVERHEAD)};
}

struct text pack_open(struct pack_sealer *sealer, struct arena *arena, const struct mac *mac, const unsigned char *revision, const void *sealed, size_t size)
{
	const unsigned char *bytes = sealed, *nonce = bytes + 1, *text = nonce + NONCE;
	unsigned char tag[TAG];
	int made = 0, rest = 0;
	if (size <= OVERHEAD || size > PACK_MAX || bytes[0] != PACK_VERSION)
		return (struct text){0};
	size_t length = size - OVERHEAD;
	unsigned char *opened = arena_raw(arena, length);
	memcpy(tag, text + length, TAG);
	if (EVP_DecryptInit_ex2(sealer->open, NULL, NULL, nonce, NULL) != 1 || !bind_to(sealer->open, mac, revision) ||
	    EVP_DecryptUpdate(sealer->open, opened, &made, text, (int)length) != 1 ||
	    EVP_CIPHER_CTX_ctrl(sealer->open, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 || EVP_DecryptFinal_ex(sealer->open, opened + made, &rest) != 1) {
		wipe(opened, length);
		return (struct text){0};
	}
	return (struct text){.text = (const char *)opened, .length = (uint32_t)length};
}

bool pack_next(struct text opened, size_t *at_r, struct pack_row *row_r, bool *good_r)
{
	const char *at = opened.text + *at_r, *end = opened.text + opened.length;
	*good_r = true;
	if (at == end)
		return false;
	*good_r = false;
	if ((size_t)(end - at) < sizeof row_r->number)
		return false;
	memcpy(&row_r->number, at, sizeof row_r->number);
	at += sizeof row_r->number;
	for (size_t i = 0; i < PACK_COLUMNS; i++) {
		uint32_t length;
		if ((size_t)(end - at) < sizeof length)
			return false;
		memcpy(&length, at, sizeof length);
		at += sizeof length;
		if (length == PACK_NULL) {
			row_r->columns[i] = (struct text){0};
			continue;
		}
		if (length >= (size_t)(end - at) || at[length] != 0)
			return false;
		row_r->columns[i] = (struct text){.text = at, .length = length};
		at += length + 1;
	}
	*at_r = (size_t)(at - opened.text);
	*good_r = true;
	return true;
}
