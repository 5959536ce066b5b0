/* common.h - the files that all phones of a model share: rendered once, before the fork, answered from memory without identity or database.
 *
 * That one holds no device's value is the template compiler's word (a common template knows only {{model.…}}). */
#ifndef DIALTONE_COMMON_H
#define DIALTONE_COMMON_H

#include "catalogue.h"
#include "error.h"
#include "fingerprint.h"

#include <stddef.h>

#define COMMON_BYTES_MAX (1u << 20)

struct common {
	const struct model_variant *variant;
	char *body;
	size_t size;
	struct fingerprint fingerprint;
};

struct commons;

/* Render those of all models and variants. NULL and *error naming the model. */
struct commons *commons_load(const struct catalogue *catalogue, const struct keyring *keyring, struct error *error);
void commons_free(struct commons **commons);
/* NULL: this variant has none. */
const struct common *commons_find(const struct commons *commons, const struct model_variant *variant);

#endif
