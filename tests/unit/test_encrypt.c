/* encrypt.h: what is encrypted opens with OpenSSL's own functions and the vendor's words about the form, is the same for the same, and opens with no other key.
 * (tests/e2e/test_encrypted.py asks the command `openssl enc`; test_encrypt_rsa.c has the form with an RSA key.) */
#include "encrypting.h"

#include "unit.h"

#include <openssl/evp.h>
#include <string.h>

/* Encrypt `size` bytes behind BEFORE. */
static void encrypt(const char *form, const char *key, const void *body, size_t size)
{
	struct error error = {0};
	buf_clear(&out);
	buf_add_string(&out, BEFORE);
	buf_add(&out, body, size);
	ck_assert_msg(encrypt_file(encrypter, encryption_find(form), &(struct encryption_keys){.key = key, .key_length = strlen(key)}, &out, strlen(BEFORE), &error) == ERROR_NONE, "%s", error.message);
	ck_assert(memcmp(out.data, BEFORE, strlen(BEFORE)) == 0 && out.data[out.size] == 0);
}

/* The size that `size` bytes have in the form; *ends_r: what stands behind them when the padding is off. */
static size_t size_in(const char *form, size_t size, size_t *ends_r)
{
	bool grandstream = strcmp(form, "grandstream") == 0;
	for (*ends_r = 0; !grandstream && (size + *ends_r) % 16 != 6;)
		++*ends_r;
	return (grandstream ? 16 : 0) + ((size + *ends_r) / 16 + 1) * 16;
}

/* What opens it: as the vendors describe it, by other functions than those that made it. Its size, or -1 where the key is wrong. */
static int open_file(const char *form, const char *key, const unsigned char *file, size_t size, unsigned char *plain_r)
{
	unsigned char secret[32], iv[16];
	bool grandstream = strcmp(form, "grandstream") == 0;
	const EVP_CIPHER *cipher = grandstream ? EVP_aes_256_cbc() : EVP_aes_128_ecb();
	if (grandstream) {
		ck_assert(size > 16 && memcmp(file, "Salted__", 8) == 0);
		ck_assert_int_eq(EVP_BytesToKey(cipher, EVP_md5(), file + 8, (const unsigned char *)key, (int)strlen(key), 1, secret, iv), 32);
		file += 16;
		size -= 16;
	} else {
		memcpy(secret, key, 16);
	}
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int whole = 0, last = 0;
	ck_assert_int_eq(EVP_DecryptInit_ex(context, cipher, NULL, secret, iv), 1);
	ck_assert_int_eq(EVP_DecryptUpdate(context, plain_r, &whole, file, (int)size), 1);
	int good = EVP_DecryptFinal_ex(context, plain_r + whole, &last);
	EVP_CIPHER_CTX_free(context);
	return good == 1 ? whole + last : -1;
}

static const struct { const char *form, *key, *other; } forms[] = {
	{"grandstream", "correct-horse-battery", "correct-horse-batterz"},
	{"yealink", "0123456789abcdef", "0123456789abcdeg"},
};

START_TEST(test_opens)
{
	static unsigned char body[5000], plain[6000];
	const char *form = forms[_i].form, *key = forms[_i].key, *other = forms[_i].other;
	begin();
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t size = 0; size < sizeof body; size += size < 70 ? 1 : 911) {
		encrypt(form, key, body, size);
		const unsigned char *file = (unsigned char *)out.data + strlen(BEFORE);
		size_t got = out.size - strlen(BEFORE);
		size_t ends;
		ck_assert_uint_eq(got, size_in(form, size, &ends));
		ck_assert_int_eq(open_file(form, key, file, got, plain), (int)(size + ends));
		ck_assert(memcmp(plain, body, size) == 0);
		for (size_t i = 0; i < ends; i++)
			ck_assert_int_eq(plain[size + i], '\n');
		/* nothing of the plain text is left, not even behind the end */
		ck_assert(size < 32 || !memmem(out.data, out.room, body, 16));
		int wrong = open_file(form, other, file, got, plain);
		ck_assert(wrong < 0 || (size_t)wrong != size + ends || (size && memcmp(plain, body, size) != 0));
	}
	end();
}
END_TEST

