/* Who may have a file, by token alone: test_proofs.c has all the other proofs. */
#include "store_double.h"

static enum result decide(const char *path, char *authorization, bool https, struct verdict *verdict)
{
	static char nothing[1];
	char uri[256], method[] = "REQUEST_METHOD=GET", on[] = "HTTPS=on", off[] = "HTTPS=";
	char *list[] = {method, uri, https ? on : off, NULL};
	static const struct hops none;
	struct request request;
	struct access access = {.catalogue = catalogue, .tokens = tokens, .rules = &no_rules, .realm = "dialtone", .plain_refused = !plain_allowed};
	snprintf(uri, sizeof uri, "REQUEST_URI=%s", path);
	request_parse(&request, list, &none, &no_rules.names, &arena);
	request.authorization = authorization ? authorization : nothing;
	access_decide(&access, &request, 1000000000, no_id, &arena, verdict);
	return verdict->result;
}

/* user NULL: no credentials; generation NULL: a wrong password. Store: how often it may be asked. */
static const struct { const char *path, *user, *generation; enum result result; unsigned store; } rows[] = {
	{"/" A ".cfg", A, GENERATION, RESULT_OK, 1},
	{"/any/where/" A ".cfg", A, GENERATION, RESULT_OK, 1},
	{"/805EC0-AABB01.cfg", A, GENERATION, RESULT_UNKNOWN_FILE, 0},
	{"/80-5E-C0-AA-BB-01.CFG", A, GENERATION, RESULT_OK, 1},
	/* no identity: the same for all, and nobody asks the database */
	{"/" A ".cfg", NULL, NULL, RESULT_CHALLENGE, 0},
	{"/" NOBODY ".cfg", NULL, NULL, RESULT_CHALLENGE, 0},
	{"/" DISABLED ".cfg", NULL, NULL, RESULT_CHALLENGE, 0},
	{"/" A ".boot", NULL, NULL, RESULT_CHALLENGE, 0},
	{"/" A ".cfg", A, NULL, RESULT_BAD_CREDENTIALS, 0},
	{"/" NOBODY ".cfg", NOBODY, NULL, RESULT_BAD_CREDENTIALS, 0},
	/* a token that proves itself, of a device or a generation that is gone */
	{"/" NOBODY ".cfg", NOBODY, GENERATION, RESULT_STALE_CREDENTIALS, 1},
	{"/" A ".cfg", NOBODY, GENERATION, RESULT_STALE_CREDENTIALS, 1},
	{"/" A ".cfg", A, OLD, RESULT_STALE_CREDENTIALS, 1},
	{"/" B ".cfg", A, OLD, RESULT_STALE_CREDENTIALS, 1},
	{"/" DISABLED ".cfg", DISABLED, OLD, RESULT_STALE_CREDENTIALS, 1},
	/* only the diagonal */
	{"/" B ".cfg", A, GENERATION, RESULT_NOT_ENTITLED, 1},
	{"/" A ".cfg", B, GENERATION, RESULT_NOT_ENTITLED, 1},
	{"/" NOBODY ".cfg", A, GENERATION, RESULT_NOT_ENTITLED, 1},
	{"/" DISABLED ".cfg", A, GENERATION, RESULT_NOT_ENTITLED, 1},
	{"/" A ".cfg", DISABLED, GENERATION, RESULT_NOT_ENTITLED, 1},
	{"/" A "/" B ".cfg", A, GENERATION, RESULT_NOT_ENTITLED, 1},
	{"/" DISABLED ".cfg", DISABLED, GENERATION, RESULT_DISABLED, 1},
	{"/" A ".boot", A, GENERATION, RESULT_ABSENT_FILE, 1},
	{"/" B ".boot", A, GENERATION, RESULT_NOT_ENTITLED, 1},
	/* files of nobody */
	{"/y000000000096.cfg", NULL, NULL, RESULT_COMMON, 0},
	{"/y000000000096.cfg", A, NULL, RESULT_COMMON, 0},
	{"/y000000000999.cfg", NULL, NULL, RESULT_ABSENT_FILE, 0},
	{"/y000000000096.boot", NULL, NULL, RESULT_ABSENT_FILE, 0},
	{"/index.html", NULL, NULL, RESULT_UNKNOWN_FILE, 0},
	{"/index.html", A, GENERATION, RESULT_UNKNOWN_FILE, 0},
	{"/" A ".cfg/", A, GENERATION, RESULT_UNKNOWN_FILE, 0},
	{"/../" A ".cfg", A, GENERATION, RESULT_UNKNOWN_FILE, 0},
	{"/" A ".cfg;x", A, GENERATION, RESULT_UNKNOWN_FILE, 0},
	{"/x;y/" A ".cfg", A, GENERATION, RESULT_UNKNOWN_FILE, 0},
	{"/%00" A ".cfg", A, GENERATION, RESULT_BAD_REQUEST, 0},
};

