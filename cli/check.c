/* check.c - `dialtone check`: is everything as it must be before a phone asks? */
#include "cli.h"
#include "verbs.h"

#include "fleet.h"
#include "output.h"
#include "plain_password.h"
#include "render.h"
#include "synthetic.h"
#include "writer.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_TYPES_MAX 64

#define NOTE_DEVICES 5 /* of a group of phones, named; all of them stand in the JSON */

/* Findings fail the check; hints are for people to judge; notes say how things are. */
struct check {
	struct cli *cli;
	json_t *failures, *hints;  /* arrays of {"subject", "message"} */
	json_t *plain_passwords;   /* plain_password.h */
	size_t models, variants, devices;
	bool lacks[KEY_TYPES_MAX]; /* [i]: the vendor at hand lacks synthetic_key_types[i] */
};

static void add(json_t *list, const char *subject, const char *message)
{
	json_array_append_new(list, json_pack("{s:o, s:o}", "subject", output_json_string(subject), "message", output_json_string(message)));
}

/* ---- templates ---- */

static enum error_code render_synthetic(const struct check *check, const struct model *model, const struct model_variant *variant, const char *key_type,
	struct arena *arena, struct error *error)
{
	struct stack stack;
	struct parameters parameters;
	struct buf out;
	buf_init(&out, PHONE_FILE_MAX);
	synthetic_stack(check->cli->catalogue, model, key_type, arena, &stack);
	enum error_code code = render(variant->template, &stack, arena, &parameters, NULL, error);
	if (!code)
		code = parameters_check_unique(&parameters, error);
	if (!code)
		code = variant->dialect->writer->write(variant->dialect, &parameters, &out, error);
	buf_deinit(&out);
	return code;
}

static enum error_code render_shared(const struct model *model, const struct model_variant *variant, struct arena *arena, struct error *error)
{
	struct parameters parameters;
	struct buf out;
	buf_init(&out, PHONE_FILE_MAX);
	enum error_code code = render_common(variant->common, model, arena, &parameters, error);
	if (!code)
		code = parameters_check_unique(&parameters, error);
	if (!code)
		code = variant->dialect->writer->write(variant->dialect, &parameters, &out, error);
	buf_deinit(&out);
	return code;
}

/* A key type that a vendor's phones lack is refused by name when a row asks for it: a hint. Anything else is a mistake. */
static void check_keys(struct check *check, const struct model *model, const struct model_variant *variant, const char *subject, struct arena *arena)
{
	for (size_t i = 0; synthetic_key_types[i] && i < KEY_TYPES_MAX; i++) {
		struct error error = {0};
		arena_clear(arena);
		enum error_code code = render_synthetic(check, model, variant, synthetic_key_types[i], arena, &error);
		if (!code)
			continue;
		error_prefix(&error, "key type %s", synthetic_key_types[i]);
		if (code == ERROR_INEXPRESSIBLE || code == ERROR_UNKNOWN)
			check->lacks[i] = true;
		else
			add(check->failures, subject, error.message);
	}
}

static void check_variant(struct check *check, const struct model *model, const struct model_variant *variant)
{
	struct arena arena;
	struct error error = {0};
	char subject[256];
	arena_init(&arena);
	snprintf(subject, sizeof subject, "%s, dialect %s", model->id, variant->dialect->name);
	check->variants++;
	if (render_synthetic(check, model, variant, NULL, &arena, &error))
		add(check->failures, subject, error.message);
	else if (model->keys || model->module_keys)
		check_keys(check, model, variant, subject, &arena);
	arena_clear(&arena);
	if (variant->common && render_shared(model, variant, &arena, &error)) {
		error_prefix(&error, "common file");
		add(check->failures, subject, error.message);
	}
	arena_deinit(&arena);
}

/* One hint a vendor, not one a model. */
static void hint_key_types(struct check *check, const struct vendor *vendor)
{
	char message[512] = "";
	for (size_t i = 0; synthetic_key_types[i] && i < KEY_TYPES_MAX; i++)
		if (check->lacks[i])
			snprintf(message + strlen(message), sizeof message - strlen(message), " %s", synthetic_key_types[i]);
	if (!*message)
		return;
	char *text = xasprintf("some of its phones lack these types of keys, and cannot be rendered with one:%s", message);
	add(check->hints, vendor->id, text);
	free(text);
}

