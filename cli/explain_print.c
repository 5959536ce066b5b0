/* explain_print.c - an explanation as a table and as JSON. */
#include "cli.h"

#include "explain.h"
#include "output.h"
#include "suggest.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ORIGINS_MAX 16
#define NAME_ROOM 512

static const struct dictionary *dictionary_of(const struct explanation *e)
{
	return e->phone->device.stack.catalogue->dictionary;
}

static const struct stack_value *value_of(const struct explanation *e, uint32_t setting, const struct stack_line *line)
{
	return line ? &line->values[setting] : &e->phone->device.stack.values[setting];
}

/* Has one of the line's rows a raw parameter of this name? */
static bool rows_have(const struct layer_rows *rows, const struct parameter *p)
{
	for (uint32_t i = 0; i < rows->parameter_count; i++)
		if (rows->parameters[i].name_length == p->name_length && memcmp(rows->parameters[i].name, p->name, p->name_length) == 0)
			return true;
	return false;
}

/* The line whose account or line rows hold this raw parameter; NULL: none. */
static const struct stack_line *line_of(const struct explanation *e, const struct parameter *p)
{
	const struct stack *stack = &e->phone->device.stack;
	for (uint32_t i = 0; !p->place && i < stack->line_count; i++)
		if (rows_have(p->layer == LAYER_LINE ? &stack->lines[i].line : &stack->lines[i].account, p))
			return &stack->lines[i];
	return NULL;
}

/* "tenant acme", "line 2", "vendor template"; "default" where the dictionary's counts. */
static const char *layer_text(const struct explanation *e, enum layer layer, const struct stack_line *line)
{
	struct arena *arena = &e->phone->arena;
	if (layer == LAYER_LINE && line)
		return arena_printf(arena, "line %u", line->position);
	const char *who = phone_layer_who(&e->phone->device.stack, layer, line);
	return *who ? arena_printf(arena, "%s %s", layer_name(layer), who) : layer_name(layer);
}

/* Where a parameter was written: a template's line, or whose row. */
static const char *written_at(const struct explanation *e, const struct parameter *p)
{
	if (p->place)
		return arena_printf(&e->phone->arena, "%s:%u", p->place->file, p->place->line);
	return arena_printf(&e->phone->arena, "raw parameter of %s", layer_text(e, p->layer, line_of(e, p)));
}

static const char *value_source(const struct explanation *e, uint32_t setting, const struct stack_line *line)
{
	const struct stack_value *value = value_of(e, setting, line);
	if (!value->text)
		return "unset";
	if (value->layer != LAYER_VENDOR)
		return layer_text(e, value->layer, line);
	return dictionary_of(e)->settings[setting].fallback ? "default" : "derived for this phone";
}

static bool uses_of(const struct explanation *e, const struct parameter *p, size_t i)
{
	return p->place && e->uses[i].name_length == p->name_length && memcmp(e->uses[i].name, p->name, p->name_length) == 0;
}

/* The use that gave a template's parameter its rank, for the name of whose layer it is. */
static const struct stack_line *ranking_line(const struct explanation *e, const struct parameter *p)
{
	for (size_t i = 0; i < e->use_count; i++)
		if (uses_of(e, p, i) && e->uses[i].line && value_of(e, e->uses[i].setting, e->uses[i].line)->layer == p->layer)
			return e->uses[i].line;
	return line_of(e, p);
}

/* "sip.server (tenant acme), codecs (default)" */
static const char *used_text(const struct explanation *e, const struct parameter *p)
{
	struct arena *arena = &e->phone->arena;
	const char *text = "";
	for (size_t i = 0; i < e->use_count; i++)
		if (uses_of(e, p, i))
			text = arena_printf(arena, "%s%s%s (%s)", text, *text ? ", " : "", dictionary_of(e)->settings[e->uses[i].setting].name,
				value_source(e, e->uses[i].setting, e->uses[i].line));
	return text;
}

static void name_text(const struct parameter *p, char name[NAME_ROOM])
{
	snprintf(name, NAME_ROOM, "%.*s", (int)p->name_length, p->name);
}

/* Does the argument ask for this parameter: by its name, a pattern, or a setting that it used? */
static bool asked_for(const struct explanation *e, const struct parameter *p, const char *only, const struct setting *setting)
{
	if (!only)
		return true;
	for (size_t i = 0; setting && i < e->use_count; i++)
		if (e->uses[i].setting == setting->index && uses_of(e, p, i))
			return true;
	char name[NAME_ROOM];
	name_text(p, name);
	return strchr(only, '*') ? fnmatch(only, name, FNM_CASEFOLD) == 0 : strcasecmp(only, name) == 0;
}

