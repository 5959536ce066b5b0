/* template-parse.c - template text to the flat form of template-private.h: files, lines and sections. */
#include "template-parser.h"

#include "setting.h"
#include "writer.h"
#include "xalloc.h"

#include <stdlib.h>

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
			return parser_fail(
				parser, span_column(one), ERROR_UNKNOWN, "`%s` is never `%.*s`", setting->name, shown(one), one.begin);
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
		return parser_fail(parser, op->column, ERROR_SYNTAX,
			"{{#%.*s}} in a common template: a file that all phones share can only have {{model.…}}", shown(name), name.begin);
	if (op->section.negate)
		return parser_fail(parser, op->column, ERROR_SYNTAX, "{{^%.*s}} has no meaning", shown(name), name.begin);
	if (scope->lines || scope->free_lines || scope->keys || scope->free_keys)
		return parser_fail(parser, op->column, ERROR_SYNTAX, "sections of lines and keys do not nest in one another");
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
	if (!parser_resolve(parser, name, &op->section.reference))
		return false;
	const struct setting *setting = op->section.reference.setting;
	if (op->section.negate || !setting || setting->type != SETTING_LIST || op->section.reference.kind == REFERENCE_TIMEZONE)
		return parser_fail(parser, op->column, ERROR_SYNTAX, "`.rest` goes with {{# and a setting of type list");
	op->kind = OP_REST;
	parser->scope.list = setting;
	return true;
}

static bool enter_reference(struct parser *parser, struct span name, struct span values, struct op *op)
{
	struct section *section = &op->section;
	if (!parser_resolve(parser, name, &section->reference))
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
		return parser_fail(parser, column, ERROR_RANGE, "sections nested deeper than %u", TEMPLATE_NESTING_MAX);
	struct frame *frame = &parser->frames[parser->depth];
	struct span name = tag, values = {0};
	name.end = span_find(tag, "=");
	if (name.end != tag.end)
		values = (struct span){tag.line, name.end + 1, tag.end};
	name = span_trim(name);
	*frame = (struct frame){.path = parser->path.size, .name = span_copy(parser, name), .outside = parser->scope};
	struct op op = parser_new_op(parser, OP_IF, column);
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
	if (!good || !parser_add_op(parser, &op, &frame->op))
		return false;
	template_print_section(&op, &parser->path);
	parser->depth++;
	return true;
}

static bool close_section(struct parser *parser, struct span name, uint32_t column)
{
	if (parser->depth == parser->file->bottom)
		return parser_fail(parser, column, ERROR_SYNTAX, "{{/%.*s}} closes nothing", shown(name), name.begin);
	struct frame *frame = &parser->frames[parser->depth - 1];
	struct op *op = &parser->template->ops[frame->op];
	if (!span_is(name, frame->name.text))
		return parser_fail(parser, column, ERROR_SYNTAX, "{{/%.*s}} where {{#%.100s}} of line %u is to be closed", shown(name),
			name.begin, frame->name.text, op->place.line);
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
			return parser_fail(parser, column, ERROR_SYNTAX, "a template's name has letters, digits, - and _ only");
	if (!span_size(name))
		return parser_fail(parser, column, ERROR_SYNTAX, "which template?");
	struct text copy = span_copy(parser, name);
	for (const struct file *file = parser->file; file; file = file->parent)
		if (strcmp(file->name, copy.text) == 0)
			return parser_fail(parser, column, ERROR_SYNTAX, "%s.tmpl begins again inside itself", copy.text);
	if (parser->file->depth == TEMPLATE_DEPTH_MAX || parser->files == TEMPLATE_FILES_MAX)
		return parser_fail(parser, column, ERROR_RANGE, "more than %u templates within one another, or %u in all",
			TEMPLATE_DEPTH_MAX, TEMPLATE_FILES_MAX);
	return true;
}

static bool extend(struct parser *parser, struct span name, uint32_t column)
{
	if (parser->file->begun || parser->file->partial)
		return parser_fail(parser, column, ERROR_SYNTAX, "{{< …}} comes first of all, and not in what is included");
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
		return parser_fail(parser, column, ERROR_SYNTAX, "this tag is not closed by }}");
	if (tag.end + 2 != line.end)
		return parser_fail(parser, column, ERROR_SYNTAX, "{{%c…}} stands on a line of its own", kind);
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
		return parser_fail(parser, 1, ERROR_RANGE, "a line longer than %u bytes", TEMPLATE_LINE_MAX);
	for (const char *p = line.begin; p < line.end; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return parser_fail(parser, (uint32_t)(p - line.line) + 1, ERROR_SYNTAX, "a control character");
	if (!writer_utf8(line.begin, span_size(line)))
		return parser_fail(parser, 1, ERROR_SYNTAX, "this line is not UTF-8");
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
	bool good = directive ? parse_directive(parser, line) : parser_assignment(parser, line);
	parser->file->begun = true;
	return good;
}

static bool parse_text(struct parser *parser, const char *text, size_t length)
{
	struct file *file = parser->file;
	if (length > TEMPLATE_SIZE_MAX)
		return parser_fail(parser, 1, ERROR_RANGE, "a template longer than %u bytes", TEMPLATE_SIZE_MAX);
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
	return parser_fail(
		parser, parser->template->ops[frame->op].column, ERROR_SYNTAX, "{{#%.100s}} is not closed in this file", frame->name.text);
}

static bool parse_file(struct parser *parser, const char *name, bool partial, uint8_t layer, uint32_t column)
{
	size_t length = 0;
	char *text = parser->source->read(parser->source->context, name, &length, &parser->error);
	if (!text)
		return parser->file ? parser_at(parser, column) : false;
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
	template->model = model;
	template->check_name = check_name_fn;
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
