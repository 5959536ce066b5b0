/* template-names.c - what the name in a tag means where it stands. */
#include "template-private.h"

#include "stack.h"
#include "suggest.h"

#include <stddef.h>
#include <string.h>

enum fact_scope { ANYWHERE, IN_LINES, IN_ANY_LINES, IN_KEYS, IN_ANY_KEYS };

struct fact {
	const char *name;
	enum reference_kind kind;
	enum fact_scope scope;
	uint32_t value; /* offset, or the time zone's fact */
	bool secret;
};

static const struct fact facts[] = {
	{"line.index", REFERENCE_LINE_INDEX, IN_ANY_LINES, 0, false},
	{"line.user", REFERENCE_LINE_TEXT, IN_LINES, offsetof(struct stack_line, user), false},
	{"line.auth_user", REFERENCE_LINE_TEXT, IN_LINES, offsetof(struct stack_line, auth_user), false},
	{"line.display_name", REFERENCE_LINE_TEXT, IN_LINES, offsetof(struct stack_line, display_name), false},
	{"line.password", REFERENCE_LINE_TEXT, IN_LINES, offsetof(struct stack_line, password), true},
	{"line.realm", REFERENCE_SETTING, IN_LINES, 0, false},
	{"line.ha1", REFERENCE_LINE_HA1, IN_LINES, HA1_FACT_MD5, true},
	{"line.ha1_sha256", REFERENCE_LINE_HA1, IN_LINES, HA1_FACT_SHA256, true},
	{"line.label", REFERENCE_LINE_LABEL, IN_LINES, 0, false},
	{"key.module", REFERENCE_KEY_MODULE, IN_ANY_KEYS, 0, false},
	{"key.slot", REFERENCE_KEY_SLOT, IN_ANY_KEYS, 0, false},
	{"key.index", REFERENCE_KEY_INDEX, IN_ANY_KEYS, 0, false},
	{"key.line", REFERENCE_KEY_LINE, IN_KEYS, 0, false},
	{"key.type", REFERENCE_KEY_TEXT, IN_KEYS, offsetof(struct layer_key, type), false},
	{"key.value", REFERENCE_KEY_TEXT, IN_KEYS, offsetof(struct layer_key, value), false},
	{"key.label", REFERENCE_KEY_TEXT, IN_KEYS, offsetof(struct layer_key, label), false},
	{"key.extension", REFERENCE_KEY_TEXT, IN_KEYS, offsetof(struct layer_key, extension), false},
	{"device.mac", REFERENCE_DEVICE_MAC, ANYWHERE, 0, false},
	{"device.tenant", REFERENCE_DEVICE_TENANT, ANYWHERE, 0, false},
	{"device.site", REFERENCE_DEVICE_SITE, ANYWHERE, 0, false},
	{"provisioning.user", REFERENCE_PROVISIONING, ANYWHERE, offsetof(struct stack, provisioning_user), false},
	{"provisioning.password", REFERENCE_PROVISIONING, ANYWHERE, offsetof(struct stack, provisioning_password), true},
	{"provisioning.login_url", REFERENCE_LOGIN_URL, ANYWHERE, 0, true},
	{"timezone.offset_minutes", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_OFFSET_MINUTES, false},
	{"timezone.offset_hm", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_OFFSET_HM, false},
	{"timezone.offset_quarters", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_OFFSET_QUARTERS, false},
	{"timezone.dst", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_DST, false},
	{"timezone.dst_minutes", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_DST_MINUTES, false},
	{"timezone.dst_start_month", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_START_MONTH, false},
	{"timezone.dst_start_week", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_START_WEEK, false},
	{"timezone.dst_start_weekday", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_START_WEEKDAY, false},
	{"timezone.dst_start_hour", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_START_HOUR, false},
	{"timezone.dst_end_month", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_END_MONTH, false},
	{"timezone.dst_end_week", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_END_WEEK, false},
	{"timezone.dst_end_weekday", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_END_WEEKDAY, false},
	{"timezone.dst_end_hour", REFERENCE_TIMEZONE, ANYWHERE, TIMEZONE_END_HOUR, false},
};

#define FACTS (sizeof facts / sizeof facts[0])

/* For messages: a name of the template's author, cut to a length that leaves room for the rest. */
#define SHOWN(length) ((int)((length) < 100 ? (length) : 100))

static enum error_code check_scope(const struct fact *fact, const struct template_scope *scope, struct error *error)
{
	switch (fact->scope) {
	case ANYWHERE:
		break;
	case IN_LINES:
		if (!scope->lines)
			return error_set(error, ERROR_SYNTAX, "`%s` has a meaning only inside {{#lines}}", fact->name);
		break;
	case IN_ANY_LINES:
		if (!scope->lines && !scope->free_lines)
			return error_set(error, ERROR_SYNTAX, "`%s` has a meaning only inside {{#lines}} and {{#free_lines}}", fact->name);
		break;
	case IN_KEYS:
		if (!scope->keys)
			return error_set(error, ERROR_SYNTAX, "`%s` has a meaning only inside {{#keys}} and {{#module_keys}}", fact->name);
		break;
	case IN_ANY_KEYS:
		if (!scope->keys && !scope->free_keys)
			return error_set(error, ERROR_SYNTAX, "`%s` has a meaning only inside sections of keys", fact->name);
		break;
	}
	return ERROR_NONE;
}

