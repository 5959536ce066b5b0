/* render.c - walks a compiled template over a laid stack, and settles it with the raw parameters. */
#include "render-private.h"

#include "copy.h"
#include "number.h"
#include "setting.h"

#include <string.h>

static bool run_range(struct run *run, uint32_t begin, uint32_t end);

bool render_make_room(struct run *run)
{
	size_t count = (size_t)(run->next - run->list), room = count ? count * 2 : 512;
	if (count >= RENDER_PARAMETERS_MAX) {
		error_set(run->error, ERROR_RANGE, "more than %u parameters", RENDER_PARAMETERS_MAX);
		return false;
	}
	struct parameter *list = arena_raw(run->arena, room * sizeof *list);
	if (count)
		memcpy(list, run->list, count * sizeof *list);
	run->list = list;
	run->next = list + count;
	run->list_end = list + room;
	return true;
}

/* ---- assignments ---- */

static void tell_used(struct run *run, struct text name, const struct reference *reference)
{
	if (reference->setting)
		run->trace->used(run->trace->context, name.text, name.length, reference->setting->index,
			reference->kind == REFERENCE_LINE_SETTING ? run->line : NULL);
}

static __attribute__((noinline)) void trace_used(struct run *run, const struct op *op, struct text name)
{
	const struct side *sides[] = {&op->assignment.name, &op->assignment.value};
	for (int s = 0; s < 2; s++)
		for (uint32_t i = 0; i < sides[s]->count; i++)
			if (!sides[s]->pieces[i].literal.text)
				tell_used(run, name, &sides[s]->pieces[i].reference);
	for (const struct run_section *section = run->section; section; section = section->outer)
		tell_used(run, name, section->reference);
}

/* The frequent forms are made in place and straight into the parameter; false: render_side knows what is to be done. */

/* `text`, a row's or the phone's own, through the filters; none: the default. */
static inline bool put_value(const struct side *side, struct text text, uint8_t layer, struct parameter *parameter)
{
	if (!text.text) {
		text = side->fallback;
		parameter->literal = true;
		parameter->plain = side->fallback_plain;
	} else {
		if (layer > parameter->layer)
			parameter->layer = layer;
		if (side->chain) {
			uint32_t number = render_item_number(&side->chain->items, text);
			if (number == ITEM_NONE)
				return false;
			text = side->chain->out[number];
			parameter->plain = side->chain->plain;
		}
	}
	parameter->text = text.text;
	parameter->length = text.length;
	return text.text;
}

static inline bool put_setting(const struct side *side, const struct stack_value *value, struct parameter *parameter)
{
	return put_value(side, (struct text){.text = value->text, .length = value->length}, value->layer, parameter);
}

static inline bool quick_value(struct run *run, const struct side *side, struct parameter *parameter)
{
	switch (side->form) {
	case SIDE_SETTING:
		return put_setting(side, &run->values[side->setting], parameter);
	case SIDE_LINE_SETTING:
		return put_setting(side, &run->line_values[side->setting], parameter);
	case SIDE_TEXT:
		parameter->plain = side->plain;
		return put_value(side, *render_text_at(run->bases[side->kind], side->setting), run->base_layers[side->kind], parameter);
	case SIDE_NUMBER:
		parameter->text = run->numbers[side->number].text;
		parameter->length = run->numbers[side->number].length;
		parameter->plain = true;
		return true;
	default:
		return false;
	}
}

static __attribute__((noinline)) bool slow_value(struct run *run, const struct op *op, struct parameter *parameter)
{
	struct text text;
	parameter->plain = false;
	if (op->assignment.value.form == SIDE_NUMBERED) {
		text = render_numbered(run, &op->assignment.value);
		run->literal = false;
	} else if (!render_side(run, op, &op->assignment.value, &text, &parameter->layer)) {
		return false;
	}
	parameter->text = text.text;
	parameter->length = text.length;
	parameter->literal = run->literal;
	return true;
}

static __attribute__((noinline)) bool slow_name(struct run *run, const struct op *op, struct parameter *parameter)
{
	const struct side *side = &op->assignment.name;
	struct text name;
	if (side->form == SIDE_NUMBERED)
		name = render_numbered(run, side);
	else if (!render_side(run, op, side, &name, &parameter->layer))
		return false;
	parameter->name = name.text;
	parameter->name_length = name.length;
	parameter->checked = parameter->checked && side->only_numbers && side->count > 1;
	return true;
}

