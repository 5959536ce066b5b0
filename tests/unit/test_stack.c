/* stack.h: which row wins, which keys and raw parameters are left, and what a line falls back to. */
#include "small.h"

static struct catalogue *catalogue;
static struct small_phone phone;

static void begin(void)
{
	catalogue = small_catalogue();
	small_phone_init(&phone, catalogue);
}

static void end(void)
{
	small_phone_deinit(&phone);
	catalogue_free(&catalogue);
}

static const struct stack_value *value_of(const struct stack_value *values, const char *name)
{
	return &values[dictionary_find(catalogue->dictionary, name, strlen(name))->index];
}

/* Rows of one setting by layer: NULL is no row, "NULL" takes back. */
struct setting_row {
	const char *name;
	const char *rows[LAYERS];
	const char *device; /* expected in the device's view: NULL is none */
	enum layer device_layer;
	const char *line;
	enum layer line_layer;
};

static const struct setting_row setting_rows[] = {
	{"sip.port", {0}, "5060", LAYER_VENDOR, "5060", LAYER_VENDOR},
	{"sip.server", {0}, NULL, LAYER_VENDOR, NULL, LAYER_VENDOR},
	{"sip.port", {[LAYER_PROVIDER] = "1"}, "1", LAYER_PROVIDER, "1", LAYER_PROVIDER},
	{"sip.port", {[LAYER_PROVIDER] = "1", [LAYER_TENANT] = "2", [LAYER_SITE] = "3", [LAYER_PROFILE] = "4", [LAYER_DEVICE] = "5"}, "5", LAYER_DEVICE, "5",
		LAYER_DEVICE},
	{"sip.port", {[LAYER_DEVICE] = "5", [LAYER_ACCOUNT] = "6"}, "5", LAYER_DEVICE, "6", LAYER_ACCOUNT},
	{"sip.port", {[LAYER_DEVICE] = "5", [LAYER_ACCOUNT] = "6", [LAYER_LINE] = "7"}, "5", LAYER_DEVICE, "7", LAYER_LINE},
	{"sip.port", {[LAYER_PROVIDER] = "1", [LAYER_TENANT] = "NULL"}, "5060", LAYER_VENDOR, "5060", LAYER_VENDOR},
	{"sip.port", {[LAYER_PROVIDER] = "1", [LAYER_TENANT] = "NULL", [LAYER_SITE] = "3"}, "3", LAYER_SITE, "3", LAYER_SITE},
	{"sip.port", {[LAYER_TENANT] = "2", [LAYER_ACCOUNT] = "NULL"}, "2", LAYER_TENANT, "5060", LAYER_VENDOR},
	{"sip.server", {[LAYER_TENANT] = "2", [LAYER_LINE] = "NULL"}, "2", LAYER_TENANT, NULL, LAYER_VENDOR},
	{"sip.server", {[LAYER_TENANT] = "", [LAYER_LINE] = "x"}, "", LAYER_TENANT, "x", LAYER_LINE},
	{"sip.realm", {[LAYER_PROVIDER] = "p", [LAYER_TENANT] = "t"}, "t", LAYER_TENANT, NULL, LAYER_VENDOR},
	/* what the database refuses has no place: wider scopes than the row's layer */
	{"sip.realm", {[LAYER_TENANT] = "t", [LAYER_SITE] = "s", [LAYER_DEVICE] = "d", [LAYER_LINE] = "l"}, "t", LAYER_TENANT, NULL, LAYER_VENDOR},
	{"language", {[LAYER_SITE] = "de"}, "de", LAYER_SITE, NULL, LAYER_VENDOR},
};

static void expect_value(const struct stack_value *value, const char *text, enum layer layer, const char *view)
{
	if (!text)
		ck_assert_msg(value->text == NULL, "%s: %s", view, value->text);
	else
		ck_assert_msg(value->text && strcmp(value->text, text) == 0 && value->length == strlen(text), "%s: %s", view, value->text);
	ck_assert_msg(value->layer == layer, "%s: %s", view, layer_name(value->layer));
}

START_TEST(test_settings)
{
	const struct setting_row *row = &setting_rows[_i];
	begin();
	for (int layer = 0; layer < LAYERS; layer++)
		if (row->rows[layer])
			small_set(&phone, layer, row->name, strcmp(row->rows[layer], "NULL") == 0 ? NULL : row->rows[layer]);
	small_line(&phone, 1, "101");
	small_line(&phone, 2, "102");
	small_lay(&phone);
	expect_value(value_of(phone.stack.values, row->name), row->device, row->device_layer, "device");
	if (dictionary_find(catalogue->dictionary, row->name, strlen(row->name))->scope == SETTING_LINE) {
		expect_value(value_of(phone.lines[0].values, row->name), row->line, row->line_layer, "line");
		/* the other line has no rows of its own */
		expect_value(value_of(phone.lines[1].values, row->name), row->device, row->device_layer, "other line");
	}
	end();
}
END_TEST

