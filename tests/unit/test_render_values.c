/* render.h: what becomes of a value on its way: filters, the URL with credentials, HA1. */
#include "ha1.h"
#include "rendered.h"

/* ---- texts that would mean something in a URI or a display name ---- */

static const struct { const char *filter, *in, *out; } filter_rows[] = {
	{"quoted", "Tom \"T\" O'Neill \\", "Tom \\\"T\\\" O'Neill \\\\"},
	{"percent", "a;b@c?d&e=%<>\"# /:\xc3\xa4", "a%3Bb%40c%3Fd%26e%3D%25%3C%3E%22%23%20%2F%3A%C3%A4"},
	{"percent", "*98+49-1.2_3~", "*98+49-1.2_3~"},
	{"uri_host", "2001:db8::1", "[2001:db8::1]"},
	{"uri_host", "192.0.2.1", "192.0.2.1"},
	{"uri_host", "", ""},
	{"seconds", "-210", "-12600"},
	{"seconds", "0", "0"},
};

START_TEST(test_filters)
{
	char source[64], expected[256];
	begin();
	small_set(&phone, LAYER_DEVICE, "title", filter_rows[_i].in);
	small_lay(&phone);
	snprintf(source, sizeof source, "a = {{title|%s}}\n", filter_rows[_i].filter);
	snprintf(expected, sizeof expected, "a=%s@6\n", filter_rows[_i].out);
	expect(source, expected);
	end();
}
END_TEST

/* ---- the way back with credentials ---- */

static const struct { const char *url, *expected; } login_rows[] = {
	{"https://p.example/x/", "a=https://00aabb000001:t%25k%3A%40@p.example/x/y.xml@6!\n"},
	{"HTTPS://old:er@p.example:8443", "a=https://00aabb000001:t%25k%3A%40@p.example:8443y.xml@6!\n"},
	{"https://p.example/x@y/", "a=https://00aabb000001:t%25k%3A%40@p.example/x@y/y.xml@6!\n"},
	{"http://p.example/x/", "none=1@1\n"},
	{NULL, "none=1@1\n"},
};

START_TEST(test_login_url)
{
	begin();
	phone.stack.provisioning_password = TEXT("t%k:@");
	small_set(&phone, LAYER_DEVICE, "provisioning.url", login_rows[_i].url);
	small_lay(&phone);
	expect("{{#provisioning.login_url}}\na = {{provisioning.login_url}}y.xml\n{{/provisioning.login_url}}\n"
	       "{{^provisioning.login_url}}\nnone = 1\n{{/provisioning.login_url}}\n", login_rows[_i].expected);
	end();
}
END_TEST

/* ---- HA1 ---- */

/* NULL: as begin() has it. */
static const struct {
	const char *realm, *password, *expected;
} ha1_rows[] = {
	{NULL, NULL, "r=pbx.example@3\nh=%s@7!\n"},
	{"other", NULL, "r=other@3\nh=%s@7!\n"},
	{"", NULL, "p=secret@7!\n"},
	{NULL, "", "r=pbx.example@3\np=@7!\n"},
};

/* A template sends the hash where there is one, and the password where there is none. */
START_TEST(test_ha1)
{
	static const char source[] = "{{#lines}}\n{{#line.index=1}}\n{{#line.realm}}\nr = {{line.realm}}\n{{/line.realm}}\n{{#line.ha1}}\nh = {{line.ha1}}\n"
				     "{{/line.ha1}}\n{{^line.ha1}}\np = {{line.password}}\n{{/line.ha1}}\n{{/line.index}}\n{{/lines}}\n";
	char hash[HA1_MD5 + 1], expected[256];
	begin();
	const char *realm = ha1_rows[_i].realm ? ha1_rows[_i].realm : "pbx.example", *password = ha1_rows[_i].password ? ha1_rows[_i].password : "secret";
	small_set(&phone, LAYER_TENANT, "sip.realm", realm);
	phone.lines[0].auth_user = TEXT("auth");
	phone.lines[0].password = (struct text){password, (uint32_t)strlen(password)};
	small_lay(&phone);
	ha1_md5(phone.lines[0].auth_user, (struct text){realm, (uint32_t)strlen(realm)}, phone.lines[0].password, hash);
	const char *place = strstr(ha1_rows[_i].expected, "%s");
	if (place)
		snprintf(expected, sizeof expected, "%.*s%s%s", (int)(place - ha1_rows[_i].expected), ha1_rows[_i].expected, hash, place + 2);
	else
		snprintf(expected, sizeof expected, "%s", ha1_rows[_i].expected);
	expect(source, expected);
	end();
}
END_TEST

UNIT_MAIN("render_values", {test_filters, ROWS(filter_rows)}, {test_login_url, ROWS(login_rows)}, {test_ha1, ROWS(ha1_rows)})
