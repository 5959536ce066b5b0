/* synthetic.h - a made-up phone of a model: every setting that needs a value has one, and there are lines and keys; to see that templates render. */
#ifndef DIALTONE_SYNTHETIC_H
#define DIALTONE_SYNTHETIC_H

#include "arena.h"
#include "catalogue.h"
#include "stack.h"

/* Laid. key_type NULL: no keys; otherwise one key of this type on the phone and one on a module, where the model has them. */
void synthetic_stack(const struct catalogue *catalogue, const struct model *model, const char *key_type, struct arena *arena, struct stack *stack_r);

/* The types that the database accepts (table key_type); ends with NULL. */
extern const char *const synthetic_key_types[];

#endif
