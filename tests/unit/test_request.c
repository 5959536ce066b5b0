/* FastCGI parameters to a request, and the address that is believed. */
#include "request.h"

#include "unit.h"

#define GOOD "REQUEST_METHOD=GET", "REQUEST_URI=/p/805ec0aabb01.cfg?x=1", "HTTPS=on", "REMOTE_ADDR=192.0.2.7", "CONTENT_LENGTH=0"

static struct arena arena;
static const struct hops no_hops;
static const struct request_names no_names;

static void parse(struct request *request, const char *const *parameters, const struct hops *hops)
{
	static char copies[400][8192];
	static char *list[401];
	size_t count = 0;
	for (; parameters[count]; count++) {
		snprintf(copies[count], sizeof copies[count], "%s", parameters[count]);
		list[count] = copies[count];
	}
	list[count] = NULL;
	arena_clear(&arena);
	request_parse(request, list, hops, &no_names, &arena);
}

START_TEST(test_good)
{
	struct request request;
	parse(&request, (const char *const[]){GOOD, "HTTP_USER_AGENT=A b", "HTTP_IF_NONE_MATCH=\"x\"", "HTTP_AUTHORIZATION=Basic eA==", "FCGI_ROLE=RESPONDER", NULL},
		&no_hops);
	ck_assert_int_eq(request.fault, REQUEST_FINE);
	ck_assert_int_eq(request.method, METHOD_GET);
	ck_assert_str_eq(request.path, "/p/805ec0aabb01.cfg");
	ck_assert_str_eq(request.file, "805ec0aabb01.cfg");
	ck_assert_uint_eq(request.file_length, 16);
	ck_assert(request.https);
	ck_assert(!request.climbs);
	ck_assert_str_eq(request.user_agent, "A b");
	ck_assert_str_eq(request.if_none_match, "\"x\"");
	ck_assert_str_eq(request.authorization, "Basic eA==");
	ck_assert_str_eq(request.address, "192.0.2.7");
}
END_TEST

static const struct { const char *uri, *path; bool climbs; } path_rows[] = {
	{"/a", "/a", false},
	{"/", "/", false},
	{"//a///b", "//a///b", false},
	{"/a%2fb", "/a/b", false},
	{"/%61%4A%4a", "/aJJ", false},
	{"/%2541", "/%41", false}, /* once */
	{"/a?b/c", "/a", false},
	{"/a?%zz%00", "/a", false},
	{"http://host/a/b", "/a/b", false},
	{"HTTPS://host:1/a", "/a", false},
	{"http://host", "/", false},
	{"http://host?x=/y", "/", false},
	{"/a/../b", "/a/../b", true},
	{"/..", "/..", true},
	{"/%2e%2E/a", "/../a", true},
	{"/a%2f..%2fb", "/a/../b", true},
	{"/..a/b..", "/..a/b..", false},
	{"/a;b", "/a;b", true},
	{"/a%3bb/c", "/a;b/c", true},
	{"/\xc3\xbc", "/\xc3\xbc", false},
	{"/%ff", "/\xff", false},
	{"", NULL, false},
	{"a", NULL, false},
	{"*", NULL, false},
	{"?a", NULL, false},
	{"host:443", NULL, false},
	{"/%", NULL, false},
	{"/%4", NULL, false},
	{"/%4g", NULL, false},
	{"/%g4", NULL, false},
	{"/%00", NULL, false},
	{"/a%0ab", NULL, false},
	{"/a%7f", NULL, false},
	{"/a\tb", NULL, false},
	{"/a#b", NULL, false},
};

START_TEST(test_path)
{
	char uri[256];
	struct request request;
	snprintf(uri, sizeof uri, "REQUEST_URI=%s", path_rows[_i].uri);
	parse(&request, (const char *const[]){"REQUEST_METHOD=GET", uri, NULL}, &no_hops);
	ck_assert_msg((request.fault == REQUEST_FINE) == (path_rows[_i].path != NULL), "row %d: %s", _i, request.fault_detail);
	ck_assert_msg(!strcmp(request.path, path_rows[_i].path ? path_rows[_i].path : ""), "row %d: %s", _i, request.path);
	ck_assert_msg(request.climbs == path_rows[_i].climbs, "row %d", _i);
}
END_TEST

