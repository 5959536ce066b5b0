/* template-parse.c - template text to the flat form of template-private.h. */
#include "template-private.h"

#include "setting.h"
#include "strmap.h"
#include "writer.h"
#include "xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One file that is being read; files that extend or include one another form a chain. */
struct file {
	const struct file *parent;
	const char *name;     /* "desk" */
	const char *shown;    /* "yealink/desk.tmpl", lives as long as the template */
	unsigned line;
	uint8_t layer;
	bool partial;
	bool begun;           /* something stood before: too late for {{< base}} */
	unsigned depth;       /* of files */
	unsigned bottom;      /* open sections where it began */
};

struct frame {
	uint32_t op;
	size_t path;          /* size of parser->path before it */
	struct text name;     /* what {{/…}} must say */
	struct template_scope outside;
};

struct parser {
	const struct template_source *source;
	const struct vendor *vendor;
	const struct dictionary *dictionary;
	const struct model *model;
	bool common;
	enum error_code (*check_name)(const char *name, size_t length, struct error *error);
	struct template *template;
	uint32_t room;
	uint32_t generation;  /* counts files in the chain of extends, the innermost base is 0 */
	uint32_t files;
	struct arena scratch; /* keys of `seen` */
	struct strmap seen;   /* enclosing sections and name → operation */
	struct buf path;      /* enclosing sections as text */
	struct frame frames[TEMPLATE_NESTING_MAX];
	unsigned depth;
	struct template_scope scope;
	struct file *file;
	struct error error;
};

/* A stretch of the line in hand; columns count from `line`. */
struct span {
	const char *line, *begin, *end;
};

static size_t span_size(struct span span)
{
	return (size_t)(span.end - span.begin);
}

