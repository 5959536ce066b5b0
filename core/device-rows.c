#include "device-private.h"

#include <string.h>

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

static struct text kept(const struct loading *loading, struct text text)
{
	if (loading->lasting || !text.text)
		return text;
	return (struct text){.text = arena_copy(loading->arena, text.text, text.length), .length = text.length};
}

long long loading_integer(const char *text, size_t length)
{
	long long value = 0;
	for (size_t i = 0; i < length && text[i] >= '0' && text[i] <= '9' && i < 18; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

static void fault(struct loading *loading, const struct error *error)
{
	if (!loading->device->fault)
		loading->device->fault = arena_strdup(loading->arena, error->message);
}

/* The device's own secrets are opened here: the pack, sealed as a whole, keeps them open for warm fetches. */
static void open_own(struct loading *loading, const struct seal_place *place, struct text *secret)
{
	struct error error = {0};
	if (seal_is(secret->text, secret->length) && seal_open(loading->store->secrets, loading->arena, place, secret->text, secret->length, secret, &error))
		fault(loading, &error);
}

/* A shared layer lives long in the cache: its secrets stay sealed there, and one that no courier has sealed yet is sealed for it. Without a cache they are opened at once where
 * they can be; where not, device_lay tells. */
static void keep_shared(struct loading *loading, const struct seal_place *place, struct text *secret)
{
	struct error error = {0};
	bool sealed = seal_is(secret->text, secret->length);
	struct text opened;
	if (!loading->store->cache && sealed && !seal_open(loading->store->secrets, loading->arena, place, secret->text, secret->length, &opened, &error))
		*secret = opened;
	if (!loading->store->cache || sealed)
		return;
	unsigned char *room = arena_raw(loading->arena, SEAL_MAX);
	size_t size = seal_make(loading->store->secrets, place, secret->text, secret->length, 0, room, &error);
	*secret = (struct text){0};
	if (size)
		*secret = (struct text){.text = (const char *)room, .length = (uint32_t)size};
	else
		fault(loading, &error);
}

void loading_secret(struct loading *loading, enum kind kind, struct pack_row *row)
{
	struct text *secret = &row->columns[COLUMN_F];
	const char *tenant = loading->device->tenant_id, *first = row->columns[COLUMN_A].text, *name = row->columns[COLUMN_B].text;
	if (!secret->text)
		return;
	if (kind == ROW_LINE)
		open_own(loading, &(struct seal_place){.table = "account_secret", .row = {tenant, first}, .name = "sip.password"}, secret);
	else if (kind == ROW_DEVICE_SECRET)
		open_own(loading, &(struct seal_place){.table = "device_secret", .row = {loading->mac->digits}, .name = name}, secret);
	else if (kind == ROW_TENANT_SECRET)
		keep_shared(loading, &(struct seal_place){.table = "tenant_secret", .row = {tenant}, .name = name}, secret);
}

/* A neutral setting or a raw parameter. Names and vendors that this program's files lack are not for its templates: `dialtone db check` tells of them. */
static void add_setting(struct loading *loading, struct builder *builder, const struct pack_row *row)
{
	const struct catalogue *catalogue = loading->store->catalogue;
	struct text vendor = row->columns[COLUMN_A], name = row->columns[COLUMN_B];
	if (!vendor.length) {
		const struct setting *setting = dictionary_find(catalogue->dictionary, name.text, name.length);
		if (!setting)
			return;
		struct text value = kept(loading, row->columns[COLUMN_F]);
		builder->settings = grown(loading->arena, builder->settings, builder->setting_count, &builder->setting_room, sizeof *builder->settings);
		builder->settings[builder->setting_count++] =
			(struct layer_setting){.setting = setting->index, .text = value.text, .length = value.length};
		return;
	}
	const struct vendor *known = catalogue_vendor(catalogue, vendor.text, vendor.length);
	if (!known)
		return;
	struct text value = kept(loading, row->columns[COLUMN_F]), own_name = kept(loading, name);
	builder->parameters = grown(loading->arena, builder->parameters, builder->parameter_count, &builder->parameter_room, sizeof *builder->parameters);
	builder->parameters[builder->parameter_count++] = (struct layer_parameter){
		.vendor = known->index, .name = own_name.text, .name_length = own_name.length, .text = value.text, .length = value.length};
}

static void add_key(struct loading *loading, enum layer layer, const struct pack_row *row)
{
	struct builder *builder = &loading->layers[layer];
	uint32_t place = row_number(row);
	builder->keys = grown(loading->arena, builder->keys, builder->key_count, &builder->key_room, sizeof *builder->keys);
	builder->keys[builder->key_count++] = (struct layer_key){
		.module = (uint16_t)(place >> 16),
		.slot = (uint16_t)place,
		.layer = (uint8_t)layer,
		.type = kept(loading, row->columns[COLUMN_A]),
		.line = (uint16_t)loading_integer(row->columns[COLUMN_B].text, row->columns[COLUMN_B].length),
		.label = kept(loading, row->columns[COLUMN_C]),
		.extension = kept(loading, row->columns[COLUMN_D]),
		.value = kept(loading, row->columns[COLUMN_F]),
	};
}

static void add_policy(struct loading *loading, size_t whose, const struct pack_row *row)
{
	struct admission *admission = &loading->admission;
	admission->policies[whose] = grown(loading->arena, admission->policies[whose], admission->policy_count[whose], &admission->policy_room[whose], sizeof **admission->policies);
	admission->policies[whose][admission->policy_count[whose]++] = (uint8_t)row_number(row);
}

/* The database took no other than well-formed ones; what is none holds no address. */
static void add_network(struct loading *loading, const struct pack_row *row)
{
	struct admission *admission = &loading->admission;
	struct network network;
	if (network_parse(row->columns[COLUMN_A].text, row->columns[COLUMN_A].length, &network, NULL))
		return;
	admission->networks = grown(loading->arena, admission->networks, admission->network_count, &admission->network_room, sizeof *admission->networks);
	admission->networks[admission->network_count++] = network;
}

static void add_denied(struct loading *loading, const struct pack_row *row)
{
	struct admission *admission = &loading->admission;
	struct layer_fingerprint fingerprint;
	if (row->columns[COLUMN_A].length != 2 * LAYER_FINGERPRINT)
		return;
	for (size_t i = 0; i < LAYER_FINGERPRINT; i++) {
		unsigned byte = 0;
		for (size_t j = 0; j < 2; j++) {
			char c = row->columns[COLUMN_A].text[2 * i + j];
			byte = byte << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		}
		fingerprint.sha256[i] = (unsigned char)byte;
	}
	admission->denied = grown(loading->arena, admission->denied, admission->denied_count, &admission->denied_room, sizeof *admission->denied);
	admission->denied[admission->denied_count++] = fingerprint;
}

static void add_line(struct loading *loading, const struct pack_row *row)
{
	uint32_t room = loading->line_room;
	loading->lines = grown(loading->arena, loading->lines, loading->line_count, &room, sizeof *loading->lines);
	room = loading->line_room;
	loading->accounts = grown(loading->arena, loading->accounts, loading->line_count, &room, sizeof *loading->accounts);
	loading->own_lines = grown(loading->arena, loading->own_lines, loading->line_count, &loading->line_room, sizeof *loading->own_lines);
	loading->lines[loading->line_count++] = (struct stack_line){
		.position = (uint16_t)row_number(row),
		.account_id = kept(loading, row->columns[COLUMN_A]).text,
		.user = kept(loading, row->columns[COLUMN_B]),
		.auth_user = kept(loading, row->columns[COLUMN_C]),
		.display_name = kept(loading, row->columns[COLUMN_D]),
		.label = kept(loading, row->columns[COLUMN_E]),
		.password = kept(loading, row->columns[COLUMN_F]),
	};
}

/* A setting of a line or of its account. Those of lines that are switched off find no line and count for nothing. */
static void add_line_setting(struct loading *loading, struct builder *builders, const struct pack_row *row)
{
	for (uint32_t i = 0; i < loading->line_count; i++)
		if (loading->lines[i].position == row_number(row))
			add_setting(loading, &builders[i], row);
}

/* enabled ‖ generation ‖ previous generation ‖ until when */
static bool take_generations(struct loading *loading, struct text text)
{
	struct device *device = loading->device;
	const size_t until = 1 + 2 * TOKEN_GENERATION;
	if (text.length <= until)
		return false;
	device->enabled = text.text[0] == '1';
	memcpy(device->generation, text.text + 1, TOKEN_GENERATION);
	if (text.text[1 + TOKEN_GENERATION] != NO_GENERATION[0] && loading_integer(text.text + until, text.length - until) > loading->now)
		memcpy(device->previous_generation, text.text + 1 + TOKEN_GENERATION, TOKEN_GENERATION);
	return true;
}

static const char *or_nothing(const char *text)
{
	return text ? text : "";
}

static enum error_code take_device(struct loading *loading, const struct pack_row *row, struct error *error)
{
	struct device *device = loading->device;
	device->tenant_id = kept(loading, row->columns[COLUMN_A]).text;
	if (!device->tenant_id)
		return ERROR_NONE;
	if (!take_generations(loading, row->columns[COLUMN_E]))
		return error_set(error, ERROR_DATABASE, "device %s has no generation", device->mac.digits);
	device->found = true;
	loading->ids[LAYER_SITE] = or_nothing(kept(loading, row->columns[COLUMN_B]).text);
	loading->ids[LAYER_PROFILE] = or_nothing(kept(loading, row->columns[COLUMN_C]).text);
	struct text model = kept(loading, row->columns[COLUMN_D]);
	device->model_id = model.text;
	device->model = catalogue_model(loading->store->catalogue, model.text, model.length);
	return ERROR_NONE;
}

enum error_code loading_take(struct loading *loading, const struct pack_row *row, struct error *error)
{
	switch ((enum kind)(row->number >> 32)) {
	case ROW_DEVICE:
		return take_device(loading, row, error);
	case ROW_LINE:
		add_line(loading, row);
		break;
	case ROW_ACCOUNT_SETTING:
		add_line_setting(loading, loading->accounts, row);
		break;
	case ROW_LINE_SETTING:
		add_line_setting(loading, loading->own_lines, row);
		break;
	case ROW_DEVICE_SETTING:
	case ROW_DEVICE_SECRET:
		add_setting(loading, &loading->layers[LAYER_DEVICE], row);
		break;
	case ROW_DEVICE_KEY:
		add_key(loading, LAYER_DEVICE, row);
		break;
	case ROW_PROVIDER_SETTING:
		add_setting(loading, &loading->layers[LAYER_PROVIDER], row);
		break;
	case ROW_TENANT_SETTING:
	case ROW_TENANT_SECRET:
		add_setting(loading, &loading->layers[LAYER_TENANT], row);
		break;
	case ROW_SITE_SETTING:
		add_setting(loading, &loading->layers[LAYER_SITE], row);
		break;
	case ROW_PROFILE_SETTING:
		add_setting(loading, &loading->layers[LAYER_PROFILE], row);
		break;
	case ROW_PROFILE_KEY:
		add_key(loading, LAYER_PROFILE, row);
		break;
	case ROW_DEVICE_POLICY:
		add_policy(loading, 1, row);
		break;
	case ROW_TENANT_POLICY:
		add_policy(loading, 0, row);
		break;
	case ROW_TENANT_NETWORK:
		add_network(loading, row);
		break;
	case ROW_DENIED:
		add_denied(loading, row);
		break;
	}
	return ERROR_NONE;
}

void loading_init(struct loading *loading, const struct store *store, const struct mac *mac, struct arena *arena, struct device *device)
{
	*device = (struct device){.mac = *mac};
	*loading = (struct loading){.store = store, .arena = arena, .device = device, .mac = mac};
	memcpy(device->inputs + DEVICE_REVISIONS, store->catalogue->digest, DEVICE_INPUTS - DEVICE_REVISIONS);
	for (enum layer layer = 0; layer <= LAYER_DEVICE; layer++)
		loading->ids[layer] = "";
	pack_writer_init(&loading->pack, arena);
}
