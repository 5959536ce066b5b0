/* identify.h: patterns one by one, then real names and User-Agents against the real templates. */
#include "catalogue-private.h"
#include "identify.h"

#include "unit.h"

static const struct { const char *pattern, *name; bool match; const char *mac; } file_rows[] = {
	{"{mac}.cfg", "0c383e1a2b3c.cfg", true, "0c383e1a2b3c"},
	{"{mac}.cfg", "0C:38:3E:1A:2B:3C.CFG", true, "0c383e1a2b3c"},
	{"{mac}.cfg", "0c-38-3e-1a-2b-3c.cfg", true, "0c383e1a2b3c"},
	{"{mac}.cfg", "0c_38_3e_1a_2b_3c.cfg", true, "0c383e1a2b3c"},
	{"{mac}.cfg", "000000000000.cfg", false, NULL},
	{"{mac}.cfg", "0c383e1a2b3c.cfgx", false, NULL},
	{"{mac}.cfg", "0c383e1a2b3c", false, NULL},
	{"{mac}.cfg", "x0c383e1a2b3c.cfg", false, NULL},
	{"{mac}.cfg", "0c383e1a2b3.cfg", false, NULL},
	{"{mac}.cfg", "", false, NULL},
	{"SEP{mac}.cnf.xml", "sep0c383e1a2b3c.cnf.xml", true, "0c383e1a2b3c"},
	{"{mac}_Security.enc", "0c383e1a2b3c_security.enc", true, "0c383e1a2b3c"},
	{"y0{digits}.cfg", "y000000000028.cfg", true, NULL},
	{"y0{digits}.cfg", "y0.cfg", false, NULL},
	{"y0{digits}.cfg", "y00a.cfg", false, NULL},
	{"cfg{hex}.xml", "cfgBEEF.xml", true, NULL},
	{"cfg{hex}.xml", "cfgbeeg.xml", false, NULL},
	{"f0{word}.cfg", "f0X3shw1.100.cfg", true, NULL},
	{"f0{word}.cfg", "f0.cfg", false, NULL},
	{"f0{word}.cfg", "f0 x.cfg", false, NULL},
	{"{word}-{mac}.xml", "kt-300-0c383e1a2b3c.xml", true, "0c383e1a2b3c"},
	{"{word}.{digits}.cfg", "a.1.2.cfg", true, NULL},
	{"{word}.{digits}.cfg", "a.1.x.cfg", false, NULL},
	{"{word}", "anything", true, NULL},
	{"cfg.xml", "CFG.xml", true, NULL},
};

START_TEST(test_match_file)
{
	struct mac mac = {"untouched"};
	bool has_mac = true;
	const char *name = file_rows[_i].name;
	bool match = identify_match_file(file_rows[_i].pattern, name, strlen(name), &mac, &has_mac);
	ck_assert_msg(match == file_rows[_i].match, "row %d: %s", _i, name);
	ck_assert_int_eq(has_mac, file_rows[_i].mac != NULL);
	ck_assert_str_eq(mac.digits, has_mac ? file_rows[_i].mac : "untouched");
	ck_assert(identify_match_file(file_rows[_i].pattern, name, strlen(name), NULL, &has_mac) == match);
}
END_TEST

START_TEST(test_hostile_file)
{
	char name[5000];
	bool has_mac;
	memset(name, 'a', sizeof name);
	ck_assert(identify_match_file("{word}", name, 128, NULL, &has_mac));
	ck_assert(!identify_match_file("{word}", name, 129, NULL, &has_mac));
	ck_assert(!identify_match_file("{word}", name, sizeof name, NULL, &has_mac));
	ck_assert(!identify_match_file("{word}", "a\0b", 3, NULL, &has_mac));
	ck_assert(!identify_match_file("a", "a\0", 2, NULL, &has_mac));
	ck_assert(!identify_match_file("{word}.cfg", "\xff\xfe.cfg", 6, NULL, &has_mac));
}
END_TEST

