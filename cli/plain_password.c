#include "plain_password.h"

#include "setting.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

static bool contains(const struct parameter *parameter, struct text password)
{
	return password.length && parameter->length >= password.length && memmem(parameter->text, parameter->length, password.text, password.length);
}

/* Only what is a secret can be the password; other texts may happen to hold a short one. */
static bool holds_password(const struct stack *stack, const struct parameters *parameters)
{
	for (uint32_t i = 0; i < parameters->count; i++)
		for (uint32_t l = 0; parameters->list[i].secret && l < stack->line_count; l++)
			if (contains(&parameters->list[i], stack->lines[l].password))
				return true;
	return false;
}

enum reason { REASON_VENDOR, REASON_REALM, REASON_TEMPLATE };

static const struct { const char *word, *message; } reasons[] = {
	[REASON_VENDOR] = {"vendor", "this vendor's phones take no hash"},
	[REASON_REALM] = {"realm", "the tenant has no sip.realm, without which there is no hash"},
	[REASON_TEMPLATE] = {"template", "this model's template sends it although there is a realm"},
};

/* A vendor whose templates ask for the realm can do without the password. */
static enum reason reason_of(const struct stack *stack)
{
	const struct setting *realm = dictionary_find(stack->catalogue->dictionary, "sip.realm", strlen("sip.realm"));
	if (!realm || !stack->model->vendor->uses[realm->index])
		return REASON_VENDOR;
	return stack->values[realm->index].length ? REASON_TEMPLATE : REASON_REALM;
}

void plain_password_note(json_t *notes, const struct device *device, const struct parameters *parameters)
{
	const struct stack *stack = &device->stack;
	if (!holds_password(stack, parameters))
		return;
	enum reason reason = reason_of(stack);
	char *key = xasprintf("%s/%s/%s", device->tenant_id, stack->model->vendor->id, reasons[reason].word);
	json_t *group = json_object_get(notes, key);
	if (!group) {
		group = json_pack("{s:o, s:s, s:s, s:s, s:[]}", "tenant", output_json_string(device->tenant_id), "vendor", stack->model->vendor->id, "reason",
			reasons[reason].word, "message", reasons[reason].message, "devices");
		json_object_set_new(notes, key, group);
	}
	json_array_append_new(json_object_get(group, "devices"), json_string(device->mac.digits));
	free(key);
}

static int by_key(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

json_t *plain_password_list(const json_t *notes)
{
	json_t *list = json_array(), *object = (json_t *)(uintptr_t)notes, *group;
	size_t count = json_object_size(notes), next = 0;
	const char **keys = xcalloc(count + 1, sizeof *keys), *key;
	json_object_foreach(object, key, group)
		keys[next++] = key;
	qsort(keys, count, sizeof *keys, by_key);
	for (size_t i = 0; i < count; i++)
		json_array_append(list, json_object_get(notes, keys[i]));
	free(keys);
	return list;
}