static void parameter_cells(struct table *table, const struct explanation *e, const struct parameter *p, const char *before)
{
	bool secret = parameter_is_secret(p);
	table_cellf(table, "%s%.*s", before, (int)p->name_length, p->name);
	table_cell_bytes(table, secret ? MASK : p->text, secret ? sizeof MASK - 1 : p->length);
	table_cell(table, layer_text(e, p->layer, ranking_line(e, p)));
	table_cell(table, written_at(e, p));
	table_cell(table, used_text(e, p));
}

static void loss_row(struct table *table, const struct explanation *e, const struct explain_loss *loss)
{
	const struct parameter *p = &loss->loser;
	bool secret = parameter_is_secret(p);
	if (loss->removed)
		table_cellf(table, "- %.*s", (int)p->name_length, p->name);
	else
		table_cell(table, "    beat");
	table_cell_bytes(table, secret ? MASK : p->text, secret ? sizeof MASK - 1 : p->length);
	table_cell(table, layer_text(e, p->layer, line_of(e, p)));
	table_cell(table, written_at(e, p));
	table_cellf(table, "%s%s", loss->removed ? "removed by " : "", loss->removed ? layer_text(e, loss->by, NULL) : "");
	table_dim(table);
}

static bool same_name(const struct parameter *a, const struct parameter *b)
{
	return a->name_length == b->name_length && memcmp(a->name, b->name, a->name_length) == 0;
}

static void loss_rows(struct table *table, const struct explanation *e, const struct parameter *winner)
{
	for (size_t i = 0; i < e->loss_count; i++)
		if (!e->losses[i].removed && same_name(&e->losses[i].loser, winner))
			loss_row(table, e, &e->losses[i]);
}

static void heading(struct table *table, const char *const *names, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		table_cell(table, names[i]);
	table_heading(table);
}

/* The parameters asked for; returns how many rows beneath the heading. */
static size_t parameter_table(const struct cli *cli, const struct explanation *e, const char *only, const struct setting *setting)
{
	static const char *const names[] = {"PARAMETER", "VALUE", "LAYER", "FROM", "USED"};
	struct table *table = table_new(5);
	heading(table, names, 5);
	for (uint32_t i = 0; i < e->parameters.count; i++)
		if (asked_for(e, &e->parameters.list[i], only, setting)) {
			parameter_cells(table, e, &e->parameters.list[i], "");
			loss_rows(table, e, &e->parameters.list[i]);
		}
	for (size_t i = 0; i < e->loss_count; i++)
		if (e->losses[i].removed && asked_for(e, &e->losses[i].loser, only, setting))
			loss_row(table, e, &e->losses[i]);
	size_t rows = table_rows(table) - 1;
	if (rows)
		table_print(&table, cli->color);
	else
		table_free(&table);
	return rows;
}

/* What each row says about a setting, highest layer first; the first one counts. */
static void origin_rows(struct table *table, const struct explanation *e, const struct setting *setting, const struct stack_line *line)
{
	struct stack_origin origins[ORIGINS_MAX];
	size_t count = stack_origins(&e->phone->device.stack, line, setting->index, origins, ORIGINS_MAX);
	const struct stack_value *value = value_of(e, setting->index, line);
	if (line)
		table_cellf(table, "%s, line %u", setting->name, line->position);
	else
		table_cell(table, setting->name);
	table_cell_bytes(table, setting->secret && value->text ? MASK : value->text, setting->secret && value->text ? sizeof MASK - 1 : value->length);
	table_cell(table, value_source(e, setting->index, line));
	for (size_t i = 0; i < count; i++) {
		table_cell(table, "    row");
		if (!origins[i].value.text)
			table_cell(table, "NULL (takes back)");
		else
			table_cell_bytes(table, setting->secret ? MASK : origins[i].value.text, setting->secret ? sizeof MASK - 1 : origins[i].value.length);
		table_cell(table, layer_text(e, origins[i].layer, line));
		table_dim(table);
	}
}

