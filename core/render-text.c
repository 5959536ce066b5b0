/* render-text.c - what tags stand for, and names and values made of them. */
#include "render-private.h"

#include "copy.h"
#include "ha1.h"
#include "setting.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TEXT_CHUNK 4096u

/* A prefix of a long name, for messages. */
#define SHOWN(value) ((int)((value).length < 100 ? (value).length : 100)), (value).text

bool render_fail(struct run *run, const struct op *op, uint32_t column, enum error_code code, const char *format, ...)
{
	char message[ERROR_MESSAGE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	error_set(run->error, code, "%s:%u:%u: %s", op->place.file, op->place.line, column, message);
	return false;
}

/* ---- room for texts ---- */

char *render_new_chunk(struct run *run, size_t size)
{
	size_t chunk = size > TEXT_CHUNK ? size : TEXT_CHUNK;
	run->text = arena_raw(run->arena, chunk);
	run->text_end = run->text + chunk;
	return run->text;
}

#define TEN(tens) tens "0", tens "1", tens "2", tens "3", tens "4", tens "5", tens "6", tens "7", tens "8", tens "9"
const char render_small_numbers[100][16] = {
	TEN(""), TEN("1"), TEN("2"), TEN("3"), TEN("4"), TEN("5"), TEN("6"), TEN("7"), TEN("8"), TEN("9")};

struct text render_large_number(struct run *run, long long number)
{
	char digits[24], *begin = digits + sizeof digits;
	unsigned long long rest = number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number;
	do
		*--begin = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		*--begin = '-';
	size_t size = (size_t)(digits + sizeof digits - begin);
	char *text = render_room(run, size + 16);
	*copy_bytes(text, begin, size) = 0;
	run->text += size + 16;
	return (struct text){.text = text, .length = (uint32_t)size};
}

/* ---- references ---- */

static struct value plain(struct text text, uint8_t layer)
{
	return (struct value){.text = text.text, .length = text.length, .layer = layer};
}

static struct value string(const char *text)
{
	return (struct value){.text = text, .length = text ? (uint32_t)strlen(text) : 0};
}

static struct value of_stack(const struct stack_value *value)
{
	return (struct value){.text = value->text, .length = value->length, .layer = value->layer};
}

static struct value model_value(struct run *run, const struct reference *reference)
{
	if (reference->constant_known)
		return plain(reference->constant, LAYER_VENDOR);
	struct reference copy = *reference;
	if (run->model)
		template_constant(run->model, run->arena, &copy);
	return plain(copy.constant, LAYER_VENDOR);
}

/* "+1", "-3:30", "0": hours, and minutes where there are some. */
static struct text hours_minutes(struct run *run, int minutes)
{
	int rest = minutes < 0 ? -minutes : minutes;
	struct text hours = render_number(run, rest / 60);
	char *begin = render_room(run, hours.length + 5), *to = begin;
	if (minutes)
		*to++ = minutes < 0 ? '-' : '+';
	to = copy_bytes(to, hours.text, hours.length);
	if (rest % 60) {
		*to++ = ':';
		*to++ = (char)('0' + rest % 60 / 10);
		*to++ = (char)('0' + rest % 60 % 10);
	}
	*to = 0;
	run->text = to + 1;
	return (struct text){.text = begin, .length = (uint32_t)(to - begin)};
}

static int change_field(const struct timezone_rule *rule, uint32_t fact)
{
	const struct timezone_change *change = fact >= TIMEZONE_END_MONTH ? &rule->end : &rule->start;
	switch (fact >= TIMEZONE_END_MONTH ? fact - TIMEZONE_END_MONTH : fact - TIMEZONE_START_MONTH) {
	case 0:
		return change->month;
	case 1:
		return change->week;
	case 2:
		return change->weekday;
	default:
		return change->hour;
	}
}

static struct value timezone_value(struct run *run, const struct reference *reference)
{
	const struct timezone_rule *rule = run->stack->timezone;
	if (!rule)
		return (struct value){0};
	uint8_t layer = reference->setting ? run->values[reference->setting->index].layer : LAYER_VENDOR;
	switch ((enum timezone_fact)reference->index) {
	case TIMEZONE_OFFSET_MINUTES:
		return plain(render_number(run, rule->offset_minutes), layer);
	case TIMEZONE_OFFSET_HM:
		return plain(hours_minutes(run, rule->offset_minutes), layer);
	case TIMEZONE_OFFSET_QUARTERS:
		return rule->offset_minutes % 15 ? (struct value){0} : plain(render_number(run, rule->offset_minutes / 15), layer);
	case TIMEZONE_DST:
		return (struct value){.text = rule->dst ? "true" : "false", .length = rule->dst ? 4 : 5, .layer = layer};
	case TIMEZONE_DST_MINUTES:
		return plain(render_number(run, rule->dst ? rule->dst_minutes : 0), layer);
	default:
		if (!rule->dst || rule->inexpressible)
			return (struct value){.layer = layer};
		return plain(render_number(run, change_field(rule, reference->index)), layer);
	}
}

static struct value label_value(const struct stack_line *line)
{
	/* A label that was only taken from the account is the account's. */
	return plain(line->label, line->label.text == line->display_name.text ? LAYER_ACCOUNT : LAYER_LINE);
}

/* provisioning.url with the device's own credentials in it, in place of any that were. Only of https: whoever reads the way would have them. */
static struct value login_url(struct run *run, const struct reference *reference)
{
	static const char scheme[] = "https://";
	const size_t head = sizeof scheme - 1;
	const struct stack_value *url = &run->values[reference->setting->index];
	const struct stack *stack = run->stack;
	if (!url->text || url->length < head || strncasecmp(url->text, scheme, head) != 0 || !stack->provisioning_password.length)
		return (struct value){0};
	const char *host = url->text + head, *at = memchr(host, '@', strcspn(host, "/?#"));
	struct text user = template_percent(run->arena, stack->provisioning_user), password = template_percent(run->arena, stack->provisioning_password);
	if (at)
		host = at + 1;
	const char *text = arena_printf(run->arena, "%s%s:%s@%s", scheme, user.text, password.text, host);
	return (struct value){.text = text, .length = (uint32_t)strlen(text), .layer = url->layer};
}

/* From 0, all of the phone's before the first module's. */
static struct text key_index(struct run *run)
{
	uint32_t module = run->counts[REFERENCE_KEY_MODULE], slot = run->counts[REFERENCE_KEY_SLOT];
	return render_number(run, (long long)slot - 1 + (module ? run->model->keys + (module - 1LL) * run->model->module_keys : 0));
}

/* Made once a line, in the arena, which is wiped as what it is made from. */
static struct value ha1_value(struct run *run, const struct reference *reference)
{
	const struct stack_line *line = run->line;
	const struct stack_value *realm = &run->values[reference->setting->index];
	if (!realm->length || !line->password.length)
		return (struct value){0};
	if (!run->ha1)
		run->ha1 = arena_array(run->arena, run->stack->line_count, sizeof *run->ha1);
	struct text *made = &run->ha1[line - run->stack->lines][reference->index], realm_text = {.text = realm->text, .length = realm->length};
	if (!made->text) {
		char *hex = arena_raw(run->arena, HA1_SHA256 + 1);
		made->length = reference->index == HA1_FACT_MD5 ? HA1_MD5 : HA1_SHA256;
		if (reference->index == HA1_FACT_MD5)
			ha1_md5(line->auth_user, realm_text, line->password, hex);
		else
			ha1_sha256(line->auth_user, realm_text, line->password, hex);
		made->text = hex;
	}
	return plain(*made, LAYER_ACCOUNT); /* above all that it is made of */
}

struct value render_reference(struct run *run, const struct reference *reference)
{
	switch (reference->kind) {
	case REFERENCE_SETTING:
		return of_stack(&run->values[reference->index]);
	case REFERENCE_LINE_SETTING:
		return of_stack(&run->line_values[reference->index]);
	case REFERENCE_LINE_TEXT:
	case REFERENCE_KEY_TEXT:
	case REFERENCE_KEY_LINE:
	case REFERENCE_PROVISIONING:
		return plain(*render_text_at(run->bases[reference->kind], reference->offset), run->base_layers[reference->kind]);
	case REFERENCE_LINE_LABEL:
		return label_value(run->line);
	case REFERENCE_LINE_INDEX:
	case REFERENCE_KEY_MODULE:
	case REFERENCE_KEY_SLOT:
	case REFERENCE_INDEX:
		return plain(run->numbers[reference->kind], LAYER_VENDOR); /* sections raise the layer where it is not that */
	case REFERENCE_DEVICE_MAC:
		return (struct value){.text = run->stack->mac.digits, .length = MAC_DIGITS};
	case REFERENCE_DEVICE_TENANT:
		return string(run->stack->tenant_id);
	case REFERENCE_DEVICE_SITE:
		return string(run->stack->site_id);
	case REFERENCE_MODEL:
		return model_value(run, reference);
	case REFERENCE_TIMEZONE:
		return timezone_value(run, reference);
	case REFERENCE_ITEM:
		return plain(run->item, run->item_layer);
	case REFERENCE_KEY_INDEX:
		return plain(key_index(run), LAYER_VENDOR); /* as module and slot */
	case REFERENCE_LOGIN_URL:
		return login_url(run, reference);
	case REFERENCE_LINE_HA1:
		return ha1_value(run, reference);
	}
	return (struct value){0};
}

/* ---- tags ---- */

static bool missing(struct run *run, const struct op *op, const struct piece *piece)
{
	const struct reference *reference = &piece->reference;
	if (reference->kind == REFERENCE_TIMEZONE && run->stack->timezone) {
		const struct timezone_rule *rule = run->stack->timezone;
		const char *why = reference->index == TIMEZONE_OFFSET_QUARTERS ? "its offset is no whole number of quarters"
			: rule->inexpressible ? rule->inexpressible : "it has no daylight saving";
		return render_fail(
			run, op, piece->column, ERROR_INEXPRESSIBLE, "`%s` of the time zone %s: %s", reference->name.text, rule->name, why);
	}
	char where[64] = "";
	if (run->line)
		snprintf(where, sizeof where, " on line %u", run->line->position);
	else if (run->key)
		snprintf(where, sizeof where, " on key %u of module %u", run->key->slot, run->key->module);
	return render_fail(run, op, piece->column, ERROR_MISSING, "`%.100s` has no value%s", reference->name.text, where);
}

static bool not_in_map(struct run *run, const struct op *op, const struct piece *piece, const struct filter *filter, struct text value)
{
	const char *name = piece->reference.name.text;
	if (filter->kind != FILTER_MAP) {
		const char *what = filter->kind == FILTER_SCHEME || filter->kind == FILTER_SCHEMELESS ? "no URL"
			: filter->kind == FILTER_X_PLUS ? "not to be said as a plan of x and x+"
			: "no number";
		return render_fail(
			run, op, piece->column, ERROR_INEXPRESSIBLE, "`%.100s` goes through %s and is %s", name, filter->name.text, what);
	}
	if (piece->reference.secret)
		return render_fail(
			run, op, piece->column, ERROR_INEXPRESSIBLE, "map %.100s lacks the value of `%.100s`", filter->name.text, name);
	return render_fail(run, op, piece->column, ERROR_INEXPRESSIBLE, "`%.100s` is `%.*s`, which this vendor's map %.100s lacks", name,
		SHOWN(value), filter->name.text);
}

/* One value, or one item of a list, through the filters of the tag. */
static bool filter_one(struct run *run, const struct op *op, const struct piece *piece, struct text in, struct text *out_r)
{
	const struct chain *chain = piece->chain;
	uint32_t number = piece->reference.kind == REFERENCE_ITEM ? run->item_number : render_item_number(&chain->items, in);
	if (number < chain->items.count && chain->out[number].text) {
		*out_r = chain->out[number];
		return true;
	}
	const struct filter *failed = NULL;
	if (template_filter(chain, run->arena, in, out_r, &failed) != ERROR_NONE)
		return not_in_map(run, op, piece, failed, in);
	run->last_chain = chain;
	run->last_in = in;
	run->last_out = *out_r;
	return true;
}

/* Item by item; those that are mapped to nothing are left out. */
static bool filter_list(struct run *run, const struct op *op, const struct piece *piece, struct value *value)
{
	struct text item = {.text = value->text};
	size_t size = 0, room = (size_t)value->length * 2 + 64;
	char *joined = arena_raw(run->arena, room);
	for (const char *end = value->text + value->length; value->length && item.text <= end; item.text += item.length + 1) {
		const char *comma = memchr(item.text, ',', (size_t)(end - item.text));
		struct text out;
		item.length = (uint32_t)((comma ? comma : end) - item.text);
		if (!filter_one(run, op, piece, item, &out))
			return false;
		if (!out.length)
			continue;
		if (room - size < (size_t)out.length + 1) {
			char *larger = arena_raw(run->arena, room = room * 2 + out.length);
			memcpy(larger, joined, size);
			joined = larger;
		}
		if (size)
			joined[size++] = ',';
		size = (size_t)(copy_bytes(joined + size, out.text, out.length) - joined);
	}
	value->text = joined;
	value->length = (uint32_t)size;
	return true;
}

static bool is_list(const struct reference *reference)
{
	return reference->kind <= REFERENCE_LINE_SETTING && reference->setting->type == SETTING_LIST;
}

/* The frequent case of filters: the dictionary knows all values, so what becomes of them was worked out at compile time. */
static inline bool precomputed(const struct run *run, const struct piece *piece, struct value *value)
{
	const struct chain *chain = piece->chain;
	struct text text = {.text = value->text, .length = value->length};
	uint32_t number = piece->reference.kind == REFERENCE_ITEM ? run->item_number : render_item_number(&chain->items, text);
	if (number >= chain->items.count || !chain->out[number].text)
		return false;
	value->text = chain->out[number].text;
	value->length = chain->out[number].length;
	return true;
}

static bool filter(struct run *run, const struct op *op, const struct piece *piece, struct value *value)
{
	struct text out;
	if (is_list(&piece->reference)) {
		const struct filter *last = &piece->chain->filters[piece->chain->count - 1];
		if (!filter_list(run, op, piece, value))
			return false;
		if (last->kind == FILTER_PICK) {
			out = template_pick((struct text){.text = value->text, .length = value->length}, last->place);
			value->text = out.text;
			value->length = out.length;
		}
		return true;
	}
	if (!filter_one(run, op, piece, (struct text){.text = value->text, .length = value->length}, &out))
		return false;
	value->text = out.text;
	value->length = out.length;
	return true;
}

static inline bool tag_value(struct run *run, const struct op *op, const struct piece *piece, struct value *value_r)
{
	*value_r = render_fast_reference(run, &piece->reference);
	if (!value_r->text) {
		value_r->text = piece->fallback.text;
		value_r->length = piece->fallback.length;
		return value_r->text || missing(run, op, piece);
	}
	if (piece->reference.kind != REFERENCE_MODEL)
		run->literal = false;
	if (!piece->chain)
		return true;
	if (run->last_chain == piece->chain && same_text(run->last_in, (struct text){.text = value_r->text, .length = value_r->length})) {
		value_r->text = run->last_out.text;
		value_r->length = run->last_out.length;
		return true;
	}
	return precomputed(run, piece, value_r) || filter(run, op, piece, value_r);
}

/* The text of a piece that cannot fail, or text NULL. */
static inline struct text sure_text(const struct run *run, const struct piece *piece)
{
	if (piece->number)
		return run->numbers[piece->reference.kind];
	if (piece->mapped_number) {
		const struct text *number = &run->numbers[piece->reference.kind];
		if (number->length <= 2)
			return piece->chain
				->out[number->length == 1 ? number->text[0] - '0' : (number->text[0] - '0') * 10 + number->text[1] - '0'];
	}
	if (piece->mapped_item && run->item_number < piece->chain->items.count)
		return piece->chain->out[run->item_number];
	return (struct text){0};
}

static bool compose(struct run *run, const struct op *op, const struct side *side, struct text *text_r, uint8_t *layer_r)
{
	size_t rest = (size_t)side->literal_size + 33; /* what literals may still need, with the slack of render_copy_literal */
	char *begin = render_room(run, rest), *to = begin;
	bool literal = true;
	for (const struct piece *piece = side->pieces, *end = piece + side->count; piece < end; piece++) {
		if (piece->literal.text) {
			to = render_copy_literal(to, piece->literal);
			continue;
		}
		struct text text = sure_text(run, piece);
		literal = false;
		run->text = to; /* making the value may take room of its own behind what stands here */
		if (!text.text) {
			struct value value;
			if (!tag_value(run, op, piece, &value))
				return false;
			*layer_r = value.layer > *layer_r ? value.layer : *layer_r;
			text = (struct text){.text = value.text, .length = value.length};
		}
		if (run->text != to || (size_t)(run->text_end - to) < text.length + rest) {
			size_t made = (size_t)(to - begin);
			char *room = render_room(run, made + text.length + rest);
			memcpy(room, begin, made);
			begin = room;
			to = room + made;
		}
		to = copy_bytes(to, text.text, text.length);
	}
	*to = 0;
	run->text = to + 1;
	run->literal = literal;
	*text_r = (struct text){.text = begin, .length = (uint32_t)(to - begin)};
	return true;
}

bool render_side(struct run *run, const struct op *op, const struct side *side, struct text *text_r, uint8_t *layer_r)
{
	run->literal = true;
	if (side->count != 1)
		return compose(run, op, side, text_r, layer_r);
	struct value value;
	*text_r = sure_text(run, side->pieces);
	run->literal = !text_r->text;
	if (text_r->text)
		return true;
	if (!tag_value(run, op, side->pieces, &value))
		return false;
	*layer_r = value.layer > *layer_r ? value.layer : *layer_r;
	*text_r = (struct text){.text = value.text, .length = value.length}; /* pointed at, not copied */
	return true;
}