static inline bool quick_name(struct run *run, const struct side *side, struct parameter *parameter)
{
	uint32_t number = run->counts[side->number];
	if (number >= side->ready_count)
		return false;
	if (side->ready_items) {
		if (run->item_number >= side->ready_items)
			return false;
		number = number * side->ready_items + run->item_number;
	}
	parameter->name = side->ready[number].text;
	parameter->name_length = side->ready[number].length;
	return parameter->name;
}

/* What hardly any parameter needs: a raw one of its name may stand instead, and who explains is told. */
static __attribute__((noinline)) bool settle(struct run *run, const struct op *op, struct parameter *parameter)
{
	if (run->trace && run->trace->used)
		trace_used(run, op, (struct text){.text = parameter->name, .length = parameter->name_length});
	return !run->raw_slots || render_settle_raw(run, parameter);
}

static inline bool assign(struct run *run, const struct op *op)
{
	const struct assignment *assignment = &op->assignment;
	if (run->next == run->list_end && !render_make_room(run))
		return false;
	struct parameter *parameter = run->next;
	*parameter = assignment->made;
	if (run->layer > parameter->layer)
		parameter->layer = run->layer;
	if (assignment->name.form != SIDE_FIXED && !quick_name(run, &assignment->name, parameter) && !slow_name(run, op, parameter))
		return false;
	if (assignment->value.form != SIDE_FIXED && !quick_value(run, &assignment->value, parameter) && !slow_value(run, op, parameter))
		return false;
	if (!(run->raw_mask >> (parameter->name_length & 63) & 1) || settle(run, op, parameter))
		run->next++;
	return true;
}

/* ---- sections ---- */

static bool value_matches(const struct section *section, const char *text, uint32_t length)
{
	struct text value = {.text = text, .length = length};
	for (uint32_t i = 0; i < section->value_count; i++)
		if (same_text(section->values[i], value))
			return true;
	return false;
}

/* Does any item of the list match? */
static bool list_matches(const struct section *section, const char *text, uint32_t length)
{
	for (const char *end = text + length;;) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const char *stop = comma ? comma : end;
		if (value_matches(section, text, (uint32_t)(stop - text)))
			return true;
		if (!comma)
			return false;
		text = comma + 1;
	}
}

static inline bool holds(const struct section *section, struct value value)
{
	if (!value.text)
		return false;
	if (section->value_count)
		return section->list ? list_matches(section, value.text, value.length) : value_matches(section, value.text, value.length);
	return value.length && !(value.length == 5 && memcmp(value.text, "false", 5) == 0);
}

static bool run_if(struct run *run, uint32_t at, uint8_t used)
{
	uint8_t layer = run->layer;
	if (used > layer)
		run->layer = used;
	bool good = run_range(run, at + 1, run->template->ops[at].end);
	run->layer = layer;
	return good;
}

/* Is the item one that the filters inside make nothing of? unknown: also where they do not know it. */
static bool left_out(const struct section *section, uint32_t number, bool unknown)
{
	for (uint32_t i = 0; i < section->chain_count && number < section->items.count; i++) {
		const struct text *out = &section->chains[i]->out[number];
		if (out->text ? !out->length : unknown)
			return true;
	}
	return false;
}

static bool run_item(struct run *run, uint32_t at, struct text item, uint32_t number, uint32_t index)
{
	run->item = item;
	run->item_number = number;
	render_set_number(run, REFERENCE_INDEX, index);
	return run_range(run, at + 1, run->template->ops[at].end);
}

static bool run_items(struct run *run, uint32_t at, struct value value)
{
	const struct section *section = &run->template->ops[at].section;
	struct text item = {.text = value.text};
	uint32_t index = 0;
	for (const char *end = value.text + value.length; value.length && item.text <= end; item.text += item.length + 1) {
		const char *comma = memchr(item.text, ',', (size_t)(end - item.text));
		item.length = (uint32_t)((comma ? comma : end) - item.text);
		uint32_t number = render_item_number(&section->items, item);
		if (!left_out(section, number, false) && !run_item(run, at, item, number, ++index))
			return false;
	}
	return true;
}

/* Which items of the dictionary the list has, as far as 64 bits go. */
static uint64_t items_in(const struct section *section, struct value value)
{
	struct text item = {.text = value.text};
	uint64_t found = 0;
	for (const char *end = value.text + value.length; value.length && item.text <= end; item.text += item.length + 1) {
		const char *comma = memchr(item.text, ',', (size_t)(end - item.text));
		item.length = (uint32_t)((comma ? comma : end) - item.text);
		uint32_t number = render_item_number(&section->items, item);
		if (number < 64)
			found |= 1ull << number;
	}
	return found;
}