static const struct { const char *parameter; bool trusted; } twice_rows[] = {
	{"REQUEST_METHOD=GET", true},
	{"REQUEST_URI=/", true},
	{"HTTPS=on", true},
	{"HTTPS=", true},
	{"REMOTE_ADDR=192.0.2.7", true},
	{"CONTENT_LENGTH=0", true},
	{"HTTP_AUTHORIZATION=x", true},
	{"HTTP_USER_AGENT=x", false},
	{"HTTP_IF_NONE_MATCH=x", false},
	{"HTTP_X_FORWARDED_FOR=x", false},
	{"REMOTE_USER=x", false},
};

START_TEST(test_twice)
{
	struct request request;
	const char *again = twice_rows[_i].parameter;
	parse(&request, (const char *const[]){GOOD, "HTTP_AUTHORIZATION=a", "HTTP_USER_AGENT=a", "HTTP_IF_NONE_MATCH=a", "HTTP_X_FORWARDED_FOR=a", "REMOTE_USER=a",
		again, NULL}, &no_hops);
	ck_assert_msg(request.fault == (twice_rows[_i].trusted ? REQUEST_BAD : REQUEST_FINE), "row %d", _i);
	ck_assert_msg(request.twice == twice_rows[_i].trusted, "row %d", _i);
	if (request.twice)
		ck_assert_msg(strstr(request.fault_detail, "came twice") && !strncmp(request.fault_detail + 10, again, strcspn(again, "=")), "row %d: %s", _i,
			request.fault_detail);
	ck_assert_str_eq(request.user_agent, "a");
}
END_TEST

START_TEST(test_missing)
{
	struct request request;
	parse(&request, (const char *const[]){NULL}, &no_hops);
	ck_assert_int_eq(request.fault, REQUEST_BAD);
	ck_assert_str_eq(request.path, "");
	ck_assert_str_eq(request.file, "");
	ck_assert_str_eq(request.user_agent, "");
	ck_assert_str_eq(request.authorization, "");
	ck_assert_str_eq(request.address, "");
	parse(&request, (const char *const[]){"REQUEST_METHOD=", "REQUEST_URI=/a", NULL}, &no_hops);
	ck_assert_int_eq(request.fault, REQUEST_BAD);
	parse(&request, (const char *const[]){"REQUEST_METHOD", "REQUEST_URI", "HTTPS", "=", "=x", "", NULL}, &no_hops);
	ck_assert_int_eq(request.fault, REQUEST_BAD);
}
END_TEST

static const struct { const char *https; bool is; } https_rows[] = {{"HTTPS=on", true}, {"HTTPS=ON", true}, {"HTTPS=off", false}, {"HTTPS=", false}, {"HTTPS=1", false},
	{"HTTPS=on ", false}, {"HTTP_HTTPS=on", false}, {"REQUEST_SCHEME=https", false}, {"X=y", false}};

START_TEST(test_https)
{
	struct request request;
	parse(&request, (const char *const[]){"REQUEST_METHOD=GET", "REQUEST_URI=/a", https_rows[_i].https, NULL}, &no_hops);
	ck_assert_msg(request.https == https_rows[_i].is, "row %d", _i);
}
END_TEST

static const struct { const char *length; enum request_fault fault; } length_rows[] = {{"", REQUEST_FINE}, {"0", REQUEST_FINE}, {"65536", REQUEST_FINE},
	{"65537", REQUEST_BODY_LARGE}, {"99999999999999999999999999", REQUEST_BODY_LARGE}, {"18446744073709551616", REQUEST_BODY_LARGE}, {"0000000000065536", REQUEST_FINE},
	{"-1", REQUEST_BAD}, {"+1", REQUEST_BAD}, {"1 ", REQUEST_BAD}, {"0x1", REQUEST_BAD}, {"x", REQUEST_BAD}};

