#include "setting.h"

#include "arena.h"
#include "ini.h"
#include "number.h"
#include "strmap.h"
#include "suggest.h"
#include "writer.h"
#include "xalloc.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LENGTH_DEFAULT 255
#define LIST_ITEMS_MAX 64u /* bits of the mask that finds an item given twice */
#define SHOWN_BYTES 80

struct dictionary_names {
	struct arena arena;
	struct strmap index;
};

static const char *const type_names[SETTING_TYPES] = {
	[SETTING_STRING] = "string",
	[SETTING_INT] = "int",
	[SETTING_BOOL] = "bool",
	[SETTING_ENUM] = "enum",
	[SETTING_LIST] = "list",
	[SETTING_HOST] = "host",
	[SETTING_URL] = "url",
	[SETTING_TIMEZONE] = "timezone",
	[SETTING_SECRET] = "secret",
};

const char *setting_type_name(enum setting_type type)
{
	return (unsigned)type < SETTING_TYPES ? type_names[type] : "invalid";
}

static const char *const scope_names[SETTING_SCOPES] = {
	[SETTING_LINE] = "line",
	[SETTING_DEVICE] = "device",
	[SETTING_TENANT] = "tenant",
};

const char *setting_scope_name(enum setting_scope scope)
{
	return (unsigned)scope < SETTING_SCOPES ? scope_names[scope] : "invalid";
}

/* ---------------------------------------------------------------- values */

/* A value as a message may show it: printable ASCII in one line, cut. */
struct shown {
	char text[SHOWN_BYTES + 4];
};

static struct shown show(const char *value, size_t length)
{
	struct shown shown = {0};
	size_t size = length < SHOWN_BYTES ? length : SHOWN_BYTES;
	for (size_t i = 0; i < size; i++)
		shown.text[i] = value[i] >= ' ' && value[i] <= '~' ? value[i] : '?';
	if (size < length)
		memcpy(shown.text + size, "...", 4);
	return shown;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static enum error_code refuse(const struct setting *setting, const char *value, size_t length, struct error *error, const char *right)
{
	if (setting->secret)
		return error_set(error, ERROR_SYNTAX, "setting `%s`: its value is not %s", setting->name, right);
	return error_set(error, ERROR_SYNTAX, "setting `%s`: `%s` is not %s", setting->name, show(value, length).text, right);
}

/* Text that a person typed: UTF-8 in one line. */
static enum error_code check_string(const struct setting *setting, const char *value, size_t length, struct error *error)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return refuse(setting, value, length, error, "free of control characters");
	if (!writer_utf8(value, length))
		return refuse(setting, value, length, error, "UTF-8");
	if (setting->secret && length == 0)
		return error_set(error, ERROR_MISSING, "setting `%s`: a secret may not be empty", setting->name);
	return ERROR_NONE;
}

static enum error_code check_int(const struct setting *setting, const char *value, size_t length, struct error *error)
{
	char text[24], again[24];
	long long number;
	if (length >= sizeof text || memchr(value, 0, length))
		return refuse(setting, value, length, error, "a decimal number");
	snprintf(text, sizeof text, "%.*s", (int)length, value);
	if (!number_parse(text, LLONG_MIN, LLONG_MAX, &number))
		return refuse(setting, value, length, error, "a decimal number");
	snprintf(again, sizeof again, "%lld", number);
	if (strcmp(text, again) != 0)
		return refuse(setting, value, length, error, "a decimal number without leading zeros");
	if (number < setting->min || number > setting->max)
		return error_set(error, ERROR_RANGE, "setting `%s`: %s is not within %lld to %lld", setting->name, text, setting->min,
			setting->max);
	return ERROR_NONE;
}

static enum error_code check_bool(const struct setting *setting, const char *value, size_t length, struct error *error)
{
	if ((length == 4 && memcmp(value, "true", 4) == 0) || (length == 5 && memcmp(value, "false", 5) == 0))
		return ERROR_NONE;
	return refuse(setting, value, length, error, "`true` or `false`");
}

/* The item's index, or item_count. */
static uint32_t item_index(const struct setting *setting, const char *item, size_t length)
{
	uint32_t i = 0;
	while (i < setting->item_count && (strlen(setting->items[i]) != length || memcmp(setting->items[i], item, length) != 0))
		i++;
	return i;
}