static bool has_item(struct value value, struct text item)
{
	const struct section one = {.values = &item, .value_count = 1};
	return value.length && list_matches(&one, value.text, value.length);
}

static bool run_rest(struct run *run, uint32_t at, struct value value)
{
	const struct section *section = &run->template->ops[at].section;
	uint64_t found = items_in(section, value);
	uint32_t index = 0;
	for (uint32_t i = 0; i < section->items.count; i++) {
		bool has = i < 64 ? found >> i & 1 : has_item(value, section->items.texts[i]);
		if (!has && !left_out(section, i, true) && !run_item(run, at, section->items.texts[i], i, ++index))
			return false;
	}
	return true;
}

static bool run_list(struct run *run, uint32_t at)
{
	const struct op *op = &run->template->ops[at];
	struct value value = render_fast_reference(run, &op->section.reference);
	struct text item = run->item, index = run->numbers[REFERENCE_INDEX];
	uint32_t number = run->item_number;
	uint8_t item_layer = run->item_layer, layer = run->layer;
	run->item_layer = value.layer;
	if (value.layer > layer)
		run->layer = value.layer;
	bool good = op->kind == OP_REST ? run_rest(run, at, value) : !value.text || run_items(run, at, value);
	run->item = item;
	run->numbers[REFERENCE_INDEX] = index;
	run->item_number = number;
	run->item_layer = item_layer;
	run->layer = layer;
	return good;
}

static bool run_lines(struct run *run, uint32_t at)
{
	const struct stack *stack = run->stack;
	for (uint32_t i = 0; i < stack->line_count; i++) {
		run->line = &stack->lines[i];
		run->line_values = run->line->values;
		run->bases[REFERENCE_LINE_TEXT] = run->line;
		render_set_number(run, REFERENCE_LINE_INDEX, run->line->position);
		if (!run_range(run, at + 1, run->template->ops[at].end))
			return false;
	}
	run->line = NULL;
	return true;
}

static bool run_free_lines(struct run *run, uint32_t at)
{
	const struct stack *stack = run->stack;
	uint32_t next = 0;
	for (uint32_t position = 1; position <= run->model->lines; position++) {
		while (next < stack->line_count && stack->lines[next].position < position)
			next++;
		if (next < stack->line_count && stack->lines[next].position == position)
			continue;
		render_set_number(run, REFERENCE_LINE_INDEX, position);
		if (!run_range(run, at + 1, run->template->ops[at].end))
			return false;
	}
	return true;
}

static bool run_key(struct run *run, uint32_t at, uint32_t module, uint32_t slot)
{
	uint8_t layer = run->layer;
	render_set_number(run, REFERENCE_KEY_MODULE, module);
	render_set_number(run, REFERENCE_KEY_SLOT, slot);
	if (run->key && run->key->layer > layer)
		run->layer = run->key->layer; /* whatever is said of a key ranks as its row */
	run->bases[REFERENCE_KEY_TEXT] = run->key;
	run->numbers[REFERENCE_KEY_LINE] = run->key && run->key->line ? render_number(run, run->key->line) : (struct text){0};
	bool good = run_range(run, at + 1, run->template->ops[at].end);
	run->layer = layer;
	return good;
}

static bool run_keys(struct run *run, uint32_t at, bool modules)
{
	const struct stack *stack = run->stack;
	for (uint32_t i = 0; i < stack->key_count; i++) {
		run->key = stack->keys[i];
		if ((run->key->module != 0) == modules && !run_key(run, at, run->key->module, run->key->slot))
			return false;
	}
	run->key = NULL;
	return true;
}

/* Slots 1..slots of one module that have no key. *next is the first key of that module or behind; it moves on. */
static bool run_free_slots(struct run *run, uint32_t at, uint32_t module, uint32_t slots, uint32_t *next)
{
	const struct stack *stack = run->stack;
	while (*next < stack->key_count && stack->keys[*next]->module < module)
		++*next;
	for (uint32_t slot = 1; slot <= slots; slot++) {
		while (*next < stack->key_count && stack->keys[*next]->module == module && stack->keys[*next]->slot < slot)
			++*next;
		bool used = *next < stack->key_count && stack->keys[*next]->module == module && stack->keys[*next]->slot == slot;
		if (!used && !run_key(run, at, module, slot))
			return false;
	}
	return true;
}

