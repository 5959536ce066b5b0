/* render.h: what tags stand for, ranks, raw parameters, errors. `test_render -b [rounds]` measures instead. */
#include "rendered.h"

struct render_row { const char *source, *expected; };

static const struct render_row good_rows[] = {
	/* ranks */
	{"a = 1\n", "a=1@1\n"},
	{"a = {{language}}\n", "a=de@2\n"},
	{"a = {{sip.server}}\n", "a=pbx.example@3\n"},
	{"a = {{sip.port}}\n", "a=5060@1\n"},
	{"a = {{language}} {{title}}\n", "a=de Hello@6\n"},
	{"a.{{title}} = {{language}}\n", "a.Hello=de@6\n"},
	{"{{#title}}\na = 1\n{{/title}}\n{{^call.waiting}}\nb = 2\n{{/call.waiting}}\n", "a=1@6\nb=2@1\n"},
	{"{{#language=de}}\n{{#title}}\na = 1\n{{/title}}\nb = 1\n{{/language}}\nc = 1\n", "a=1@6\nb=1@2\nc=1@1\n"},
	{"a = {{device.mac}}/{{device.tenant}}/{{device.site}}\nb = {{provisioning.user}}:{{provisioning.password}}\n",
		"a=00aabb000001/acme-corp/@1\nb=00aabb000001:token@1!\n"},
	{"a = {{admin.password}}\n", "a=geheim@6!\n"},
	{"a = {{model.name}} {{model.lines}} {{model.keys}} {{model.modules}} {{model.module_keys}} {{model.colour}} {{model.size:-none}}\n",
		"a=A-1 3 4 2 2 blue none@1\n"},
	{"{{#model.colour=blue}}\na = 1\n{{/model.colour}}\n{{#model.size}}\nb = {{model.size}}\n{{/model.size}}\n", "a=1@1\n"},
	/* defaults, filters */
	{"a = {{voicemail.number:-}}\nb = {{voicemail.number:-none}}\nc = {{title:-none}}\n", "a=@1\nb=none@1\nc=Hello@6\n"},
	{"a = {{language|language}}\nb = {{language|language|upper}}\nc = {{title|upper}}\n", "a=German@2\nb=GERMAN@2\nc=HELLO@6\n"},
	{"a = {{language|upper|lower}}\n", "a=from the map@2\n"},
	{"a = {{interval|minutes:-x}}\n", "a=x@1\n"},
	{"a = {{codecs|codec}}\nb = {{codecs|upper}}\nc = {{codecs}}\n", "a=G722,PCMA@1\nb=G722,PCMA@1\nc=g722,pcma@1\n"},
	/* parts of URLs, hosts before ports, dial plans, places of a list */
	{"a = {{home|scheme}}\nb = {{home|schemeless}}\nc = {{home|scheme|upper}}\n", "a=https@6\nb=pbx.example:8443/p@6\nc=HTTPS@6\n"},
	{"a = {{sip.server|uri_host}}:{{sip.port}}\nb = {{address|uri_host}}:1\n", "a=pbx.example:5060@3\nb=[2001:db8::1]:1@6\n"},
	{"a = {{plan|x_plus}}\nb = {{title|pick3}}\n", "a={ 0x+ | [2-9]xx | *xx# }@6\nb=Hello@6\n"},
	{"a = {{codecs|codec|pick1}}\nb = {{codecs|codec|pick2}}\nc = {{codecs|codec|pick9}}\nd = {{codecs|pick2}}\n", "a=G722@1\nb=PCMA@1\nc=G722@1\nd=pcma@1\n"},
	{"{{#lines}}\n{{#line.index=1}}\na = {{codecs|codec|pick1}}{{codecs|codec|pick2}}{{codecs|codec|pick3}}\n{{/line.index}}\n{{/lines}}\n", "a=PCMAG722PCMA@8\n"},
	/* time zone */
	{"a = {{timezone}} {{timezone.offset_minutes}} {{timezone.offset_hm}} {{timezone.offset_quarters}} {{timezone.dst}} {{timezone.dst_minutes}}\n",
		"a=Europe/Berlin 60 +1 4 true 60@4\n"},
	{"a = {{timezone.dst_start_month}}/{{timezone.dst_start_week}}/{{timezone.dst_start_weekday|weekday}}/{{timezone.dst_start_hour}} "
	 "{{timezone.dst_end_month}}/{{timezone.dst_end_week}}/{{timezone.dst_end_weekday}}/{{timezone.dst_end_hour}}\n", "a=3/5/7/2 10/5/0/3@4\n"},
	{"{{#timezone.dst}}\na = 1\n{{/timezone.dst}}\n{{^timezone.dst}}\nb = 1\n{{/timezone.dst}}\n", "a=1@4\n"},
	/* lines */
	{"{{#lines}}\nu{{line.index}} = {{line.user}} {{line.auth_user}} {{line.display_name}}\n{{/lines}}\n", "u1=101 101 Anna@7\nu3=103 103 103@7\n"},
	{"{{#lines}}\np{{line.index}} = {{line.password}}\nl{{line.index}} = {{line.label}}\nc{{line.index}} = 1\n{{/lines}}\n",
		"p1=secret@7!\nl1=Anna@7\nc1=1@1\np3=secret@7!\nl3=Door@8\nc3=1@1\n"},
	{"{{#lines}}\n{{line.index}}.port = {{sip.port}}\n{{line.index}}.lang = {{language}}\n{{/lines}}\nport = {{sip.port}}\n",
		"1.port=5070@7\n1.lang=de@2\n3.port=5060@1\n3.lang=de@2\nport=5060@1\n"},
	/* filters of URIs */
	{"{{#lines}}\n{{#line.index=1}}\na = \"{{line.display_name|quoted}}\" <sip:{{line.user|percent}}@{{sip.server|uri_host}}>\n{{/line.index}}\n{{/lines}}\n",
		"a=\"Anna\" <sip:101@pbx.example>@7\n"},
	{"a = {{timezone.offset_minutes|seconds}}\nb = {{model.lines|seconds}}\nc = {{title|quoted}}{{title|percent}}{{title|uri_host}}\n",
		"a=3600@4\nb=180@1\nc=HelloHelloHello@6\n"},
	/* HA1 */
	{"{{#lines}}\nh{{line.index}} = {{line.ha1}}\ns{{line.index}} = {{line.ha1_sha256}}\nr{{line.index}} = {{line.realm}}\n{{/lines}}\n",
		"h1=5ed10b7a8aebdfaf3ac3b7e2cd05f7cb@7!\ns1=1c4e28f35ded08764d09cb577871e05639e8920ab935a0e92937c52dcd92daa7@7!\nr1=pbx.example@3\n"
		"h3=f9f619167aa9aa1f5999d92e3b2cf4f6@7!\ns3=2df47da23e263d318e660287c1fa17d761d51eb288554126917d09108c2e8001@7!\nr3=pbx.example@3\n"},
	{"{{#lines}}\n{{#line.ha1}}\nh{{line.index}} = <{{line.ha1}}>\nn{{line.index}} =\n{{/line.ha1}}\n{{^line.ha1}}\np{{line.index}} = {{line.password}}\n{{/line.ha1}}\n{{/lines}}\n",
		"h1=<5ed10b7a8aebdfaf3ac3b7e2cd05f7cb>@7!\nn1=@7\nh3=<f9f619167aa9aa1f5999d92e3b2cf4f6>@7!\nn3=@7\n"},
	{"{{#free_lines}}\nf{{line.index}} = {{sip.port}}\n{{/free_lines}}\n", "f2=5060@1\n"},
	/* lists */
	{"{{#lines}}\n{{#codecs}}\n{{line.index}}.{{item|codec}} = {{index}}\n{{/codecs}}\n{{/lines}}\n", "1.PCMA=1@8\n1.G722=2@8\n3.G722=1@1\n3.PCMA=2@1\n"},
	{"{{#codecs}}\n{{item}} = {{index}}\n{{/codecs}}\n", "g722=1@1\npcma=2@1\n"},
	{"{{#codecs.rest}}\n{{item}} = {{index}}\n{{/codecs.rest}}\n", "opus=1@1\npcmu=2@1\ng729=3@1\n"},
	{"{{#codecs.rest}}\n{{item|codec}} = {{index}}\n{{/codecs.rest}}\n", "G729=1@1\n"},
	{"{{#codecs}}\n{{#item=pcma}}\na = {{item|upper}}\n{{/item}}\n{{/codecs}}\n", "a=PCMA@1\n"},
	{"{{#codecs=g722,opus}}\na = 1\n{{/codecs}}\n{{#codecs=opus}}\nb = 1\n{{/codecs}}\n{{^codecs=opus}}\nc = 1\n{{/codecs}}\n", "a=1@1\nc=1@1\n"},
	{"{{#codecs}}\n{{#codecs.rest}}\n{{index}}.{{item}} = 1\n{{/codecs.rest}}\nx.{{index}}.{{item}} = 2\n{{/codecs}}\n",
		"1.opus=1@1\n2.pcmu=1@1\n3.g729=1@1\nx.1.g722=2@1\n1.opus=1@1\n2.pcmu=1@1\n3.g729=1@1\nx.2.pcma=2@1\n"},
	/* keys */
	{"{{#keys}}\nk{{key.slot}} = {{key.type|keytype}} {{key.value:-none}} {{key.line:-0}}\n{{/keys}}\n", "k1=16 201 0@5\nk3=15 none 0@6\n"},
	{"{{#keys}}\nk{{key.index}} = 1\n{{/keys}}\n{{#free_keys}}\nf{{key.index}} = 0\n{{/free_keys}}\n", "k0=1@5\nk2=1@6\nf1=0@1\nf3=0@1\n"},
	{"{{#module_keys}}\nm{{key.index}} = 1\n{{/module_keys}}\n{{#free_module_keys}}\nm = {{key.index}}\n{{/free_module_keys}}\n", "m5=1@6\nm=4@1\n"},
	{"{{#free_keys}}\nk{{key.slot}} = {{key.module}}\n{{/free_keys}}\n", "k2=0@1\nk4=0@1\n"},
	{"{{#module_keys}}\nm{{key.module}}.{{key.slot}} = 1\n{{/module_keys}}\n{{#free_module_keys}}\nm{{key.module}}.{{key.slot}} = 0\n{{/free_module_keys}}\n",
		"m1.2=1@6\nm1.1=0@1\n"},
	{"{{#keys}}\n{{#key.value}}\nv{{key.slot}} = {{key.value}}\n{{/key.value}}\n{{^key.type=blf}}\nn{{key.slot}} = {{key.type}}\n{{/key.type}}\n{{/keys}}\n",
		"v1=201@5\nn3=line@6\n"},
};

