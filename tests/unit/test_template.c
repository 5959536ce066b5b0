/* template.h: what is understood (and printed back as it was understood), and what is refused at which place. */
#include "small.h"

/* source; printed: NULL where that is the source itself */
static const struct { const char *source, *printed; } good_rows[] = {
	{"", NULL},
	{"# only a comment\n\n   \n", ""},
	{"a = 1\n", NULL},
	{"a=1", "a = 1\n"},
	{"  a\t=  1 2  \r\n", "a = 1 2\n"},
	{"a =\n", "a = \n"},
	{"a = b = c\n", NULL},
	{"a = {{title}}\n", NULL},
	{"a = {{ title }}\n", "a = {{title}}\n"},
	{"a = x{{title}}y{{language}}z\n", NULL},
	{"a = {{title:-}}\n", NULL},
	{"a = {{title:-none = x}}\n", NULL},
	{"a = {{language|language:- x }}\n", NULL},
	{"a = {{ language | language | upper :-x}}\n", "a = {{language|language|upper:-x}}\n"},
	{"a = }}{x}\n", NULL},
	{"a = {{title}}}\n", NULL},
	{"x.{{title}} = {{device.mac}}{{device.tenant}}{{device.site}}{{provisioning.user}}{{provisioning.password}}\n", NULL},
	{"a = {{model.name}} {{model.lines}} {{model.colour}} {{model.unknown:-x}}\n", NULL},
	{"a = {{timezone.offset_minutes}}{{timezone.dst_start_hour}}{{timezone}}\n", NULL},
	{"{{#title}}\na = 1\n{{/title}}\n", NULL},
	{"  {{# title }}\n a = 1\n\t{{/ title }}\n", "{{#title}}\na = 1\n{{/title}}\n"},
	{"{{^title}}\na = 1\n{{/title}}\n", NULL},
	{"{{#title}}\n# nothing\n{{/title}}\n", ""},
	{"{{#title}}\n{{#language}}\n{{/language}}\n{{/title}}\nb = 1\n", "b = 1\n"},
	{"{{#sip.transport=udp,tcp}}\na = 1\n{{/sip.transport}}\n", NULL},
	{"{{^sip.transport= tls }}\na = 1\n{{/sip.transport}}\n", "{{^sip.transport=tls}}\na = 1\n{{/sip.transport}}\n"},
	{"{{#codecs=opus}}\na = 1\n{{/codecs}}\n", NULL},
	{"{{#call.waiting=true,false}}\na = 1\n{{/call.waiting}}\n", NULL},
	{"{{#codecs}}\na.{{index}} = {{item|codec}}\n{{/codecs}}\n{{#codecs.rest}}\nb.{{item}} = 0\n{{/codecs.rest}}\n{{^codecs}}\nc = 0\n{{/codecs}}\n", NULL},
	{"{{#lines}}\na.{{line.index}} = {{line.user}}{{line.auth_user}}{{line.display_name}}{{line.label}}{{line.password}}{{sip.server}}\n"
	 "{{#codecs}}\nb.{{line.index}}.{{item}} = {{language}}\n{{/codecs}}\n{{/lines}}\n{{#free_lines}}\nc.{{line.index}} = 0\n{{/free_lines}}\n", NULL},
	{"{{#keys}}\nk.{{key.slot}} = {{key.module}}{{key.type|keytype}}{{key.line:-1}}{{key.value:-}}{{key.label:-}}{{key.extension:-}}\n{{/keys}}\n"
	 "{{#free_keys}}\nk.{{key.slot}}.type = 0\n{{/free_keys}}\n{{#module_keys}}\nm.{{key.module}}.{{key.slot}} = {{key.type}}\n{{/module_keys}}\n"
	 "{{#free_module_keys}}\nm.{{key.module}}.{{key.slot}}.type = 0\n{{/free_module_keys}}\n", NULL},
	/* the same name in other sections is another assignment */
	{"{{#title}}\na = 1\n{{/title}}\n{{^title}}\na = 2\n{{/title}}\n", NULL},
	{"a = 1\n{{#title}}\na = 2\n{{/title}}\n", NULL},
	{"name.with:odd%chars = M\xc3\xbcller\n", NULL},
};

