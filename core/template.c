/* template.c - the life of a compiled template, its filters, and what is worked out once all of it is there. */
#include "template-private.h"

#include "catalogue-private.h"
#include "copy.h"
#include "dialplan.h"
#include "number.h"
#include "setting.h"
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_ITEMS_MAX 64u  /* more of one map are not worked out beforehand */
#define READY_MAX 2048u    /* names of one assignment that are made beforehand */

const char *template_section_name(enum op_kind kind)
{
	static const char *const names[] = {
		[OP_LINES] = "lines",
		[OP_FREE_LINES] = "free_lines",
		[OP_KEYS] = "keys",
		[OP_FREE_KEYS] = "free_keys",
		[OP_MODULE_KEYS] = "module_keys",
		[OP_FREE_MODULE_KEYS] = "free_module_keys",
	};
	return names[kind] ? names[kind] : "";
}

void template_free(struct template **template)
{
	if (*template) {
		arena_deinit(&(*template)->arena);
		free((*template)->ops);
		free(*template);
	}
	*template = NULL;
}

/* ---- filters ---- */

static struct text change_case(struct arena *arena, struct text in, bool upper)
{
	char *out = arena_copy(arena, in.text, in.length);
	for (uint32_t i = 0; i < in.length; i++)
		if (upper ? (out[i] >= 'a' && out[i] <= 'z') : (out[i] >= 'A' && out[i] <= 'Z'))
			out[i] ^= 0x20;
	return (struct text){.text = out, .length = in.length};
}

/* Sixtieths, rounded up; text NULL if it is no number. */
static struct text divide(struct arena *arena, struct text in)
{
	unsigned long long value = 0;
	if (!in.length || in.length > 18)
		return (struct text){0};
	for (uint32_t i = 0; i < in.length; i++) {
		if (in.text[i] < '0' || in.text[i] > '9')
			return (struct text){0};
		value = value * 10 + (unsigned)(in.text[i] - '0');
	}
	struct text out = {.text = arena_printf(arena, "%llu", (value + 59) / 60)};
	out.length = (uint32_t)strlen(out.text);
	return out;
}

/* What stands before "://", or behind it; text NULL if it is no URL. Points into `in`. */
static struct text part_of_url(struct text in, bool scheme)
{
	const char *colon = in.length ? memmem(in.text, in.length, "://", 3) : NULL;
	if (!colon || colon == in.text)
		return (struct text){0};
	if (scheme)
		return (struct text){.text = in.text, .length = (uint32_t)(colon - in.text)};
	struct text out = {.text = colon + 3, .length = (uint32_t)(in.text + in.length - colon - 3)};
	while (out.length && out.text[out.length - 1] == '/')
		out.length--;
	return out;
}

/* Minutes, perhaps west of Greenwich, as seconds; text NULL if it is no number. */
static struct text multiply(struct arena *arena, struct text in)
{
	char copy[16];
	long long value;
	if (in.length >= sizeof copy)
		return (struct text){0};
	memcpy(copy, in.text, in.length);
	copy[in.length] = 0;
	if (!number_parse(copy, -100000000, 100000000, &value))
		return (struct text){0};
	struct text out = {.text = arena_printf(arena, "%lld", value * 60)};
	out.length = (uint32_t)strlen(out.text);
	return out;
}

/* What stands between the quotes of a quoted-string (RFC 3261 section 25.1). */
static struct text quoted(struct arena *arena, struct text in)
{
	char *out = arena_alloc(arena, (size_t)in.length * 2 + 1), *to = out;
	for (uint32_t i = 0; i < in.length; i++) {
		if (in.text[i] == '"' || in.text[i] == '\\')
			*to++ = '\\';
		*to++ = in.text[i];
	}
	return (struct text){.text = out, .length = (uint32_t)(to - out)};
}

static bool stays(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("-._~+*", c));
}

