/* render-check.c - what a rendering is asked in tests and by the command, never on the path of a fetch. */
#include "render.h"

#include "strmap.h"

#include <string.h>

static enum error_code twice(const struct parameter *first, const struct parameter *second, struct error *error)
{
	int length = second->name_length < 200 ? (int)second->name_length : 200;
	if (!first->place || !second->place)
		return error_set(error, ERROR_SYNTAX, "parameter %.*s stands there twice", length, second->name);
	return error_set(error, ERROR_SYNTAX, "%s:%u: parameter %.*s is also assigned at %s:%u", second->place->file, second->place->line,
		length, second->name, first->place->file, first->place->line);
}

enum error_code parameters_check_unique(const struct parameters *parameters, struct error *error)
{
	struct strmap names;
	enum error_code code = ERROR_NONE;
	strmap_init(&names);
	for (uint32_t i = 0; i < parameters->count && code == ERROR_NONE; i++) {
		const struct parameter *parameter = &parameters->list[i];
		uint32_t before = strmap_put(&names, parameter->name, parameter->name_length, i);
		if (before != STRMAP_NONE)
			code = twice(&parameters->list[before], parameter, error);
	}
	strmap_deinit(&names);
	return code;
}
