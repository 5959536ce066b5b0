/* Sealed secrets. */
#include "keyring.h"
#include "seal.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static const struct seal_place place = {.table = "account_secret", .row = {"acme", "201"}, .name = "sip.password"};
static struct sealer *sealer, *older, *both;
static struct arena arena;
static struct error error;

static struct sealer *sealer_of(const char *text)
{
	struct keyring *ring = keyring_parse(text, strlen(text), NULL);
	struct sealer *made = sealer_new(ring);
	keyring_free(&ring);
	return made;
}

static void begin(void)
{
	older = sealer_of("a " HEX_A "\n");
	both = sealer_of("a " HEX_A "\nb.2 " HEX_B "\n");
	sealer = sealer_of("b.2 " HEX_B "\n");
	arena_init(&arena);
	memset(&error, 0, sizeof error);
}

static void end(void)
{
	sealer_free(&sealer);
	sealer_free(&older);
	sealer_free(&both);
	ck_assert_ptr_null(both);
	arena_deinit(&arena);
}

START_TEST(test_round_trip)
{
	static const size_t pads[] = {0, 1, 16, 128};
	static const char secret[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~0123456789012345678901234567890123456789";
	unsigned char sealed[SEAL_MAX];
	struct text plain;
	begin();
	for (size_t pad = 0; pad < ROWS(pads); pad++)
		for (size_t length = 1; length <= 128; length++) {
			size_t size = seal_make(older, &place, secret, length, pads[pad], sealed, &error);
			size_t padded = pads[pad] > 1 ? (length + pads[pad] - 1) / pads[pad] * pads[pad] : length;
			ck_assert_uint_eq(size, 2 + 1 + 12 + padded + 16);
			ck_assert(seal_is(sealed, size));
			ck_assert(length < 8 || !memmem(sealed, size, secret, length));
			arena_clear(&arena);
			ck_assert_int_eq(seal_open(older, &arena, &place, sealed, size, &plain, &error), ERROR_NONE);
			ck_assert_uint_eq(plain.length, length);
			ck_assert_mem_eq(plain.text, secret, length);
			ck_assert_int_eq(plain.text[length], 0);
		}
	ck_assert(!seal_is("secret", 6));
	ck_assert(!seal_is("", 0));
	end();
}
END_TEST

START_TEST(test_what_cannot_be_sealed)
{
	static const char zeros[SEAL_PLAIN_MAX + 1];
	char most[SEAL_PLAIN_MAX + 1];
	unsigned char sealed[SEAL_MAX];
	struct text plain;
	begin();
	memset(most, 'x', sizeof most);
	ck_assert_uint_eq(seal_make(sealer, &place, "", 0, 0, sealed, &error), 0);
	ck_assert_int_eq(error.code, ERROR_RANGE);
	ck_assert_uint_eq(seal_make(sealer, &place, zeros, 3, 0, sealed, &error), 0);
	ck_assert_uint_eq(seal_make(sealer, &place, most, SEAL_PLAIN_MAX + 1, 0, sealed, &error), 0);
	ck_assert_uint_eq(seal_make(sealer, &place, most, SEAL_PLAIN_MAX - 5, 1000, sealed, &error), 0);
	size_t size = seal_make(sealer, &place, most, SEAL_PLAIN_MAX, 128, sealed, &error);
	ck_assert_uint_gt(size, SEAL_PLAIN_MAX);
	ck_assert_int_eq(seal_open(sealer, &arena, &place, sealed, size, &plain, &error), ERROR_NONE);
	ck_assert_uint_eq(plain.length, SEAL_PLAIN_MAX);
	end();
}
END_TEST

START_TEST(test_every_key_of_the_ring_opens_and_the_newest_seals)
{
	unsigned char old[SEAL_MAX], new[SEAL_MAX];
	struct text plain;
	begin();
	size_t old_size = seal_make(older, &place, "secret", 6, 0, old, &error), new_size = seal_make(both, &place, "secret", 6, 0, new, &error);
	ck_assert_str_eq(sealer_key_id(older), "a");
	ck_assert_str_eq(sealer_key_id(both), "b.2");
	ck_assert_int_eq(seal_open(both, &arena, &place, old, old_size, &plain, &error), ERROR_NONE);
	ck_assert_int_eq(seal_open(both, &arena, &place, new, new_size, &plain, &error), ERROR_NONE);
	ck_assert_int_eq(seal_open(sealer, &arena, &place, new, new_size, &plain, &error), ERROR_NONE);
	ck_assert_int_eq(seal_open(older, &arena, &place, new, new_size, &plain, &error), ERROR_MISSING);
	ck_assert_ptr_null(plain.text);
	ck_assert_ptr_nonnull(strstr(error.message, "account_secret acme/201 sip.password: sealed under key b.2,"));
	end();
}
END_TEST

START_TEST(test_belongs_to_its_place)
{
	static const struct seal_place others[] = {
		{.table = "device_secret", .row = {"acme", "201"}, .name = "sip.password"},
		{.table = "account_secret", .row = {"acme", "202"}, .name = "sip.password"},
		{.table = "account_secret", .row = {"acm", "e201"}, .name = "sip.password"},
		{.table = "account_secret", .row = {"acme201"}, .name = "sip.password"},
		{.table = "account_secret", .row = {"acme", "201"}, .name = "sip.passwords"},
		{.table = "account_secret", .row = {"acme", "201", ""}, .name = "sip.password"},
	};
	unsigned char sealed[SEAL_MAX];
	struct text plain;
	begin();
	size_t size = seal_make(sealer, &place, "secret", 6, 0, sealed, &error);
	for (size_t i = 0; i < ROWS(others); i++) {
		ck_assert_int_eq(seal_open(sealer, &arena, &others[i], sealed, size, &plain, &error), ERROR_DENIED);
		ck_assert_ptr_null(plain.text);
		ck_assert_ptr_nonnull(strstr(error.message, "does not open"));
	}
	end();
}
END_TEST

START_TEST(test_each_bit_counts)
{
	unsigned char sealed[SEAL_MAX];
	struct text plain;
	begin();
	size_t size = seal_make(both, &place, "a secret of some length", 23, 0, sealed, &error);
	for (size_t bit = 0; bit < size * 8; bit++) {
		sealed[bit / 8] ^= (unsigned char)(1u << bit % 8);
		arena_clear(&arena);
		ck_assert_msg(seal_open(both, &arena, &place, sealed, size, &plain, &error) != ERROR_NONE && !plain.text, "bit %zu does not count", bit);
		sealed[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < size; cut++) {
		unsigned char *exact = malloc(cut + !cut);
		memcpy(exact, sealed, cut);
		ck_assert_int_ne(seal_open(both, &arena, &place, exact, cut, &plain, &error), ERROR_NONE);
		free(exact);
	}
	ck_assert_int_eq(seal_open(both, &arena, &place, sealed, size, &plain, &error), ERROR_NONE);
	end();
}
END_TEST

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 12);
}

/* 10^4 in the first tier; DIALTONE_FULL set: 10^6. */
START_TEST(test_nonces_differ)
{
	size_t count = getenv("DIALTONE_FULL") ? 1000000 : 10000;
	unsigned char sealed[SEAL_MAX], (*nonces)[12] = malloc(count * sizeof *nonces);
	begin();
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_gt(seal_make(older, &place, "secret", 6, 0, sealed, &error), 0);
		memcpy(nonces[i], sealed + 3, 12);
	}
	qsort(nonces, count, sizeof *nonces, by_bytes);
	for (size_t i = 1; i < count; i++)
		ck_assert_int_ne(memcmp(nonces[i - 1], nonces[i], 12), 0);
	free(nonces);
	end();
}
END_TEST

int main(void)
{
	const struct unit units[] = {{test_round_trip, 0}, {test_what_cannot_be_sealed, 0}, {test_every_key_of_the_ring_opens_and_the_newest_seals, 0},
		{test_belongs_to_its_place, 0}, {test_each_bit_counts, 0}, {test_nonces_differ, 0}};
	return unit_run("seal", units, ROWS(units));
}