/* A phone that takes no padding off its last block reads blank lines. */
START_TEST(test_yealink_without_padding)
{
	static unsigned char body[64], plain[128];
	begin();
	memset(body, 'x', sizeof body);
	for (size_t size = 0; size <= sizeof body; size++) {
		encrypt("yealink", "0123456789abcdef", body, size);
		size_t got = out.size - strlen(BEFORE);
		EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
		int whole = 0;
		ck_assert_int_eq(EVP_DecryptInit_ex(context, EVP_aes_128_ecb(), NULL, (const unsigned char *)"0123456789abcdef", NULL), 1);
		EVP_CIPHER_CTX_set_padding(context, 0);
		ck_assert_int_eq(EVP_DecryptUpdate(context, plain, &whole, (unsigned char *)out.data + strlen(BEFORE), (int)got), 1);
		EVP_CIPHER_CTX_free(context);
		ck_assert_uint_eq((size_t)whole, got);
		ck_assert(memcmp(plain, body, size) == 0);
		for (size_t i = size; i < got; i++)
			ck_assert_int_eq(plain[i], '\n');
	}
	end();
}
END_TEST

/* Equal inputs, equal bytes; another file or another key: another salt, and nothing in common. */
START_TEST(test_same)
{
	const char *form = forms[_i].form, *key = _i ? "0123456789abcdef" : "k";
	char first[256];
	begin();
	encrypt(form, key, "<a>1</a>\n", 9);
	size_t size = out.size;
	memcpy(first, out.data, size);
	encrypt(form, key, "something else that is longer", 29);
	encrypt(form, key, "<a>1</a>\n", 9);
	ck_assert_uint_eq(out.size, size);
	ck_assert_mem_eq(out.data, first, size);
	encrypt(form, key, "<a>2</a>\n", 9);
	ck_assert_mem_ne(out.data + 6, first + 6, size - 6);
	if (_i == 0)
		ck_assert_mem_ne(out.data + 6 + 8, first + 6 + 8, 8);
	encrypt(form, _i ? "0123456789abcdeF" : "l", "<a>1</a>\n", 9);
	if (_i == 0)
		ck_assert_mem_ne(out.data + 6 + 8, first + 6 + 8, 8);
	ck_assert_mem_ne(out.data + size - 16, first + size - 16, 16);
	end();
}
END_TEST

/* Bytes that never change: a phone, and a digest in the database, remember them. Made by the command `openssl enc`, given our salt by -S and the header before it. */
static const struct { const char *form, *key, *body, *hex; } known_rows[] = {
	{"grandstream", "Xq3vB8Lw0Zt5Rm7Yc1Nd9K", "<gs_provision/>\n",
		"53616c7465645f5f3b90f4349503ff86f8446c1f39df2de223df09a603ce4a6b78cb095dbdea801f88f3ba5cb1ccd913"},
	{"yealink", "0123456789ABCDEF", "#!version:1.0.0.1\n", "6dba151b7b786c137350229af2cd2c65112fbec3f6e2b14bb6625325e36a5212"},
};

START_TEST(test_known)
{
	char hex[512] = "";
	begin();
	encrypt(known_rows[_i].form, known_rows[_i].key, known_rows[_i].body, strlen(known_rows[_i].body));
	for (size_t i = strlen(BEFORE); i < out.size; i++)
		snprintf(hex + strlen(hex), sizeof hex - strlen(hex), "%02x", (unsigned char)out.data[i]);
	ck_assert_str_eq(hex, known_rows[_i].hex);
	end();
}
END_TEST

#define GRANDSTREAM_WHY "provisioning.encryption_key: Grandstream's are 1 to 64 printable ASCII characters"
#define YEALINK_WHY "provisioning.encryption_key: Yealink's are 16 letters, digits and #$%*+,-.:=?@[]^_{}~"

