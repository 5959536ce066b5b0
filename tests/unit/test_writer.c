/* writer.h: what each syntax writes (snom-xml and lpconfig: test_writer_xml.c), what it refuses, and that whatever it writes reads back to the same values. The readers below are the
 * tests' own: they know the syntaxes from their descriptions, not from the writers. */
#include "catalogue.h"
#include "writer.h"

#include "unit.h"

#define MOST 64

static const struct dialect flat = {.name = "flat", .header = "#!version:1.0.0.1"}, bare = {.name = "bare"},
	sysconf_dialect = {.name = "sysconf", .root = "sysConf"},
	text = {.name = "text", .header = "<<VOIP CONFIG FILE>>Version:2.0002", .footer = "<<END OF FILE>>"}, pvalue = {.name = "pvalue", .root = "1"},
	alias = {.name = "alias", .root = "2"};

struct pair { const char *name, *value; };

static struct parameters parameters_of(const struct pair *pairs, struct parameter list[MOST])
{
	struct parameters parameters = {.list = list};
	for (; pairs->name; pairs++)
		list[parameters.count++] = (struct parameter){.name = pairs->name, .name_length = (uint32_t)strlen(pairs->name), .text = pairs->value,
			.length = (uint32_t)strlen(pairs->value)};
	return parameters;
}

/* ---- whole files ---- */

