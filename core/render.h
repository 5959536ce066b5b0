/* render.h - template × stack → parameters of the vendor, each with the layer that it ranks as. */
#ifndef DIALTONE_RENDER_H
#define DIALTONE_RENDER_H

#include "arena.h"
#include "error.h"
#include "stack.h"
#include "template.h"

/* Texts are told by their lengths; not all are 0-terminated. */
struct parameter {
	const char *name;
	uint32_t name_length, length;
	const char *text;      /* never NULL; may hold any byte: the writer quotes or refuses */
	uint8_t layer;         /* its rank */
	bool secret;           /* came from a secret: masked when shown to people */
	bool literal;          /* the template's own words or a raw parameter's: a vendor's mark in it (such as %NULL%) is meant */
	/* What was looked at when the template was compiled. Both also promise that the text can be read on to the next multiple of 16 bytes. */
	bool checked;          /* the name: parameters->checked_by passes it, and it has no tag (writer.h) */
	bool plain;            /* the text: writer_plain (writer.h) */
	const struct template_place *place; /* the template line, or NULL for a raw parameter */
};

struct template_place {
	const char *file;      /* "yealink/desk.tmpl" */
	unsigned line;
};

struct parameters {
	struct parameter *list;
	uint32_t count;
	/* The writer's check_name that `checked` names passed: another writer looks itself. NULL: none did. */
	enum error_code (*checked_by)(const char *name, size_t length, struct error *error);
};

/* For `explain`: what was beaten, and which settings (with line or NULL) a parameter used. Off the hot path. */
struct render_trace {
	void *context;
	/* `loser` lost against `winner` (winner NULL: removed by a raw NULL row of layer `by`). */
	void (*beaten)(void *context, const struct parameter *winner, const struct parameter *loser, enum layer by);
	/* parameter of that name read setting `index`, for `line` (NULL: the device's own value of it). Called before the parameter is known to stand.
	 */
	void (*used)(void *context, const char *name, uint32_t name_length, uint32_t index, const struct stack_line *line);
};

#define RENDER_PARAMETERS_MAX 65536u

/* Allocates in `arena`. On failure *parameters_r is empty and the message names setting, template, line. trace may be NULL. */
enum error_code render(const struct template *template, const struct stack *stack, struct arena *arena,
	struct parameters *parameters_r, const struct render_trace *trace, struct error *error);
/* A common template needs no stack. */
enum error_code render_common(const struct template *template, const struct model *model, struct arena *arena,
	struct parameters *parameters_r, struct error *error);

/* Does each name stand there once? Two assignments of one name that only running shows (names with tags) are the template's mistake; the
 * command's check and the tests ask this, a fetch does not. The message names both places. */
enum error_code parameters_check_unique(const struct parameters *parameters, struct error *error);

#endif