START_TEST(test_good)
{
	begin();
	small_lay(&phone);
	expect(good_rows[_i].source, good_rows[_i].expected);
	end();
}
END_TEST

/* One more row first, then the template. */
struct row_row { enum layer layer; const char *name, *value; const char *source, *expected; };

static const struct row_row row_rows[] = {
	{LAYER_DEVICE, "interval", "61", "a = {{interval|minutes}} {{interval|hours}}\n", "a=2 2@6\n"},
	{LAYER_DEVICE, "interval", "0", "a = {{interval|minutes}}\n{{#interval}}\nb = 1\n{{/interval}}\n", "a=0@6\nb=1@6\n"},
	{LAYER_DEVICE, "call.waiting", "false", "{{#call.waiting}}\na = 1\n{{/call.waiting}}\n{{^call.waiting}}\nb = {{call.waiting|bool}}\n{{/call.waiting}}\n",
		"b=0@6\n"},
	{LAYER_DEVICE, "call.waiting", "true", "{{#call.waiting}}\na = {{call.waiting|bool}}\n{{/call.waiting}}\n", "a=1@6\n"},
	{LAYER_DEVICE, "timezone", "Asia/Kolkata", "a = {{timezone.offset_hm}} {{timezone.offset_quarters}} {{timezone.dst}} {{timezone.dst_minutes}}\n",
		"a=+5:30 22 false 0@6\n"},
	{LAYER_DEVICE, "timezone", "America/St_Johns", "a = {{timezone.offset_hm}} {{timezone.offset_minutes}}\n", "a=-3:30 -210@6\n"},
	{LAYER_DEVICE, "timezone", "UTC", "a = {{timezone.offset_hm}}\nb = {{timezone.dst_end_week:-none}}\n", "a=0@6\nb=none@6\n"},
	{LAYER_DEVICE, "codecs", "", "a = {{codecs|codec}}\n{{#codecs}}\nb = 1\n{{/codecs}}\n{{^codecs}}\nc = 1\n{{/codecs}}\n{{#codecs.rest}}\n{{item}} = 0\n{{/codecs.rest}}\n",
		"a=@6\nc=1@6\nopus=0@6\ng722=0@6\npcma=0@6\npcmu=0@6\ng729=0@6\n"},
	{LAYER_DEVICE, "codecs", "opus", "a = {{codecs|codec}}\n{{#codecs}}\n{{index}} = {{item|codec}}\n{{/codecs}}\n", "a=@6\n"},
	{LAYER_DEVICE, "title", "{{sip.server}}\n<&>", "a = {{title}}.\n", "a={{sip.server}}\n<&>.@6\n"},
	{LAYER_DEVICE, "expansion.modules", "2", "{{#free_module_keys}}\n{{key.module}}.{{key.slot}} = 0\n{{/free_module_keys}}\n",
		"1.1=0@6\n2.1=0@6\n2.2=0@6\n"},
};

