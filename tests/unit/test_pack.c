/* Sealed packs of a device's rows. */
#include "keyring.h"
#include "pack.h"
#include "unit.h"

#include <string.h>

static struct keyring *ring_of(const char *hex)
{
	char text[100];
	snprintf(text, sizeof text, "a %s\n", hex);
	return keyring_parse(text, strlen(text), NULL);
}

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static const struct mac phone = {"0c383e1a2b3c"}, other = {"0c383e1a2b3d"};
static const unsigned char revision[] = "12345678", later[] = "12345679";
static struct pack_sealer *sealer;
static struct arena arena;

static void begin(void)
{
	struct keyring *ring = ring_of(KEY_A);
	sealer = pack_sealer_new(ring);
	keyring_free(&ring);
	arena_init(&arena);
}

static void end(void)
{
	pack_sealer_free(&sealer);
	ck_assert_ptr_null(sealer);
	arena_deinit(&arena);
}

static struct text seal_rows(size_t value_size)
{
	struct pack_writer writer;
	char *value = arena_alloc(&arena, value_size + 1);
	memset(value, 'v', value_size);
	pack_writer_init(&writer, &arena);
	struct pack_row first = {.number = 7, .columns = {{"acme", 4}, {NULL, 0}, {"", 0}, {"a\0b", 3}, {NULL, 0}, {"secret", 6}}};
	struct pack_row second = {.number = (int64_t)5 << 32 | 65537, .columns = {[5] = {value, (uint32_t)value_size}}};
	pack_add(&writer, &first);
	pack_add(&writer, &second);
	return pack_seal(sealer, &writer, &phone, revision);
}

START_TEST(test_round_trip)
{
	struct pack_row row;
	size_t at = 0;
	bool good;
	begin();
	struct text sealed = seal_rows(5000);
	ck_assert_ptr_nonnull(sealed.text);
	ck_assert_ptr_null(memmem(sealed.text, sealed.length, "secret", 6));
	struct text opened = pack_open(sealer, &arena, &phone, revision, sealed.text, sealed.length);
	ck_assert_ptr_nonnull(opened.text);
	ck_assert(pack_next(opened, &at, &row, &good) && good);
	ck_assert_int_eq(row.number, 7);
	ck_assert_str_eq(row.columns[0].text, "acme");
	ck_assert_ptr_null(row.columns[1].text);
	ck_assert_uint_eq(row.columns[2].length, 0);
	ck_assert_ptr_nonnull(row.columns[2].text);
	ck_assert_uint_eq(row.columns[3].length, 3);
	ck_assert_mem_eq(row.columns[3].text, "a\0b", 4);
	ck_assert_str_eq(row.columns[5].text, "secret");
	ck_assert(pack_next(opened, &at, &row, &good) && good);
	ck_assert_int_eq(row.number, (int64_t)5 << 32 | 65537);
	ck_assert_uint_eq(row.columns[5].length, 5000);
	ck_assert_uint_eq(strlen(row.columns[5].text), 5000);
	ck_assert(!pack_next(opened, &at, &row, &good));
	ck_assert(good);
	end();
}
END_TEST

START_TEST(test_belongs_to_device_revision_and_key)
{
	begin();
	struct text sealed = seal_rows(10);
	struct keyring *ring = ring_of(KEY_B);
	struct pack_sealer *stranger = pack_sealer_new(ring);
	ck_assert_ptr_nonnull(pack_open(sealer, &arena, &phone, revision, sealed.text, sealed.length).text);
	ck_assert_ptr_null(pack_open(sealer, &arena, &other, revision, sealed.text, sealed.length).text);
	ck_assert_ptr_null(pack_open(sealer, &arena, &phone, later, sealed.text, sealed.length).text);
	ck_assert_ptr_null(pack_open(stranger, &arena, &phone, revision, sealed.text, sealed.length).text);
	char *bytes = arena_copy(&arena, sealed.text, sealed.length);
	for (uint32_t i = 0; i < sealed.length; i++) {
		bytes[i] ^= 1;
		ck_assert_msg(!pack_open(sealer, &arena, &phone, revision, bytes, sealed.length).text, "byte %u does not count", i);
		bytes[i] ^= 1;
		ck_assert_ptr_null(pack_open(sealer, &arena, &phone, revision, bytes, i).text);
	}
	pack_sealer_free(&stranger);
	keyring_free(&ring);
	end();
}
END_TEST

START_TEST(test_too_large_is_none)
{
	begin();
	ck_assert_ptr_nonnull(seal_rows(PACK_MAX - 300).text);
	ck_assert_ptr_null(seal_rows(PACK_MAX).text);
	struct pack_writer writer;
	pack_writer_init(&writer, &arena);
	ck_assert_ptr_null(pack_seal(sealer, &writer, &phone, revision).text);
	end();
}
END_TEST

/* What cannot come out of a pack that opens, but costs nothing to refuse: cut and stretched rows. */
START_TEST(test_torn_rows)
{
	struct pack_row row;
	begin();
	struct text sealed = seal_rows(10), opened = pack_open(sealer, &arena, &phone, revision, sealed.text, sealed.length);
	for (uint32_t length = 1; length < opened.length; length++) {
		struct text cut = {.text = opened.text, .length = length};
		size_t at = 0;
		bool good;
		unsigned rows = 0;
		while (pack_next(cut, &at, &row, &good))
			rows++;
		ck_assert_msg(!good || rows == 1, "%u bytes of %u", length, opened.length);
	}
	end();
}
END_TEST

int main(void)
{
	const struct unit units[] = {{test_round_trip, 0}, {test_belongs_to_device_revision_and_key, 0}, {test_too_large_is_none, 0}, {test_torn_rows, 0}};
	return unit_run("pack", units, ROWS(units));
}
