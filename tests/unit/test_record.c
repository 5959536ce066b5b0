/* Records of the journal: encoded, cut, escaped, decoded; times. Answers: their headers. */
#include "record.h"

#include "respond.h"
#include "service.h"
#include "unit.h"

static struct text text_of(const char *text)
{
	return (struct text){text, (uint32_t)strlen(text)};
}

START_TEST(test_round_trip)
{
	unsigned char bytes[RECORD_MAX];
	struct record in = {.head = {.kind = DATAGRAM_RECORD, .at = 1, .mac = {"805ec0aabb01"}, .result = RESULT_OK, .status = 200, .bytes = 4450, .identity = IDENTITY_TOKEN, .state = 1, .delivered = 1}}, out;
	for (int i = 0; i < RECORD_TEXTS; i++)
		in.texts[i] = text_of("text");
	in.texts[RECORD_DETAIL] = (struct text){0};
	size_t size = record_encode(&in, bytes);
	ck_assert(record_decode(bytes, size, &out));
	ck_assert(!memcmp(&in.head, &out.head, sizeof in.head));
	for (int i = 0; i < RECORD_TEXTS; i++)
		ck_assert(out.texts[i].length == (i == RECORD_DETAIL ? 0 : 4) && !memcmp(out.texts[i].text, "text", out.texts[i].length));
	for (size_t cut = 0; cut < size; cut++)
		ck_assert_msg(!record_decode(bytes, cut, &out), "%zu bytes", cut);
	ck_assert(!record_decode(bytes, size + 1, &out));
	bytes[offsetof(struct record_head, result)] = RESULTS;
	ck_assert(!record_decode(bytes, size, &out));
}
END_TEST

static const struct { const char *in; const char *out; } escape_rows[] = {
	{"plain", "plain"},
	{"a\nb", "a\\x0ab"},
	{"\x1b[31m", "\\x1b[31m"},
	{"%n%s", "%n%s"},
	{"back\\slash", "back\\x5cslash"},
	{"\xff\xfe", "\\xff\\xfe"},
	{"\x7f", "\\x7f"},
	{"M\xc3\xbcller", "M\xc3\xbcller"},
	{"cut \xc3", "cut \\xc3"},
};

START_TEST(test_escape)
{
	unsigned char bytes[RECORD_MAX];
	struct record in = {.head = {.result = RESULT_OK}}, out;
	in.texts[RECORD_USER_AGENT] = text_of(escape_rows[_i].in);
	ck_assert(record_decode(bytes, record_encode(&in, bytes), &out));
	const struct text *text = &out.texts[RECORD_USER_AGENT];
	ck_assert_msg(text->length == strlen(escape_rows[_i].out) && !memcmp(text->text, escape_rows[_i].out, text->length), "row %d: %.*s", _i, (int)text->length,
		text->text);
}
END_TEST

/* Whatever a stranger sends, what is decoded fits its column: the widest of everything, of the byte that grows most. */
START_TEST(test_widest)
{
	static const size_t widths[RECORD_TEXTS] = {80, 255, 16, 512, 45, 255, 32, 64, 64, 255};
	static char wide[100000];
	unsigned char bytes[RECORD_MAX];
	struct record in = {.head = {.result = RESULT_OK}}, out;
	for (int fill = 0; fill < 256; fill += 5) {
		memset(wide, fill, sizeof wide);
		for (int i = 0; i < RECORD_TEXTS; i++)
			in.texts[i] = (struct text){wide, sizeof wide};
		size_t size = record_encode(&in, bytes);
		ck_assert(size <= RECORD_MAX);
		ck_assert(record_decode(bytes, size, &out));
		for (int i = 0; i < RECORD_TEXTS; i++)
			ck_assert_msg(out.texts[i].length <= widths[i] && out.texts[i].length + 4 > widths[i], "text %d of byte %d: %u", i, fill, out.texts[i].length);
	}
}
END_TEST

