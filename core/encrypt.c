#include "encrypt.h"

#include "wipe.h"
#include "xalloc.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16u
#define MD5_SIZE 16u
#define HMAC_SIZE 32u
#define GRANDSTREAM_MAGIC "Salted__"
#define GRANDSTREAM_SALT 8u
#define GRANDSTREAM_HEADER (sizeof GRANDSTREAM_MAGIC - 1 + GRANDSTREAM_SALT)
#define GRANDSTREAM_KEY_MAX 64u
#define YEALINK_KEY 16u
#define YEALINK_RSA_BITS 1024
#define YEALINK_RSA_SIZE (YEALINK_RSA_BITS / 8u)
#define YEALINK_FILE_KEY 32u
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4)

struct encrypter {
	EVP_CIPHER *aes_256_cbc, *aes_256_ecb, *aes_128_ecb;
	EVP_CIPHER_CTX *cipher;
	EVP_MD *md5;
	EVP_MD_CTX *digest;
	EVP_MAC_CTX *hmac;
};

struct encrypter *encrypter_new(void)
{
	return xcalloc(1, sizeof(struct encrypter));
}

void encrypter_free(struct encrypter **encrypter)
{
	if (!*encrypter)
		return;
	EVP_CIPHER_free((*encrypter)->aes_256_cbc);
	EVP_CIPHER_free((*encrypter)->aes_256_ecb);
	EVP_CIPHER_free((*encrypter)->aes_128_ecb);
	EVP_CIPHER_CTX_free((*encrypter)->cipher);
	EVP_MD_free((*encrypter)->md5);
	EVP_MD_CTX_free((*encrypter)->digest);
	EVP_MAC_CTX_free((*encrypter)->hmac);
	free(*encrypter);
	*encrypter = NULL;
}

/* All at once, at the first file. An OpenSSL without AES and HMAC cannot run any of this; MD5 it may be told to do without. */
static enum error_code prepare(struct encrypter *encrypter, struct error *error)
{
	if (!encrypter->cipher) {
		EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
		encrypter->aes_256_cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
		encrypter->aes_256_ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
		encrypter->aes_128_ecb = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
		encrypter->cipher = EVP_CIPHER_CTX_new();
		encrypter->digest = EVP_MD_CTX_new();
		encrypter->hmac = EVP_MAC_CTX_new(mac);
		EVP_MAC_free(mac);
		if (!encrypter->aes_256_cbc || !encrypter->aes_256_ecb || !encrypter->aes_128_ecb || !encrypter->cipher || !encrypter->digest || !encrypter->hmac)
			abort();
		encrypter->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	}
	return encrypter->md5 ? ERROR_NONE : error_set(error, ERROR_INEXPRESSIBLE, "files cannot be encrypted: this OpenSSL has no MD5");
}

/* Encrypt file->data from `begin` on in place, with PKCS#7 padding. There is room for a block more. */
static void run_cipher(struct encrypter *encrypter, const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv, struct buf *file, size_t begin)
{
	unsigned char *data = (unsigned char *)file->data + begin;
	int size = (int)(file->size - begin), whole = 0, last = 0;
	if (EVP_EncryptInit_ex2(encrypter->cipher, cipher, key, iv, NULL) != 1 || EVP_EncryptUpdate(encrypter->cipher, data, &whole, data, size) != 1 ||
	    EVP_EncryptFinal_ex(encrypter->cipher, data + whole, &last) != 1)
		abort();
	EVP_CIPHER_CTX_reset(encrypter->cipher); /* wipes its copy of the key */
	file->size = begin + (size_t)whole + (size_t)last;
	file->data[file->size] = 0;
}