struct text template_percent(struct arena *arena, struct text in)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(arena, (size_t)in.length * 3 + 1), *to = out;
	for (uint32_t i = 0; i < in.length; i++) {
		unsigned char c = (unsigned char)in.text[i];
		if (stays(in.text[i])) {
			*to++ = in.text[i];
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	return (struct text){.text = out, .length = (uint32_t)(to - out)};
}

/* An IPv6 address as URIs and `host:port` have it. */
static struct text uri_host(struct arena *arena, struct text in)
{
	if (!in.length || !memchr(in.text, ':', in.length) || in.text[0] == '[')
		return in;
	struct text out = {.text = arena_printf(arena, "[%.*s]", (int)in.length, in.text), .length = in.length + 2};
	return out;
}

struct text template_pick(struct text list, uint32_t place)
{
	struct text item = {.text = list.text}, first = {0};
	for (const char *end = list.text + list.length; list.length && item.text <= end; item.text += item.length + 1) {
		const char *comma = memchr(item.text, ',', (size_t)(end - item.text));
		item.length = (uint32_t)((comma ? comma : end) - item.text);
		if (!first.text)
			first = item;
		if (--place == 0)
			return item;
	}
	return first.text ? first : list;
}

static struct text apply(const struct filter *filter, struct arena *arena, struct text in)
{
	struct text out = {0};
	size_t length = 0;
	switch (filter->kind) {
	case FILTER_MAP:
		out.text = map_get(filter->map, in.text, in.length, &length);
		out.length = (uint32_t)length;
		return out;
	case FILTER_UPPER:
		return change_case(arena, in, true);
	case FILTER_LOWER:
		return change_case(arena, in, false);
	case FILTER_MINUTES:
	case FILTER_HOURS:
		return divide(arena, in);
	case FILTER_SCHEME:
	case FILTER_SCHEMELESS:
		return part_of_url(in, filter->kind == FILTER_SCHEME);
	case FILTER_SECONDS:
		return multiply(arena, in);
	case FILTER_QUOTED:
		return quoted(arena, in);
	case FILTER_PERCENT:
		return template_percent(arena, in);
	case FILTER_URI_HOST:
		return uri_host(arena, in);
	case FILTER_X_PLUS:
		return dialplan_x_plus(arena, in);
	case FILTER_PICK:
		return in; /* of one item; of a list: template_pick */
	}
	return out;
}

enum error_code template_filter(
	const struct chain *chain, struct arena *arena, struct text in, struct text *out_r, const struct filter **failed_r)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		in = apply(&chain->filters[i], arena, in);
		if (!in.text) {
			*failed_r = &chain->filters[i];
			return ERROR_INEXPRESSIBLE;
		}
		if (!in.length)
			break; /* mapped to nothing: left out, whatever follows */
	}
	*out_r = in;
	return ERROR_NONE;
}

/* ---- finishing ---- */

static struct items make_items(struct template *template, const char *const *names, uint32_t count)
{
	struct text *texts = arena_array(&template->arena, count, sizeof *texts);
	uint64_t *words = arena_array(&template->arena, count, sizeof *words);
	for (uint32_t i = 0; i < count; i++) {
		texts[i] = (struct text){.text = names[i], .length = (uint32_t)strlen(names[i])};
		words[i] = copy_short_word(texts[i].text, texts[i].length);
	}
	return (struct items){.count = count, .texts = texts, .words = words};
}

/* What the dictionary allows; none where it names no values. */
static struct items items_of(struct template *template, const struct setting *setting)
{
	static const char *const booleans[] = {"true", "false"};
	bool boolean = setting->type == SETTING_BOOL;
	return make_items(template, boolean ? booleans : (const char *const *)setting->items, boolean ? 2 : setting->item_count);
}

/* What a map knows: as its keys are written, in lower case. Other spellings are looked up when they come. */
static struct items keys_of(struct template *template, const struct map *map)
{
	const char *keys[MAP_ITEMS_MAX];
	uint32_t count = 0;
	for (uint32_t i = 0; map->values.count && i <= map->values.mask; i++) {
		const struct strmap_slot *slot = &map->values.slots[i];
		if (!slot->key)
			continue;
		if (count == MAP_ITEMS_MAX)
			return (struct items){0};
		keys[count++] = slot->key;
	}
	return make_items(template, keys, count);
}

static void precompute(struct template *template, struct chain *chain, uint32_t count, const struct text *in)
{
	const struct filter *failed;
	chain->out = arena_array(&template->arena, count, sizeof *chain->out);
	chain->plain = true;
	for (uint32_t i = 0; i < count; i++) {
		struct text out;
		if (template_filter(chain, &template->arena, in[i], &out, &failed) != ERROR_NONE)
			continue;
		/* A map's text cannot be read in blocks. */
		chain->out[i] = (struct text){.text = arena_copy(&template->arena, out.text, out.length), .length = out.length};
		chain->plain = chain->plain && writer_plain(out.text, out.length, false);
	}
}

