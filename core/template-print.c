/* template-print.c - the compiled form back as source. */
#include "template-private.h"

static void print_text(const struct text *text, struct buf *out)
{
	buf_add(out, text->text, text->length);
}

static void print_piece(const struct piece *piece, struct buf *out)
{
	if (piece->literal.text) {
		print_text(&piece->literal, out);
		return;
	}
	buf_add_string(out, "{{");
	print_text(&piece->reference.name, out);
	for (uint32_t i = 0; piece->chain && i < piece->chain->count; i++) {
		buf_add_char(out, '|');
		print_text(&piece->chain->filters[i].name, out);
	}
	if (piece->fallback.text) {
		buf_add_string(out, ":-");
		print_text(&piece->fallback, out);
	}
	buf_add_string(out, "}}");
}

void template_print_side(const struct side *side, struct buf *out)
{
	for (uint32_t i = 0; i < side->count; i++)
		print_piece(&side->pieces[i], out);
}

static void print_section_name(const struct op *op, struct buf *out)
{
	if (op->kind >= OP_LINES)
		buf_add_string(out, template_section_name(op->kind));
	else
		print_text(&op->section.reference.name, out);
	if (op->kind == OP_REST)
		buf_add_string(out, ".rest");
}

void template_print_section(const struct op *op, struct buf *out)
{
	buf_add_string(out, op->section.negate ? "{{^" : "{{#");
	print_section_name(op, out);
	for (uint32_t i = 0; i < op->section.value_count; i++) {
		buf_add_char(out, i ? ',' : '=');
		print_text(&op->section.values[i], out);
	}
	buf_add_string(out, "}}\n");
}

static void print_range(const struct template *template, uint32_t begin, uint32_t end, struct buf *out)
{
	for (uint32_t i = begin; i < end; i++) {
		const struct op *op = &template->ops[i];
		if (op->kind == OP_ASSIGN) {
			template_print_side(&op->assignment.name, out);
			buf_add_string(out, " = ");
			template_print_side(&op->assignment.value, out);
			buf_add_char(out, '\n');
			continue;
		}
		template_print_section(op, out);
		print_range(template, i + 1, op->end, out);
		buf_add_string(out, "{{/");
		print_section_name(op, out);
		buf_add_string(out, "}}\n");
		i = op->end - 1;
	}
}

void template_print(const struct template *template, struct buf *out)
{
	print_range(template, 0, template->count, out);
}
