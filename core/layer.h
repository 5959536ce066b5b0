/* layer.h - the rows of one layer, however they came: what the stack lays over one another.
 *
 * Memory: rows point into the arena of whoever loaded them (a cache entry or the request) and are read-only afterwards. */
#ifndef DIALTONE_LAYER_H
#define DIALTONE_LAYER_H

#include "network.h"

#include <stdbool.h>
#include <stdint.h>

/* In this order; a later one wins. The number is the rank. */
enum layer {
	LAYER_VENDOR, LAYER_MODEL, LAYER_PROVIDER, LAYER_TENANT, LAYER_SITE, LAYER_PROFILE, LAYER_DEVICE, LAYER_ACCOUNT, LAYER_LINE,
	LAYERS
};

/* "vendor template", "model template", "provider", ... as shown to people and in JSON. */
const char *layer_name(enum layer layer);

/* One neutral setting. text NULL: takes back what lower layers assigned. */
struct layer_setting {
	uint32_t setting; /* index in the dictionary */
	uint32_t length;
	const char *text;
};

/* One raw parameter. text NULL: removes it. */
struct layer_parameter {
	uint32_t vendor; /* index in the catalogue */
	uint32_t name_length;
	const char *name;
	const char *text;
	uint32_t length;
};

/* A string with its length; text NULL: absent. Always 0-terminated where not NULL. */
struct text {
	const char *text;
	uint32_t length;
};

struct layer_key {
	uint16_t module, slot; /* module 0: the phone itself; slots from 1 */
	uint16_t line;         /* 0: none given */
	uint8_t layer;         /* LAYER_PROFILE or LAYER_DEVICE */
	struct text type, value, label, extension;
};

/* What a policy wants, all of it: a set of these. One policy that is met is enough. */
enum layer_proof {
	PROOF_TOKEN = 1,       /* the device's own token */
	PROOF_PASSWORD = 2,    /* the password brought in for it */
	PROOF_CERTIFICATE = 4, /* the phone's own certificate */
	PROOF_NETWORK = 8,     /* an address in one of the tenant's networks */
	PROOF_ENROLMENT = 16   /* a use of its enrolment window: in no policy, stands by itself */
};

#define LAYER_FINGERPRINT 32 /* SHA-256 */
struct layer_fingerprint {
	unsigned char sha256[LAYER_FINGERPRINT];
};

struct layer_rows {
	enum layer layer;
	const char *who;  /* the tenant's, site's, ... identifier, or "" */
	const struct layer_setting *settings;
	uint32_t setting_count;
	const struct layer_parameter *parameters;
	uint32_t parameter_count;
	const struct layer_key *keys; /* by module, slot */
	uint32_t key_count;
	bool enabled, plain_http; /* of a tenant: its flags */
	const uint8_t *policies;  /* of a tenant or a device: sets of enum layer_proof */
	uint32_t policy_count;
	const struct network *networks; /* of a tenant */
	uint32_t network_count;
	const struct layer_fingerprint *denied; /* of the provider: certificates */
	uint32_t denied_count;
};

#endif
