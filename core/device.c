#include "device-private.h"

#include "encrypt.h"
#include "render.h"
#include "wipe.h"
#include "writer.h"
#include "xalloc.h"

#include <config.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

const char *const device_derived_names[DEVICE_DERIVED] = {"phone.admin_password", "phone.user_password"};

/* The layers that devices share, in the order of their revisions in DEVICE_REVISIONS behind the device's own. */
static const enum layer shared[] = {LAYER_TENANT, LAYER_SITE, LAYER_PROFILE, LAYER_PROVIDER};
#define SHARED (sizeof shared / sizeof *shared)

struct store *store_new(struct db *db, const struct catalogue *catalogue, struct cache *cache, struct token_maker *tokens, struct pack_sealer *sealer,
	struct sealer *secrets)
{
	struct store *store = xcalloc(1, sizeof *store);
	*store = (struct store){
		.catalogue = catalogue,
		.cache = cache,
		.tokens = tokens,
		.sealer = sealer,
		.secrets = secrets,
		.secret_settings = xcalloc(catalogue->dictionary->count + 1, sizeof *store->secret_settings),
		.encrypter = encrypter_new(),
	};
	for (uint32_t i = 0; i < catalogue->dictionary->count; i++)
		if (catalogue->dictionary->settings[i].secret && i >= catalogue->dictionary->line_count)
			store->secret_settings[store->secret_count++] = i;
	loading_prepare(store, db);
	return store;
}

void store_free(struct store **store)
{
	if (!*store)
		return;
	db_statement_free(&(*store)->packed);
	db_statement_free(&(*store)->all);
	free((*store)->secret_settings);
	encrypter_free(&(*store)->encrypter);
	free(*store);
	*store = NULL;
}

static struct layer_rows rows_of(const struct builder *builder, enum layer layer, const char *who)
{
	return (struct layer_rows){
		.layer = layer,
		.who = who,
		.settings = builder->settings,
		.setting_count = builder->setting_count,
		.parameters = builder->parameters,
		.parameter_count = builder->parameter_count,
		.keys = builder->keys,
		.key_count = builder->key_count,
	};
}

/* What a layer says of who may have the file. */
static void add_admission(struct layer_rows *rows, const struct admission *admission)
{
	if (rows->layer == LAYER_TENANT || rows->layer == LAYER_DEVICE) {
		rows->policies = admission->policies[rows->layer == LAYER_DEVICE];
		rows->policy_count = admission->policy_count[rows->layer == LAYER_DEVICE];
	}
	if (rows->layer == LAYER_TENANT) {
		rows->networks = admission->networks;
		rows->network_count = admission->network_count;
	}
	if (rows->layer == LAYER_PROVIDER) {
		rows->denied = admission->denied;
		rows->denied_count = admission->denied_count;
	}
}

static const char *who_of(const struct loading *loading, enum layer layer)
{
	switch (layer) {
	case LAYER_TENANT:
		return loading->device->tenant_id;
	case LAYER_SITE:
	case LAYER_PROFILE:
		return loading->ids[layer];
	case LAYER_DEVICE:
		return loading->device->mac.digits;
	default:
		return "";
	}
}

static bool has_layer(const struct loading *loading, enum layer layer)
{
	return (layer != LAYER_SITE && layer != LAYER_PROFILE) || *loading->ids[layer];
}

static struct cache_key key_of(const struct loading *loading, size_t index)
{
	enum layer layer = shared[index];
	return (struct cache_key){
		.layer = layer,
		.tenant_id = layer == LAYER_PROVIDER ? "" : loading->device->tenant_id,
		.id = loading->ids[layer],
		.revision = loading->device->inputs + (1 + index) * REVISION_SIZE,
	};
}

/* Take the shared layers from the cache. False if one is missing. */
static bool layers_from_cache(struct loading *loading)
{
	for (size_t i = 0; i < SHARED; i++) {
		if (!has_layer(loading, shared[i]))
			continue;
		struct cache_key key = key_of(loading, i);
		loading->device->stack.rows[shared[i]] = cache_get(loading->store->cache, &key);
		if (!loading->device->stack.rows[shared[i]])
			return false;
	}
	loading->tenant_enabled = loading->device->stack.rows[LAYER_TENANT]->enabled;
	loading->tenant_plain_http = loading->device->stack.rows[LAYER_TENANT]->plain_http;
	return true;
}

/* Take the shared layers from the rows just read, and keep them. */
static void layers_from_rows(struct loading *loading)
{
	for (size_t i = 0; i < SHARED; i++) {
		enum layer layer = shared[i];
		if (!has_layer(loading, layer))
			continue;
		struct layer_rows rows = rows_of(&loading->layers[layer], layer, who_of(loading, layer));
		add_admission(&rows, &loading->admission);
		rows.enabled = loading->tenant_enabled;
		rows.plain_http = loading->tenant_plain_http;
		struct cache_key key = key_of(loading, i);
		if (loading->store->cache)
			loading->device->stack.rows[layer] = cache_put(loading->store->cache, &key, &rows);
		else
			loading->device->stack.rows[layer] = (struct layer_rows *)(void *)arena_copy(loading->arena, &rows, sizeof rows);
	}
}

