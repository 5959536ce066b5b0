#include "credential.h"

#include "secret.h"
#include "wipe.h"
#include "xalloc.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

struct credential_store {
	struct db_statement *read, *claim, *end;
	struct sealer *sealer;
	unsigned char decoy[SEAL_MAX];  /* a password that no device has */
	size_t decoy_size;
};

/* What a window of one network looks like, so that looking through it costs the same where there is none. */
#define NO_NETWORK "198.51.100.0/24"

/* All tables are joined by the one MAC, so that each costs one look-up whether it has the row or not; and the networks are searched by address alone, whoever's they are. The
 * tenant in the subquery is compared with what was found, it narrows nothing. No column is ever NULL: what a MAC lacks comes as something of the same form, so that reading it
 * is the same work. What the server takes longer for a row that is there, microseconds, the worker hides (wait_for_tick). */
static const char read_sql[] =
	"SELECT c.complete, COALESCE(d.generation, '----------'), COALESCE(IF(d.previous_until > NOW(), d.previous_generation, NULL), '----------'),"
	" p.mac IS NOT NULL, COALESCE(p.user, ''), COALESCE(p.plain, p.sealed, ?),"
	" COALESCE(e.closed_at IS NULL AND e.valid_until > NOW(), 0), COALESCE(e.networks, '" NO_NETWORK "'),"
	" COALESCE((SELECT SUM(n.tenant_id = COALESCE(d.tenant_id, '')) FROM tenant_network AS n FORCE INDEX (tenant_network_range) WHERE n.first <= ? AND n.last >= ?), 0)"
	" FROM _complete AS c LEFT JOIN device AS d ON d.mac = ? LEFT JOIN device_password AS p ON p.mac = ? LEFT JOIN enrolment AS e ON e.mac = ?";
enum { READ_COMPLETE, READ_GENERATION, READ_PREVIOUS, READ_OWN, READ_USER, READ_PASSWORD, READ_WINDOW, READ_NETWORKS, READ_NETWORK };
enum { BIND_DECOY, BIND_FIRST, BIND_LAST, BIND_DEVICE, BIND_PASSWORD, BIND_WINDOW };

static const char claim_sql[] = "SELECT enrolment_claim(?, ?)";
static const char end_sql[] = "SELECT enrolment_end(?, ?, ?)";

static struct seal_place place_of(const struct mac *mac)
{
	const char *const keys[SECRET_KEYS] = {mac->digits};
	return secret_place(secret_table_find("device_password"), keys);
}

static const struct mac nobody = {.digits = "000000000000"};