static const struct { const char *writer; const struct dialect *dialect; struct pair pairs[16]; const char *expected; } good_rows[] = {
	{"flat", &flat, {{NULL, NULL}}, "#!version:1.0.0.1\n"},
	{"flat", &flat, {{"a", "1"}, {"account.1.sip_server.1.address", "pbx.example"}, {"empty", ""}}, "#!version:1.0.0.1\na = 1\naccount.1.sip_server.1.address = pbx.example\nempty = \n"},
	{"flat", &bare, {{"a", "x=y # z"}, {"label", "Anna M\xc3\xbcller"}, {"url", "https://h/?a=b&c=<d>"}}, "a = x=y # z\nlabel = Anna M\xc3\xbcller\nurl = https://h/?a=b&c=<d>\n"},
	/* tags tell names apart and are not written */
	{"flat", &bare, {{"p", "admin:x"}, {"p@user", "user:y"}, {"a.name.of.more.than.sixteen@B-2", ""}, {"p@3", "\xc3\xbc"}},
		"p = admin:x\np = user:y\na.name.of.more.than.sixteen = \np = \xc3\xbc\n"},
	{"flat", &bare, {{"a", "%NULL"}, {"b", "a%NULL%"}}, "a = %NULL\nb = a%NULL%\n"},
	{"nested-xml", &sysconf_dialect, {{NULL, NULL}}, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sysConf>\n</sysConf>\n"},
	{"nested-xml", &sysconf_dialect, {{"Version", "2.0"}, {"sip/line[1]/User", "101"}, {"phone/Date", ""}, {"sip/line[2]/User", "102"}, {"sip/line[1]/Pswd", "a<b>&\"'"},
		{"sip/Port", "5060"}},
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sysConf>\n  <Version>2.0</Version>\n  <sip>\n    <line index=\"1\">\n      <User>101</User>\n"
		"      <Pswd>a&lt;b&gt;&amp;&quot;&apos;</Pswd>\n    </line>\n    <line index=\"2\">\n      <User>102</User>\n    </line>\n    <Port>5060</Port>\n"
		"  </sip>\n  <phone>\n    <Date></Date>\n  </phone>\n</sysConf>\n"},
	{"nested-xml", &sysconf_dialect, {{"a[1]", "x\ty\r\nz"}, {"a[10]", "]]>"}},
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sysConf>\n  <a index=\"1\">x&#9;y&#13;&#10;z</a>\n  <a index=\"10\">]]&gt;</a>\n</sysConf>\n"},
	{"fanvil-text", &text, {{NULL, NULL}}, "<<VOIP CONFIG FILE>>Version:2.0002                            \r\n<<END OF FILE>>\r\n"},
	/* the example of templates/fanvil/README.md */
	{"fanvil-text", &text, {{"SIP CONFIG MODULE/Reg Fail Interval", "32"}, {"SIP CONFIG MODULE/SIP Line List/SIP1 Phone Number", "101"},
		{"SIP CONFIG MODULE/SIP Line List/SIP1 Display Name", "Anna M\xc3\xbcller"}, {"SIP CONFIG MODULE/SIP Line List/SIP1 Register Addr", "pbx.example.net"},
		{"SIP CONFIG MODULE/SIP Line List/SIP1 Register Port", "5060"}, {"SIP CONFIG MODULE/SIP Line List/SIP1 Register User", "101"},
		{"SIP CONFIG MODULE/SIP Line List/SIP1 Register Pswd", "s3cret:with colon"}, {"SIP CONFIG MODULE/SIP Line List/SIP1 Enable Reg", "1"},
		{"PHONE CONFIG MODULE/Function Key/Fkey1 Type", "2"}, {"PHONE CONFIG MODULE/Function Key/Fkey1 Value", "SIP1"},
		{"PHONE CONFIG MODULE/Function Key/Fkey1 Title", ""}, {"AUTOUPDATE CONFIG MODULE/Download Username", "0c383e112233"},
		{"AUTOUPDATE CONFIG MODULE/Auto Server Digest", "1"}, {"SIP CONFIG MODULE/Notify Reboot", "0"}},
		"<<VOIP CONFIG FILE>>Version:2.0002                            \r\n\r\n"
		"<SIP CONFIG MODULE>\r\nReg Fail Interval  :32\r\nNotify Reboot      :0\r\n--SIP Line List--  :\r\nSIP1 Phone Number  :101\r\n"
		"SIP1 Display Name  :Anna M\xc3\xbcller\r\nSIP1 Register Addr :pbx.example.net\r\nSIP1 Register Port :5060\r\nSIP1 Register User :101\r\n"
		"SIP1 Register Pswd :s3cret:with colon\r\nSIP1 Enable Reg    :1\r\n\r\n"
		"<PHONE CONFIG MODULE>\r\n--Function Key--   :\r\nFkey1 Type         :2\r\nFkey1 Value        :SIP1\r\nFkey1 Title        :\r\n\r\n"
		"<AUTOUPDATE CONFIG MODULE>\r\nDownload Username  :0c383e112233\r\nAuto Server Digest :1\r\n<<END OF FILE>>\r\n"},
	{"fanvil-text", &text, {{"M/A name that is longer than it", "<X>"}, {"M/L/B", "--L--"}, {"N/L/B", "#x"}, {"M/L/C", "%NULL%"}, {"M/A header that is long as well/D", "<<END OF FILE>>"}},
		"<<VOIP CONFIG FILE>>Version:2.0002                            \r\n\r\n<M>\r\nA name that is longer than it:<X>\r\n--L--              :\r\n"
		"B                  :--L--\r\nC                  :%NULL%\r\n--A header that is long as well--:\r\nD                  :<<END OF FILE>>\r\n\r\n"
		"<N>\r\n--L--              :\r\nB                  :#x\r\n<<END OF FILE>>\r\n"},
	{"grandstream", &pvalue, {{NULL, NULL}}, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gs_provision version=\"1\">\n<config version=\"1\">\n</config>\n</gs_provision>\n"},
	/* mac stands before the settings, wherever the template has it */
	{"grandstream", &pvalue, {{"P271", "1"}, {"mac", "000b82123456"}, {"P270", "M\xc3\xbcller & <Co>"}, {"P237", ""}, {"P999999", "]]>\n\t"}},
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gs_provision version=\"1\">\n<mac>000b82123456</mac>\n<config version=\"1\">\n<P271>1</P271>\n"
		"<P270>M\xc3\xbcller &amp; &lt;Co&gt;</P270>\n<P237></P237>\n<P999999>]]&gt;&#10;&#9;</P999999>\n</config>\n</gs_provision>\n"},
	{"grandstream", &alias, {{"mac", "000b82123456"}, {"account.1.sip.subscriber.password", "a\"b'c"}, {"network.802.1x.mode", "Disable"}, {"pks.vpk.12.value", ""}},
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gs_provision version=\"1\">\n<mac>000b82123456</mac>\n<config version=\"2\">\n"
		"<item name=\"account.1.sip.subscriber.password\">a&quot;b&apos;c</item>\n<item name=\"network.802.1x.mode\">Disable</item>\n"
		"<item name=\"pks.vpk.12.value\"></item>\n</config>\n</gs_provision>\n"},
};

START_TEST(test_good)
{
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(good_rows[_i].pairs, list);
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 20);
	buf_add_string(&out, "before");
	const struct writer *writer = writer_find(good_rows[_i].writer);
	ck_assert_ptr_nonnull(writer);
	ck_assert_msg(writer->write(good_rows[_i].dialect, &parameters, &out, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_str_eq(out.data + 6, good_rows[_i].expected);
	ck_assert_uint_eq(out.size, strlen(out.data));
	for (uint32_t i = 0; i < parameters.count; i++)
		ck_assert_int_eq(writer->check_name(list[i].name, list[i].name_length, NULL), ERROR_NONE);
	buf_deinit(&out);
}
END_TEST

/* ---- refusals ---- */

static const struct { const char *writer, *value; const char *why; } bad_values[] = {
	{"flat", "a\nb", "has a control character (such as a line break)"},
	{"flat", "\r", "has a control character (such as a line break)"},
	{"flat", "tab\there, and more than sixteen bytes", "has a control character (such as a line break)"},
	{"flat", "\x7f", "has a control character (such as a line break)"},
	{"flat", " a", "begins or ends with a blank"},
	{"flat", "a ", "begins or ends with a blank"},
	{"flat", " ", "begins or ends with a blank"},
	{"flat", "#a", "begins with #"},
	{"flat", "%NULL%", "is the word that stands for no value"},
	{"flat", "\xff", "is not UTF-8"},
	{"flat", "ends early \xc3", "is not UTF-8"},
	{"flat", "\xed\xa0\x80", "is not UTF-8"},
	{"flat", "\xc0\x80", "is not UTF-8"},
	{"flat", "\xf4\x90\x80\x80", "is not UTF-8"},
	{"nested-xml", "\x01", "has a character that XML cannot hold"},
	{"nested-xml", "a\x1b", "has a character that XML cannot hold"},
	{"nested-xml", "\xef\xbf\xbe", "has a character that XML cannot hold"},
	{"nested-xml", "x\xef\xbf\xbf", "has a character that XML cannot hold"},
	{"nested-xml", "\xed\xbf\xbf", "is not UTF-8"},
	{"nested-xml", "\xe0\x80\xaf", "is not UTF-8"},
	{"fanvil-text", "a\r\n<M>", "has a control character (such as a line break)"},
	{"fanvil-text", "a\x0b", "has a control character (such as a line break)"},
	{"fanvil-text", " a", "begins or ends with a blank"},
	{"fanvil-text", "a ", "begins or ends with a blank"},
	{"fanvil-text", "\x80", "is not UTF-8"},
	{"grandstream", "\x01", "has a character that XML cannot hold"},
	{"grandstream", "long enough for whole blocks\x1b", "has a character that XML cannot hold"},
	{"grandstream", "\xef\xbf\xbf", "has a character that XML cannot hold"},
	{"grandstream", "\xff", "is not UTF-8"},
};

static const struct dialect *dialect_of(const char *writer)
{
	return strcmp(writer, "flat") == 0 ? &flat : strcmp(writer, "nested-xml") == 0 ? &sysconf_dialect : strcmp(writer, "grandstream") == 0 ? &pvalue : &text;
}

/* A name for a test that is about values; so that all writers know it. */
static const char *name_for(const struct writer *writer, const char *name, const char *number)
{
	return strcmp(writer->name, "grandstream") == 0 ? number : name;
}

/* A value behind others, so that there is something to take back. */
START_TEST(test_bad_values)
{
	const struct writer *writer = writer_find(bad_values[_i].writer);
	const struct pair pairs[] = {{name_for(writer, "m/first", "P1"), "fine"}, {name_for(writer, "m/last", "P2"), bad_values[_i].value}, {NULL, NULL}};
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(pairs, list);
	struct error error = {0};
	char expected[256];
	struct buf out;
	buf_init(&out, 1 << 20);
	buf_add_string(&out, "before");
	ck_assert_int_eq(writer->write(dialect_of(bad_values[_i].writer), &parameters, &out, &error), ERROR_INEXPRESSIBLE);
	snprintf(expected, sizeof expected, "the value of %s %s", pairs[1].name, bad_values[_i].why);
	ck_assert_str_eq(error.message, expected);
	ck_assert_str_eq(out.data, "before");
	ck_assert_uint_eq(out.size, 6);
	ck_assert_int_eq(writer->write(dialect_of(bad_values[_i].writer), &parameters, &out, NULL), ERROR_INEXPRESSIBLE);
	buf_deinit(&out);
}
END_TEST

/* The template's own %NULL% is meant. */
START_TEST(test_literal)
{
	struct parameter one = {.name = "a", .name_length = 1, .text = "%NULL%", .length = 6, .literal = true};
	const struct parameters parameters = {.list = &one, .count = 1};
	struct error error = {0};
	struct buf out;
	buf_init(&out, 4096);
	ck_assert_msg(writer_find("flat")->write(&bare, &parameters, &out, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_str_eq(out.data, "a = %NULL%\n");
	buf_deinit(&out);
}
END_TEST

static const struct { const char *writer, *name; bool good; } name_rows[] = {
	{"flat", "a", true}, {"flat", "account.1.sip_server.1.address", true}, {"flat", "!P1:x<>", true},
	{"flat", "", false}, {"flat", "#a", false}, {"flat", "#account.1.sip_server.1.address", false}, {"flat", "a b", false},
	{"flat", "account.1.sip_server.1.addr ess", false}, {"flat", "a=b", false}, {"flat", "account.1.sip_server=1.address", false}, {"flat", "a\n", false},
	{"flat", "account.1.sip_server.1.address\n", false}, {"flat", "\xc3\xa4", false}, {"flat", "a\x7f", false},
	{"flat", "a@b", true}, {"flat", "static.security.user_password@user-2", true}, {"flat", "@", false}, {"flat", "@user", false}, {"flat", "a@", false},
	{"flat", "account.1.sip_server.1.address@", false}, {"flat", "a@b@c", false}, {"flat", "a@b.c", false}, {"flat", "account.1@1.sip_server.1.address", false},
	{"flat", "#a@b", false}, {"flat", "a b@c", false}, {"flat", "a@b=", false}, {"flat", "a@\xc3\xa4", false},
	{"nested-xml", "a", true}, {"nested-xml", "a/b[2]/C", true}, {"nested-xml", "_a-b.c9/x[0]", true}, {"nested-xml", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", true},
	{"nested-xml", "", false}, {"nested-xml", "/a", false}, {"nested-xml", "a/", false}, {"nested-xml", "a//b", false}, {"nested-xml", "9a", false},
	{"nested-xml", "a b", false}, {"nested-xml", "a[x]", false}, {"nested-xml", "a[01]", false}, {"nested-xml", "a[]", false}, {"nested-xml", "a[1", false},
	{"nested-xml", "a[1]b", false}, {"nested-xml", "[1]", false}, {"nested-xml", "a>b", false}, {"nested-xml", "\xc3\xa4", false}, {"nested-xml", "a[123456]", false},
	{"nested-xml", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", false},
	{"fanvil-text", "M/a", true}, {"fanvil-text", "SIP CONFIG MODULE/SIP Line List/SIP1 Phone Number", true}, {"fanvil-text", "M/a-b [x]", true},
	{"fanvil-text", "", false}, {"fanvil-text", "a", false}, {"fanvil-text", "M/", false}, {"fanvil-text", "/a", false}, {"fanvil-text", "M/L/a/b", false},
	{"fanvil-text", "M/a:b", false}, {"fanvil-text", "M>/a", false}, {"fanvil-text", "M/<N>", false}, {"fanvil-text", "M/--L--", false},
	{"grandstream", "P1", true}, {"grandstream", "P47", true}, {"grandstream", "P999999", true}, {"grandstream", "mac", true},
	{"grandstream", "", false}, {"grandstream", "P", false}, {"grandstream", "P0", false}, {"grandstream", "P047", false}, {"grandstream", "P1000000", false},
	{"grandstream", "p47", false}, {"grandstream", "P4x", false}, {"grandstream", "47", false}, {"grandstream", "P47>", false}, {"grandstream", "account", false},
	{"grandstream", ".a.b", false}, {"grandstream", "a.b.", false}, {"grandstream", "a..b", false}, {"grandstream", "a.b\"", false}, {"grandstream", "a. b", false},
	{"grandstream", "a.\xc3\xa4", false}, {"grandstream", "a.b<c", false}, {"grandstream", "MAC", false},
	{"fanvil-text", "M/ a", false}, {"fanvil-text", "M/a ", false}, {"fanvil-text", "M/a\nb", false}, {"fanvil-text", "M/#a", false}, {"fanvil-text", "M\xc3\xa4/a", false},
};

/* check_name and write are of one mind. */
START_TEST(test_names)
{
	const struct pair pairs[] = {{name_rows[_i].name, "1"}, {NULL, NULL}};
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(pairs, list);
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 20);
	const struct writer *writer = writer_find(name_rows[_i].writer);
	enum error_code expected = name_rows[_i].good ? ERROR_NONE : ERROR_SYNTAX;
	ck_assert_msg(writer->check_name(pairs->name, strlen(pairs->name), &error) == expected, "%s", pairs->name);
	ck_assert_msg(writer->write(dialect_of(name_rows[_i].writer), &parameters, &out, &error) == expected, "%s", pairs->name);
	ck_assert_msg(expected == ERROR_NONE || strstr(error.message, "parameter "), "%s", error.message);
	buf_deinit(&out);
}
END_TEST

static const struct { struct pair pairs[4]; const char *message; } tree_rows[] = {
	{{{"a", "1"}, {"a", "2"}}, "parameter a has a value twice"},
	{{{"x/a[1]", "1"}, {"x/b", "1"}, {"x/a[1]", "2"}}, "parameter x/a[1] has a value twice"},
	{{{"a", "1"}, {"a/b", "2"}}, "parameter a/b lies below a, which has a value of its own"},
	{{{"x/a/b", "1"}, {"x/a", "2"}}, "parameter x/a has a value of its own and others below it"},
};

START_TEST(test_tree)
{
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(tree_rows[_i].pairs, list);
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 20);
	ck_assert_int_eq(writer_find("nested-xml")->write(&sysconf_dialect, &parameters, &out, &error), ERROR_INEXPRESSIBLE);
	ck_assert_str_eq(error.message, tree_rows[_i].message);
	ck_assert_uint_eq(out.size, 0);
	ck_assert_int_eq(writer_find("nested-xml")->write(&sysconf_dialect, &parameters, &out, NULL), ERROR_INEXPRESSIBLE);
	ck_assert_int_eq(writer_find("nested-xml")->write(&bare, &(struct parameters){0}, &out, &error), ERROR_SYNTAX);
	ck_assert_str_eq(error.message, "dialect bare: root is not the name of an element");
	buf_deinit(&out);
}
END_TEST

/* What the writer of Grandstream's two versions refuses: names of the other, a MAC twice, a dialect that is of neither. */
static const struct { const struct dialect *dialect; struct pair pairs[4]; enum error_code code; const char *message; } grandstream_rows[] = {
	{&pvalue, {{"P1", "x"}, {"account.1.name", "x"}}, ERROR_INEXPRESSIBLE, "parameter account.1.name: this dialect's names are numbers such as P47"},
	{&alias, {{"account.1.name", "x"}, {"P47", "x"}}, ERROR_INEXPRESSIBLE, "parameter P47: this dialect's names are aliases such as account.1.name"},
	{&alias, {{"mac", "000b82123456"}, {"mac", "000b82123457"}}, ERROR_INEXPRESSIBLE, "parameter mac has a value twice"},
	{&alias, {{"mac", "\x02"}}, ERROR_INEXPRESSIBLE, "the value of mac has a character that XML cannot hold"},
	{&bare, {{"P1", "x"}}, ERROR_SYNTAX, "dialect bare: root is the version of <config>, 1 or 2"},
	{&sysconf_dialect, {{"P1", "x"}}, ERROR_SYNTAX, "dialect sysconf: root is the version of <config>, 1 or 2"},
};

START_TEST(test_grandstream)
{
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(grandstream_rows[_i].pairs, list);
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 20);
	ck_assert_int_eq(writer_find("grandstream")->write(grandstream_rows[_i].dialect, &parameters, &out, &error), grandstream_rows[_i].code);
	ck_assert_str_eq(error.message, grandstream_rows[_i].message);
	ck_assert_uint_eq(out.size, 0);
	ck_assert_int_eq(writer_find("grandstream")->write(grandstream_rows[_i].dialect, &parameters, &out, NULL), grandstream_rows[_i].code);
	buf_deinit(&out);
}
END_TEST

static const char *const maximum_rows[] = {"flat", "nested-xml", "fanvil-text", "grandstream"};

/* Every maximum from nothing to more than enough: all or nothing. */
START_TEST(test_maximum)
{
	const struct writer *writer = writer_find(maximum_rows[_i]);
	const struct pair pairs[] = {{name_for(writer, "m/first", "P1"), "fine"}, {name_for(writer, "m/l/second", "P2"), "and <so> on"},
		{name_for(writer, "n/last", "P3"), "x"}, {NULL, NULL}};
	const struct dialect *dialect = dialect_of(writer->name);
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(pairs, list);
	bool fits = false;
	char before[256];
	memset(before, 'x', sizeof before);
	for (size_t max = sizeof before + 1; max < 1500; max++) {
		struct error error = {0};
		struct buf out;
		buf_init(&out, max);
		buf_add(&out, before, sizeof before);
		enum error_code code = writer->write(dialect, &parameters, &out, &error);
		ck_assert(out.size <= max && out.data[out.size] == 0 && memcmp(out.data, before, sizeof before) == 0);
		ck_assert(code == ERROR_NONE || (code == ERROR_RANGE && out.size == sizeof before));
		ck_assert_msg(code == ERROR_NONE || !fits, "%zu", max);
		fits = code == ERROR_NONE;
		buf_deinit(&out);
	}
	ck_assert(fits);
}
END_TEST

/* ---- thousands of elements ---- */

START_TEST(test_many)
{
	static char names[40000][24];
	static struct parameter list[40000];
	struct parameters parameters = {.list = list, .count = 40000};
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 24);
	for (int i = 0; i < 40000; i++) {
		snprintf(names[i], sizeof names[i], "a/l[%d]/%s", i / 2 * 7919 % 20000, i % 2 ? "x" : "y");
		list[i] = (struct parameter){.name = names[i], .name_length = (uint32_t)strlen(names[i]), .text = "1", .length = 1};
	}
	ck_assert_msg(writer_find("nested-xml")->write(&sysconf_dialect, &parameters, &out, &error) == ERROR_NONE, "%s", error.message);
	for (int i = 0; i < 40000; i++)
		snprintf(names[i], sizeof names[i], "m%d/l%d/%05d", i % 100, i % 1000, i), list[i].name_length = (uint32_t)strlen(names[i]);
	ck_assert_msg(writer_find("fanvil-text")->write(&text, &parameters, &out, &error) == ERROR_NONE, "%s", error.message);
	buf_deinit(&out);
}
END_TEST

/* ---- UTF-8 ---- */

static const struct { const char *bytes; bool good; } utf8_rows[] = {
	{"", true}, {"plain ascii, longer than eight", true}, {"\xc2\x80", true}, {"\xdf\xbf", true}, {"\xe0\xa0\x80", true}, {"\xed\x9f\xbf", true},
	{"\xee\x80\x80", true}, {"\xf0\x90\x80\x80", true}, {"\xf4\x8f\xbf\xbf", true}, {"12345678\xc3\xa4", true}, {"1234567\xc3\xa4""8", true},
	{"\x80", false}, {"\xc1\xbf", false}, {"\xe0\x9f\xbf", false}, {"\xed\xa0\x80", false}, {"\xf0\x8f\xbf\xbf", false}, {"\xf4\x90\x80\x80", false},
	{"\xf5\x80\x80\x80", false}, {"\xc3", false}, {"\xe2\x82", false}, {"\xf0\x9f\x92", false}, {"\xe2\x28\xa1", false}, {"\xf0\x9f\x92\x28", false},
	{"12345678\xc3", false},
};

START_TEST(test_utf8)
{
	ck_assert(writer_utf8(utf8_rows[_i].bytes, strlen(utf8_rows[_i].bytes)) == utf8_rows[_i].good);
}
END_TEST

/* ---- whatever is written reads back ---- */

struct found { char name[64]; char value[512]; size_t length; };

/* `name = value` lines behind one header line. */
static size_t read_flat(const char *data, size_t size, struct found *found)
{
	size_t count = 0;
	const char *line = memchr(data, '\n', size), *end = data + size;
	for (line++; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line)), *equals = memchr(line, '=', (size_t)(end - line));
		ck_assert(stop && equals && equals < stop && *line != '#' && count < MOST);
		const char *name_end = equals, *value = equals + 1, *value_end = stop;
		while (name_end > line && name_end[-1] == ' ')
			name_end--;
		while (value < value_end && *value == ' ')
			value++;
		while (value_end > value && value_end[-1] == ' ')
			value_end--;
		struct found *one = &found[count++];
		snprintf(one->name, sizeof one->name, "%.*s", (int)(name_end - line), line);
		one->length = (size_t)(value_end - value);
		memcpy(one->value, value, one->length);
		line = stop + 1;
	}
	return count;
}

