#include "token.h"

#include "wipe.h"
#include "xalloc.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_PROOF (TOKEN_LENGTH - TOKEN_GENERATION) /* 62^22 > 2^128 */
#define TOKEN_BITS 16                                 /* bytes of the HMAC that are kept */
#define HMAC_SIZE 32

struct token_maker {
	unsigned count;
	EVP_MAC_CTX *proof[KEYRING_MAX]; /* keyed once; as in the ring, newest last */
	EVP_MAC_CTX *derived;
	/* What the newest key says of the MAC and generation that were checked last: the file that a phone gets names its token again. Wiped when asked for. */
	bool known;
	char subject[MAC_DIGITS + TOKEN_GENERATION], answer[TOKEN_PROOF + 1];
};

static EVP_MAC_CTX *keyed(EVP_MAC *mac, const unsigned char *key)
{
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0), OSSL_PARAM_construct_end()};
	if (!context || EVP_MAC_init(context, key, KEY_SIZE, params) != 1)
		abort(); /* an OpenSSL without HMAC-SHA-256 cannot run any of this */
	return context;
}

struct token_maker *token_maker_new(const struct keyring *keyring)
{
	struct token_maker *maker = xcalloc(1, sizeof *maker);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	maker->count = keyring->count;
	for (unsigned i = 0; i < keyring->count; i++)
		maker->proof[i] = keyed(mac, keyring->keys[i].key[KEY_TOKEN]);
	maker->derived = keyed(mac, keyring_newest(keyring, KEY_DERIVED_SECRET));
	EVP_MAC_free(mac);
	return maker;
}

void token_maker_free(struct token_maker **maker)
{
	if (!*maker)
		return;
	for (unsigned i = 0; i < (*maker)->count; i++)
		EVP_MAC_CTX_free((*maker)->proof[i]);
	EVP_MAC_CTX_free((*maker)->derived);
	token_forget(*maker);
	free(*maker);
	*maker = NULL;
}

/* HMAC of two runs of bytes under the context's key. */
static void hmac(EVP_MAC_CTX *context, const void *first, size_t first_size, const void *second, size_t second_size, unsigned char digest_r[HMAC_SIZE])
{
	size_t size = 0;
	if (EVP_MAC_init(context, NULL, 0, NULL) != 1 || EVP_MAC_update(context, first, first_size) != 1 ||
	    EVP_MAC_update(context, second, second_size) != 1 || EVP_MAC_final(context, digest_r, &size, HMAC_SIZE) != 1 || size != HMAC_SIZE)
		abort();
}

/* `length` digits (at most 22) of the number that the first 128 bits are, least significant first, in 32-bit words because it runs at every fetch. The same steps
 * for every value. */
static void base62(const unsigned char digest[HMAC_SIZE], char *text_r, size_t length)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint32_t words[TOKEN_BITS / 4];
	for (size_t i = 0; i < TOKEN_BITS / 4; i++)
		words[i] = (uint32_t)digest[4 * i] << 24 | (uint32_t)digest[4 * i + 1] << 16 | (uint32_t)digest[4 * i + 2] << 8 | digest[4 * i + 3];
	for (size_t i = 0; i < length; i++) {
		uint64_t rest = 0;
		for (size_t j = 0; j < TOKEN_BITS / 4; j++) {
			uint64_t number = rest << 32 | words[j];
			words[j] = (uint32_t)(number / 62);
			rest = number % 62;
		}
		text_r[i] = digits[rest];
	}
	text_r[length] = 0;
	wipe(words, sizeof words);
}

static void proof_of(EVP_MAC_CTX *context, const struct mac *mac, const char *generation, char text_r[TOKEN_PROOF + 1])
{
	unsigned char digest[HMAC_SIZE];
	hmac(context, mac->digits, MAC_DIGITS, generation, TOKEN_GENERATION, digest);
	base62(digest, text_r, TOKEN_PROOF);
	wipe(digest, sizeof digest);
}

void token_make(struct token_maker *maker, const struct mac *mac, const char *generation, char password_r[TOKEN_LENGTH + 1])
{
	char *proof = password_r + TOKEN_GENERATION;
	memcpy(password_r, generation, TOKEN_GENERATION);
	if (maker->known && memcmp(maker->subject, mac->digits, MAC_DIGITS) == 0 && memcmp(maker->subject + MAC_DIGITS, generation, TOKEN_GENERATION) == 0)
		memcpy(proof, maker->answer, TOKEN_PROOF + 1);
	else
		proof_of(maker->proof[maker->count - 1], mac, generation, proof);
	token_forget(maker);
}

void token_forget(struct token_maker *maker)
{
	maker->known = false;
	wipe(maker->answer, sizeof maker->answer);
}

bool token_check(struct token_maker *maker, const struct mac *mac, const char *password, size_t length, char generation_r[TOKEN_GENERATION + 1])
{
	char expected[TOKEN_PROOF + 1];
	int good = 0;
	if (length != TOKEN_LENGTH)
		return false;
	/* All keys are tried whatever the first ones said: equal work. */
	for (unsigned i = 0; i < maker->count; i++) {
		proof_of(maker->proof[i], mac, password, expected);
		good |= CRYPTO_memcmp(expected, password + TOKEN_GENERATION, TOKEN_PROOF) == 0;
	}
	/* The last one tried was the newest key's. */
	maker->known = true;
	memcpy(maker->subject, mac->digits, MAC_DIGITS);
	memcpy(maker->subject + MAC_DIGITS, password, TOKEN_GENERATION);
	memcpy(maker->answer, expected, sizeof expected);
	wipe(expected, sizeof expected);
	memcpy(generation_r, password, TOKEN_GENERATION);
	generation_r[TOKEN_GENERATION] = 0;
	return good;
}

void token_derive(struct token_maker *maker, const char *purpose, const struct mac *mac, const char *generation, size_t length, char *secret_r)
{
	unsigned char digest[HMAC_SIZE];
	char subject[MAC_DIGITS + TOKEN_GENERATION];
	memcpy(subject, mac->digits, MAC_DIGITS);
	memcpy(subject + MAC_DIGITS, generation, TOKEN_GENERATION);
	/* The 0 behind the purpose parts it from the MAC. */
	hmac(maker->derived, purpose, strlen(purpose) + 1, subject, sizeof subject, digest);
	base62(digest, secret_r, length);
	wipe(digest, sizeof digest);
}