static bool run_free_module_keys(struct run *run, uint32_t at)
{
	const struct stack *stack = run->stack;
	const struct reference *reference = &run->template->ops[at].section.reference;
	uint32_t modules = stack->key_count ? stack->keys[stack->key_count - 1]->module : 0, next = 0;
	long long attached;
	uint8_t layer = run->layer;
	if (reference->setting) {
		const struct stack_value *value = &stack->values[reference->index];
		if (value->text && number_parse(value->text, 0, UINT16_MAX, &attached) && attached > modules) {
			modules = (uint32_t)attached;
			if (value->layer > layer)
				run->layer = value->layer;
		}
	}
	bool good = true;
	for (uint32_t module = 1; good && module <= modules && run->model->module_keys; module++)
		good = run_free_slots(run, at, module, run->model->module_keys, &next);
	run->layer = layer;
	return good;
}

static bool run_section(struct run *run, uint32_t at)
{
	uint32_t next = 0;
	switch (run->template->ops[at].kind) {
	case OP_LIST:
	case OP_REST:
		return run_list(run, at);
	case OP_LINES:
		return run_lines(run, at);
	case OP_FREE_LINES:
		return run_free_lines(run, at);
	case OP_KEYS:
		return run_keys(run, at, false);
	case OP_MODULE_KEYS:
		return run_keys(run, at, true);
	case OP_FREE_KEYS:
		return run_free_slots(run, at, 0, run->model->keys, &next);
	case OP_FREE_MODULE_KEYS:
		return run_free_module_keys(run, at);
	case OP_IF:
	case OP_ASSIGN:
		break;
	}
	return true;
}

/* ---- the walk ---- */

static bool too_long(struct run *run, const struct op *op)
{
	return render_fail(run, op, op->column, ERROR_RANGE, "more than %u steps for one file", RENDER_STEPS_MAX);
}

static bool run_range(struct run *run, uint32_t begin, uint32_t end)
{
	const struct op *ops = run->template->ops;
	if ((run->steps += end - begin + 1) > RENDER_STEPS_MAX)
		return too_long(run, &ops[begin]);
	const struct op *op = ops + begin, *stop = ops + end;
	while (op < stop) {
		if (op->kind == OP_ASSIGN) {
			if (!assign(run, op++))
				return false;
			continue;
		}
		struct value value = {0};
		if (op->kind == OP_IF) {
			/* Most conditions do not hold: on, without ado. */
			value = render_fast_reference(run, &op->section.reference);
			if (holds(&op->section, value) == op->section.negate) {
				op = ops + op->end;
				continue;
			}
		}
		struct run_section section = {.outer = run->section, .reference = &op->section.reference};
		uint32_t at = (uint32_t)(op - ops);
		run->section = &section;
		bool good = op->kind == OP_IF ? run_if(run, at, value.layer) : run_section(run, at);
		run->section = section.outer;
		if (!good)
			return false;
		op = ops + op->end;
	}
	return true;
}

static enum error_code run_all(struct run *run, struct parameters *parameters_r)
{
	struct error local = {0};
	struct error *given = run->error;
	run->error = &local;
	*parameters_r = (struct parameters){0};
	run->bases[REFERENCE_KEY_LINE] = &run->numbers[REFERENCE_KEY_LINE];
	render_index_raw(run);
	if (run->trace && run->trace->used)
		run->raw_mask = UINT64_MAX;
	if ((run->template->count && !run_range(run, 0, run->template->count)) || !render_append_raw(run)) {
		error_set(given, local.code, "%s", local.message);
		return local.code;
	}
	*parameters_r = (struct parameters){.list = run->list, .count = (uint32_t)(run->next - run->list),
		.checked_by = run->template->check_name};
	return ERROR_NONE;
}

enum error_code render(const struct template *template, const struct stack *stack, struct arena *arena, struct parameters *parameters_r,
	const struct render_trace *trace, struct error *error)
{
	struct run run = {.template = template,
		.stack = stack,
		.model = stack->model,
		.arena = arena,
		.trace = trace,
		.error = error,
		.values = stack->values,
		.bases = {[REFERENCE_PROVISIONING] = stack},
		.base_layers = {[REFERENCE_LINE_TEXT] = LAYER_ACCOUNT},
		.item_number = ITEM_NONE};
	return run_all(&run, parameters_r);
}

enum error_code render_common(const struct template *template, const struct model *model, struct arena *arena,
	struct parameters *parameters_r, struct error *error)
{
	struct run run = {.template = template, .model = model, .arena = arena, .error = error, .item_number = ITEM_NONE};
	return run_all(&run, parameters_r);
}