static const struct pack_case {
	const char *mac;
	size_t tenant, site, profile, sealed; /* lengths */
	bool good;
} pack_rows[] = {
	{"805ec0aabb01", 4, 2, 7, 1500, true},
	{"805ec0aabb01", 1, 0, 0, 1, true},
	{"805ec0aabb01", 80, 80, 80, PACK_MAX + 29, true},
	{"805ec0aabb01", 0, 0, 0, PACK_MAX + 64, true},
	{"805ec0aabb01", 4, 0, 0, PACK_MAX + 65, false},
	{"805ec0aabb01", 4, 0, 0, 0, false},
	{"805ec0aabb01", 81, 0, 0, 10, false},
	{"805ec0aabb01", 4, 81, 0, 10, false},
	{"805ec0aabb01", 4, 0, 300, 10, false},
	{"805ec0aabb0", 4, 0, 0, 10, false},
	{"805EC0AABB01", 4, 0, 0, 10, false},
	{"", 4, 0, 0, 10, false},
};

static bool same(const struct text *a, const struct text *b)
{
	return a->length == b->length && (!a->length || !memcmp(a->text, b->text, a->length));
}

/* Everything comes back; a cut one, a longer one, one of another kind is none. */
START_TEST(test_pack)
{
	static unsigned char bytes[PACK_RECORD_MAX + 1];
	static char text[PACK_MAX + 100];
	const struct pack_case *row = &pack_rows[_i];
	struct pack_record in = {.tenant_id = {text, (uint32_t)row->tenant}, .site_id = {text + 1, (uint32_t)row->site},
		.profile_id = {text + 2, (uint32_t)row->profile}, .sealed = {text + 3, (uint32_t)row->sealed}}, out;
	struct record record;
	snprintf(in.mac.digits, sizeof in.mac.digits, "%s", row->mac);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7 + i / 256);
	memcpy(in.revision, "\0\xff" "345678", REVISION_SIZE);
	size_t size = pack_record_encode(&in, bytes);
	ck_assert_msg((size != 0) == row->good, "row %d", _i);
	if (!size)
		return;
	ck_assert(size <= PACK_RECORD_MAX && bytes[0] == DATAGRAM_PACK);
	ck_assert(pack_record_decode(bytes, size, &out));
	ck_assert_str_eq(out.mac.digits, row->mac);
	ck_assert(!memcmp(in.revision, out.revision, REVISION_SIZE) && same(&in.tenant_id, &out.tenant_id) && same(&in.site_id, &out.site_id) &&
		same(&in.profile_id, &out.profile_id) && same(&in.sealed, &out.sealed));
	for (size_t cut = 0; cut < size; cut++)
		ck_assert_msg(!pack_record_decode(bytes, cut, &out), "row %d, %zu bytes", _i, cut);
	ck_assert(!pack_record_decode(bytes, size + 1, &out));
	ck_assert(!record_decode(bytes, size, &record));
	bytes[0] = DATAGRAM_RECORD;
	ck_assert(!pack_record_decode(bytes, size, &out));
	bytes[0] = 0;
	ck_assert(!pack_record_decode(bytes, size, &out) && !record_decode(bytes, size, &record));
}
END_TEST

static const struct { int64_t at; const char *text; } time_rows[] = {
	{0, "1970-01-01 00:00:00.000000"},
	{-5, "1970-01-01 00:00:00.000000"},
	{951782399999999, "2000-02-28 23:59:59.999999"},
	{951782400000001, "2000-02-29 00:00:00.000001"},
	{951868800000000, "2000-03-01 00:00:00.000000"},
	{1798761599000000, "2026-12-31 23:59:59.000000"},
	{4107542400000000, "2100-03-01 00:00:00.000000"},
	{253402300799999999, "9999-12-31 23:59:59.999999"},
};

START_TEST(test_time)
{
	char text[RECORD_TIME];
	record_time(time_rows[_i].at, text);
	ck_assert_str_eq(text, time_rows[_i].text);
}
END_TEST