START_TEST(test_rows)
{
	begin();
	small_set(&phone, row_rows[_i].layer, row_rows[_i].name, row_rows[_i].value);
	small_lay(&phone);
	expect(row_rows[_i].source, row_rows[_i].expected);
	end();
}
END_TEST

/* ---- raw parameters against the template ---- */

struct raw { enum layer layer; const char *name, *value; };

static const struct { const char *source; struct raw raws[5]; const char *expected; } raw_rows[] = {
	{"a = {{title}}\nb = 1\n", {{LAYER_DEVICE, "a", "raw"}}, "a=raw@6\nb=1@1\n"},
	{"a = {{title}}\nb = 1\n", {{LAYER_SITE, "a", "raw"}}, "a=Hello@6\nb=1@1\n"},
	{"a = {{title}}\nb = 1\n", {{LAYER_LINE, "a", "raw"}}, "a=raw@8\nb=1@1\n"},
	{"a = {{title}}\nb = 1\n", {{LAYER_DEVICE, "a", NULL}}, "b=1@1\n"},
	{"a = {{title}}\nb = 1\n", {{LAYER_SITE, "a", NULL}}, "a=Hello@6\nb=1@1\n"},
	{"a = {{title}}\nb = 1\n", {{LAYER_PROVIDER, "b", NULL}}, "a=Hello@6\n"},
	{"a = 1\n", {{LAYER_DEVICE, "z", "1"}, {LAYER_DEVICE, "y", "2"}, {LAYER_PROVIDER, "zz", "3"}}, "a=1@1\nzz=3@2\ny=2@6\nz=1@6\n"},
	{"a = 1\n", {{LAYER_TENANT, "z", "1"}, {LAYER_DEVICE, "z", NULL}}, "a=1@1\n"},
	{"a = 1\n", {{LAYER_TENANT, "a", NULL}, {LAYER_DEVICE, "a", "2"}}, "a=2@6\n"},
	{"{{#lines}}\nl.{{line.index}} = {{line.label}}\n{{/lines}}\n", {{LAYER_ACCOUNT, "l.1", "x"}, {LAYER_DEVICE, "l.3", "y"}}, "l.1=x@7\nl.3=Door@8\n"},
	{"{{#keys}}\nk.{{key.slot}} = 1\n{{/keys}}\n", {{LAYER_SITE, "k.1", "x"}, {LAYER_PROFILE, "k.3", "y"}}, "k.1=1@5\nk.3=1@6\n"},
	{"{{#keys}}\nk.{{key.slot}} = 1\n{{/keys}}\n", {{LAYER_PROFILE, "k.1", "x"}, {LAYER_DEVICE, "k.3", "y"}}, "k.1=x@5\nk.3=y@6\n"},
	{"abcdefgh = 1\nabcdefgi = 1\n", {{LAYER_PROFILE, "abcdefgi", "x"}, {LAYER_DEVICE, "abcdefgj", ""}}, "abcdefgh=1@1\nabcdefgi=x@5\nabcdefgj=@6\n"},
};