/* HMAC-SHA-256 of `purpose` and `body` by the key: nobody without the key can tell anything from it. */
static void keyed_digest(struct encrypter *encrypter, const char *key, size_t length, const char *purpose, const void *body, size_t size, unsigned char mac_r[HMAC_SIZE])
{
	size_t got = 0;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)"SHA256", 0), OSSL_PARAM_construct_end()};
	if (EVP_MAC_init(encrypter->hmac, (const unsigned char *)key, length, params) != 1 ||
	    EVP_MAC_update(encrypter->hmac, (const unsigned char *)purpose, strlen(purpose) + 1) != 1 || EVP_MAC_update(encrypter->hmac, body, size) != 1 ||
	    EVP_MAC_final(encrypter->hmac, mac_r, &got, HMAC_SIZE) != 1 || got != HMAC_SIZE)
		abort();
	/* Keyed anew, so that the context does not keep this device's key. */
	if (EVP_MAC_init(encrypter->hmac, (const unsigned char *)purpose, strlen(purpose) + 1, params) != 1)
		abort();
}

static enum error_code too_large(const struct buf *file, struct error *error)
{
	return error_set(error, ERROR_RANGE, "the encrypted file would pass %zu bytes", file->max);
}

/* ---- Grandstream: what `openssl enc -aes-256-cbc -md md5` writes: "Salted__", 8 bytes of salt, AES-256-CBC with PKCS#7 padding; key and IV by EVP_BytesToKey, MD5, one round
 * (Grandstream's XML Provisioning Guide, 7/2011, and SIP Device Provisioning Guide, 9/2012: "the algorithm … is the same as the one used by OpenSSL", whose digest was MD5 then) */

static enum error_code grandstream_check_key(const char *key, size_t length, struct error *error)
{
	bool good = length >= 1 && length <= GRANDSTREAM_KEY_MAX;
	for (size_t i = 0; i < length && good; i++)
		good = key[i] > ' ' && key[i] <= '~';
	return good ? ERROR_NONE
		    : error_set(error, ERROR_INEXPRESSIBLE, "provisioning.encryption_key: Grandstream's are 1 to %u printable ASCII characters", GRANDSTREAM_KEY_MAX);
}

/* EVP_BytesToKey for 48 bytes by MD5 and one round: D1 = MD5(key ‖ salt), Dn = MD5(Dn-1 ‖ key ‖ salt). */
static void grandstream_secret(struct encrypter *encrypter, const char *key, size_t length, const unsigned char salt[GRANDSTREAM_SALT], unsigned char secret_r[3 * MD5_SIZE])
{
	for (unsigned i = 0; i < 3; i++)
		if (EVP_DigestInit_ex2(encrypter->digest, encrypter->md5, NULL) != 1 ||
		    (i && EVP_DigestUpdate(encrypter->digest, secret_r + (size_t)(i - 1) * MD5_SIZE, MD5_SIZE) != 1) ||
		    EVP_DigestUpdate(encrypter->digest, key, length) != 1 || EVP_DigestUpdate(encrypter->digest, salt, GRANDSTREAM_SALT) != 1 ||
		    EVP_DigestFinal_ex(encrypter->digest, secret_r + (size_t)i * MD5_SIZE, NULL) != 1)
			abort();
	EVP_MD_CTX_reset(encrypter->digest);
}

static enum error_code grandstream_encrypt(
	struct encrypter *encrypter, const char *key, size_t length, struct buf *file, size_t begin, struct error *error)
{
	unsigned char salt[HMAC_SIZE], secret[3 * MD5_SIZE]; /* of the salt the first GRANDSTREAM_SALT bytes */
	size_t size = file->size - begin;
	if (!buf_reserve(file, GRANDSTREAM_HEADER + BLOCK + 1))
		return too_large(file, error);
	char *at = file->data + begin;
	keyed_digest(encrypter, key, length, "dialtone encrypted file, grandstream salt", at, size, salt);
	grandstream_secret(encrypter, key, length, salt, secret);
	memmove(at + GRANDSTREAM_HEADER, at, size);
	memcpy(at, GRANDSTREAM_MAGIC, sizeof GRANDSTREAM_MAGIC - 1);
	memcpy(at + sizeof GRANDSTREAM_MAGIC - 1, salt, GRANDSTREAM_SALT);
	file->size += GRANDSTREAM_HEADER;
	run_cipher(encrypter, encrypter->aes_256_cbc, secret, secret + 2 * MD5_SIZE, file, begin + GRANDSTREAM_HEADER);
	wipe(secret, sizeof secret);
	return ERROR_NONE;
}