static uint32_t span_column(struct span span)
{
	return (uint32_t)(span.begin - span.line) + 1;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span span_trim(struct span span)
{
	while (span.begin < span.end && blank(*span.begin))
		span.begin++;
	while (span.end > span.begin && blank(span.end[-1]))
		span.end--;
	return span;
}

static bool span_is(struct span span, const char *text)
{
	return span_size(span) == strlen(text) && memcmp(span.begin, text, strlen(text)) == 0;
}

/* Where `text` first stands in span, or its end. */
static const char *span_find(struct span span, const char *text)
{
	const char *found = memmem(span.begin, span_size(span), text, strlen(text));
	return found ? found : span.end;
}

static struct text span_copy(struct parser *parser, struct span span)
{
	return (struct text){.text = arena_copy(&parser->template->arena, span.begin, span_size(span)), .length = (uint32_t)span_size(span)};
}

/* How much of a name is shown in a message. */
static int shown(struct span span)
{
	return span_size(span) < 100 ? (int)span_size(span) : 100;
}

/* ---- errors: all return false ---- */

static bool at(struct parser *parser, uint32_t column)
{
	error_prefix(&parser->error, "%s:%u:%u", parser->file->shown, parser->file->line, column);
	return false;
}

static bool fail(struct parser *parser, uint32_t column, enum error_code code, const char *format, ...) __attribute__((format(printf, 4, 5)));

static bool fail(struct parser *parser, uint32_t column, enum error_code code, const char *format, ...)
{
	char message[ERROR_MESSAGE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	error_set(&parser->error, code, "%s", message);
	return at(parser, column);
}

/* ---- tags ---- */

static bool find_filter(struct parser *parser, struct span span, struct filter *filter_r)
{
	static const struct { const char *name; enum filter_kind kind; } built_in[] = {
		{"upper", FILTER_UPPER}, {"lower", FILTER_LOWER}, {"minutes", FILTER_MINUTES}, {"hours", FILTER_HOURS},
	};
	*filter_r = (struct filter){.kind = FILTER_MAP, .name = span_copy(parser, span)};
	filter_r->map = parser->vendor && span_size(span) ? vendor_map(parser->vendor, span.begin, span_size(span)) : NULL;
	if (filter_r->map)
		return true;
	for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++)
		if (span_is(span, built_in[i].name)) {
			filter_r->kind = built_in[i].kind;
			return true;
		}
	return fail(parser, span_column(span), ERROR_UNKNOWN, "unknown map `%.*s`: maps.ini has no section of that name", shown(span), span.begin);
}

static bool parse_chain(struct parser *parser, struct span span, struct chain **chain_r)
{
	struct filter filters[TEMPLATE_FILTERS_MAX];
	struct chain *chain = arena_alloc(&parser->template->arena, sizeof *chain);
	for (;;) {
		struct span one = span;
		one.end = span_find(span, "|");
		if (chain->count == TEMPLATE_FILTERS_MAX)
			return fail(parser, span_column(one), ERROR_RANGE, "more than %u filters in one tag", TEMPLATE_FILTERS_MAX);
		if (!find_filter(parser, span_trim(one), &filters[chain->count++]))
			return false;
		if (one.end == span.end)
			break;
		span.begin = one.end + 1;
	}
	chain->filters = arena_array(&parser->template->arena, chain->count, sizeof *filters);
	memcpy(chain->filters, filters, chain->count * sizeof *filters);
	*chain_r = chain;
	return true;
}

static bool resolve(struct parser *parser, struct span name, struct reference *reference_r)
{
	if (!span_size(name))
		return fail(parser, span_column(name), ERROR_SYNTAX, "an empty tag");
	if (template_resolve(parser->dictionary, parser->model, parser->common, &parser->scope, &parser->template->arena, name.begin, span_size(name),
		    reference_r, &parser->error) != ERROR_NONE)
		return at(parser, span_column(name));
	return true;
}

/* `tag` is what stands between the braces. */
static bool parse_tag(struct parser *parser, struct span tag, struct piece *piece_r)
{
	struct span head = tag, fallback = tag;
	*piece_r = (struct piece){.column = span_column(tag) - 2};
	if (span_size(tag) && strchr("#^/<>", *tag.begin))
		return fail(parser, piece_r->column, ERROR_SYNTAX, "{{%c…}} stands on a line of its own", *tag.begin);
	if (span_find(tag, "{{") != tag.end)
		return fail(parser, piece_r->column, ERROR_SYNTAX, "a tag inside a tag");
	head.end = span_find(tag, ":-");
	if (head.end != tag.end) {
		fallback.begin = head.end + 2;
		if (span_find(fallback, "|") != fallback.end)
			return fail(parser, span_column(fallback), ERROR_SYNTAX, "a filter stands before the default: {{name|map:-text}}");
		piece_r->fallback = span_copy(parser, fallback);
	}
	struct span name = head, filters = head;
	name.end = span_find(head, "|");
	if (!resolve(parser, span_trim(name), &piece_r->reference))
		return false;
	if (name.end == head.end)
		return true;
	filters.begin = name.end + 1;
	return parse_chain(parser, filters, &piece_r->chain);
}

/* ---- assignments ---- */

static bool parse_side(struct parser *parser, struct span side, struct side *side_r)
{
	struct piece pieces[TEMPLATE_PIECES_MAX];
	uint32_t count = 0;
	while (side.begin < side.end) {
		struct span part = side;
		if (count == TEMPLATE_PIECES_MAX)
			return fail(parser, span_column(side), ERROR_RANGE, "more than %u pieces in one assignment", TEMPLATE_PIECES_MAX);
		struct piece *piece = &pieces[count++];
		part.end = span_find(side, "{{");
		if (part.end > side.begin) {
			*piece = (struct piece){.literal = span_copy(parser, part), .column = span_column(part)};
			side.begin = part.end;
			continue;
		}
		part.begin += 2;
		part.end = side.end;
		part.end = span_find(part, "}}");
		if (part.end == side.end)
			return fail(parser, span_column(side), ERROR_SYNTAX, "this tag is not closed by }}");
		if (!parse_tag(parser, part, piece))
			return false;
		side.begin = part.end + 2;
	}
	side_r->count = count;
	side_r->pieces = arena_array(&parser->template->arena, count, sizeof *pieces);
	if (count)
		memcpy(side_r->pieces, pieces, count * sizeof *pieces);
	return true;
}

/* A name with tags is tried with 1 and with x for what is not known yet: one of them must do. */
static bool try_name(struct parser *parser, const struct side *side, const char *stand_in)
{
	struct buf name;
	buf_init(&name, TEMPLATE_SIZE_MAX);
	for (uint32_t i = 0; i < side->count; i++) {
		const struct piece *piece = &side->pieces[i];
		if (piece->literal.text)
			buf_add(&name, piece->literal.text, piece->literal.length);
		else
			buf_add_string(&name, reference_is_number(piece->reference.kind) && !piece->chain ? "1" : stand_in);
	}
	bool good = parser->check_name(name.data, name.size, &parser->error) == ERROR_NONE;
	buf_deinit(&name);
	return good;
}

/* Every name that this side can make is good, whatever the numbers. */
static bool only_numbers(const struct side *side)
{
	for (uint32_t i = 0; i < side->count; i++)
		if (!side->pieces[i].literal.text && (!reference_is_number(side->pieces[i].reference.kind) || side->pieces[i].chain))
			return false;
	return true;
}

static bool check_name(struct parser *parser, struct op *op)
{
	const struct side *side = &op->assignment.name;
	if (!parser->check_name)
		return true;
	if (!try_name(parser, side, "x") && !try_name(parser, side, "1"))
		return at(parser, op->column);
	if (only_numbers(side))
		op->place.checked_by = parser->check_name;
	return true;
}

static bool has_secret(const struct side *side)
{
	for (uint32_t i = 0; i < side->count; i++)
		if (!side->pieces[i].literal.text && side->pieces[i].reference.secret)
			return true;
	return false;
}

static bool add_op(struct parser *parser, const struct op *op, uint32_t *index_r)
{
	struct template *template = parser->template;
	if (template->count == TEMPLATE_OPS_MAX)
		return fail(parser, op->column, ERROR_RANGE, "a template of more than %u assignments and sections", TEMPLATE_OPS_MAX);
	if (template->count == parser->room) {
		parser->room = parser->room ? parser->room * 2 : 64;
		template->ops = xreallocarray(template->ops, parser->room, sizeof *template->ops);
	}
	*index_r = template->count;
	template->ops[template->count++] = *op;
	return true;
}

static struct op new_op(const struct parser *parser, enum op_kind kind, uint32_t column)
{
	return (struct op){.kind = kind, .generation = parser->generation, .column = column,
		.place = {.file = parser->file->shown, .line = parser->file->line}};
}

/* Put the assignment in, or in the place of the base's. */
static bool place_assignment(struct parser *parser, const struct op *op)
{
	size_t before = parser->path.size;
	template_print_side(&op->assignment.name, &parser->path);
	const char *key = arena_copy(&parser->scratch, parser->path.data, parser->path.size);
	uint32_t length = (uint32_t)parser->path.size;
	parser->path.size = before;
	uint32_t index = strmap_get(&parser->seen, key, length);
	struct op *old = index != STRMAP_NONE ? &parser->template->ops[index] : NULL;
	if (!old) {
		if (!add_op(parser, op, &index))
			return false;
		strmap_put(&parser->seen, key, length, index);
		return true;
	}
	if (old->generation == parser->generation)
		return fail(parser, op->column, ERROR_SYNTAX, "`%.100s` is assigned before, at %s:%u", key + before, old->place.file, old->place.line);
	*old = *op;
	return true;
}

/* The first = that is not inside a tag, or NULL. */
static const char *find_equals(struct span line)
{
	for (const char *p = line.begin; p < line.end; p++) {
		if (*p == '=')
			return p;
		if (line.end - p < 2 || p[0] != '{' || p[1] != '{')
			continue;
		struct span rest = {line.line, p + 2, line.end};
		p = span_find(rest, "}}");
		if (p == line.end)
			return NULL;
		p++;
	}
	return NULL;
}

static bool parse_assignment(struct parser *parser, struct span line)
{
	struct span name = line, value = line;
	const char *equals = find_equals(line);
	if (!equals)
		return fail(parser, span_column(line), ERROR_SYNTAX, "neither `name = value` nor a section");
	name.end = equals;
	value.begin = equals + 1;
	name = span_trim(name);
	struct op op = new_op(parser, OP_ASSIGN, span_column(name));
	if (!span_size(name))
		return fail(parser, span_column(line), ERROR_SYNTAX, "no name before the =");
	if (!parse_side(parser, name, &op.assignment.name) || !parse_side(parser, span_trim(value), &op.assignment.value))
		return false;
	op.assignment.layer = parser->file->layer;
	op.assignment.secret = has_secret(&op.assignment.value);
	return check_name(parser, &op) && place_assignment(parser, &op);
}

/* ---- sections ---- */

static bool value_possible(const struct setting *setting, struct span value)
{
	if (setting->type == SETTING_BOOL)
		return span_is(value, "true") || span_is(value, "false");
	if (setting->type != SETTING_ENUM && setting->type != SETTING_LIST)
		return true;
	for (uint32_t i = 0; i < setting->item_count; i++)
		if (span_is(value, setting->items[i]))
			return true;
	return false;
}

/* The setting whose values are compared, where its dictionary entry says which there are. */
static const struct setting *compared(const struct parser *parser, const struct reference *reference)
{
	if (reference->kind == REFERENCE_ITEM)
		return parser->scope.list;
	return reference->kind == REFERENCE_SETTING || reference->kind == REFERENCE_LINE_SETTING ? reference->setting : NULL;
}

/* `values` is what stands behind the = */
static bool parse_values(struct parser *parser, struct span values, struct section *section)
{
	const struct setting *setting = compared(parser, &section->reference);
	uint32_t most = 1;
	for (const char *p = values.begin; p < values.end; p++)
		most += *p == ',';
	section->values = arena_array(&parser->template->arena, most, sizeof *section->values);
	while (section->value_count < most) {
		struct span one = values;
		one.end = span_find(values, ",");
		values.begin = one.end + 1;
		one = span_trim(one);
		if (setting && !value_possible(setting, one))
			return fail(parser, span_column(one), ERROR_UNKNOWN, "`%s` is never `%.*s`", setting->name, shown(one), one.begin);
		section->values[section->value_count++] = span_copy(parser, one);
	}
	return true;
}

/* {{#lines}}, {{#keys}} and the like; false if it is none of them. */
static bool fixed_section(struct span name, enum op_kind *kind_r)
{
	for (int kind = OP_LINES; kind <= OP_FREE_MODULE_KEYS; kind++)
		if (span_is(name, template_section_name(kind))) {
			*kind_r = kind;
			return true;
		}
	return false;
}

static bool enter_fixed(struct parser *parser, struct span name, struct op *op)
{
	struct template_scope *scope = &parser->scope;
	if (parser->common)
		return fail(parser, op->column, ERROR_SYNTAX, "{{#%.*s}} in a common template: a file that all phones share can only have {{model.…}}",
			shown(name), name.begin);
	if (op->section.negate)
		return fail(parser, op->column, ERROR_SYNTAX, "{{^%.*s}} has no meaning", shown(name), name.begin);
	if (scope->lines || scope->free_lines || scope->keys || scope->free_keys)
		return fail(parser, op->column, ERROR_SYNTAX, "sections of lines and keys do not nest in one another");
	if (op->kind == OP_FREE_MODULE_KEYS) {
		op->section.reference.kind = REFERENCE_SETTING;
		op->section.reference.setting = dictionary_find(parser->dictionary, "expansion.modules", strlen("expansion.modules"));
		op->section.reference.index = op->section.reference.setting ? op->section.reference.setting->index : 0;
	}
	scope->lines = op->kind == OP_LINES;
	scope->free_lines = op->kind == OP_FREE_LINES;
	scope->keys = op->kind == OP_KEYS || op->kind == OP_MODULE_KEYS;
	scope->free_keys = op->kind == OP_FREE_KEYS || op->kind == OP_FREE_MODULE_KEYS;
	return true;
}

/* {{#list.rest}}: `name` without the ending. */
static bool enter_rest(struct parser *parser, struct span name, struct op *op)
{
	if (!resolve(parser, name, &op->section.reference))
		return false;
	const struct setting *setting = op->section.reference.setting;
	if (op->section.negate || !setting || setting->type != SETTING_LIST || op->section.reference.kind == REFERENCE_TIMEZONE)
		return fail(parser, op->column, ERROR_SYNTAX, "`.rest` goes with {{# and a setting of type list");
	op->kind = OP_REST;
	parser->scope.list = setting;
	return true;
}

static bool enter_reference(struct parser *parser, struct span name, struct span values, struct op *op)
{
	struct section *section = &op->section;
	if (!resolve(parser, name, &section->reference))
		return false;
	if (values.begin)
		return parse_values(parser, values, section);
	bool setting = section->reference.kind == REFERENCE_SETTING || section->reference.kind == REFERENCE_LINE_SETTING;
	if (setting && !section->negate && section->reference.setting->type == SETTING_LIST) {
		op->kind = OP_LIST;
		parser->scope.list = section->reference.setting;
	}
	return true;
}

/* `tag` is what stands behind {{# or {{^ */
static bool open_section(struct parser *parser, struct span tag, bool negate, uint32_t column)
{
	if (parser->depth == TEMPLATE_NESTING_MAX)
		return fail(parser, column, ERROR_RANGE, "sections nested deeper than %u", TEMPLATE_NESTING_MAX);
	struct frame *frame = &parser->frames[parser->depth];
	struct span name = tag, values = {0};
	name.end = span_find(tag, "=");
	if (name.end != tag.end)
		values = (struct span){tag.line, name.end + 1, tag.end};
	name = span_trim(name);
	*frame = (struct frame){.path = parser->path.size, .name = span_copy(parser, name), .outside = parser->scope};
	struct op op = new_op(parser, OP_IF, column);
	op.section.negate = negate;
	struct span rest = name;
	rest.end -= span_size(name) > 5 ? 5 : 0;
	bool good;
	if (!values.begin && fixed_section(name, &op.kind))
		good = enter_fixed(parser, name, &op);
	else if (!values.begin && rest.end != name.end && memcmp(rest.end, ".rest", 5) == 0)
		good = enter_rest(parser, rest, &op);
	else
		good = enter_reference(parser, name, values, &op);
	if (!good || !add_op(parser, &op, &frame->op))
		return false;
	template_print_section(&op, &parser->path);
	parser->depth++;
	return true;
}

static bool close_section(struct parser *parser, struct span name, uint32_t column)
{
	if (parser->depth == parser->file->bottom)
		return fail(parser, column, ERROR_SYNTAX, "{{/%.*s}} closes nothing", shown(name), name.begin);
	struct frame *frame = &parser->frames[parser->depth - 1];
	struct op *op = &parser->template->ops[frame->op];
	if (!span_is(name, frame->name.text))
		return fail(parser, column, ERROR_SYNTAX, "{{/%.*s}} where {{#%.100s}} of line %u is to be closed", shown(name), name.begin,
			frame->name.text, op->place.line);
	op->end = parser->template->count;
	if (op->end == frame->op + 1)
		parser->template->count--; /* nothing in it, or only what replaced a base's */
	parser->path.size = frame->path;
	parser->scope = frame->outside;
	parser->depth--;
	return true;
}

/* ---- files ---- */

static bool parse_file(struct parser *parser, const char *name, bool partial, uint8_t layer, uint32_t column);

static bool check_file_name(struct parser *parser, struct span name, uint32_t column)
{
	for (const char *p = name.begin; p < name.end; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_'))
			return fail(parser, column, ERROR_SYNTAX, "a template's name has letters, digits, - and _ only");
	if (!span_size(name))
		return fail(parser, column, ERROR_SYNTAX, "which template?");
	struct text copy = span_copy(parser, name);
	for (const struct file *file = parser->file; file; file = file->parent)
		if (strcmp(file->name, copy.text) == 0)
			return fail(parser, column, ERROR_SYNTAX, "%s.tmpl begins again inside itself", copy.text);
	if (parser->file->depth == TEMPLATE_DEPTH_MAX || parser->files == TEMPLATE_FILES_MAX)
		return fail(parser, column, ERROR_RANGE, "more than %u templates within one another, or %u in all", TEMPLATE_DEPTH_MAX, TEMPLATE_FILES_MAX);
	return true;
}

static bool extend(struct parser *parser, struct span name, uint32_t column)
{
	if (parser->file->begun || parser->file->partial)
		return fail(parser, column, ERROR_SYNTAX, "{{< …}} comes first of all, and not in what is included");
	if (!check_file_name(parser, name, column))
		return false;
	struct text copy = span_copy(parser, name);
	if (!parse_file(parser, copy.text, false, LAYER_VENDOR, column))
		return false;
	parser->generation++;
	return true;
}

static bool include(struct parser *parser, struct span name, uint32_t column)
{
	if (!check_file_name(parser, name, column))
		return false;
	return parse_file(parser, span_copy(parser, name).text, true, LAYER_VENDOR, column);
}

/* {{#…}} {{^…}} {{/…}} {{<…}} {{>…}} */
static bool parse_directive(struct parser *parser, struct span line)
{
	char kind = line.begin[2];
	struct span tag = {line.line, line.begin + 3, line.end};
	uint32_t column = span_column(line);
	tag.end = span_find(tag, "}}");
	if (tag.end == line.end)
		return fail(parser, column, ERROR_SYNTAX, "this tag is not closed by }}");
	if (tag.end + 2 != line.end)
		return fail(parser, column, ERROR_SYNTAX, "{{%c…}} stands on a line of its own", kind);
	tag = span_trim(tag);
	switch (kind) {
	case '<':
		return extend(parser, tag, column);
	case '>':
		return include(parser, tag, column);
	case '/':
		return close_section(parser, tag, column);
	default:
		return open_section(parser, tag, kind == '^', column);
	}
}

static bool check_bytes(struct parser *parser, struct span line)
{
	if (span_size(line) > TEMPLATE_LINE_MAX)
		return fail(parser, 1, ERROR_RANGE, "a line longer than %u bytes", TEMPLATE_LINE_MAX);
	for (const char *p = line.begin; p < line.end; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return fail(parser, (uint32_t)(p - line.line) + 1, ERROR_SYNTAX, "a control character");
	if (!writer_utf8(line.begin, span_size(line)))
		return fail(parser, 1, ERROR_SYNTAX, "this line is not UTF-8");
	return true;
}

static bool parse_line(struct parser *parser, struct span line)
{
	if (line.end > line.begin && line.end[-1] == '\r')
		line.end--;
	if (!check_bytes(parser, line))
		return false;
	line = span_trim(line);
	if (!span_size(line) || *line.begin == '#')
		return true;
	bool directive = span_size(line) > 2 && memcmp(line.begin, "{{", 2) == 0 && strchr("#^/<>", line.begin[2]);
	bool good = directive ? parse_directive(parser, line) : parse_assignment(parser, line);
	parser->file->begun = true;
	return good;
}

static bool parse_text(struct parser *parser, const char *text, size_t length)
{
	struct file *file = parser->file;
	if (length > TEMPLATE_SIZE_MAX)
		return fail(parser, 1, ERROR_RANGE, "a template longer than %u bytes", TEMPLATE_SIZE_MAX);
	for (const char *end = text + length; text < end;) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		file->line++;
		if (!parse_line(parser, (struct span){text, text, stop}))
			return false;
		text = newline ? newline + 1 : end;
	}
	if (parser->depth == file->bottom)
		return true;
	const struct frame *frame = &parser->frames[parser->depth - 1];
	file->line = parser->template->ops[frame->op].place.line;
	return fail(parser, parser->template->ops[frame->op].column, ERROR_SYNTAX, "{{#%.100s}} is not closed in this file", frame->name.text);
}

static bool parse_file(struct parser *parser, const char *name, bool partial, uint8_t layer, uint32_t column)
{
	size_t length = 0;
	char *text = parser->source->read(parser->source->context, name, &length, &parser->error);
	if (!text)
		return parser->file ? at(parser, column) : false;
	struct file *outer = parser->file;
	struct file file = {.parent = outer, .name = name, .layer = layer, .partial = partial, .bottom = parser->depth,
		.depth = outer ? outer->depth + 1 : 1,
		.shown = arena_printf(&parser->template->arena, "%s%s.tmpl", parser->source->prefix ? parser->source->prefix : "", name)};
	parser->file = &file;
	parser->files++;
	bool good = parse_text(parser, text, length);
	free(text);
	parser->file = outer;
	return good;
}

struct template *template_compile(const struct template_source *source, const char *name, const struct vendor *vendor,
	const struct dictionary *dictionary, const struct model *model, enum layer own, bool common,
	enum error_code (*check_name_fn)(const char *name, size_t length, struct error *error), struct error *error)
{
	struct parser parser = {.source = source, .vendor = vendor, .dictionary = dictionary, .model = model, .common = common,
		.check_name = check_name_fn};
	struct template *template = parser.template = xcalloc(1, sizeof *template);
	template->common = common;
	arena_init(&template->arena);
	arena_init(&parser.scratch);
	strmap_init(&parser.seen);
	buf_init(&parser.path, (size_t)TEMPLATE_SIZE_MAX * 4);
	if (parse_file(&parser, name, false, (uint8_t)own, 1)) {
		template_finish(template);
	} else {
		error_set(error, parser.error.code, "%s", parser.error.message);
		template_free(&template);
	}
	buf_deinit(&parser.path);
	strmap_deinit(&parser.seen);
	arena_deinit(&parser.scratch);
	return template;
}
