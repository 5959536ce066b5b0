/* digest_job.c - HA1 values for the registrar, derived from account, password, realm and algorithms: table account_digest.
 *
 * An event names an account, or a tenant (realm or algorithms changed), or nothing (the provider's changed): the last two are spread over the accounts by one statement. For an account its row of
 * account_digest is locked first, by putting it there if it is not, and what the values are made of is read after that: of two couriers the later one writes what was read later. Whatever
 * changes in between has an event of its own. */
#include "courier.h"

#include "ha1.h"
#include "log.h"
#include "outbox.h"
#include "wipe.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define PASSWORD "sip.password"
#define EMPTY_PLACE "INSERT INTO account_digest (tenant_id, account_id) VALUES (?, ?) ON DUPLICATE KEY UPDATE account_id = VALUES(account_id)"
#define SETTING(name) "(SELECT CASE WHEN t.name IS NOT NULL THEN COALESCE(t.value, s.default_value) ELSE COALESCE(p.value, s.default_value) END" \
	" FROM setting AS s LEFT JOIN tenant_setting AS t ON t.tenant_id = a.tenant_id AND t.vendor = '' AND t.name = s.name"                      \
	" LEFT JOIN provider_setting AS p ON p.vendor = '' AND p.name = s.name WHERE s.name = '" name "')"

static const char place_sql[] = EMPTY_PLACE;
static const char inputs_sql[] = "SELECT COALESCE(a.auth_user, a.sip_user), x.plain, x.sealed, x.version, " SETTING("sip.realm") ", " SETTING("sip.digest")
	" FROM account AS a JOIN account_secret AS x ON x.tenant_id = a.tenant_id AND x.account_id = a.account_id AND x.name = '" PASSWORD "'"
	" WHERE a.tenant_id = ? AND a.account_id = ?";
static const char owner_sql[] = "SELECT tenant_id, account_id FROM account_digest WHERE realm = ? AND username = ? AND NOT (tenant_id = ? AND account_id = ?)";
static const char write_sql[] = "UPDATE account_digest SET realm = ?, username = ?, ha1 = ?, ha1b = ?, ha1_sha256 = ?, ha1b_sha256 = ?, version = ?"
	" WHERE tenant_id = ? AND account_id = ?";
static const char remove_sql[] = "DELETE FROM account_digest WHERE tenant_id = ? AND account_id = ?";
static const char spread_tenant_sql[] = "INSERT INTO outbox (kind, subject, key1, key2) SELECT 'digest', 'account', tenant_id, account_id FROM account_secret"
	" WHERE tenant_id = ? AND name = '" PASSWORD "'";
static const char spread_all_sql[] = "INSERT INTO outbox (kind, subject, key1, key2) SELECT 'digest', 'account', tenant_id, account_id FROM account_secret"
	" WHERE name = '" PASSWORD "'";

/* What an account's HA1 is made of; in the arena. */
struct inputs {
	struct text user, plain, sealed, version, realm, algorithms;
};

static struct text kept(struct courier *courier, const struct db_statement *row, unsigned index)
{
	struct db_column column = db_column(row, index);
	if (!column.text)
		return (struct text){0};
	return (struct text){arena_copy(&courier->arena, column.text, column.length), (uint32_t)column.length};
}

static void bind_text(struct db_statement *statement, unsigned index, struct text text)
{
	db_bind_text(statement, index, text.text, text.length);
}

/* A statement about one account, without rows. */
static enum error_code run_for(struct courier *courier, const char *sql, const struct outbox_row *row, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, sql);
	courier_bind(statement, 0, row->keys[0]);
	courier_bind(statement, 1, row->keys[1]);
	return courier_execute(courier, statement, error);
}

static enum error_code read_inputs(struct courier *courier, const struct outbox_row *row, struct inputs *inputs_r, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, inputs_sql);
	*inputs_r = (struct inputs){0};
	courier_bind(statement, 0, row->keys[0]);
	courier_bind(statement, 1, row->keys[1]);
	enum error_code code = courier_execute(courier, statement, error);
	int more = code ? 0 : db_next(statement, error);
	if (more > 0)
		*inputs_r = (struct inputs){kept(courier, statement, 0), kept(courier, statement, 1), kept(courier, statement, 2), kept(courier, statement, 3),
			kept(courier, statement, 4), kept(courier, statement, 5)};
	db_done(statement);
	db_wipe(statement);
	return code ? code : more < 0 ? ERROR_DATABASE_GONE : ERROR_NONE;
}

static enum error_code open_password(struct courier *courier, const struct outbox_row *row, struct inputs *inputs, struct error *error)
{
	struct seal_place place = {.table = "account_secret", .row = {row->keys[0], row->keys[1]}, .name = PASSWORD};
	return inputs->plain.text ? ERROR_NONE : seal_open(courier->sealer, &courier->arena, &place, inputs->sealed.text, inputs->sealed.length, &inputs->plain, error);
}

