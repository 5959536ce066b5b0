/* device-private.h - a device on its way out of the database: device-sql.c asks, device-rows.c takes the rows, device.c makes the device of them. */
#ifndef DIALTONE_DEVICE_PRIVATE_H
#define DIALTONE_DEVICE_PRIVATE_H

#include "device.h"

/* What a row of the fetch is. */
enum kind {
	ROW_DEVICE, ROW_LINE, ROW_ACCOUNT_SETTING, ROW_LINE_SETTING, ROW_DEVICE_SETTING, ROW_DEVICE_KEY, ROW_DEVICE_SECRET, ROW_DEVICE_POLICY,
	ROW_PROVIDER_SETTING, ROW_TENANT_SETTING, ROW_TENANT_SECRET, ROW_SITE_SETTING, ROW_PROFILE_SETTING, ROW_PROFILE_KEY, ROW_TENANT_POLICY,
	ROW_TENANT_NETWORK, ROW_DENIED
};

/* Columns: kind × 2^32 + a number, six texts; what they hold by kind:
 *   device   FLAG_…; tenant, site, profile, model, enabled ‖ generation ‖ previous generation ‖ until when (epoch), revisions ‖ now (epoch)
 *   line     position; account, SIP user, auth user, display name, label, password
 *   setting  line's position; vendor, name, -, -, -, value        (a secret: the same with an empty vendor)
 *   key      module × 65536 + slot; type, line, label, extension, -, value
 *   policy   a set of enum layer_proof
 *   network  -; CIDR            denied  -; SHA-256 in hex
 * The device row is there for an unknown MAC too, then with NULLs: it always tells whether a restore is under way. A pack holds the rows up to ROW_DEVICE_POLICY. */
enum { COLUMN_A, COLUMN_B, COLUMN_C, COLUMN_D, COLUMN_E, COLUMN_F };
enum { FLAG_COMPLETE = 2, FLAG_TENANT_ENABLED = 256, FLAG_TENANT_PLAIN_HTTP = 512 };

#define NO_GENERATION "----------" /* stands for no previous generation */

struct store {
	const struct catalogue *catalogue;
	struct cache *cache;
	struct token_maker *tokens;
	struct pack_sealer *sealer;
	struct sealer *secrets;
	uint32_t *secret_settings; /* of the dictionary, those of type secret that are no line's */
	uint32_t secret_count;
	struct encrypter *encrypter; /* ours */
	struct db_statement *packed, *all;
};

/* Rows of one layer while they come in; arrays grow in the request's arena. */
struct builder {
	struct layer_setting *settings;
	struct layer_parameter *parameters;
	struct layer_key *keys;
	uint32_t setting_count, setting_room, parameter_count, parameter_room, key_count, key_room;
};

/* What says who may have the file; it stands in few layers, and with few devices. */
struct admission {
	uint8_t *policies[2];            /* the tenant's, the device's */
	struct network *networks;        /* the tenant's */
	struct layer_fingerprint *denied; /* the provider's */
	uint32_t policy_count[2], policy_room[2], network_count, network_room, denied_count, denied_room;
};

/* One fetch under way. */
struct loading {
	const struct store *store;
	struct arena *arena;
	struct device *device;
	const struct mac *mac;
	bool lasting;              /* the row's texts live as long as the arena: they need no copy */
	bool tenant_enabled, tenant_plain_http;
	long long now;             /* the database's clock, epoch */
	struct pack_writer pack;
	const char *ids[LAYER_DEVICE + 1]; /* site's, profile's; "" otherwise */
	struct builder layers[LAYER_DEVICE + 1];
	struct admission admission;
	struct stack_line *lines;
	struct builder *accounts, *own_lines;  /* beside `lines` */
	uint32_t line_count, line_room;
};

/* The number beside the row's kind. */
static inline uint32_t row_number(const struct pack_row *row)
{
	return (uint32_t)(row->number & 0xffffffff);
}

void loading_init(struct loading *loading, const struct store *store, const struct mac *mac, struct arena *arena, struct device *device);
/* One row, of a table or a pack. */
enum error_code loading_take(struct loading *loading, const struct pack_row *row, struct error *error);
/* A row just read from its table: where it holds a secret, in the form that it is kept in. What does not open is left out, and the device gets a fault. */
void loading_secret(struct loading *loading, enum kind kind, struct pack_row *row);
/* Decimal digits to a number; what is none counts as 0: SQL made them of integers. */
long long loading_integer(const char *text, size_t length);

void loading_prepare(struct store *store, struct db *db);
/* Read everything from its own tables, in one round trip; rows for a new pack are gathered in loading->pack. An unknown MAC leaves device->found false. */
enum error_code loading_tables(struct loading *loading, const struct mac *mac, struct error *error);
/* Read revisions and pack, in one round trip. *whole_r: the device came out of them, or there is none of that MAC; else the tables must be asked. */
enum error_code loading_packed(struct loading *loading, const struct mac *mac, bool *whole_r, struct error *error);

#endif