START_TEST(test_raw)
{
	begin();
	for (const struct raw *raw = raw_rows[_i].raws; raw->name; raw++)
		small_raw(&phone, raw->layer, raw->name, raw->value);
	small_lay(&phone);
	expect(raw_rows[_i].source, raw_rows[_i].expected);
	end();
}
END_TEST

/* More raw parameters than any mask tells apart. */
START_TEST(test_many_raw)
{
	static struct layer_parameter many[3000];
	static char names[3000][16];
	struct error error = {0};
	struct parameters parameters;
	struct buf source;
	buf_init(&source, 1 << 20);
	begin();
	for (int i = 0; i < 3000; i++) {
		snprintf(names[i], sizeof names[i], "p.%d", i);
		many[i] = (struct layer_parameter){.vendor = phone.stack.model->vendor->index, .name = names[i], .name_length = (uint32_t)strlen(names[i]),
			.text = i % 3 ? "raw" : NULL, .length = i % 3 ? 3 : 0};
		if (i < 1500)
			buf_printf(&source, "p.%d = 1\n", i);
	}
	phone.rows[LAYER_TENANT].parameters = many;
	phone.rows[LAYER_TENANT].parameter_count = 3000;
	small_lay(&phone);
	struct template *template = compile(source.data);
	ck_assert_int_eq(render(template, &phone.stack, &phone.arena, &parameters, NULL, &error), ERROR_NONE);
	ck_assert_uint_eq(parameters.count, 2000);
	for (uint32_t i = 0; i < parameters.count; i++)
		ck_assert_str_eq(parameters.list[i].text, "raw");
	ck_assert_int_eq(parameters_check_unique(&parameters, &error), ERROR_NONE);
	template_free(&template);
	buf_deinit(&source);
	end();
}
END_TEST

/* ---- extends: whose line is it ---- */

START_TEST(test_own_rank)
{
	static const struct small_template files[] = {{"main", "{{< base}}\nb = {{sip.port}}\nd = 1\n{{> part}}\n"}, {"base", "a = 1\nb = 1\nc = {{sip.port}}\n"},
		{"part", "e = 1\n"}, {NULL, NULL}};
	struct error error = {0};
	struct parameters parameters;
	struct buf out;
	buf_init(&out, 4096);
	begin();
	small_lay(&phone);
	struct template *template = small_compile(catalogue, files, false, &error);
	ck_assert_msg(template != NULL, "%s", error.message);
	ck_assert_int_eq(render(template, &phone.stack, &phone.arena, &parameters, NULL, &error), ERROR_NONE);
	append(&out, &parameters);
	ck_assert_str_eq(out.data, "a=1@0\nb=5060@1\nc=5060@0\nd=1@1\ne=1@0\n");
	ck_assert_str_eq(parameters.list[1].place->file, "acme/main.tmpl");
	ck_assert_uint_eq(parameters.list[1].place->line, 2);
	ck_assert_str_eq(parameters.list[2].place->file, "acme/base.tmpl");
	template_free(&template);
	buf_deinit(&out);
	end();
}
END_TEST