static void precompute_numbers(struct template *template, struct chain *chain)
{
	char texts[CHAIN_NUMBERS][4];
	struct text in[CHAIN_NUMBERS];
	for (uint32_t i = 0; i < CHAIN_NUMBERS; i++)
		in[i] = (struct text){.text = texts[i], .length = (uint32_t)snprintf(texts[i], sizeof texts[i], "%u", i)};
	precompute(template, chain, CHAIN_NUMBERS, in);
}

static bool same_chain(const struct chain *a, const struct chain *b)
{
	if (a->count != b->count || a->setting != b->setting || a->numbers != b->numbers)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->filters[i].kind != b->filters[i].kind || a->filters[i].map != b->filters[i].map || a->filters[i].place != b->filters[i].place)
			return false;
	return true;
}

/* The template's own of such chains, with results for what can come. */
static struct chain *share_chain(struct template *template, struct chain *chain, const struct setting *setting, bool numbers)
{
	chain->setting = setting;
	chain->numbers = numbers;
	for (struct chain *old = template->chains; old; old = old->next)
		if (same_chain(old, chain))
			return old;
	if (numbers) {
		precompute_numbers(template, chain);
	} else {
		if (setting)
			chain->items = items_of(template, setting);
		if (!chain->items.count && chain->filters[0].kind == FILTER_MAP)
			chain->items = keys_of(template, chain->filters[0].map);
		precompute(template, chain, chain->items.count, chain->items.texts);
	}
	chain->next = template->chains;
	return template->chains = chain;
}

/* The text of a piece, where it is known before any phone asks. */
static bool known(struct template *template, const struct piece *piece, struct text *text_r)
{
	const struct filter *failed;
	*text_r = piece->literal;
	if (piece->literal.text)
		return true;
	if (piece->reference.kind != REFERENCE_MODEL || !piece->reference.constant_known)
		return false;
	if (!piece->reference.constant.text) {
		*text_r = piece->fallback;
		return piece->fallback.text != NULL;
	}
	*text_r = piece->reference.constant;
	return !piece->chain || template_filter(piece->chain, &template->arena, *text_r, text_r, &failed) == ERROR_NONE;
}

/* All of the side, if it is known. */
static bool fold(struct template *template, struct side *side)
{
	struct text texts[TEMPLATE_PIECES_MAX];
	size_t size = 0;
	for (uint32_t i = 0; i < side->count; i++) {
		if (!known(template, &side->pieces[i], &texts[i]))
			return false;
		size += texts[i].length;
	}
	char *whole = arena_alloc(&template->arena, size + 1), *end = whole;
	for (uint32_t i = 0; i < side->count; i++) {
		memcpy(end, texts[i].text, texts[i].length);
		end += texts[i].length;
	}
	side->fixed = (struct text){.text = whole, .length = (uint32_t)size};
	return true;
}

static bool is_number(const struct piece *piece)
{
	return !piece->literal.text && !piece->chain && reference_is_number(piece->reference.kind);
}

/* Literal, number, literal, of which at most the number must be there. */
static bool split_number(struct template *template, struct side *side)
{
	uint32_t at = 0;
	struct text nothing = {.text = arena_copy(&template->arena, "", 0)};
	while (at < side->count && !is_number(&side->pieces[at]))
		at++;
	if (at == side->count || at > 1 || side->count > at + 2)
		return false;
	if ((at == 1 && !side->pieces[0].literal.text) || (side->count > at + 1 && !side->pieces[at + 1].literal.text))
		return false;
	side->before = at ? side->pieces[0].literal : nothing;
	side->number = side->pieces[at].reference.kind;
	side->behind = side->count > at + 1 ? side->pieces[at + 1].literal : nothing;
	return true;
}

/* How far the number goes that a section sets, for this model. */
static uint32_t numbers_of(const struct model *model, enum reference_kind kind)
{
	switch (kind) {
	case REFERENCE_LINE_INDEX:
		return model->lines + 1;
	case REFERENCE_KEY_SLOT:
		return model->keys + 1;
	default:
		return 0;
	}
}

