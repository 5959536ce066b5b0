/* digest.h: the vectors that RFC 7616 prints, every directive left out, doubled and wrong, nonces of all ages and keys. */
#include "digest.h"

#include "unit.h"

#define OLD_KEY "a 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define NEW_KEY "b ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n"
#define NOW 1000000000
#define LIFETIME 300

static struct arena arena;

static struct digest_maker *maker_of(const char *text)
{
	struct error error = {0};
	struct keyring *ring = keyring_parse(text, strlen(text), &error);
	ck_assert_msg(ring != NULL, "%s", error.message);
	struct digest_maker *maker = digest_maker_new(ring);
	keyring_free(&ring);
	return maker;
}

static const char *parse(const char *header, struct digest_answer *answer)
{
	arena_clear(&arena);
	return digest_parse(header, &arena, answer);
}

/* -------- responses: RFC 7616 3.9.1 */

#define RFC(algorithm, response) \
	"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=" algorithm \
	", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"" response \
	"\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
#define RFC_MD5 "8ca523f5e9506fed4657c9700eebdbec"
#define RFC_SHA256 "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"

static const struct { const char *header, *method, *password; bool fits; } responses[] = {
	{RFC("MD5", RFC_MD5), "GET", "Circle of Life", true},
	{RFC("SHA-256", RFC_SHA256), "GET", "Circle of Life", true},
	{RFC("md5", "8CA523F5E9506FED4657C9700EEBDBEC"), "GET", "Circle of Life", true},
	{RFC("\"sha-256\"", RFC_SHA256), "GET", "Circle of Life", true},
	{RFC("MD5", RFC_MD5), "GET", "Circle of life", false},
	{RFC("MD5", RFC_MD5), "GET", "Circle of Life ", false},
	{RFC("MD5", RFC_MD5), "GET", "", false},
	{RFC("MD5", RFC_MD5), "HEAD", "Circle of Life", false},
	{RFC("MD5", RFC_MD5), "get", "Circle of Life", false},
	{RFC("MD5", "8ca523f5e9506fed4657c9700eebdbed"), "GET", "Circle of Life", false},
	{RFC("MD5", "0ca523f5e9506fed4657c9700eebdbec"), "GET", "Circle of Life", false},
	{RFC("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c0"), "GET", "Circle of Life", false},
};

START_TEST(test_responses)
{
	struct digest_maker *maker = maker_of(OLD_KEY);
	struct digest_answer answer;
	ck_assert_ptr_null(parse(responses[_i].header, &answer));
	for (int again = 0; again < 2; again++) /* nothing of one call is left for the next */
		ck_assert(digest_fits(maker, &answer, responses[_i].method, responses[_i].password, strlen(responses[_i].password)) == responses[_i].fits);
	digest_maker_free(&maker);
	ck_assert_ptr_null(maker);
}
END_TEST

/* Each part that the hash covers is covered. */
START_TEST(test_altered)
{
	struct digest_maker *maker = maker_of(OLD_KEY);
	struct digest_answer answer;
	struct text *const parts[] = {&answer.username, &answer.realm, &answer.nonce, &answer.uri, &answer.cnonce, &answer.nc};
	ck_assert_ptr_null(parse(RFC("MD5", RFC_MD5), &answer));
	for (size_t i = 0; i < ROWS(parts); i++) {
		struct text good = *parts[i];
		char *changed = arena_copy(&arena, good.text, good.length);
		changed[good.length - 1] ^= 1;
		*parts[i] = (struct text){changed, good.length};
		ck_assert_msg(!digest_fits(maker, &answer, "GET", "Circle of Life", 14), "part %zu", i);
		*parts[i] = (struct text){good.text, good.length - 1};
		ck_assert_msg(!digest_fits(maker, &answer, "GET", "Circle of Life", 14), "part %zu, shorter", i);
		*parts[i] = good;
	}
	ck_assert(digest_fits(maker, &answer, "GET", "Circle of Life", 14));
	digest_maker_free(&maker);
}
END_TEST

/* -------- the header */

#define MD5 "00112233445566778899aabbccddeeff"
static const struct { const char *name, *value; } directives[] = {
	{"username", "\"u\""}, {"realm", "\"r\""}, {"nonce", "\"n\""}, {"uri", "\"/u\""}, {"response", "\"" MD5 "\""}, {"cnonce", "\"c\""}, {"nc", "0000000a"}, {"qop", "auth"},
	{"algorithm", "MD5"},
};
#define ALGORITHM 8

