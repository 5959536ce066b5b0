/* encrypt.h, Yealink's form with an RSA key: its lines are the vendor's, OpenSSL opens what is in them, the same is the same, and what is no key of the phones is refused.
 * (tests/e2e/test_encrypted.py asks the commands `openssl pkeyutl` and `openssl enc`.) */
#include "encrypting.h"

#include "unit.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#define KEY "0123456789abcdef"
#define HEAD "#!encrypt:1.0.0.0\n#!key_signatue:RSA_256\n#!conf_encryption:AES_256\n#!key_ciphertext:"
#define MIDDLE "\n#!---BEGIN CONFIG DATA---\n"
#define FOOT "\n#!---END CONFIG DATA---\n"

static enum error_code encrypt(const char *form, const char *key, const char *rsa, const void *body, size_t size, struct error *error)
{
	buf_clear(&out);
	buf_add_string(&out, BEFORE);
	buf_add(&out, body, size);
	return encrypt_file(encrypter, encryption_find(form),
		&(struct encryption_keys){.key = key, .key_length = strlen(key), .rsa = rsa, .rsa_length = rsa ? strlen(rsa) : 0}, &out, strlen(BEFORE), error);
}

static EVP_PKEY *make_key(unsigned bits, char base64_r[1024])
{
	EVP_PKEY *key = EVP_RSA_gen(bits);
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key, &der);
	ck_assert(size > 0 && size < 700);
	EVP_EncodeBlock((unsigned char *)base64_r, der, size);
	OPENSSL_free(der);
	return key;
}

/* The bytes of base64 between two texts; how many. */
static size_t between(const char *from, const char *to, const char **rest_r, unsigned char *bytes_r)
{
	ck_assert(strncmp(*rest_r, from, strlen(from)) == 0);
	const char *at = *rest_r + strlen(from), *stop = strstr(at, to);
	ck_assert_ptr_nonnull(stop);
	ck_assert(!memchr(at, '\n', (size_t)(stop - at)));
	int size = EVP_DecodeBlock(bytes_r, (const unsigned char *)at, (int)(stop - at));
	ck_assert_int_eq(size, (int)(stop - at) / 4 * 3);
	*rest_r = stop;
	return (size_t)size - (stop[-1] == '=') - (stop[-2] == '=');
}

/* What the phone does with the file. */
static size_t open_file(EVP_PKEY *rsa, unsigned char *plain_r)
{
	static unsigned char wrapped[256], data[8192];
	unsigned char key[256];
	size_t key_size = sizeof key;
	const char *rest = out.data + strlen(BEFORE);
	ck_assert_uint_eq(between(HEAD, MIDDLE, &rest, wrapped), 128);
	size_t size = between(MIDDLE, FOOT, &rest, data);
	ck_assert_str_eq(rest, FOOT);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(rsa, NULL);
	ck_assert(EVP_PKEY_decrypt_init(context) == 1 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1);
	ck_assert_int_eq(EVP_PKEY_decrypt(context, key, &key_size, wrapped, 128), 1);
	EVP_PKEY_CTX_free(context);
	ck_assert_uint_eq(key_size, 32);
	for (size_t i = 0; i < key_size; i++)
		ck_assert(key[i] > ' ' && key[i] <= '~');
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int whole = 0, last = 0;
	ck_assert_int_eq(EVP_DecryptInit_ex(cipher, EVP_aes_256_ecb(), NULL, key, NULL), 1);
	ck_assert_int_eq(EVP_DecryptUpdate(cipher, plain_r, &whole, data, (int)size), 1);
	ck_assert_int_eq(EVP_DecryptFinal_ex(cipher, plain_r + whole, &last), 1);
	EVP_CIPHER_CTX_free(cipher);
	return (size_t)whole + (size_t)last;
}

START_TEST(test_opens)
{
	static unsigned char body[5000], plain[6000];
	char public[1024];
	struct error error = {0};
	EVP_PKEY *rsa = make_key(1024, public);
	begin();
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t size = 0; size < sizeof body; size += size < 70 ? 1 : 911) {
		ck_assert_msg(encrypt("yealink", KEY, public, body, size, &error) == ERROR_NONE, "%s", error.message);
		ck_assert(memcmp(out.data, BEFORE, strlen(BEFORE)) == 0 && out.data[out.size] == 0 && strlen(out.data) == out.size);
		ck_assert_uint_eq(open_file(rsa, plain), size);
		ck_assert(memcmp(plain, body, size) == 0);
		ck_assert(size < 32 || !memmem(out.data, out.room, body, 16));
	}
	EVP_PKEY_free(rsa);
	end();
}
END_TEST