static const struct { const char *pattern; bool agent; const char *message; } pattern_rows[] = {
	{"{mac}.cfg", false, NULL},
	{"{word}-{mac}{hex}.cfg", false, NULL},
	{"Acme {model} {firmware} {firmware} {mac}", true, NULL},
	{"", false, "a pattern must begin with no blank and have 1 to 128 bytes"},
	{" x", true, "a pattern must begin with no blank and have 1 to 128 bytes"},
	{"a/{mac}", false, "pattern `a/{mac}`: a file pattern is for the last part of a path, without /"},
	{"{mac}{mac}", false, "pattern `{mac}{mac}`: too many placeholders, or two that nothing separates, at `{mac}`"},
	{"{word}{hex}", false, "pattern `{word}{hex}`: too many placeholders, or two that nothing separates, at `{hex}`"},
	{"{hex}-{hex}-{hex}", false, "pattern `{hex}-{hex}-{hex}`: too many placeholders, or two that nothing separates, at `{hex}`"},
	{"{model} {model}", true, "pattern `{model} {model}`: too many placeholders, or two that nothing separates, at `{model}`"},
	{"{model}.cfg", false, "pattern `{model}.cfg`: unknown placeholder at `{model}.cfg`; there are {mac} {hex} {digits} {word}"},
	{"A {hex}", true, "pattern `A {hex}`: unknown placeholder at `{hex}`; there are {model} {firmware} {mac}"},
	{"a}", false, "pattern `a}`: unknown placeholder at `}`; there are {mac} {hex} {digits} {word}"},
	{"a b", false, "pattern `a b`: only printable ASCII is allowed"},
	{"a\xc3\xbc", true, "pattern `a\xc3\xbc`: only printable ASCII is allowed"},
};

START_TEST(test_check_pattern)
{
	struct error error = {0};
	enum error_code code = identify_check_pattern(pattern_rows[_i].pattern, pattern_rows[_i].agent, &error);
	ck_assert_int_eq(code != ERROR_NONE, pattern_rows[_i].message != NULL);
	if (code)
		ck_assert_str_eq(error.message, pattern_rows[_i].message);
}
END_TEST

/* ---------------------------------------------------------------- a small catalogue */

static struct catalogue *load_small(void)
{
	struct error error = {0};
	unit_write("settings.ini", "[x]\ntype = bool\nscope = line\ndescription = d\n");
	unit_write("timezones.tsv", "UTC\tUTC0\n");
	unit_write("acme/vendor.ini",
		"[vendor]\nname = Acme\noui = 00aabb\n"
		"[file device]\npattern = {mac}.cfg\nanswer = device\n"
		"[file boot]\npattern = {mac}.boot\nanswer = absent\n"
		"[file common]\npattern = c{word}.cfg\nanswer = common\n"
		"[agent open]\npattern = {model} {firmware}\n"
		"[agent full]\npattern = Acme {model} {firmware} {mac}\n"
		"[agent twice]\npattern = Acme {model} hw {firmware} sw {firmware}\n"
		"[agent plain]\npattern = Acme {model}\n"
		"[agent bracket]\npattern = \"(AC/{model}-{firmware}; {mac})\"\n"
		"[dialect d]\nwriter = flat\ntemplate = t\n");
	unit_write("acme/t.tmpl", "x = 1\n");
	unit_write("acme/models.ini",
		"[one]\nname = One\nagent = One, One Plus\ndialect = d\nlines = 1\ncommon_file = c1.cfg\n"
		"[two]\nname = Two\nagent = Two\ndialect = d\nlines = 1\ncommon_file = c1.cfg c2.cfg\n");
	unit_write("bell/vendor.ini",
		"[vendor]\nname = Bell\noui = 00ccdd\n[file device]\npattern = {mac}.cfg {mac}.boot c9.cfg\nanswer = device\n"
		"[agent full]\npattern = Bell {model} {firmware}\n"
		"[dialect d]\nwriter = flat\ntemplate = t\n");
	unit_write("bell/t.tmpl", "x = 1\n");
	unit_write("bell/models.ini", "[b]\nname = B\ndialect = d\nlines = 1\n");
	unit_write("aaa/vendor.ini", "[vendor]\nname = Aaa\noui = 00eeff\n[file any]\npattern = {mac}.cfg {mac}.xml c{word}.cfg\nanswer = device\n");
	struct catalogue *catalogue = catalogue_load(unit_folder, &error);
	ck_assert_msg(catalogue != NULL, "%s", error.message);
	return catalogue;
}

