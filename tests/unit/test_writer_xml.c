/* writer.h: the XML syntaxes of sections and elements, snom-xml and lpconfig.
 *
 * `test_writer_xml WRITER` is a filter instead, for tests/integration/test_writer_xml.py, which reads what comes out by another parser: name, value, name, value ..., each
 * behind its length in decimal and a colon, from stdin; the file to stdout, or the error's message and status 3. */
#include "catalogue.h"
#include "writer.h"

#include "unit.h"

#define MOST 64

static const struct dialect snom = {.name = "snom"}, linphone = {.name = "linphone"};

struct pair { const char *name, *value; };

static struct parameters parameters_of(const struct pair *pairs, struct parameter list[MOST])
{
	static const struct template_place place = {.file = "t", .line = 1};
	struct parameters parameters = {.list = list};
	for (; pairs->name; pairs++)
		list[parameters.count++] = (struct parameter){.name = pairs->name, .name_length = (uint32_t)strlen(pairs->name), .text = pairs->value,
			.length = (uint32_t)strlen(pairs->value), .place = &place};
	return parameters;
}

static const struct dialect *dialect_of(const char *writer)
{
	return strcmp(writer, "snom-xml") == 0 ? &snom : &linphone;
}

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define CONFIG XML "<config xmlns=\"http://www.linphone.org/xsds/lpconfig.xsd\">\n"