START_TEST(test_no_layers)
{
	begin();
	for (int layer = 0; layer <= LAYER_DEVICE; layer++)
		phone.stack.rows[layer] = NULL;
	small_lay(&phone);
	ck_assert_str_eq(value_of(phone.stack.values, "language")->text, "en");
	ck_assert_uint_eq(phone.stack.key_count, 0);
	ck_assert_uint_eq(phone.stack.parameter_count, 0);
	ck_assert_str_eq(phone.stack.timezone->name, "UTC");
	end();
}
END_TEST

static const struct { const char *auth_user, *display_name, *label, *expected; } line_rows[] = {
	{NULL, NULL, NULL, "101 101 101"},
	{"auth", NULL, NULL, "auth 101 101"},
	{NULL, "Anna", NULL, "101 Anna Anna"},
	{NULL, NULL, "Desk", "101 101 Desk"},
	{"auth", "Anna", "Desk", "auth Anna Desk"},
};

START_TEST(test_line)
{
	char got[64];
	begin();
	struct stack_line *line = small_line(&phone, 1, "101");
	line->auth_user = (struct text){line_rows[_i].auth_user, 4};
	line->display_name = (struct text){line_rows[_i].display_name, 4};
	line->label = (struct text){line_rows[_i].label, 4};
	small_lay(&phone);
	snprintf(got, sizeof got, "%.*s %.*s %.*s", (int)line->auth_user.length, line->auth_user.text, (int)line->display_name.length,
		line->display_name.text, (int)line->label.length, line->label.text);
	ck_assert_str_eq(got, line_rows[_i].expected);
	end();
}
END_TEST

struct key { int module, slot; const char *type; };

static const struct { struct key profile[5], device[5]; const char *expected; } key_rows[] = {
	{{{0}}, {{0}}, ""},
	{{{0, 1, "blf"}, {0, 3, "blf"}}, {{0}}, "0.1=blf@profile 0.3=blf@profile "},
	{{{0}}, {{0, 1, "blf"}, {2, 1, "line"}}, "0.1=blf@device 2.1=line@device "},
	{{{0, 1, "blf"}, {0, 3, "blf"}, {1, 1, "blf"}}, {{0, 2, "line"}, {0, 3, "line"}, {1, 2, "line"}},
		"0.1=blf@profile 0.2=line@device 0.3=line@device 1.1=blf@profile 1.2=line@device "},
	{{{0, 1, "blf"}, {0, 2, "blf"}}, {{0, 1, "none"}}, "0.2=blf@profile "},
	{{{0, 1, "none"}, {0, 2, "blf"}}, {{0, 2, "none"}}, ""},
	{{{0, 1, "none"}}, {{0, 1, "line"}}, "0.1=line@device "},
	/* the profile is for a larger model too */
	{{{0, 4, "blf"}, {0, 5, "blf"}, {1, 2, "blf"}, {1, 3, "blf"}, {3, 1, "blf"}}, {{0}}, "0.4=blf@profile 1.2=blf@profile "},
};

START_TEST(test_keys)
{
	char got[256] = "";
	begin();
	for (const struct key *key = key_rows[_i].profile; key->type; key++)
		small_key(&phone, LAYER_PROFILE, (unsigned)key->module, (unsigned)key->slot, key->type, "x");
	for (const struct key *key = key_rows[_i].device; key->type; key++)
		small_key(&phone, LAYER_DEVICE, (unsigned)key->module, (unsigned)key->slot, key->type, "x");
	small_lay(&phone);
	for (uint32_t i = 0; i < phone.stack.key_count; i++) {
		const struct layer_key *key = phone.stack.keys[i];
		snprintf(got + strlen(got), sizeof got - strlen(got), "%u.%u=%s@%s ", key->module, key->slot, key->type.text, layer_name(key->layer));
	}
	ck_assert_str_eq(got, key_rows[_i].expected);
	end();
}
END_TEST

struct raw { enum layer layer; const char *name, *value; };