static void head_of(struct answer *answer, char out[RESPOND_HEAD_MAX])
{
	struct buf head;
	buf_init(&head, RESPOND_HEAD_MAX);
	respond_head(answer, &head);
	ck_assert(!head.overflow);
	memcpy(out, head.data, head.size + 1);
	buf_deinit(&head);
}

/* Every status: one header block with its end, no line of a body's, Content-Length unless 304, and the length of HEAD is that of GET. */
START_TEST(test_answers)
{
	char get[RESPOND_HEAD_MAX], head[RESPOND_HEAD_MAX], line[64];
	struct answer answer = {.challenges = "WWW-Authenticate: Basic realm=\"x\"\r\n", .retry_after = 4294967295u};
	respond_error(&answer, (enum result)_i, "the reason, which nobody gets");
	if (answer.status == 304)
		answer.body = "";
	head_of(&answer, get);
	size_t size = answer.size;
	snprintf(line, sizeof line, "Status: %u ", result_status((enum result)_i));
	ck_assert_msg(!strncmp(get, line, strlen(line)), "%s", get);
	ck_assert(strstr(get, "\r\n\r\n") + 4 == get + strlen(get));
	ck_assert_ptr_null(strstr(get, "nobody"));
	ck_assert_ptr_nonnull(strstr(get, "Cache-Control: no-store, private\r\n"));
	snprintf(line, sizeof line, "Content-Length: %zu\r\n", size);
	ck_assert((strstr(get, line) != NULL) == (answer.status != 304));
	ck_assert((strstr(get, "WWW-Authenticate: Basic realm=\"x\"\r\n") != NULL) == (answer.status == 401));
	ck_assert((strstr(get, "Allow: GET, HEAD\r\n") != NULL) == (answer.status == 405));
	ck_assert((strstr(get, "Retry-After: 4294967295\r\n") != NULL) == (answer.status == 503));
	ck_assert_uint_eq(respond_body_size(&answer), answer.status == 304 ? 0 : size);
	respond_error(&answer, (enum result)_i, "");
	if (answer.status == 304)
		answer.body = "";
	answer.head = true;
	head_of(&answer, head);
	ck_assert_str_eq(get, head);
	ck_assert_uint_eq(respond_body_size(&answer), 0);
}
END_TEST

static const struct { const char *way, *realm, *challenge; } realm_rows[] = {
	{"basic", "dialtone", "WWW-Authenticate: Basic realm=\"dialtone\", charset=\"UTF-8\"\r\n"},
	{"basic", "a \"b\" \\c", "WWW-Authenticate: Basic realm=\"a \\\"b\\\" \\\\c\", charset=\"UTF-8\"\r\n"},
	{"basic", "M\xc3\xbcller", "WWW-Authenticate: Basic realm=\"M\xc3\xbcller\", charset=\"UTF-8\"\r\n"},
	{"digest-md5", "dialtone", "WWW-Authenticate: Digest realm=\"dialtone\", qop=\"auth\", algorithm=MD5, nonce=\""},
	{"digest-sha-256", "dialtone", "WWW-Authenticate: Digest realm=\"dialtone\", qop=\"auth\", algorithm=SHA-256, nonce=\""},
	{"basic", "", NULL},
	{"basic", "a\r\nSet-Cookie: x", NULL},
	{"basic", "a\x7f", NULL},
	{"digest-md5", "\xff", NULL},
};

START_TEST(test_realm)
{
	struct error error = {0};
	char *challenge = service_challenge(realm_rows[_i].way, realm_rows[_i].realm, &error);
	ck_assert_msg((challenge != NULL) == (realm_rows[_i].challenge != NULL), "row %d", _i);
	if (challenge)
		ck_assert_str_eq(challenge, realm_rows[_i].challenge);
	else
		ck_assert_ptr_nonnull(strstr(error.message, "http.realm"));
	free(challenge);
}
END_TEST

UNIT_MAIN("record", {test_round_trip, 0}, {test_pack, ROWS(pack_rows)}, {test_escape, ROWS(escape_rows)}, {test_widest, 0}, {test_time, ROWS(time_rows)}, {test_answers, RESULTS},
	{test_realm, ROWS(realm_rows)})
