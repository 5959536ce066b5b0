/* store_double.h - a store of the test's own, for the tests of access.h: core's device.o and credential.o are not linked, because their functions are here. */
#ifndef DIALTONE_TEST_STORE_DOUBLE_H
#define DIALTONE_TEST_STORE_DOUBLE_H

#include "access.h"

#include "unit.h"

#include <openssl/evp.h>

#define A "805ec0aabb01"
#define B "805ec0aabb02"
#define DISABLED "805ec0aabb03"
#define NOBODY "805ec0ffff01"
#define GENERATION "0123456789"
#define OLD "aaaaaaaaaa"

/* -------- the store: one enabled device, one disabled; and how often it was asked */

static unsigned asked, looked_up;
static const struct identity_rules no_rules;
/* What hangs on the device, for test_proofs. */
static struct layer_rows device_rows, tenant_rows, provider_rows;
static const struct credential_row {
	const char *generation, *previous, *user, *password, *networks;
	bool in_network;
} *credential_row;
static unsigned claims, ends, uses_left;
static bool ended_delivered;
static enum error_code credential_says, claim_says;
static const unsigned char no_id[16];
static enum error_code store_says;
static const struct catalogue *catalogue;
static bool plain_allowed;
static const char *device_model;

enum error_code store_fetch(struct store *store, const struct mac *mac, struct arena *arena, struct device *device_r, struct error *error)
{
	(void)store, (void)arena;
	asked++;
	memset(device_r, 0, sizeof *device_r);
	if (store_says)
		return error_set(error, store_says, "the database is away");
	device_r->mac = *mac;
	device_r->found = !strncmp(mac->digits, "805ec0aabb0", 11);
	device_r->enabled = mac->digits[11] != '3';
	device_r->plain_http = plain_allowed;
	device_r->tenant_id = "acme";
	strcpy(device_r->generation, GENERATION);
	if (credential_row && credential_row->previous)
		strcpy(device_r->previous_generation, credential_row->previous);
	device_r->model = catalogue_model(catalogue, device_model, strlen(device_model));
	device_r->stack.rows[LAYER_DEVICE] = &device_rows;
	device_r->stack.rows[LAYER_TENANT] = &tenant_rows;
	device_r->stack.rows[LAYER_PROVIDER] = &provider_rows;
	return ERROR_NONE;
}

/* The row of a device that is there; of all others what an unknown MAC gets. */
enum error_code credential_fetch(struct credential_store *store, const struct mac *mac, const unsigned char *address, struct arena *arena,
	struct credential *credential_r, struct error *error)
{
	static const struct credential_row nothing;
	(void)store, (void)arena;
	looked_up++;
	memset(credential_r, 0, sizeof *credential_r);
	if (credential_says)
		return error_set(error, credential_says, "the database is away");
	const struct credential_row *row = credential_row && !strncmp(mac->digits, "805ec0aabb0", 11) ? credential_row : &nothing;
	strcpy(credential_r->generation, row->generation ? row->generation : "----------");
	strcpy(credential_r->previous, row->previous ? row->previous : "----------");
	const char *user = row->user ? row->user : mac->digits, *password = row->password ? row->password : "nobody's";
	credential_r->user = (struct text){user, (uint32_t)strlen(user)};
	credential_r->password = (struct text){password, (uint32_t)strlen(password)};
	credential_r->has_password = row->password;
	credential_r->window = row->networks;
	const char *networks = row->networks ? row->networks : "198.51.100.0/24";
	credential_r->networks = (struct text){networks, (uint32_t)strlen(networks)};
	credential_r->in_network = address && row->in_network;
	return ERROR_NONE;
}

enum error_code credential_claim(struct credential_store *store, const struct mac *mac, const unsigned char id[16], bool *granted_r, struct error *error)
{
	(void)store, (void)mac, (void)id;
	claims++;
	*granted_r = !claim_says && uses_left > 0;
	uses_left -= *granted_r;
	return claim_says ? error_set(error, claim_says, "the database is away") : ERROR_NONE;
}

enum error_code credential_end(struct credential_store *store, const struct mac *mac, const unsigned char id[16], bool delivered, struct error *error)
{
	(void)store, (void)mac, (void)id, (void)error;
	ends++;
	ended_delivered = delivered;
	return ERROR_NONE;
}

bool device_generation_counts(const struct device *device, const char generation[TOKEN_GENERATION + 1])
{
	return !strcmp(device->generation, generation) || (*device->previous_generation && !strcmp(device->previous_generation, generation));
}

/* -------- asking */

static struct arena arena;
static struct token_maker *tokens;
static struct keyring *ring;
static struct catalogue *loaded;

static inline void tear_down(void)
{
	token_maker_free(&tokens);
	keyring_free(&ring);
	catalogue_free(&loaded);
	arena_deinit(&arena);
	catalogue = NULL;
}

/* Nobody has asked, and nothing hangs on the device. */
static inline void forget(void)
{
	asked = looked_up = claims = ends = uses_left = 0;
	ended_delivered = false;
	store_says = credential_says = claim_says = ERROR_NONE;
	credential_row = NULL;
	device_rows = tenant_rows = provider_rows = (struct layer_rows){0};
	plain_allowed = false;
	device_model = "yealink-t54w";
}

static inline void set_up(void)
{
	struct error error = {0};
	static const char ring_text[] = "k 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	catalogue = loaded = catalogue_load(unit_source("templates"), &error);
	ck_assert_msg(catalogue != NULL, "%s", error.message);
	ring = keyring_parse(ring_text, sizeof ring_text - 1, &error);
	ck_assert_msg(ring != NULL, "%s", error.message);
	tokens = token_maker_new(ring);
	forget();
}

/* "Basic " and base64 of user:password; static. */
static inline char *basic(const char *user, const char *password)
{
	static char header[512];
	char plain[256];
	int size = snprintf(plain, sizeof plain, "%s:%s", user, password);
	strcpy(header, "Basic ");
	EVP_EncodeBlock((unsigned char *)header + 6, (const unsigned char *)plain, size);
	return header;
}

static inline char *token_of(const char *digits, const char *generation)
{
	char password[TOKEN_LENGTH + 1];
	struct mac mac;
	ck_assert(mac_parse(digits, strlen(digits), &mac));
	token_make(tokens, &mac, generation, password);
	return basic(digits, password);
}

#endif
