#include "log.h"

#include "unit.h"

#include <errno.h>

static const struct { const char *bytes; size_t size; const char *text; } escape_rows[] = {
	{"plain text", 10, "plain text"},
	{"", 0, ""},
	{"a\nb\r\tc", 6, "a\\x0ab\\x0d\\x09c"},
	{"\0\x1b[31m", 6, "\\x00\\x1b[31m"},
	{"back\\slash", 10, "back\\x5cslash"},
	{"\x7f", 1, "\\x7f"},
	{"Grüße €😀", 15, "Grüße €😀"},
	{"\xc2\x9b", 2, "\\xc2\\x9b"},
	{"\xc3", 1, "\\xc3"},
	{"\xc3(", 2, "\\xc3("},
	{"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
	{"\xc0\xaf", 2, "\\xc0\\xaf"},
	{"\xff\xfe", 2, "\\xff\\xfe"},
};

START_TEST(test_escape)
{
	char out[200];
	ck_assert_ptr_eq(log_escape(out, sizeof out, escape_rows[_i].bytes, escape_rows[_i].size), out);
	ck_assert_str_eq(out, escape_rows[_i].text);
}
END_TEST

START_TEST(test_escape_cut)
{
	static const struct { size_t room; const char *text; } rows[] = {
		{1, ""}, {2, "a"}, {3, "a"}, {4, "aü"}, {7, "aü"}, {8, "aü\\x0a"}, {9, "aü\\x0ab"}, {100, "aü\\x0ab"},
	};
	for (size_t i = 0; i < ROWS(rows); i++) {
		char out[100];
		memset(out, 'z', sizeof out);
		log_escape(out, rows[i].room, "aü\nb", 5);
		ck_assert_str_eq(out, rows[i].text);
	}
	char untouched = 'z';
	log_escape(&untouched, 0, "a", 1);
	ck_assert(untouched == 'z');
}
END_TEST

static char seen[LOG_LINE_MAX];
static unsigned seen_count;

static void remember(void *context, enum log_level level, const char *line)
{
	*(enum log_level *)context = level;
	snprintf(seen, sizeof seen, "%s", line);
	seen_count++;
}

START_TEST(test_lines)
{
	enum log_level level = LOG_LEVEL_DEBUG;
	struct error error = {0};
	ck_assert_int_eq(log_open("tester", "stderr", "info", &error), ERROR_NONE);
	log_capture(remember, &level);
	errno = 77;
	log_warning("device %s asked for %s", "0c383e1a2b3c", "a\nb");
	ck_assert_int_eq(errno, 77);
	ck_assert_str_eq(seen, "device 0c383e1a2b3c asked for a\\x0ab");
	ck_assert_int_eq(level, LOG_LEVEL_WARNING);
	log_role("worker 3");
	log_error("gone");
	ck_assert_str_eq(seen, "worker 3: gone");
	log_debug("not shown");
	ck_assert_uint_eq(seen_count, 2);
	log_role("");
	ck_assert_int_eq(log_open("tester", "stderr", "debug", &error), ERROR_NONE);
	log_debug("shown");
	ck_assert_str_eq(seen, "shown");
	char huge[3 * LOG_LINE_MAX];
	memset(huge, '\n', sizeof huge - 1);
	huge[sizeof huge - 1] = 0;
	log_info("%s", huge);
	ck_assert_uint_eq(strlen(seen), (LOG_LINE_MAX - 1) / 4 * 4);
	log_capture(NULL, NULL);
	log_close();
}
END_TEST

static void read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, size - 1, file)] = 0;
	fclose(file);
}

START_TEST(test_file)
{
	struct error error = {0};
	char path[512], text[4096];
	snprintf(path, sizeof path, "%s", unit_path("log"));
	ck_assert_int_eq(log_open("tester", path, "info", &error), ERROR_NONE);
	log_role("journal");
	log_info("first");
	ck_assert_int_eq(rename(path, unit_path("log.1")), 0);
	log_info("second");
	ck_assert_int_eq(log_open("tester", path, "info", &error), ERROR_NONE);
	log_info("third");
	log_close();
	read_file(path, text, sizeof text);
	/* 2025-01-31T12:00:00.000Z tester[123]: info: journal: third */
	ck_assert_msg(strlen(text) > 25 && text[10] == 'T' && text[23] == 'Z', "%s", text);
	ck_assert_msg(strstr(text, " tester[") && strstr(text, "]: info: journal: third\n") && !strstr(text, "second"), "%s", text);
	read_file(unit_path("log.1"), text, sizeof text);
	ck_assert_msg(strstr(text, "first\n") && strstr(text, "second\n"), "%s", text);
}
END_TEST

START_TEST(test_open_errors)
{
	struct error error = {0};
	enum log_level level = LOG_LEVEL_DEBUG;
	ck_assert_int_eq(log_open("tester", "stderr", "loud", &error), ERROR_UNKNOWN);
	ck_assert_str_eq(error.message, "unknown log level `loud`; there are error, warning, info and debug");
	ck_assert_int_eq(log_open("tester", "stdout", "info", &error), ERROR_SYNTAX);
	ck_assert_str_eq(error.message, "log target `stdout` is neither stderr nor syslog nor a path from /");
	ck_assert_int_eq(log_open("tester", unit_path("none/log"), "info", &error), ERROR_SYSTEM);
	/* The log works on. */
	log_capture(remember, &level);
	log_info("still here");
	ck_assert_str_eq(seen, "still here");
	log_capture(NULL, NULL);
}
END_TEST

UNIT_MAIN("log", {test_escape, ROWS(escape_rows)}, {test_escape_cut, 0}, {test_lines, 0}, {test_file, 0}, {test_open_errors, 0})
