/* haproxy_map_job.c - which credentials are good, as a map for HAProxy: SHA-256 of "mac:token" in upper-case hex, and the MAC; of enabled devices of enabled tenants, their generations
 * that count, under every key of the ring. Where HAProxy knows a credential it says so to the application (DIALTONE_DEVICE); what it does not know is judged as ever. So an entry that is
 * missing costs nothing but that; an entry too many would let somebody in, which is why the file and the running HAProxy are both made new as a whole, within seconds.
 *
 * The look each time is the server's own word when it last changed one of the two tables. It is to the second, so a change close to our reading is read again; and it is forgotten by a
 * server that restarts, so without it everything is read once a minute. What was read is compared with what is known: HAProxy hears only of what differs. */
#include "courier.h"

#include "clock.h"
#include "haproxy_map.h"
#include "log.h"
#include "wipe.h"
#include "xalloc.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define AT_LEAST_EVERY (60 * CLOCK_SECOND)
#define PAGE 5000                       /* devices a call: other jobs are between two */
#define SHARE 3                         /* at most a third of the time goes into this … */
#define REST_MAX (15 * CLOCK_SECOND)    /* … but a token that was taken back is not to wait for longer */
#define LINES_MAX (1024u * 1024 * 1024)
#define AWAY_MIN CLOCK_SECOND
#define AWAY_MAX (5 * CLOCK_SECOND)
#define HASH 32
#define TIME_TEXT 32

static const char look_sql[] = "SELECT c.complete, NOW() - INTERVAL 2 SECOND,"
	" (SELECT t.UPDATE_TIME FROM information_schema.TABLES AS t WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = 'device'),"
	" (SELECT t.UPDATE_TIME FROM information_schema.TABLES AS t WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = 'tenant') FROM _complete AS c";
/* In the order of the key, one page after the other. */
static const char page_sql[] = "SELECT d.mac, d.generation, IF(d.previous_until > NOW(), d.previous_generation, NULL), TIMESTAMPDIFF(SECOND, NOW(), d.previous_until)"
	" FROM device AS d STRAIGHT_JOIN tenant AS t ON t.tenant_id = d.tenant_id WHERE t.enabled = 1 AND d.enabled = 1 AND d.mac > ? ORDER BY d.mac LIMIT ?";
enum { LOOK_COMPLETE, LOOK_RECENT, LOOK_DEVICE, LOOK_TENANT };

struct haproxy_map {
	EVP_MD_CTX *context;
	EVP_MD *sha256;
	/* The tables when we last began to read: their times, and the server's. */
	char recent[TIME_TEXT], device[TIME_TEXT], tenant[TIME_TEXT];
	int64_t due, expires;           /* read again at this time; a previous generation ends then */
	int64_t rest_until, began;
	/* A reading under way. */
	bool reading;
	struct buf fresh;
	char after[MAC_DIGITS + 1];
	int64_t fresh_expires;
	/* What is known to be right. */
	bool complete;
	struct buf lines;
	struct stat written;
	bool is_written;
	struct haproxy_map_state running;
	bool is_running;
	int64_t away_until, away;       /* HAProxy does not answer */
	char why[ERROR_MESSAGE_SIZE];
};

static struct haproxy_map *map_new(void)
{
	struct haproxy_map *map = xcalloc(1, sizeof *map);
	map->context = EVP_MD_CTX_new();
	map->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!map->context || !map->sha256)
		abort(); /* an OpenSSL without it cannot run any of this */
	buf_init(&map->fresh, LINES_MAX);
	buf_init(&map->lines, LINES_MAX);
	return map;
}

void haproxy_map_free(struct haproxy_map **map)
{
	if (!*map)
		return;
	EVP_MD_CTX_free((*map)->context);
	EVP_MD_free((*map)->sha256);
	buf_deinit(&(*map)->fresh);
	buf_deinit(&(*map)->lines);
	free(*map);
	*map = NULL;
}

/* ---------------------------------------------------------------- is there anything new */

static void take_time(const struct db_statement *row, unsigned index, char time_r[TIME_TEXT])
{
	struct db_column column = db_column(row, index);
	size_t length = column.text && column.length < TIME_TEXT ? column.length : 0;
	memcpy(time_r, length ? column.text : "", length);
	time_r[length] = 0;
}

static bool moved(const struct haproxy_map *map, const char *before, const char *now)
{
	return strcmp(before, now) != 0 || (*now && strcmp(now, map->recent) >= 0);
}