START_TEST(test_length)
{
	char text[64];
	struct request request;
	snprintf(text, sizeof text, "CONTENT_LENGTH=%s", length_rows[_i].length);
	parse(&request, (const char *const[]){"REQUEST_METHOD=GET", "REQUEST_URI=/a", text, NULL}, &no_hops);
	ck_assert_msg(request.fault == length_rows[_i].fault, "row %d", _i);
}
END_TEST

/* Each bound, and one more. */
START_TEST(test_bounds)
{
	static char text[8192];
	static const char *many[402] = {"REQUEST_METHOD=GET", "REQUEST_URI=/a"};
	struct request request;
	for (size_t more = 0; more < 2; more++) {
		int size = snprintf(text, sizeof text, "REQUEST_URI=/");
		memset(text + size, 'a', REQUEST_URI_MAX - 1 + more);
		text[(size_t)size + REQUEST_URI_MAX - 1 + more] = 0;
		parse(&request, (const char *const[]){"REQUEST_METHOD=GET", text, NULL}, &no_hops);
		ck_assert_int_eq(request.fault, more ? REQUEST_HEADER_LARGE : REQUEST_FINE);
		size = snprintf(text, sizeof text, "HTTP_AUTHORIZATION=");
		memset(text + size, 'a', REQUEST_AUTHORIZATION_MAX + more);
		text[(size_t)size + REQUEST_AUTHORIZATION_MAX + more] = 0;
		parse(&request, (const char *const[]){"REQUEST_METHOD=GET", "REQUEST_URI=/a", text, NULL}, &no_hops);
		ck_assert_int_eq(request.fault, more ? REQUEST_HEADER_LARGE : REQUEST_FINE);
		for (size_t i = 2; i < REQUEST_PARAMETERS_MAX + more; i++)
			many[i] = "X=y";
		many[REQUEST_PARAMETERS_MAX + more] = NULL;
		parse(&request, many, &no_hops);
		ck_assert_int_eq(request.fault, more ? REQUEST_HEADER_LARGE : REQUEST_FINE);
	}
	memset(text, 'a', 5000);
	memcpy(text, "HTTP_USER_AGENT=", 16);
	text[5000] = 0;
	parse(&request, (const char *const[]){"REQUEST_METHOD=GET", "REQUEST_URI=/a", text, NULL}, &no_hops);
	ck_assert_int_eq(request.fault, REQUEST_FINE);
	ck_assert_uint_eq(request.user_agent_length, REQUEST_HEADER_MAX);
	memcpy(text, "HTTP_IF_NONE_MATCH=", 19);
	parse(&request, (const char *const[]){"REQUEST_METHOD=GET", "REQUEST_URI=/a", text, NULL}, &no_hops);
	ck_assert_str_eq(request.if_none_match, "");
	for (size_t i = 2; i < 20; i++)
		many[i] = text;
	many[20] = NULL;
	memcpy(text, "HTTP_X_SOMETHING_ELS=", 21);
	parse(&request, many, &no_hops);
	ck_assert_int_eq(request.fault, REQUEST_HEADER_LARGE);
}
END_TEST

