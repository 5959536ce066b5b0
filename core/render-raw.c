/* render-raw.c - raw parameters against the template's: found by name, settled by rank. */
#include "render-private.h"

#include "copy.h"

void render_index_raw(struct run *run)
{
	const struct stack *stack = run->stack;
	if (!stack || !stack->parameter_count)
		return;
	uint32_t size = 4;
	while (size < stack->parameter_count * 2)
		size *= 2;
	run->raw_slots = arena_array(run->arena, size, sizeof *run->raw_slots);
	run->raw_done = arena_array(run->arena, stack->parameter_count, sizeof *run->raw_done);
	run->raw_slot_mask = size - 1;
	for (uint32_t i = 0; i < stack->parameter_count; i++) {
		const struct stack_parameter *raw = &stack->parameters[i];
		uint32_t slot = copy_hash(raw->name, raw->name_length, 0) & run->raw_slot_mask;
		while (run->raw_slots[slot])
			slot = (slot + 1) & run->raw_slot_mask;
		run->raw_slots[slot] = i + 1;
		run->raw_mask |= 1ull << (raw->name_length & 63);
	}
}

/* The raw parameter of that name, and that it need not be appended; or NULL. */
static const struct stack_parameter *take_raw(struct run *run, struct text name)
{
	uint32_t slot = copy_hash(name.text, name.length, 0) & run->raw_slot_mask;
	for (; run->raw_slots[slot]; slot = (slot + 1) & run->raw_slot_mask) {
		const struct stack_parameter *raw = &run->stack->parameters[run->raw_slots[slot] - 1];
		if (raw->name_length == name.length && memcmp(raw->name, name.text, name.length) == 0) {
			run->raw_done[run->raw_slots[slot] - 1] = true;
			return raw;
		}
	}
	return NULL;
}

static struct parameter of_raw(const struct stack_parameter *raw)
{
	return (struct parameter){.name = raw->name, .name_length = raw->name_length, .text = raw->text ? raw->text : "",
		.length = raw->length, .layer = raw->layer, .literal = true};
}

/* Settle `parameter`, the template's, with the raw one of its name. False: it is removed. */
static bool settle(const struct run *run, const struct stack_parameter *raw, struct parameter *parameter)
{
	struct parameter other = of_raw(raw), own = *parameter;
	if (raw->layer < own.layer) {
		if (run->trace && run->trace->beaten && raw->text)
			run->trace->beaten(run->trace->context, &own, &other, own.layer);
		return true;
	}
	if (run->trace && run->trace->beaten)
		run->trace->beaten(run->trace->context, raw->text ? &other : NULL, &own, raw->layer);
	*parameter = other;
	return raw->text != NULL;
}

bool render_settle_raw(struct run *run, struct parameter *parameter)
{
	const struct stack_parameter *raw = take_raw(run, (struct text){.text = parameter->name, .length = parameter->name_length});
	return !raw || settle(run, raw, parameter);
}

bool render_append_raw(struct run *run)
{
	for (uint32_t i = 0; run->stack && i < run->stack->parameter_count; i++) {
		const struct stack_parameter *raw = &run->stack->parameters[i];
		if (run->raw_done[i] || !raw->text)
			continue;
		if (run->next == run->list_end && !render_make_room(run))
			return false;
		*run->next++ = of_raw(raw);
	}
	return true;
}
