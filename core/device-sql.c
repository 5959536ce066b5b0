#include "device-private.h"

#include <string.h>

#define KIND(number) #number " * 4294967296"
#define NO_REVISION "x'0000000000000000'"

#define OWN_ROWS                                                                                                                       \
	"SELECT " KIND(0) " + c.complete + COALESCE(t.enabled * 256 + t.plain_http * 512, 0) AS n, d.tenant_id AS a, d.site_id AS b,"     \
	" d.profile_id AS c, d.model_id AS d,"                                                                                            \
	" CONCAT(d.enabled, d.generation, COALESCE(d.previous_generation, '" NO_GENERATION "'), COALESCE(UNIX_TIMESTAMP(d.previous_until), 0)) AS e," \
	" CONCAT(dr.revision, tr.revision, COALESCE(sr.revision, " NO_REVISION "), COALESCE(pr.revision, " NO_REVISION "), c.revision,"   \
	" UNIX_TIMESTAMP()) AS f"                                                                                                         \
	" FROM _complete AS c LEFT JOIN device AS d ON d.mac = ? LEFT JOIN tenant AS t ON t.tenant_id = d.tenant_id"                      \
	" LEFT JOIN device_revision AS dr ON dr.mac = d.mac LEFT JOIN layer_revision AS tr ON tr.layer = CONCAT('tenant/', d.tenant_id)"   \
	" LEFT JOIN layer_revision AS sr ON sr.layer = CONCAT('site/', d.tenant_id, '/', d.site_id)"                                      \
	" LEFT JOIN layer_revision AS pr ON pr.layer = CONCAT('profile/', d.tenant_id, '/', d.profile_id)"                                \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(1) " + l.position, l.account_id, a.sip_user, a.auth_user, a.display_name, l.label, COALESCE(s.plain, s.sealed)" \
	" FROM line AS l JOIN account AS a ON a.tenant_id = l.tenant_id AND a.account_id = l.account_id"                                  \
	" LEFT JOIN account_secret AS s ON s.tenant_id = l.tenant_id AND s.account_id = l.account_id AND s.name = 'sip.password'"         \
	" WHERE l.mac = ? AND l.enabled AND a.enabled"                                                                                    \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(2) " + l.position, s.vendor, s.name, NULL, NULL, NULL, s.value FROM line AS l"            \
	" JOIN account_setting AS s ON s.tenant_id = l.tenant_id AND s.account_id = l.account_id WHERE l.mac = ?"                         \
	" UNION ALL SELECT " KIND(3) " + s.position, s.vendor, s.name, NULL, NULL, NULL, s.value FROM line_setting AS s WHERE s.mac = ?"  \
	" UNION ALL SELECT " KIND(4) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM device_setting AS s WHERE s.mac = ?"             \
	" UNION ALL SELECT " KIND(5) " + k.module * 65536 + k.slot, k.type, k.line, k.label, k.extension, NULL, k.value FROM line_key AS k" \
	" WHERE k.mac = ?"                                                                                                                \
	" UNION ALL SELECT " KIND(6) ", '', s.name, NULL, NULL, NULL, COALESCE(s.plain, s.sealed) FROM device_secret AS s WHERE s.mac = ?"                    \
	" UNION ALL SELECT " KIND(7) " + p.token + p.password * 2 + p.certificate * 4 + p.network * 8, NULL, NULL, NULL, NULL, NULL, NULL" \
	" FROM device_policy AS p WHERE p.mac = ?"

#define LAYER_ROWS                                                                                                                     \
	" UNION ALL SELECT " KIND(8) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM provider_setting AS s"                                  \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(9) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM device AS d"                              \
	" JOIN tenant_setting AS s ON s.tenant_id = d.tenant_id WHERE d.mac = ?"                                                          \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(10) ", '', s.name, NULL, NULL, NULL, COALESCE(s.plain, s.sealed) FROM device AS d"                                    \
	" JOIN tenant_secret AS s ON s.tenant_id = d.tenant_id WHERE d.mac = ?"                                                           \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(11) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM device AS d"                             \
	" JOIN site_setting AS s ON s.tenant_id = d.tenant_id AND s.site_id = d.site_id WHERE d.mac = ?"                                  \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(12) ", s.vendor, s.name, NULL, NULL, NULL, s.value FROM device AS d"                             \
	" JOIN profile_setting AS s ON s.tenant_id = d.tenant_id AND s.profile_id = d.profile_id WHERE d.mac = ?"                         \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(13) " + k.module * 65536 + k.slot, k.type, k.line, k.label, k.extension, NULL, k.value FROM device AS d" \
	" JOIN profile_key AS k ON k.tenant_id = d.tenant_id AND k.profile_id = d.profile_id WHERE d.mac = ?"                            \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(14) " + p.token + p.password * 2 + p.certificate * 4 + p.network * 8, NULL, NULL, NULL, NULL, NULL, NULL" \
	" FROM device AS d JOIN tenant_policy AS p ON p.tenant_id = d.tenant_id WHERE d.mac = ?"                                          \
	" UNION ALL SELECT STRAIGHT_JOIN " KIND(15) ", n.network, NULL, NULL, NULL, NULL, NULL FROM device AS d"                          \
	" JOIN tenant_network AS n ON n.tenant_id = d.tenant_id WHERE d.mac = ?"                                                          \
	" UNION ALL SELECT " KIND(16) ", c.sha256, NULL, NULL, NULL, NULL, NULL FROM certificate_denied AS c"