struct credential_store *credential_store_new(struct db *db, struct sealer *sealer)
{
	struct credential_store *store = xcalloc(1, sizeof *store);
	unsigned char random[24];
	char password[2 * sizeof random + 1];
	struct seal_place place = place_of(&nobody);
	store->sealer = sealer;
	store->read = db_prepare(db, read_sql);
	store->claim = db_prepare(db, claim_sql);
	store->end = db_prepare(db, end_sql);
	if (RAND_bytes(random, sizeof random) != 1)
		abort();
	for (size_t i = 0; i < sizeof random; i++) {
		password[2 * i] = "0123456789abcdef"[random[i] >> 4];
		password[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
	}
	password[2 * sizeof random] = 0;
	store->decoy_size = seal_make(sealer, &place, password, 2 * sizeof random, CREDENTIAL_PAD, store->decoy, NULL);
	if (!store->decoy_size)
		abort(); /* an OpenSSL without AES-256-GCM or random bytes cannot run any of this */
	wipe(random, sizeof random);
	wipe(password, sizeof password);
	return store;
}

void credential_store_free(struct credential_store **store)
{
	if (!*store)
		return;
	db_statement_free(&(*store)->read);
	db_statement_free(&(*store)->claim);
	db_statement_free(&(*store)->end);
	wipe(*store, sizeof **store);
	free(*store);
	*store = NULL;
}

/* A generation consists of hex digits: one of other characters is no token's, and makes a token of the same length. */
static void take_generation(struct db_column column, char generation_r[TOKEN_GENERATION + 1])
{
	bool good = column.text && column.length == TOKEN_GENERATION;
	memcpy(generation_r, good ? column.text : "----------", TOKEN_GENERATION);
	generation_r[TOKEN_GENERATION] = 0;
}

/* The device's password, or the decoy that the database gave back, opened by the same steps. One that was not sealed yet is what it is: the courier comes within seconds. */
static void take_password(struct credential_store *store, const struct mac *mac, bool own, struct db_column column, struct arena *arena, struct credential *credential)
{
	struct seal_place its = place_of(mac), none = place_of(&nobody);
	if (own && !seal_is(column.text, column.length)) {
		credential->password = (struct text){.text = arena_copy(arena, column.text, column.length), .length = (uint32_t)column.length};
		credential->has_password = true;
		return;
	}
	enum error_code code = seal_open(store->sealer, arena, own ? &its : &none, column.text, column.length, &credential->password, &credential->fault);
	credential->has_password = own & !code;
	if (code)
		seal_open(store->sealer, arena, &none, store->decoy, store->decoy_size, &credential->password, NULL);
}

static struct text copied(struct db_column column, struct arena *arena)
{
	return (struct text){.text = arena_copy(arena, column.text, column.length), .length = (uint32_t)column.length};
}

static enum error_code take(struct credential_store *store, const struct mac *mac, struct arena *arena, struct credential *credential, struct error *error)
{
	const struct db_statement *row = store->read;
	struct db_column user = db_column(row, READ_USER);
	if (db_column_int(row, READ_COMPLETE) != 2)
		return error_set(error, ERROR_DATABASE_GONE, "the database is being restored: the view _complete is not back yet");
	take_generation(db_column(row, READ_GENERATION), credential->generation);
	take_generation(db_column(row, READ_PREVIOUS), credential->previous);
	credential->user = copied(user.length ? user : (struct db_column){.text = mac->digits, .length = MAC_DIGITS}, arena);
	credential->window = db_column_int(row, READ_WINDOW) == 1;
	credential->networks = copied(db_column(row, READ_NETWORKS), arena);
	credential->in_network = db_column_int(row, READ_NETWORK) > 0;
	take_password(store, mac, db_column_int(row, READ_OWN) == 1, db_column(row, READ_PASSWORD), arena, credential);
	return ERROR_NONE;
}

enum error_code credential_fetch(struct credential_store *store, const struct mac *mac, const unsigned char *address, struct arena *arena,
	struct credential *credential_r, struct error *error)
{
	char hex[NETWORK_HEX] = "";
	*credential_r = (struct credential){0};
	if (address)
		network_hex(address, hex);
	db_bind_bytes(store->read, BIND_DECOY, store->decoy, store->decoy_size);
	db_bind_text(store->read, BIND_FIRST, hex, strlen(hex)); /* '': no network begins before it */
	db_bind_text(store->read, BIND_LAST, hex, strlen(hex));
	db_bind_text(store->read, BIND_DEVICE, mac->digits, MAC_DIGITS);
	db_bind_text(store->read, BIND_PASSWORD, mac->digits, MAC_DIGITS);
	db_bind_text(store->read, BIND_WINDOW, mac->digits, MAC_DIGITS);
	enum error_code code = db_execute(store->read, true, error);
	if (code)
		return code;
	int more = db_next(store->read, error);
	if (more > 0)
		code = take(store, mac, arena, credential_r, error);
	else
		code = more < 0 ? ERROR_DATABASE_GONE : error_set(error, ERROR_DATABASE_GONE, "the database is being restored: it has no provider revision yet");
	db_done(store->read);
	return code;
}

static enum error_code call(struct db_statement *statement, bool *said_r, struct error *error)
{
	enum error_code code = db_execute(statement, false, error);
	*said_r = false;
	if (code)
		return code;
	int more = db_next(statement, error);
	if (more > 0)
		*said_r = db_column_int(statement, 0) == 1;
	else if (more < 0)
		code = ERROR_DATABASE_GONE;
	db_done(statement);
	return code;
}

enum error_code credential_claim(struct credential_store *store, const struct mac *mac, const unsigned char id[16], bool *granted_r, struct error *error)
{
	db_bind_text(store->claim, 0, mac->digits, MAC_DIGITS);
	db_bind_bytes(store->claim, 1, id, 16);
	return call(store->claim, granted_r, error);
}

enum error_code credential_end(struct credential_store *store, const struct mac *mac, const unsigned char id[16], bool delivered, struct error *error)
{
	bool ignored;
	db_bind_text(store->end, 0, mac->digits, MAC_DIGITS);
	db_bind_bytes(store->end, 1, id, 16);
	db_bind_int(store->end, 2, delivered);
	return call(store->end, &ignored, error);
}
