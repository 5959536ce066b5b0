#include "synthetic.h"

#include <stdio.h>
#include <string.h>

/* As in db/migrations/0001-tables.sql, without `none`; tests/integration/test_cli_check.py compares. */
const char *const synthetic_key_types[] = {"line", "blf", "speeddial", "dtmf", "voicemail", "intercom", "park", "pickup", "transfer", "hold", "dnd",
	"forward", "conference", "history", "directory", "redial", "record", "url", "multicast", "prefix", "ldap", "group_listen", NULL};

static struct text text(const char *value)
{
	return (struct text){.text = value, .length = (uint32_t)strlen(value)};
}

/* A value for a setting that the dictionary gives none; NULL leaves an enum or list unset, as no vendor has to know each item. */
static const char *sample(const struct setting *setting, struct arena *arena)
{
	switch (setting->type) {
	case SETTING_INT:
		return arena_printf(arena, "%lld", setting->min);
	case SETTING_BOOL:
		return "true";
	case SETTING_HOST:
		return "sip.example.net";
	case SETTING_URL:
		return "https://example.net/x";
	case SETTING_TIMEZONE:
		return "Europe/Berlin";
	case SETTING_STRING:
	case SETTING_SECRET:
		return "x1";
	default:
		return NULL;
	}
}

static const struct layer_rows *sample_rows(const struct dictionary *dictionary, struct arena *arena)
{
	struct layer_setting *settings = arena_array(arena, dictionary->count, sizeof *settings);
	struct layer_rows *rows = arena_alloc(arena, sizeof *rows);
	*rows = (struct layer_rows){.layer = LAYER_PROVIDER, .who = "", .settings = settings};
	for (uint32_t i = 0; i < dictionary->count; i++) {
		const char *value = dictionary->settings[i].fallback ? NULL : sample(&dictionary->settings[i], arena);
		if (value)
			settings[rows->setting_count++] = (struct layer_setting){.setting = i, .text = value, .length = (uint32_t)strlen(value)};
	}
	return rows;
}

static struct stack_line *sample_lines(uint32_t count, struct arena *arena)
{
	struct stack_line *lines = arena_array(arena, count, sizeof *lines);
	for (uint32_t i = 0; i < count; i++)
		lines[i] = (struct stack_line){
			.position = (uint16_t)(i + 1),
			.account_id = arena_printf(arena, "20%u", i),
			.user = text(arena_printf(arena, "20%u", i)),
			.label = text("Reception"),
			.display_name = text("Ann & \"Bob\" <office>"),
			.password = text("x1"),
			.account = {.layer = LAYER_ACCOUNT, .who = ""},
			.line = {.layer = LAYER_LINE, .who = ""},
		};
	return lines;
}

static struct layer_key sample_key(const char *type, uint16_t module)
{
	return (struct layer_key){.module = module, .slot = 1, .line = 1, .layer = LAYER_DEVICE, .type = text(type), .value = text("205"), .label = text("Bob"),
		.extension = text("*8")};
}

static const struct layer_rows *sample_device(const struct model *model, const char *key_type, struct arena *arena)
{
	struct layer_key *keys = arena_array(arena, 2, sizeof *keys);
	struct layer_rows *rows = arena_alloc(arena, sizeof *rows);
	*rows = (struct layer_rows){.layer = LAYER_DEVICE, .who = "", .keys = keys};
	if (key_type && model->keys)
		keys[rows->key_count++] = sample_key(key_type, 0);
	if (key_type && model->modules && model->module_keys)
		keys[rows->key_count++] = sample_key(key_type, 1);
	return rows;
}

void synthetic_stack(const struct catalogue *catalogue, const struct model *model, const char *key_type, struct arena *arena, struct stack *stack_r)
{
	*stack_r = (struct stack){
		.catalogue = catalogue,
		.model = model,
		.mac = {"020000000001"},
		.tenant_id = "example",
		.site_id = "",
		.provisioning_user = text("020000000001"),
		.provisioning_password = text("x1"),
		.line_count = model->lines < 2 ? model->lines : 2,
	};
	stack_r->lines = sample_lines(stack_r->line_count, arena);
	stack_r->rows[LAYER_PROVIDER] = sample_rows(catalogue->dictionary, arena);
	stack_r->rows[LAYER_DEVICE] = sample_device(model, key_type, arena);
	stack_lay(stack_r, arena);
}