static const struct fact *find_fact(const char *name, size_t length)
{
	for (size_t i = 0; i < FACTS; i++)
		if (strlen(facts[i].name) == length && memcmp(facts[i].name, name, length) == 0)
			return &facts[i];
	return NULL;
}

static enum error_code unknown(const struct dictionary *dictionary, const char *name, size_t length, struct error *error)
{
	char wanted[128];
	size_t shown = length < sizeof wanted ? length : sizeof wanted - 1;
	memcpy(wanted, name, shown);
	wanted[shown] = 0;
	struct suggest suggest;
	suggest_init(&suggest, wanted);
	for (size_t i = 0; i < FACTS; i++)
		suggest_try(&suggest, facts[i].name);
	for (uint32_t i = 0; i < dictionary->count; i++)
		suggest_try(&suggest, dictionary->settings[i].name);
	if (suggest.best)
		return error_set(error, ERROR_UNKNOWN, "unknown setting `%s`; did you mean `%s`?", wanted, suggest.best);
	return error_set(error, ERROR_UNKNOWN, "unknown setting `%s`", wanted);
}

static struct text number(struct arena *arena, uint32_t value)
{
	struct text text = {.text = arena_printf(arena, "%u", value)};
	text.length = (uint32_t)strlen(text.text);
	return text;
}

/* name is behind "model." */
static struct text constant_of(const struct model *model, struct arena *arena, const char *name)
{
	if (strcmp(name, "lines") == 0)
		return number(arena, model->lines);
	if (strcmp(name, "keys") == 0)
		return number(arena, model->keys);
	if (strcmp(name, "modules") == 0)
		return number(arena, model->modules);
	if (strcmp(name, "module_keys") == 0)
		return number(arena, model->module_keys);
	const char *text = strcmp(name, "name") == 0 ? model->name : model_constant(model, name);
	return (struct text){.text = text, .length = text ? (uint32_t)strlen(text) : 0};
}

void template_constant(const struct model *model, struct arena *arena, struct reference *reference)
{
	reference->constant = constant_of(model, arena, reference->name.text + strlen("model."));
	reference->constant_known = true;
}

static enum error_code resolve_list(
	const struct template_scope *scope, const char *name, struct reference *reference_r, struct error *error)
{
	if (!scope->list)
		return error_set(error, ERROR_SYNTAX, "`%s` has a meaning only inside the section of a list", name);
	reference_r->kind = strcmp(name, "item") == 0 ? REFERENCE_ITEM : REFERENCE_INDEX;
	return ERROR_NONE;
}

static enum error_code resolve_setting(
	const struct dictionary *dictionary, const struct template_scope *scope, struct reference *reference_r, struct error *error)
{
	const struct setting *setting = dictionary_find(dictionary, reference_r->name.text, reference_r->name.length);
	if (!setting)
		return unknown(dictionary, reference_r->name.text, reference_r->name.length, error);
	reference_r->kind = scope->lines && setting->index < dictionary->line_count ? REFERENCE_LINE_SETTING : REFERENCE_SETTING;
	reference_r->index = setting->index;
	reference_r->setting = setting;
	reference_r->secret = setting->secret;
	return ERROR_NONE;
}

/* Facts that are, or are made of, a setting. */
static enum error_code resolve_made(const struct dictionary *dictionary, struct reference *reference_r, struct error *error)
{
	const char *name = reference_r->kind == REFERENCE_LOGIN_URL ? "provisioning.url" : "sip.realm";
	const struct setting *setting = dictionary_find(dictionary, name, strlen(name));
	if (!setting)
		return error_set(error, ERROR_UNKNOWN, "`%s` needs the setting `%s`, which the dictionary lacks", reference_r->name.text, name);
	reference_r->setting = setting;
	if (reference_r->kind == REFERENCE_SETTING)
		reference_r->index = setting->index;
	return ERROR_NONE;
}

enum error_code template_resolve(const struct dictionary *dictionary, const struct model *model, bool common,
	const struct template_scope *scope, struct arena *arena, const char *name, size_t length, struct reference *reference_r,
	struct error *error)
{
	*reference_r = (struct reference){.name = {.text = arena_copy(arena, name, length), .length = (uint32_t)length}};
	name = reference_r->name.text;
	if (length > strlen("model.") && strncmp(name, "model.", strlen("model.")) == 0) {
		reference_r->kind = REFERENCE_MODEL;
		if (model)
			template_constant(model, arena, reference_r);
		return ERROR_NONE;
	}
	if (common)
		return error_set(error, ERROR_SYNTAX, "`%.*s` in a common template: a file that all phones share can only have {{model.…}}",
			SHOWN(length), name);
	if (strcmp(name, "item") == 0 || strcmp(name, "index") == 0)
		return resolve_list(scope, name, reference_r, error);
	const struct fact *fact = find_fact(name, length);
	if (!fact)
		return resolve_setting(dictionary, scope, reference_r, error);
	reference_r->kind = fact->kind;
	reference_r->secret = fact->secret;
	reference_r->index = reference_r->offset = fact->value;
	if (fact->kind == REFERENCE_TIMEZONE)
		reference_r->setting = dictionary_find(dictionary, "timezone", strlen("timezone"));
	bool made = fact->kind == REFERENCE_SETTING || fact->kind == REFERENCE_LINE_HA1 || fact->kind == REFERENCE_LOGIN_URL;
	if (made && resolve_made(dictionary, reference_r, error))
		return ERROR_UNKNOWN;
	return check_scope(fact, scope, error);
}