static enum error_code refuse_item(const struct setting *setting, const char *item, size_t length, struct error *error)
{
	struct shown shown = show(item, length);
	struct suggest suggest;
	char allowed[256] = "";
	suggest_init(&suggest, shown.text);
	for (uint32_t i = 0, used = 0; i < setting->item_count; i++) {
		suggest_try(&suggest, setting->items[i]);
		if (used < sizeof allowed)
			used += (uint32_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "", setting->items[i]);
	}
	if (suggest.best)
		return error_set(error, ERROR_UNKNOWN, "setting `%s`: unknown item `%s`; did you mean `%s`?", setting->name, shown.text,
			suggest.best);
	return error_set(error, ERROR_UNKNOWN, "setting `%s`: unknown item `%s`; allowed: %s", setting->name, shown.text, allowed);
}

static enum error_code check_enum(const struct setting *setting, const char *value, size_t length, struct error *error)
{
	if (item_index(setting, value, length) == setting->item_count)
		return refuse_item(setting, value, length, error);
	return ERROR_NONE;
}

static enum error_code check_list(const struct setting *setting, const char *value, size_t length, struct error *error)
{
	uint64_t seen = 0;
	for (size_t start = 0;;) {
		const char *comma = memchr(value + start, ',', length - start);
		size_t size = comma ? (size_t)(comma - value) - start : length - start;
		uint32_t index = item_index(setting, value + start, size);
		if (index == setting->item_count)
			return refuse_item(setting, value + start, size, error);
		if (seen >> index & 1)
			return error_set(error, ERROR_SYNTAX, "setting `%s`: item `%s` is there twice", setting->name, setting->items[index]);
		seen |= (uint64_t)1 << index;
		if (!comma)
			return ERROR_NONE;
		start += size + 1;
	}
}

/* RFC 1123 section 2.1: labels of letters, digits and inner hyphens; the last one not all digits, so that no mistyped IPv4 address passes. */
static bool is_host_name(const char *text, size_t length)
{
	bool digits_only = true;
	size_t label = 0;
	if (length > 253)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (c == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			digits_only = true;
			continue;
		}
		if (!is_alnum(c) && (c != '-' || label == 0))
			return false;
		digits_only = digits_only && c >= '0' && c <= '9';
		if (++label > 63)
			return false;
	}
	return label > 0 && text[length - 1] != '-' && !digits_only;
}

static bool is_address(const char *text, size_t length, int family)
{
	char copy[INET6_ADDRSTRLEN + 1];
	unsigned char address[sizeof(struct in6_addr)];
	if (length >= sizeof copy || memchr(text, 0, length))
		return false;
	memcpy(copy, text, length);
	copy[length] = 0;
	return inet_pton(family, copy, address) == 1;
}

static bool is_host(const char *text, size_t length)
{
	return is_host_name(text, length) || is_address(text, length, AF_INET) || is_address(text, length, AF_INET6);
}

/* What stands behind the host in a URL's authority: nothing, or ":port". */
static bool is_port_part(const char *text, size_t length)
{
	char copy[8];
	long long port;
	if (length == 0)
		return true;
	if (text[0] != ':' || length >= sizeof copy)
		return false;
	memcpy(copy, text + 1, length - 1);
	copy[length - 1] = 0;
	return number_parse(copy, 1, 65535, &port);
}