/* ---- Yealink: AES-128-ECB, nothing before or behind it; the key is the 16 characters (auto_provision.aes_key_16.mac). ECB has no IV: equal blocks of one file are equal in its
 * encrypted form too.
 * The tools that open such files do not agree whether the last block ends in PKCS#7 padding or in the file's own last bytes. So line feeds are put behind the file until ten bytes
 * are missing in its last block: ten bytes of 10 are line feeds, and blank lines to whoever takes no padding off. */

static enum error_code yealink_check_key(const char *key, size_t length, struct error *error)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:=?@[]^_{}~";
	bool good = length == YEALINK_KEY;
	for (size_t i = 0; i < length && good; i++)
		good = key[i] && strchr(alphabet, key[i]);
	return good ? ERROR_NONE
		    : error_set(error, ERROR_INEXPRESSIBLE, "provisioning.encryption_key: Yealink's are %u letters, digits and #$%%*+,-.:=?@[]^_{}~", YEALINK_KEY);
}

static enum error_code yealink_encrypt(struct encrypter *encrypter, const char *key, size_t length, struct buf *file, size_t begin, struct error *error)
{
	(void)length;
	if (!buf_reserve(file, 2 * BLOCK + 1))
		return too_large(file, error);
	while ((file->size - begin) % BLOCK != BLOCK - '\n')
		file->data[file->size++] = '\n';
	run_cipher(encrypter, encrypter->aes_128_ecb, (const unsigned char *)key, NULL, file, begin);
	return ERROR_NONE;
}

/* ---- Yealink, by an RSA key: lines of text around base64 of AES-256-ECB with PKCS#7 padding; the file's key is 32 characters, and travels in the same file as PKCS#1 v1.5 for an RSA
 * key of 1024 bits (shared facts, yealink.md, section 5; gitaware/yealink-encryption; the misspelt word is the vendor's). The file's key and the padding of PKCS#1, which RFC 8017 wants
 * random, are keyed digests of the file, so that equal files are equal here too. */

static enum error_code wrong_rsa_key(struct error *error)
{
	return error_set(error, ERROR_INEXPRESSIBLE,
		"provisioning.encryption_rsa_key: Yealink's are public RSA keys of %d bits, written as `openssl rsa -in KEY -pubout -outform DER | base64 -w0` writes them",
		YEALINK_RSA_BITS);
}

/* NULL where it is none that the phones take. The caller frees it. */
static EVP_PKEY *read_rsa_key(const char *text, size_t length)
{
	unsigned char der[512];
	if (length % 4 != 0 || length / 4 * 3 > sizeof der)
		return NULL;
	int size = EVP_DecodeBlock(der, (const unsigned char *)text, (int)length);
	for (size_t i = length; size > 0 && i > 0 && length - i < 2 && text[i - 1] == '='; i--)
		size--;
	const unsigned char *end = der;
	EVP_PKEY *key = size > 0 ? d2i_PUBKEY(NULL, &end, size) : NULL;
	if (!key || end != der + size || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) != YEALINK_RSA_BITS) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

/* PKCS#1 v1.5 (RFC 8017, section 7.2.1): 0, 2, bytes that are not 0, 0, the message. */
static bool rsa_encrypt(struct encrypter *encrypter, EVP_PKEY *rsa, const struct encryption_keys *keys, const char message[YEALINK_FILE_KEY], unsigned char out_r[YEALINK_RSA_SIZE])
{
	unsigned char block[YEALINK_RSA_SIZE] = {0, 2}, bytes[HMAC_SIZE];
	size_t padding = YEALINK_RSA_SIZE - 3 - YEALINK_FILE_KEY, size = YEALINK_RSA_SIZE;
	for (size_t i = 0; i < padding; i++) {
		if (i % HMAC_SIZE == 0) {
			const char purpose[] = {'p', 'a', 'd', (char)('0' + i / HMAC_SIZE), 0};
			keyed_digest(encrypter, keys->key, keys->key_length, purpose, message, YEALINK_FILE_KEY, bytes);
		}
		block[2 + i] = (unsigned char)(1 + bytes[i % HMAC_SIZE] % 255);
	}
	memcpy(block + YEALINK_RSA_SIZE - YEALINK_FILE_KEY, message, YEALINK_FILE_KEY);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, rsa, NULL);
	bool good = context && EVP_PKEY_encrypt_init(context) == 1 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
		EVP_PKEY_encrypt(context, out_r, &size, block, sizeof block) == 1 && size == YEALINK_RSA_SIZE;
	EVP_PKEY_CTX_free(context);
	wipe(block, sizeof block);
	return good;
}