static const struct { const char *form, *key, *why; } key_rows[] = {
	{"grandstream", "a", NULL}, {"grandstream", "0123456789012345678901234567890123456789012345678901234567890123", NULL}, {"grandstream", "<&\"'>", NULL},
	{"grandstream", "", GRANDSTREAM_WHY}, {"grandstream", "01234567890123456789012345678901234567890123456789012345678901234", GRANDSTREAM_WHY},
	{"grandstream", "a b", GRANDSTREAM_WHY}, {"grandstream", "\xc3\xa4", GRANDSTREAM_WHY}, {"grandstream", "a\n", GRANDSTREAM_WHY},
	{"yealink", "0123456789abcdeF", NULL}, {"yealink", "#$%*+,-.:=?@[]^_", NULL}, {"yealink", "{}~0123456789abc", NULL},
	{"yealink", "", YEALINK_WHY}, {"yealink", "0123456789abcde", YEALINK_WHY}, {"yealink", "0123456789abcdefg", YEALINK_WHY},
	{"yealink", "0123456789abcde!", YEALINK_WHY}, {"yealink", "0123456789abcde ", YEALINK_WHY}, {"yealink", "0123456789abcd\xc3\xa4", YEALINK_WHY},
};

/* A key that the phone cannot have: no file, and nothing of the plain one left. */
START_TEST(test_keys)
{
	const struct encryption *form = encryption_find(key_rows[_i].form);
	struct error error = {0};
	begin();
	buf_add_string(&out, BEFORE "the plain file");
	enum error_code code = encrypt_file(encrypter, form, &(struct encryption_keys){.key = key_rows[_i].key, .key_length = strlen(key_rows[_i].key)}, &out, strlen(BEFORE), &error);
	if (key_rows[_i].why) {
		ck_assert_int_eq(code, ERROR_INEXPRESSIBLE);
		ck_assert_str_eq(error.message, key_rows[_i].why);
		ck_assert_uint_eq(out.size, strlen(BEFORE));
		ck_assert(!memmem(out.data, out.room, "plain", 5));
	} else {
		ck_assert_msg(code == ERROR_NONE, "%s", error.message);
	}
	end();
}
END_TEST

START_TEST(test_maximum)
{
	const struct encryption *form = encryption_find(forms[_i].form);
	bool fits = false;
	begin();
	for (size_t max = 110; max < 200; max++) {
		struct error error = {0};
		struct buf small;
		buf_init(&small, max);
		for (int i = 0; i < 100; i++)
			buf_add_char(&small, 'x');
		enum error_code code = encrypt_file(encrypter, form, &(struct encryption_keys){.key = "0123456789abcdef", .key_length = 16}, &small, 0, &error);
		ck_assert(code == ERROR_NONE || (code == ERROR_RANGE && small.size == 0 && !memmem(small.data, small.room, "xxxx", 4)));
		ck_assert(code == ERROR_NONE || !fits);
		fits = code == ERROR_NONE;
		size_t ends;
		ck_assert(!fits || small.size == size_in(forms[_i].form, 100, &ends));
		buf_deinit(&small);
	}
	ck_assert(fits);
	end();
}
END_TEST

START_TEST(test_list)
{
	size_t count = 0;
	char names[128] = "";
	for (; encryption_list[count]; count++) {
		ck_assert_ptr_eq(encryption_find(encryption_list[count]->name), encryption_list[count]);
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", count ? ", " : "", encryption_list[count]->name);
	}
	ck_assert_str_eq(names, ENCRYPTION_NAMES);
	ck_assert_uint_eq(count, 2);
	ck_assert_ptr_null(encryption_find("none"));
}
END_TEST

UNIT_MAIN("encrypt", {test_opens, ROWS(forms)}, {test_yealink_without_padding, 0}, {test_same, ROWS(forms)}, {test_known, ROWS(known_rows)}, {test_keys, ROWS(key_rows)}, {test_maximum, ROWS(forms)},
	{test_list, 0})