static enum error_code look(struct courier *courier, struct haproxy_map *map, bool *new_r, struct error *error)
{
	char recent[TIME_TEXT], device[TIME_TEXT], tenant[TIME_TEXT];
	struct db_statement *statement = courier_statement(courier, look_sql);
	*new_r = false;
	enum error_code code = courier_execute(courier, statement, error);
	int more = code ? 0 : db_next(statement, error);
	if (!code && (more <= 0 || db_column_int(statement, LOOK_COMPLETE) != 2))
		code = more < 0 ? error->code : error_set(error, ERROR_DATABASE_GONE, "the database is being restored");
	if (!code) {
		take_time(statement, LOOK_RECENT, recent);
		take_time(statement, LOOK_DEVICE, device);
		take_time(statement, LOOK_TENANT, tenant);
	}
	db_done(statement);
	if (code)
		return code;
	int64_t now = clock_monotonic();
	*new_r = !map->complete || now >= map->due || now >= map->expires || moved(map, map->device, device) || moved(map, map->tenant, tenant);
	if (*new_r) {
		memcpy(map->recent, recent, sizeof recent);
		memcpy(map->device, device, sizeof device);
		memcpy(map->tenant, tenant, sizeof tenant);
	}
	return ERROR_NONE;
}

/* ---------------------------------------------------------------- reading */

static void add_entry(struct courier *courier, struct haproxy_map *map, unsigned key, const struct mac *mac, const char *generation)
{
	static const char digits[] = "0123456789ABCDEF";
	char credential[MAC_DIGITS + 1 + TOKEN_LENGTH + 1], hex[2 * HASH];
	unsigned char hash[HASH];
	memcpy(credential, mac->digits, MAC_DIGITS);
	credential[MAC_DIGITS] = ':';
	token_make_by(courier->tokens, key, mac, generation, credential + MAC_DIGITS + 1);
	if (EVP_DigestInit_ex2(map->context, map->sha256, NULL) != 1 || EVP_DigestUpdate(map->context, credential, sizeof credential - 1) != 1 ||
	    EVP_DigestFinal_ex(map->context, hash, NULL) != 1)
		abort();
	wipe(credential, sizeof credential);
	for (size_t i = 0; i < HASH; i++) {
		hex[2 * i] = digits[hash[i] >> 4];
		hex[2 * i + 1] = digits[hash[i] & 15];
	}
	buf_add(&map->fresh, hex, sizeof hex);
	buf_add_char(&map->fresh, ' ');
	buf_add(&map->fresh, mac->digits, MAC_DIGITS);
	buf_add_char(&map->fresh, '\n');
}

static void add_generation(struct courier *courier, struct haproxy_map *map, const struct mac *mac, struct db_column column)
{
	if (!column.text || column.length != TOKEN_GENERATION)
		return;
	for (unsigned key = 0; key < token_keys(courier->tokens); key++)
		add_entry(courier, map, key, mac, column.text);
}

static void add_device(struct courier *courier, struct haproxy_map *map, const struct db_statement *row)
{
	struct db_column text = db_column(row, 0);
	struct mac mac;
	if (text.length == MAC_DIGITS)
		memcpy(map->after, text.text, MAC_DIGITS + 1);
	if (!mac_parse(text.text, text.length, &mac))
		return;
	add_generation(courier, map, &mac, db_column(row, 1));
	if (!db_column(row, 2).text)
		return;
	add_generation(courier, map, &mac, db_column(row, 2));
	/* The clock of the server has seconds: one more, and it is over. */
	int64_t ends = clock_monotonic() + (db_column_int(row, 3) + 1) * CLOCK_SECOND;
	if (ends < map->fresh_expires)
		map->fresh_expires = ends;
}

static void begin_reading(struct haproxy_map *map)
{
	buf_clear(&map->fresh);
	map->after[0] = 0;
	map->fresh_expires = INT64_MAX;
	map->began = clock_monotonic();
	map->due = 0; /* a reading that fails is begun again */
	map->reading = true;
}

static void end_reading(struct haproxy_map *map)
{
	log_debug("haproxy_map: read in %lld ms", (long long)((clock_monotonic() - map->began) / CLOCK_MILLISECOND));
	bool same = map->complete && map->fresh.size == map->lines.size && (!map->fresh.size || !memcmp(map->fresh.data, map->lines.data, map->fresh.size));
	map->reading = false;
	map->expires = map->fresh_expires;
	map->due = clock_monotonic() + AT_LEAST_EVERY;
	if (same)
		return;
	struct buf known = map->lines;
	map->lines = map->fresh;
	map->fresh = known;
	map->complete = true;
	map->is_written = map->is_running = false;
	map->away_until = 0;
}

