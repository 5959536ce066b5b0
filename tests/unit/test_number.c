/* number.h and suggest.h */
#include "number.h"
#include "suggest.h"

#include "unit.h"

#include <limits.h>

static const struct { const char *text; long long min, max; bool good; long long value; } rows[] = {
	{"0", 0, 10, true, 0},
	{"10", 0, 10, true, 10},
	{"11", 0, 10, false, 0},
	{"-1", -1, 10, true, -1},
	{"-2", -1, 10, false, 0},
	{"007", 0, 10, true, 7},
	{"9223372036854775807", LLONG_MIN, LLONG_MAX, true, LLONG_MAX},
	{"-9223372036854775808", LLONG_MIN, LLONG_MAX, true, LLONG_MIN},
	{"9223372036854775808", LLONG_MIN, LLONG_MAX, false, 0},
	{"99999999999999999999999", LLONG_MIN, LLONG_MAX, false, 0},
	{"", 0, 10, false, 0},
	{"-", -10, 10, false, 0},
	{"+1", 0, 10, false, 0},
	{" 1", 0, 10, false, 0},
	{"1 ", 0, 10, false, 0},
	{"- 1", -10, 10, false, 0},
	{"--1", -10, 10, false, 0},
	{"0x1", 0, 10, false, 0},
	{"1.0", 0, 10, false, 0},
	{"one", 0, 10, false, 0},
};

START_TEST(test_number)
{
	long long value = 77;
	ck_assert_msg(number_parse(rows[_i].text, rows[_i].min, rows[_i].max, &value) == rows[_i].good, "row %d: %s", _i, rows[_i].text);
	ck_assert_int_eq(value, rows[_i].good ? rows[_i].value : 77);
}
END_TEST

static const char *const names[] = {"sip.server", "sip.port", "timezone", "codecs", "dtmf"};
static const struct { const char *name, *near; } suggest_rows[] = {
	{"sip.serverr", "sip.server"},
	{"sip.sevrer", "sip.server"},
	{"sip_server", "sip.server"},
	{"time_zone", "timezone"},
	{"codec", "codecs"},
	{"dtfm", "dtmf"},
	{"dm", NULL},
	{"x", NULL},
	{"", NULL},
	{"nothing.like.it", NULL},
	{"sip.server", "sip.server"},
};

START_TEST(test_suggest)
{
	struct suggest suggest;
	suggest_init(&suggest, suggest_rows[_i].name);
	for (size_t i = 0; i < ROWS(names); i++)
		suggest_try(&suggest, names[i]);
	ck_assert_pstr_eq(suggest.best, suggest_rows[_i].near);
}
END_TEST

START_TEST(test_suggest_long)
{
	char name[400], other[400];
	struct suggest suggest;
	memset(name, 'a', sizeof name);
	memset(other, 'a', sizeof other);
	name[399] = other[398] = 0;
	suggest_init(&suggest, name);
	suggest_try(&suggest, other);
	ck_assert_ptr_null(suggest.best);
	name[128] = other[127] = 0;
	suggest_init(&suggest, name);
	suggest_try(&suggest, other);
	ck_assert_pstr_eq(suggest.best, other);
}
END_TEST

UNIT_MAIN("number", {test_number, ROWS(rows)}, {test_suggest, ROWS(suggest_rows)}, {test_suggest_long, 0})
