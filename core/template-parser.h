/* template-parser.h - a template being read: template-parse.c knows files, lines and sections, template-assign.c tags and assignments. */
#ifndef DIALTONE_TEMPLATE_PARSER_H
#define DIALTONE_TEMPLATE_PARSER_H

#include "strmap.h"
#include "template-private.h"

#include <stdarg.h>
#include <stdio.h>
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

static inline size_t span_size(struct span span)
{
	return (size_t)(span.end - span.begin);
}

static inline uint32_t span_column(struct span span)
{
	return (uint32_t)(span.begin - span.line) + 1;
}

static inline bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline struct span span_trim(struct span span)
{
	while (span.begin < span.end && blank(*span.begin))
		span.begin++;
	while (span.end > span.begin && blank(span.end[-1]))
		span.end--;
	return span;
}

static inline bool span_is(struct span span, const char *text)
{
	return span_size(span) == strlen(text) && memcmp(span.begin, text, strlen(text)) == 0;
}

/* Where `text` first stands in span, or its end. */
static inline const char *span_find(struct span span, const char *text)
{
	const char *found = memmem(span.begin, span_size(span), text, strlen(text));
	return found ? found : span.end;
}

static inline struct text span_copy(struct parser *parser, struct span span)
{
	return (struct text){
		.text = arena_copy(&parser->template->arena, span.begin, span_size(span)), .length = (uint32_t)span_size(span)};
}

/* How much of a name is shown in a message. */
static inline int shown(struct span span)
{
	return span_size(span) < 100 ? (int)span_size(span) : 100;
}

/* Both return false, so that `return parser_fail(…)` reads well. parser_at puts the place before an error that is there. */
bool parser_at(struct parser *parser, uint32_t column);
bool parser_fail(struct parser *parser, uint32_t column, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What a name means where the parser is. */
bool parser_resolve(struct parser *parser, struct span name, struct reference *reference_r);
struct op parser_new_op(const struct parser *parser, enum op_kind kind, uint32_t column);
bool parser_add_op(struct parser *parser, const struct op *op, uint32_t *index_r);
/* One line `name = value`. */
bool parser_assignment(struct parser *parser, struct span line);

#endif
