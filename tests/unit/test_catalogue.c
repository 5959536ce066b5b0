/* catalogue.h: the real templates, and one mistake a row in a small set of our own. */
#include "catalogue.h"
#include "encrypt.h"
#include "writer.h"

#include "unit.h"

/* A small templates/ in which one file at a time is replaced. */
static const struct file { const char *name, *text; } base[] = {
	{"settings.ini",
		"[sip.server]\ntype = host\nscope = line\ndescription = d\n"
		"[timezone]\ntype = timezone\nscope = device\ndefault = UTC\ndescription = d\n"
		"[language]\ntype = enum\nscope = device\nitems = de,en\ndefault = en\ndescription = d\n"},
	{"timezones.tsv", "UTC\tUTC0\nEurope/Berlin\tCET-1CEST,M3.5.0,M10.5.0/3\n"},
	{"acme/vendor.ini",
		"[vendor]\nname = Acme\noui = 00aabb 00ccdd\n"
		"[file device]\npattern = {mac}.cfg\nanswer = device\n"
		"[file common]\npattern = acme{digits}.cfg\nanswer = common\n"
		"[agent usual]\npattern = Acme {model} {firmware} {mac}\n"
		"[dialect new]\nwriter = flat\nheader = \"#!acme\"\ntemplate = new\ncommon_template = common\ncontent_type = text/plain\n"
		"[dialect old]\nwriter = flat\ntemplate = old\n"},
	{"acme/maps.ini", "[language]\nde = German\nen = English\n[numbers]\nEurope/Berlin = 7\nempty =\n"},
	{"acme/models.ini",
		"[a1]\nname = A-1\nagent = A1, A-1 Pro\ndialect = new\nolder = 1.5:old 2.0.1:old\nlines = 2\nkeys = 8\ncommon_file = acme1.cfg acme01.cfg\n"
		"colour = blue\n"
		"[a2]\nname = A-2\nagent = A2\ndialect = new\ntemplate = special\nlines = 4\n"},
	{"acme/new.tmpl", "lang = {{language|language}}\nlines = {{model.lines}}\ncolour = {{model.colour:-none}}\n"},
	{"acme/special.tmpl", "{{< new}}\nspecial = {{sip.server:-none}}\n"},
	{"acme/old.tmpl", "language = {{language}}\n"},
	{"acme/common.tmpl", "model = {{model.name}}\n"},
	{"zeta/vendor.ini", "[vendor]\nname = Zeta\noui = 00eeff\n[file device]\npattern = {mac}.xml\nanswer = device\n"},
	{"README", "no vendor\n"},
	{"notes/README", "no vendor either\n"},
};

static struct catalogue *load_base(const char *replaced, const char *text, struct error *error)
{
	for (size_t i = 0; i < ROWS(base); i++)
		unit_write(base[i].name, base[i].text);
	if (replaced && !text)
		remove(unit_path(replaced));
	else if (replaced)
		unit_write(replaced, text);
	return catalogue_load(unit_folder, error);
}

START_TEST(test_lookups)
{
	struct error error = {0};
	struct catalogue *catalogue = load_base(NULL, NULL, &error);
	ck_assert_msg(catalogue != NULL, "%s", error.message);
	ck_assert_uint_eq(catalogue->vendor_count, 2);
	const struct vendor *acme = catalogue_vendor(catalogue, "acme", 4), *zeta = catalogue_vendor(catalogue, "zeta", 4);
	ck_assert_ptr_eq(acme, &catalogue->vendors[0]);
	ck_assert_ptr_eq(zeta, &catalogue->vendors[1]);
	ck_assert_ptr_null(catalogue_vendor(catalogue, "acme", 3));
	ck_assert_str_eq(acme->name, "Acme");
	ck_assert_uint_eq(zeta->index, 1);
	/* Only recognised: it has nothing for its phones. */
	ck_assert_uint_eq(zeta->dialect_count, 0);
	ck_assert_int_eq(zeta->files[0].answer, FILE_ABSENT);
	ck_assert_str_eq(acme->dialects[0].header, "#!acme");
	ck_assert_ptr_null(acme->dialects[1].header);
	ck_assert_str_eq(acme->dialects[1].content_type, "text/plain");
	ck_assert_ptr_eq(acme->dialects[0].writer, writer_find("flat"));
	ck_assert(acme->uses[0] && acme->uses[2] && !acme->uses[1]);
	ck_assert(!zeta->uses[0]);
	ck_assert_ptr_eq(catalogue_vendor_of_mac(catalogue, &(struct mac){"00aabb000001"}), acme);
	ck_assert_ptr_eq(catalogue_vendor_of_mac(catalogue, &(struct mac){"00eeff000001"}), zeta);
	ck_assert_ptr_null(catalogue_vendor_of_mac(catalogue, &(struct mac){"00aabc000001"}));
	ck_assert_ptr_null(catalogue_vendor_of_mac(catalogue, &(struct mac){"ffffff000001"}));
	catalogue_free(&catalogue);
	ck_assert_ptr_null(catalogue);
	catalogue_free(&catalogue);
}
END_TEST

