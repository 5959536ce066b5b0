#include "secret.h"

#include "credential.h"

#include <string.h>

/* what: of a row, by its key; behind: in the key's order, as columns compared one after the other, which both servers do along the index; null: padding of the outbox's key. */
#define STATEMENTS(table, columns, marks, where, behind, unused, same)                                                                               \
	.read_sql = "SELECT plain, sealed, key_id, version FROM " table " WHERE " where,                                                              \
	.seal_sql = "UPDATE " table " SET plain = NULL, sealed = ?, key_id = ? WHERE " where " AND version = ? AND plain IS NOT NULL",                \
	.rewrap_sql = "UPDATE " table " SET sealed = ?, key_id = ? WHERE " where " AND version = ? AND key_id = ?",                                   \
	.replace_sql = "UPDATE " table " SET plain = NULL, sealed = ?, key_id = ?, version = ? WHERE " where,                                         \
	.insert_sql = "INSERT INTO " table " (" columns ", sealed, key_id) VALUES (" marks ", ?, ?)",                                                 \
	.older_sql = "SELECT " columns ", sealed, key_id, version FROM " table " WHERE key_id IS NOT NULL AND key_id <> ? AND " behind                \
		     " ORDER BY " columns " LIMIT ?",                                                                                                  \
	.count_sql = "SELECT key_id, COUNT(*) FROM " table " GROUP BY key_id",                                                                        \
	.sweep_sql = "INSERT INTO outbox (kind, subject, key1, key2, key3) SELECT 'seal', '" table "', " columns unused " FROM " table                 \
		     " AS s WHERE s.plain IS NOT NULL AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.kind = 'seal' AND o.subject = '" table "' AND " same ")"

const struct secret_table secret_tables[] = {
	{.kind = "tenant", .table = "tenant_secret", .keys = {"tenant_id", "name"}, .key_count = 2,
		STATEMENTS("tenant_secret", "tenant_id, name", "?, ?", "tenant_id = ? AND name = ?", "(tenant_id, name) > (?, ?)", ", ''",
			"o.key1 = s.tenant_id AND o.key2 = s.name")},
	{.kind = "device", .table = "device_secret", .keys = {"mac", "name"}, .key_count = 2,
		STATEMENTS("device_secret", "mac, name", "?, ?", "mac = ? AND name = ?", "(mac, name) > (?, ?)", ", ''", "o.key1 = s.mac AND o.key2 = s.name")},
	{.kind = "account", .table = "account_secret", .keys = {"tenant_id", "account_id", "name"}, .key_count = 3,
		STATEMENTS("account_secret", "tenant_id, account_id, name", "?, ?, ?", "tenant_id = ? AND account_id = ? AND name = ?",
			"(tenant_id, account_id, name) > (?, ?, ?)", "", "o.key1 = s.tenant_id AND o.key2 = s.account_id AND o.key3 = s.name")},
	{.kind = "password", .table = "device_password", .keys = {"mac"}, .key_count = 1, .name = "password", .pad = CREDENTIAL_PAD,
		STATEMENTS("device_password", "mac", "?", "mac = ?", "mac > ?", ", '', ''", "o.key1 = s.mac")},
};

const unsigned secret_table_count = sizeof secret_tables / sizeof *secret_tables;

const struct secret_table *secret_table_find(const char *name)
{
	for (unsigned i = 0; i < secret_table_count; i++)
		if (strcmp(secret_tables[i].kind, name) == 0 || strcmp(secret_tables[i].table, name) == 0)
			return &secret_tables[i];
	return NULL;
}

struct seal_place secret_place(const struct secret_table *table, const char *const keys[SECRET_KEYS])
{
	struct seal_place place = {.table = table->table, .name = table->name};
	unsigned parts = table->name ? table->key_count : table->key_count - 1;
	for (unsigned i = 0; i < parts; i++)
		place.row[i] = keys[i];
	if (!place.name)
		place.name = keys[table->key_count - 1];
	return place;
}