/* All directives but those whose `skip` it is, with `value` in place of one's. */
static const char *build(int skip, int other, const char *value)
{
	static char header[1024];
	strcpy(header, "Digest ");
	for (int i = 0; i < (int)ROWS(directives); i++) {
		size_t used = strlen(header);
		if (i != skip)
			snprintf(header + used, sizeof header - used, "%s%s=%s", used > 7 ? ", " : "", directives[i].name, i == other ? value : directives[i].value);
	}
	return header;
}

START_TEST(test_missing)
{
	struct digest_answer answer;
	const char *why = parse(build(_i, -1, NULL), &answer);
	if (_i == ALGORITHM) { /* MD5 where none is named (RFC 7616 3.4) */
		ck_assert_ptr_null(why);
		ck_assert_int_eq(answer.algorithm, DIGEST_MD5);
		return;
	}
	ck_assert_msg(why && strstr(why, "without"), "%s: %s", directives[_i].name, why ? why : "taken");
}
END_TEST

START_TEST(test_doubled)
{
	struct digest_answer answer;
	char header[1100];
	for (int same = 0; same < 2; same++) {
		snprintf(header, sizeof header, "%s, %s=%s", build(-1, -1, NULL), directives[_i].name, same ? directives[_i].value : "\"\"");
		const char *why = parse(header, &answer);
		ck_assert_msg(why && !strcmp(why, "Digest credentials with a part that comes twice"), "%s: %s", directives[_i].name, why ? why : "taken");
	}
}
END_TEST

static const struct { int which; const char *value, *why; } wrong[] = {
	{4, "\"00112233445566778899aabbccddeef\"", "Digest credentials whose response is no hash of their algorithm"},
	{4, "\"" MD5 MD5 "\"", "Digest credentials whose response is no hash of their algorithm"},
	{4, "\"00112233445566778899aabbccddeefg\"", "Digest credentials whose response is no hash of their algorithm"},
	{6, "1", "Digest credentials whose nc is not 8 hex digits"},
	{6, "000000001", "Digest credentials whose nc is not 8 hex digits"},
	{6, "0000000g", "Digest credentials whose nc is not 8 hex digits"},
	{6, "\"\"", "Digest credentials whose nc is not 8 hex digits"},
	{7, "auth-int", "Digest credentials without qop=auth"},
	{7, "\"auth,auth-int\"", "Digest credentials without qop=auth"},
	{7, "\"\"", "Digest credentials without qop=auth"},
	{8, "SHA-256", "Digest credentials whose response is no hash of their algorithm"},
	{8, "MD5-sess", "Digest credentials of an algorithm that was not offered"},
	{8, "SHA-512-256", "Digest credentials of an algorithm that was not offered"},
	{8, "\"\"", "Digest credentials of an algorithm that was not offered"},
	{0, "", "Digest credentials with a value that does not end"},
	{0, "\"u", "Digest credentials with something behind a value"},
	{0, "\"u\"x", "Digest credentials with something behind a value"},
	{0, "u u", "Digest credentials with something behind a value"},
	{0, "u;u", "Digest credentials with something behind a value"},
};

START_TEST(test_wrong)
{
	struct digest_answer answer;
	const char *why = parse(build(-1, wrong[_i].which, wrong[_i].value), &answer);
	ck_assert_msg(why && !strcmp(why, wrong[_i].why), "%s=%s: %s", directives[wrong[_i].which].name, wrong[_i].value, why ? why : "taken");
}
END_TEST

static const struct { const char *header, *why; } headers[] = {
	{"Basic eA==", "not Digest credentials"},
	{"Digest", "not Digest credentials"},
	{"Digestx username=u", "not Digest credentials"},
	{"Digest ", "Digest credentials without username, realm, nonce, uri, response, cnonce or nc"},
	{"Digest ,,,", "Digest credentials without username, realm, nonce, uri, response, cnonce or nc"},
	{"Digest username", "Digest credentials with a part that is no name=value"},
	{"Digest =u", "Digest credentials with a part that is no name=value"},
	{"Digest username=\"a\\", "Digest credentials with a value that does not end"},
	{"Digest username=\"a\\\"", "Digest credentials with a value that does not end"},
	{"Digest \"username\"=u", "Digest credentials with a part that is no name=value"},
};

START_TEST(test_headers)
{
	struct digest_answer answer;
	const char *why = parse(headers[_i].header, &answer);
	ck_assert_msg(why && !strcmp(why, headers[_i].why), "%s: %s", headers[_i].header, why ? why : "taken");
}
END_TEST

