#include "digest.h"

#include "wipe.h"
#include "xalloc.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NONCE_TIME 4
#define NONCE_RANDOM 8
#define NONCE_PROOF 16
#define NONCE_BYTES (NONCE_TIME + NONCE_RANDOM + NONCE_PROOF)
#define CLOCK_SKEW 60 /* seconds that the clocks of hosts which share a key ring may differ */
#define COUNT_DIGITS 8

static const char hex_digits[] = "0123456789abcdef";

struct digest_maker {
	unsigned count;
	EVP_MAC_CTX *proof[KEYRING_MAX]; /* as in the ring, newest last */
	EVP_MD_CTX *context;
	EVP_MD *md[DIGEST_ALGORITHMS];
};

/* ---------------------------------------------------------------- the header */

/* Directives that are looked at; `userhash`, `opaque` and the like are not ours. */
enum directive { D_USERNAME, D_REALM, D_NONCE, D_URI, D_RESPONSE, D_CNONCE, D_NC, D_QOP, D_ALGORITHM, DIRECTIVES };
static const char *const directives[DIRECTIVES] = {"username", "realm", "nonce", "uri", "response", "cnonce", "nc", "qop", "algorithm"};

static const char token_characters[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* A token or a quoted string (RFC 9110 5.6.2, 5.6.4) at *at_io, unquoted into the arena. */
static bool take_text(const char **at_io, struct arena *arena, struct text *text_r)
{
	const char *at = *at_io;
	if (*at != '"') {
		size_t length = strspn(at, token_characters);
		*text_r = (struct text){.text = arena_copy(arena, at, length), .length = (uint32_t)length};
		*at_io = at + length;
		return length > 0;
	}
	char *copy = arena_alloc(arena, strlen(at) + 1), *out = copy;
	for (at++; *at != '"'; at++) {
		if (*at == '\\')
			at++;
		if (!*at)
			return false;
		*out++ = *at;
	}
	*text_r = (struct text){.text = copy, .length = (uint32_t)(out - copy)};
	*at_io = at + 1;
	return true;
}

static int directive_of(const char *name, size_t length)
{
	for (int i = 0; i < DIRECTIVES; i++)
		if (strlen(directives[i]) == length && strncasecmp(directives[i], name, length) == 0)
			return i;
	return -1;
}

static const char *take_directives(const char *at, struct arena *arena, struct text values[DIRECTIVES])
{
	while (*(at += strspn(at, " \t,"))) {
		const char *name = at;
		size_t length = strspn(at, token_characters);
		struct text value;
		at += length;
		at += strspn(at, " \t");
		if (!length || *at != '=')
			return "Digest credentials with a part that is no name=value";
		at++;
		at += strspn(at, " \t");
		if (!take_text(&at, arena, &value))
			return "Digest credentials with a value that does not end";
		at += strspn(at, " \t");
		if (*at && *at != ',')
			return "Digest credentials with something behind a value";
		int which = directive_of(name, length);
		if (which < 0)
			continue;
		if (values[which].text)
			return "Digest credentials with a part that comes twice";
		values[which] = value;
	}
	return NULL;
}

static bool is_hex(const struct text *text, size_t length)
{
	return text->length == length && strspn(text->text, "0123456789abcdefABCDEF") == length;
}

static const char *judge(const struct text values[DIRECTIVES], struct digest_answer *answer)
{
	for (int i = 0; i < D_QOP; i++)
		if (!values[i].text)
			return "Digest credentials without username, realm, nonce, uri, response, cnonce or nc";
	if (!values[D_QOP].text || strcasecmp(values[D_QOP].text, "auth") != 0)
		return "Digest credentials without qop=auth";
	if (!values[D_ALGORITHM].text || strcasecmp(values[D_ALGORITHM].text, "MD5") == 0)
		answer->algorithm = DIGEST_MD5;
	else if (strcasecmp(values[D_ALGORITHM].text, "SHA-256") == 0)
		answer->algorithm = DIGEST_SHA256;
	else
		return "Digest credentials of an algorithm that was not offered";
	if (!is_hex(&values[D_NC], COUNT_DIGITS))
		return "Digest credentials whose nc is not 8 hex digits";
	if (!is_hex(&values[D_RESPONSE], answer->algorithm == DIGEST_MD5 ? HA1_MD5 : HA1_SHA256))
		return "Digest credentials whose response is no hash of their algorithm";
	answer->username = values[D_USERNAME];
	answer->realm = values[D_REALM];
	answer->nonce = values[D_NONCE];
	answer->uri = values[D_URI];
	answer->response = values[D_RESPONSE];
	answer->cnonce = values[D_CNONCE];
	answer->nc = values[D_NC];
	return NULL;
}

const char *digest_parse(const char *authorization, struct arena *arena, struct digest_answer *answer_r)
{
	struct text values[DIRECTIVES] = {{0}};
	memset(answer_r, 0, sizeof *answer_r);
	if (strncasecmp(authorization, "Digest", 6) != 0 || (authorization[6] != ' ' && authorization[6] != '\t'))
		return "not Digest credentials";
	const char *why = take_directives(authorization + 7, arena, values);
	return why ? why : judge(values, answer_r);
}

/* Behind "scheme://authority", where there is one: as request_decode_path finds it. */
static const char *path_of(const char *uri)
{
	const char *colon = strstr(uri, "://");
	if (*uri == '/' || !colon)
		return uri;
	const char *path = colon + 3 + strcspn(colon + 3, "/?");
	return *path == '/' ? path : "/";
}

bool digest_same_target(const struct digest_answer *answer, const char *request_uri)
{
	return strlen(answer->uri.text) == answer->uri.length && strcmp(path_of(answer->uri.text), path_of(request_uri)) == 0;
}

/* ---------------------------------------------------------------- nonces */

struct digest_maker *digest_maker_new(const struct keyring *keyring)
{
	struct digest_maker *maker = xcalloc(1, sizeof *maker);
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)(uintptr_t)"AES-256-CBC", 0), OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	maker->count = keyring->count;
	for (unsigned i = 0; i < keyring->count; i++) {
		maker->proof[i] = EVP_MAC_CTX_new(mac);
		if (!maker->proof[i] || EVP_MAC_init(maker->proof[i], keyring->keys[i].key[KEY_NONCE], KEY_SIZE, params) != 1)
			abort(); /* an OpenSSL without these cannot run any of this */
	}
	EVP_MAC_free(mac);
	maker->context = EVP_MD_CTX_new();
	maker->md[DIGEST_MD5] = EVP_MD_fetch(NULL, "MD5", NULL);
	maker->md[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!maker->context || !maker->md[DIGEST_MD5] || !maker->md[DIGEST_SHA256])
		abort();
	return maker;
}

