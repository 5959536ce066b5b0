#include "phone.h"

#include "output.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void phone_speaks(struct phone *phone, const char *vendor, const char *firmware)
{
	const struct model *model = phone->device.model;
	bool own = model && strcmp(vendor, model->vendor->id) == 0;
	snprintf(phone->firmware, sizeof phone->firmware, "%s", own ? firmware : "");
	phone->variant = model ? model_variant_for(model, phone->firmware) : NULL;
}

void phone_ask_firmware(struct cli *cli, struct phone *phone)
{
	struct db_statement *statement =
		db_prepare(cli->journal, "SELECT vendor, firmware FROM device_state WHERE mac = ? ORDER BY last_at DESC LIMIT 1");
	db_bind_text(statement, 0, phone->device.mac.digits, MAC_DIGITS);
	if (db_execute(statement, true, NULL) == ERROR_NONE && db_next(statement, NULL) == 1)
		phone_speaks(phone, db_column(statement, 0).text, db_column(statement, 1).text);
	db_done(statement);
	db_statement_free(&statement);
}

bool phone_open(struct cli *cli, const struct mac *mac, const char *firmware, struct phone *phone_r)
{
	*phone_r = (struct phone){0};
	arena_init(&phone_r->arena);
	struct error error = {0};
	if (store_fetch(cli->store, mac, &phone_r->arena, &phone_r->device, &error)) {
		cli_fail(cli, &error);
		return false;
	}
	if (!phone_r->device.found) {
		cli_message("there is no device %s; `dialtone why %s` looks for what may be meant", mac->digits, mac->digits);
		cli->status = CLI_UNKNOWN;
		return false;
	}
	const struct model *model = phone_r->device.model;
	phone_speaks(phone_r, model ? model->vendor->id : "", firmware ? firmware : "");
	if (!firmware &&
		cli_want_journal(cli, "cannot see which firmware the phone runs, so its model's usual dialect is taken; --firmware says another"))
		phone_ask_firmware(cli, phone_r);
	return true;
}

void phone_deinit(struct phone *phone)
{
	arena_deinit(&phone->arena);
}

bool phone_has_model(struct cli *cli, const struct phone *phone)
{
	if (phone->variant)
		return true;
	cli_message("device %s: the templates have no model `%s`; `dialtone db check` compares files and database", phone->device.mac.digits,
		phone->device.model_id);
	cli->status = CLI_NOT_RENDERED;
	return false;
}

enum error_code phone_render(struct phone *phone, const struct render_trace *trace, struct parameters *parameters_r, struct error *error)
{
	enum error_code code = device_lay(&phone->device, &phone->arena, error);
	return code ? code : render(phone->variant->template, &phone->device.stack, &phone->arena, parameters_r, trace, error);
}

/* Does `name` hold `part`, in any case? */
static bool holds(const struct parameter *parameter, const char *part)
{
	size_t length = strlen(part);
	for (size_t i = 0; i + length <= parameter->name_length; i++)
		if (strncasecmp(parameter->name + i, part, length) == 0)
			return true;
	return false;
}

bool parameter_is_secret(const struct parameter *parameter)
{
	if (parameter->secret || parameter->place)
		return parameter->secret;
	/* A raw parameter has no type; what vendors call their passwords is the best that can be known. */
	return holds(parameter, "passw") || holds(parameter, "pwd") || holds(parameter, "secret") || holds(parameter, "private_key") ||
	       holds(parameter, "_pass") || holds(parameter, "user_hash") || holds(parameter, "ha1");
}

void parameters_mask(struct parameters *parameters)
{
	for (uint32_t i = 0; i < parameters->count; i++)
		if (parameter_is_secret(&parameters->list[i])) {
			parameters->list[i].text = MASK;
			parameters->list[i].length = sizeof MASK - 1;
		}
}

const char *phone_layer_who(const struct stack *stack, enum layer layer, const struct stack_line *line)
{
	if (layer == LAYER_ACCOUNT)
		return line ? line->account_id : "";
	if (layer >= LAYER_LINE || layer <= LAYER_MODEL)
		return "";
	return stack->rows[layer] && stack->rows[layer]->who ? stack->rows[layer]->who : "";
}
