#include "stack.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

static struct stack_value default_of(const struct setting *setting)
{
	return (struct stack_value){.text = setting->fallback, .length = setting->fallback_length, .layer = LAYER_VENDOR};
}

static void lay_settings(const struct dictionary *dictionary, const struct layer_rows *rows, uint32_t count, struct stack_value *values)
{
	for (uint32_t i = 0; i < rows->setting_count; i++) {
		const struct layer_setting *row = &rows->settings[i];
		if (row->setting >= count)
			continue; /* a setting of a wider scope than this layer's: the database refuses it, and it has no place here */
		if (row->text)
			values[row->setting] =
				(struct stack_value){.text = row->text, .length = row->length, .layer = (uint8_t)rows->layer};
		else
			values[row->setting] = default_of(&dictionary->settings[row->setting]);
	}
}

static void lay_device(struct stack *stack, const struct dictionary *dictionary, struct arena *arena)
{
	stack->values = arena_raw(arena, dictionary->count * sizeof *stack->values);
	for (uint32_t i = 0; i < dictionary->count; i++)
		stack->values[i] = default_of(&dictionary->settings[i]);
	for (unsigned layer = LAYER_PROVIDER; layer <= LAYER_DEVICE; layer++)
		if (stack->rows[layer])
			lay_settings(dictionary, stack->rows[layer], layer <= LAYER_TENANT ? dictionary->count : dictionary->device_count, stack->values);
}

static void lay_line(const struct stack *stack, const struct dictionary *dictionary, struct stack_line *line, struct arena *arena)
{
	size_t size = dictionary->line_count * sizeof *line->values;
	line->values = arena_raw(arena, size);
	if (size)
		memcpy(line->values, stack->values, size);
	lay_settings(dictionary, &line->account, dictionary->line_count, line->values);
	lay_settings(dictionary, &line->line, dictionary->line_count, line->values);
	if (!line->auth_user.text)
		line->auth_user = line->user;
	if (!line->display_name.text)
		line->display_name = line->user;
	if (!line->label.text)
		line->label = line->display_name;
}

/* ---- keys ---- */

static int key_order(const struct layer_key *a, const struct layer_key *b)
{
	unsigned left = (unsigned)a->module << 16 | a->slot, right = (unsigned)b->module << 16 | b->slot;
	return (left > right) - (left < right);
}

static bool key_clears(const struct layer_key *key)
{
	return key->type.length == 4 && memcmp(key->type.text, "none", 4) == 0;
}

/* A profile is for phones of several models: keys that this one lacks are left out. */
static bool key_exists(const struct model *model, const struct layer_key *key)
{
	return key->module ? key->module <= model->modules && key->slot <= model->module_keys : key->slot <= model->keys;
}

static void lay_keys(struct stack *stack, struct arena *arena)
{
	static const struct layer_rows nothing;
	const struct layer_rows *profile = stack->rows[LAYER_PROFILE] ? stack->rows[LAYER_PROFILE] : &nothing;
	const struct layer_rows *device = stack->rows[LAYER_DEVICE] ? stack->rows[LAYER_DEVICE] : &nothing;
	uint32_t p = 0, d = 0;
	stack->key_count = 0;
	stack->keys = arena_raw(arena, ((size_t)profile->key_count + device->key_count) * sizeof *stack->keys);
	while (p < profile->key_count || d < device->key_count) {
		int order = p == profile->key_count ? 1 : d == device->key_count ? -1 : key_order(&profile->keys[p], &device->keys[d]);
		const struct layer_key *key = order < 0 ? &profile->keys[p] : &device->keys[d];
		p += order <= 0;
		d += order >= 0;
		if (!key_clears(key) && key_exists(stack->model, key))
			stack->keys[stack->key_count++] = key;
	}
}

/* ---- raw parameters ---- */

static int name_order(const struct stack_parameter *a, const struct stack_parameter *b)
{
	uint32_t common = a->name_length < b->name_length ? a->name_length : b->name_length;
	int order = memcmp(a->name, b->name, common);
	return order ? order : (a->name_length > b->name_length) - (a->name_length < b->name_length);
}

/* By name, and of one name the strongest first: a higher layer, in one layer the later row. */
static int by_strength(const void *left, const void *right)
{
	const struct stack_parameter *a = left, *b = right;
	int order = name_order(a, b);
	if (!order)
		order = (a->layer < b->layer) - (a->layer > b->layer);
	return order ? order : (a->row < b->row) - (a->row > b->row);
}

