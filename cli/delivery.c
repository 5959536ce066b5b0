#include "delivery.h"

#include "identify.h"
#include "writer.h"
#include "xalloc.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct delivery_reader {
	struct cli *cli;
	struct db_statement *statement;
	struct buf body;
};

/* The last delivery of the phone's own file. */
struct last {
	bool found;
	unsigned char nonce[FINGERPRINT_NONCE], digest[FINGERPRINT_DIGEST];
};

const char *delivery_state_name(enum delivery_state state)
{
	static const char *const names[DELIVERY_STATES] = {
		[DELIVERY_CURRENT] = "current",
		[DELIVERY_CHANGED] = "changed",
		[DELIVERY_NEVER] = "never-fetched",
		[DELIVERY_UNRENDERED] = "cannot-render",
	};
	return names[state];
}

struct delivery_reader *delivery_reader_new(struct cli *cli)
{
	struct delivery_reader *reader = xcalloc(1, sizeof *reader);
	reader->cli = cli;
	reader->statement = db_prepare(cli->journal, "SELECT file, CAST(delivered_at AS CHAR(19)), vendor, firmware, nonce, digest FROM device_state"
		" WHERE mac = ? AND delivered_at IS NOT NULL ORDER BY delivered_at DESC");
	buf_init(&reader->body, PHONE_FILE_MAX);
	return reader;
}

void delivery_reader_free(struct delivery_reader **reader)
{
	if (!*reader)
		return;
	db_statement_free(&(*reader)->statement);
	buf_deinit(&(*reader)->body);
	free(*reader);
	*reader = NULL;
}

/* Is it the phone's whole configuration, and not a common file? By the model's own vendor, as a fetch decides. */
static bool own_file(const struct phone *phone, const char *file)
{
	const struct file_rule *rule = identify_vendor_file(phone->device.model->vendor, file, strlen(file));
	return rule && rule->answer == FILE_DEVICE;
}

static void take_row(struct db_statement *row, struct phone *phone, struct delivery *delivery, struct last *last)
{
	const char *path = db_column(row, 0).text, *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
	struct db_column nonce = db_column(row, 4), digest = db_column(row, 5);
	if (!own_file(phone, file) || nonce.length != sizeof last->nonce || digest.length != sizeof last->digest)
		return;
	last->found = true;
	memcpy(last->nonce, nonce.text, sizeof last->nonce);
	memcpy(last->digest, digest.text, sizeof last->digest);
	snprintf(delivery->file, sizeof delivery->file, "%s", file);
	snprintf(delivery->delivered_at, sizeof delivery->delivered_at, "%s", db_column(row, 1).text);
	phone_speaks(phone, db_column(row, 2).text, db_column(row, 3).text);
}

static enum error_code read_last(struct delivery_reader *reader, struct phone *phone, struct delivery *delivery, struct last *last, struct error *error)
{
	db_bind_text(reader->statement, 0, phone->device.mac.digits, MAC_DIGITS);
	enum error_code code = db_execute(reader->statement, true, error);
	int more = 0;
	while (!code && !last->found && (more = db_next(reader->statement, error)) > 0)
		take_row(reader->statement, phone, delivery, last);
	db_done(reader->statement);
	return more < 0 ? error->code : code;
}

/* Is what would be delivered now what was delivered then? */
static bool same_body(const struct delivery_reader *reader, const struct last *last)
{
	unsigned char digest[FINGERPRINT_DIGEST];
	fingerprint_body(reader->cli->fingerprints, last->nonce, reader->body.data, reader->body.size, digest);
	return CRYPTO_memcmp(digest, last->digest, sizeof digest) == 0;
}

enum error_code delivery_read(struct delivery_reader *reader, struct phone *phone, struct delivery *delivery_r, struct error *error)
{
	*delivery_r = (struct delivery){.state = DELIVERY_UNRENDERED};
	if (!phone->device.model) {
		snprintf(delivery_r->reason, sizeof delivery_r->reason, "the templates have no model `%s`", phone->device.model_id);
		return ERROR_NONE;
	}
	struct last last = {0};
	enum error_code code = read_last(reader, phone, delivery_r, &last, error);
	if (code)
		return code;
	struct error why = {0};
	buf_wipe(&reader->body);
	if (device_write(&phone->device, phone->variant, &phone->arena, &reader->body, &why))
		snprintf(delivery_r->reason, sizeof delivery_r->reason, "%s", why.message);
	else if (!last.found)
		delivery_r->state = DELIVERY_NEVER;
	else
		delivery_r->state = same_body(reader, &last) ? DELIVERY_CURRENT : DELIVERY_CHANGED;
	buf_wipe(&reader->body);
	return ERROR_NONE;
}