/* Modules, lists, values up to the line's end. */
static size_t read_fanvil(const char *data, size_t size, struct found *found)
{
	char module[64] = "", list[64] = "";
	size_t count = 0;
	bool ended = false;
	const char *end = data + size, *line = data + 64;
	ck_assert(memcmp(data + 62, "\r\n", 2) == 0);
	while (line < end) {
		const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2), *colon = memchr(line, ':', (size_t)(end - line));
		ck_assert(stop && !ended && count < MOST);
		if (stop - line > 4 && memcmp(line, "<<", 2) == 0) {
			ended = true;
		} else if (stop > line && *line == '<') {
			snprintf(module, sizeof module, "%.*s/", (int)(stop - line - 2), line + 1);
			list[0] = 0;
		} else if (stop - line > 4 && memcmp(line, "--", 2) == 0) {
			const char *dashes = memmem(line + 2, (size_t)(stop - line - 2), "--", 2);
			snprintf(list, sizeof list, "%.*s/", (int)(dashes - line - 2), line + 2);
		} else if (stop > line) {
			struct found *one = &found[count++];
			const char *name_end = colon;
			while (name_end[-1] == ' ')
				name_end--;
			snprintf(one->name, sizeof one->name, "%.20s%.20s%.*s", module, list, (int)(name_end - line), line);
			one->length = (size_t)(stop - colon - 1);
			memcpy(one->value, colon + 1, one->length);
		}
		line = stop + 2;
	}
	ck_assert(ended);
	return count;
}

