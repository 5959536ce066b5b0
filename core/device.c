#include "device.h"

#include "number.h"
#include "render.h"
#include "writer.h"
#include "xalloc.h"

#include <config.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

const char *const device_derived_names[DEVICE_DERIVED] = {"phone.admin_password", "phone.user_password"};

/* What a row of the fetch is. */
enum kind {
	ROW_DEVICE, ROW_LINE, ROW_ACCOUNT_SETTING, ROW_LINE_SETTING, ROW_DEVICE_SETTING, ROW_DEVICE_KEY, ROW_DEVICE_SECRET, ROW_PROVIDER_SETTING,
	ROW_TENANT_SETTING, ROW_TENANT_SECRET, ROW_SITE_SETTING, ROW_PROFILE_SETTING, ROW_PROFILE_KEY
};

/* Columns: kind × 2^32 + a number, six texts; what they hold by kind:
 *   device   complete; tenant, site, profile, model, flags ‖ generation ‖ previous generation, revisions
 *   line     position; account, SIP user, auth user, display name, label, password
 *   setting  line's position; vendor, name, -, -, -, value        (a secret: the same with an empty vendor)
 *   key      module × 65536 + slot; type, line, label, extension, -, value
 * The device row is there for an unknown MAC too, then with NULLs: it always tells whether a restore is under way. */
enum { COLUMN_NUMBER, COLUMN_A, COLUMN_B, COLUMN_C, COLUMN_D, COLUMN_E, COLUMN_F };

#define KIND(number) #number " * 4294967296"
#define NO_REVISION "x'0000000000000000'"

#define OWN_ROWS                                                                                                                       \
	"SELECT " KIND(0) " + c.complete AS n, d.tenant_id AS a, d.site_id AS b, d.profile_id AS c, d.model_id AS d,"                           \
	" CONCAT(d.enabled AND t.enabled, t.plain_http, d.generation, IF(d.previous_until > CURRENT_TIMESTAMP, COALESCE(d.previous_generation, ''), '')) AS e,"  \
	" CONCAT(dr.revision, tr.revision, COALESCE(sr.revision, " NO_REVISION "), COALESCE(pr.revision, " NO_REVISION "), c.revision) AS f"  \
	" FROM _complete AS c LEFT JOIN device AS d ON d.mac = ? LEFT JOIN tenant AS t ON t.tenant_id = d.tenant_id"                      \
	" LEFT JOIN device_revision AS dr ON dr.mac = d.mac LEFT JOIN tenant_revision AS tr ON tr.tenant_id = d.tenant_id"                \
	" LEFT JOIN site_revision AS sr ON sr.tenant_id = d.tenant_id AND sr.site_id = d.site_id"                                         \
	" LEFT JOIN profile_revision AS pr ON pr.tenant_id = d.tenant_id AND pr.profile_id = d.profile_id"                                \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(1) " + l.position, l.account_id, a.sip_user, a.auth_user, a.display_name, l.label, s.plain"          \
	" FROM line AS l JOIN account AS a ON a.tenant_id = l.tenant_id AND a.account_id = l.account_id"                                  \
	" LEFT JOIN account_secret AS s ON s.tenant_id = l.tenant_id AND s.account_id = l.account_id AND s.name = 'sip.password'"         \
	" WHERE l.mac = ? AND l.enabled AND a.enabled"                                                                                    \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(2) " + l.position, s.vendor, s.name, NULL, NULL, NULL, s.value FROM line AS l"                       \
	" JOIN account_setting AS s ON s.tenant_id = l.tenant_id AND s.account_id = l.account_id WHERE l.mac = ?"                         \
	" UNION ALL SELECT " KIND(3) " + s.position, s.vendor, s.name, NULL, NULL, NULL, s.value FROM line_setting AS s WHERE s.mac = ?"             \
	" UNION ALL SELECT " KIND(4) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM device_setting AS s WHERE s.mac = ?"                    \
	" UNION ALL SELECT " KIND(5) " + k.module * 65536 + k.slot, k.type, k.line, k.label, k.extension, NULL, k.value FROM line_key AS k WHERE k.mac = ?" \
	" UNION ALL SELECT " KIND(6) ", '', s.name, NULL, NULL, NULL, s.plain FROM device_secret AS s WHERE s.mac = ?"