static void check_round_trip(const struct catalogue *catalogue, const char *source, const char *printed)
{
	struct error error = {0};
	struct buf first, second;
	buf_init(&first, 65536);
	buf_init(&second, 65536);
	struct template *template = small_compile_text(catalogue, source, &error);
	ck_assert_msg(template != NULL, "%s: %s", source, error.message);
	template_print(template, &first);
	buf_add(&first, "", 0);
	ck_assert_str_eq(first.data, printed);
	template_free(&template);
	ck_assert_ptr_null(template);
	template = small_compile_text(catalogue, first.data, &error);
	ck_assert_msg(template != NULL, "printed %s: %s", first.data, error.message);
	template_print(template, &second);
	buf_add(&second, "", 0);
	ck_assert_str_eq(second.data, first.data);
	template_free(&template);
	template_free(&template);
	buf_deinit(&first);
	buf_deinit(&second);
}

START_TEST(test_good)
{
	struct catalogue *catalogue = small_catalogue();
	check_round_trip(catalogue, good_rows[_i].source, good_rows[_i].printed ? good_rows[_i].printed : good_rows[_i].source);
	catalogue_free(&catalogue);
}
END_TEST

static const struct { const char *source, *message; } bad_rows[] = {
	{"a = 1\n\n  hello\n", "acme/main.tmpl:3:3: neither `name = value` nor a section"},
	{"= 1\n", "acme/main.tmpl:1:1: no name before the ="},
	{"a = {{titel}}\n", "acme/main.tmpl:1:7: unknown setting `titel`; did you mean `title`?"},
	{"a = {{ sip.serverr }}\n", "acme/main.tmpl:1:8: unknown setting `sip.serverr`; did you mean `sip.server`?"},
	{"a = {{qqqqqqqqqqqqqqqq}}\n", "acme/main.tmpl:1:7: unknown setting `qqqqqqqqqqqqqqqq`"},
	{"a = {{line.usr}}\n", "acme/main.tmpl:1:7: unknown setting `line.usr`; did you mean `line.user`?"},
	{"a = {{}}\n", "acme/main.tmpl:1:7: an empty tag"},
	{"a = {{title\n", "acme/main.tmpl:1:5: this tag is not closed by }}"},
	{"a{{title = 1\n", "acme/main.tmpl:1:1: neither `name = value` nor a section"},
	{"a = {{x:-{{y}}}}\n", "acme/main.tmpl:1:5: a tag inside a tag"},
	{"a = {{language|sprache}}\n", "acme/main.tmpl:1:16: unknown map `sprache`: maps.ini has no section of that name"},
	{"a = {{codecs|pick0}}\n", "acme/main.tmpl:1:14: unknown map `pick0`: maps.ini has no section of that name"},
	{"a = {{codecs|pick1|codec}}\n", "acme/main.tmpl:1:20: pick is the last filter of a tag"},
	{"a = {{language|}}\n", "acme/main.tmpl:1:16: unknown map ``: maps.ini has no section of that name"},
	{"a = {{language:-x|language}}\n", "acme/main.tmpl:1:17: a filter stands before the default: {{name|map:-text}}"},
	{"a b = 1\n", "acme/main.tmpl:1:1: parameter a b: a name is printable ASCII without blanks and ="},
	{"a {{title}} = 1\n", "acme/main.tmpl:1:1: parameter a 1: a name is printable ASCII without blanks and ="},
	{"a = {{line.index}}\n", "acme/main.tmpl:1:7: `line.index` has a meaning only inside {{#lines}} and {{#free_lines}}"},
	{"a = {{line.ha1}}\n", "acme/main.tmpl:1:7: `line.ha1` has a meaning only inside {{#lines}}"},
	{"{{#free_lines}}\n{{#line.realm}}\na = 1\n{{/line.realm}}\n{{/free_lines}}\n",
		"acme/main.tmpl:2:4: `line.realm` has a meaning only inside {{#lines}}"},
	{"a = {{line.user}}\n", "acme/main.tmpl:1:7: `line.user` has a meaning only inside {{#lines}}"},
	{"{{#free_lines}}\na = {{line.user}}\n{{/free_lines}}\n", "acme/main.tmpl:2:7: `line.user` has a meaning only inside {{#lines}}"},
	{"a = {{key.slot}}\n", "acme/main.tmpl:1:7: `key.slot` has a meaning only inside sections of keys"},
	{"{{#free_keys}}\na = {{key.value}}\n{{/free_keys}}\n",
		"acme/main.tmpl:2:7: `key.value` has a meaning only inside {{#keys}} and {{#module_keys}}"},
	{"{{#lines}}\na = {{key.slot}}\n{{/lines}}\n", "acme/main.tmpl:2:7: `key.slot` has a meaning only inside sections of keys"},
	{"{{#keys}}\na = {{line.index}}\n{{/keys}}\n",
		"acme/main.tmpl:2:7: `line.index` has a meaning only inside {{#lines}} and {{#free_lines}}"},
	{"{{#keys}}\n{{#lines}}\n", "acme/main.tmpl:2:1: sections of lines and keys do not nest in one another"},
	{"{{#lines}}\n {{#free_keys}}\n", "acme/main.tmpl:2:2: sections of lines and keys do not nest in one another"},
	{"a = {{item}}\n", "acme/main.tmpl:1:7: `item` has a meaning only inside the section of a list"},
	{"{{^codecs}}\na = {{index}}\n{{/codecs}}\n", "acme/main.tmpl:2:7: `index` has a meaning only inside the section of a list"},
	{"{{^lines}}\n", "acme/main.tmpl:1:1: {{^lines}} has no meaning"},
	{"{{#language.rest}}\n", "acme/main.tmpl:1:1: `.rest` goes with {{# and a setting of type list"},
	{"{{^codecs.rest}}\n", "acme/main.tmpl:1:1: `.rest` goes with {{# and a setting of type list"},
	{"{{#sip.transport=udp,tls,sctp}}\n", "acme/main.tmpl:1:26: `sip.transport` is never `sctp`"},
	{"{{#call.waiting=yes}}\n", "acme/main.tmpl:1:17: `call.waiting` is never `yes`"},
	{"{{#codecs}}\n{{#item=pcmx}}\n", "acme/main.tmpl:2:9: `codecs` is never `pcmx`"},
	{"{{#title}}\na = 1\n", "acme/main.tmpl:1:1: {{#title}} is not closed in this file"},
	{"{{/title}}\n", "acme/main.tmpl:1:1: {{/title}} closes nothing"},
	{"\n{{#title}}\n{{/language}}\n", "acme/main.tmpl:3:1: {{/language}} where {{#title}} of line 2 is to be closed"},
	{"{{#title}} a = 1\n", "acme/main.tmpl:1:1: {{#…}} stands on a line of its own"},
	{"a = {{#title}}\n", "acme/main.tmpl:1:5: {{#…}} stands on a line of its own"},
	{"{{#title\n", "acme/main.tmpl:1:1: this tag is not closed by }}"},
	{"a = 1\na = 2\n", "acme/main.tmpl:2:1: `a` is assigned before, at acme/main.tmpl:1"},
	{"{{#lines}}\na.{{line.index}} = 1\n{{/lines}}\n{{#lines}}\na.{{ line.index }} = 2\n{{/lines}}\n",
		"acme/main.tmpl:5:1: `a.{{line.index}}` is assigned before, at acme/main.tmpl:2"},
	{"a = 1\n{{< base}}\n", "acme/main.tmpl:2:1: {{< …}} comes first of all, and not in what is included"},
	{"{{> ../secret}}\n", "acme/main.tmpl:1:1: a template's name has letters, digits, - and _ only"},
	{"{{>}}\n", "acme/main.tmpl:1:1: which template?"},
	{"{{> gone}}\n", "acme/main.tmpl:1:1: no template gone"},
	{"{{> main}}\n", "acme/main.tmpl:1:1: main.tmpl begins again inside itself"},
	{"a = \x01\n", "acme/main.tmpl:1:5: a control character"},
	{"a = \xff\n", "acme/main.tmpl:1:1: this line is not UTF-8"},
};