static void setting_table(const struct cli *cli, const struct explanation *e, const struct setting *setting)
{
	static const char *const names[] = {"SETTING", "VALUE", "FROM"};
	const struct stack *stack = &e->phone->device.stack;
	printf("%s: %s, for the %s. %s\n\n", setting->name, setting_type_name(setting->type), setting_scope_name(setting->scope),
		setting->description ? setting->description : "");
	struct table *table = table_new(3);
	heading(table, names, 3);
	origin_rows(table, e, setting, NULL);
	for (uint32_t i = 0; setting->scope == SETTING_LINE && i < stack->line_count; i++)
		origin_rows(table, e, setting, &stack->lines[i]);
	table_print(&table, cli->color);
	putchar('\n');
}

/* ---- settings that some row gives and this model's template does not use ---- */

static void idle_of_rows(const struct explanation *e, const struct layer_rows *rows, const struct stack_line *line, const bool *used,
	void (*tell)(void *context, const struct setting *setting, const char *layer), void *context)
{
	for (uint32_t i = 0; rows && i < rows->setting_count; i++)
		if (!used[rows->settings[i].setting])
			tell(context, &dictionary_of(e)->settings[rows->settings[i].setting], layer_text(e, rows->layer, line));
}

static void each_idle(const struct explanation *e, void (*tell)(void *context, const struct setting *setting, const char *layer), void *context)
{
	const struct stack *stack = &e->phone->device.stack;
	bool *used = arena_array(&e->phone->arena, dictionary_of(e)->count, sizeof *used);
	template_uses(e->phone->variant->template, used);
	for (unsigned layer = LAYER_PROVIDER; layer <= LAYER_DEVICE; layer++)
		idle_of_rows(e, stack->rows[layer], NULL, used, tell, context);
	for (uint32_t i = 0; i < stack->line_count; i++) {
		idle_of_rows(e, &stack->lines[i].account, &stack->lines[i], used, tell, context);
		idle_of_rows(e, &stack->lines[i].line, &stack->lines[i], used, tell, context);
	}
}

static void tell_idle(void *context, const struct setting *setting, const char *layer)
{
	table_cell(context, setting->name);
	table_cell(context, layer);
}

static void idle_table(const struct cli *cli, const struct explanation *e)
{
	struct table *table = table_new(2);
	each_idle(e, tell_idle, table);
	if (table_rows(table))
		printf("\nSet, but without effect on a %s:\n", e->phone->device.model->name);
	table_print(&table, cli->color);
}

/* ---- names that nothing has ---- */

static bool nothing_named(const struct explanation *e, const char *only)
{
	struct suggest suggest;
	suggest_init(&suggest, only);
	for (uint32_t i = 0; i < e->parameters.count; i++)
		suggest_try(&suggest, arena_copy(&e->phone->arena, e->parameters.list[i].name, e->parameters.list[i].name_length));
	for (uint32_t i = 0; i < dictionary_of(e)->count; i++)
		suggest_try(&suggest, dictionary_of(e)->settings[i].name);
	if (suggest.best)
		cli_message("device %s: `%s` is neither a parameter of its file nor a setting; did you mean `%s`?", e->phone->device.mac.digits, only,
			suggest.best);
	else
		cli_message("device %s: `%s` is neither a parameter of its file nor a setting; without a name all are listed, `*` stands for any text",
			e->phone->device.mac.digits, only);
	return false;
}

bool explanation_print(struct cli *cli, const struct explanation *e, const char *only)
{
	const struct setting *setting = only ? dictionary_find(dictionary_of(e), only, strlen(only)) : NULL;
	if (setting)
		setting_table(cli, e, setting);
	size_t rows = parameter_table(cli, e, only, setting);
	if (!only)
		idle_table(cli, e);
	else if (setting && !rows)
		printf("no parameter of this phone's file uses it\n");
	else if (!rows)
		return nothing_named(e, only);
	return true;
}

/* ---- JSON ---- */