static const struct { const char *writer; struct pair pairs[12]; const char *expected; } good_rows[] = {
	{"snom-xml", {{NULL, NULL}}, XML "<settings>\n</settings>\n"},
	{"snom-xml", {{"phone-settings/language", "Deutsch"}, {"phone-settings/user_name[1]", "101"}, {"functionKeys/fkey[0]", "blf <sip:102@pbx>|*8"},
		{"functionKeys/fkey[0]/@context", "active"}, {"functionKeys/fkey[0]/@label", "\"Bob\" & Co"}, {"phone-settings/setting_server", ""},
		{"phone-settings/setting_server/@perm", "RW"}},
		XML "<settings>\n  <phone-settings>\n    <language perm=\"R\">Deutsch</language>\n    <user_name idx=\"1\" perm=\"R\">101</user_name>\n"
		"    <setting_server perm=\"RW\"></setting_server>\n  </phone-settings>\n  <functionKeys>\n"
		"    <fkey idx=\"0\" context=\"active\" label=\"&quot;Bob&quot; &amp; Co\" perm=\"R\">blf &lt;sip:102@pbx&gt;|*8</fkey>\n  </functionKeys>\n</settings>\n"},
	/* attributes before their element, elements of another first part, and of a template's element that a raw NULL took away */
	{"snom-xml", {{"a/x/@b", "1"}, {"b/x", "2"}, {"a/x", "3"}, {"a/x[0]", "4"}, {"a/gone/@label", "5"}},
		XML "<settings>\n  <a>\n    <x b=\"1\" perm=\"R\">3</x>\n    <x idx=\"0\" perm=\"R\">4</x>\n  </a>\n  <b>\n    <x perm=\"R\">2</x>\n  </b>\n</settings>\n"},
	{"lpconfig", {{NULL, NULL}}, CONFIG "</config>\n"},
	{"lpconfig", {{"proxy_0/reg_proxy", "<sip:pbx;transport=tls>"}, {"sip/use_info", "0"}, {"proxy_0/reg_identity", "\"Anna M\xc3\xbcller\" <sip:101@pbx>"},
		{"misc/config-uri-header_0", ""}},
		CONFIG "  <section name=\"proxy_0\">\n    <entry name=\"reg_proxy\" overwrite=\"true\">&lt;sip:pbx;transport=tls&gt;</entry>\n"
		"    <entry name=\"reg_identity\" overwrite=\"true\">&quot;Anna M\xc3\xbcller&quot; &lt;sip:101@pbx&gt;</entry>\n  </section>\n"
		"  <section name=\"sip\">\n    <entry name=\"use_info\" overwrite=\"true\">0</entry>\n  </section>\n"
		"  <section name=\"misc\">\n    <entry name=\"config-uri-header_0\" overwrite=\"true\"></entry>\n  </section>\n</config>\n"},
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
	ck_assert_msg(writer->write(dialect_of(writer->name), &parameters, &out, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_str_eq(out.data + 6, good_rows[_i].expected);
	ck_assert_uint_eq(out.size, strlen(out.data));
	for (uint32_t i = 0; i < parameters.count; i++)
		ck_assert_int_eq(writer->check_name(list[i].name, list[i].name_length, NULL), ERROR_NONE);
	buf_deinit(&out);
}
END_TEST

/* Values that have no place in lines, or in XML; for both, in an element and in an attribute. */
static const struct { const char *value, *why; } bad_values[] = {
	{"a\nb", "has a control character (such as a line break)"},
	{"\r", "has a control character (such as a line break)"},
	{"tab\there, and more than sixteen bytes", "has a control character (such as a line break)"},
	{"\x7f", "has a control character (such as a line break)"},
	{"\xff", "is not UTF-8"},
	{"\xed\xa0\x80", "is not UTF-8"},
	{"\xef\xbf\xbe", "has a character that XML cannot hold"},
};

static const struct { const char *writer; struct pair pairs[3]; } bad_places[] = {
	{"snom-xml", {{"m/first", "fine"}, {"m/last", NULL}}},
	{"snom-xml", {{"m/first", "fine"}, {"m/first/@last", NULL}}},
	{"lpconfig", {{"m/first", "fine"}, {"m/last", NULL}}},
};

START_TEST(test_bad_values)
{
	size_t value = (size_t)_i % ROWS(bad_values), place = (size_t)_i / ROWS(bad_values);
	struct pair pairs[3] = {bad_places[place].pairs[0], {bad_places[place].pairs[1].name, bad_values[value].value}, {NULL, NULL}};
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(pairs, list);
	struct error error = {0};
	char expected[256];
	struct buf out;
	buf_init(&out, 1 << 20);
	buf_add_string(&out, "before");
	const struct writer *writer = writer_find(bad_places[place].writer);
	ck_assert_int_eq(writer->write(dialect_of(writer->name), &parameters, &out, &error), ERROR_INEXPRESSIBLE);
	snprintf(expected, sizeof expected, "the value of %s %s", pairs[1].name, bad_values[value].why);
	ck_assert_str_eq(error.message, expected);
	ck_assert_str_eq(out.data, "before");
	ck_assert_uint_eq(out.size, 6);
	buf_deinit(&out);
}
END_TEST

static const struct { const char *writer, *name; bool good; } name_rows[] = {
	{"snom-xml", "phone-settings/language", true}, {"snom-xml", "a/b[12345]", true}, {"snom-xml", "a/b[0]/@c-d", true}, {"snom-xml", "a/b/@perm", true},
	{"snom-xml", "", false}, {"snom-xml", "a", false}, {"snom-xml", "a/", false}, {"snom-xml", "/a", false}, {"snom-xml", "a/b/", false},
	{"snom-xml", "a/b/c", false}, {"snom-xml", "a/b/@", false}, {"snom-xml", "a/@b", false}, {"snom-xml", "a/b/@idx", false}, {"snom-xml", "a/b@c", false},
	{"snom-xml", "a/b/@c/@d", false}, {"snom-xml", "a[1]/b", false}, {"snom-xml", "a/b[]", false}, {"snom-xml", "a/b[01]", false},
	{"snom-xml", "a/b[123456]", false}, {"snom-xml", "a/b[1", false}, {"snom-xml", "a/b[1]x", false}, {"snom-xml", "a/9", false}, {"snom-xml", "a/b>", false},
	{"snom-xml", "a/b c", false}, {"snom-xml", "a/b/@c d", false}, {"snom-xml", "a/\xc3\xa4", false}, {"snom-xml", "a/b/@\"", false}, {"snom-xml", "a/b\n", false},
	{"lpconfig", "sip/use_info", true}, {"lpconfig", "misc/config-uri", true}, {"lpconfig", "0/0", true}, {"lpconfig", "a.b/c.d", true},
	{"lpconfig", "", false}, {"lpconfig", "sip", false}, {"lpconfig", "sip/", false}, {"lpconfig", "/sip", false}, {"lpconfig", "a/b/c", false},
	{"lpconfig", "a b/c", false}, {"lpconfig", "a/b=c", false}, {"lpconfig", "a]/b", false}, {"lpconfig", "a/b\"", false}, {"lpconfig", "a/b\n", false},
};

/* check_name and write are of one mind. */
START_TEST(test_names)
{
	const char *name = name_rows[_i].name;
	const char *attribute = strstr(name, "/@");
	char element[64] = "";
	if (attribute)
		snprintf(element, sizeof element, "%.*s", (int)(attribute - name), name);
	const struct pair pairs[] = {{name, "1"}, {name_rows[_i].good && attribute ? element : NULL, "2"}, {NULL, NULL}};
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(pairs, list);
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 20);
	const struct writer *writer = writer_find(name_rows[_i].writer);
	enum error_code expected = name_rows[_i].good ? ERROR_NONE : ERROR_SYNTAX;
	ck_assert_msg(writer->check_name(name, strlen(name), &error) == expected, "%s", name);
	ck_assert_msg(writer->write(dialect_of(writer->name), &parameters, &out, &error) == expected, "%s", name);
	ck_assert_msg(expected == ERROR_NONE || strstr(error.message, "parameter "), "%s", error.message);
	buf_deinit(&out);
}
END_TEST

static const struct { const char *writer; struct pair pairs[4]; const char *message; } twice_rows[] = {
	{"snom-xml", {{"a/b", "1"}, {"a/b", "2"}}, "parameter a/b has a value twice"},
	{"snom-xml", {{"a/b[1]", "1"}, {"c/d", "1"}, {"a/b[1]", "2"}}, "parameter a/b[1] has a value twice"},
	{"snom-xml", {{"a/b/@c", "1"}, {"a/b", "2"}, {"a/b/@c", "1"}}, "parameter a/b/@c has a value twice"},
	{"lpconfig", {{"a/b", "1"}, {"a/c", "1"}, {"a/b", "2"}}, "parameter a/b has a value twice"},
};

START_TEST(test_twice)
{
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(twice_rows[_i].pairs, list);
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 20);
	const struct writer *writer = writer_find(twice_rows[_i].writer);
	ck_assert_int_eq(writer->write(dialect_of(writer->name), &parameters, &out, &error), ERROR_INEXPRESSIBLE);
	ck_assert_str_eq(error.message, twice_rows[_i].message);
	ck_assert_uint_eq(out.size, 0);
	buf_deinit(&out);
}
END_TEST

