#include "fingerprint.h"

#include "xalloc.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define JOINED_MAX 256u

struct fingerprint_maker {
	EVP_MAC_CTX *inputs;     /* AES-256-CMAC, keyed once */
	EVP_CIPHER_CTX *bodies;  /* AES-256-GCM, keyed once: GMAC is GCM with nothing but additional data */
};

struct fingerprint_maker *fingerprint_maker_new(const struct keyring *keyring)
{
	struct fingerprint_maker *maker = xcalloc(1, sizeof *maker);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)"AES-256-CBC", 0), OSSL_PARAM_construct_end()};
	maker->inputs = EVP_MAC_CTX_new(mac);
	maker->bodies = EVP_CIPHER_CTX_new();
	if (!maker->inputs || EVP_MAC_init(maker->inputs, keyring_newest(keyring, KEY_ETAG), KEY_SIZE, params) != 1 || !maker->bodies ||
	    EVP_EncryptInit_ex2(maker->bodies, gcm, keyring_newest(keyring, KEY_BODY), NULL, NULL) != 1)
		abort(); /* an OpenSSL without these cannot run any of this */
	EVP_CIPHER_free(gcm);
	EVP_MAC_free(mac);
	return maker;
}

void fingerprint_maker_free(struct fingerprint_maker **maker)
{
	if (!*maker)
		return;
	EVP_MAC_CTX_free((*maker)->inputs);
	EVP_CIPHER_CTX_free((*maker)->bodies);
	free(*maker);
	*maker = NULL;
}

void fingerprint_of(struct fingerprint_maker *maker, const struct fingerprint_part *parts, size_t count, struct fingerprint *fingerprint_r)
{
	unsigned char joined[JOINED_MAX];
	size_t size = 0, used = 0;
	bool good = EVP_MAC_init(maker->inputs, NULL, 0, NULL) == 1;
	/* Small parts go to OpenSSL together: each call costs more than the bytes. */
	for (size_t i = 0; i < count; i++) {
		const unsigned char length[4] = {(unsigned char)(parts[i].size >> 24), (unsigned char)(parts[i].size >> 16),
			(unsigned char)(parts[i].size >> 8), (unsigned char)parts[i].size};
		if (sizeof length + parts[i].size > sizeof joined - used) {
			good = good && EVP_MAC_update(maker->inputs, joined, used) == 1;
			used = 0;
		}
		memcpy(joined + used, length, sizeof length);
		used += sizeof length;
		if (parts[i].size > sizeof joined - used) {
			good = good && EVP_MAC_update(maker->inputs, joined, used) == 1 &&
			       EVP_MAC_update(maker->inputs, parts[i].bytes, parts[i].size) == 1;
			used = 0;
			continue;
		}
		memcpy(joined + used, parts[i].bytes, parts[i].size);
		used += parts[i].size;
	}
	if (!good || EVP_MAC_update(maker->inputs, joined, used) != 1 || EVP_MAC_final(maker->inputs, fingerprint_r->etag, &size, FINGERPRINT_ETAG) != 1)
		abort();
	memcpy(fingerprint_r->nonce, fingerprint_r->etag, FINGERPRINT_NONCE);
}

void fingerprint_body(struct fingerprint_maker *maker, const unsigned char nonce[FINGERPRINT_NONCE], const void *body, size_t size,
	unsigned char digest_r[FINGERPRINT_DIGEST])
{
	int ignored;
	unsigned char nothing[1];
	if (EVP_EncryptInit_ex2(maker->bodies, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(maker->bodies, NULL, &ignored, body, (int)size) != 1 ||
	    EVP_EncryptFinal_ex(maker->bodies, nothing, &ignored) != 1 ||
	    EVP_CIPHER_CTX_ctrl(maker->bodies, EVP_CTRL_AEAD_GET_TAG, FINGERPRINT_DIGEST, digest_r) != 1)
		abort();
}

void fingerprint_etag_text(const struct fingerprint *fingerprint, char text_r[FINGERPRINT_ETAG_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	char *at = text_r;
	*at++ = '"';
	for (size_t i = 0; i < FINGERPRINT_ETAG; i++) {
		*at++ = hex[fingerprint->etag[i] >> 4];
		*at++ = hex[fingerprint->etag[i] & 15];
	}
	*at++ = '"';
	*at = 0;
}

bool fingerprint_matches(const struct fingerprint *fingerprint, const char *if_none_match)
{
	char own[FINGERPRINT_ETAG_TEXT];
	const char *at = if_none_match;
	fingerprint_etag_text(fingerprint, own);
	for (;;) {
		at += strspn(at, " \t,");
		if (!*at)
			return false;
		if (*at == '*')
			return at[1 + strspn(at + 1, " \t")] == 0;
		if (at[0] == 'W' && at[1] == '/')
			at += 2; /* 304 compares weakly: RFC 9110 8.8.3.2 */
		const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
		if (!end)
			return false; /* not an entity tag: the rest cannot be trusted to be one */
		if ((size_t)(end + 1 - at) == FINGERPRINT_ETAG_TEXT - 1 && memcmp(at, own, FINGERPRINT_ETAG_TEXT - 1) == 0)
			return true;
		at = end + 1;
	}
}
