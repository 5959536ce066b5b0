/* Key ring, tokens, derived secrets. */
#include "keyring.h"
#include "token.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_A "a 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define KEY_B "b ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n"

static struct keyring *ring_of(const char *text)
{
	struct error error = {0};
	struct keyring *ring = keyring_parse(text, strlen(text), &error);
	ck_assert_msg(ring != NULL, "%s", error.message);
	return ring;
}

static const struct mac phone = {"0c383e1a2b3c"}, other = {"0c383e1a2b3d"};

START_TEST(test_token_known_answer)
{
	/* Computed by an independent program: HKDF-SHA-256 of the key with info "dialtone token", HMAC-SHA-256 over MAC and generation, the first 128 bits as a
	 * base62 number, least digit first. See tests/lib/token.py, which the end-to-end tests use. */
	struct keyring *ring = ring_of(KEY_A);
	struct token_maker *maker = token_maker_new(ring);
	char password[TOKEN_LENGTH + 1];
	token_make(maker, &phone, "0123456789", password);
	ck_assert_str_eq(password, "0123456789wvaIiH2rmumxDGuuWsiDb4");
	token_maker_free(&maker);
	ck_assert_ptr_null(maker);
	keyring_free(&ring);
}
END_TEST

START_TEST(test_token_round_trip)
{
	struct keyring *ring = ring_of(KEY_A KEY_B);
	struct token_maker *maker = token_maker_new(ring);
	char password[TOKEN_LENGTH + 1], generation[TOKEN_GENERATION + 1];
	token_make(maker, &phone, "89abcdef01", password);
	ck_assert_uint_eq(strlen(password), TOKEN_LENGTH);
	ck_assert_uint_eq(strspn(password, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), TOKEN_LENGTH);
	ck_assert(token_check(maker, &phone, password, TOKEN_LENGTH, generation));
	ck_assert_str_eq(generation, "89abcdef01");
	ck_assert(!token_check(maker, &other, password, TOKEN_LENGTH, generation));
	ck_assert(!token_check(maker, &phone, password, TOKEN_LENGTH - 1, generation));
	for (size_t i = 0; i < TOKEN_LENGTH; i++) {
		char wrong[TOKEN_LENGTH + 1];
		memcpy(wrong, password, sizeof wrong);
		wrong[i] = wrong[i] == '0' ? '1' : '0';
		ck_assert_msg(!token_check(maker, &phone, wrong, TOKEN_LENGTH, generation), "character %zu does not count", i);
	}
	token_maker_free(&maker);
	keyring_free(&ring);
}
END_TEST

START_TEST(test_token_old_key_still_opens)
{
	struct keyring *old = ring_of(KEY_A), *both = ring_of(KEY_A KEY_B), *new = ring_of(KEY_B);
	struct token_maker *by_old = token_maker_new(old), *by_both = token_maker_new(both), *by_new = token_maker_new(new);
	char password[TOKEN_LENGTH + 1], newer[TOKEN_LENGTH + 1], generation[TOKEN_GENERATION + 1];
	token_make(by_old, &phone, "89abcdef01", password);
	token_make(by_both, &phone, "89abcdef01", newer);
	ck_assert_str_ne(password, newer);
	ck_assert(token_check(by_both, &phone, password, TOKEN_LENGTH, generation));
	ck_assert(token_check(by_both, &phone, newer, TOKEN_LENGTH, generation));
	ck_assert(!token_check(by_new, &phone, password, TOKEN_LENGTH, generation));
	token_maker_free(&by_old);
	token_maker_free(&by_both);
	token_maker_free(&by_new);
	keyring_free(&old);
	keyring_free(&both);
	keyring_free(&new);
}
END_TEST

START_TEST(test_derived_secrets_differ)
{
	struct keyring *ring = ring_of(KEY_A);
	struct token_maker *maker = token_maker_new(ring);
	char admin[17], user[17], neighbour[17], later[17], again[17];
	token_derive(maker, "phone.admin_password", &phone, "0123456789", 16, admin);
	token_derive(maker, "phone.admin_password", &phone, "0123456789", 16, again);
	token_derive(maker, "phone.user_password", &phone, "0123456789", 16, user);
	token_derive(maker, "phone.admin_password", &other, "0123456789", 16, neighbour);
	token_derive(maker, "phone.admin_password", &phone, "0123456780", 16, later);
	ck_assert_uint_eq(strlen(admin), 16);
	ck_assert_str_eq(admin, again);
	ck_assert_str_ne(admin, user);
	ck_assert_str_ne(admin, neighbour);
	ck_assert_str_ne(admin, later);
	token_maker_free(&maker);
	keyring_free(&ring);
}
END_TEST