static const struct { const char *name, *vendor, *rule, *mac, *model; } who_rows[] = {
	/* nobody's range: the first that is served */
	{"010203040506.cfg", "acme", "device", "010203040506", NULL},
	{"00aabb000001.cfg", "acme", "device", "00aabb000001", NULL},
	{"00ccdd000001.cfg", "bell", "device", "00ccdd000001", NULL},
	/* its owner is only recognised, and owns it all the same */
	{"00eeff000001.cfg", "aaa", "any", "00eeff000001", NULL},
	{"010203040506.xml", "aaa", "any", "010203040506", NULL},
	{"00ccdd000001.boot", "bell", "device", "00ccdd000001", NULL},
	{"00aabb000001.boot", "acme", "boot", "00aabb000001", NULL},
	/* a name that might be a common file is a device's where it is a MAC */
	{"c0ccdd000001.cfg", "acme", "device", "c0ccdd000001", NULL},
	{"c1.cfg", "acme", "common", NULL, "acme-one"},
	{"C2.CFG", "acme", "common", NULL, "acme-two"},
	{"c3.cfg", "acme", "common", NULL, NULL},
	{"favicon.ico", NULL, NULL, NULL, NULL},
	{"", NULL, NULL, NULL, NULL},
};

START_TEST(test_who)
{
	struct catalogue *catalogue = load_small();
	struct identify_file file;
	const char *name = who_rows[_i].name;
	ck_assert_int_eq(identify_file(catalogue, name, strlen(name), &file), who_rows[_i].vendor != NULL);
	ck_assert_pstr_eq(file.vendor ? file.vendor->id : NULL, who_rows[_i].vendor);
	ck_assert_pstr_eq(file.rule ? file.rule->name : NULL, who_rows[_i].rule);
	ck_assert_pstr_eq(file.has_mac ? file.mac.digits : NULL, who_rows[_i].mac);
	ck_assert_pstr_eq(file.common_model ? file.common_model->id : NULL, who_rows[_i].model);
	if (file.vendor)
		ck_assert_ptr_eq(identify_vendor_file(file.vendor, name, strlen(name)), file.rule);
	catalogue_free(&catalogue);
}
END_TEST

static const struct { const char *agent; size_t length; const char *vendor, *rule, *model_name, *model, *firmware, *mac; } agent_rows[] = {
	{"Acme One 1.2.3 00aabb000001", 0, "acme", "full", "One", "acme-one", "1.2.3", "00aabb000001"},
	{"  ACME   one\t1.2.3   00:AA:BB:00:00:01 ", 0, "acme", "full", "one", "acme-one", "1.2.3", "00aabb000001"},
	{"Acme One Plus 1.2.3 00-aa-bb-00-00-01)", 0, "acme", "full", "One Plus", "acme-one", "1.2.3", "00aabb000001"},
	/* a hardware version behind the model does not hide it */
	{"Acme Two V1.1A 1.2.3 00aabb000001", 0, "acme", "full", "Two V1.1A", "acme-two", "1.2.3", "00aabb000001"},
	{"Acme a b c d 1.2.3 00aabb000001", 0, "acme", "plain", "a", NULL, "", NULL},
	{"Acme Two hw 1.0 sw 2.5", 0, "acme", "twice", "Two", "acme-two", "1.0", NULL},
	/* no MAC, or none that is one: not a match for that pattern */
	{"Acme One 1.2.3 00aabb00000", 0, "acme", "plain", "One", "acme-one", "", NULL},
	{"Acme One 1.2.3 00aabb0000011", 0, "acme", "plain", "One", "acme-one", "", NULL},
	{"Acme One 1.2.3p 00aabb000001", 0, "acme", "plain", "One", "acme-one", "", NULL},
	{"Acme Two-V2", 0, "acme", "plain", "Two-V2", NULL, "", NULL},
	{"(AC/Two-1.5.0; 00aabb000001)", 0, "acme", "bracket", "Two", "acme-two", "1.5.0", "00aabb000001"},
	/* a literal beginning wins over another vendor's open pattern, which comes first */
	{"Bell Two 1.2", 0, "bell", "full", "Two", NULL, "1.2", NULL},
	{"Two 1.2", 0, "acme", "open", "Two", "acme-two", "1.2", NULL},
	{"Acme", 0, NULL, NULL, "", NULL, "", NULL},
	{"Acme ", 0, NULL, NULL, "", NULL, "", NULL},
	{"curl/8.0", 0, NULL, NULL, "", NULL, "", NULL},
	{"", 0, NULL, NULL, "", NULL, "", NULL},
	{"    ", 0, NULL, NULL, "", NULL, "", NULL},
	{"Acme \xff\xfe 1.2.3 00aabb000001", 0, NULL, NULL, "", NULL, "", NULL},
	/* what is no text ends a word */
	{"Acme One\0 1.2.3 00aabb000001", 29, "acme", "plain", "One", "acme-one", "", NULL},
	{"Acme\0One", 8, NULL, NULL, "", NULL, "", NULL},
};