START_TEST(test_matrix)
{
	struct verdict verdict;
	set_up();
	char *authorization = !rows[_i].user ? NULL : rows[_i].generation ? token_of(rows[_i].user, rows[_i].generation) :
		basic(rows[_i].user, "0123456789000000000000000000000x");
	enum result result = decide(rows[_i].path, authorization, true, &verdict);
	ck_assert_msg(result == rows[_i].result, "row %d: %s (%s)", _i, result_name(result), verdict.detail);
	ck_assert_msg(asked == rows[_i].store, "row %d: the store was asked %u times", _i, asked);
	ck_assert_msg(verdict.identified == (rows[_i].store && result != RESULT_STALE_CREDENTIALS), "row %d", _i);
	if (result == RESULT_OK)
		ck_assert_str_eq(verdict.rule->name, "device");
	/* the same over plain HTTP is 403, whatever it is, and asks nobody */
	asked = 0;
	result = decide(rows[_i].path, authorization, false, &verdict);
	ck_assert_msg(result == (rows[_i].result == RESULT_BAD_REQUEST ? RESULT_BAD_REQUEST : RESULT_PLAIN_HTTP), "row %d: %s", _i, result_name(result));
	ck_assert_uint_eq(asked, 0);
	tear_down();
}
END_TEST

START_TEST(test_plain_by_tenant)
{
	struct verdict verdict;
	struct access access;
	set_up();
	plain_allowed = true;
	ck_assert_int_eq(decide("/" A ".cfg", token_of(A, GENERATION), false, &verdict), RESULT_OK);
	ck_assert_int_eq(decide("/" A ".cfg", NULL, false, &verdict), RESULT_CHALLENGE);
	/* allowed by the configuration, not by the tenant */
	static const struct hops none;
	char method[] = "REQUEST_METHOD=GET", uri[] = "REQUEST_URI=/" A ".cfg";
	char *list[] = {method, uri, NULL};
	struct request request;
	plain_allowed = false;
	access = (struct access){.catalogue = catalogue, .tokens = tokens, .rules = &no_rules, .realm = "dialtone"};
	request_parse(&request, list, &none, &no_rules.names, &arena);
	request.authorization = token_of(A, GENERATION);
	access_decide(&access, &request, 1000000000, no_id, &arena, &verdict);
	ck_assert_int_eq(verdict.result, RESULT_PLAIN_HTTP);
	tear_down();
}
END_TEST

START_TEST(test_database_away)
{
	struct verdict verdict;
	set_up();
	store_says = ERROR_DATABASE_GONE;
	ck_assert_int_eq(decide("/" A ".cfg", token_of(A, GENERATION), true, &verdict), RESULT_DATABASE);
	ck_assert(!verdict.identified && !verdict.device.found);
	ck_assert_str_eq(verdict.detail, "the database is away");
	ck_assert_int_eq(decide("/" A ".cfg", NULL, true, &verdict), RESULT_CHALLENGE);
	ck_assert_int_eq(decide("/y000000000096.cfg", NULL, true, &verdict), RESULT_COMMON);
	tear_down();
}
END_TEST

START_TEST(test_model)
{
	struct verdict verdict;
	set_up();
	device_model = "yealink-nothing";
	ck_assert_int_eq(decide("/" A ".cfg", token_of(A, GENERATION), true, &verdict), RESULT_RENDER_ERROR);
	/* the OUI says Yealink, the row says Fanvil: the row decides which files it has */
	device_model = "fanvil-x4u";
	ck_assert_int_eq(decide("/" A ".cfg", token_of(A, GENERATION), true, &verdict), RESULT_OK);
	ck_assert_str_eq(verdict.device.model->vendor->id, "fanvil");
	ck_assert_int_eq(decide("/" A ".boot", token_of(A, GENERATION), true, &verdict), RESULT_UNKNOWN_FILE);
	tear_down();
}
END_TEST

static const struct { const char *header, *why; } basic_rows[] = {
	{"Bearer abc", "not Basic credentials"},
	{"Basic", "not Basic credentials"},
	{"Basicx", "not Basic credentials"},
	{"Basic ", "credentials are not base64"},
	{"Basic !!!!", "credentials are not base64"},
	{"Basic QQ", "credentials are not base64"},
	{"Basic QUJD=", "credentials are not base64"},
	{"Basic QQ==QQ==", "credentials are not base64"},
	{"Basic QQ== ", "credentials are not base64"},
	{"Basic ====", "credentials are not base64"},
	{"Basic QUJD", "credentials without a colon"},
	{"Basic AGE6Yg==", "credentials with a NUL byte"},
};

START_TEST(test_basic_refused)
{
	struct basic basic;
	const char *why = access_parse_basic(basic_rows[_i].header, &arena, &basic);
	ck_assert_msg(why && !strcmp(why, basic_rows[_i].why), "row %d: %s", _i, why ? why : "accepted");
}
END_TEST

static const struct { const char *user, *password; } accepted[] = {
	{"805ec0aabb01", "0123456789012345678901234567890:"}, {"805EC0AABB01", "x"}, {"prov", "a:b"}, {"", ""}, {"\xc3\xbc", "\xc3\xbc"},
};

START_TEST(test_basic_accepted)
{
	struct basic taken;
	char *header = basic(accepted[_i].user, accepted[_i].password);
	ck_assert_ptr_null(access_parse_basic(header, &arena, &taken));
	ck_assert_str_eq(taken.user.text, accepted[_i].user);
	ck_assert_str_eq(taken.password.text, accepted[_i].password);
	memcpy(header, "bAsIc", 5);
	ck_assert_ptr_null(access_parse_basic(header, &arena, &taken));
}
END_TEST

UNIT_MAIN("access", {test_matrix, ROWS(rows)}, {test_plain_by_tenant, 0}, {test_database_away, 0}, {test_model, 0}, {test_basic_refused, ROWS(basic_rows)},
	{test_basic_accepted, ROWS(accepted)})