static enum error_code yealink_encrypt_rsa(struct encrypter *encrypter, const struct encryption_keys *keys, struct buf *file, size_t begin, struct error *error)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char head[] = "#!encrypt:1.0.0.0\n#!key_signatue:RSA_256\n#!conf_encryption:AES_256\n#!key_ciphertext:", middle[] = "\n#!---BEGIN CONFIG DATA---\n",
			  foot[] = "\n#!---END CONFIG DATA---\n";
	unsigned char digest[HMAC_SIZE], wrapped[YEALINK_RSA_SIZE];
	char key[YEALINK_FILE_KEY];
	size_t size = file->size - begin, encrypted = (size / BLOCK + 1) * BLOCK, text = strlen(head) + BASE64_SIZE(YEALINK_RSA_SIZE) + strlen(middle) + BASE64_SIZE(encrypted) + strlen(foot);
	if (!buf_reserve(file, BLOCK + text + 2))
		return too_large(file, error);
	EVP_PKEY *rsa = read_rsa_key(keys->rsa, keys->rsa_length);
	if (!rsa)
		return wrong_rsa_key(error);
	keyed_digest(encrypter, keys->key, keys->key_length, "dialtone encrypted file, yealink key", file->data + begin, size, digest);
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = alphabet[digest[i] % (sizeof alphabet - 1)];
	bool good = rsa_encrypt(encrypter, rsa, keys, key, wrapped);
	EVP_PKEY_free(rsa);
	if (good) {
		run_cipher(encrypter, encrypter->aes_256_ecb, (const unsigned char *)key, NULL, file, begin);
		/* Behind the encrypted bytes first, then over them. */
		char *at = file->data + file->size, *end = stpcpy(at, head);
		end += EVP_EncodeBlock((unsigned char *)end, wrapped, sizeof wrapped);
		end = stpcpy(end, middle);
		end += EVP_EncodeBlock((unsigned char *)end, (unsigned char *)file->data + begin, (int)encrypted);
		end = stpcpy(end, foot);
		file->size = begin + (size_t)(end - at);
		memmove(file->data + begin, at, (size_t)(end - at) + 1);
	}
	wipe(key, sizeof key);
	wipe(digest, sizeof digest);
	return good ? ERROR_NONE : wrong_rsa_key(error);
}

/* ---- the list ---- */

static const struct encryption grandstream = {.name = "grandstream", .key_length = 22, .check_key = grandstream_check_key, .encrypt = grandstream_encrypt};
static const struct encryption yealink = {
	.name = "yealink", .key_length = YEALINK_KEY, .check_key = yealink_check_key, .encrypt = yealink_encrypt, .encrypt_rsa = yealink_encrypt_rsa};

const struct encryption *const encryption_list[] = {&grandstream, &yealink, NULL};

const struct encryption *encryption_find(const char *name)
{
	for (const struct encryption *const *one = encryption_list; *one; one++)
		if (strcmp((*one)->name, name) == 0)
			return *one;
	return NULL;
}

enum error_code encrypt_file(struct encrypter *encrypter, const struct encryption *encryption, const struct encryption_keys *keys, struct buf *file, size_t begin,
	struct error *error)
{
	enum error_code code = encryption->check_key(keys->key, keys->key_length, error);
	if (!code)
		code = prepare(encrypter, error);
	if (!code)
		code = keys->rsa && encryption->encrypt_rsa ? encryption->encrypt_rsa(encrypter, keys, file, begin, error)
							    : encryption->encrypt(encrypter, keys->key, keys->key_length, file, begin, error);
	if (code && file->data) {
		wipe(file->data + begin, file->size - begin);
		file->size = begin;
		file->data[begin] = 0;
	}
	return code;
}