/* A raw attribute of nothing is somebody's mistake. */
START_TEST(test_lonely)
{
	const struct pair pairs[] = {{"a/b", "1"}, {"a/c/@label", "2"}, {NULL, NULL}};
	struct parameter list[MOST];
	struct parameters parameters = parameters_of(pairs, list);
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 20);
	list[1].place = NULL;
	ck_assert_int_eq(writer_find("snom-xml")->write(&snom, &parameters, &out, &error), ERROR_INEXPRESSIBLE);
	ck_assert_str_eq(error.message, "parameter a/c/@label is an attribute of an element that is not there");
	buf_deinit(&out);
}
END_TEST

/* Every maximum from nothing to more than enough: all or nothing. */
START_TEST(test_maximum)
{
	static const char *const writers[] = {"snom-xml", "lpconfig"};
	const struct pair pairs[] = {{"m/first", "fine"}, {"m/second", "and <so> on"}, {"n/last", "x"}, {NULL, NULL}};
	const struct writer *writer = writer_find(writers[_i]);
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
		enum error_code code = writer->write(dialect_of(writer->name), &parameters, &out, &error);
		ck_assert(out.size <= max && out.data[out.size] == 0 && memcmp(out.data, before, sizeof before) == 0);
		ck_assert(code == ERROR_NONE || (code == ERROR_RANGE && out.size == sizeof before));
		ck_assert_msg(code == ERROR_NONE || !fits, "%zu", max);
		fits = code == ERROR_NONE;
		buf_deinit(&out);
	}
	ck_assert(fits);
}
END_TEST