/* [user[:password]@]host[:port] with an IPv6 address in brackets. */
static bool is_authority(const char *text, size_t length)
{
	const char *at = memchr(text, '@', length);
	if (at) {
		length -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	if (length && text[0] == '[') {
		const char *close = memchr(text, ']', length);
		return close && is_address(text + 1, (size_t)(close - text) - 1, AF_INET6) &&
		       is_port_part(close + 1, length - (size_t)(close + 1 - text));
	}
	const char *colon = memchr(text, ':', length);
	size_t host = colon ? (size_t)(colon - text) : length;
	return (is_host_name(text, host) || is_address(text, host, AF_INET)) && is_port_part(text + host, length - host);
}

static bool is_url(const char *text, size_t length)
{
	static const char *const schemes[] = {"https://", "http://", "tftp://", "ftp://"};
	size_t scheme = 0;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (length > strlen(schemes[i]) && strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
			scheme = strlen(schemes[i]);
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	if (!scheme)
		return false;
	size_t end = scheme;
	while (end < length && !strchr("/?#", text[end]))
		end++;
	return is_authority(text + scheme, end - scheme);
}

static enum error_code check_host(const struct setting *setting, const char *value, size_t length, struct error *error)
{
	return is_host(value, length) ? ERROR_NONE : refuse(setting, value, length, error, "a host name, an IPv4 or an IPv6 address");
}

static enum error_code check_url(const struct setting *setting, const char *value, size_t length, struct error *error)
{
	return is_url(value, length) ? ERROR_NONE : refuse(setting, value, length, error, "a URL such as https://host/path (https, http, tftp, ftp)");
}

static enum error_code check_timezone(const struct setting *setting, const struct timezones *timezones, const char *value, size_t length,
	struct error *error)
{
	if (timezones_find(timezones, value, length))
		return ERROR_NONE;
	struct shown shown = show(value, length);
	const char *near = timezones_suggest(timezones, shown.text);
	if (near)
		return error_set(error, ERROR_UNKNOWN, "setting `%s`: unknown time zone `%s`; did you mean `%s`?", setting->name, shown.text, near);
	return error_set(error, ERROR_UNKNOWN, "setting `%s`: unknown time zone `%s`; an IANA name such as Europe/Berlin is wanted",
		setting->name, shown.text);
}

enum error_code setting_check(const struct setting *setting, const struct timezones *timezones, const char *value, size_t length,
	struct error *error)
{
	if (length > setting->max_length)
		return error_set(error, ERROR_RANGE, "setting `%s`: %zu bytes are too long, at most %u", setting->name, length,
			setting->max_length);
	switch (setting->type) {
	case SETTING_INT:
		return check_int(setting, value, length, error);
	case SETTING_BOOL:
		return check_bool(setting, value, length, error);
	case SETTING_ENUM:
		return check_enum(setting, value, length, error);
	case SETTING_LIST:
		return check_list(setting, value, length, error);
	case SETTING_HOST:
		return check_host(setting, value, length, error);
	case SETTING_URL:
		return check_url(setting, value, length, error);
	case SETTING_TIMEZONE:
		return check_timezone(setting, timezones, value, length, error);
	default:
		return check_string(setting, value, length, error);
	}
}

/* ---------------------------------------------------------------- the dictionary */

/* One section of settings.ini on its way into a struct setting. */
struct loading {
	const struct ini *ini;
	const char *section;
	struct arena *arena;
	struct setting *setting;
	struct error *error;
};

static const char *value_of(const struct loading *loading, const char *key)
{
	return ini_get(loading->ini, loading->section, key);
}

#define fault(loading, key, code, ...) ini_error((loading)->ini, (loading)->section, key, code, (loading)->error, __VA_ARGS__)

/* Names that a template gives a meaning of its own (doc/architecture.md, "Template language"). */
static bool is_reserved(const char *name)
{
	static const char *const words[] = {"lines", "free_lines", "keys", "free_keys", "module_keys", "free_module_keys", "item", "index",
		"provisioning.user", "provisioning.password", "provisioning.login_url"};
	static const char *const prefixes[] = {"line.", "key.", "device.", "model.", "timezone."};
	size_t length = strlen(name);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(name, words[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return length > 5 && strcmp(name + length - 5, ".rest") == 0;
}

static enum error_code check_name(const struct loading *loading)
{
	const char *name = loading->section;
	size_t length = strlen(name);
	if (length > 64 || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.")] || name[0] < 'a' || name[0] > 'z' || name[length - 1] == '.')
		return fault(loading, NULL, ERROR_SYNTAX, "setting `%s`: a name is at most 64 of a-z, 0-9, _ and ., and begins with a letter", name);
	if (is_reserved(name))
		return fault(loading, NULL, ERROR_SYNTAX, "setting `%s`: templates mean something else by this name", name);
	return ERROR_NONE;
}

static enum error_code check_keys(const struct loading *loading)
{
	static const char *const known[] = {"type", "scope", "default", "min", "max", "max_length", "items", "secret", "description"};
	const size_t count = sizeof known / sizeof *known;
	for (size_t i = 0; i < ini_key_count(loading->ini, loading->section); i++) {
		const char *key = ini_key(loading->ini, loading->section, i);
		struct suggest suggest;
		size_t k = 0;
		suggest_init(&suggest, key);
		for (; k < count && strcmp(known[k], key) != 0; k++)
			suggest_try(&suggest, known[k]);
		if (k == count)
			return fault(loading, key, ERROR_UNKNOWN, "setting `%s`: unknown key `%s`%s%s%s", loading->section, key,
				suggest.best ? "; did you mean `" : "", suggest.best ? suggest.best : "", suggest.best ? "`?" : "");
	}
	return ERROR_NONE;
}

static enum error_code load_type(const struct loading *loading)
{
	struct setting *setting = loading->setting;
	const char *type = value_of(loading, "type"), *scope = value_of(loading, "scope"), *secret = value_of(loading, "secret");
	int index = 0, reach = 0;
	while (index < SETTING_TYPES && (!type || strcmp(type_names[index], type) != 0))
		index++;
	if (index == SETTING_TYPES)
		return fault(loading, type ? "type" : NULL, ERROR_UNKNOWN,
			"setting `%s`: type must be one of string int bool enum list host url timezone secret", loading->section);
	setting->type = (enum setting_type)index;
	while (reach < SETTING_SCOPES && (!scope || strcmp(scope_names[reach], scope) != 0))
		reach++;
	if (reach == SETTING_SCOPES)
		return fault(loading, scope ? "scope" : NULL, ERROR_UNKNOWN, "setting `%s`: scope must be line, device or tenant", loading->section);
	setting->scope = (enum setting_scope)reach;
	setting->secret = setting->type == SETTING_SECRET;
	if (secret && strcmp(secret, setting->secret ? "true" : "false") != 0)
		return fault(loading, "secret", ERROR_SYNTAX, "setting `%s`: secret = true belongs to type secret, and to no other",
			loading->section);
	return ERROR_NONE;
}

static enum error_code load_number(const struct loading *loading, const char *key, long long min, long long max, long long *value)
{
	const char *text = value_of(loading, key);
	if (text && !number_parse(text, min, max, value))
		return fault(loading, key, ERROR_RANGE, "setting `%s`: %s = %s is no number within %lld to %lld", loading->section, key, text, min,
			max);
	return ERROR_NONE;
}

static enum error_code load_bounds(const struct loading *loading)
{
	struct setting *setting = loading->setting;
	long long max_length = LENGTH_DEFAULT;
	setting->min = INT_MIN;
	setting->max = INT_MAX;
	if (load_number(loading, "max_length", 1, SETTING_VALUE_MAX, &max_length) || load_number(loading, "min", INT_MIN, INT_MAX, &setting->min) ||
		load_number(loading, "max", INT_MIN, INT_MAX, &setting->max))
		return ERROR_RANGE;
	setting->max_length = (uint32_t)max_length;
	const char *bound = value_of(loading, "min") ? "min" : value_of(loading, "max") ? "max" : NULL;
	if (bound && setting->type != SETTING_INT)
		return fault(loading, bound, ERROR_SYNTAX, "setting `%s`: %s belongs to type int only", loading->section, bound);
	if (setting->min > setting->max)
		return fault(loading, "min", ERROR_RANGE, "setting `%s`: min is above max", loading->section);
	return ERROR_NONE;
}

static enum error_code add_item(const struct loading *loading, const char *item, size_t length)
{
	struct setting *setting = loading->setting;
	const char *copy = arena_copy(loading->arena, item, length);
	if (!length || copy[strcspn(copy, " \t")])
		return fault(loading, "items", ERROR_SYNTAX, "setting `%s`: items are separated by commas without blanks", loading->section);
	if (item_index(setting, item, length) < setting->item_count)
		return fault(loading, "items", ERROR_SYNTAX, "setting `%s`: item `%s` is there twice", loading->section, copy);
	if (setting->type == SETTING_LIST && setting->item_count == LIST_ITEMS_MAX)
		return fault(loading, "items", ERROR_RANGE, "setting `%s`: more than %u items", loading->section, LIST_ITEMS_MAX);
	setting->items[setting->item_count++] = copy;
	return ERROR_NONE;
}

static enum error_code load_items(const struct loading *loading)
{
	struct setting *setting = loading->setting;
	const char *items = value_of(loading, "items");
	bool wanted = setting->type == SETTING_ENUM || setting->type == SETTING_LIST;
	if (wanted != (items != NULL))
		return fault(loading, items ? "items" : NULL, ERROR_SYNTAX, "setting `%s`: enum and list need items, no other type has them",
			loading->section);
	if (!items)
		return ERROR_NONE;
	size_t room = 1;
	for (const char *c = items; *c; c++)
		room += *c == ',';
	setting->items = arena_array(loading->arena, room, sizeof *setting->items);
	for (const char *item = items;; item += strcspn(item, ",") + 1) {
		size_t length = strcspn(item, ",");
		enum error_code code = add_item(loading, item, length);
		if (code || !item[length])
			return code;
	}
}

/* The default of a timezone is checked by catalogue_load, which has the time zones. */
static enum error_code load_default(const struct loading *loading)
{
	struct setting *setting = loading->setting;
	const char *fallback = value_of(loading, "default"), *description = value_of(loading, "description");
	if (!description || !*description)
		return fault(loading, description ? "description" : NULL, ERROR_MISSING, "setting `%s` needs a description", loading->section);
	setting->description = arena_strdup(loading->arena, description);
	if (!fallback)
		return ERROR_NONE;
	if (setting->secret)
		return fault(loading, "default", ERROR_SYNTAX, "setting `%s`: a secret has no default", loading->section);
	setting->fallback = arena_strdup(loading->arena, fallback);
	setting->fallback_length = (uint32_t)strlen(fallback);
	struct error error = {0};
	if (setting->type != SETTING_TIMEZONE && setting_check(setting, NULL, fallback, strlen(fallback), &error))
		return fault(loading, "default", error.code, "default: %s", error.message);
	return ERROR_NONE;
}

static enum error_code load_setting(const struct loading *loading)
{
	loading->setting->name = arena_strdup(loading->arena, loading->section);
	enum error_code code = check_name(loading);
	if (!code)
		code = check_keys(loading);
	if (!code)
		code = load_type(loading);
	if (!code)
		code = load_bounds(loading);
	if (!code)
		code = load_items(loading);
	return code ? code : load_default(loading);
}

/* Line-scoped settings first, tenant-scoped ones last, each kind in the file's order. */
static void put_in_order(struct dictionary *dictionary, const struct setting *read)
{
	uint32_t next = 0;
	for (int scope = SETTING_LINE; scope < SETTING_SCOPES; scope++) {
		for (uint32_t i = 0; i < dictionary->count; i++)
			if ((int)read[i].scope == scope) {
				dictionary->settings[next] = read[i];
				dictionary->settings[next].index = next;
				next++;
			}
		if (scope == SETTING_LINE)
			dictionary->line_count = next;
		if (scope == SETTING_DEVICE)
			dictionary->device_count = next;
	}
	for (uint32_t i = 0; i < dictionary->count; i++) {
		const char *name = dictionary->settings[i].name;
		strmap_put(&dictionary->names->index, name, strlen(name), i);
	}
}

static enum error_code load_all(struct dictionary *dictionary, const struct ini *ini, struct error *error)
{
	struct arena *arena = &dictionary->names->arena;
	enum error_code code = ERROR_NONE;
	dictionary->count = (uint32_t)ini_section_count(ini);
	if (!dictionary->count)
		return ini_error(ini, NULL, NULL, ERROR_MISSING, error, "no setting in it");
	dictionary->settings = arena_array(arena, dictionary->count, sizeof *dictionary->settings);
	struct setting *read = xcalloc(dictionary->count, sizeof *read);
	for (uint32_t i = 0; i < dictionary->count && !code; i++) {
		struct loading loading = {.ini = ini, .section = ini_section(ini, i), .arena = arena, .setting = &read[i], .error = error};
		code = load_setting(&loading);
	}
	if (!code)
		put_in_order(dictionary, read);
	free(read);
	return code;
}

struct dictionary *dictionary_load(const char *path, struct error *error)
{
	struct ini *ini = ini_open(path, error);
	if (!ini)
		return NULL;
	struct dictionary *dictionary = xcalloc(1, sizeof *dictionary);
	dictionary->names = xcalloc(1, sizeof *dictionary->names);
	arena_init(&dictionary->names->arena);
	strmap_init(&dictionary->names->index);
	if (load_all(dictionary, ini, error))
		dictionary_free(&dictionary);
	ini_close(&ini);
	return dictionary;
}

void dictionary_free(struct dictionary **dictionary)
{
	if (!*dictionary)
		return;
	strmap_deinit(&(*dictionary)->names->index);
	arena_deinit(&(*dictionary)->names->arena);
	free((*dictionary)->names);
	free(*dictionary);
	*dictionary = NULL;
}

const struct setting *dictionary_find(const struct dictionary *dictionary, const char *name, size_t length)
{
	uint32_t index = strmap_get(&dictionary->names->index, name, length);
	return index == STRMAP_NONE ? NULL : &dictionary->settings[index];
}

const char *dictionary_suggest(const struct dictionary *dictionary, const char *name)
{
	struct suggest suggest;
	suggest_init(&suggest, name);
	for (uint32_t i = 0; i < dictionary->count; i++)
		suggest_try(&suggest, dictionary->settings[i].name);
	return suggest.best;
}