static void check_vendor(struct check *check, const struct vendor *vendor)
{
	memset(check->lacks, 0, sizeof check->lacks);
	for (uint32_t i = 0; i < vendor->model_count; i++) {
		check->models++;
		for (uint32_t j = 0; j < vendor->models[i].variant_count; j++)
			check_variant(check, &vendor->models[i], &vendor->models[i].variants[j]);
	}
	hint_key_types(check, vendor);
}

static void check_templates(struct check *check)
{
	for (uint32_t i = 0; i < check->cli->catalogue->vendor_count; i++)
		check_vendor(check, &check->cli->catalogue->vendors[i]);
}

/* ---- devices ---- */

static void check_device(struct check *check, struct phone *phone, struct buf *out)
{
	char message[128], subject[160];
	struct error error = {0};
	snprintf(subject, sizeof subject, "device %s of %s", phone->device.mac.digits, phone->device.tenant_id);
	check->devices++;
	buf_wipe(out);
	if (!phone->variant) {
		snprintf(message, sizeof message, "the templates have no model `%s`", phone->device.model_id);
		add(check->failures, subject, message);
		return;
	}
	struct parameters parameters;
	enum error_code code = phone_render(phone, NULL, &parameters, &error);
	if (!code)
		code = device_file(&phone->device, phone->variant->dialect, &parameters, out, &error);
	if (code)
		add(check->failures, subject, error.message);
	else
		plain_password_note(check->plain_passwords, &phone->device, &parameters);
}

static enum error_code check_devices(struct check *check, struct error *error)
{
	struct fleet *fleet = fleet_new(check->cli, NULL);
	struct phone *phone;
	struct buf out;
	buf_init(&out, PHONE_FILE_MAX);
	int more;
	while ((more = fleet_next(fleet, &phone, error)) > 0)
		check_device(check, phone, &out);
	buf_deinit(&out);
	fleet_free(&fleet);
	return more < 0 ? error->code : ERROR_NONE;
}

/* Settings of tenants that have phones, none of which a setting can reach. */
static enum error_code check_idle_settings(struct check *check, struct error *error)
{
	struct db_statement *statement = db_prepare(check->cli->db,
		"SELECT s.tenant_id, s.name FROM tenant_setting AS s WHERE s.vendor = ''"
		" AND EXISTS (SELECT 1 FROM device AS d WHERE d.tenant_id = s.tenant_id)"
		" AND NOT EXISTS (SELECT 1 FROM device AS d JOIN model AS m ON m.model_id = d.model_id"
		" JOIN vendor_setting AS v ON v.vendor_id = m.vendor_id AND v.name = s.name WHERE d.tenant_id = s.tenant_id)"
		" ORDER BY s.tenant_id, s.name");
	enum error_code code = db_execute(statement, true, error);
	int more = 0;
	while (!code && (more = db_next(statement, error)) > 0) {
		char subject[128], message[256];
		snprintf(subject, sizeof subject, "tenant %s", db_column(statement, 0).text);
		snprintf(message, sizeof message, "setting `%s` has no effect: no vendor of this tenant's phones has it", db_column(statement, 1).text);
		add(check->hints, subject, message);
	}
	db_done(statement);
	db_statement_free(&statement);
	return more < 0 ? error->code : code;
}

/* Rows that this configuration passes over: what a DBA inserted takes no effect, and nobody would say why. */
static enum error_code check_idle_identity(struct check *check, struct error *error)
{
	const struct conf *conf = check->cli->conf;
	const struct { bool on; const char *subject, *message; } rows[] = {
		{conf->identity.enrolment, "enrolment", "windows are open and have no effect: identity.enrolment is false"},
		{conf->identity.networks, "policies", "want an address only and have no effect: identity.networks is false"},
		{*conf->identity.certificate_verify != 0, "policies", "want a certificate, which nothing can prove: identity.certificate_verify names no parameter"},
		{conf->identity.passwords, "device_password", "passwords have no effect: identity.passwords is false"},
	};
	struct db_statement *statement = db_prepare(check->cli->db,
		"SELECT (SELECT COUNT(*) FROM enrolment WHERE closed_at IS NULL AND valid_until > NOW()),"
		" (SELECT COUNT(*) FROM tenant_policy WHERE network = 1 AND token + password + certificate = 0)"
		" + (SELECT COUNT(*) FROM device_policy WHERE network = 1 AND token + password + certificate = 0),"
		" (SELECT COUNT(*) FROM tenant_policy WHERE certificate = 1) + (SELECT COUNT(*) FROM device_policy WHERE certificate = 1),"
		" (SELECT COUNT(*) FROM device_password)");
	enum error_code code = db_execute(statement, true, error);
	int more = code ? 0 : db_next(statement, error);
	for (unsigned i = 0; more > 0 && i < sizeof rows / sizeof *rows; i++) {
		long long count = db_column_int(statement, i);
		char message[160];
		if (rows[i].on || !count)
			continue;
		snprintf(message, sizeof message, "%lld %s", count, rows[i].message);
		add(check->hints, rows[i].subject, message);
	}
	db_done(statement);
	db_statement_free(&statement);
	return more < 0 ? error->code : code;
}