static json_t *json_uses(const struct explanation *e, const struct parameter *p)
{
	json_t *list = json_array();
	for (size_t i = 0; i < e->use_count; i++) {
		if (!uses_of(e, p, i))
			continue;
		const struct explain_use *use = &e->uses[i];
		const struct stack_value *value = value_of(e, use->setting, use->line);
		const struct setting *setting = &dictionary_of(e)->settings[use->setting];
		json_t *one = json_pack("{s:s, s:o, s:s}", "setting", setting->name, "value",
			setting->secret && value->text ? json_string(MASK) : output_json(value->text, value->length), "from",
			value_source(e, use->setting, use->line));
		if (use->line)
			json_object_set_new(one, "line", json_integer(use->line->position));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *json_parameter(const struct explanation *e, const struct parameter *p)
{
	bool secret = parameter_is_secret(p);
	json_t *one = json_pack("{s:o, s:o, s:b, s:s, s:o}", "name", output_json(p->name, p->name_length), "value",
		secret ? json_string(MASK) : output_json(p->text, p->length), "secret", secret, "layer", layer_name(p->layer), "who",
		output_json_string(phone_layer_who(&e->phone->device.stack, p->layer, ranking_line(e, p))));
	if (p->place) {
		json_object_set_new(one, "file", output_json_string(p->place->file));
		json_object_set_new(one, "line", json_integer(p->place->line));
	}
	return one;
}

static json_t *json_beaten(const struct explanation *e, const struct parameter *winner)
{
	json_t *list = json_array();
	for (size_t i = 0; i < e->loss_count; i++)
		if (!e->losses[i].removed && same_name(&e->losses[i].loser, winner))
			json_array_append_new(list, json_parameter(e, &e->losses[i].loser));
	return list;
}

static json_t *json_removed(const struct explanation *e, const char *only, const struct setting *setting)
{
	json_t *list = json_array();
	for (size_t i = 0; i < e->loss_count; i++) {
		if (!e->losses[i].removed || !asked_for(e, &e->losses[i].loser, only, setting))
			continue;
		json_t *one = json_parameter(e, &e->losses[i].loser);
		json_object_set_new(one, "removed_by", json_string(layer_name(e->losses[i].by)));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *json_rows(const struct explanation *e, const struct setting *setting, const struct stack_line *line)
{
	struct stack_origin origins[ORIGINS_MAX];
	size_t count = stack_origins(&e->phone->device.stack, line, setting->index, origins, ORIGINS_MAX);
	const struct stack_value *value = value_of(e, setting->index, line);
	json_t *rows = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, json_pack("{s:s, s:s, s:o}", "layer", layer_name(origins[i].layer), "who", origins[i].who ? origins[i].who : "",
			"value", origins[i].value.text && setting->secret ? json_string(MASK) : output_json(origins[i].value.text, origins[i].value.length)));
	json_t *one = json_pack("{s:o, s:s, s:o}", "value",
		value->text && setting->secret ? json_string(MASK) : output_json(value->text, value->length), "from", value_source(e, setting->index, line),
		"rows", rows);
	if (line)
		json_object_set_new(one, "line", json_integer(line->position));
	return one;
}

static json_t *json_setting(const struct explanation *e, const struct setting *setting)
{
	const struct stack *stack = &e->phone->device.stack;
	json_t *views = json_array();
	json_array_append_new(views, json_rows(e, setting, NULL));
	for (uint32_t i = 0; setting->scope == SETTING_LINE && i < stack->line_count; i++)
		json_array_append_new(views, json_rows(e, setting, &stack->lines[i]));
	return json_pack("{s:s, s:s, s:s, s:o}", "name", setting->name, "type", setting_type_name(setting->type), "scope",
		setting_scope_name(setting->scope), "values", views);
}

static void json_idle(void *context, const struct setting *setting, const char *layer)
{
	json_array_append_new(context, json_pack("{s:s, s:o}", "setting", setting->name, "from", output_json_string(layer)));
}

bool explanation_print_json(struct cli *cli, const struct explanation *e, const char *only)
{
	(void)cli;
	const struct phone *phone = e->phone;
	const struct setting *setting = only ? dictionary_find(dictionary_of(e), only, strlen(only)) : NULL;
	json_t *parameters = json_array(), *idle = json_array(), *removed = json_removed(e, only, setting);
	for (uint32_t i = 0; i < e->parameters.count; i++) {
		const struct parameter *p = &e->parameters.list[i];
		if (!asked_for(e, p, only, setting))
			continue;
		json_t *one = json_parameter(e, p);
		json_object_set_new(one, "used", json_uses(e, p));
		json_object_set_new(one, "beat", json_beaten(e, p));
		json_array_append_new(parameters, one);
	}
	bool found = !only || setting || json_array_size(parameters) || json_array_size(removed);
	each_idle(e, json_idle, idle);
	json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "mac", phone->device.mac.digits, "model", phone->device.model_id, "firmware",
		phone->firmware, "dialect", phone->variant->dialect->name, "parameters", parameters, "removed", removed, "without_effect", idle);
	if (setting)
		json_object_set_new(root, "setting", json_setting(e, setting));
	if (!found) {
		json_decref(root);
		return nothing_named(e, only);
	}
	output_json_print(root);
	return true;
}