static const struct { struct raw rows[6]; const char *expected; } raw_rows[] = {
	{{{0}}, ""},
	{{{LAYER_DEVICE, "b", "1"}, {LAYER_DEVICE, "a", "2"}, {LAYER_TENANT, "z", "3"}}, "z=3@tenant a=2@device b=1@device "},
	{{{LAYER_TENANT, "a", "1"}, {LAYER_DEVICE, "a", "2"}}, "a=2@device "},
	{{{LAYER_TENANT, "a", "1"}, {LAYER_SITE, "a", NULL}}, "a=NULL@site "},
	{{{LAYER_TENANT, "a", NULL}, {LAYER_SITE, "a", "2"}, {LAYER_LINE, "ab", "3"}, {LAYER_ACCOUNT, "b", "4"}}, "a=2@site b=4@account ab=3@line "},
};

START_TEST(test_parameters)
{
	char got[256] = "";
	begin();
	small_line(&phone, 1, "101");
	for (const struct raw *raw = raw_rows[_i].rows; raw->name; raw++)
		small_raw(&phone, raw->layer, raw->name, raw->value);
	/* another vendor's are not ours */
	small_raw(&phone, LAYER_PROVIDER, "other", "1");
	phone.parameters[LAYER_PROVIDER][0].vendor = catalogue_vendor(catalogue, "zeta", 4)->index;
	small_lay(&phone);
	for (uint32_t i = 0; i < phone.stack.parameter_count; i++) {
		const struct stack_parameter *parameter = &phone.stack.parameters[i];
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s=%s@%s ", parameter->name, parameter->text ? parameter->text : "NULL",
			layer_name(parameter->layer));
	}
	ck_assert_str_eq(got, raw_rows[_i].expected);
	end();
}
END_TEST

/* Two lines, each with an account that sets the same parameter: the later line's. */
START_TEST(test_parameter_tie)
{
	const struct layer_parameter first = {.name = "a", .name_length = 1, .text = "first", .length = 5},
		second = {.name = "a", .name_length = 1, .text = "second", .length = 6};
	begin();
	small_line(&phone, 1, "101");
	small_line(&phone, 2, "102");
	phone.lines[1].account.parameters = &second;
	phone.lines[1].account.parameter_count = 1;
	phone.rows[LAYER_ACCOUNT].parameters = &first;
	phone.rows[LAYER_ACCOUNT].parameter_count = 1;
	small_lay(&phone);
	ck_assert_uint_eq(phone.stack.parameter_count, 1);
	ck_assert_str_eq(phone.stack.parameters[0].text, "second");
	end();
}
END_TEST

START_TEST(test_timezone)
{
	begin();
	small_set(&phone, LAYER_SITE, "timezone", "Europe/Berlin");
	small_lay(&phone);
	ck_assert_ptr_nonnull(phone.stack.timezone);
	ck_assert_str_eq(phone.stack.timezone->name, "Europe/Berlin");
	end();
}
END_TEST

START_TEST(test_origins)
{
	struct stack_origin origins[8];
	begin();
	small_set(&phone, LAYER_PROVIDER, "sip.server", "p");
	small_set(&phone, LAYER_DEVICE, "sip.server", NULL);
	small_set(&phone, LAYER_ACCOUNT, "sip.server", "a");
	small_set(&phone, LAYER_LINE, "sip.server", "l");
	small_set(&phone, LAYER_SITE, "sip.port", "1");
	phone.rows[LAYER_PROVIDER].who = "us";
	small_line(&phone, 1, "101");
	small_lay(&phone);
	uint32_t index = dictionary_find(catalogue->dictionary, "sip.server", 10)->index;
	ck_assert_uint_eq(stack_origins(&phone.stack, &phone.lines[0], index, origins, 8), 4);
	ck_assert(origins[0].layer == LAYER_LINE && origins[1].layer == LAYER_ACCOUNT && origins[2].layer == LAYER_DEVICE);
	ck_assert(origins[2].value.text == NULL && origins[3].layer == LAYER_PROVIDER);
	ck_assert_str_eq(origins[3].who, "us");
	ck_assert_uint_eq(stack_origins(&phone.stack, NULL, index, origins, 8), 2);
	ck_assert_uint_eq(stack_origins(&phone.stack, &phone.lines[0], index, origins, 1), 1);
	end();
}
END_TEST

UNIT_MAIN("stack", {test_settings, ROWS(setting_rows)}, {test_no_layers, 0}, {test_line, ROWS(line_rows)}, {test_keys, ROWS(key_rows)},
	{test_parameters, ROWS(raw_rows)}, {test_parameter_tie, 0}, {test_timezone, 0}, {test_origins, 0})