static enum error_code read_page(struct courier *courier, struct haproxy_map *map, struct error *error)
{
	struct db_statement *statement = courier_statement(courier, page_sql);
	unsigned count = 0;
	courier_bind(statement, 0, map->after);
	db_bind_int(statement, 1, PAGE);
	enum error_code code = courier_execute(courier, statement, error);
	int more = 0;
	for (; !code && (more = db_next(statement, error)) > 0; count++)
		add_device(courier, map, statement);
	db_done(statement);
	if (!code && more < 0)
		code = ERROR_DATABASE_GONE;
	if (!code && map->fresh.overflow)
		code = error_set(error, ERROR_RANGE, "courier.haproxy_map: more than %u bytes of entries", LINES_MAX);
	if (code)
		map->reading = false;
	else if (count < PAGE)
		end_reading(map);
	return code;
}

/* ---------------------------------------------------------------- making it known */

static size_t entries(const struct haproxy_map *map)
{
	return map->lines.size / (2 * HASH + 1 + MAC_DIGITS + 1);
}

static enum error_code keep_file(const struct conf *conf, struct haproxy_map *map, struct error *error)
{
	const char *path = conf->courier.haproxy_map;
	if (map->is_written && haproxy_map_is(path, &map->written))
		return ERROR_NONE;
	enum error_code code = haproxy_map_write(path, conf->courier.haproxy_socket, &map->lines, &map->written, error);
	map->is_written = !code;
	if (!code)
		log_info("%s: %zu credentials", path, entries(map));
	return code;
}

/* The running HAProxy: has it what we gave it? One that was reloaded or restarted has the file, which may have been read before the last change. */
static enum error_code keep_running(const struct conf *conf, struct haproxy_map *map, struct error *error)
{
	const char *socket = conf->courier.haproxy_socket, *path = conf->courier.haproxy_map;
	struct haproxy_map_state now;
	enum error_code code = haproxy_map_look(socket, path, &now, error);
	if (code)
		return code;
	/* A later version with as many entries: another courier's, who reads what we read. */
	if (map->is_running && now.version >= map->running.version && now.entries == map->running.entries)
		return ERROR_NONE;
	int64_t began = clock_monotonic();
	map->is_running = false;
	code = haproxy_map_replace(socket, path, &map->lines, &map->running, error);
	if (code)
		return code;
	map->is_running = true;
	log_info("HAProxy has %lld credentials, version %lld, told in %lld ms", map->running.entries, map->running.version, (long long)((clock_monotonic() - began) / CLOCK_MILLISECOND));
	return ERROR_NONE;
}

/* A HAProxy that is away is no reason to leave the file as it is, so it is waited for here. */
static void wait_for_haproxy(struct courier *courier, struct haproxy_map *map)
{
	struct error error;
	if (!*courier->conf->courier.haproxy_socket || clock_monotonic() < map->away_until)
		return;
	if (!keep_running(courier->conf, map, &error)) {
		if (map->away)
			log_info("HAProxy answers again");
		map->away = map->away_until = 0;
		return;
	}
	if (!map->away || strcmp(map->why, error.message) != 0)
		log_warning("%s; tried again", error.message);
	memcpy(map->why, error.message, sizeof map->why);
	courier->failures++;
	map->is_running = false;
	map->away = map->away ? map->away * 2 : AWAY_MIN;
	if (map->away > AWAY_MAX)
		map->away = AWAY_MAX;
	map->away_until = clock_monotonic() + map->away;
}

enum error_code haproxy_map_run(struct courier *courier, bool *more_r, struct error *error)
{
	*more_r = false;
	if (!*courier->conf->courier.haproxy_map)
		return ERROR_NONE;
	if (!courier->haproxy_map)
		courier->haproxy_map = map_new();
	struct haproxy_map *map = courier->haproxy_map;
	if (!map->reading) {
		bool new = false;
		enum error_code code = clock_monotonic() >= map->rest_until ? look(courier, map, &new, error) : ERROR_NONE;
		if (code)
			return code;
		if (new)
			begin_reading(map);
	}
	if (map->reading) {
		enum error_code code = read_page(courier, map, error);
		if (code || map->reading) {
			*more_r = !code;
			return code;
		}
	}
	if (!map->complete)
		return ERROR_NONE;
	enum error_code code = keep_file(courier->conf, map, error);
	if (code)
		return code;
	wait_for_haproxy(courier, map);
	if (map->began) {
		int64_t rest = (clock_monotonic() - map->began) * (SHARE - 1);
		map->rest_until = clock_monotonic() + (rest < REST_MAX ? rest : REST_MAX);
		map->began = 0;
	}
	return ERROR_NONE;
}