START_TEST(test_agent)
{
	struct catalogue *catalogue = load_small();
	struct identify_agent found;
	size_t length = agent_rows[_i].length ? agent_rows[_i].length : strlen(agent_rows[_i].agent);
	ck_assert_msg(identify_agent(catalogue, agent_rows[_i].agent, length, &found) == (agent_rows[_i].vendor != NULL), "row %d: %s %s", _i,
		agent_rows[_i].agent, found.rule ? found.rule->name : "");
	ck_assert_pstr_eq(found.vendor ? found.vendor->id : NULL, agent_rows[_i].vendor);
	ck_assert_pstr_eq(found.rule ? found.rule->name : NULL, agent_rows[_i].rule);
	ck_assert_str_eq(found.model_name, agent_rows[_i].model_name);
	ck_assert_pstr_eq(found.model ? found.model->id : NULL, agent_rows[_i].model);
	ck_assert_str_eq(found.firmware, agent_rows[_i].firmware);
	ck_assert_pstr_eq(found.has_mac ? found.mac.digits : NULL, agent_rows[_i].mac);
	catalogue_free(&catalogue);
}
END_TEST

START_TEST(test_long_agent)
{
	struct catalogue *catalogue = load_small();
	struct identify_agent found;
	size_t size = 100000;
	char *agent = malloc(size);
	memset(agent, '1', size);
	memcpy(agent, "Acme ", 5);
	/* Cut at 512 bytes, a model of 507. */
	ck_assert(identify_agent(catalogue, agent, size, &found));
	ck_assert_uint_eq(strlen(found.model_name), IDENTIFY_TEXT_MAX - 1);
	ck_assert_ptr_null(found.model);
	memset(agent, ' ', size);
	ck_assert(!identify_agent(catalogue, agent, size, &found));
	ck_assert(!identify_agent(catalogue, NULL, 0, &found));
	free(agent);
	catalogue_free(&catalogue);
}
END_TEST

/* ---------------------------------------------------------------- the real templates */

static struct catalogue *load_real(void)
{
	struct error error = {0};
	struct catalogue *catalogue = catalogue_load(unit_source("templates"), &error);
	ck_assert_msg(catalogue != NULL, "%s", error.message);
	return catalogue;
}

/* Undo \xHH in place; returns the length. */
static size_t unescape(char *text)
{
	size_t used = 0;
	unsigned byte;
	for (const char *c = text; *c; used++)
		if (sscanf(c, "\\x%2x", &byte) == 1) {
			text[used] = (char)byte;
			c += 4;
		} else {
			text[used] = *c++;
		}
	text[used] = 0;
	return used;
}