/* Equal inputs, equal bytes; another file, key of the device or RSA key: another key of the file or another wrapping, and nothing in common. */
START_TEST(test_same)
{
	char one[1024], other[1024], first[1024];
	struct error error;
	size_t at = strlen(BEFORE HEAD), end_of_key = at + 172, data = end_of_key + strlen(MIDDLE);
	EVP_PKEY_free(make_key(1024, one));
	EVP_PKEY_free(make_key(1024, other));
	begin();
	ck_assert_int_eq(encrypt("yealink", KEY, one, "a = 1\n", 6, &error), ERROR_NONE);
	size_t size = out.size;
	memcpy(first, out.data, size);
	ck_assert_int_eq(encrypt("yealink", KEY, one, "something else\n", 15, &error), ERROR_NONE);
	ck_assert_int_eq(encrypt("yealink", KEY, one, "a = 1\n", 6, &error), ERROR_NONE);
	ck_assert_uint_eq(out.size, size);
	ck_assert_mem_eq(out.data, first, size);
	ck_assert_int_eq(encrypt("yealink", KEY, one, "a = 2\n", 6, &error), ERROR_NONE);
	ck_assert_mem_ne(out.data + at, first + at, 172);
	ck_assert_mem_ne(out.data + data, first + data, 20);
	ck_assert_int_eq(encrypt("yealink", "0123456789abcdeF", one, "a = 1\n", 6, &error), ERROR_NONE);
	ck_assert_mem_ne(out.data + at, first + at, 172);
	ck_assert_mem_ne(out.data + data, first + data, 20);
	ck_assert_int_eq(encrypt("yealink", KEY, other, "a = 1\n", 6, &error), ERROR_NONE);
	ck_assert_mem_ne(out.data + at, first + at, 172);
	end();
}
END_TEST

#define PUBLIC                                                                                                                                \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQChjJicKoSTM8lUC3s9jFCETgpOSl6UaxxUY1ReV7Hhiv0NQ2GZ+Y16Dqo0/nBmy4YoyEiPJkIwdLv4CW/jB54/QGIGUaou2cVKwvFKbcZh95/kOtmI/nV8ZHxnJKEsbXgw" \
	"XHuAp5ZrEnh5P0W8f1mAepfioyHfpPpgaJw45RAXoQIDAQAB"

/* Bytes that never change: a phone, and a digest in the database, remember them. */
START_TEST(test_known)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char hex[2 * sizeof digest + 1];
	struct error error;
	begin();
	ck_assert_int_eq(encrypt("yealink", KEY, PUBLIC, "#!version:1.0.0.1\n", 18, &error), ERROR_NONE);
	SHA256((unsigned char *)out.data, out.size, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(hex, "ac957358ac47f599aeb4fb62879b153164d2eb143104abbac52a2049221eedbc");
	end();
}
END_TEST

#define ELLIPTIC "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEa14vuipfxCR1zcp+R6eKrakXhRQ0kCW1WrNugMRv38m6KbB0OjUqhE3RBHL5H9HQwXRZG7NCzM6cfzVbBS8Zcw=="
static const char *const wrong_keys[] = {"", "A", "AAAA", "====", "MIGf", "-----BEGIN PUBLIC KEY-----MIGf", ELLIPTIC, PUBLIC "AAAA", PUBLIC "=", "Canary" PUBLIC};

/* Not a key of the phones: no file, nothing of the plain one left, and the message names the setting and not what was in it. */
START_TEST(test_wrong_keys)
{
	struct error error = {0};
	begin();
	ck_assert_int_eq(encrypt("yealink", KEY, wrong_keys[_i], "the plain file", 14, &error), ERROR_INEXPRESSIBLE);
	ck_assert(strstr(error.message, "provisioning.encryption_rsa_key") && strstr(error.message, "1024") && !strstr(error.message, "MIG"));
	ck_assert_uint_eq(out.size, strlen(BEFORE));
	ck_assert(!memmem(out.data, out.room, "plain", 5));
	end();
}
END_TEST

START_TEST(test_other_sizes)
{
	static const unsigned sizes[] = {1032, 2048};
	char public[1024];
	struct error error = {0};
	begin();
	for (size_t i = 0; i < ROWS(sizes); i++) {
		EVP_PKEY_free(make_key(sizes[i], public));
		ck_assert_int_eq(encrypt("yealink", KEY, public, "x", 1, &error), ERROR_INEXPRESSIBLE);
	}
	end();
}
END_TEST

/* Vendors without such a form send what they send without an RSA key. */
START_TEST(test_other_vendor)
{
	char first[64];
	struct error error;
	begin();
	ck_assert_int_eq(encrypt("grandstream", KEY, NULL, "<a/>", 4, &error), ERROR_NONE);
	memcpy(first, out.data, out.size);
	ck_assert_int_eq(encrypt("grandstream", KEY, PUBLIC, "<a/>", 4, &error), ERROR_NONE);
	ck_assert_mem_eq(out.data, first, out.size);
	end();
}
END_TEST

START_TEST(test_maximum)
{
	bool fits = false;
	begin();
	for (size_t max = 300; max < 800; max++) {
		struct error error = {0};
		struct buf small;
		buf_init(&small, max);
		for (int i = 0; i < 100; i++)
			buf_add_char(&small, 'x');
		enum error_code code = encrypt_file(encrypter, encryption_find("yealink"),
			&(struct encryption_keys){.key = KEY, .key_length = strlen(KEY), .rsa = PUBLIC, .rsa_length = strlen(PUBLIC)}, &small, 0, &error);
		ck_assert(code == ERROR_NONE || (code == ERROR_RANGE && small.size == 0 && !memmem(small.data, small.room, "xxxx", 4)));
		ck_assert(code == ERROR_NONE || !fits);
		fits = code == ERROR_NONE;
		buf_deinit(&small);
	}
	ck_assert(fits);
	end();
}
END_TEST

UNIT_MAIN("encrypt_rsa", {test_opens, 0}, {test_same, 0}, {test_known, 0}, {test_wrong_keys, ROWS(wrong_keys)}, {test_other_sizes, 0}, {test_other_vendor, 0}, {test_maximum, 0})
