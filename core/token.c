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
#define TOKEN_PURPOSE_MAX 64
#define TOKEN_BITS 16                                 /* bytes of the HMAC that are kept */
#define DIGEST_MAX 32

struct token_maker {
	unsigned count;
	EVP_MAC_CTX *proof[KEYRING_MAX]; /* keyed once; as in the ring, newest last */
	EVP_MAC_CTX *derived, *lasting; /* by the newest and the oldest key */
	/* What the newest key says of the MAC and generation that were checked last: the file that a phone gets names its token again. Wiped when asked for. */
	bool known;
	char subject[MAC_DIGITS + TOKEN_GENERATION], answer[TOKEN_PROOF + 1];
};

static EVP_MAC_CTX *keyed(const char *name, const char *parameter, const char *value, const unsigned char *key)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(parameter, (char *)(uintptr_t)value, 0), OSSL_PARAM_construct_end()};
	if (!context || EVP_MAC_init(context, key, KEY_SIZE, params) != 1)
		abort(); /* an OpenSSL without these cannot run any of this */
	EVP_MAC_free(mac);
	return context;
}

struct token_maker *token_maker_new(const struct keyring *keyring)
{
	struct token_maker *maker = xcalloc(1, sizeof *maker);
	maker->count = keyring->count;
	for (unsigned i = 0; i < keyring->count; i++)
		maker->proof[i] = keyed("HMAC", OSSL_MAC_PARAM_DIGEST, "SHA256", keyring->keys[i].key[KEY_TOKEN]);
	maker->derived = keyed("CMAC", OSSL_MAC_PARAM_CIPHER, "AES-256-CBC", keyring_newest(keyring, KEY_DERIVED_SECRET));
	maker->lasting = keyed("CMAC", OSSL_MAC_PARAM_CIPHER, "AES-256-CBC", keyring->keys[0].key[KEY_DERIVED_SECRET]);
	return maker;
}

void token_maker_free(struct token_maker **maker)
{
	if (!*maker)
		return;
	for (unsigned i = 0; i < (*maker)->count; i++)
		EVP_MAC_CTX_free((*maker)->proof[i]);
	EVP_MAC_CTX_free((*maker)->derived);
	EVP_MAC_CTX_free((*maker)->lasting);
	token_forget(*maker);
	free(*maker);
	*maker = NULL;
}

/* The context's MAC of some bytes: TOKEN_BITS bytes. */
static void mac_of(EVP_MAC_CTX *context, const void *bytes, size_t size, unsigned char digest_r[DIGEST_MAX])
{
	size_t got = 0;
	if (EVP_MAC_init(context, NULL, 0, NULL) != 1 || EVP_MAC_update(context, bytes, size) != 1 ||
	    EVP_MAC_final(context, digest_r, &got, DIGEST_MAX) != 1 || got < TOKEN_BITS)
		abort();
}

#define BASE62_STEP 5u             /* digits that fit into 32 bits */
#define BASE62_STEP_BASE 916132832u /* 62^5 */

/* Divide the number, most significant word first; returns what is left over. The same steps for every value: a division by a constant is a multiplication. */
static uint32_t divide(uint32_t words[TOKEN_BITS / 4])
{
	uint64_t rest = 0;
	for (size_t i = 0; i < TOKEN_BITS / 4; i++) {
		uint64_t number = rest << 32 | words[i];
		words[i] = (uint32_t)(number / BASE62_STEP_BASE);
		rest = number % BASE62_STEP_BASE;
	}
	return (uint32_t)rest;
}

/* `length` digits (at most 22) of the number that the first 128 bits are, least significant first; five for each long division because it runs at every fetch. */
static void base62(const unsigned char digest[DIGEST_MAX], char *text_r, size_t length)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint32_t words[TOKEN_BITS / 4];
	for (size_t i = 0; i < TOKEN_BITS / 4; i++)
		words[i] = (uint32_t)digest[4 * i] << 24 | (uint32_t)digest[4 * i + 1] << 16 | (uint32_t)digest[4 * i + 2] << 8 | digest[4 * i + 3];
	for (size_t i = 0; i < length;) {
		uint32_t rest = divide(words);
		for (size_t end = length - i < BASE62_STEP ? length : i + BASE62_STEP; i < end; i++, rest /= 62)
			text_r[i] = digits[rest % 62];
	}
	text_r[length] = 0;
	wipe(words, sizeof words);
}

static void proof_of(EVP_MAC_CTX *context, const struct mac *mac, const char *generation, char text_r[TOKEN_PROOF + 1])
{
	unsigned char digest[DIGEST_MAX];
	char subject[MAC_DIGITS + TOKEN_GENERATION];
	memcpy(subject, mac->digits, MAC_DIGITS);
	memcpy(subject + MAC_DIGITS, generation, TOKEN_GENERATION);
	mac_of(context, subject, sizeof subject, digest);
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

unsigned token_keys(const struct token_maker *maker)
{
	return maker->count;
}

void token_make_by(struct token_maker *maker, unsigned key, const struct mac *mac, const char *generation, char password_r[TOKEN_LENGTH + 1])
{
	memcpy(password_r, generation, TOKEN_GENERATION);
	proof_of(maker->proof[key], mac, generation, password_r + TOKEN_GENERATION);
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

static void derive(EVP_MAC_CTX *context, const char *purpose, const struct mac *mac, const char *generation, size_t length, char *secret_r)
{
	unsigned char digest[DIGEST_MAX];
	char subject[MAC_DIGITS + TOKEN_GENERATION + TOKEN_PURPOSE_MAX];
	size_t length_of = strnlen(purpose, TOKEN_PURPOSE_MAX);
	memcpy(subject, mac->digits, MAC_DIGITS);
	memcpy(subject + MAC_DIGITS, generation, TOKEN_GENERATION);
	memcpy(subject + MAC_DIGITS + TOKEN_GENERATION, purpose, length_of); /* last, because it alone varies in length */
	mac_of(context, subject, MAC_DIGITS + TOKEN_GENERATION + length_of, digest);
	base62(digest, secret_r, length);
	wipe(digest, sizeof digest);
}

void token_derive(struct token_maker *maker, const char *purpose, const struct mac *mac, const char *generation, size_t length, char *secret_r)
{
	derive(maker->derived, purpose, mac, generation, length, secret_r);
}

void token_derive_lasting(struct token_maker *maker, const char *purpose, const struct mac *mac, size_t length, char *secret_r)
{
	static const char no_generation[TOKEN_GENERATION + 1] = "----------"; /* none is like that: they are hex digits */
	derive(maker->lasting, purpose, mac, no_generation, length, secret_r);
}
