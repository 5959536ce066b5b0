#include "timezone.h"

#include "unit.h"

#define DAY "its daylight saving changes on a day that is not the same weekday of the same week of a month in every year"
#define YEAR "its daylight saving changes on a day of the year, not on a weekday of a month"
#define NO_RULE "its rule does not say when daylight saving begins and ends"

static const struct {
	const char *posix;
	int offset;
	int dst_minutes; /* 0: none */
	struct timezone_change start, end;
	const char *inexpressible;
} rows[] = {
	{"UTC0", 0, 0, {0}, {0}, NULL},
	{"GMT0", 0, 0, {0}, {0}, NULL},
	{"<-03>3", -180, 0, {0}, {0}, NULL},
	{"<+0545>-5:45", 345, 0, {0}, {0}, NULL},
	{"NST3:30NDT,M3.2.0,M11.1.0", -210, 60, {3, 2, 0, 2}, {11, 1, 0, 2}, NULL},
	{"CET-1CEST,M3.5.0,M10.5.0/3", 60, 60, {3, 5, 0, 2}, {10, 5, 0, 3}, NULL},
	{"EST5EDT,M3.2.0,M11.1.0", -300, 60, {3, 2, 0, 2}, {11, 1, 0, 2}, NULL},
	{"AEST-10AEDT,M10.1.0,M4.1.0/3", 600, 60, {10, 1, 0, 2}, {4, 1, 0, 3}, NULL},
	{"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 630, 30, {10, 1, 0, 2}, {4, 1, 0, 2}, NULL},
	{"<+00>0<+02>-2,M3.5.0/1,M10.5.0/3", 0, 120, {3, 5, 0, 1}, {10, 5, 0, 3}, NULL},
	/* Dublin, told as Britain's */
	{"IST-1GMT0,M10.5.0,M3.5.0/1", 0, 60, {3, 5, 0, 1}, {10, 5, 0, 2}, NULL},
	{"<-06>6<-05>,M9.1.6/22,M4.1.6/22", -360, 60, {9, 1, 6, 22}, {4, 1, 6, 22}, NULL},
	/* a week back from the first Sunday: the last one of the month before, in every year */
	{"AAA0BBB,M4.1.0/-167,M1.1.0/-160", 0, 60, {3, 5, 0, 1}, {12, 5, 0, 8}, NULL},
	{"AAA0BBB,M3.1.0/-167,M10.3.2/-168", 0, 0, {0}, {0}, "!"},
	{"AAA0BBB,M3.1.0/-167,M10.3.2/-145", 0, 60, {2, 5, 0, 1}, {10, 2, 2, 23}, NULL},
	/* 4th Friday + 2 days is the last Sunday of a month with 30 days, + 3 days the last Monday of one with 31 */
	{"AAA0BBB,M4.4.5/50,M10.4.5/72", 0, 60, {4, 5, 0, 2}, {10, 5, 1, 0}, NULL},
	/* and back */
	{"AAA0BBB,M4.5.0/-48,M10.5.1/-71", 0, 60, {4, 4, 5, 0}, {10, 4, 5, 1}, NULL},
	/* February is not of one length */
	{"AAA0BBB,M2.4.0/24,M10.5.0", 0, 60, {2, 4, 0, 23}, {10, 5, 0, 2}, NULL},
	{"AAA0BBB,M3.1.0/-24,M10.5.0", 0, 60, {3, 1, 0, 0}, {10, 5, 0, 2}, DAY},
	/* Jerusalem, Cairo, Gaza, Santiago, Nuuk */
	{"IST-2IDT,M3.4.4/26,M10.5.0", 120, 60, {3, 4, 4, 23}, {10, 5, 0, 2}, NULL},
	{"EET-2EEST,M4.5.5/0,M10.5.4/24", 120, 60, {4, 5, 5, 0}, {10, 5, 4, 23}, NULL},
	{"EET-2EEST,M3.4.4/50,M10.4.4/50", 120, 60, {3, 4, 4, 23}, {10, 4, 4, 23}, DAY},
	{"<-04>4<-03>,M9.1.6/24,M4.1.6/24", -240, 60, {9, 1, 6, 23}, {4, 1, 6, 23}, NULL},
	{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -120, 60, {3, 5, 0, 0}, {10, 5, 0, 0}, NULL},
	/* Chatham */
	{"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", 765, 60, {9, 5, 0, 2}, {4, 1, 0, 3}, NULL},
	{"AAA0BBB,J60,J300/3", 0, 60, {0}, {0}, YEAR},
	{"AAA0BBB,59/1:30,0", 0, 60, {0}, {0}, YEAR},
	{"CST6CDT", -360, 60, {0}, {0}, NO_RULE},
	/* none */
	{"", 0, 0, {0}, {0}, "!"},
	{"UTC", 0, 0, {0}, {0}, "!"},
	{"U0", 0, 0, {0}, {0}, "!"},
	{"<+0", 0, 0, {0}, {0}, "!"},
	{"<+0>0", 0, 0, {0}, {0}, "!"},
	{"CET-25", 0, 0, {0}, {0}, "!"},
	{"CET-1:60", 0, 0, {0}, {0}, "!"},
	{"CET-1:00:30", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,M3.5.0", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,M3.5.0,M10.5.0/3x", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,M13.5.0,M10.5.0", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,M0.5.0,M10.5.0", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,M3.0.0,M10.5.0", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,M3.6.0,M10.5.0", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,M3.5.7,M10.5.0", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,J0,J300", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,J366,J300", 0, 0, {0}, {0}, "!"},
	{"CET-1CEST,M3.5.0/168,M10.5.0", 0, 0, {0}, {0}, "!"},
	{"CET-99999999999999999999", 0, 0, {0}, {0}, "!"},
};

static void check_change(const struct timezone_change *is, const struct timezone_change *should)
{
	ck_assert_int_eq(is->month, should->month);
	ck_assert_int_eq(is->week, should->week);
	ck_assert_int_eq(is->weekday, should->weekday);
	ck_assert_int_eq(is->hour, should->hour);
}

START_TEST(test_parse)
{
	struct timezone_rule rule = {.name = "untouched"};
	bool bad = rows[_i].inexpressible && *rows[_i].inexpressible == '!';
	ck_assert_msg(timezone_parse(rows[_i].posix, &rule) == !bad, "row %d: %s", _i, rows[_i].posix);
	if (bad) {
		ck_assert_pstr_eq(rule.name, "untouched");
		return;
	}
	ck_assert_str_eq(rule.posix, rows[_i].posix);
	ck_assert_int_eq(rule.offset_minutes, rows[_i].offset);
	ck_assert_int_eq(rule.dst, rows[_i].dst_minutes != 0);
	ck_assert_int_eq(rule.dst_minutes, rows[_i].dst_minutes);
	ck_assert_pstr_eq(rule.inexpressible, rows[_i].inexpressible);
	check_change(&rule.start, &rows[_i].start);
	check_change(&rule.end, &rows[_i].end);
}
END_TEST

START_TEST(test_file)
{
	struct error error = {0};
	struct timezones *zones = timezones_load(unit_source("templates/timezones.tsv"), &error);
	ck_assert_msg(zones != NULL, "%s", error.message);
	ck_assert_uint_gt(timezones_count(zones), 400);
	const struct timezone_rule *berlin = timezones_find(zones, "Europe/Berlin", 13);
	ck_assert_ptr_nonnull(berlin);
	ck_assert_str_eq(berlin->name, "Europe/Berlin");
	ck_assert_int_eq(berlin->offset_minutes, 60);
	ck_assert_ptr_null(timezones_find(zones, "Europe/Berlin", 12));
	ck_assert_ptr_null(timezones_find(zones, "europe/berlin", 13));
	ck_assert_pstr_eq(timezones_suggest(zones, "Europe/Berln"), "Europe/Berlin");
	ck_assert_ptr_null(timezones_suggest(zones, "Middle-earth/Mordor"));
	ck_assert_str_eq(timezones_at(zones, 0)->name, "Africa/Abidjan");
	ck_assert_ptr_null(timezones_at(zones, timezones_count(zones)));
	timezones_free(&zones);
	ck_assert_ptr_null(zones);
	timezones_free(&zones);
}
END_TEST

static const struct { const char *text, *message; } file_rows[] = {
	{"", "zones.tsv: no time zone in it"},
	{"# comment\nUTC UTC0\n", "zones.tsv:2: not of the form NAME TAB RULE"},
	{"U;C\tUTC0\n", "zones.tsv:1: not of the form NAME TAB RULE"},
	{"UTC\tUTC\n", "zones.tsv:1: `UTC` is no POSIX time zone rule"},
	{"UTC\tUTC0\nUTC\tUTC0\n", "zones.tsv:2: time zone `UTC` is there twice"},
};

START_TEST(test_file_errors)
{
	struct error error = {0};
	ck_assert_ptr_null(timezones_load(unit_write("zones.tsv", file_rows[_i].text), &error));
	ck_assert_str_eq(unit_strip(error.message), file_rows[_i].message);
}
END_TEST

UNIT_MAIN("timezone", {test_parse, ROWS(rows)}, {test_file, 0}, {test_file_errors, ROWS(file_rows)})