static int by_position(const void *a, const void *b)
{
	return (int)((const struct stack_line *)a)->position - (int)((const struct stack_line *)b)->position;
}

/* The device's own part of the stack. */
static void finish(struct loading *loading)
{
	struct device *device = loading->device;
	struct stack *stack = &device->stack;
	struct layer_rows own = rows_of(&loading->layers[LAYER_DEVICE], LAYER_DEVICE, who_of(loading, LAYER_DEVICE));
	add_admission(&own, &loading->admission);
	stack->rows[LAYER_DEVICE] = (struct layer_rows *)(void *)arena_copy(loading->arena, &own, sizeof own);
	device->enabled = device->enabled && loading->tenant_enabled;
	device->plain_http = loading->tenant_plain_http;
	device->store = loading->store;
	stack->catalogue = loading->store->catalogue;
	stack->model = device->model;
	stack->mac = device->mac;
	stack->tenant_id = device->tenant_id;
	stack->site_id = loading->ids[LAYER_SITE];
	stack->lines = loading->lines;
	stack->line_count = loading->line_count;
	for (uint32_t i = 0; i < loading->line_count; i++) {
		loading->lines[i].account = rows_of(&loading->accounts[i], LAYER_ACCOUNT, loading->lines[i].account_id);
		loading->lines[i].line = rows_of(&loading->own_lines[i], LAYER_LINE, device->mac.digits);
	}
	if (loading->line_count > 1)
		qsort(loading->lines, loading->line_count, sizeof *loading->lines, by_position);
	if (!loading->store->tokens)
		return;
	stack->provisioning_user = (struct text){.text = device->mac.digits, .length = MAC_DIGITS};
	char *password = arena_alloc(loading->arena, TOKEN_LENGTH + 1);
	token_make(loading->store->tokens, &device->mac, device->generation, password);
	stack->provisioning_password = (struct text){.text = password, .length = TOKEN_LENGTH};
	device->tokens = loading->store->tokens;
}

/* What was read from the tables, sealed for the next fetch. */
static void seal(struct loading *loading)
{
	struct device *device = loading->device;
	device->pack = pack_seal(loading->store->sealer, &loading->pack, &device->mac, device->inputs);
	device->pack_site_id = loading->ids[LAYER_SITE];
	device->pack_profile_id = loading->ids[LAYER_PROFILE];
}

enum error_code store_fetch(struct store *store, const struct mac *mac, struct arena *arena, struct device *device_r, struct error *error)
{
	struct loading loading = {.store = store, .arena = arena, .device = device_r};
	unsigned char before[DEVICE_REVISIONS] = {0};
	bool packed = false, whole = false;
	enum error_code code = ERROR_NONE;
	if (store->cache)
		cache_begin(store->cache);
	if (store->cache && store->sealer) {
		code = loading_packed(&loading, mac, &packed, error);
		memcpy(before, device_r->inputs, sizeof before);
		whole = packed && (!device_r->found || layers_from_cache(&loading));
	}
	if (!code && !whole) {
		code = loading_tables(&loading, mac, error);
		if (!code && device_r->found)
			layers_from_rows(&loading);
		/* A pack that named the wrong layers, or that was overtaken in between, is replaced too. */
		if (!code && device_r->found && !device_r->fault && store->sealer && (!packed || memcmp(before, device_r->inputs, sizeof before)))
			seal(&loading);
	}
	if (code)
		*device_r = (struct device){.mac = *mac};
	else if (device_r->found)
		finish(&loading);
	return code;
}

bool device_generation_counts(const struct device *device, const char generation[TOKEN_GENERATION + 1])
{
	/* An absent previous generation is all zero bytes, which no generation is. */
	int current = CRYPTO_memcmp(device->generation, generation, TOKEN_GENERATION) == 0;
	int previous = CRYPTO_memcmp(device->previous_generation, generation, TOKEN_GENERATION) == 0;
	return current | previous;
}

void device_fingerprint(const struct device *device, struct fingerprint_maker *maker, const char *file_kind, const struct dialect *dialect,
	struct fingerprint *fingerprint_r)
{
	const struct fingerprint_part parts[] = {
		{PACKAGE_VERSION, sizeof PACKAGE_VERSION - 1},
		{device->mac.digits, MAC_DIGITS},
		{file_kind, strlen(file_kind)},
		{dialect->name, strlen(dialect->name)},
		{device->inputs, sizeof device->inputs},
	};
	fingerprint_of(maker, parts, sizeof parts / sizeof *parts, fingerprint_r);
}