#define ALL_PARAMETERS 15u

const char device_rows_sql[] = OWN_ROWS;
static const char all_sql[] = OWN_ROWS LAYER_ROWS;

/* What a warm fetch reads: is the database whole, what time is it, the revisions of provider, device, tenant, site and profile, and the device's pack with the revision that it was made at. One row,
 * with NULL for the device's revision where the MAC is unknown. The layers' keys stand beside the pack: they are of its revision, as everything in it. Plain columns and joins by
 * primary keys of one column only: each expression and each condition costs MariaDB about as much as reading a row. */
static const char packed_sql[] =
	"SELECT c.complete, UNIX_TIMESTAMP(), c.revision, r.revision, t.revision, s.revision, f.revision, p.revision, p.pack"
	" FROM _complete AS c LEFT JOIN device_revision AS r ON r.mac = ?"
	" LEFT JOIN device_pack AS p ON p.mac = r.mac"
	" LEFT JOIN layer_revision AS t ON t.layer = p.tenant LEFT JOIN layer_revision AS s ON s.layer = p.site LEFT JOIN layer_revision AS f ON f.layer = p.profile";
enum { PACKED_COMPLETE, PACKED_NOW, PACKED_PROVIDER, PACKED_DEVICE, PACKED_TENANT, PACKED_SITE, PACKED_PROFILE, PACKED_REVISION, PACKED_PACK };

void loading_prepare(struct store *store, struct db *db)
{
	store->packed = db_prepare(db, packed_sql);
	store->all = db_prepare(db, all_sql);
}

static void take_revisions(struct device *device, const char *revisions)
{
	memcpy(device->inputs, revisions, DEVICE_REVISIONS);
}

/* What stands in the device's row for the moment only, and in no pack. */
static enum error_code take_moment(struct loading *loading, const struct pack_row *row, struct error *error)
{
	struct text revisions = row->columns[COLUMN_F];
	uint32_t flags = row_number(row);
	if ((flags & 255) != FLAG_COMPLETE)
		return error_set(error, ERROR_DATABASE_GONE, "the database is being restored: the view _complete is not back yet");
	loading->tenant_enabled = flags & FLAG_TENANT_ENABLED;
	loading->tenant_plain_http = flags & FLAG_TENANT_PLAIN_HTTP;
	if (!row->columns[COLUMN_A].text)
		return ERROR_NONE;
	if (revisions.length <= DEVICE_REVISIONS)
		return error_set(error, ERROR_DATABASE, "device %s has no whole set of revisions; `dialtone db check` tells which are missing", loading->mac->digits);
	take_revisions(loading->device, revisions.text);
	loading->now = loading_integer(revisions.text + DEVICE_REVISIONS, revisions.length - DEVICE_REVISIONS);
	return ERROR_NONE;
}

/* ---- from the tables themselves ---- */

static void row_of(const struct db_statement *rows, struct pack_row *row_r)
{
	row_r->number = db_column_int(rows, 0);
	for (unsigned i = 0; i < PACK_COLUMNS; i++) {
		struct db_column column = db_column(rows, 1 + i);
		row_r->columns[i] = (struct text){.text = column.text, .length = (uint32_t)column.length};
	}
}

static enum error_code take_table_row(struct loading *loading, struct pack_row *row, struct error *error)
{
	enum kind kind = (enum kind)(row->number >> 32);
	enum error_code code = kind == ROW_DEVICE ? take_moment(loading, row, error) : ERROR_NONE;
	if (kind == ROW_DEVICE)
		row->columns[COLUMN_F] = (struct text){0};
	loading_secret(loading, kind, row);
	if (!code && kind <= ROW_DEVICE_POLICY && loading->store->sealer)
		pack_add(&loading->pack, row);
	return code ? code : loading_take(loading, row, error);
}