static const char *read_entity(const char *from, char *to)
{
	static const struct { const char *entity; char c; } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''},
		{"&#9;", '\t'}, {"&#13;", '\r'}, {"&#10;", '\n'}};
	for (size_t i = 0; i < ROWS(entities); i++)
		if (strncmp(from, entities[i].entity, strlen(entities[i].entity)) == 0) {
			*to = entities[i].c;
			return from + strlen(entities[i].entity);
		}
	ck_abort_msg("an entity that is none: %.10s", from);
}

/* Start tags, text, end tags; text counts where it stands directly in an element without children. */
static size_t read_xml(const char *data, size_t size, struct found *found)
{
	char path[256] = "", value[512];
	size_t count = 0, length = 0, tags[32], depth = 0;
	bool leaf = false;
	(void)size;
	const char *p = strchr(data, '\n') + 1;
	while (*p) {
		if (*p != '<') {
			ck_assert_msg(*p != '>' && length < sizeof value, "raw >");
			if (*p == '&')
				p = read_entity(p, &value[length]);
			else
				value[length] = *p++;
			length++;
			continue;
		}
		const char *stop = strchr(p, '>');
		if (p[1] != '/') {
			char tag[64];
			int index;
			snprintf(tag, sizeof tag, "%.*s", (int)(stop - p - 1), p + 1);
			char *space = strchr(tag, ' ');
			tags[depth++] = strlen(path);
			if (space) {
				ck_assert_int_eq(sscanf(space, " index=\"%d\"", &index), 1);
				*space = 0;
				snprintf(path + strlen(path), sizeof path - strlen(path), "/%s[%d]", tag, index);
			} else {
				snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", tag);
			}
			leaf = true;
		} else {
			const char *open = strrchr(path, '/') + 1;
			ck_assert(depth > 0 && strncmp(open, p + 2, (size_t)(stop - p - 2)) == 0);
			if (leaf) {
				struct found *one = &found[count++];
				snprintf(one->name, sizeof one->name, "%.60s", strchr(path + 1, '/') + 1);
				memcpy(one->value, value, length);
				one->length = length;
			}
			path[tags[--depth]] = 0;
			leaf = false;
		}
		length = 0;
		p = stop + 1;
	}
	ck_assert_uint_eq(depth, 0);
	return count;
}