static const struct { const char *hops, *remote, *forwarded, *address; } address_rows[] = {
	{"", "192.0.2.7", "10.0.0.1", "192.0.2.7"},
	{"", "unix", NULL, ""},
	{"", "unix", "10.0.0.1", ""},
	{"", "", NULL, ""},
	{"", "2001:DB8::0001", NULL, "2001:db8::1"},
	{"", "::ffff:192.0.2.7", NULL, "192.0.2.7"},
	{"", "999.1.1.1", NULL, ""},
	{"10.0.0.0/8", "10.1.2.3", "198.51.100.9", "198.51.100.9"},
	{"10.0.0.0/8", "10.1.2.3", "1.1.1.1, 198.51.100.9 , 10.9.9.9", "198.51.100.9"},
	{"10.0.0.0/8", "10.1.2.3", "1.1.1.1,rubbish", ""},
	{"10.0.0.0/8", "10.1.2.3", "1.1.1.1,", ""},
	{"10.0.0.0/8", "10.1.2.3", NULL, "10.1.2.3"},
	{"10.0.0.0/8", "10.1.2.3", "10.5.5.5, 10.6.6.6", "10.5.5.5"},
	{"10.0.0.0/8", "11.1.2.3", "198.51.100.9", "11.1.2.3"},
	{"2001:db8::/33 127.0.0.1", "2001:db8:7fff::1", "198.51.100.9", "198.51.100.9"},
	{"2001:db8::/33 127.0.0.1", "2001:db8:8000::1", "198.51.100.9", "2001:db8:8000::1"},
	{"2001:db8::/33 127.0.0.1", "127.0.0.1", "2001:db8::9, 203.0.113.5", "203.0.113.5"},
	{"0.0.0.0/0", "1.2.3.4", "5.6.7.8", "5.6.7.8"},
	{"0.0.0.0/0", "2001:db8::1", "5.6.7.8", "2001:db8::1"},
};

START_TEST(test_address)
{
	struct hops hops;
	char address[HOPS_TEXT];
	ck_assert_int_eq(hops_parse(address_rows[_i].hops, &hops, NULL), ERROR_NONE);
	hops_client(&hops, address_rows[_i].remote, address_rows[_i].forwarded, address);
	ck_assert_msg(!strcmp(address, address_rows[_i].address), "row %d: %s", _i, address);
}
END_TEST

/* HAProxy's option forwardfor adds a header of its own behind the client's: two parameters are one list, and no length of the client's hides the proxy's. */
START_TEST(test_forwarded_twice)
{
	static char text[5000];
	struct hops hops;
	struct request request;
	ck_assert_int_eq(hops_parse("192.0.2.0/24", &hops, NULL), ERROR_NONE);
	parse(&request, (const char *const[]){GOOD, "HTTP_X_FORWARDED_FOR=1.1.1.1", "HTTP_X_FORWARDED_FOR=198.51.100.9", NULL}, &hops);
	ck_assert_str_eq(request.address, "198.51.100.9");
	memset(text, '1', sizeof text - 1);
	memcpy(text, "HTTP_X_FORWARDED_FOR=", 21);
	parse(&request, (const char *const[]){GOOD, text, "HTTP_X_FORWARDED_FOR=198.51.100.9", NULL}, &hops);
	ck_assert_str_eq(request.address, "198.51.100.9");
	parse(&request, (const char *const[]){GOOD, text, NULL}, &hops);
	ck_assert_str_eq(request.address, "192.0.2.7");
}
END_TEST

static const struct { const char *hops, *message; } bad_hops_rows[] = {
	{"10.0.0.0/33", "`10.0.0.0/33`: the prefix must be 0 to 32"},
	{"::/129", "`::/129`: the prefix must be 0 to 128"},
	{"10.0.0.1 proxy", "`proxy` is not an address or CIDR"},
	{"10.0.0.0/", "`10.0.0.0/`: the prefix must be 0 to 32"},
	{"/8", "`/8` is not an address or CIDR"},
};

START_TEST(test_bad_hops)
{
	struct hops hops;
	struct error error = {0};
	ck_assert_int_ne(hops_parse(bad_hops_rows[_i].hops, &hops, &error), ERROR_NONE);
	ck_assert_str_eq(error.message, bad_hops_rows[_i].message);
}
END_TEST

UNIT_MAIN("request", {test_good, 0}, {test_path, ROWS(path_rows)}, {test_twice, ROWS(twice_rows)}, {test_missing, 0}, {test_https, ROWS(https_rows)},
	{test_length, ROWS(length_rows)}, {test_bounds, 0}, {test_address, ROWS(address_rows)}, {test_forwarded_twice, 0}, {test_bad_hops, ROWS(bad_hops_rows)})