/* ---- errors ---- */

static const struct row_row bad_rows[] = {
	{LAYER_DEVICE, "interval", "1", "a = 1\nb = x{{voicemail.number}}\n", "acme/main.tmpl:2:6: `voicemail.number` has no value"},
	{LAYER_TENANT, "sip.server", NULL, "{{#lines}}\na.{{line.index}} = {{sip.server}}\n{{/lines}}\n",
		"acme/main.tmpl:2:20: `sip.server` has no value on line 1"},
	{LAYER_TENANT, "sip.realm", NULL, "{{#lines}}\na = {{line.ha1}}\n{{/lines}}\n", "acme/main.tmpl:2:5: `line.ha1` has no value on line 1"},
	{LAYER_TENANT, "sip.realm", NULL, "{{#lines}}\na = {{line.realm}}\n{{/lines}}\n", "acme/main.tmpl:2:5: `line.realm` has no value on line 1"},
	{LAYER_DEVICE, "interval", "1", "{{#keys}}\nk.{{key.slot}} = {{key.value}}\n{{/keys}}\n",
		"acme/main.tmpl:2:18: `key.value` has no value on key 3 of module 0"},
	{LAYER_DEVICE, "sip.transport", "tls", "a = {{sip.transport|transport}}\n",
		"acme/main.tmpl:1:5: `sip.transport` is `tls`, which this vendor's map transport lacks"},
	{LAYER_DEVICE, "codecs", "pcma,pcmu", "a = {{codecs|codec}}\n", "acme/main.tmpl:1:5: `codecs` is `pcmu`, which this vendor's map codec lacks"},
	{LAYER_DEVICE, "codecs", "pcma,pcmu", "{{#codecs}}\na.{{item|codec}} = 1\n{{/codecs}}\n",
		"acme/main.tmpl:2:3: `item` is `pcmu`, which this vendor's map codec lacks"},
	{LAYER_DEVICE, "interval", "1", "a = {{admin.password|language}}\n", "acme/main.tmpl:1:5: map language lacks the value of `admin.password`"},
	{LAYER_DEVICE, "interval", "1", "a = {{title|minutes}}\n", "acme/main.tmpl:1:5: `title` goes through minutes and is no number"},
	{LAYER_DEVICE, "interval", "1", "a = {{title|scheme}}\n", "acme/main.tmpl:1:5: `title` goes through scheme and is no URL"},
	{LAYER_DEVICE, "title", "://x", "a = {{title|schemeless}}\n", "acme/main.tmpl:1:5: `title` goes through schemeless and is no URL"},
	/* a dot that may stand for nothing, a timer in between, what is no element, nothing at all */
	{LAYER_DEVICE, "plan", "0x.", "a = {{plan|x_plus}}\n", "acme/main.tmpl:1:5: `plan` goes through x_plus and is not to be said as a plan of x and x+"},
	{LAYER_DEVICE, "plan", "xx.x.", "a = {{plan|x_plus}}\n", "acme/main.tmpl:1:5: `plan` goes through x_plus and is not to be said as a plan of x and x+"},
	{LAYER_DEVICE, "plan", "0Tx", "a = {{plan|x_plus}}\n", "acme/main.tmpl:1:5: `plan` goes through x_plus and is not to be said as a plan of x and x+"},
	{LAYER_DEVICE, "plan", "[2-9", "a = {{plan|x_plus}}\n", "acme/main.tmpl:1:5: `plan` goes through x_plus and is not to be said as a plan of x and x+"},
	{LAYER_DEVICE, "plan", "[]", "a = {{plan|x_plus}}\n", "acme/main.tmpl:1:5: `plan` goes through x_plus and is not to be said as a plan of x and x+"},
	{LAYER_DEVICE, "plan", "x}x", "a = {{plan|x_plus}}\n", "acme/main.tmpl:1:5: `plan` goes through x_plus and is not to be said as a plan of x and x+"},
	{LAYER_DEVICE, "plan", "11|", "a = {{plan|x_plus}}\n", "acme/main.tmpl:1:5: `plan` goes through x_plus and is not to be said as a plan of x and x+"},
	{LAYER_DEVICE, "plan", "|11", "a = {{plan|x_plus}}\n", "acme/main.tmpl:1:5: `plan` goes through x_plus and is not to be said as a plan of x and x+"},
	{LAYER_DEVICE, "plan", ".", "a = {{plan|x_plus}}\n", "acme/main.tmpl:1:5: `plan` goes through x_plus and is not to be said as a plan of x and x+"},
	{LAYER_DEVICE, "interval", "1", "a = {{model.size}}\n", "acme/main.tmpl:1:5: `model.size` has no value"},
	{LAYER_DEVICE, "timezone", "UTC", "a = {{timezone.dst_start_month}}\n",
		"acme/main.tmpl:1:5: `timezone.dst_start_month` of the time zone UTC: it has no daylight saving"},
};