static int by_layer(const void *left, const void *right)
{
	const struct stack_parameter *a = left, *b = right;
	int order = (a->layer > b->layer) - (a->layer < b->layer);
	return order ? order : name_order(a, b);
}

static void take_parameters(struct stack *stack, const struct layer_rows *rows)
{
	for (uint32_t i = 0; i < rows->parameter_count; i++) {
		const struct layer_parameter *row = &rows->parameters[i];
		if (row->vendor != stack->model->vendor->index)
			continue;
		stack->parameters[stack->parameter_count] = (struct stack_parameter){.name = row->name, .name_length = row->name_length,
			.text = row->text, .length = row->length, .layer = (uint8_t)rows->layer, .row = stack->parameter_count};
		stack->parameter_count++;
	}
}

static void gather_parameters(struct stack *stack, struct arena *arena)
{
	size_t most = 0;
	for (unsigned layer = LAYER_PROVIDER; layer <= LAYER_DEVICE; layer++)
		most += stack->rows[layer] ? stack->rows[layer]->parameter_count : 0;
	for (uint32_t i = 0; i < stack->line_count; i++)
		most += (size_t)stack->lines[i].account.parameter_count + stack->lines[i].line.parameter_count;
	stack->parameter_count = 0;
	stack->parameters = NULL;
	if (!most)
		return;
	stack->parameters = arena_raw(arena, most * sizeof *stack->parameters);
	for (unsigned layer = LAYER_PROVIDER; layer <= LAYER_DEVICE; layer++)
		if (stack->rows[layer])
			take_parameters(stack, stack->rows[layer]);
	for (uint32_t i = 0; i < stack->line_count; i++)
		take_parameters(stack, &stack->lines[i].account);
	for (uint32_t i = 0; i < stack->line_count; i++)
		take_parameters(stack, &stack->lines[i].line);
}

/* Leave the strongest of each name, in the order in which they are appended. */
static void lay_parameters(struct stack *stack, struct arena *arena)
{
	gather_parameters(stack, arena);
	if (stack->parameter_count < 2)
		return;
	qsort(stack->parameters, stack->parameter_count, sizeof *stack->parameters, by_strength);
	uint32_t kept = 1;
	for (uint32_t i = 1; i < stack->parameter_count; i++)
		if (name_order(&stack->parameters[kept - 1], &stack->parameters[i]) != 0)
			stack->parameters[kept++] = stack->parameters[i];
	stack->parameter_count = kept;
	qsort(stack->parameters, kept, sizeof *stack->parameters, by_layer);
}

/* ---- the whole ---- */

static void lay_timezone(struct stack *stack, const struct dictionary *dictionary)
{
	const struct setting *setting = dictionary_find(dictionary, "timezone", strlen("timezone"));
	const struct stack_value *value = setting ? &stack->values[setting->index] : NULL;
	stack->timezone = value && value->text ? timezones_find(stack->catalogue->timezones, value->text, value->length) : NULL;
}

void stack_lay(struct stack *stack, struct arena *arena)
{
	const struct dictionary *dictionary = stack->catalogue->dictionary;
	lay_device(stack, dictionary, arena);
	for (uint32_t i = 0; i < stack->line_count; i++)
		lay_line(stack, dictionary, &stack->lines[i], arena);
	lay_keys(stack, arena);
	lay_parameters(stack, arena);
	lay_timezone(stack, dictionary);
}

static size_t origins_of(const struct layer_rows *rows, uint32_t index, struct stack_origin *rows_r, size_t count, size_t max)
{
	for (uint32_t i = 0; rows && i < rows->setting_count && count < max; i++)
		if (rows->settings[i].setting == index)
			rows_r[count++] = (struct stack_origin){.layer = rows->layer, .who = rows->who,
				.value = {.text = rows->settings[i].text, .length = rows->settings[i].length}};
	return count;
}

size_t stack_origins(const struct stack *stack, const struct stack_line *line, uint32_t index, struct stack_origin *rows_r, size_t max)
{
	size_t count = 0;
	if (line && index < stack->catalogue->dictionary->line_count) {
		count = origins_of(&line->line, index, rows_r, count, max);
		count = origins_of(&line->account, index, rows_r, count, max);
	}
	for (int layer = index < stack->catalogue->dictionary->device_count ? LAYER_DEVICE : LAYER_TENANT; layer >= LAYER_PROVIDER; layer--)
		count = origins_of(stack->rows[layer], index, rows_r, count, max);
	return count;
}