START_TEST(test_bad)
{
	struct catalogue *catalogue = small_catalogue();
	struct error error = {0};
	struct template *template = small_compile_text(catalogue, bad_rows[_i].source, &error);
	ck_assert_msg(template == NULL, "compiled: %s", bad_rows[_i].source);
	ck_assert_str_eq(error.message, bad_rows[_i].message);
	ck_assert_int_ne(error.code, ERROR_NONE);
	ck_assert_ptr_null(small_compile_text(catalogue, bad_rows[_i].source, NULL));
	catalogue_free(&catalogue);
}
END_TEST

/* ---- several files ---- */

static const struct { struct small_template files[5]; const char *printed; } file_rows[] = {
	/* in its place; what the base lacks comes behind */
	{{{"main", "{{< base}}\nc = 3\na = mine\n"}, {"base", "a = 1\nb = 2\n"}}, "a = mine\nb = 2\nc = 3\n"},
	/* only within the same sections */
	{{{"main", "# c\n\n{{< base}}\n{{#title}}\na = mine\nn = 1\n{{/title}}\n"}, {"base", "a = 1\n{{#title}}\na = 2\n{{/title}}\nb = 2\n"}},
		"a = 1\n{{#title}}\na = mine\n{{/title}}\nb = 2\n{{#title}}\nn = 1\n{{/title}}\n"},
	{{{"main", "{{< base}}\n{{#lines}}\nu.{{ line.index }} = x\n{{/lines}}\n"}, {"base", "{{#lines}}\nu.{{line.index}} = {{line.user}}\n{{/lines}}\n"}},
		"{{#lines}}\nu.{{line.index}} = x\n{{/lines}}\n"},
	/* three, one on the other */
	{{{"main", "{{< middle}}\na = 3\n"}, {"middle", "{{< base}}\na = 2\nb = 2\n"}, {"base", "a = 1\nb = 1\nc = 1\n"}}, "a = 3\nb = 2\nc = 1\n"},
	/* partials, also inside sections, also replacing */
	{{{"main", "{{< base}}\n{{> part}}\n"}, {"base", "a = 1\n{{#title}}\n{{> part}}\n{{/title}}\n"}, {"part", "a = part\n"}},
		"a = part\n{{#title}}\na = part\n{{/title}}\n"},
	{{{"main", "{{#lines}}\n{{> part}}\n{{/lines}}\n"}, {"part", "p.{{line.index}} = {{line.user}}\n"}}, "{{#lines}}\np.{{line.index}} = {{line.user}}\n{{/lines}}\n"},
};