START_TEST(test_models)
{
	struct error error = {0};
	struct catalogue *catalogue = load_base(NULL, NULL, &error);
	ck_assert_msg(catalogue != NULL, "%s", error.message);
	const struct model *a1 = catalogue_model(catalogue, "acme-a1", 7), *a2 = catalogue_model(catalogue, "acme-a2", 7);
	ck_assert_ptr_nonnull(a1);
	ck_assert_ptr_nonnull(a2);
	ck_assert_ptr_null(catalogue_model(catalogue, "a1", 2));
	ck_assert_ptr_eq(a1->vendor, catalogue->vendors);
	ck_assert_str_eq(a1->name, "A-1");
	ck_assert_uint_eq(a1->agent_count, 2);
	ck_assert_str_eq(a1->agents[1], "A-1 Pro");
	ck_assert_uint_eq(a1->common_file_count, 2);
	ck_assert_str_eq(a1->common_files[1], "acme01.cfg");
	ck_assert_uint_eq(a1->keys, 8);
	ck_assert_uint_eq(a2->keys, 0);
	ck_assert_pstr_eq(model_constant(a1, "colour"), "blue");
	ck_assert_pstr_eq(model_constant(a1, "lines"), "2");
	ck_assert_pstr_eq(model_constant(a1, "modules"), "0");
	ck_assert_ptr_null(model_constant(a2, "colour"));
	ck_assert_uint_eq(a1->variant_count, 3);
	/* Two variants of the same template share it; the usual one has its own. */
	ck_assert_ptr_eq(a1->variants[0].template, a1->variants[1].template);
	ck_assert_ptr_ne(a1->variants[0].template, a1->variants[2].template);
	ck_assert_ptr_null(a1->variants[0].common);
	ck_assert_ptr_nonnull(a1->variants[2].common);
	ck_assert_ptr_null(a1->variants[2].below);
	catalogue_free(&catalogue);
}
END_TEST

static const struct { const char *firmware; uint32_t variant; } version_rows[] = {
	{NULL, 2}, {"", 2}, {"unknown", 2}, {"1.4.99", 0}, {"1", 0}, {"V1.4", 0}, {"1.5", 1}, {"1.5.0.0", 1}, {"1.05", 1}, {"2.0.0.99", 1},
	{"2", 1}, {"2.0.1", 2}, {"2.0.1.0", 2}, {"10.0", 2}, {"2.1", 2}, {"99999999999999999999.1", 2}, {"0", 0}, {".", 2},
};

START_TEST(test_version)
{
	struct error error = {0};
	struct catalogue *catalogue = load_base(NULL, NULL, &error);
	ck_assert_msg(catalogue != NULL, "%s", error.message);
	const struct model *a1 = catalogue_model(catalogue, "acme-a1", 7);
	const struct model_variant *variant = model_variant_for(a1, version_rows[_i].firmware);
	ck_assert_msg(variant == &a1->variants[version_rows[_i].variant], "row %d: %d", _i, (int)(variant - a1->variants));
	catalogue_free(&catalogue);
}
END_TEST