/* One element a line between <config> and its end; names by their elements or in quotes. */
static size_t read_grandstream(const char *data, size_t size, struct found *found)
{
	size_t count = 0;
	const char *config = strstr(data, "<config version=\""), *line = strchr(config, '\n') + 1;
	static const char begin[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gs_provision version=\"1\">\n";
	ck_assert(strncmp(data, begin, sizeof begin - 1) == 0);
	for (; strncmp(line, "</config>", 9) != 0; line = strchr(line, '\n') + 1) {
		struct found *one = &found[count++];
		char end[80] = "</item>\n";
		const char *open = strchr(line, '>'), *p = open + 1;
		ck_assert(count < MOST && *line == '<');
		one->length = 0;
		if (line[1] == 'P') {
			snprintf(one->name, sizeof one->name, "%.*s", (int)(open - line - 1), line + 1);
			snprintf(end, sizeof end, "</%s>\n", one->name);
		} else {
			ck_assert_int_eq(sscanf(line, "<item name=\"%63[^\"]\">", one->name), 1);
		}
		while (*p != '<') {
			ck_assert_msg(*p != '>' && *p != '\n' && p < data + size, "raw markup in a value");
			if (*p == '&')
				p = read_entity(p, &one->value[one->length]);
			else
				one->value[one->length] = *p++;
			one->length++;
		}
		ck_assert(strncmp(p, end, strlen(end)) == 0);
	}
	ck_assert_str_eq(line, "</config>\n</gs_provision>\n");
	return count;
}

static uint32_t state;

static uint32_t random_number(uint32_t below)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % below;
}