#define LAYER_ROWS                                                                                                                     \
	" UNION ALL SELECT " KIND(7) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM provider_setting AS s"                                  \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(8) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM device AS d"                              \
	" JOIN tenant_setting AS s ON s.tenant_id = d.tenant_id WHERE d.mac = ?"                                                          \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(9) ", '', s.name, NULL, NULL, NULL, s.plain FROM device AS d"                                    \
	" JOIN tenant_secret AS s ON s.tenant_id = d.tenant_id WHERE d.mac = ?"                                                           \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(10) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM device AS d"                             \
	" JOIN site_setting AS s ON s.tenant_id = d.tenant_id AND s.site_id = d.site_id WHERE d.mac = ?"                                  \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(11) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM device AS d"                             \
	" JOIN profile_setting AS s ON s.tenant_id = d.tenant_id AND s.profile_id = d.profile_id WHERE d.mac = ?"                         \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(12) " + k.module * 65536 + k.slot, k.type, k.line, k.label, k.extension, NULL, k.value FROM device AS d" \
	" JOIN profile_key AS k ON k.tenant_id = d.tenant_id AND k.profile_id = d.profile_id WHERE d.mac = ?"

#define OWN_PARAMETERS 7u
#define ALL_PARAMETERS 12u

const char device_fetch_sql[] = OWN_ROWS;
static const char fetch_all_sql[] = OWN_ROWS LAYER_ROWS;

#define COMPLETE 2 /* what the view _complete says when no restore is under way */

/* The layers that devices share, in the order of their revisions in DEVICE_REVISIONS behind the device's own. */
static const enum layer shared[] = {LAYER_TENANT, LAYER_SITE, LAYER_PROFILE, LAYER_PROVIDER};
#define SHARED (sizeof shared / sizeof *shared)

struct store {
	const struct catalogue *catalogue;
	struct cache *cache;
	struct token_maker *tokens;
	struct db_statement *own, *all;
};

/* Rows of one layer while they come in; arrays grow in the request's arena. */
struct builder {
	struct layer_setting *settings;
	struct layer_parameter *parameters;
	struct layer_key *keys;
	uint32_t setting_count, setting_room, parameter_count, parameter_room, key_count, key_room;
};

/* One fetch under way. */
struct loading {
	const struct store *store;
	struct arena *arena;
	struct device *device;
	const char *ids[LAYER_DEVICE + 1]; /* site's, profile's; "" otherwise */
	struct builder layers[LAYER_DEVICE + 1];
	struct stack_line *lines;
	struct builder *accounts, *own_lines;  /* beside `lines` */
	uint32_t line_count, line_room;
};

struct store *store_new(struct db *db, const struct catalogue *catalogue, struct cache *cache, struct token_maker *tokens)
{
	struct store *store = xcalloc(1, sizeof *store);
	*store = (struct store){
		.catalogue = catalogue,
		.cache = cache,
		.tokens = tokens,
		.own = db_prepare(db, device_fetch_sql),
		.all = db_prepare(db, fetch_all_sql),
	};
	return store;
}

void store_free(struct store **store)
{
	if (!*store)
		return;
	db_statement_free(&(*store)->own);
	db_statement_free(&(*store)->all);
	free(*store);
	*store = NULL;
}

/* Room for one more element in an array that lives in the arena. */
static void *grown(struct arena *arena, void *array, uint32_t count, uint32_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 8;
	void *larger = arena_array(arena, *room, size);
	if (count)
		memcpy(larger, array, count * size);
	return larger;
}

static struct text text_of(struct arena *arena, struct db_column column)
{
	return column.text ? (struct text){.text = arena_copy(arena, column.text, column.length), .length = (uint32_t)column.length} : (struct text){0};
}

/* The number beside the row's kind. */
static long long number_of(const struct db_statement *rows)
{
	return db_column_int(rows, COLUMN_NUMBER) & 0xffffffff;
}

static struct text text_at(struct loading *loading, const struct db_statement *rows, unsigned column)
{
	return text_of(loading->arena, db_column(rows, column));
}

/* A neutral setting or a raw parameter. Names and vendors that this program's files lack are not for its templates: `dialtone db check` tells of them. */
static void add_setting(struct loading *loading, struct builder *builder, const struct db_statement *rows)
{
	const struct catalogue *catalogue = loading->store->catalogue;
	struct db_column vendor = db_column(rows, COLUMN_A), name = db_column(rows, COLUMN_B);
	if (!vendor.length) {
		const struct setting *setting = dictionary_find(catalogue->dictionary, name.text, name.length);
		if (!setting)
			return;
		struct text value = text_at(loading, rows, COLUMN_F);
		builder->settings = grown(loading->arena, builder->settings, builder->setting_count, &builder->setting_room, sizeof *builder->settings);
		builder->settings[builder->setting_count++] =
			(struct layer_setting){.setting = setting->index, .text = value.text, .length = value.length};
		return;
	}
	const struct vendor *known = catalogue_vendor(catalogue, vendor.text, vendor.length);
	if (!known)
		return;
	struct text value = text_at(loading, rows, COLUMN_F), own_name = text_of(loading->arena, name);
	builder->parameters = grown(loading->arena, builder->parameters, builder->parameter_count, &builder->parameter_room, sizeof *builder->parameters);
	builder->parameters[builder->parameter_count++] = (struct layer_parameter){
		.vendor = known->index, .name = own_name.text, .name_length = own_name.length, .text = value.text, .length = value.length};
}

