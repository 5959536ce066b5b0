#include "ini.h"

#include "unit.h"

START_TEST(test_reading)
{
	const char *path = unit_write("good.ini",
		"# comment\n"
		"[First]\n"
		"Key = a value\n"
		"empty =\n"
		"quoted = \"#!version:1.0; not a comment\" ; a comment\n"
		"url = http://host:80/a=b ; a comment\n"
		"\n"
		"; comment\n"
		"[file device name]\r\n"
		"single = 'it is'\r\n"
		"utf-8 = Grüße\n"
		"last = no newline");
	struct error error = {0};
	struct ini *ini = ini_open(path, &error);
	ck_assert_msg(ini != NULL, "%s", error.message);
	ck_assert_str_eq(ini_path(ini), path);
	ck_assert_uint_eq(ini_section_count(ini), 2);
	ck_assert_str_eq(ini_section(ini, 0), "first");
	ck_assert_str_eq(ini_section(ini, 1), "file device name");
	ck_assert_ptr_null(ini_section(ini, 2));
	ck_assert_uint_eq(ini_key_count(ini, "first"), 4);
	ck_assert_uint_eq(ini_key_count(ini, "none"), 0);
	ck_assert_str_eq(ini_key(ini, "first", 0), "key");
	ck_assert_str_eq(ini_key(ini, "first", 3), "url");
	ck_assert_ptr_null(ini_key(ini, "first", 4));
	ck_assert_pstr_eq(ini_get(ini, "first", "key"), "a value");
	ck_assert_pstr_eq(ini_get(ini, "FIRST", "KEY"), "a value");
	ck_assert_pstr_eq(ini_get(ini, "first", "empty"), "");
	ck_assert_pstr_eq(ini_get(ini, "first", "quoted"), "#!version:1.0; not a comment");
	ck_assert_pstr_eq(ini_get(ini, "first", "url"), "http://host:80/a=b");
	ck_assert_pstr_eq(ini_get(ini, "file device name", "single"), "it is");
	ck_assert_pstr_eq(ini_get(ini, "file device name", "utf-8"), "Grüße");
	ck_assert_pstr_eq(ini_get(ini, "file device name", "last"), "no newline");
	ck_assert_ptr_null(ini_get(ini, "first", "none"));
	ck_assert_ptr_null(ini_get(ini, "none", "key"));
	ck_assert_uint_eq(ini_line(ini, "first", NULL), 2);
	ck_assert_uint_eq(ini_line(ini, "first", "url"), 6);
	ck_assert_uint_eq(ini_line(ini, "file device name", "last"), 12);
	ck_assert_uint_eq(ini_line(ini, "first", "none"), 0);
	ck_assert_uint_eq(ini_line(ini, "none", NULL), 0);
	ini_error(ini, "first", "url", ERROR_RANGE, &error, "%d is wrong", 5);
	ck_assert_str_eq(unit_strip(error.message), "good.ini:6: 5 is wrong");
	ck_assert_int_eq(error.code, ERROR_RANGE);
	ini_error(ini, "none", NULL, ERROR_RANGE, &error, "none");
	ck_assert_str_eq(unit_strip(error.message), "good.ini: none");
	ini_close(&ini);
	ck_assert_ptr_null(ini);
	ini_close(&ini);
}
END_TEST

static const struct { const char *text, *message; } error_rows[] = {
	{"[a]\nkey\n", "bad.ini:2: neither a [section] nor a line of the form `key = value`"},
	{"key = 1\n", "bad.ini:1: key `key` stands before the first [section]"},
	{"[a]\n= 1\n", "bad.ini:2: the key before = is empty or too long"},
	{"[a]\nx = 1\n[b]\n[A]\n", "bad.ini:4: section [A] is there twice"},
	{"[a]\nx = 1\ny = 1\nX = 2\n", "bad.ini:4: key `X` is there twice in its section"},
	{"[a]\na:b = 1\n", "bad.ini:2: key `a:b`: the file's format has no keys with a colon"},
	{"[a:b]\n", "bad.ini:1: section `a:b`: its name may not hold [, ] or :"},
	{"[a]b]\n", "bad.ini:1: section `a]b`: its name may not hold [, ] or :"},
	{"[]\n", "bad.ini:1: the section's name is empty or too long"},
	{"[a] ; x = 1\n", "bad.ini:1: a [section] stands on a line of its own"},
	{"[a]\nx = #1\n", "bad.ini:2: `x`: a value with ; or # must stand in double quotes (a comment needs a blank before it)"},
	{"[a]\nx = 1;2\n", "bad.ini:2: `x`: a value with ; or # must stand in double quotes (a comment needs a blank before it)"},
	{"[a]\nx = \"1\n", "bad.ini:2: the value of `x` lacks its closing quote"},
	{"[a]\nx = \"1\\\"2\"\n", "bad.ini:2: `x`: text behind the closing quote (a value with one kind of quotes stands in the other)"},
	{"[a]\nx = '1' 2 # 3\n", "bad.ini:2: `x`: text behind the closing quote (a value with one kind of quotes stands in the other)"},
	{"[a]\nx = 1\\\ny = 2\n", "bad.ini:2: a backslash at the end of a line"},
	{"[a]\n# a comment \\\ny = 2\n", "bad.ini:2: a backslash at the end of a line"},
};

START_TEST(test_errors)
{
	struct error error = {0};
	struct ini *ini = ini_open(unit_write("bad.ini", error_rows[_i].text), &error);
	ck_assert_msg(ini == NULL, "row %d was taken", _i);
	ck_assert_str_eq(unit_strip(error.message), error_rows[_i].message);
	ck_assert_int_eq(error.code, ERROR_SYNTAX);
	ck_assert_ptr_null(ini_open(unit_path("bad.ini"), NULL));
}
END_TEST

START_TEST(test_long_line)
{
	char text[1200] = "[a]\nkey = ";
	struct error error = {0};
	size_t start = strlen(text), end = 4 + 1022;
	memset(text + start, 'x', end - start);
	strcpy(text + end, "\nb = 1\n");
	struct ini *ini = ini_open(unit_write("long.ini", text), &error);
	ck_assert_msg(ini != NULL, "%s", error.message);
	ck_assert_uint_eq(strlen(ini_get(ini, "a", "key")), end - start);
	ini_close(&ini);
	strcpy(text + end, "x\nb = 1\n");
	ck_assert_ptr_null(ini_open(unit_write("long.ini", text), &error));
	ck_assert_str_eq(unit_strip(error.message), "long.ini:2: the line is longer than 1022 bytes");
}
END_TEST

START_TEST(test_nul)
{
	static const char text[] = "[a]\nx = 1\0y = 2\n";
	struct error error = {0};
	ck_assert_ptr_null(ini_open(unit_write_bytes("nul.ini", text, sizeof text - 1), &error));
	ck_assert_str_eq(unit_strip(error.message), "nul.ini:2: a NUL byte");
}
END_TEST

START_TEST(test_unreadable)
{
	struct error error = {0};
	ck_assert_ptr_null(ini_open(unit_path("absent.ini"), &error));
	ck_assert_int_eq(error.code, ERROR_SYSTEM);
	ck_assert_str_eq(unit_strip(error.message), "absent.ini: No such file or directory");
	ck_assert_ptr_null(ini_open("/", &error));
	ck_assert_str_eq(error.message, "/: Is a directory");
}
END_TEST

UNIT_MAIN("ini", {test_reading, 0}, {test_errors, ROWS(error_rows)}, {test_long_line, 0}, {test_nul, 0}, {test_unreadable, 0})