/* Mostly UTF-8, with what is special somewhere and what is broken everywhere. */
static uint32_t random_value(char *value)
{
	static const char *const odd[] = {"<", ">", "&", "\"", "'", "]]>", "=", "#", ":", " ", "\t", "\r", "\n", "\r\n<M>\r\n", "--", "</a>", "%NULL%", "\xc3\xa4", "\xe2\x82\xac",
		"\xf0\x9f\x93\x9e", "\xef\xbf\xbd", "\xef\xbf\xbe", "\x7f", "\x01", "\xff", "\xc3", "\xed\xa0\x80", "<<END OF FILE>>", "a = b", "&amp;", "\xc2\x85"};
	uint32_t length = 0, parts = random_number(6);
	bool hostile = random_number(3) == 0;
	for (uint32_t i = 0; i < parts; i++) {
		const char *part = odd[random_number(hostile ? ROWS(odd) : 8)];
		for (uint32_t plain = random_number(20); plain; plain--)
			value[length++] = (char)('!' + random_number('~' - '!'));
		memcpy(value + length, part, strlen(part));
		length += (uint32_t)strlen(part);
	}
	if (random_number(8) == 0)
		value[length++] = 0;
	return length;
}

static const struct { const struct dialect *dialect; const char *writer; size_t (*read)(const char *, size_t, struct found *); const char *names[8]; } reads_back_rows[] = {
	{&flat, "flat", read_flat, {"a", "b.c", "account.1.sip_server.1.address", "P47", "x!", "linekey.12.label", "z:z", "some.quite.long.name.for.once"}},
	{&sysconf_dialect, "nested-xml", read_xml, {"a", "b/c", "b/d[2]/e", "b/d[10]/e", "f[1]", "f[2]", "b/d[2]/g", "some/quite/long/name/for/once"}},
	{&text, "fanvil-text", read_fanvil, {"M/a", "M/L/b", "M/L/c", "N/L/b", "N/d", "M/e", "O/f", "O/Some quite long name for once"}},
	{&pvalue, "grandstream", read_grandstream, {"P1", "P47", "P270", "P2312", "P23000", "P999999", "P8", "P196"}},
	{&alias, "grandstream", read_grandstream, {"a.b", "account.1.name", "account.1.sip.server.1.address", "pks.vpk.12.value", "network.802.1x.mode", "c.D",
		"preserve.DND.status.after.reboot", "x_y-z.0"}},
};