/* The number and the filtered item that a side is made of besides literals; false if there is anything else, or one of them twice. */
static bool find_parts(const struct side *side, const struct piece **number_r, const struct piece **item_r)
{
	*number_r = *item_r = NULL;
	for (uint32_t i = 0; i < side->count; i++) {
		const struct piece *piece = &side->pieces[i];
		if (piece->literal.text)
			continue;
		const struct piece **part = piece->number ? number_r : piece->mapped_item ? item_r : NULL;
		if (!part || *part)
			return false;
		*part = piece;
	}
	return *number_r || *item_r;
}

/* The side with that number and that item in it; text NULL where a map lacks the item. */
static struct text fill_in(struct template *template, const struct side *side, uint32_t number, uint32_t item)
{
	struct buf made;
	struct text text = {0};
	bool good = true;
	buf_init(&made, TEMPLATE_SIZE_MAX);
	for (uint32_t i = 0; i < side->count && good; i++) {
		const struct piece *piece = &side->pieces[i];
		struct text part = piece->mapped_item ? piece->chain->out[item] : piece->literal;
		if (piece->number)
			buf_printf(&made, "%u", number);
		else if (part.text)
			buf_add(&made, part.text, part.length);
		else
			good = false;
	}
	if (good)
		text = (struct text){.text = arena_copy(&template->arena, made.data, made.size), .length = (uint32_t)made.size};
	buf_deinit(&made);
	return text;
}

/* Most names are a literal with the number of a line or a key in it, some with a codec's name: all that this model can have are made now,
 * and shared by all phones. */
static void make_ready(struct template *template, struct side *side)
{
	const struct piece *number, *item;
	if (!template->model || side->form == SIDE_FIXED || !find_parts(side, &number, &item))
		return;
	uint32_t count = number ? numbers_of(template->model, number->reference.kind) : 1, items = item ? item->chain->items.count : 1;
	if (count > CHAIN_NUMBERS || count * (uint64_t)items > READY_MAX)
		return;
	struct text *ready = arena_array(&template->arena, (size_t)count * items, sizeof *ready);
	for (uint32_t i = 0; i < count * items; i++)
		ready[i] = fill_in(template, side, i / items, i % items);
	side->number = number ? number->reference.kind : REFERENCE_SETTING; /* of which the count is always 0 */
	side->ready = ready;
	side->ready_count = count;
	side->ready_items = item ? items : 0;
}

static bool good_name(const struct template *template, struct text name)
{
	return template->check_name(name.text, name.length, NULL) == ERROR_NONE && !memchr(name.text, WRITER_TAG, name.length);
}

/* Is every name good that is ready or made of numbers alone? Others are looked at when they are made. */
static bool good_names(struct template *template, const struct side *side)
{
	if (!template->check_name)
		return false;
	if (side->form == SIDE_FIXED)
		return good_name(template, side->fixed);
	if (side->only_numbers)
		return good_name(template, fill_in(template, side, 1, 0));
	uint32_t count = side->ready_count * (side->ready_items ? side->ready_items : 1);
	for (uint32_t i = 0; i < count; i++)
		if (side->ready[i].text && !good_name(template, side->ready[i]))
			return false;
	return count;
}

/* What of a parameter no phone changes. */
static void make_parameter(struct template *template, struct op *op)
{
	struct assignment *assignment = &op->assignment;
	struct parameter *made = &assignment->made;
	*made = (struct parameter){.layer = assignment->layer, .secret = assignment->secret, .place = &op->place,
		.checked = good_names(template, &assignment->name)};
	if (assignment->name.form == SIDE_FIXED) {
		made->name = assignment->name.fixed.text;
		made->name_length = assignment->name.fixed.length;
	}
	if (assignment->value.form == SIDE_FIXED) {
		made->text = assignment->value.fixed.text;
		made->length = assignment->value.fixed.length;
		made->literal = true;
		made->plain = writer_plain(made->text, made->length, true);
	}
}

