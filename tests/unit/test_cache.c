/* The bounded cache of shared layers. */
#include "cache.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct layer_rows *put(struct cache *cache, unsigned number, const char *value)
{
	unsigned char revision[REVISION_SIZE] = {0};
	char tenant[16];
	memcpy(revision, &number, sizeof number);
	snprintf(tenant, sizeof tenant, "t%u", number);
	struct layer_setting setting = {.setting = number, .text = value, .length = (uint32_t)strlen(value)};
	struct layer_parameter parameter = {.vendor = 1, .name = "a.b", .name_length = 3};
	struct layer_key key = {.slot = 1, .type = {"blf", 3}, .label = {"Reception", 9}};
	struct layer_rows rows = {.layer = LAYER_TENANT, .settings = &setting, .setting_count = 1, .parameters = &parameter, .parameter_count = 1, .keys = &key,
		.key_count = 1};
	struct cache_key place = {LAYER_TENANT, tenant, "", revision};
	return cache_put(cache, &place, &rows);
}

static const struct layer_rows *get(struct cache *cache, unsigned number, const char *tenant)
{
	unsigned char revision[REVISION_SIZE] = {0};
	memcpy(revision, &number, sizeof number);
	struct cache_key place = {LAYER_TENANT, tenant, "", revision};
	return cache_get(cache, &place);
}

START_TEST(test_keeps_a_copy)
{
	struct cache *cache = cache_new(1 << 20);
	char value[] = "Europe/Berlin";
	cache_begin(cache);
	put(cache, 7, value);
	memset(value, 'x', sizeof value - 1);
	const struct layer_rows *rows = get(cache, 7, "t7");
	ck_assert_ptr_nonnull(rows);
	ck_assert_str_eq(rows->settings[0].text, "Europe/Berlin");
	ck_assert_uint_eq(rows->settings[0].setting, 7);
	ck_assert_str_eq(rows->parameters[0].name, "a.b");
	ck_assert_ptr_null(rows->parameters[0].text);
	ck_assert_str_eq(rows->keys[0].label.text, "Reception");
	ck_assert_ptr_null(rows->keys[0].value.text);
	ck_assert_str_eq(rows->who, "t7");
	/* another revision, another tenant: not the same layer */
	ck_assert_ptr_null(get(cache, 8, "t7"));
	ck_assert_ptr_null(get(cache, 7, "t8"));
	struct cache_counts counts = cache_counts(cache);
	ck_assert_uint_eq(counts.hits, 1);
	ck_assert_uint_eq(counts.misses, 2);
	cache_free(&cache);
	ck_assert_ptr_null(cache);
}
END_TEST

START_TEST(test_bound_and_least_recent)
{
	struct cache *cache = cache_new(16384);
	char tenant[16];
	for (unsigned i = 1; i <= 1000; i++) {
		cache_begin(cache);
		if (i > 1)
			ck_assert_ptr_nonnull(get(cache, 1, "t1")); /* used all the time: stays */
		put(cache, i, "value");
		ck_assert_uint_le(cache_counts(cache).bytes, 16384);
	}
	ck_assert_ptr_nonnull(get(cache, 1, "t1"));
	ck_assert_ptr_nonnull(get(cache, 1000, "t1000"));
	snprintf(tenant, sizeof tenant, "t%d", 500);
	ck_assert_ptr_null(get(cache, 500, tenant));
	struct cache_counts counts = cache_counts(cache);
	ck_assert_uint_eq(counts.entries + counts.evictions, 1000);
	cache_free(&cache);
}
END_TEST

START_TEST(test_request_keeps_what_it_uses)
{
	struct cache *cache = cache_new(1); /* nothing fits */
	cache_begin(cache);
	const struct layer_rows *first = put(cache, 1, "one"), *second = put(cache, 2, "two");
	ck_assert_str_eq(first->settings[0].text, "one");
	ck_assert_str_eq(second->settings[0].text, "two");
	cache_begin(cache);
	ck_assert_uint_eq(cache_counts(cache).entries, 0);
	ck_assert_uint_eq(cache_counts(cache).bytes, 0);
	cache_free(&cache);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cache");
	TCase *tests = tcase_create("cache");
	tcase_add_test(tests, test_keeps_a_copy);
	tcase_add_test(tests, test_bound_and_least_recent);
	tcase_add_test(tests, test_request_keeps_what_it_uses);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