static void check_found(const struct parameters *parameters, const struct found *found, size_t count)
{
	ck_assert_uint_eq(count, parameters->count);
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;
		while (j < count && strcmp(parameters->list[j].name, found[i].name) != 0)
			j++;
		ck_assert_msg(j < count, "%s came from nowhere", found[i].name);
		ck_assert(parameters->list[j].length == found[i].length && memcmp(parameters->list[j].text, found[i].value, found[i].length) == 0);
	}
}

START_TEST(test_reads_back)
{
	static char values[8][512];
	static struct found found[MOST];
	const struct writer *writer = writer_find(reads_back_rows[_i].writer);
	struct parameter list[8];
	struct parameters parameters = {.list = list};
	struct buf out;
	uint32_t written = 0;
	buf_init(&out, 1 << 20);
	state = 4711;
	for (int round = 0; round < 20000; round++) {
		struct error error = {0};
		parameters.count = random_number(3) ? 1 : 8;
		for (uint32_t i = 0; i < parameters.count; i++) {
			const char *name = reads_back_rows[_i].names[parameters.count == 1 ? random_number(8) : i];
			list[i] = (struct parameter){.name = name, .name_length = (uint32_t)strlen(name), .text = values[i], .length = random_value(values[i])};
		}
		buf_clear(&out);
		if (writer->write(reads_back_rows[_i].dialect, &parameters, &out, &error) == ERROR_NONE) {
			written++;
			check_found(&parameters, found, reads_back_rows[_i].read(out.data, out.size, found));
		} else {
			ck_assert_int_eq(error.code, ERROR_INEXPRESSIBLE);
			ck_assert_uint_eq(out.size, 0);
		}
	}
	ck_assert_msg(written > 2000, "only %u were written at all", written);
	buf_deinit(&out);
}
END_TEST

START_TEST(test_list)
{
	size_t count = 0;
	for (; writer_list[count]; count++)
		ck_assert_ptr_eq(writer_find(writer_list[count]->name), writer_list[count]);
	ck_assert_uint_ge(count, 6);
	ck_assert_ptr_null(writer_find("xml"));
	ck_assert_ptr_null(writer_find(""));
}
END_TEST

UNIT_MAIN("writer", {test_good, ROWS(good_rows)}, {test_bad_values, ROWS(bad_values)}, {test_literal, 0}, {test_names, ROWS(name_rows)},
	{test_tree, ROWS(tree_rows)}, {test_grandstream, ROWS(grandstream_rows)}, {test_maximum, ROWS(maximum_rows)}, {test_many, 0}, {test_utf8, ROWS(utf8_rows)},
	{test_reads_back, ROWS(reads_back_rows)}, {test_list, 0})