static enum side_form form_of(struct template *template, struct side *side)
{
	const struct piece *first = side->pieces;
	for (uint32_t i = 0; i < side->count; i++)
		side->literal_size += side->pieces[i].literal.length;
	if (fold(template, side))
		return SIDE_FIXED;
	if (split_number(template, side))
		return side->before.length || side->behind.length ? SIDE_NUMBERED : SIDE_NUMBER;
	if (side->count > 1)
		return SIDE_MIXED;
	const struct reference *reference = &first->reference;
	side->fallback = first->fallback;
	side->fallback_plain = first->fallback.text && writer_plain(first->fallback.text, first->fallback.length, true);
	side->kind = reference->kind;
	side->chain = first->chain;
	if (reference->kind <= REFERENCE_LINE_SETTING && !(first->chain && reference->setting->type == SETTING_LIST)) {
		side->setting = reference->index;
		return reference->kind == REFERENCE_SETTING ? SIDE_SETTING : SIDE_LINE_SETTING;
	}
	side->setting = reference->offset;
	bool text = reference->kind == REFERENCE_LINE_TEXT || reference->kind == REFERENCE_KEY_LINE ||
		reference->kind == REFERENCE_KEY_TEXT || reference->kind == REFERENCE_PROVISIONING;
	side->plain = reference->kind == REFERENCE_KEY_LINE;
	return text && !(first->chain && !first->chain->items.count) ? SIDE_TEXT : SIDE_TAG;
}

static const struct setting *setting_of(const struct reference *reference, const struct op *list)
{
	if (reference->kind == REFERENCE_ITEM)
		return list ? list->section.reference.setting : NULL;
	return reference->kind == REFERENCE_SETTING || reference->kind == REFERENCE_LINE_SETTING ? reference->setting : NULL;
}

static void finish_side(struct template *template, struct side *side, struct op *list)
{
	side->only_numbers = true;
	for (uint32_t i = 0; i < side->count; i++) {
		struct piece *piece = &side->pieces[i];
		piece->number = is_number(piece);
		side->only_numbers = side->only_numbers && (piece->number || piece->literal.text);
		if (piece->literal.text || !piece->chain)
			continue;
		piece->mapped_number = reference_is_number(piece->reference.kind);
		piece->mapped_item = piece->reference.kind == REFERENCE_ITEM;
		piece->chain = share_chain(template, piece->chain, setting_of(&piece->reference, list), piece->mapped_number);
		if (piece->reference.kind == REFERENCE_ITEM && list)
			list->section.chains[list->section.chain_count++] = piece->chain;
	}
	side->form = form_of(template, side);
}

/* How many tags with filters there are at most in the body of a list section. */
static size_t count_pieces(const struct template *template, uint32_t begin, uint32_t end)
{
	size_t count = 0;
	for (uint32_t i = begin; i < end; i++)
		if (template->ops[i].kind == OP_ASSIGN)
			count += template->ops[i].assignment.name.count + template->ops[i].assignment.value.count;
	return count;
}

static void finish_range(struct template *template, uint32_t begin, uint32_t end, struct op *list)
{
	for (uint32_t i = begin; i < end; i++) {
		struct op *op = &template->ops[i];
		if (op->kind == OP_ASSIGN) {
			finish_side(template, &op->assignment.name, list);
			make_ready(template, &op->assignment.name);
			finish_side(template, &op->assignment.value, list);
			make_parameter(template, op);
			continue;
		}
		const struct reference *reference = &op->section.reference;
		bool is_list = op->kind == OP_LIST || op->kind == OP_REST;
		op->section.list = reference->kind <= REFERENCE_LINE_SETTING && reference->setting && reference->setting->type == SETTING_LIST;
		if (is_list) {
			op->section.items = items_of(template, reference->setting);
			op->section.chains =
				arena_array(&template->arena, count_pieces(template, i + 1, op->end), sizeof *op->section.chains);
		}
		finish_range(template, i + 1, op->end, is_list ? op : list);
		i = op->end - 1;
	}
}

void template_finish(struct template *template)
{
	finish_range(template, 0, template->count, NULL);
}

/* ---- which settings ---- */

static void use(const struct reference *reference, bool *uses)
{
	if (reference->setting)
		uses[reference->setting->index] = true;
}

static void use_side(const struct side *side, bool *uses)
{
	for (uint32_t i = 0; i < side->count; i++)
		if (!side->pieces[i].literal.text)
			use(&side->pieces[i].reference, uses);
}

void template_uses(const struct template *template, bool *uses)
{
	for (uint32_t i = 0; i < template->count; i++) {
		const struct op *op = &template->ops[i];
		if (op->kind == OP_ASSIGN) {
			use_side(&op->assignment.name, uses);
			use_side(&op->assignment.value, uses);
		} else {
			use(&op->section.reference, uses);
		}
	}
}