START_TEST(test_spellings)
{
	struct digest_answer answer;
	ck_assert_ptr_null(parse("dIGEST\t ,USERNAME = \"a\\\"\\\\b,c=d\" ,Realm=r,\tnonce=n,uri=\"/u?a=\\\"b\",response=" MD5 ",cnonce=\"\",NC=\"0000000A\",qop=\"AUTH\", opaque=\"x\", "
				 "userhash=false, new.one=2,", &answer));
	ck_assert_str_eq(answer.username.text, "a\"\\b,c=d");
	ck_assert_uint_eq(answer.username.length, 8);
	ck_assert_str_eq(answer.realm.text, "r");
	ck_assert_str_eq(answer.uri.text, "/u?a=\"b");
	ck_assert_str_eq(answer.cnonce.text, "");
	ck_assert_str_eq(answer.nc.text, "0000000A");
	ck_assert_str_eq(answer.response.text, MD5);
}
END_TEST

/* -------- what it is for */

static const struct { const char *uri, *request; bool same; } targets[] = {
	{"/a.cfg", "/a.cfg", true},
	{"/a.cfg?x=1", "/a.cfg?x=1", true},
	{"/a.cfg", "/a.cfg?x=1", false},
	{"/a.cfg?x=1", "/a.cfg", false},
	{"/a.cfg", "/b.cfg", false},
	{"/a.cfg", "/A.cfg", false},
	{"/a.cfg", "//a.cfg", false},
	{"/%61.cfg", "/a.cfg", false}, /* as it came, not as decoded */
	{"https://prov.example.net/a.cfg", "/a.cfg", true},
	{"/a.cfg", "http://prov.example.net:8080/a.cfg", true},
	{"https://a.example/a.cfg", "https://b.example/a.cfg", true},
	{"https://prov.example.net/b.cfg", "/a.cfg", false},
	{"https://prov.example.net", "/", true},
	{"https://prov.example.net", "/a.cfg", false},
	{"/x://h/a.cfg", "/a.cfg", false},
	{"a.cfg", "/a.cfg", false},
	{"", "/a.cfg", false},
	{"*", "/a.cfg", false},
	/* the path ends where request.c ends it: a query of the absolute form is none */
	{"/a.cfg", "http://h?x=/a.cfg", false},
	{"http://h?x=/a.cfg", "/a.cfg", false},
};

START_TEST(test_targets)
{
	struct digest_answer answer = {.uri = {targets[_i].uri, (uint32_t)strlen(targets[_i].uri)}};
	ck_assert_msg(digest_same_target(&answer, targets[_i].request) == targets[_i].same, "%s for %s", targets[_i].uri, targets[_i].request);
}
END_TEST

START_TEST(test_target_with_nul)
{
	struct digest_answer answer = {.uri = {"/a.cfg\0x", 8}};
	ck_assert(!digest_same_target(&answer, "/a.cfg"));
}
END_TEST

/* -------- nonces */

static struct text text_of(const char *text)
{
	return (struct text){text, (uint32_t)strlen(text)};
}

START_TEST(test_ages)
{
	struct digest_maker *maker = maker_of(OLD_KEY);
	char first[DIGEST_NONCE_TEXT], second[DIGEST_NONCE_TEXT];
	static const struct { int64_t after; enum digest_freshness says; } ages[] = {
		{0, NONCE_FRESH}, {1, NONCE_FRESH}, {LIFETIME, NONCE_FRESH}, {LIFETIME + 1, NONCE_OLD}, {86400 * 365, NONCE_OLD}, {-1, NONCE_FRESH}, {-60, NONCE_FRESH},
		{-61, NONCE_OLD}, {-NOW, NONCE_OLD},
	};
	digest_nonce(maker, NOW, first);
	digest_nonce(maker, NOW, second);
	ck_assert_uint_eq(strlen(first), DIGEST_NONCE_TEXT - 1);
	ck_assert_uint_eq(strspn(first, "0123456789abcdef"), DIGEST_NONCE_TEXT - 1);
	ck_assert_str_ne(first, second);
	struct text nonce = text_of(first);
	for (size_t i = 0; i < ROWS(ages); i++)
		ck_assert_msg(digest_nonce_check(maker, &nonce, NOW + ages[i].after, LIFETIME) == ages[i].says, "%ld s later", (long)ages[i].after);
	/* beyond 2038 */
	digest_nonce(maker, 4000000000, first);
	ck_assert_int_eq(digest_nonce_check(maker, &nonce, 4000000001, LIFETIME), NONCE_FRESH);
	digest_maker_free(&maker);
}
END_TEST

