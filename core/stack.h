/* stack.h - layers laid over one another: every final value, and the layer that it came from.
 *
 * The owner fills the first part (rows stay the owner's), calls stack_lay, and reads the second part. */
#ifndef DIALTONE_STACK_H
#define DIALTONE_STACK_H

#include "arena.h"
#include "catalogue.h"
#include "layer.h"
#include "mac.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One value after laying. text NULL: no layer has one and the dictionary has no default. */
struct stack_value {
	const char *text;
	uint32_t length;
	uint8_t layer; /* whose row it is; LAYER_VENDOR for the dictionary's default or none */
};

struct stack_line {
	uint16_t position;           /* from 1 */
	const char *account_id;
	struct text user, auth_user, display_name, label, password; /* auth_user, display_name: fall back to user; label to display_name: done by stack_lay */
	struct layer_rows account, line;   /* their settings and parameters */
	struct stack_value *values;  /* laid by stack_lay: [dictionary->line_count] */
};

/* A raw parameter that no higher raw one of the name beats. text NULL: removes the template's. */
struct stack_parameter {
	const char *name;
	uint32_t name_length, length;
	const char *text;
	uint8_t layer;
	uint32_t row; /* stack_lay's own: of two in one layer (two lines' accounts) the later wins */
};

struct stack {
	/* given */
	const struct catalogue *catalogue;
	const struct model *model;
	struct mac mac;
	const char *tenant_id, *site_id;   /* site_id "" where none */
	struct text provisioning_user, provisioning_password;
	const struct layer_rows *rows[LAYER_DEVICE + 1]; /* provider .. device; NULL where there is none (no site) */
	struct stack_line *lines;          /* enabled ones, by position */
	uint32_t line_count;

	/* laid */
	struct stack_value *values;        /* [dictionary->count], device's view */
	const struct layer_key **keys;     /* by module, slot; `none` left out */
	uint32_t key_count;
	struct stack_parameter *parameters;/* this vendor's, by layer, then name */
	uint32_t parameter_count;
	const struct timezone_rule *timezone; /* of the setting `timezone`, or NULL */
};

/* Lay it. Allocates in `arena` only. Cannot fail: what a value may be was settled when it was loaded. */
void stack_lay(struct stack *stack, struct arena *arena);

/* Every row that touches setting `index` for line `line` (NULL: the device's view), highest layer first: for `explain`.
 * Returns how many were put into rows_r (at most `max`). */
struct stack_origin {
	enum layer layer;
	const char *who;
	struct text value; /* text NULL: this row takes back */
};
size_t stack_origins(const struct stack *stack, const struct stack_line *line, uint32_t index, struct stack_origin *rows_r, size_t max);

#endif