START_TEST(test_bad)
{
	struct error error = {0};
	struct parameters parameters = {.count = 7};
	begin();
	small_set(&phone, bad_rows[_i].layer, bad_rows[_i].name, bad_rows[_i].value);
	small_lay(&phone);
	struct template *template = compile(bad_rows[_i].source);
	ck_assert_int_ne(render(template, &phone.stack, &phone.arena, &parameters, NULL, &error), ERROR_NONE);
	ck_assert_str_eq(error.message, bad_rows[_i].expected);
	ck_assert(parameters.list == NULL && parameters.count == 0);
	ck_assert_int_eq(render(template, &phone.stack, &phone.arena, &parameters, NULL, NULL), error.code);
	template_free(&template);
	end();
}
END_TEST

START_TEST(test_too_many)
{
	struct error error = {0};
	struct parameters parameters;
	struct buf source;
	buf_init(&source, 1 << 22);
	begin();
	small_lay(&phone);
	buf_add_string(&source, "{{#lines}}\n");
	for (int i = 0; i < 33000; i++)
		buf_printf(&source, "%d.{{line.index}} = 1\n", i);
	buf_add_string(&source, "{{/lines}}\n");
	struct template *template = compile(source.data);
	ck_assert_int_eq(render(template, &phone.stack, &phone.arena, &parameters, NULL, &error), ERROR_RANGE);
	ck_assert_str_eq(error.message, "more than 65536 parameters");
	template_free(&template);
	buf_deinit(&source);
	end();
}
END_TEST

START_TEST(test_common)
{
	static const struct small_template files[] = {{"main", "a = {{model.name}}\n{{#model.colour=blue}}\nb = {{model.size:-none}}\n{{/model.colour}}\n"}, {NULL, NULL}};
	struct error error = {0};
	struct parameters parameters;
	struct buf out;
	buf_init(&out, 4096);
	begin();
	struct template *template = small_compile(catalogue, files, true, &error);
	ck_assert_msg(template != NULL, "%s", error.message);
	ck_assert_int_eq(render_common(template, small_model(catalogue), &phone.arena, &parameters, &error), ERROR_NONE);
	append(&out, &parameters);
	ck_assert_str_eq(out.data, "a=A-1@1\nb=none@1\n");
	template_free(&template);
	buf_deinit(&out);
	end();
}
END_TEST

/* A template that was compiled without a model is told by the phone's. */
START_TEST(test_model_later)
{
	static const struct small_template files[] = {{"main", "a = {{model.colour|upper}} {{model.lines}} {{model.size:-x}}\nb = {{model.size}}\n"}, {NULL, NULL}};
	const struct template_source source = {.read = small_read, .context = (void *)(uintptr_t)files, .prefix = ""};
	struct error error = {0};
	struct parameters parameters;
	begin();
	small_lay(&phone);
	struct template *template = template_compile(&source, "main", phone.stack.model->vendor, catalogue->dictionary, NULL, LAYER_VENDOR, false, NULL, &error);
	ck_assert_msg(template != NULL, "%s", error.message);
	ck_assert_int_eq(render(template, &phone.stack, &phone.arena, &parameters, NULL, &error), ERROR_MISSING);
	ck_assert_str_eq(error.message, "main.tmpl:2:5: `model.size` has no value");
	template_free(&template);
	end();
}
END_TEST

START_TEST(test_unique)
{
	struct error error = {0};
	struct parameters parameters;
	begin();
	small_lay(&phone);
	struct template *template = compile("a.1 = 0\n{{#codecs}}\na.{{index}} = {{item}}\n{{/codecs}}\n");
	ck_assert_int_eq(render(template, &phone.stack, &phone.arena, &parameters, NULL, &error), ERROR_NONE);
	ck_assert_int_eq(parameters_check_unique(&parameters, &error), ERROR_SYNTAX);
	ck_assert_str_eq(error.message, "acme/main.tmpl:3: parameter a.1 is also assigned at acme/main.tmpl:1");
	template_free(&template);
	end();
}
END_TEST

START_TEST(test_unique_tags)
{
	struct error error = {0};
	struct parameters parameters;
	begin();
	small_lay(&phone);
	struct template *template = compile("a = 0\na@b = 1\na@{{model.colour}} = 2\n");
	ck_assert_int_eq(render(template, &phone.stack, &phone.arena, &parameters, NULL, &error), ERROR_NONE);
	ck_assert_int_eq(parameters_check_unique(&parameters, &error), ERROR_NONE);
	template_free(&template);
	end();
}
END_TEST

/* ---- what was looked at when the template was compiled ---- */