START_TEST(test_maps)
{
	struct error error = {0};
	struct catalogue *catalogue = load_base(NULL, NULL, &error);
	ck_assert_msg(catalogue != NULL, "%s", error.message);
	const struct vendor *acme = &catalogue->vendors[0];
	const struct map *language = vendor_map(acme, "language", 8), *numbers = vendor_map(acme, "numbers", 7);
	size_t length = 99;
	char long_value[400] = {0};
	ck_assert_ptr_nonnull(language);
	ck_assert_ptr_null(vendor_map(acme, "languages", 9));
	ck_assert_ptr_null(vendor_map(acme, "lang", 4));
	ck_assert_ptr_null(vendor_map(&catalogue->vendors[1], "language", 8));
	ck_assert_pstr_eq(map_get(language, "de", 2, &length), "German");
	ck_assert_uint_eq(length, 6);
	ck_assert_pstr_eq(map_get(language, "EN-x", 2, NULL), "English");
	ck_assert_pstr_eq(map_get(numbers, "Europe/BERLIN", 13, &length), "7");
	ck_assert_pstr_eq(map_get(numbers, "empty", 5, &length), "");
	ck_assert_uint_eq(length, 0);
	ck_assert_ptr_null(map_get(language, "fr", 2, &length));
	ck_assert_ptr_null(map_get(language, long_value, sizeof long_value, &length));
	catalogue_free(&catalogue);
}
END_TEST

/* The digest is of content and names, nothing else. */
START_TEST(test_digest)
{
	struct error error = {0};
	struct catalogue *first = load_base(NULL, NULL, &error), *again = load_base(NULL, NULL, &error);
	struct catalogue *other = load_base("acme/old.tmpl", "language = {{language}}\n# more\n", &error);
	ck_assert(first && again && other);
	ck_assert_mem_eq(first->digest, again->digest, 32);
	ck_assert_mem_ne(first->digest, other->digest, 32);
	static const char *const names[] = {"acme/common.tmpl", "acme/maps.ini", "acme/models.ini", "acme/new.tmpl", "acme/old.tmpl",
		"acme/special.tmpl", "acme/vendor.ini", "settings.ini", "timezones.tsv", "zeta/vendor.ini"};
	ck_assert_uint_eq(first->file_count, ROWS(names));
	for (size_t i = 0; i < ROWS(names); i++) {
		ck_assert_str_eq(first->files[i].name, names[i]);
		ck_assert_int_eq(strcmp(first->files[i].digest, other->files[i].digest) == 0, i != 4);
	}
	/* sha256sum of "language = {{language}}\n" */
	ck_assert_str_eq(first->files[4].digest, "a773a0360c09655fd356e6cf65189b1399eb386897e22917f5b020a0357cae96");
	catalogue_free(&first);
	catalogue_free(&again);
	catalogue_free(&other);
}
END_TEST

#define VENDOR "[vendor]\nname = Acme\n"
#define DIALECT "[dialect new]\nwriter = flat\ntemplate = new\n"