START_TEST(test_every_bit)
{
	struct digest_maker *maker = maker_of(OLD_KEY);
	char made[DIGEST_NONCE_TEXT], changed[DIGEST_NONCE_TEXT];
	digest_nonce(maker, NOW, made);
	for (size_t bit = 0; bit < (DIGEST_NONCE_TEXT - 1) * 4; bit++) {
		static const char digits[] = "0123456789abcdef";
		strcpy(changed, made);
		changed[bit / 4] = digits[(size_t)(strchr(digits, changed[bit / 4]) - digits) ^ (1u << bit % 4)];
		struct text nonce = text_of(changed);
		ck_assert_msg(digest_nonce_check(maker, &nonce, NOW, LIFETIME) == NONCE_FOREIGN, "bit %zu", bit);
	}
	/* one spelling only, or a use could count under several */
	for (size_t i = 0; i < DIGEST_NONCE_TEXT; i++)
		changed[i] = made[i] >= 'a' && made[i] <= 'f' ? (char)(made[i] - 32) : made[i];
	struct text nonce = text_of(changed);
	if (strcmp(changed, made) != 0)
		ck_assert_int_eq(digest_nonce_check(maker, &nonce, NOW, LIFETIME), NONCE_FOREIGN);
	nonce = (struct text){made, DIGEST_NONCE_TEXT - 2};
	ck_assert_int_eq(digest_nonce_check(maker, &nonce, NOW, LIFETIME), NONCE_FOREIGN);
	nonce = text_of("");
	ck_assert_int_eq(digest_nonce_check(maker, &nonce, NOW, LIFETIME), NONCE_FOREIGN);
	nonce = text_of("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v7ypf/xlj9XXw");
	ck_assert_int_eq(digest_nonce_check(maker, &nonce, NOW, LIFETIME), NONCE_FOREIGN);
	digest_maker_free(&maker);
}
END_TEST

START_TEST(test_keys)
{
	struct digest_maker *old = maker_of(OLD_KEY), *both = maker_of(OLD_KEY NEW_KEY), *new = maker_of(NEW_KEY);
	char of_old[DIGEST_NONCE_TEXT], of_both[DIGEST_NONCE_TEXT];
	digest_nonce(old, NOW, of_old);
	digest_nonce(both, NOW, of_both);
	struct text first = text_of(of_old), second = text_of(of_both);
	ck_assert_int_eq(digest_nonce_check(both, &first, NOW, LIFETIME), NONCE_FRESH); /* an older key's */
	ck_assert_int_eq(digest_nonce_check(both, &second, NOW, LIFETIME), NONCE_FRESH);
	ck_assert_int_eq(digest_nonce_check(new, &second, NOW, LIFETIME), NONCE_FRESH); /* the newest makes */
	ck_assert_int_eq(digest_nonce_check(new, &first, NOW, LIFETIME), NONCE_FOREIGN);
	ck_assert_int_eq(digest_nonce_check(old, &second, NOW, LIFETIME), NONCE_FOREIGN);
	digest_maker_free(&old);
	digest_maker_free(&both);
	digest_maker_free(&new);
}
END_TEST

START_TEST(test_uses)
{
	struct digest_maker *maker = maker_of(OLD_KEY);
	char nonce[DIGEST_NONCE_TEXT], other[DIGEST_NONCE_TEXT];
	digest_nonce(maker, NOW, nonce);
	digest_nonce(maker, NOW, other);
	struct digest_answer a = {.nonce = text_of(nonce), .nc = text_of("0000000a")}, b = a;
	uint64_t use = digest_use(maker, &a);
	b.nc = text_of("0000000A"); /* the same count */
	ck_assert(digest_use(maker, &b) == use);
	b.cnonce = text_of("another"); /* which a replayer could not change, and need not count */
	b.response = text_of("another");
	ck_assert(digest_use(maker, &b) == use);
	b.nc = text_of("0000000b");
	ck_assert(digest_use(maker, &b) != use);
	b.nc = a.nc;
	b.nonce = text_of(other);
	ck_assert(digest_use(maker, &b) != use);
	digest_maker_free(&maker);
}
END_TEST

UNIT_MAIN("digest", {test_responses, ROWS(responses)}, {test_altered, 0}, {test_missing, ROWS(directives)}, {test_doubled, ROWS(directives)}, {test_wrong, ROWS(wrong)},
	{test_headers, ROWS(headers)}, {test_spellings, 0}, {test_targets, ROWS(targets)}, {test_target_with_nul, 0}, {test_ages, 0}, {test_every_bit, 0}, {test_keys, 0},
	{test_uses, 0})
