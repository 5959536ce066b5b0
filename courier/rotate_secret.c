/* rotate_secret.c - a new random secret, sealed before it leaves this process. */
#include "rotate.h"

#include "secret.h"
#include "wipe.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
#define LETTERS (sizeof alphabet - 1)
#define FAIR (256 / LETTERS * LETTERS) /* bytes from here on would make some letters likelier */
#define SECRET_ROOM 128u

static bool make(char *secret_r, size_t length)
{
	unsigned char random[64];
	size_t done = 0;
	while (done < length) {
		if (RAND_bytes(random, sizeof random) != 1)
			return false;
		for (size_t i = 0; done < length && i < sizeof random; i++)
			if (random[i] < FAIR)
				secret_r[done++] = alphabet[random[i] % LETTERS];
	}
	secret_r[length] = 0;
	wipe(random, sizeof random);
	return true;
}

static enum error_code replace(struct courier *courier, const struct secret_table *table, const char *const *keys, const void *sealed, size_t size, unsigned long long *changed_r,
	struct error *error)
{
	unsigned char version[SECRET_VERSION];
	if (RAND_bytes(version, sizeof version) != 1)
		return error_set(error, ERROR_SYSTEM, "no random bytes from OpenSSL");
	struct db_statement *statement = courier_statement(courier, table->replace_sql);
	db_bind_bytes(statement, 0, sealed, size);
	courier_bind(statement, 1, sealer_key_id(courier->sealer));
	db_bind_bytes(statement, 2, version, sizeof version); /* anything new: the secret is another one */
	for (unsigned i = 0; i < table->key_count; i++)
		courier_bind(statement, 3 + i, keys[i]);
	enum error_code code = courier_execute(courier, statement, error);
	*changed_r = code ? 0 : db_affected(statement);
	return code;
}

static enum error_code insert(struct courier *courier, const struct secret_table *table, const char *const *keys, const void *sealed, size_t size, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, table->insert_sql);
	for (unsigned i = 0; i < table->key_count; i++)
		courier_bind(statement, i, keys[i]);
	db_bind_bytes(statement, table->key_count, sealed, size);
	courier_bind(statement, table->key_count + 1, sealer_key_id(courier->sealer));
	return courier_execute(courier, statement, error);
}

enum error_code rotate_new_secret(struct courier *courier, const char *table_name, const char *const *keys, size_t length, struct error *error)
{
	const struct secret_table *table = secret_table_find(table_name);
	char secret[SECRET_ROOM];
	unsigned char sealed[SEAL_MAX];
	unsigned long long changed = 0;
	if (!table || length >= sizeof secret)
		abort();
	struct seal_place place = secret_place(table, keys);
	if (!make(secret, length))
		return error_set(error, ERROR_SYSTEM, "no random bytes from OpenSSL");
	size_t size = seal_make(courier->sealer, &place, secret, length, table->pad, sealed, error);
	wipe(secret, sizeof secret);
	if (!size)
		return error->code;
	enum error_code code = replace(courier, table, keys, sealed, size, &changed, error);
	return code || changed ? code : insert(courier, table, keys, sealed, size, error);
}