static const struct { const char *file, *text, *message; } error_rows[] = {
	{"settings.ini", NULL, "settings.ini: No such file or directory"},
	{"timezones.tsv", NULL, "timezones.tsv: No such file or directory"},
	{"timezones.tsv", "Europe/Berlin\tCET-1\n", "settings.ini: setting `timezone`: unknown time zone `UTC`; an IANA name such as Europe/Berlin is wanted"},
	{"settings.ini", "[x]\n", "settings.ini:1: setting `x`: type must be one of string int bool enum list host url timezone secret"},
	{"acme/models.ini", NULL, "acme/models.ini: No such file or directory"},
	{"acme/new.tmpl", NULL, "!acme/new.tmpl"},
	{"acme/vendor.ini", "[file x]\npattern = {mac}.cfg\nanswer = absent\n", "acme/vendor.ini: there is no [vendor] section"},
	{"acme/vendor.ini", "[vendor]\noui = 00aabb\n", "acme/vendor.ini:1: [vendor] needs a name"},
	{"acme/vendor.ini", "[vendor]\nname = A\nouis = 00aabb\n", "acme/vendor.ini:3: unknown key `ouis`; did you mean `oui`?"},
	{"acme/vendor.ini", "[vendor]\nname = A\ncolour = 00aabb\n", "acme/vendor.ini:3: unknown key `colour` in [vendor]"},
	{"acme/vendor.ini", "[vendor]\nname = A\noui = 00AABB\n", "acme/vendor.ini:3: MAC range `00AABB` is not 6 lower-case hex digits"},
	{"acme/vendor.ini", "[vendor]\nname = A\noui = 00aabb00\n", "acme/vendor.ini:3: MAC range `00aabb00` is not 6 lower-case hex digits"},
	{"acme/vendor.ini", "[vendor]\nname = A\noui = 00aabb 00aabb\n", "acme/vendor.ini:3: MAC range `00aabb` is there twice"},
	{"acme/vendor.ini", VENDOR "[phone x]\n", "acme/vendor.ini:3: unknown section [phone x]; there are [vendor], [file NAME], [agent NAME], [certificate NAME], [dialect NAME]"},
	{"acme/vendor.ini", VENDOR "[file]\n", "acme/vendor.ini:3: unknown section [file]; there are [vendor], [file NAME], [agent NAME], [certificate NAME], [dialect NAME]"},
	{"acme/vendor.ini", VENDOR "[file a b]\n", "acme/vendor.ini:3: [file a b]: a name consists of a-z, 0-9, . _ and -"},
	{"acme/vendor.ini", VENDOR "[file a]\nanswer = device\n", "acme/vendor.ini:3: [file a] needs a pattern"},
	{"acme/vendor.ini", VENDOR "[file a]\npattern = {mac}.cfg\n", "acme/vendor.ini:3: [file a]: answer must be device, common or absent"},
	{"acme/vendor.ini", VENDOR "[file a]\npattern = {mac}.cfg\nanswer = yes\n", "acme/vendor.ini:5: [file a]: answer must be device, common or absent"},
	{"acme/vendor.ini", VENDOR "[file a]\npattern = {mca}.cfg\nanswer = device\n",
		"acme/vendor.ini:4: pattern `{mca}.cfg`: unknown placeholder at `{mca}.cfg`; there are {mac} {hex} {digits} {word}"},
	{"acme/vendor.ini", VENDOR "[agent a]\n", "acme/vendor.ini:3: [agent a] needs a pattern"},
	{"acme/vendor.ini", VENDOR "[agent a]\npattern = A {word}\n",
		"acme/vendor.ini:4: pattern `A {word}`: unknown placeholder at `{word}`; there are {model} {firmware} {mac}"},
	{"acme/vendor.ini", VENDOR "[dialect a]\ntemplate = new\n", "!acme/vendor.ini:3: [dialect a] needs a writer: flat, nested-xml, fanvil-text, "},
	{"acme/vendor.ini", VENDOR "[dialect a]\nwriter = fat\n", "!acme/vendor.ini:4: unknown writer `fat`; there are flat, nested-xml, fanvil-text, "},
	{"acme/vendor.ini", VENDOR "[dialect a]\nwriter = flat\ntemplate = new\nencryption = rot13\n",
		"acme/vendor.ini:6: unknown encryption `rot13`; there are grandstream, yealink"},
	{"acme/vendor.ini", VENDOR "[dialect a]\nwriter = flat\ntemplate = new\nencryption = yealink\n[dialect b]\nwriter = flat\ntemplate = new\nencryption = grandstream\n",
		"acme/vendor.ini:10: `grandstream`: another dialect of this vendor has `yealink`"},
	{"acme/vendor.ini", VENDOR "[dialect a]\nwriter = flat\n", "acme/vendor.ini:3: [dialect a] needs a template"},
	{"acme/vendor.ini", VENDOR, "acme/models.ini: models need a [dialect NAME], and vendor.ini has none"},
	{"acme/vendor.ini", VENDOR "oui = 00eeff\n" DIALECT "[dialect old]\nwriter = flat\ntemplate = old\n[file common]\npattern = acme{digits}.cfg\nanswer = common\n",
		": MAC range 00eeff belongs to both acme/vendor.ini and zeta/vendor.ini"},
	{"acme/vendor.ini", VENDOR DIALECT "[dialect old]\nwriter = flat\ntemplate = old\n",
		"acme/models.ini:8: `acme1.cfg`: no [file] of vendor.ini with answer = common matches it first"},
	{"acme/models.ini", "", "acme/models.ini: no model in it"},
	{"acme/models.ini", "[a1]\nname = A\nlines = 1\n", "acme/models.ini:1: model `a1` needs a dialect"},
	{"acme/models.ini", "[a1]\nname = A\nlines = 1\ndialect = nwe\n", "acme/models.ini:4: unknown dialect `nwe`; did you mean `new`?"},
	{"acme/models.ini", "[a1]\nname = A\nlines = 1\ndialect = xml\n", "acme/models.ini:4: unknown dialect `xml`: vendor.ini has no [dialect xml]"},
	{"acme/models.ini", "[a1]\ndialect = new\nlines = 1\n", "acme/models.ini:1: model `a1` needs a name"},
	{"acme/models.ini", "[a1]\nname = A\ndialect = new\n", "acme/models.ini:1: model `a1` needs lines"},
	{"acme/models.ini", "[a1]\nname = A\ndialect = new\nlines = 0\n", "acme/models.ini:4: lines = 0 is no number within 1 to 512"},
	{"acme/models.ini", "[a1]\nname = A\ndialect = new\nlines = 1\nkeys = many\n", "acme/models.ini:5: keys = many is no number within 0 to 1024"},
	{"acme/models.ini", "[a 1]\nname = A\ndialect = new\nlines = 1\n", "acme/models.ini:1: model `acme-a 1`: an id is at most 64 of a-z, 0-9, . _ and -"},
	{"acme/models.ini", "[a1]\nx = 1\n[A1]\n", "acme/models.ini:3: section [A1] is there twice"},
	{"acme/models.ini", "[a1]\nname = A\ndialect = new\nlines = 1\nolder = 81\n", "acme/models.ini:5: `81` is not of the form VERSION:DIALECT, such as 81.0:legacy"},
	{"acme/models.ini", "[a1]\nname = A\ndialect = new\nlines = 1\nolder = 81:odl\n", "acme/models.ini:5: unknown dialect `odl`; did you mean `old`?"},
	{"acme/models.ini", "[a1]\nname = A\ndialect = new\nlines = 1\nolder = 2:old 1:old\n", "acme/models.ini:5: `1:old`: the oldest version must come first, and each only once"},
	{"acme/models.ini", "[a1]\nname = A\ndialect = new\nlines = 1\nolder = 2:old 2.0:old\n", "acme/models.ini:5: `2.0:old`: the oldest version must come first, and each only once"},
	{"acme/models.ini", "[a1]\nname = A\ndialect = new\nlines = 1\nagent = X\n[a2]\nname = B\ndialect = new\nlines = 1\nagent = Y, x\n",
		"acme/models.ini:10: agent `x` is acme-a1's already"},
	{"acme/models.ini", "[a1]\nname = A\ndialect = new\nlines = 1\ntemplate = none\n", "!acme/none.tmpl"},
	{"acme/new.tmpl", "x = {{lanugage}}\n", "acme/new.tmpl:1:7: unknown setting `lanugage`; did you mean `language`?"},
	{"acme/common.tmpl", "x = {{language}}\n", "!acme/common.tmpl:1:7: "},
	{"acme/maps.ini", "[a]\nx = #1\n", "acme/maps.ini:2: `x`: a value with ; or # must stand in double quotes (a comment needs a blank before it)"},
};

