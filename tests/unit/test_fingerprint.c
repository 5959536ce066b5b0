/* ETags and keyed body digests. */
#include "fingerprint.h"
#include "keyring.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct keyring *ring;
static struct fingerprint_maker *maker;

static void setup(void)
{
	static const char text[] = "a 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	ring = keyring_parse(text, sizeof text - 1, NULL);
	maker = fingerprint_maker_new(ring);
}

static void teardown(void)
{
	fingerprint_maker_free(&maker);
	keyring_free(&ring);
}

static struct fingerprint of(const char *first, const char *second)
{
	const struct fingerprint_part parts[] = {{first, strlen(first)}, {second, strlen(second)}};
	struct fingerprint result;
	fingerprint_of(maker, parts, 2, &result);
	return result;
}

START_TEST(test_parts_do_not_run_together)
{
	struct fingerprint one = of("ab", "c"), same = of("ab", "c"), shifted = of("a", "bc");
	ck_assert_mem_eq(&one, &same, sizeof one);
	ck_assert_mem_ne(one.etag, shifted.etag, sizeof one.etag);
	ck_assert_mem_ne(one.nonce, shifted.nonce, sizeof one.nonce);
}
END_TEST

/* Whatever their sizes, parts count by where they begin and end. */
START_TEST(test_parts_of_any_size)
{
	static const size_t sizes[] = {0, 1, 100, 251, 252, 253, 256, 257, 1000};
	char bytes[1001];
	struct fingerprint one, two;
	memset(bytes, 'x', sizeof bytes);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const struct fingerprint_part parts[] = {{"head", 4}, {bytes, sizes[i]}, {bytes, 10}};
		const struct fingerprint_part moved[] = {{"head", 4}, {bytes, sizes[i] + 1}, {bytes, 9}};
		fingerprint_of(maker, parts, 3, &one);
		fingerprint_of(maker, parts, 3, &two);
		ck_assert_mem_eq(&one, &two, sizeof one);
		fingerprint_of(maker, moved, 3, &two);
		ck_assert_mem_ne(&one, &two, sizeof one);
	}
}
END_TEST

START_TEST(test_body_digest)
{
	struct fingerprint one = of("a", "1"), two = of("a", "2");
	unsigned char first[FINGERPRINT_DIGEST], second[FINGERPRINT_DIGEST];
	char body[9000];
	memset(body, 'x', sizeof body);
	fingerprint_body(maker, one.nonce, body, sizeof body, first);
	fingerprint_body(maker, one.nonce, body, sizeof body, second);
	ck_assert_mem_eq(first, second, sizeof first);
	fingerprint_body(maker, two.nonce, body, sizeof body, second);
	ck_assert_mem_ne(first, second, sizeof first);
	body[8999] = 'y';
	fingerprint_body(maker, one.nonce, body, sizeof body, second);
	ck_assert_mem_ne(first, second, sizeof first);
	fingerprint_body(maker, one.nonce, "", 0, second);
	ck_assert_mem_ne(first, second, sizeof first);
}
END_TEST

static const struct {
	const char *before, *after; /* around the tag; NULL `before`: `after` is the whole header */
	bool matches;
} headers[] = {
	{"", "", true},
	{"W/", "", true},
	{"\"other\", ", "", true},
	{"  ", " , \"x\"", true},
	{NULL, "*", true},
	{NULL, " * ", true},
	{NULL, "", false},
	{NULL, "\"\"", false},
	{NULL, "\"0123\"", false},
	{NULL, "\"unclosed", false},
	{NULL, "*x", false},
	{"x", "", false},
};

START_TEST(test_if_none_match)
{
	struct fingerprint one = of("a", "1");
	char tag[FINGERPRINT_ETAG_TEXT], header[256];
	fingerprint_etag_text(&one, tag);
	ck_assert_uint_eq(strlen(tag), 34);
	snprintf(header, sizeof header, "%s%s%s", headers[_i].before ? headers[_i].before : "", headers[_i].before ? tag : "", headers[_i].after);
	ck_assert_msg(fingerprint_matches(&one, header) == headers[_i].matches, "%s", header);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fingerprint");
	TCase *tests = tcase_create("fingerprint");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_parts_do_not_run_together);
	tcase_add_test(tests, test_parts_of_any_size);
	tcase_add_test(tests, test_body_digest);
	tcase_add_loop_test(tests, test_if_none_match, 0, sizeof headers / sizeof *headers);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
