#include "setting.h"

#include "unit.h"

static const char dictionary_text[] =
	"[name]\ntype = string\nscope = device\nmax_length = 8\ndescription = d\n"
	"[port]\ntype = int\nscope = line\nmin = -5\nmax = 65535\ndefault = 5060\ndescription = d\n"
	"[flag]\ntype = bool\nscope = device\ndefault = false\ndescription = d\n"
	"[transport]\ntype = enum\nscope = line\nitems = udp,tcp,tls\ndefault = udp\ndescription = d\n"
	"[codecs]\ntype = list\nscope = line\nitems = opus,g722,pcma\ndescription = d\n"
	"[host]\ntype = host\nscope = device\ndescription = d\n"
	"[url]\ntype = url\nscope = device\ndescription = d\n"
	"[timezone]\ntype = timezone\nscope = device\ndefault = UTC\ndescription = d\n"
	"[realm]\ntype = string\nscope = tenant\ndescription = d\n"
	"[secret]\ntype = secret\nscope = line\nsecret = true\nmax_length = 8\ndescription = d\n";

static struct dictionary *load(const char *text)
{
	struct error error = {0};
	struct dictionary *dictionary = dictionary_load(unit_write("settings.ini", text), &error);
	ck_assert_msg(dictionary != NULL, "%s", error.message);
	return dictionary;
}

START_TEST(test_order)
{
	static const char *const names[] = {"port", "transport", "codecs", "secret", "name", "flag", "host", "url", "timezone", "realm"};
	struct dictionary *dictionary = load(dictionary_text);
	ck_assert_uint_eq(dictionary->count, ROWS(names));
	ck_assert_uint_eq(dictionary->line_count, 4);
	ck_assert_uint_eq(dictionary->device_count, 9);
	for (uint32_t i = 0; i < ROWS(names); i++) {
		const struct setting *setting = dictionary_find(dictionary, names[i], strlen(names[i]));
		ck_assert_ptr_eq(setting, &dictionary->settings[i]);
		ck_assert_str_eq(setting->name, names[i]);
		ck_assert_uint_eq(setting->index, i);
		ck_assert_int_eq(setting->scope, i < 4 ? SETTING_LINE : i < 9 ? SETTING_DEVICE : SETTING_TENANT);
		ck_assert_int_eq(setting->secret, strcmp(names[i], "secret") == 0);
	}
	const struct setting *transport = &dictionary->settings[1], *port = &dictionary->settings[0];
	ck_assert_uint_eq(transport->item_count, 3);
	ck_assert_str_eq(transport->items[2], "tls");
	ck_assert_str_eq(port->fallback, "5060");
	ck_assert_uint_eq(port->fallback_length, 4);
	ck_assert_int_eq(port->min, -5);
	ck_assert_uint_eq(port->max_length, 255);
	ck_assert_ptr_null(dictionary->settings[2].fallback);
	ck_assert_ptr_null(dictionary_find(dictionary, "port", 3));
	ck_assert_pstr_eq(dictionary_suggest(dictionary, "time_zone"), "timezone");
	ck_assert_ptr_null(dictionary_suggest(dictionary, "zzzzzzzzz"));
	dictionary_free(&dictionary);
	ck_assert_ptr_null(dictionary);
	dictionary_free(&dictionary);
}
END_TEST

#define LABEL63 "a23456789012345678901234567890123456789012345678901234567890123"