void digest_maker_free(struct digest_maker **maker)
{
	if (!*maker)
		return;
	for (unsigned i = 0; i < (*maker)->count; i++)
		EVP_MAC_CTX_free((*maker)->proof[i]);
	EVP_MD_CTX_free((*maker)->context);
	for (int i = 0; i < DIGEST_ALGORITHMS; i++)
		EVP_MD_free((*maker)->md[i]);
	free(*maker);
	*maker = NULL;
}

static void proof_of(EVP_MAC_CTX *context, const void *bytes, size_t size, unsigned char proof_r[NONCE_PROOF])
{
	size_t got = 0;
	if (EVP_MAC_init(context, NULL, 0, NULL) != 1 || EVP_MAC_update(context, bytes, size) != 1 || EVP_MAC_final(context, proof_r, &got, NONCE_PROOF) != 1 ||
	    got != NONCE_PROOF)
		abort();
}

static void to_hex(const unsigned char *bytes, size_t size, char *text_r)
{
	for (size_t i = 0; i < size; i++) {
		text_r[2 * i] = hex_digits[bytes[i] >> 4];
		text_r[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
	text_r[2 * size] = 0;
}

void digest_nonce(struct digest_maker *maker, int64_t now, char nonce_r[DIGEST_NONCE_TEXT])
{
	unsigned char bytes[NONCE_BYTES];
	for (int i = 0; i < NONCE_TIME; i++)
		bytes[i] = (unsigned char)((uint64_t)now >> 8 * (NONCE_TIME - 1 - i));
	if (RAND_bytes(bytes + NONCE_TIME, NONCE_RANDOM) != 1)
		abort();
	proof_of(maker->proof[maker->count - 1], bytes, NONCE_TIME + NONCE_RANDOM, bytes + NONCE_TIME + NONCE_RANDOM);
	to_hex(bytes, sizeof bytes, nonce_r);
}

static int hex_value(char c)
{
	const char *at = c ? strchr(hex_digits, c) : NULL;
	return at ? (int)(at - hex_digits) : -1;
}

enum digest_freshness digest_nonce_check(struct digest_maker *maker, const struct text *nonce, int64_t now, long long lifetime)
{
	unsigned char bytes[NONCE_BYTES], proof[NONCE_PROOF];
	int good = 0;
	if (nonce->length != 2 * NONCE_BYTES)
		return NONCE_FOREIGN;
	for (size_t i = 0; i < NONCE_BYTES; i++) {
		int high = hex_value(nonce->text[2 * i]), low = hex_value(nonce->text[2 * i + 1]);
		if (high < 0 || low < 0)
			return NONCE_FOREIGN;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	for (unsigned i = 0; i < maker->count; i++) {
		proof_of(maker->proof[i], bytes, NONCE_TIME + NONCE_RANDOM, proof);
		good |= CRYPTO_memcmp(proof, bytes + NONCE_TIME + NONCE_RANDOM, NONCE_PROOF) == 0;
	}
	if (!good)
		return NONCE_FOREIGN;
	uint32_t made = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	int64_t age = now - (int64_t)made;
	return age > lifetime || age < -CLOCK_SKEW ? NONCE_OLD : NONCE_FRESH;
}

uint64_t digest_use(struct digest_maker *maker, const struct digest_answer *answer)
{
	unsigned char bytes[2 * NONCE_BYTES + COUNT_DIGITS], proof[NONCE_PROOF];
	uint64_t use;
	size_t nonce = answer->nonce.length < 2 * NONCE_BYTES ? answer->nonce.length : 2 * NONCE_BYTES;
	memcpy(bytes, answer->nonce.text, nonce);
	for (size_t i = 0; i < COUNT_DIGITS; i++) /* 0000000a and 0000000A are one count */
		bytes[nonce + i] = (unsigned char)(answer->nc.text[i] >= 'A' && answer->nc.text[i] <= 'F' ? answer->nc.text[i] | 0x20 : answer->nc.text[i]);
	proof_of(maker->proof[maker->count - 1], bytes, nonce + COUNT_DIGITS, proof);
	memcpy(&use, proof, sizeof use);
	return use;
}

/* ---------------------------------------------------------------- responses */

/* H(parts joined by ":") in lower-case hex. */
static void hash(struct digest_maker *maker, enum digest_algorithm algorithm, const struct text *parts, size_t count, char hex_r[DIGEST_HEX_MAX + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	bool good = EVP_DigestInit_ex2(maker->context, maker->md[algorithm], NULL) == 1;
	for (size_t i = 0; i < count && good; i++)
		good = (!i || EVP_DigestUpdate(maker->context, ":", 1) == 1) && EVP_DigestUpdate(maker->context, parts[i].text, parts[i].length) == 1;
	if (!good || EVP_DigestFinal_ex(maker->context, digest, &size) != 1 || size > DIGEST_HEX_MAX / 2)
		abort();
	to_hex(digest, size, hex_r);
	wipe(digest, sizeof digest);
}

static struct text text_of(const char *text)
{
	return (struct text){.text = text, .length = (uint32_t)strlen(text)};
}

bool digest_fits(struct digest_maker *maker, const struct digest_answer *answer, const char *method, const char *password, size_t length)
{
	char ha1[DIGEST_HEX_MAX + 1], ha2[DIGEST_HEX_MAX + 1], expected[DIGEST_HEX_MAX + 1], given[DIGEST_HEX_MAX + 1];
	const struct text secret[] = {answer->username, answer->realm, {.text = password, .length = (uint32_t)length}}, target[] = {text_of(method), answer->uri};
	size_t size = answer->response.length;
	hash(maker, answer->algorithm, secret, 3, ha1);
	hash(maker, answer->algorithm, target, 2, ha2);
	const struct text all[] = {text_of(ha1), answer->nonce, answer->nc, answer->cnonce, {.text = "auth", .length = 4}, text_of(ha2)};
	hash(maker, answer->algorithm, all, 6, expected);
	for (size_t i = 0; i < size; i++)
		given[i] = answer->response.text[i] >= 'A' && answer->response.text[i] <= 'F' ? (char)(answer->response.text[i] | 0x20) : answer->response.text[i];
	bool fits = size == strlen(expected) && CRYPTO_memcmp(expected, given, size) == 0;
	wipe(ha1, sizeof ha1);
	wipe(expected, sizeof expected);
	return fits;
}

/* Of MD5 and SHA-256 alike: 64 bytes, and 9 for what ends a message. */
#define BLOCK 64u
#define BLOCK_END 9u

void digest_pad(struct digest_maker *maker, const struct digest_answer *answer, size_t length, size_t most)
{
	static const char nothing[BLOCK];
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t before = (size_t)answer->username.length + answer->realm.length + 2 + BLOCK_END + BLOCK - 1;
	size_t had = (before + length) / BLOCK, full = (before + most) / BLOCK;
	/* always one message, block by block: so many calls, not only so many blocks */
	bool good = EVP_DigestInit_ex2(maker->context, maker->md[answer->algorithm], NULL) == 1;
	for (; good && had < full; had++)
		good = EVP_DigestUpdate(maker->context, nothing, BLOCK) == 1;
	if (!good || EVP_DigestFinal_ex(maker->context, digest, NULL) != 1)
		abort();
}
