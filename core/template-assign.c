/* template-assign.c - tags, and the two sides of an assignment. */
#include "template-parser.h"

#include "setting.h"
#include "xalloc.h"

bool parser_at(struct parser *parser, uint32_t column)
{
	error_prefix(&parser->error, "%s:%u:%u", parser->file->shown, parser->file->line, column);
	return false;
}

bool parser_fail(struct parser *parser, uint32_t column, enum error_code code, const char *format, ...)
{
	char message[ERROR_MESSAGE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	error_set(&parser->error, code, "%s", message);
	return parser_at(parser, column);
}

/* ---- tags ---- */

/* pick1 to pick9; 0 if it is none of them. */
static uint32_t picked_place(struct span span)
{
	bool pick = span_size(span) == 5 && memcmp(span.begin, "pick", 4) == 0 && span.begin[4] >= '1' && span.begin[4] <= '9';
	return pick ? (uint32_t)(span.begin[4] - '0') : 0;
}

static bool find_filter(struct parser *parser, struct span span, struct filter *filter_r)
{
	static const struct { const char *name; enum filter_kind kind; } built_in[] = {
		{"upper", FILTER_UPPER}, {"lower", FILTER_LOWER}, {"minutes", FILTER_MINUTES}, {"hours", FILTER_HOURS},
		{"seconds", FILTER_SECONDS}, {"quoted", FILTER_QUOTED}, {"percent", FILTER_PERCENT}, {"uri_host", FILTER_URI_HOST},
		{"scheme", FILTER_SCHEME}, {"schemeless", FILTER_SCHEMELESS}, {"x_plus", FILTER_X_PLUS},
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
	filter_r->place = picked_place(span);
	if (filter_r->place) {
		filter_r->kind = FILTER_PICK;
		return true;
	}
	return parser_fail(parser, span_column(span), ERROR_UNKNOWN, "unknown map `%.*s`: maps.ini has no section of that name",
		shown(span), span.begin);
}

static bool parse_chain(struct parser *parser, struct span span, struct chain **chain_r)
{
	struct filter filters[TEMPLATE_FILTERS_MAX];
	struct chain *chain = arena_alloc(&parser->template->arena, sizeof *chain);
	for (;;) {
		struct span one = span;
		one.end = span_find(span, "|");
		if (chain->count == TEMPLATE_FILTERS_MAX)
			return parser_fail(parser, span_column(one), ERROR_RANGE, "more than %u filters in one tag", TEMPLATE_FILTERS_MAX);
		if (chain->count && filters[chain->count - 1].kind == FILTER_PICK)
			return parser_fail(parser, span_column(one), ERROR_SYNTAX, "pick is the last filter of a tag");
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

bool parser_resolve(struct parser *parser, struct span name, struct reference *reference_r)
{
	if (!span_size(name))
		return parser_fail(parser, span_column(name), ERROR_SYNTAX, "an empty tag");
	if (template_resolve(parser->dictionary, parser->model, parser->common, &parser->scope, &parser->template->arena, name.begin,
		    span_size(name), reference_r, &parser->error) != ERROR_NONE)
		return parser_at(parser, span_column(name));
	return true;
}

/* `tag` is what stands between the braces. */
static bool parse_tag(struct parser *parser, struct span tag, struct piece *piece_r)
{
	struct span head = tag, fallback = tag;
	*piece_r = (struct piece){.column = span_column(tag) - 2};
	if (span_size(tag) && strchr("#^/<>", *tag.begin))
		return parser_fail(parser, piece_r->column, ERROR_SYNTAX, "{{%c…}} stands on a line of its own", *tag.begin);
	if (span_find(tag, "{{") != tag.end)
		return parser_fail(parser, piece_r->column, ERROR_SYNTAX, "a tag inside a tag");
	head.end = span_find(tag, ":-");
	if (head.end != tag.end) {
		fallback.begin = head.end + 2;
		if (span_find(fallback, "|") != fallback.end)
			return parser_fail(
				parser, span_column(fallback), ERROR_SYNTAX, "a filter stands before the default: {{name|map:-text}}");
		piece_r->fallback = span_copy(parser, fallback);
	}
	struct span name = head, filters = head;
	name.end = span_find(head, "|");
	if (!parser_resolve(parser, span_trim(name), &piece_r->reference))
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
			return parser_fail(
				parser, span_column(side), ERROR_RANGE, "more than %u pieces in one assignment", TEMPLATE_PIECES_MAX);
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
			return parser_fail(parser, span_column(side), ERROR_SYNTAX, "this tag is not closed by }}");
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

static bool check_name(struct parser *parser, const struct op *op)
{
	const struct side *side = &op->assignment.name;
	return !parser->check_name || try_name(parser, side, "x") || try_name(parser, side, "1") || parser_at(parser, op->column);
}

static bool has_secret(const struct side *side)
{
	for (uint32_t i = 0; i < side->count; i++)
		if (!side->pieces[i].literal.text && side->pieces[i].reference.secret)
			return true;
	return false;
}

bool parser_add_op(struct parser *parser, const struct op *op, uint32_t *index_r)
{
	struct template *template = parser->template;
	if (template->count == TEMPLATE_OPS_MAX)
		return parser_fail(
			parser, op->column, ERROR_RANGE, "a template of more than %u assignments and sections", TEMPLATE_OPS_MAX);
	if (template->count == parser->room) {
		parser->room = parser->room ? parser->room * 2 : 64;
		template->ops = xreallocarray(template->ops, parser->room, sizeof *template->ops);
	}
	*index_r = template->count;
	template->ops[template->count++] = *op;
	return true;
}

struct op parser_new_op(const struct parser *parser, enum op_kind kind, uint32_t column)
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
		if (!parser_add_op(parser, op, &index))
			return false;
		strmap_put(&parser->seen, key, length, index);
		return true;
	}
	if (old->generation == parser->generation)
		return parser_fail(parser, op->column, ERROR_SYNTAX, "`%.100s` is assigned before, at %s:%u", key + before, old->place.file,
			old->place.line);
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

bool parser_assignment(struct parser *parser, struct span line)
{
	struct span name = line, value = line;
	const char *equals = find_equals(line);
	if (!equals)
		return parser_fail(parser, span_column(line), ERROR_SYNTAX, "neither `name = value` nor a section");
	name.end = equals;
	value.begin = equals + 1;
	name = span_trim(name);
	struct op op = parser_new_op(parser, OP_ASSIGN, span_column(name));
	if (!span_size(name))
		return parser_fail(parser, span_column(line), ERROR_SYNTAX, "no name before the =");
	if (!parse_side(parser, name, &op.assignment.name) || !parse_side(parser, span_trim(value), &op.assignment.value))
		return false;
	op.assignment.layer = parser->file->layer;
	op.assignment.secret = has_secret(&op.assignment.value);
	return check_name(parser, &op) && place_assignment(parser, &op);
}