/* A message that begins with '!' need only begin so. */
START_TEST(test_errors)
{
	struct error error = {0};
	const char *wanted = error_rows[_i].message;
	struct catalogue *catalogue = load_base(error_rows[_i].file, error_rows[_i].text, &error);
	ck_assert_msg(catalogue == NULL, "row %d was taken", _i);
	ck_assert_int_ne(error.code, ERROR_NONE);
	const char *message = *wanted == ':' ? error.message + strlen(unit_folder) : unit_strip(error.message);
	if (*wanted == '!')
		ck_assert_msg(strstr(message, wanted + 1) != NULL, "row %d: %s", _i, message);
	else
		ck_assert_str_eq(message, wanted);
}
END_TEST

START_TEST(test_same_model_id)
{
	struct error error = {0};
	unit_write("acme-a1/vendor.ini", VENDOR DIALECT);
	unit_write("acme-a1/new.tmpl", "x = 1\n");
	unit_write("acme-a1/models.ini", "[b]\nname = B\ndialect = new\nlines = 1\n");
	struct catalogue *catalogue = load_base("acme/models.ini", "[a1-b]\nname = A\ndialect = new\nlines = 1\n", &error);
	nftw(unit_path("acme-a1"), unit_remove, 8, FTW_DEPTH | FTW_PHYS);
	ck_assert_ptr_null(catalogue);
	ck_assert_str_eq(error.message + strlen(unit_folder), ": model `acme-a1-b` is in both acme/models.ini and acme-a1/models.ini");
}
END_TEST

