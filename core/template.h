/* template.h - templates compiled to assignments (the language is told in doc/architecture.md and dialtone-template(7)). */
#ifndef DIALTONE_TEMPLATE_H
#define DIALTONE_TEMPLATE_H

#include "buf.h"
#include "catalogue.h"
#include "error.h"
#include "layer.h"

struct template;

/* Where template text comes from: a folder on disk, or a test's table. Returns malloc'd text (0-terminated, length in *length_r) or NULL and
 * *error. Names are bare ("desk", without .tmpl). */
struct template_source {
	char *(*read)(void *context, const char *name, size_t *length_r, struct error *error);
	void *context;
	const char *prefix; /* shown before the name in messages: "yealink/" */
};

/* Compile `name` with all that it extends and includes. `vendor` gives maps, `dictionary` the settings, `model` the constants (NULL: any
 * model.* is taken to exist). `own` is the layer that an assignment of the template's own file ranks as; what it extends or includes from a
 * base ranks LAYER_VENDOR. `common`: every tag but {{model.…}} is an error. check_name is the writer's (may be NULL).
 * NULL and *error ("yealink/desk.tmpl:12:9: unknown setting `sip.serverr`; did you mean `sip.server`?") on the first error. */
struct template *template_compile(const struct template_source *source, const char *name, const struct vendor *vendor,
	const struct dictionary *dictionary, const struct model *model, enum layer own, bool common,
	enum error_code (*check_name)(const char *name, size_t length, struct error *error), struct error *error);
void template_free(struct template **template);

/* Set uses[index] for every setting that the template reads. */
void template_uses(const struct template *template, bool *uses);

/* Print the compiled form back as source: with extends and partials resolved. Compiling that again gives the same compiled form. */
void template_print(const struct template *template, struct buf *out);

#endif