/* A writer that trusts it and one that looks at everything itself come to the same. */
static const char *const known_rows[] = {
	"x = 1\nempty =\nnull = %NULL%\nlong.fixed.name.of.many.bytes = https://phones.example.net/some/very/long/path?that=needs&many=blocks\n",
	"x =  a\n", "x = {{title}}\n", "x = {{title:-#}}\n", "x = {{title:- a}}\n", "x = {{title:-%NULL%}}\n", "x = \xc3\xa4\n", "x = #a\n",
	"{{#codecs}}\nc.{{item|codec}} = {{index}}\nc.{{index}}.x = {{item|codec|upper}}\n{{/codecs}}\n{{#codecs.rest}}\nd.{{item|codec}} = 0\n{{/codecs.rest}}\n",
	"{{#lines}}\nl{{line.index}}.u = {{line.user}}\nl{{line.index}}@t{{line.index}} = {{line.password}}\n{{#codecs}}\nl{{line.index}}.{{item|codec}}.e = {{sip.transport|transport}}\n"
	"{{/codecs}}\n{{/lines}}\n{{#free_lines}}\nl{{line.index}}.u = %NULL%\n{{/free_lines}}\n",
	"{{#keys}}\nk{{key.slot}} = {{key.type|keytype}}\nk{{key.slot}}.v = {{key.value:-%NULL%}}\nk{{key.slot}}.l = {{key.line:-1}}\n{{/keys}}\n"
	"{{#free_keys}}\nk{{key.slot}} = {{key.slot}}\n{{/free_keys}}\n{{#free_module_keys}}\nm{{key.module}}.{{key.slot}} = 0\n{{/free_module_keys}}\n",
	"x = {{title}} {{title}}\ny = {{language|language}}\nz = {{interval|minutes:-0}}\n",
};

static const char *const known_titles[] = {"plain", "exactly sixteen.", "", " a", "a ", "#a", "%NULL%", "\xc3\xb6", "a\xff", "more than sixteen bytes\nof it",
	"a title that is longer than thirty-two bytes \xe2\x82\xac", "\x7f"};

START_TEST(test_known)
{
	struct error errors[2] = {{0}, {0}};
	struct parameters parameters;
	struct buf out[2];
	begin();
	small_set(&phone, LAYER_DEVICE, "title", known_titles[_i % ROWS(known_titles)]);
	small_set(&phone, LAYER_DEVICE, "interval", "61");
	small_lay(&phone);
	struct template *template = compile(known_rows[_i / ROWS(known_titles)]);
	const struct dialect *dialect = &phone.stack.model->vendor->dialects[0];
	ck_assert_msg(render(template, &phone.stack, &phone.arena, &parameters, NULL, &errors[0]) == ERROR_NONE, "%s", errors[0].message);
	ck_assert_ptr_nonnull(parameters.checked_by);
	for (int i = 0; i < 2; i++) {
		buf_init(&out[i], 1 << 20);
		enum error_code code = dialect->writer->write(dialect, &parameters, &out[i], &errors[i]);
		ck_assert_int_eq(code, errors[i].code);
		parameters.checked_by = NULL;
		for (uint32_t k = 0; k < parameters.count; k++)
			parameters.list[k].checked = parameters.list[k].plain = false;
	}
	ck_assert_int_eq(errors[0].code, errors[1].code);
	ck_assert_str_eq(errors[0].message, errors[1].message);
	ck_assert_uint_eq(out[0].size, out[1].size);
	ck_assert(!out[0].size || memcmp(out[0].data, out[1].data, out[0].size) == 0);
	buf_deinit(&out[0]);
	buf_deinit(&out[1]);
	template_free(&template);
	end();
}
END_TEST

/* ---- the trace ---- */

static void tell_beaten(void *context, const struct parameter *winner, const struct parameter *loser, enum layer by)
{
	buf_printf(context, "%s: %s beats %s by %s\n", loser->name, winner ? winner->text : "NULL", loser->text, layer_name(by));
}

static void tell_used(void *context, const char *name, uint32_t name_length, uint32_t index, const struct stack_line *line)
{
	buf_printf(context, "%.*s uses %s", (int)name_length, name, catalogue->dictionary->settings[index].name);
	buf_printf(context, line ? " of line %u\n" : "\n", line ? line->position : 0u);
}

START_TEST(test_trace)
{
	struct buf out;
	const struct render_trace trace = {.context = &out, .beaten = tell_beaten, .used = tell_used};
	struct error error = {0};
	struct parameters parameters;
	buf_init(&out, 65536);
	begin();
	small_raw(&phone, LAYER_DEVICE, "a", "raw");
	small_raw(&phone, LAYER_SITE, "b", "weak");
	small_raw(&phone, LAYER_DEVICE, "c", NULL);
	small_lay(&phone);
	struct template *template = compile("a = {{title}}\n{{#language}}\nb = {{title}}\n{{/language}}\nc = 1\nd = {{timezone.dst}}\n"
		"{{#lines}}\n{{line.index}} = {{sip.port}}\n{{/lines}}\n");
	ck_assert_int_eq(render(template, &phone.stack, &phone.arena, &parameters, &trace, &error), ERROR_NONE);
	ck_assert_str_eq(out.data, "a uses title\na: raw beats Hello by device\nb uses title\nb uses language\nb: Hello beats weak by device\n"
		"c: NULL beats 1 by device\nd uses timezone\n1 uses sip.port of line 1\n3 uses sip.port of line 3\n");
	template_free(&template);
	buf_deinit(&out);
	end();
}
END_TEST