static void add_key(struct loading *loading, enum layer layer, const struct db_statement *rows)
{
	struct builder *builder = &loading->layers[layer];
	long long place = number_of(rows);
	builder->keys = grown(loading->arena, builder->keys, builder->key_count, &builder->key_room, sizeof *builder->keys);
	builder->keys[builder->key_count++] = (struct layer_key){
		.module = (uint16_t)(place >> 16),
		.slot = (uint16_t)(place & 0xffff),
		.layer = (uint8_t)layer,
		.type = text_at(loading, rows, COLUMN_A),
		.line = (uint16_t)db_column_int(rows, COLUMN_B),
		.label = text_at(loading, rows, COLUMN_C),
		.extension = text_at(loading, rows, COLUMN_D),
		.value = text_at(loading, rows, COLUMN_F),
	};
}

static void add_line(struct loading *loading, const struct db_statement *rows)
{
	uint32_t room = loading->line_room;
	loading->lines = grown(loading->arena, loading->lines, loading->line_count, &room, sizeof *loading->lines);
	room = loading->line_room;
	loading->accounts = grown(loading->arena, loading->accounts, loading->line_count, &room, sizeof *loading->accounts);
	loading->own_lines = grown(loading->arena, loading->own_lines, loading->line_count, &loading->line_room, sizeof *loading->own_lines);
	loading->lines[loading->line_count++] = (struct stack_line){
		.position = (uint16_t)number_of(rows),
		.account_id = text_at(loading, rows, COLUMN_A).text,
		.user = text_at(loading, rows, COLUMN_B),
		.auth_user = text_at(loading, rows, COLUMN_C),
		.display_name = text_at(loading, rows, COLUMN_D),
		.label = text_at(loading, rows, COLUMN_E),
		.password = text_at(loading, rows, COLUMN_F),
	};
}

/* A setting of a line or of its account. Those of lines that are switched off find no line and count for nothing. */
static void add_line_setting(struct loading *loading, struct builder *builders, const struct db_statement *rows)
{
	long long position = number_of(rows);
	for (uint32_t i = 0; i < loading->line_count; i++)
		if (loading->lines[i].position == position)
			add_setting(loading, &builders[i], rows);
}

static enum error_code take_device(struct loading *loading, const struct db_statement *rows, struct error *error)
{
	struct device *device = loading->device;
	if (number_of(rows) != COMPLETE)
		return error_set(error, ERROR_DATABASE_GONE, "the database is being restored: the view _complete is not back yet");
	struct db_column flags = db_column(rows, COLUMN_E), revisions = db_column(rows, COLUMN_F);
	device->tenant_id = text_at(loading, rows, COLUMN_A).text;
	if (!device->tenant_id)
		return ERROR_NONE;
	if (flags.length < 2 + TOKEN_GENERATION || revisions.length != DEVICE_REVISIONS)
		return error_set(error, ERROR_DATABASE, "device %s has no whole set of revisions; `dialtone db check` tells which are missing", device->mac.digits);
	device->found = true;
	struct text site = text_at(loading, rows, COLUMN_B), profile = text_at(loading, rows, COLUMN_C), model = text_at(loading, rows, COLUMN_D);
	loading->ids[LAYER_SITE] = site.text ? site.text : "";
	loading->ids[LAYER_PROFILE] = profile.text ? profile.text : "";
	device->model_id = model.text;
	device->model = catalogue_model(loading->store->catalogue, model.text, model.length);
	device->enabled = flags.text[0] == '1';
	device->plain_http = flags.text[1] == '1';
	memcpy(device->generation, flags.text + 2, TOKEN_GENERATION);
	if (flags.length == 2 + 2 * TOKEN_GENERATION)
		memcpy(device->previous_generation, flags.text + 2 + TOKEN_GENERATION, TOKEN_GENERATION);
	memcpy(device->inputs, revisions.text, DEVICE_REVISIONS);
	memcpy(device->inputs + DEVICE_REVISIONS, loading->store->catalogue->digest, DEVICE_INPUTS - DEVICE_REVISIONS);
	return ERROR_NONE;
}

