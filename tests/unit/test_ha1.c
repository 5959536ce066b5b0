/* ha1.h: what the RFCs print comes out, and nothing of one call is left for the next. */
#include "ha1.h"

#include "unit.h"

static struct text text(const char *string)
{
	return (struct text){.text = string, .length = (uint32_t)strlen(string)};
}

/* RFC 2617 section 3.5 and RFC 7616 section 3.9.1. HA1 itself they do not print: it is what md5sum and sha256sum say of the three joined by colons;
 * test_responses goes on to the responses that they do print. */
static const struct {
	const char *user, *realm, *password, *md5, *sha256;
} vectors[] = {
	{"Mufasa", "testrealm@host.com", "Circle Of Life", "939e7578ed9e3c518a452acee763bce9",
		"3ba6cd94661c5ef34598040c868f13b8775df29109986be50ad35ae537dd3aa4"},
	{"Mufasa", "http-auth@example.org", "Circle of Life", "3d78807defe7de2157e2b0b6573a855f",
		"7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"},
	{"", "", "", "4501c091b0366d76ea3218b6cfdd8097", "71546855d6279ef70d20909b292c42c2dcb02cd06bde01485da52d13e304ebf4"},
	{"1001", "sip.example.test", "p:a:s w\xc3\xb6rd", "59371f7a64c4f16eb5879c5912887543",
		"56fa63bd81e479afd5c528b7019fd3be7955ce012e4f30e96d02e980264de5a0"},
};

START_TEST(test_vectors)
{
	char md5[HA1_MD5 + 1], sha256[HA1_SHA256 + 1];
	ha1_md5(text(vectors[_i].user), text(vectors[_i].realm), text(vectors[_i].password), md5);
	ck_assert_str_eq(md5, vectors[_i].md5);
	ha1_sha256(text(vectors[_i].user), text(vectors[_i].realm), text(vectors[_i].password), sha256);
	ck_assert_str_eq(sha256, vectors[_i].sha256);
}
END_TEST

/* The response is H(HA1 ":" nonce:nc:cnonce:qop ":" HA2): the same three parts with colons between them. */
START_TEST(test_responses)
{
	char md5[HA1_MD5 + 1], sha256[HA1_SHA256 + 1], response[HA1_SHA256 + 1];
	static const char get_md5[] = "39aff3a2bab6126f332b942af96d3366"; /* of GET:/dir/index.html */
	static const char get_sha256[] = "9a3fdae9a622fe8de177c24fa9c070f2b181ec85e15dcbdc32e10c82ad450b04";
	static const char of_7616[] =
		"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth";
	ha1_md5(text("Mufasa"), text("testrealm@host.com"), text("Circle Of Life"), md5);
	ha1_md5(text(md5), text("dcd98b7102dd2f0e8b11d0f600bfb0c093:00000001:0a4f113b:auth"), text(get_md5), response);
	ck_assert_str_eq(response, "6629fae49393a05397450978507c4ef1");
	ha1_md5(text("Mufasa"), text("http-auth@example.org"), text("Circle of Life"), md5);
	ha1_md5(text(md5), text(of_7616), text(get_md5), response);
	ck_assert_str_eq(response, "8ca523f5e9506fed4657c9700eebdbec");
	ha1_sha256(text("Mufasa"), text("http-auth@example.org"), text("Circle of Life"), sha256);
	ha1_sha256(text(sha256), text(of_7616), text(get_sha256), response);
	ck_assert_str_eq(response, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}
END_TEST

/* Lengths around the blocks of both digests, twice each and one after the other: kept contexts begin anew. */
START_TEST(test_lengths)
{
	char long_text[200], first[HA1_SHA256 + 1], again[HA1_SHA256 + 1];
	memset(long_text, 'x', sizeof long_text);
	struct text part = {.text = long_text, .length = (uint32_t)_i};
	ha1_md5(text("u"), part, part, first);
	ha1_md5(part, text("r"), text("other"), again);
	ha1_md5(text("u"), part, part, again);
	ck_assert_str_eq(first, again);
	ck_assert_uint_eq(strspn(first, "0123456789abcdef"), HA1_MD5);
	ha1_sha256(text("u"), part, part, first);
	ha1_sha256(part, text("r"), text("other"), again);
	ck_assert_str_ne(first, again);
	ha1_sha256(text("u"), part, part, again);
	ck_assert_str_eq(first, again);
	ck_assert_uint_eq(strspn(first, "0123456789abcdef"), HA1_SHA256);
}
END_TEST

UNIT_MAIN("ha1", {test_vectors, ROWS(vectors)}, {test_responses, 0}, {test_lengths, 130})