/* Long texts, many of them: every way in which room for them is made. */
START_TEST(test_long)
{
	static char title[4097];
	struct error error = {0};
	struct parameters parameters;
	struct buf source;
	buf_init(&source, 1 << 20);
	memset(title, 'x', 4096);
	begin();
	small_set(&phone, LAYER_DEVICE, "title", title);
	small_lay(&phone);
	for (int i = 0; i < 200; i++)
		buf_printf(&source, "n%d = %.*s{{title}}%.*s{{device.mac}}{{timezone.offset_hm}}.\n", i, i % 70, title, i % 50, title);
	struct template *template = compile(source.data);
	ck_assert_int_eq(render(template, &phone.stack, &phone.arena, &parameters, NULL, &error), ERROR_NONE);
	for (uint32_t i = 0; i < parameters.count; i++) {
		size_t length = i % 70 + 4096 + i % 50;
		ck_assert_uint_eq(parameters.list[i].length, length + strlen("00aabb000001+1."));
		ck_assert_uint_eq(strspn(parameters.list[i].text, "x"), length);
		ck_assert_str_eq(parameters.list[i].text + length, "00aabb000001+1.");
	}
	template_free(&template);
	buf_deinit(&source);
	end();
}
END_TEST

/* ---- the bench: instructions by valgrind --tool=callgrind --toggle-collect=stack_lay, =render, =the writer's ---- */

static void bench_template(struct buf *source)
{
	for (int i = 0; i < 90; i++)
		buf_printf(source, "static.section%d.some_parameter_%d = %s\n", i % 7, i, i % 3 ? "{{title}}" : "1");
	buf_add_string(source, "{{#lines}}\n");
	for (int i = 0; i < 40; i++)
		buf_printf(source, "account.{{line.index}}.group%d.parameter_%d = %s\n", i % 5, i, i % 4 ? i % 2 ? "{{sip.server}}" : "{{language|language}}" : "{{line.user}}");
	buf_add_string(source, "{{#codecs}}\naccount.{{line.index}}.codec.{{item|codec}}.priority = {{index}}\n{{/codecs}}\n{{/lines}}\n{{#keys}}\n");
	for (int i = 0; i < 5; i++)
		buf_printf(source, "linekey.{{key.slot}}.field%d = %s\n", i, i % 2 ? "{{key.value:-%NULL%}}" : "{{key.type|keytype}}");
	buf_add_string(source, "{{/keys}}\n");
}

static int bench(int rounds)
{
	static struct layer_key keys[12];
	struct error error = {0};
	struct parameters parameters = {0};
	struct buf source, out;
	buf_init(&source, 1 << 20);
	buf_init(&out, 1 << 20);
	begin();
	for (int i = 0; i < 12; i++)
		keys[i] = (struct layer_key){.slot = (uint16_t)(i + 1), .layer = LAYER_DEVICE, .type = TEXT("blf"), .value = TEXT("201")};
	phone.rows[LAYER_DEVICE].keys = keys;
	phone.rows[LAYER_DEVICE].key_count = 12;
	phone.rows[LAYER_PROFILE].key_count = 0;
	bench_template(&source);
	struct template *template = compile(source.data);
	const struct dialect *dialect = &phone.stack.model->vendor->dialects[0];
	for (int i = 0; i < rounds; i++) {
		arena_clear(&phone.arena);
		buf_clear(&out);
		small_lay(&phone);
		if (render(template, &phone.stack, &phone.arena, &parameters, NULL, &error) != ERROR_NONE ||
			dialect->writer->write(dialect, &parameters, &out, &error) != ERROR_NONE)
			return fprintf(stderr, "%s\n", error.message), EXIT_FAILURE;
	}
	printf("%u parameters, %zu bytes\n", parameters.count, out.size);
	template_free(&template);
	buf_deinit(&source);
	buf_deinit(&out);
	end();
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct unit units[] = {{test_good, ROWS(good_rows)}, {test_rows, ROWS(row_rows)}, {test_raw, ROWS(raw_rows)}, {test_many_raw, 0}, {test_own_rank, 0},
		{test_bad, ROWS(bad_rows)}, {test_too_many, 0}, {test_common, 0}, {test_model_later, 0}, {test_unique, 0}, {test_unique_tags, 0},
		{test_known, ROWS(known_rows) * ROWS(known_titles)}, {test_trace, 0}, {test_long, 0}};
	if (argc < 2 || strcmp(argv[1], "-b") != 0)
		return unit_run("render", units, ROWS(units));
	snprintf(unit_folder, sizeof unit_folder, "/tmp/dialtone-bench-XXXXXX");
	if (!mkdtemp(unit_folder))
		return EXIT_FAILURE;
	int status = bench(argc > 2 ? atoi(argv[2]) : 1000);
	nftw(unit_folder, unit_remove, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}