/* One user of one realm is one account: a registrar could not tell two apart, and either password would open the other's. */
static enum error_code check_owner(struct courier *courier, const struct outbox_row *row, const struct inputs *inputs, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, owner_sql);
	bind_text(statement, 0, inputs->realm);
	bind_text(statement, 1, inputs->user);
	courier_bind(statement, 2, row->keys[0]);
	courier_bind(statement, 3, row->keys[1]);
	enum error_code code = courier_execute(courier, statement, error);
	int more = code ? 0 : db_next(statement, error);
	if (more > 0)
		code = error_set(error, ERROR_DENIED, "user %.100s of realm %.100s is account %s of tenant %s already; give the tenants realms of their own, or the account another auth_user",
			inputs->user.text, inputs->realm.text, db_column(statement, 1).text, db_column(statement, 0).text);
	db_done(statement);
	return code ? code : more < 0 ? ERROR_DATABASE_GONE : ERROR_NONE;
}

/* Is it an item of the list? */
static bool listed(struct text list, const char *item)
{
	size_t length = strlen(item);
	for (const char *at = list.text; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, item, length) == 0 && (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

struct values {
	char ha1[HA1_MD5 + 1], ha1b[HA1_MD5 + 1], sha256[HA1_SHA256 + 1], sha256b[HA1_SHA256 + 1];
};

/* What no password gives. */
static bool fill_random(char *hex_r, size_t digits)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char random[HA1_SHA256];
	if (RAND_bytes(random, (int)digits) != 1)
		return false;
	for (size_t i = 0; i < digits; i++)
		hex_r[i] = hex[random[i] & 15];
	hex_r[digits] = 0;
	return true;
}

static enum error_code derive(struct courier *courier, const struct inputs *inputs, struct values *values_r, struct error *error)
{
	char *whole = arena_printf(&courier->arena, "%s@%s", inputs->user.text, inputs->realm.text);
	struct text with_domain = {whole, (uint32_t)strlen(whole)};
	bool good = true;
	if (listed(inputs->algorithms, "md5")) {
		ha1_md5(inputs->user, inputs->realm, inputs->plain, values_r->ha1);
		ha1_md5(with_domain, inputs->realm, inputs->plain, values_r->ha1b);
	} else {
		good = fill_random(values_r->ha1, HA1_MD5) && fill_random(values_r->ha1b, HA1_MD5);
	}
	if (listed(inputs->algorithms, "sha-256")) {
		ha1_sha256(inputs->user, inputs->realm, inputs->plain, values_r->sha256);
		ha1_sha256(with_domain, inputs->realm, inputs->plain, values_r->sha256b);
	} else {
		good = good && fill_random(values_r->sha256, HA1_SHA256) && fill_random(values_r->sha256b, HA1_SHA256);
	}
	return good ? ERROR_NONE : error_set(error, ERROR_SYSTEM, "no random bytes from OpenSSL");
}

static enum error_code write_values(struct courier *courier, const struct outbox_row *row, const struct inputs *inputs, const struct values *values, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, write_sql);
	bind_text(statement, 0, inputs->realm);
	bind_text(statement, 1, inputs->user);
	courier_bind(statement, 2, values->ha1);
	courier_bind(statement, 3, values->ha1b);
	courier_bind(statement, 4, values->sha256);
	courier_bind(statement, 5, values->sha256b);
	db_bind_bytes(statement, 6, inputs->version.text, inputs->version.length);
	courier_bind(statement, 7, row->keys[0]);
	courier_bind(statement, 8, row->keys[1]);
	return courier_execute(courier, statement, error);
}

static enum error_code deliver_account(struct courier *courier, const struct outbox_row *row, struct error *error)
{
	struct inputs inputs;
	struct values values;
	enum error_code code = run_for(courier, place_sql, row, error);
	if (!code)
		code = read_inputs(courier, row, &inputs, error);
	if (code)
		return code;
	if (!inputs.user.text || !inputs.realm.text || !inputs.realm.length)
		return run_for(courier, remove_sql, row, error);
	code = check_owner(courier, row, &inputs, error);
	if (!code)
		code = open_password(courier, row, &inputs, error);
	if (!code)
		code = derive(courier, &inputs, &values, error);
	if (!code)
		code = write_values(courier, row, &inputs, &values, error);
	wipe(&values, sizeof values);
	return code;
}

enum error_code digest_account(struct courier *courier, const char *tenant_id, const char *account_id, struct error *error)
{
	const struct outbox_row row = {.subject = "account", .keys = {tenant_id, account_id, ""}};
	return deliver_account(courier, &row, error);
}

static enum error_code deliver(struct courier *courier, const struct outbox_row *row, struct error *error)
{
	if (*row->keys[1])
		return deliver_account(courier, row, error);
	struct db_statement *statement = courier_statement(courier, *row->keys[0] ? spread_tenant_sql : spread_all_sql);
	if (*row->keys[0])
		courier_bind(statement, 0, row->keys[0]);
	return courier_execute(courier, statement, error);
}

enum error_code digest_run(struct courier *courier, bool *more_r, struct error *error)
{
	return outbox_deliver(courier, "digest", deliver, more_r, error);
}