/* The key of a phone's encrypted files: nothing that rotates changes it, and it is nobody else's. */
START_TEST(test_lasting_secrets)
{
	struct keyring *ring = ring_of(KEY_A), *both = ring_of(KEY_A KEY_B), *new = ring_of(KEY_B);
	struct token_maker *maker = token_maker_new(ring), *later = token_maker_new(both), *without = token_maker_new(new);
	char key[23], again[23], cut[17], neighbour[23], purpose[23], rotating[23], gone[23];
	token_derive_lasting(maker, "provisioning.encryption_key", &phone, 22, key);
	token_derive_lasting(later, "provisioning.encryption_key", &phone, 22, again);
	token_derive_lasting(maker, "provisioning.encryption_key", &phone, 16, cut);
	token_derive_lasting(maker, "provisioning.encryption_key", &other, 22, neighbour);
	token_derive_lasting(maker, "something.else", &phone, 22, purpose);
	token_derive(maker, "provisioning.encryption_key", &phone, "0123456789", 22, rotating);
	token_derive_lasting(without, "provisioning.encryption_key", &phone, 22, gone);
	ck_assert_uint_eq(strlen(key), 22);
	ck_assert_str_eq(key, again);
	ck_assert_mem_eq(key, cut, 16);
	ck_assert_str_ne(key, neighbour);
	ck_assert_str_ne(key, purpose);
	ck_assert_str_ne(key, rotating);
	ck_assert_str_ne(key, gone);
	token_maker_free(&maker);
	token_maker_free(&later);
	token_maker_free(&without);
	keyring_free(&ring);
	keyring_free(&both);
	keyring_free(&new);
}
END_TEST

static const struct {
	const char *text, *says;
} bad_rings[] = {
	{"", "no key in it"},
	{"# nothing\n\n", "no key in it"},
	{"a 00\n", "line 1"},
	{KEY_A "b zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", "line 2: not a hex digit"},
	{KEY_A KEY_A, "stands twice"},
	{"a/b 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", "line 1"},
};

START_TEST(test_bad_rings)
{
	struct error error = {0};
	ck_assert_ptr_null(keyring_parse(bad_rings[_i].text, strlen(bad_rings[_i].text), &error));
	ck_assert_msg(strstr(error.message, bad_rings[_i].says) != NULL, "%s", error.message);
	ck_assert_ptr_null(strstr(error.message, "0102"));
}
END_TEST

START_TEST(test_sample_keys_are_refused)
{
	static const char *const samples[] = {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "0000000000000000000000000000000000000000000000000000000000000000",
		"deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
	char text[200];
	struct error error = {0};
	snprintf(text, sizeof text, "good 51b3a4c7d2e90f68155aa0c3e7f1922b84d6703c9eab15f7608d4c2be1937f0a\nbad %s\n", samples[_i]);
	const char *path = unit_write("keys", text);
	chmod(path, 0600);
	ck_assert_ptr_null(keyring_load(path, &error));
	ck_assert_int_eq(error.code, ERROR_DENIED);
	ck_assert_msg(strstr(error.message, "line 2: the key bad is one of a sample") != NULL, "%s", error.message);
	ck_assert_ptr_null(strstr(error.message, samples[_i]));
}
END_TEST

START_TEST(test_configured_ring)
{
	struct error error = {0};
	char *path = keyring_path("/etc/dialtone/keys", &error);
	ck_assert_str_eq(path, "/etc/dialtone/keys");
	free(path);
	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_ptr_null(keyring_path("", &error));
	ck_assert_ptr_nonnull(strstr(error.message, "keys.file is empty"));
	ck_assert_ptr_null(keyring_path("credential:ring", &error));
	ck_assert_ptr_nonnull(strstr(error.message, "keys.file = credential:ring"));
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/dialtone.service", 1);
	path = keyring_path("", &error);
	ck_assert_str_eq(path, "/run/credentials/dialtone.service/keys");
	free(path);
	path = keyring_path("credential:ring", &error);
	ck_assert_str_eq(path, "/run/credentials/dialtone.service/ring");
	free(path);
}
END_TEST

START_TEST(test_ring_file)
{
	char directory[] = "/tmp/dialtone-keys-XXXXXX", path[64], id[33], second[33];
	struct error error = {0};
	struct stat status;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/keys", directory);
	ck_assert_ptr_null(keyring_load(path, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "dialtone keys new"));
	ck_assert_int_eq(keyring_add(path, id, &error), ERROR_NONE);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0600);
	ck_assert_int_eq(chmod(path, 0640), 0); /* the service's group reads it: it still must afterwards */
	ck_assert_int_eq(keyring_add(path, second, &error), ERROR_NONE);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0640);
	struct keyring *ring = keyring_load(path, &error);
	ck_assert_msg(ring != NULL, "%s", error.message);
	ck_assert_uint_eq(ring->count, 2);
	ck_assert_str_eq(ring->keys[0].id, id);
	ck_assert_str_eq(ring->keys[1].id, second);
	keyring_free(&ring);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_ptr_null(keyring_load(path, &error));
	ck_assert_int_eq(error.code, ERROR_DENIED);
	ck_assert_int_eq(keyring_add(path, id, &error), ERROR_DENIED);
	unlink(path);
	ck_assert_int_eq(symlink("/etc/hostname", path), 0);
	ck_assert_ptr_null(keyring_load(path, &error));
	unlink(path);
	rmdir(directory);
}
END_TEST

UNIT_MAIN("token", {test_token_known_answer, 0}, {test_token_round_trip, 0}, {test_token_old_key_still_opens, 0}, {test_derived_secrets_differ, 0}, {test_lasting_secrets, 0}, {test_bad_rings, ROWS(bad_rings)},
	{test_sample_keys_are_refused, 4}, {test_configured_ring, 0}, {test_ring_file, 0})
