#include "mac.h"

#include "unit.h"

static const struct { const char *text, *digits; /* NULL: none */ } parse_rows[] = {
	{"0c383e1a2b3c", "0c383e1a2b3c"},
	{"0C383E1A2B3C", "0c383e1a2b3c"},
	{"0c:38:3e:1a:2b:3c", "0c383e1a2b3c"},
	{"0C-38-3E-1A-2B-3C", "0c383e1a2b3c"},
	{"0c_38_3e_1a_2b_3c", "0c383e1a2b3c"},
	{"0c.38.3e.1a.2b.3c", "0c383e1a2b3c"},
	{"0c38.3e1a.2b3c", "0c383e1a2b3c"},
	{"ffffffffffff", "ffffffffffff"},
	{"", NULL},
	{"0c383e1a2b3", NULL},
	{"0c383e1a2b3c4", NULL},
	{"0c383e1a2b3g", NULL},
	{" 0c383e1a2b3", NULL},
	{"0c:38:3e:1a:2b-3c", NULL},
	{"0c:38-3e:1a-2b:3c", NULL},
	{"0c/38/3e/1a/2b/3c", NULL},
	{"0c38:3e1a:2b3c", NULL},
	{"0c383e.1a2b3c", NULL},
	{"0c38.3e1a.2b3.", NULL},
	{"0c383e1a2b3c0c383", NULL},
	{"000000000000", NULL},
	{"00:00:00:00:00:00", NULL},
	{"0000.0000.0000", NULL},
};

START_TEST(test_parse)
{
	struct mac mac = {"untouched"};
	bool good = mac_parse(parse_rows[_i].text, strlen(parse_rows[_i].text), &mac);
	ck_assert_msg(good == (parse_rows[_i].digits != NULL), "row %d: %s", _i, parse_rows[_i].text);
	ck_assert_str_eq(mac.digits, good ? parse_rows[_i].digits : "untouched");
}
END_TEST

static const struct { const char *text; size_t length; } prefix_rows[] = {
	{"0c383e1a2b3c.cfg", 12},
	{"0c:38:3e:1a:2b:3c.cfg", 17},
	{"0c-38-3e-1a-2b-3c", 17},
	{"0c_38_3e_1a_2b_3c.xml", 17},
	{"0c.38.3e.1a.2b.3c", 0},
	{"0c38.3e1a.2b3c", 0},
	{"0c:38:3e:1a:2b:3", 0},
	{"0c383e1a2b3", 0},
	{"000000000000.cfg", 0},
	{"0c383e1a2b3cdd", 12},
};

START_TEST(test_prefix)
{
	struct mac mac = {"untouched"};
	size_t length = mac_prefix(prefix_rows[_i].text, strlen(prefix_rows[_i].text), &mac);
	ck_assert_msg(length == prefix_rows[_i].length, "row %d: %zu", _i, length);
	ck_assert_str_eq(mac.digits, length ? "0c383e1a2b3c" : "untouched");
}
END_TEST

START_TEST(test_nul_inside)
{
	struct mac mac;
	ck_assert(!mac_parse("0c383e\0a2b3c", 12, &mac));
	ck_assert(!mac_parse("0c\00038\0003e\0001a\0002b\0003c", 17, &mac));
	ck_assert(mac_prefix("0c\00038\0003e\0001a\0002b\0003c", 17, &mac) == 0);
}
END_TEST

UNIT_MAIN("mac", {test_parse, ROWS(parse_rows)}, {test_prefix, ROWS(prefix_rows)}, {test_nul_inside, 0})
