/* sweep_job.c - events for what none tells of: plain secrets and missing HA1 values of a restored dump (which fires no triggers), of a table that was left out of it, or from before the
 * triggers were there. At each new connection and once an hour; one statement a table. */
#include "courier.h"

#include "clock.h"
#include "log.h"
#include "secret.h"

#define EVERY (3600 * CLOCK_SECOND)

/* Accounts whose realm is known, and whose values are missing or are those of another password. */
static const char digests_sql[] = "INSERT INTO outbox (kind, subject, key1, key2) SELECT 'digest', 'account', x.tenant_id, x.account_id FROM account_secret AS x"
	" LEFT JOIN account_digest AS g ON g.tenant_id = x.tenant_id AND g.account_id = x.account_id WHERE x.name = 'sip.password'"
	" AND (g.version IS NULL OR g.version <> x.version)"
	" AND (EXISTS (SELECT 1 FROM tenant_setting AS t WHERE t.tenant_id = x.tenant_id AND t.vendor = '' AND t.name = 'sip.realm' AND t.value <> '')"
	" OR EXISTS (SELECT 1 FROM provider_setting AS p WHERE p.vendor = '' AND p.name = 'sip.realm' AND p.value <> ''"
	" AND NOT EXISTS (SELECT 1 FROM tenant_setting AS u WHERE u.tenant_id = x.tenant_id AND u.vendor = '' AND u.name = 'sip.realm')))"
	/* not key2 IN ('', x.account_id): then the index would be used up to key1 only, and the look be the square of a tenant's accounts */
	" AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.subject = 'account' AND o.key1 = x.tenant_id AND o.key2 = x.account_id AND o.key3 = '' AND o.kind = 'digest')"
	" AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.subject = 'account' AND o.key1 = x.tenant_id AND o.key2 = '' AND o.key3 = '' AND o.kind = 'digest')"
	" AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.subject = 'account' AND o.key1 = '' AND o.key2 = '' AND o.key3 = '' AND o.kind = 'digest')";

static enum error_code sweep(struct courier *courier, const char *sql, const char *what, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, sql);
	enum error_code code = courier_execute(courier, statement, error);
	if (!code && db_affected(statement))
		log_info("%s: %llu rows without an event", what, db_affected(statement));
	return code;
}

enum error_code sweep_run(struct courier *courier, bool *more_r, struct error *error)
{
	enum error_code code = ERROR_NONE;
	*more_r = false;
	if (courier->swept == courier->generation && clock_monotonic() < courier->sweep_at)
		return ERROR_NONE;
	for (unsigned i = 0; !code && i < secret_table_count; i++)
		code = sweep(courier, secret_tables[i].sweep_sql, secret_tables[i].table, error);
	if (!code)
		code = sweep(courier, digests_sql, "account_digest", error);
	if (code)
		return code;
	courier->swept = courier->generation;
	courier->sweep_at = clock_monotonic() + EVERY;
	return ERROR_NONE;
}