/* Each line of user-agents.tsv, so that all that differ are told at once. */
START_TEST(test_real_agents)
{
	struct catalogue *catalogue = load_real();
	FILE *file = fopen(unit_source("tests/unit/user-agents.tsv"), "r");
	char line[2048], is[512], wanted[512];
	unsigned rows = 0, wrong = 0;
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof line, file)) {
		char *fields[5], *rest = line;
		line[strcspn(line, "\n")] = 0;
		for (size_t i = 0; *line != '#' && i < ROWS(fields); i++)
			ck_assert_msg((fields[i] = strsep(&rest, "\t")) != NULL, "row %u has %zu fields", rows, i);
		if (*line == '#')
			continue;
		struct identify_agent found;
		identify_agent(catalogue, fields[0], unescape(fields[0]), &found);
		snprintf(is, sizeof is, "%s|%s|%s|%s", found.vendor ? found.vendor->id : "", found.model_name, found.firmware,
			found.has_mac ? found.mac.digits : "");
		snprintf(wanted, sizeof wanted, "%s|%s|%s|%s", fields[1], fields[2], fields[3], fields[4]);
		if (strcmp(is, wanted) != 0) {
			fprintf(stderr, "%s: %s, should be %s\n", fields[0], is, wanted);
			wrong++;
		}
		rows++;
	}
	fclose(file);
	ck_assert_uint_gt(rows, 250);
	ck_assert_msg(wrong == 0, "%u of %u User-Agents", wrong, rows);
	catalogue_free(&catalogue);
}
END_TEST

static const struct { const char *name, *vendor; enum file_answer answer; bool has_mac; } real_rows[] = {
	{"0c383e1a2b3c.cfg", "fanvil", FILE_DEVICE, true},
	{"001565aabbcc.cfg", "yealink", FILE_DEVICE, true},
	{"001565AABBCC.cfg", "yealink", FILE_DEVICE, true},
	{"001565aabbcc.boot", "yealink", FILE_ABSENT, true},
	{"y000000000028.cfg", "yealink", FILE_COMMON, false},
	{"cfg000b82ab0102.xml", "grandstream", FILE_DEVICE, true},
	{"cfgC074AD0B63EE.xml", "grandstream", FILE_DEVICE, true},
	{"cfg000b82ab0102", "grandstream", FILE_ABSENT, true},
	{"cfg000b82ab0102.bin", "grandstream", FILE_ABSENT, true},
	{"cfggrp2614.xml", "grandstream", FILE_COMMON, false},
	{"cfg.xml", "grandstream", FILE_ABSENT, false},
	{"gxp2140fw.bin", "grandstream", FILE_ABSENT, false},
	{"y000000000000.boot", "yealink", FILE_ABSENT, false},
	{"000413A11FA7.xml", "snom", FILE_DEVICE, true},
	{"snomD785-000413A11FA7.htm", "snom", FILE_DEVICE, true},
	{"snomD785.htm", "snom", FILE_COMMON, false},
	{"snom-general.xml", "snom", FILE_ABSENT, false},
	{"linphone-0200005c5001.xml", "linphone", FILE_DEVICE, true},
};

START_TEST(test_real_files)
{
	struct catalogue *catalogue = load_real();
	struct identify_file file;
	ck_assert_msg(identify_file(catalogue, real_rows[_i].name, strlen(real_rows[_i].name), &file), "row %d", _i);
	ck_assert_str_eq(file.vendor->id, real_rows[_i].vendor);
	ck_assert_msg(catalogue->index->served_mac_first, "a vendor's pattern takes away the short way to <mac>.cfg");
	ck_assert_int_eq(file.rule->answer, real_rows[_i].answer);
	ck_assert_int_eq(file.has_mac, real_rows[_i].has_mac);
	catalogue_free(&catalogue);
}
END_TEST

UNIT_MAIN("identify", {test_match_file, ROWS(file_rows)}, {test_hostile_file, 0}, {test_check_pattern, ROWS(pattern_rows)},
	{test_who, ROWS(who_rows)}, {test_agent, ROWS(agent_rows)}, {test_long_agent, 0}, {test_real_agents, 0},
	{test_real_files, ROWS(real_rows)})