/* ---- result ---- */

static void print_list(const struct check *check, const json_t *list, const char *kind)
{
	struct table *table = table_new(3);
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one) {
		table_cell(table, kind);
		table_cell(table, json_string_value(json_object_get(one, "subject")));
		table_cell(table, json_string_value(json_object_get(one, "message")));
	}
	table_print(&table, check->cli->color);
}

/* One row a group, with its first phones: a fleet of one vendor would be one list of all of it. */
static void print_notes(const struct check *check, const json_t *groups)
{
	struct table *table = table_new(3);
	size_t i, k;
	json_t *group, *mac;
	json_array_foreach(groups, i, group) {
		const json_t *devices = json_object_get(group, "devices");
		size_t count = json_array_size(devices);
		struct buf text;
		buf_init(&text, 4096);
		buf_printf(&text, "%zu %s phone%s the plain SIP password, because %s:", count, json_string_value(json_object_get(group, "vendor")),
			count == 1 ? " holds" : "s hold", json_string_value(json_object_get(group, "message")));
		json_array_foreach(devices, k, mac)
			if (k < NOTE_DEVICES)
				buf_printf(&text, " %s", json_string_value(mac));
		if (count > NOTE_DEVICES)
			buf_printf(&text, " and %zu more (--json names them)", count - NOTE_DEVICES);
		table_cell(table, "note");
		table_cellf(table, "tenant %s", json_string_value(json_object_get(group, "tenant")));
		table_cell(table, text.data);
		buf_deinit(&text);
	}
	table_print(&table, check->cli->color);
}

static void print(const struct check *check, bool database)
{
	size_t failures = json_array_size(check->failures);
	json_t *plain_passwords = plain_password_list(check->plain_passwords);
	if (check->cli->json) {
		output_json_print(json_pack("{s:b, s:I, s:I, s:I, s:O, s:O, s:o}", "good", !failures, "models", (json_int_t)check->models, "renderings",
			(json_int_t)check->variants, "devices", (json_int_t)check->devices, "failures", check->failures, "hints", check->hints, "plain_passwords", plain_passwords));
		return;
	}
	print_notes(check, plain_passwords);
	json_decref(plain_passwords);
	print_list(check, check->hints, "hint");
	print_list(check, check->failures, "FAIL");
	printf("%zu models in %zu dialects", check->models, check->variants);
	if (database)
		printf(", %zu enabled devices", check->devices);
	printf(": %zu %s\n", failures, failures == 1 ? "failure" : "failures");
}

static int run(struct check *check, bool database)
{
	struct error error = {0};
	check_templates(check);
	if (database && (check_devices(check, &error) || check_idle_settings(check, &error) || check_idle_identity(check, &error)))
		return cli_fail(check->cli, &error);
	print(check, database);
	return json_array_size(check->failures) ? CLI_FOUND : CLI_OK;
}

int verb_check(struct cli *cli, int argc, char **argv)
{
	bool templates_only = false;
	const struct cli_option options[] = {{"templates-only", &templates_only, NULL}, {NULL, NULL, NULL}};
	if (!cli_parse(cli, argc, argv, options, 0, 0, NULL))
		return cli->status;
	bool ready = templates_only ? cli_conf_if_any(cli) && cli_need(cli, NEED_CATALOGUE) : cli_need(cli, NEED_CATALOGUE | NEED_KEYS | NEED_STORE);
	if (!ready)
		return cli->status;
	struct check check = {.cli = cli, .failures = json_array(), .hints = json_array(), .plain_passwords = json_object()};
	int status = run(&check, !templates_only);
	json_decref(check.failures);
	json_decref(check.hints);
	json_decref(check.plain_passwords);
	return status;
}