START_TEST(test_no_folder)
{
	struct error error = {0};
	ck_assert_ptr_null(catalogue_load(unit_path("none"), &error));
	ck_assert_str_eq(unit_strip(error.message), "none: No such file or directory");
	ck_assert_ptr_null(catalogue_load(unit_path("none"), NULL));
}
END_TEST

START_TEST(test_real)
{
	struct error error = {0};
	struct catalogue *catalogue = catalogue_load(unit_source("templates"), &error);
	ck_assert_msg(catalogue != NULL, "%s", error.message);
	ck_assert_ptr_nonnull(catalogue_vendor(catalogue, "yealink", 7));
	ck_assert_ptr_nonnull(catalogue_model(catalogue, "yealink-t54w", 12));
	ck_assert_ptr_eq(catalogue_vendor_of_mac(catalogue, &(struct mac){"0c383e000001"}), catalogue_vendor(catalogue, "fanvil", 6));
	/* which of them have encrypted files, and that the settings of these count as used by no other vendor */
	const struct vendor *grandstream = catalogue_vendor(catalogue, "grandstream", 11), *yealink = catalogue_vendor(catalogue, "yealink", 7);
	const struct vendor *fanvil = catalogue_vendor(catalogue, "fanvil", 6);
	ck_assert_ptr_eq(grandstream->encryption, encryption_find("grandstream"));
	ck_assert_ptr_eq(yealink->encryption, encryption_find("yealink"));
	ck_assert_ptr_null(fanvil->encryption);
	ck_assert(catalogue->encryption && catalogue->encryption_announce && catalogue->encryption_key);
	ck_assert(grandstream->uses[catalogue->encryption->index] && yealink->uses[catalogue->encryption_announce->index]);
	ck_assert(!fanvil->uses[catalogue->encryption->index] && !fanvil->uses[catalogue->encryption_key->index]);
	const struct model *model = catalogue_model(catalogue, "grandstream-grp2614", 19);
	ck_assert_str_eq(model_variant_for(model, "1.0.3.6")->dialect->name, "pvalue");
	ck_assert_str_eq(model_variant_for(model, "1.0.5.15")->dialect->name, "alias");
	ck_assert_str_eq(model_variant_for(model, "")->dialect->name, "alias");
	model = catalogue_model(catalogue, "grandstream-gxp2170", 19);
	ck_assert_str_eq(model_variant_for(model, "1.0.11.79")->dialect->name, "pvalue");
	model = catalogue_model(catalogue, "yealink-t46g", 12);
	ck_assert_ptr_null(model_variant_for(model, "28.73.0.1")->dialect->encryption);
	ck_assert_ptr_nonnull(model_variant_for(model, "28.83.0.1")->dialect->encryption);
	catalogue_free(&catalogue);
}
END_TEST

UNIT_MAIN("catalogue", {test_lookups, 0}, {test_models, 0}, {test_version, ROWS(version_rows)}, {test_maps, 0}, {test_digest, 0},
	{test_errors, ROWS(error_rows)}, {test_same_model_id, 0}, {test_no_folder, 0}, {test_real, 0})