/* Read everything from its own tables, from scratch. *lost_r: the connection went away under the rows. */
static enum error_code load_once(struct loading *loading, const struct mac *mac, bool *lost_r, struct error *error)
{
	struct db_statement *statement = loading->store->all;
	*lost_r = false;
	loading_init(loading, loading->store, mac, loading->arena, loading->device);
	for (unsigned i = 0; i < ALL_PARAMETERS; i++)
		db_bind_text(statement, i, mac->digits, MAC_DIGITS);
	enum error_code code = db_execute(statement, true, error);
	if (code)
		return code;
	bool any = false;
	int more;
	while ((more = db_next(statement, error)) > 0) {
		struct pack_row row;
		any = true;
		row_of(statement, &row);
		code = take_table_row(loading, &row, error);
		if (code)
			break;
	}
	db_done(statement);
	db_wipe(statement);
	if (more < 0) {
		*lost_r = true;
		return ERROR_DATABASE_GONE;
	}
	if (!code && !any)
		return error_set(error, ERROR_DATABASE_GONE, "the database is being restored: it has no provider revision yet");
	return code;
}

/* A read may be repeated: once, from its first row. */
enum error_code loading_tables(struct loading *loading, const struct mac *mac, struct error *error)
{
	bool lost;
	enum error_code code = load_once(loading, mac, &lost, error);
	return lost ? load_once(loading, mac, &lost, error) : code;
}

/* ---- from the pack ---- */

/* Take the rows of an opened pack. False where they are not well formed. */
static bool take_pack(struct loading *loading, struct text opened)
{
	struct pack_row row;
	size_t at = 0;
	bool good;
	loading->lasting = true;
	while (pack_next(opened, &at, &row, &good))
		if (loading_take(loading, &row, NULL) != ERROR_NONE)
			return false;
	return good && loading->device->found;
}

static bool is_revision(struct db_column column)
{
	return column.text && column.length == REVISION_SIZE;
}

/* The revisions of the moment, in the order of DEVICE_REVISIONS; zeros where there is no site or profile. */
static void take_packed_revisions(struct device *device, const struct db_statement *row)
{
	static const unsigned columns[] = {PACKED_DEVICE, PACKED_TENANT, PACKED_SITE, PACKED_PROFILE, PACKED_PROVIDER};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		struct db_column revision = db_column(row, columns[i]);
		if (is_revision(revision))
			memcpy(device->inputs + i * REVISION_SIZE, revision.text, REVISION_SIZE);
	}
}

/* The pack of the row, opened; text NULL where there is none, or none of this revision. */
static struct text open_packed(struct loading *loading, const struct mac *mac, const struct db_statement *row)
{
	struct db_column current = db_column(row, PACKED_DEVICE), made_at = db_column(row, PACKED_REVISION), pack = db_column(row, PACKED_PACK);
	if (!is_revision(current) || !is_revision(made_at) || !pack.text || memcmp(current.text, made_at.text, REVISION_SIZE) != 0)
		return (struct text){0};
	return pack_open(loading->store->sealer, loading->arena, mac, (const unsigned char *)current.text, pack.text, pack.length);
}

enum error_code loading_packed(struct loading *loading, const struct mac *mac, bool *whole_r, struct error *error)
{
	struct db_statement *statement = loading->store->packed;
	*whole_r = false;
	loading_init(loading, loading->store, mac, loading->arena, loading->device);
	db_bind_text(statement, 0, mac->digits, MAC_DIGITS);
	enum error_code code = db_execute(statement, true, error);
	if (code)
		return code;
	if (db_next(statement, error) > 0) {
		loading->now = db_column_int(statement, PACKED_NOW);
		struct text opened = {0};
		if (db_column_int(statement, PACKED_COMPLETE) != FLAG_COMPLETE)
			code = error_set(error, ERROR_DATABASE_GONE, "the database is being restored: the view _complete is not back yet");
		else if (!db_column(statement, PACKED_DEVICE).text)
			*whole_r = true;
		else
			opened = open_packed(loading, mac, statement);
		if (opened.text) {
			take_packed_revisions(loading->device, statement);
			*whole_r = take_pack(loading, opened);
		}
	}
	db_done(statement);
	/* Without a row, or with the connection lost under it, the tables are asked: that tells what is the matter. */
	return code;
}