START_TEST(test_files)
{
	struct catalogue *catalogue = small_catalogue();
	struct error error = {0};
	struct buf out;
	buf_init(&out, 65536);
	struct template *template = small_compile(catalogue, file_rows[_i].files, false, &error);
	ck_assert_msg(template != NULL, "%s", error.message);
	template_print(template, &out);
	ck_assert_str_eq(out.data, file_rows[_i].printed);
	check_round_trip(catalogue, out.data, out.data);
	template_free(&template);
	buf_deinit(&out);
	catalogue_free(&catalogue);
}
END_TEST

static const struct { struct small_template files[4]; bool common; const char *message; } bad_file_rows[] = {
	{{{"main", "{{< base}}\n"}, {"base", "\na = {{x}}\n"}}, false, "acme/base.tmpl:2:7: unknown setting `x`"},
	{{{"main", "a = 1\n{{> part}}\n"}, {"part", "a = 2\n"}}, false, "acme/part.tmpl:1:1: `a` is assigned before, at acme/main.tmpl:1"},
	{{{"main", "{{> part}}\n"}, {"part", "{{< base}}\n"}, {"base", ""}}, false,
		"acme/part.tmpl:1:1: {{< …}} comes first of all, and not in what is included"},
	{{{"main", "{{> part}}\n{{/title}}\n"}, {"part", "{{#title}}\na = 1\n"}}, false, "acme/part.tmpl:1:1: {{#title}} is not closed in this file"},
	{{{"main", "{{#title}}\n{{> part}}\n"}, {"part", "{{/title}}\n"}}, false, "acme/part.tmpl:1:1: {{/title}} closes nothing"},
	{{{"main", "{{< base}}\n"}, {"base", "{{< main}}\n"}}, false, "acme/base.tmpl:1:1: main.tmpl begins again inside itself"},
	{{{"main", "a = {{device.mac}}\n"}}, true,
		"acme/main.tmpl:1:7: `device.mac` in a common template: a file that all phones share can only have {{model.…}}"},
	{{{"main", "a = {{model.name}}\n{{#language}}\n"}}, true,
		"acme/main.tmpl:2:4: `language` in a common template: a file that all phones share can only have {{model.…}}"},
	{{{"main", "{{#lines}}\n"}}, true, "acme/main.tmpl:1:1: {{#lines}} in a common template: a file that all phones share can only have {{model.…}}"},
	{{{"other", ""}}, false, "no template main"},
};

