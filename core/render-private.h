/* render-private.h - one rendering under way: render.c walks the operations, render-text.c makes names and values. */
#ifndef DIALTONE_RENDER_PRIVATE_H
#define DIALTONE_RENDER_PRIVATE_H

#include "copy.h"
#include "render.h"
#include "template-private.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define RENDER_STEPS_MAX (1u << 20) /* operations run for one file: sections over keys and lists multiply */
#define ITEM_NONE UINT32_MAX

/* Sections that enclose what is run, innermost first; only for the trace. */
struct run_section {
	const struct run_section *outer;
	const struct reference *reference;
};

struct run {
	const struct template *template;
	const struct stack *stack; /* NULL: a common file */
	const struct model *model;
	struct arena *arena;
	const struct render_trace *trace;
	struct error *error;
	uint32_t steps;

	/* where we are */
	const struct run_section *section;
	const struct stack_line *line;
	const struct layer_key *key; /* NULL in a free slot */
	const struct stack_value *values, *line_values;
	struct text numbers[REFERENCE_INDEX + 1]; /* by kind, where reference_is_number; at least 16 bytes can be read */
	uint32_t counts[REFERENCE_INDEX + 1];     /* the same as numbers */
	const void *bases[REFERENCE_INDEX + 1];   /* by kind: what offsets of facts count from */
	uint8_t base_layers[REFERENCE_INDEX + 1];
	struct text item;
	uint32_t item_number;        /* of `item` in the dictionary, or ITEM_NONE */
	uint8_t item_layer;
	uint8_t layer;               /* highest of what enclosing sections used */

	/* what is made */
	bool literal;                /* no value in the side that render_side made last */
	struct parameter *list, *next, *list_end;
	char *text, *text_end;       /* room for composed texts */

	struct text (*ha1)[HA1_FACTS]; /* by line of the stack, made when a template asks for the first; text NULL: not yet */

	/* the result of a filter that came last: keys are mostly of one type */
	const struct chain *last_chain;
	struct text last_in, last_out;

	/* raw parameters */
	uint64_t raw_mask;           /* of their lengths, by 64: most names are none of them. All ones where there is a trace */
	uint32_t *raw_slots;         /* open addressing, number + 1; 0: free */
	uint32_t raw_slot_mask;
	bool *raw_done;
};

/* A value as the template sees it: text NULL where there is none. */
struct value {
	const char *text;
	uint32_t length;
	uint8_t layer;
};

/* Short texts that mostly differ in their first byte. */
static inline bool same_text(struct text a, struct text b)
{
	return a.length == b.length && copy_same(a.text, b.text, a.length);
}

/* Which of the values that can come. */
static inline uint32_t render_item_number(const struct items *items, struct text value)
{
	uint64_t word = copy_short_word(value.text, value.length);
	const uint64_t *words = items->words;
	for (uint32_t i = 0, count = items->count; i < count; i++)
		if (words[i] == word && items->texts[i].length == value.length &&
			(value.length <= 8 || memcmp(items->texts[i].text, value.text, value.length) == 0))
			return i;
	return ITEM_NONE;
}

static inline const struct text *render_text_at(const void *base, uint32_t offset)
{
	return (const struct text *)(const void *)((const char *)base + offset);
}

struct value render_reference(struct run *run, const struct reference *reference);

/* The same with the two most frequent kinds in place. */
static inline struct value render_fast_reference(struct run *run, const struct reference *reference)
{
	if (reference->kind > REFERENCE_LINE_SETTING)
		return render_reference(run, reference);
	const struct stack_value *value = &(reference->kind == REFERENCE_SETTING ? run->values : run->line_values)[reference->index];
	return (struct value){.text = value->text, .length = value->length, .layer = value->layer};
}

char *render_new_chunk(struct run *run, size_t size);

/* Room for a text at run->text; what is made of it is taken by moving that on. */
static inline char *render_room(struct run *run, size_t size)
{
	return (size_t)(run->text_end - run->text) < size ? render_new_chunk(run, size) : run->text;
}

/* A template's literal; the room has slack for it. */
static inline char *render_copy_literal(char *restrict to, struct text literal)
{
	return copy_blocks(to, literal.text, literal.length);
}

/* SIDE_NUMBERED where nothing is ready; cannot fail. The room keeps its slack behind it, so that it can be read in blocks. */
static inline struct text render_numbered(struct run *run, const struct side *side)
{
	const struct text *number = &run->numbers[side->number];
	char *begin = render_room(run, (size_t)side->literal_size + 8 + 33);
	char *to = render_copy_literal(begin, side->before);
	__builtin_memcpy(to, number->text, 8);
	to = render_copy_literal(to + number->length, side->behind);
	*to = 0;
	run->text = to + 1;
	return (struct text){.text = begin, .length = (uint32_t)(to - begin)};
}

/* The text of a side of the forms TAG and MIXED; raises *layer_r to what it used. False and *run->error if a value is missing or a map
 * lacks it. */
bool render_side(struct run *run, const struct op *op, const struct side *side, struct text *text_r, uint8_t *layer_r);
/* Decimal, 0-terminated; 16 bytes can be read. Numbers of lines, keys and items are small: no formatting at all. */
struct text render_large_number(struct run *run, long long number);
extern const char render_small_numbers[100][16];

static inline struct text render_number(struct run *run, long long number)
{
	if (number < 0 || number >= 100)
		return render_large_number(run, number);
	return (struct text){.text = render_small_numbers[number], .length = number < 10 ? 1 : 2};
}

static inline void render_set_number(struct run *run, enum reference_kind kind, uint32_t number)
{
	run->numbers[kind] = render_number(run, number);
	run->counts[kind] = number;
}

/* Fill the error with the place before it; returns false. */
bool render_fail(struct run *run, const struct op *op, uint32_t column, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* render-raw.c. Settle the template's parameter with the raw one of its name, if there is one. False: it is removed. */
void render_index_raw(struct run *run);
bool render_settle_raw(struct run *run, struct parameter *parameter);
/* Those that the template lacks; false as render_make_room. */
bool render_append_raw(struct run *run);
/* Room for one parameter more at run->next; false and *run->error if there are too many. */
bool render_make_room(struct run *run);

#endif