static enum error_code take_row(struct loading *loading, const struct db_statement *rows, struct error *error)
{
	switch ((enum kind)(db_column_int(rows, COLUMN_NUMBER) >> 32)) {
	case ROW_DEVICE:
		return take_device(loading, rows, error);
	case ROW_LINE:
		add_line(loading, rows);
		break;
	case ROW_ACCOUNT_SETTING:
		add_line_setting(loading, loading->accounts, rows);
		break;
	case ROW_LINE_SETTING:
		add_line_setting(loading, loading->own_lines, rows);
		break;
	case ROW_DEVICE_SETTING:
	case ROW_DEVICE_SECRET:
		add_setting(loading, &loading->layers[LAYER_DEVICE], rows);
		break;
	case ROW_DEVICE_KEY:
		add_key(loading, LAYER_DEVICE, rows);
		break;
	case ROW_PROVIDER_SETTING:
		add_setting(loading, &loading->layers[LAYER_PROVIDER], rows);
		break;
	case ROW_TENANT_SETTING:
	case ROW_TENANT_SECRET:
		add_setting(loading, &loading->layers[LAYER_TENANT], rows);
		break;
	case ROW_SITE_SETTING:
		add_setting(loading, &loading->layers[LAYER_SITE], rows);
		break;
	case ROW_PROFILE_SETTING:
		add_setting(loading, &loading->layers[LAYER_PROFILE], rows);
		break;
	case ROW_PROFILE_KEY:
		add_key(loading, LAYER_PROFILE, rows);
		break;
	}
	return ERROR_NONE;
}

static void loading_init(struct loading *loading, const struct store *store, const struct mac *mac, struct arena *arena, struct device *device)
{
	*device = (struct device){.mac = *mac};
	*loading = (struct loading){.store = store, .arena = arena, .device = device};
	for (enum layer layer = 0; layer <= LAYER_DEVICE; layer++)
		loading->ids[layer] = "";
}

/* Run one of the two statements from scratch and take all its rows. *lost_r: the connection went away under the rows. */
static enum error_code load_once(struct loading *loading, struct db_statement *statement, unsigned parameters, const struct mac *mac, bool *lost_r, struct error *error)
{
	*lost_r = false;
	loading_init(loading, loading->store, mac, loading->arena, loading->device);
	for (unsigned i = 0; i < parameters; i++)
		db_bind_text(statement, i, mac->digits, MAC_DIGITS);
	enum error_code code = db_execute(statement, true, error);
	if (code)
		return code;
	bool any = false;
	int more;
	while ((more = db_next(statement, error)) > 0) {
		any = true;
		code = take_row(loading, statement, error);
		if (code)
			break;
	}
	db_done(statement);
	if (more < 0) {
		*lost_r = true;
		return ERROR_DATABASE_GONE;
	}
	if (!code && !any)
		return error_set(error, ERROR_DATABASE_GONE, "the database is being restored: it has no provider revision yet");
	return code;
}

/* A read may be repeated: once, from its first row. */
static enum error_code load(struct loading *loading, struct db_statement *statement, unsigned parameters, const struct mac *mac, struct error *error)
{
	bool lost;
	enum error_code code = load_once(loading, statement, parameters, mac, &lost, error);
	return lost ? load_once(loading, statement, parameters, mac, &lost, error) : code;
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
	const struct layer_rows own = rows_of(&loading->layers[LAYER_DEVICE], LAYER_DEVICE, who_of(loading, LAYER_DEVICE));
	stack->rows[LAYER_DEVICE] = (struct layer_rows *)(void *)arena_copy(loading->arena, &own, sizeof own);
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

enum error_code store_fetch(struct store *store, const struct mac *mac, struct arena *arena, struct device *device_r, struct error *error)
{
	struct loading loading = {.store = store, .arena = arena, .device = device_r};
	enum error_code code;
	if (store->cache) {
		cache_begin(store->cache);
		code = load(&loading, store->own, OWN_PARAMETERS, mac, error);
		if (code || !device_r->found || layers_from_cache(&loading))
			goto out;
	}
	code = load(&loading, store->all, ALL_PARAMETERS, mac, error);
	if (!code && device_r->found)
		layers_from_rows(&loading);
out:
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

void device_lay(struct device *device, struct arena *arena)
{
	struct stack *stack = &device->stack;
	stack_lay(stack, arena);
	for (size_t i = 0; device->tokens && i < DEVICE_DERIVED; i++) {
		const struct setting *setting = dictionary_find(stack->catalogue->dictionary, device_derived_names[i], strlen(device_derived_names[i]));
		if (!setting || stack->values[setting->index].text || !device->model->vendor->uses[setting->index])
			continue;
		char *secret = arena_alloc(arena, DEVICE_DERIVED_LENGTH + 1);
		token_derive(device->tokens, setting->name, &device->mac, device->generation, DEVICE_DERIVED_LENGTH, secret);
		stack->values[setting->index] = (struct stack_value){.text = secret, .length = DEVICE_DERIVED_LENGTH, .layer = LAYER_VENDOR};
	}
}

enum error_code device_write(struct device *device, const struct model_variant *variant, struct arena *arena, struct buf *out, struct error *error)
{
	struct parameters parameters;
	device_lay(device, arena);
	enum error_code code = render(variant->template, &device->stack, arena, &parameters, NULL, error);
	return code ? code : variant->dialect->writer->write(variant->dialect, &parameters, out, error);
}