START_TEST(test_bad_files)
{
	struct catalogue *catalogue = small_catalogue();
	struct error error = {0};
	ck_assert_ptr_null(small_compile(catalogue, bad_file_rows[_i].files, bad_file_rows[_i].common, &error));
	ck_assert_str_eq(error.message, bad_file_rows[_i].message);
	catalogue_free(&catalogue);
}
END_TEST

START_TEST(test_limits)
{
	struct catalogue *catalogue = small_catalogue();
	struct error error = {0};
	struct buf text;
	buf_init(&text, 1 << 22);
	for (int i = 0; i < 17; i++)
		buf_add_string(&text, "{{#title}}\n");
	ck_assert_ptr_null(small_compile_text(catalogue, text.data, &error));
	ck_assert_str_eq(error.message, "acme/main.tmpl:17:1: sections nested deeper than 16");
	buf_clear(&text);
	buf_add_string(&text, "a = ");
	for (int i = 0; i < 25; i++)
		buf_add_string(&text, "{{title}}");
	ck_assert_ptr_null(small_compile_text(catalogue, text.data, &error));
	ck_assert_str_eq(error.message, "acme/main.tmpl:1:221: more than 24 pieces in one assignment");
	buf_clear(&text);
	for (int i = 0; i < 9000; i++)
		buf_add_char(&text, 'a');
	ck_assert_ptr_null(small_compile_text(catalogue, text.data, &error));
	ck_assert_str_eq(error.message, "acme/main.tmpl:1:1: a line longer than 8192 bytes");
	buf_clear(&text);
	for (int i = 0; i < 65537; i++)
		buf_printf(&text, "a%d = 1\n", i);
	ck_assert_ptr_null(small_compile_text(catalogue, text.data, &error));
	ck_assert_str_eq(error.message, "acme/main.tmpl:65537:1: a template of more than 65536 assignments and sections");
	buf_deinit(&text);
	catalogue_free(&catalogue);
}
END_TEST

START_TEST(test_uses)
{
	static const char source[] = "{{#sip.transport=tls}}\na = {{title}}{{timezone.dst}}{{device.mac}}\n{{/sip.transport}}\n"
		"{{#free_module_keys}}\nx.{{key.slot}} = {{index:-}}\n{{/free_module_keys}}\n";
	static const char fine[] = "{{#sip.transport=tls}}\na = {{title}}{{timezone.dst}}{{device.mac}}\n{{/sip.transport}}\n"
		"{{#free_module_keys}}\nx.{{key.slot}} = 0\n{{/free_module_keys}}\n";
	static const char *const used[] = {"sip.transport", "title", "timezone", "expansion.modules"};
	struct catalogue *catalogue = small_catalogue();
	struct error error = {0};
	bool uses[64] = {0};
	ck_assert_ptr_null(small_compile_text(catalogue, source, &error));
	struct template *template = small_compile_text(catalogue, fine, &error);
	ck_assert_msg(template != NULL, "%s", error.message);
	template_uses(template, uses);
	size_t count = 0;
	for (uint32_t i = 0; i < catalogue->dictionary->count; i++)
		count += uses[i];
	ck_assert_uint_eq(count, ROWS(used));
	for (size_t i = 0; i < ROWS(used); i++)
		ck_assert_msg(uses[dictionary_find(catalogue->dictionary, used[i], strlen(used[i]))->index], "%s", used[i]);
	template_free(&template);
	catalogue_free(&catalogue);
}
END_TEST

UNIT_MAIN("template", {test_good, ROWS(good_rows)}, {test_bad, ROWS(bad_rows)}, {test_files, ROWS(file_rows)}, {test_bad_files, ROWS(bad_file_rows)},
	{test_limits, 0}, {test_uses, 0})