static const struct { const char *setting, *value, *message; /* NULL: good */ } value_rows[] = {
	{"name", "", NULL},
	{"name", "Grüße", NULL},
	{"name", "12345678", NULL},
	{"name", "123456789", "setting `name`: 9 bytes are too long, at most 8"},
	{"name", "a\nb", "setting `name`: `a?b` is not free of control characters"},
	{"name", "a\x7f", "setting `name`: `a?` is not free of control characters"},
	{"name", "\xff", "setting `name`: `?` is not UTF-8"},
	{"port", "0", NULL},
	{"port", "-5", NULL},
	{"port", "65535", NULL},
	{"port", "65536", "setting `port`: 65536 is not within -5 to 65535"},
	{"port", "-6", "setting `port`: -6 is not within -5 to 65535"},
	{"port", "", "setting `port`: `` is not a decimal number"},
	{"port", "05060", "setting `port`: `05060` is not a decimal number without leading zeros"},
	{"port", "-0", "setting `port`: `-0` is not a decimal number without leading zeros"},
	{"port", " 1", "setting `port`: ` 1` is not a decimal number"},
	{"port", "1e3", "setting `port`: `1e3` is not a decimal number"},
	{"port", "111111111111111111111111111111", "setting `port`: `111111111111111111111111111111` is not a decimal number"},
	{"flag", "true", NULL},
	{"flag", "false", NULL},
	{"flag", "yes", "setting `flag`: `yes` is not `true` or `false`"},
	{"flag", "True", "setting `flag`: `True` is not `true` or `false`"},
	{"flag", "", "setting `flag`: `` is not `true` or `false`"},
	{"transport", "tls", NULL},
	{"transport", "", "setting `transport`: unknown item ``; allowed: udp, tcp, tls"},
	{"transport", "sctp", "setting `transport`: unknown item `sctp`; allowed: udp, tcp, tls"},
	{"transport", "udpp", "setting `transport`: unknown item `udpp`; did you mean `udp`?"},
	{"transport", "udp,tcp", "setting `transport`: unknown item `udp,tcp`; allowed: udp, tcp, tls"},
	{"codecs", "opus", NULL},
	{"codecs", "pcma,opus,g722", NULL},
	{"codecs", "pcma,g722,pcma", "setting `codecs`: item `pcma` is there twice"},
	{"codecs", "pcma,", "setting `codecs`: unknown item ``; allowed: opus, g722, pcma"},
	{"codecs", "", "setting `codecs`: unknown item ``; allowed: opus, g722, pcma"},
	{"codecs", "pcma, g722", "setting `codecs`: unknown item ` g722`; did you mean `g722`?"},
	{"host", "sip.example.net", NULL},
	{"host", "localhost", NULL},
	{"host", "3com.example", NULL},
	{"host", "192.0.2.1", NULL},
	{"host", "2001:db8::1", NULL},
	{"host", "::ffff:192.0.2.1", NULL},
	{"host", LABEL63 ".example", NULL},
	{"host", LABEL63 "4.example", "setting `host`: `" LABEL63 "4.example` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "", "setting `host`: `` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "192.0.2", "setting `host`: `192.0.2` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "192.0.2.256", "setting `host`: `192.0.2.256` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "[2001:db8::1]", "setting `host`: `[2001:db8::1]` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "-a.example", "setting `host`: `-a.example` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "a-.example", "setting `host`: `a-.example` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "a..example", "setting `host`: `a..example` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "example.", "setting `host`: `example.` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "a_b.example", "setting `host`: `a_b.example` is not a host name, an IPv4 or an IPv6 address"},
	{"host", "sip.example.net:5060", "setting `host`: `sip.example.net:5060` is not a host name, an IPv4 or an IPv6 address"},
	{"url", "https://prov.example.net/", NULL},
	{"url", "HTTP://192.0.2.1:8080/a?b=c#d", NULL},
	{"url", "tftp://[2001:db8::1]:69/x", NULL},
	{"url", "ftp://user:password@host.example", NULL},
	{"url", "https://host.example?x=$mac", NULL},
	{"url", "https://", "setting `url`: `https://` is not a URL such as https://host/path (https, http, tftp, ftp)"},
	{"url", "https:///path", "setting `url`: `https:///path` is not a URL such as https://host/path (https, http, tftp, ftp)"},
	{"url", "sip:host", "setting `url`: `sip:host` is not a URL such as https://host/path (https, http, tftp, ftp)"},
	{"url", "https://h/a b", "setting `url`: `https://h/a b` is not a URL such as https://host/path (https, http, tftp, ftp)"},
	{"url", "https://h:0/", "setting `url`: `https://h:0/` is not a URL such as https://host/path (https, http, tftp, ftp)"},
	{"url", "https://h:/", "setting `url`: `https://h:/` is not a URL such as https://host/path (https, http, tftp, ftp)"},
	{"url", "https://[::1/", "setting `url`: `https://[::1/` is not a URL such as https://host/path (https, http, tftp, ftp)"},
	{"url", "https://[::1]x/", "setting `url`: `https://[::1]x/` is not a URL such as https://host/path (https, http, tftp, ftp)"},
	{"url", "https://h/\xc3\xbc", "setting `url`: `https://h/??` is not a URL such as https://host/path (https, http, tftp, ftp)"},
	{"timezone", "Europe/Berlin", NULL},
	{"timezone", "Europe/Berln", "setting `timezone`: unknown time zone `Europe/Berln`; did you mean `Europe/Berlin`?"},
	{"timezone", "here", "setting `timezone`: unknown time zone `here`; an IANA name such as Europe/Berlin is wanted"},
	{"secret", "geheim", NULL},
	{"secret", "", "setting `secret`: a secret may not be empty"},
	{"secret", "geheim\n", "setting `secret`: its value is not free of control characters"},
	{"secret", "geheim\xff", "setting `secret`: its value is not UTF-8"},
	{"secret", "geheim789", "setting `secret`: 9 bytes are too long, at most 8"},
};

START_TEST(test_value)
{
	struct error error = {0};
	struct dictionary *dictionary = load(dictionary_text);
	struct timezones *zones = timezones_load(unit_source("templates/timezones.tsv"), &error);
	const char *name = value_rows[_i].setting, *value = value_rows[_i].value;
	const struct setting *setting = dictionary_find(dictionary, name, strlen(name));
	enum error_code code = setting_check(setting, zones, value, strlen(value), &error);
	ck_assert_msg((code == ERROR_NONE) == (value_rows[_i].message == NULL), "row %d: %s: %s", _i, value, error.message);
	if (code)
		ck_assert_str_eq(error.message, value_rows[_i].message);
	timezones_free(&zones);
	dictionary_free(&dictionary);
}
END_TEST

/* A value with a NUL byte is nothing's value, and the message is still one line of text. */
START_TEST(test_nul)
{
	struct dictionary *dictionary = load(dictionary_text);
	struct error error = {0};
	struct timezones *zones = timezones_load(unit_write("zones.tsv", "UTC\tUTC0\n"), &error);
	for (uint32_t i = 0; i < dictionary->count; i++)
		ck_assert_msg(setting_check(&dictionary->settings[i], zones, "0\0x", 3, &error) != ERROR_NONE, "%s", dictionary->settings[i].name);
	timezones_free(&zones);
	dictionary_free(&dictionary);
}
END_TEST

static const struct { const char *text, *message; } error_rows[] = {
	{"", "settings.ini: no setting in it"},
	{"[a]\nscope = line\ndescription = d\n", "settings.ini:1: setting `a`: type must be one of string int bool enum list host url timezone secret"},
	{"[a]\ntype = text\n", "settings.ini:2: setting `a`: type must be one of string int bool enum list host url timezone secret"},
	{"[a]\ntype = int\nscope = phone\n", "settings.ini:3: setting `a`: scope must be line, device or tenant"},
	{"[a]\ntype = int\nscope = line\n", "settings.ini:1: setting `a` needs a description"},
	{"[a]\ntype = int\nscop = line\n", "settings.ini:3: setting `a`: unknown key `scop`; did you mean `scope`?"},
	{"[a]\ntype = int\nwhatever = line\n", "settings.ini:3: setting `a`: unknown key `whatever`"},
	{"[a b]\n", "settings.ini:1: setting `a b`: a name is at most 64 of a-z, 0-9, _ and ., and begins with a letter"},
	{"[9a]\n", "settings.ini:1: setting `9a`: a name is at most 64 of a-z, 0-9, _ and ., and begins with a letter"},
	{"[line.user]\n", "settings.ini:1: setting `line.user`: templates mean something else by this name"},
	{"[keys]\n", "settings.ini:1: setting `keys`: templates mean something else by this name"},
	{"[codecs.rest]\n", "settings.ini:1: setting `codecs.rest`: templates mean something else by this name"},
	{"[a]\ntype = int\nscope = line\nmin = x\n", "settings.ini:4: setting `a`: min = x is no number within -2147483648 to 2147483647"},
	{"[a]\ntype = string\nscope = line\nmin = 1\n", "settings.ini:4: setting `a`: min belongs to type int only"},
	{"[a]\ntype = int\nscope = line\nmin = 2\nmax = 1\n", "settings.ini:4: setting `a`: min is above max"},
	{"[a]\ntype = string\nscope = line\nmax_length = 4097\n", "settings.ini:4: setting `a`: max_length = 4097 is no number within 1 to 4096"},
	{"[a]\ntype = enum\nscope = line\n", "settings.ini:1: setting `a`: enum and list need items, no other type has them"},
	{"[a]\ntype = int\nscope = line\nitems = b\n", "settings.ini:4: setting `a`: enum and list need items, no other type has them"},
	{"[a]\ntype = enum\nscope = line\nitems = b,,c\n", "settings.ini:4: setting `a`: items are separated by commas without blanks"},
	{"[a]\ntype = enum\nscope = line\nitems = b, c\n", "settings.ini:4: setting `a`: items are separated by commas without blanks"},
	{"[a]\ntype = enum\nscope = line\nitems = b,b\n", "settings.ini:4: setting `a`: item `b` is there twice"},
	{"[a]\ntype = int\nscope = line\nmax = 1\ndefault = 2\ndescription = d\n", "settings.ini:5: default: setting `a`: 2 is not within -2147483648 to 1"},
	{"[a]\ntype = secret\nscope = line\ndefault = x\ndescription = d\n", "settings.ini:4: setting `a`: a secret has no default"},
	{"[a]\ntype = string\nscope = line\nsecret = true\n", "settings.ini:4: setting `a`: secret = true belongs to type secret, and to no other"},
};

START_TEST(test_dictionary_errors)
{
	struct error error = {0};
	ck_assert_ptr_null(dictionary_load(unit_write("settings.ini", error_rows[_i].text), &error));
	ck_assert_str_eq(unit_strip(error.message), error_rows[_i].message);
}
END_TEST

START_TEST(test_real_dictionary)
{
	struct error error = {0};
	struct dictionary *dictionary = dictionary_load(unit_source("templates/settings.ini"), &error);
	ck_assert_msg(dictionary != NULL, "%s", error.message);
	ck_assert_ptr_nonnull(dictionary_find(dictionary, "sip.server", 10));
	ck_assert(dictionary_find(dictionary, "sip.password", 12)->secret);
	dictionary_free(&dictionary);
}
END_TEST

START_TEST(test_type_names)
{
	ck_assert_str_eq(setting_type_name(SETTING_STRING), "string");
	ck_assert_str_eq(setting_type_name(SETTING_SECRET), "secret");
	ck_assert_str_eq(setting_type_name(SETTING_TYPES), "invalid");
}
END_TEST

UNIT_MAIN("setting", {test_order, 0}, {test_value, ROWS(value_rows)}, {test_nul, 0}, {test_dictionary_errors, ROWS(error_rows)},
	{test_real_dictionary, 0}, {test_type_names, 0})