/* Shared layers keep a tenant's secrets sealed for as long as they are cached; one is open only for the request whose phone gets it. */
static enum error_code open_shared(struct device *device, struct arena *arena, struct error *error)
{
	const struct store *store = device->store;
	struct stack *stack = &device->stack;
	for (uint32_t i = 0; i < store->secret_count; i++) {
		uint32_t index = store->secret_settings[i];
		struct stack_value *value = &stack->values[index];
		if (!value->text || !seal_is(value->text, value->length) || !device->model || !device->model->vendor->uses[index])
			continue;
		const struct seal_place place = {.table = "tenant_secret", .row = {device->tenant_id}, .name = stack->catalogue->dictionary->settings[index].name};
		struct text plain;
		enum error_code code = seal_open(store->secrets, arena, &place, value->text, value->length, &plain, error);
		if (code)
			return code;
		value->text = plain.text;
		value->length = plain.length;
	}
	return ERROR_NONE;
}

static bool is_true(const struct stack *stack, const struct setting *setting)
{
	const struct stack_value *value = setting ? &stack->values[setting->index] : NULL;
	return value && value->length == 4 && memcmp(value->text, "true", 4) == 0;
}

/* The setting's value where no layer has one: this device's own, derived. lasting: it does not change with the device's generation. */
static void derive(struct device *device, const struct setting *setting, bool lasting, size_t length, struct arena *arena)
{
	struct stack_value *value = &device->stack.values[setting->index];
	if (value->text || !device->model->vendor->uses[setting->index])
		return;
	char *secret = arena_alloc(arena, length + 1);
	if (lasting)
		token_derive_lasting(device->tokens, setting->name, &device->mac, length, secret);
	else
		token_derive(device->tokens, setting->name, &device->mac, device->generation, length, secret);
	*value = (struct stack_value){.text = secret, .length = (uint32_t)length, .layer = LAYER_VENDOR};
}

enum error_code device_lay(struct device *device, struct arena *arena, struct error *error)
{
	struct stack *stack = &device->stack;
	const struct catalogue *catalogue = stack->catalogue;
	stack_lay(stack, arena);
	enum error_code code = device->fault ? error_set(error, ERROR_DENIED, "%s", device->fault) : open_shared(device, arena, error);
	if (!device->tokens)
		return code;
	for (size_t i = 0; i < DEVICE_DERIVED; i++) {
		const struct setting *setting = dictionary_find(catalogue->dictionary, device_derived_names[i], strlen(device_derived_names[i]));
		if (setting)
			derive(device, setting, false, DEVICE_DERIVED_LENGTH, arena);
	}
	const struct encryption *encryption = device->model->vendor->encryption;
	if (encryption && catalogue->encryption_key && (is_true(stack, catalogue->encryption) || is_true(stack, catalogue->encryption_announce)))
		derive(device, catalogue->encryption_key, true, encryption->key_length, arena);
	return code;
}

/* What stands in `out` from `begin` on becomes what the phone opens with its key. */
static enum error_code encrypt(struct device *device, const struct dialect *dialect, struct buf *out, size_t begin, struct error *error)
{
	const struct catalogue *catalogue = device->stack.catalogue;
	const struct stack_value *values = device->stack.values, *key = catalogue->encryption_key ? &values[catalogue->encryption_key->index] : NULL,
				 *rsa = catalogue->encryption_rsa_key ? &values[catalogue->encryption_rsa_key->index] : NULL;
	if (!dialect->encryption)
		return error_set(error, ERROR_INEXPRESSIBLE, "provisioning.encryption is true, and phones of %s (dialect %s) have no encrypted files here; give it to those that have",
			dialect->vendor->name, dialect->name);
	if (!key || !key->text)
		return error_set(error, ERROR_MISSING, "provisioning.encryption is true, and provisioning.encryption_key has no value");
	device->encrypted = true;
	return encrypt_file(device->store->encrypter, dialect->encryption,
		&(struct encryption_keys){.key = key->text, .key_length = key->length, .rsa = rsa ? rsa->text : NULL, .rsa_length = rsa ? rsa->length : 0}, out, begin, error);
}

enum error_code device_file(struct device *device, const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error)
{
	size_t begin = out->size;
	enum error_code code = dialect->writer->write(dialect, parameters, out, error);
	if (code || !is_true(&device->stack, device->stack.catalogue->encryption))
		return code;
	code = encrypt(device, dialect, out, begin, error);
	if (code && out->size > begin) {
		wipe(out->data + begin, out->size - begin);
		out->size = begin;
		out->data[begin] = 0;
	}
	return code;
}

enum error_code device_write(struct device *device, const struct model_variant *variant, struct arena *arena, struct buf *out, struct error *error)
{
	struct parameters parameters;
	enum error_code code = device_lay(device, arena, error);
	if (!code)
		code = render(variant->template, &device->stack, arena, &parameters, NULL, error);
	return code ? code : device_file(device, variant->dialect, &parameters, out, error);
}
