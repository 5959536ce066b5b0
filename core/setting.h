/* setting.h - the dictionary of vendor-neutral settings (templates/settings.ini). */
#ifndef DIALTONE_SETTING_H
#define DIALTONE_SETTING_H

#include "error.h"
#include "timezone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_type {
	SETTING_STRING, SETTING_INT, SETTING_BOOL, SETTING_ENUM, SETTING_LIST, SETTING_HOST, SETTING_URL, SETTING_TIMEZONE, SETTING_SECRET,
	SETTING_TYPES
};

/* Which layers may assign it: a line's up to the line, a device's up to the device, a tenant's (what its registrar is like) up to the tenant. */
enum setting_scope { SETTING_LINE, SETTING_DEVICE, SETTING_TENANT, SETTING_SCOPES };

struct setting {
	const char *name;
	uint32_t index;           /* dense; line-scoped settings come first: index < dictionary->line_count; tenant-scoped last: index >= device_count */
	enum setting_type type;
	enum setting_scope scope;
	bool secret;              /* type secret */
	const char *fallback;     /* the default, or NULL */
	uint32_t fallback_length;
	long long min, max;       /* int: bounds */
	uint32_t max_length;      /* bytes, 1..SETTING_VALUE_MAX */
	const char **items;       /* enum, list: what is allowed, in the file's order */
	uint32_t item_count;
	const char *description;
};

#define SETTING_VALUE_MAX 4096u

struct dictionary {
	struct setting *settings; /* [count], by index */
	uint32_t count, line_count, device_count;
	struct dictionary_names *names; /* private */
};

/* Read and check the dictionary. NULL and *error (with file:line) if anything in it is wrong or unknown. */
struct dictionary *dictionary_load(const char *path, struct error *error);
void dictionary_free(struct dictionary **dictionary);

/* The setting of exactly this name, or NULL. */
const struct setting *dictionary_find(const struct dictionary *dictionary, const char *name, size_t length);
/* The nearest name by edit distance, or NULL when none is near. */
const char *dictionary_suggest(const struct dictionary *dictionary, const char *name);

/* Is `value` one that this setting may have? The message names setting and value (never a secret's) and what would be right.
 * bool is `true` or `false`; int canonical decimal; list: comma-separated items without blanks, none twice. */
enum error_code setting_check(const struct setting *setting, const struct timezones *timezones, const char *value, size_t length,
	struct error *error);

const char *setting_type_name(enum setting_type type);
const char *setting_scope_name(enum setting_scope scope);

#endif
