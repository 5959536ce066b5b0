#include "common.h"

#include "arena.h"
#include "buf.h"
#include "render.h"
#include "writer.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

struct commons {
	struct common *list;
	size_t count;
};

static enum error_code render_one(const struct catalogue *catalogue, const struct model *model, const struct model_variant *variant,
	struct fingerprint_maker *maker, struct common *common_r, struct error *error)
{
	struct arena arena;
	struct buf out;
	struct parameters parameters;
	arena_init(&arena);
	buf_init(&out, COMMON_BYTES_MAX);
	enum error_code code = render_common(variant->common, model, &arena, &parameters, error);
	if (!code)
		code = variant->dialect->writer->write(variant->dialect, &parameters, &out, error);
	if (code) {
		error_prefix(error, "common file of %s in dialect %s", model->id, variant->dialect->name);
	} else {
		const struct fingerprint_part parts[] = {
			{"common", 6},
			{model->id, strlen(model->id)},
			{variant->dialect->name, strlen(variant->dialect->name)},
			{catalogue->digest, sizeof catalogue->digest},
		};
		*common_r = (struct common){.variant = variant, .body = xmalloc(out.size), .size = out.size};
		if (out.size)
			memcpy(common_r->body, out.data, out.size);
		fingerprint_of(maker, parts, sizeof parts / sizeof *parts, &common_r->fingerprint);
	}
	buf_deinit(&out);
	arena_deinit(&arena);
	return code;
}

static enum error_code render_model(struct commons *commons, const struct catalogue *catalogue, const struct model *model,
	struct fingerprint_maker *maker, struct error *error)
{
	for (uint32_t i = 0; i < model->variant_count; i++) {
		if (!model->variants[i].common)
			continue;
		commons->list = xreallocarray(commons->list, commons->count + 1, sizeof *commons->list);
		enum error_code code = render_one(catalogue, model, &model->variants[i], maker, &commons->list[commons->count], error);
		if (code)
			return code;
		commons->count++;
	}
	return ERROR_NONE;
}

struct commons *commons_load(const struct catalogue *catalogue, const struct keyring *keyring, struct error *error)
{
	struct commons *commons = xcalloc(1, sizeof *commons);
	struct fingerprint_maker *maker = fingerprint_maker_new(keyring);
	enum error_code code = ERROR_NONE;
	for (uint32_t v = 0; !code && v < catalogue->vendor_count; v++)
		for (uint32_t m = 0; !code && m < catalogue->vendors[v].model_count; m++)
			code = render_model(commons, catalogue, &catalogue->vendors[v].models[m], maker, error);
	fingerprint_maker_free(&maker);
	if (code)
		commons_free(&commons);
	return commons;
}

void commons_free(struct commons **commons)
{
	if (!*commons)
		return;
	for (size_t i = 0; i < (*commons)->count; i++)
		free((*commons)->list[i].body);
	free((*commons)->list);
	free(*commons);
	*commons = NULL;
}

const struct common *commons_find(const struct commons *commons, const struct model_variant *variant)
{
	for (size_t i = 0; i < commons->count; i++)
		if (commons->list[i].variant == variant)
			return &commons->list[i];
	return NULL;
}