/* As many sections and elements as a file may have at all: no step of it is quadratic. */
START_TEST(test_many)
{
	static char names[40000][40];
	static struct parameter list[40000];
	struct parameters parameters = {.list = list, .count = 40000};
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 24);
	for (int i = 0; i < 40000; i++) {
		snprintf(names[i], sizeof names[i], "s%d/e%d", i * 7919 % 40000, i % 7);
		list[i] = (struct parameter){.name = names[i], .name_length = (uint32_t)strlen(names[i]), .text = "1", .length = 1};
	}
	ck_assert_msg(writer_find("lpconfig")->write(&linphone, &parameters, &out, &error) == ERROR_NONE, "%s", error.message);
	for (int i = 0; i < 40000; i++)
		snprintf(names[i], sizeof names[i], i % 2 ? "a/e[%d]/@label" : "a/e[%d]", i / 2 * 7919 % 20000), list[i].name_length = (uint32_t)strlen(names[i]);
	ck_assert_msg(writer_find("snom-xml")->write(&snom, &parameters, &out, &error) == ERROR_NONE, "%s", error.message);
	buf_deinit(&out);
}
END_TEST

/* ---- the filter ---- */

/* A length, a colon, so many bytes; NULL at the end. */
static char *read_part(uint32_t *length_r)
{
	if (scanf("%u:", length_r) != 1)
		return NULL;
	char *part = malloc(*length_r + (size_t)1);
	if (!part || fread(part, 1, *length_r, stdin) != *length_r)
		exit(EXIT_FAILURE);
	part[*length_r] = 0;
	return part;
}

static int filter(const struct writer *writer)
{
	static struct parameter list[1000];
	struct parameters parameters = {.list = list};
	struct error error = {0};
	struct buf out;
	buf_init(&out, 1 << 22);
	for (char *name; parameters.count < ROWS(list) && (name = read_part(&list[parameters.count].name_length)); parameters.count++) {
		list[parameters.count].name = name;
		list[parameters.count].text = read_part(&list[parameters.count].length);
	}
	enum error_code code = writer->write(dialect_of(writer->name), &parameters, &out, &error);
	if (code == ERROR_NONE)
		fwrite(out.data, 1, out.size, stdout);
	else
		puts(error.message);
	for (uint32_t i = 0; i < parameters.count; i++) {
		free((char *)(uintptr_t)list[i].name);
		free((char *)(uintptr_t)list[i].text);
	}
	buf_deinit(&out);
	return code == ERROR_NONE ? EXIT_SUCCESS : 3;
}

int main(int argc, char **argv)
{
	const struct unit units[] = {{test_good, ROWS(good_rows)}, {test_bad_values, ROWS(bad_values) * ROWS(bad_places)}, {test_names, ROWS(name_rows)},
		{test_twice, ROWS(twice_rows)}, {test_lonely, 0}, {test_maximum, 2}, {test_many, 0}};
	const struct writer *writer = argc > 1 ? writer_find(argv[1]) : NULL;
	if (argc > 1)
		return writer ? filter(writer) : EXIT_FAILURE;
	return unit_run("writer_xml", units, ROWS(units));
}
