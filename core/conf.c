#include "conf.h"

#include "ini.h"
#include "number.h"
#include "suggest.h"
#include "xalloc.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum type { TYPE_TEXT, TYPE_NUMBER, TYPE_BOOL };

struct option {
	const char *section, *key;
	enum type type;
	size_t offset;
	const char *fallback;
	long long min, max;
	const char *(*check)(const char *value); /* text: NULL, or what would be right */
	bool secret;
	const char *description;
};

/* ---------------------------------------------------------------- checks */

/* Each returns NULL if the value is good, otherwise what is wanted. */

static const char *not_empty(const char *value)
{
	return *value ? NULL : "something: it may not be empty";
}

static bool is_port(const char *text)
{
	long long port;
	return number_parse(text, 1, 65535, &port);
}

/* host, host:port, [v6]:port or unix:/path */
static bool is_endpoint(const char *text, bool port_required)
{
	if (strncmp(text, "unix:", 5) == 0)
		return text[5] == '/' && strlen(text + 5) < 108; /* sun_path */
	if (*text == '[') {
		const char *close = strchr(text, ']');
		return close && close > text + 1 && (close[1] == ':' ? is_port(close + 2) : !close[1] && !port_required);
	}
	const char *colon = strrchr(text, ':');
	if (!*text || colon == text || text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:")])
		return false;
	if (!colon)
		return !port_required;
	return strchr(text, ':') == colon && is_port(colon + 1);
}

/* Every blank-separated word passes `good`; there are at least `min`. */
static bool all_words(const char *value, size_t min, bool (*good)(const char *word))
{
	char *copy = xstrdup(value), *rest = NULL;
	size_t count = 0;
	bool all = true;
	for (char *word = strtok_r(copy, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest), count++)
		all = all && good(word);
	free(copy);
	return all && count >= min;
}

static bool is_database_host(const char *word)
{
	return is_endpoint(word, false);
}

static const char *database_hosts(const char *value)
{
	return all_words(value, 1, is_database_host) ? NULL : "a list of host, host:port, [v6]:port or unix:/path";
}

static const char *socket_address(const char *value)
{
	return is_endpoint(value, true) ? NULL : "unix:/path, host:port or [v6]:port";
}

static const char *file_mode(const char *value)
{
	size_t length = strlen(value);
	return length >= 3 && length <= 4 && !value[strspn(value, "01234567")] && (length == 3 || *value == '0') ? NULL : "an octal mode such as 0660";
}

/* 192.0.2.0/24, 2001:db8::/32; a lone address counts as itself. */
static bool is_network(const char *word)
{
	char address[INET6_ADDRSTRLEN + 1];
	unsigned char bytes[sizeof(struct in6_addr)];
	long long bits;
	size_t length = strcspn(word, "/");
	if (length >= sizeof address)
		return false;
	memcpy(address, word, length);
	address[length] = 0;
	bool four = inet_pton(AF_INET, address, bytes) == 1;
	if (!four && inet_pton(AF_INET6, address, bytes) != 1)
		return false;
	return !word[length] || number_parse(word + length + 1, 0, four ? 32 : 128, &bits);
}

static const char *networks(const char *value)
{
	return all_words(value, 0, is_network) ? NULL : "a list of networks such as 192.0.2.0/24 or 2001:db8::1";
}

static const char *plain_http(const char *value)
{
	return strcmp(value, "refuse") == 0 || strcmp(value, "by-tenant") == 0 ? NULL : "refuse or by-tenant";
}

static const char *log_target(const char *value)
{
	return strcmp(value, "stderr") == 0 || strcmp(value, "syslog") == 0 || *value == '/' ? NULL : "stderr, syslog or a file's path from /";
}

static const char *log_level(const char *value)
{
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (strcmp(value, levels[i]) == 0)
			return NULL;
	return "error, warning, info or debug";
}

static const char *realm(const char *value)
{
	/* It is quoted in WWW-Authenticate (RFC 9110, 5.6.4). */
	for (const char *c = value; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			return "printable ASCII without \" and \\";
	return not_empty(value);
}

static bool is_challenge(const char *word)
{
	return strcmp(word, "digest-sha-256") == 0 || strcmp(word, "digest-md5") == 0 || strcmp(word, "basic") == 0;
}

static const char *challenges(const char *value)
{
	return all_words(value, 1, is_challenge) ? NULL : "one or more of digest-sha-256, digest-md5, basic";
}

/* A FastCGI parameter of our own: not one that a client's header could become, nor one that a proxy fills by itself. */
static const char *parameter_or_empty(const char *value)
{
	static const char *const taken[] = {"REMOTE_USER", "AUTH_TYPE", "REMOTE_ADDR", "REQUEST_URI", "REQUEST_METHOD", "HTTPS", "CONTENT_LENGTH"};
	bool good = strlen(value) <= 64 && !value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] && strncmp(value, "HTTP_", 5) != 0;
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		good = good && strcmp(value, taken[i]) != 0;
	return good ? NULL : "the name of a parameter of your own, such as DIALTONE_CERT_SUBJECT (A-Z, 0-9, _; not HTTP_…, not REMOTE_USER)";
}

static const char *path_or_empty(const char *value)
{
	return !*value || *value == '/' ? NULL : "a path from /, or empty";
}

/* A path that is a word in HAProxy's configuration and of its runtime API as it is. */
static const char *bare_path_or_empty(const char *value)
{
	return !*value || (*value == '/' && !strpbrk(value, " \t\"'\\;<#$")) ? NULL : "a path from / without blanks, quotes, \\ ; < # and $, or empty";
}

/* A path, a credential's name (systemd.exec(5): no `/`), or nothing. */
static const char *key_file(const char *value)
{
	static const char prefix[] = "credential:";
	const char *name = strncmp(value, prefix, sizeof prefix - 1) == 0 ? value + sizeof prefix - 1 : NULL;
	bool good = name ? *name && *name != '.' && !strchr(name, '/') : !*value || *value == '/';
	return good ? NULL : "a path from /, credential:NAME, or empty";
}

static const char *path(const char *value)
{
	return *value == '/' ? NULL : "a path from /";
}

/* ---------------------------------------------------------------- the table */

/* _Generic compares the table's type with the field's: a wrong pair does not compile. */
#define FIELD(section, key, type) _Generic(((struct conf *)0)->section.key, type: offsetof(struct conf, section.key))
#define TEXT(section, key, fallback, check, description) \
	{#section, #key, TYPE_TEXT, FIELD(section, key, char *), fallback, 0, 0, check, false, description}
#define NUMBER(section, key, fallback, min, max, description) \
	{#section, #key, TYPE_NUMBER, FIELD(section, key, long long), fallback, min, max, NULL, false, description}
#define BOOL(section, key, fallback, description) \
	{#section, #key, TYPE_BOOL, FIELD(section, key, bool), fallback, 0, 0, NULL, false, description}

static const struct option options[] = {
	TEXT(database, hosts, "unix:/run/mysqld/mysqld.sock", database_hosts, "database servers, tried in an order of the worker's own"),
	TEXT(database, name, "dialtone", not_empty, "schema"),
	TEXT(database, user, "dialtone_worker", not_empty, "account of the workers"),
	TEXT(database, password_file, "", path_or_empty, "file that holds the worker account's password"),
	TEXT(database, journal_user, "dialtone_journal", not_empty, "account of the journal process"),
	TEXT(database, journal_password_file, "", path_or_empty, "file that holds the journal account's password"),
	TEXT(database, tls_ca, "", path_or_empty, "certificates by which the server's is verified"),
	NUMBER(database, connect_timeout, "2", 1, 60, "seconds to wait for a connection"),
	NUMBER(database, read_timeout, "3", 1, 60, "seconds to wait for an answer"),
	TEXT(templates, directory, PKGDATADIR "/templates", path, "folder of the dictionary and the vendors"),
	TEXT(keys, file, "", key_file, "key ring"),
	TEXT(pool, socket, "unix:/run/dialtone/fcgi.sock", socket_address, "where the proxy connects"),
	TEXT(pool, mode, "0660", file_mode, "mode of a unix socket"),
	TEXT(pool, group, "", NULL, "group of a unix socket"),
	TEXT(pool, user, "", NULL, "user that the master turns into"),
	NUMBER(pool, workers, "4", 1, 512, "worker processes"),
	NUMBER(pool, max_requests, "100000", 0, 1000000000, "requests after which a worker retires"),
	NUMBER(pool, request_timeout, "8", 1, 60, "seconds after which an overstaying worker is killed"),
	NUMBER(pool, stop_timeout, "10", 1, 3600, "seconds to finish requests when stopping"),
	NUMBER(pool, cache_bytes, "16777216", 65536, 1073741824, "bytes of shared layers that a worker keeps"),
	TEXT(health, socket, "unix:/run/dialtone/health.sock", socket_address, "where /healthz, /readyz and /metrics are answered"),
	TEXT(http, realm, "dialtone", realm, "realm of the challenges"),
	TEXT(http, challenges, "digest-sha-256 digest-md5 basic", challenges, "ways of credentials that are offered, in this order"),
	NUMBER(http, nonce_lifetime, "300", 10, 86400, "seconds for which a nonce of Digest may be used"),
	TEXT(http, trusted_hops, "", networks, "networks whose X-Forwarded-For is believed"),
	TEXT(http, plain_http, "refuse", plain_http, "what to do with requests that came without TLS"),
	NUMBER(http, retry_min, "5", 1, 86400, "least Retry-After of a 503, in seconds"),
	NUMBER(http, retry_max, "60", 1, 86400, "greatest Retry-After of a 503, in seconds"),
	BOOL(identity, passwords, "true", "take passwords brought in from an older system (device_password)"),
	BOOL(identity, enrolment, "false", "let requests without credentials ask for an enrolment window (enrolment)"),
	BOOL(identity, networks, "false", "let requests without credentials be judged by their address (tenant_network)"),
	TEXT(identity, certificate_verify, "", parameter_or_empty, "parameter with SUCCESS where the proxy verified the client's certificate"),
	TEXT(identity, certificate_subject, "", parameter_or_empty, "parameter with its subject (RFC 4514)"),
	TEXT(identity, certificate_issuer, "", parameter_or_empty, "parameter with its issuer (RFC 4514)"),
	TEXT(identity, certificate_sha256, "", parameter_or_empty, "parameter with the SHA-256 of its DER in hex"),
	TEXT(identity, certificate_pem, "", parameter_or_empty, "parameter with its PEM, percent-encoded, where the proxy cannot hash it"),
	TEXT(identity, device, "", parameter_or_empty, "parameter with the MAC whose token the proxy has checked itself"),
	TEXT(identity, authorize, "", parameter_or_empty, "parameter that asks only whether the credentials are good"),
	TEXT(identity, proxy_key, "", parameter_or_empty, "parameter by which the proxy proves itself"),
	TEXT(identity, proxy_key_file, "", path_or_empty, "file that holds the proxy's key"),
	NUMBER(journal, spool_bytes, "33554432", 65536, 1073741824, "bytes of records kept while the database is away"),
	NUMBER(journal, batch, "200", 1, 1000, "records a statement"),
	NUMBER(journal, flush_interval, "200", 10, 10000, "milliseconds after which an unfilled batch is written"),
	NUMBER(journal, retention_days, "90", 1, 3650, "days that records are kept"),
	BOOL(journal, syslog, "true", "also one line to syslog for each record"),
	NUMBER(audit, retention_days, "365", 30, 3650, "days that the trail of changes is kept"),
	TEXT(courier, user, "dialtone_courier", not_empty, "account of dialtone-courier"),
	TEXT(courier, password_file, "", path_or_empty, "file that holds the courier account's password"),
	NUMBER(courier, interval, "1000", 50, 60000, "milliseconds between two looks at the outbox"),
	NUMBER(courier, batch, "100", 1, 1000, "rows of the outbox taken at a time"),
	NUMBER(courier, lease, "10", 1, 3600, "seconds after which another courier may take a row that was not delivered"),
	NUMBER(courier, sip_overlap, "604800", 0, 31536000, "seconds that a registrar takes the old SIP password too, when one is rotated"),
	TEXT(courier, haproxy_map, "", bare_path_or_empty, "file of the map of good credentials for HAProxy"),
	TEXT(courier, haproxy_socket, "", path_or_empty, "HAProxy's admin socket, to keep the running one's map too"),
	TEXT(log, target, "stderr", log_target, "where the log goes"),
	TEXT(log, level, "info", log_level, "least important messages that are logged"),
};

#define OPTION_COUNT (sizeof options / sizeof *options)

/* ---------------------------------------------------------------- reading */

static void *field(const struct conf *conf, const struct option *option)
{
	return (char *)(uintptr_t)conf + option->offset;
}

/* Where a value comes from: a line of the file, or the table. */
struct source {
	const struct ini *ini;
	struct error *error;
};

#define fault(source, option, code, ...) ini_error((source)->ini, (option)->section, (option)->key, code, (source)->error, __VA_ARGS__)

static enum error_code set_text(struct conf *conf, const struct option *option, const char *value, const struct source *source)
{
	const char *wanted = option->check ? option->check(value) : NULL;
	if (wanted)
		return fault(source, option, ERROR_SYNTAX, "%s.%s = %s: must be %s", option->section, option->key,
			option->secret ? "(secret)" : value, wanted);
	char **text = field(conf, option);
	free(*text);
	*text = xstrdup(value);
	return ERROR_NONE;
}

static enum error_code set_number(struct conf *conf, const struct option *option, const char *value, const struct source *source)
{
	if (!number_parse(value, option->min, option->max, field(conf, option)))
		return fault(source, option, ERROR_RANGE, "%s.%s = %s: must be a number within %lld to %lld", option->section, option->key, value,
			option->min, option->max);
	return ERROR_NONE;
}

static enum error_code set_bool(struct conf *conf, const struct option *option, const char *value, const struct source *source)
{
	bool yes = strcmp(value, "true") == 0;
	if (!yes && strcmp(value, "false") != 0)
		return fault(source, option, ERROR_SYNTAX, "%s.%s = %s: must be true or false", option->section, option->key, value);
	*(bool *)field(conf, option) = yes;
	return ERROR_NONE;
}

static enum error_code set(struct conf *conf, const struct option *option, const char *value, const struct source *source)
{
	switch (option->type) {
	case TYPE_NUMBER:
		return set_number(conf, option, value, source);
	case TYPE_BOOL:
		return set_bool(conf, option, value, source);
	default:
		return set_text(conf, option, value, source);
	}
}

static const struct option *find_option(const char *section, const char *key)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strcmp(options[i].section, section) == 0 && (!key || strcmp(options[i].key, key) == 0))
			return &options[i];
	return NULL;
}

static enum error_code unknown_option(const char *section, const char *key, const struct source *source)
{
	char *name = xasprintf("%s.%s", section, key), *near = NULL;
	struct suggest suggest;
	suggest_init(&suggest, name);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char *candidate = xasprintf("%s.%s", options[i].section, options[i].key);
		const char *before = suggest.best;
		suggest_try(&suggest, candidate);
		if (suggest.best != before) {
			free(near);
			near = candidate;
		} else {
			free(candidate);
		}
	}
	if (near)
		ini_error(source->ini, section, key, ERROR_UNKNOWN, source->error, "unknown option `%s`; did you mean `%s`?", name, near);
	else
		ini_error(source->ini, section, key, ERROR_UNKNOWN, source->error, "unknown option `%s`; dialtone.conf(5) lists all", name);
	free(near);
	free(name);
	return ERROR_UNKNOWN;
}

static enum error_code unknown_section(const char *section, const struct source *source)
{
	struct suggest suggest;
	suggest_init(&suggest, section);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		suggest_try(&suggest, options[i].section);
	if (suggest.best)
		return ini_error(source->ini, section, NULL, ERROR_UNKNOWN, source->error, "unknown section [%s]; did you mean [%s]?", section,
			suggest.best);
	return ini_error(source->ini, section, NULL, ERROR_UNKNOWN, source->error, "unknown section [%s]; dialtone.conf(5) lists all", section);
}

static enum error_code read_section(struct conf *conf, const char *section, const struct source *source)
{
	size_t count = ini_key_count(source->ini, section);
	if (!count && !find_option(section, NULL))
		return unknown_section(section, source);
	for (size_t i = 0; i < count; i++) {
		const char *key = ini_key(source->ini, section, i);
		const struct option *option = find_option(section, key);
		if (!option)
			return unknown_option(section, key, source);
		enum error_code code = set(conf, option, ini_get(source->ini, section, key), source);
		if (code)
			return code;
	}
	return ERROR_NONE;
}

static enum error_code read_all(struct conf *conf, const struct source *source)
{
	enum error_code code = ERROR_NONE;
	for (size_t i = 0; i < OPTION_COUNT && !code; i++)
		code = set(conf, &options[i], options[i].fallback, source);
	for (size_t i = 0; i < ini_section_count(source->ini) && !code; i++)
		code = read_section(conf, ini_section(source->ini, i), source);
	if (!code && conf->http.retry_min > conf->http.retry_max)
		code = fault(source, find_option("http", ini_line(source->ini, "http", "retry_min") ? "retry_min" : "retry_max"), ERROR_RANGE,
			"http.retry_min = %lld is above http.retry_max = %lld", conf->http.retry_min, conf->http.retry_max);
	if (!code && *conf->courier.haproxy_socket && !*conf->courier.haproxy_map)
		code = fault(source, find_option("courier", "haproxy_socket"), ERROR_MISSING, "courier.haproxy_socket without courier.haproxy_map: a map is named by its file");
	return code;
}

struct conf *conf_load(const char *file, struct error *error)
{
	struct ini *ini = ini_open(file, error);
	if (!ini)
		return NULL;
	struct conf *conf = xcalloc(1, sizeof *conf);
	struct source source = {.ini = ini, .error = error};
	if (read_all(conf, &source))
		conf_free(&conf);
	ini_close(&ini);
	return conf;
}

void conf_free(struct conf **conf)
{
	if (!*conf)
		return;
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (options[i].type == TYPE_TEXT)
			free(*(char **)field(*conf, &options[i]));
	free(*conf);
	*conf = NULL;
}

/* ---------------------------------------------------------------- printing */

/* The value as text; number needs room. */
static const char *text_of(const struct conf *conf, const struct option *option, char number[32])
{
	if (option->type == TYPE_BOOL)
		return *(bool *)field(conf, option) ? "true" : "false";
	if (option->type == TYPE_TEXT)
		return *(char **)field(conf, option);
	snprintf(number, 32, "%lld", *(long long *)field(conf, option));
	return number;
}

/* In quotes where iniparser would otherwise see a comment, cut blanks or take quotes for its own. It knows no escapes: what needs quotes and
 * holds one kind of them was written in the other. */
static void print_value(const char *value, FILE *out)
{
	size_t length = strlen(value);
	bool plain = length && !strchr(" \t\"'", value[0]) && !strchr(" \t\\", value[length - 1]) && !value[strcspn(value, ";#")];
	const char *quote = plain ? "" : strchr(value, '"') ? "'" : "\"";
	fprintf(out, "%s%s%s", quote, value, quote);
}

void conf_print(const struct conf *conf, bool changed_only, FILE *out)
{
	const char *section = NULL;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &options[i];
		char number[32];
		const char *value = text_of(conf, option, number);
		if (changed_only && strcmp(value, option->fallback) == 0)
			continue;
		if (!section || strcmp(section, option->section) != 0) {
			fprintf(out, "%s[%s]\n", section ? "\n" : "", option->section);
			section = option->section;
		}
		fprintf(out, "%s = ", option->key);
		print_value(option->secret && *value ? "(secret)" : value, out);
		fputc('\n', out);
	}
}

bool conf_option(size_t index, struct conf_option_view *option_r)
{
	if (index >= OPTION_COUNT)
		return false;
	*option_r = (struct conf_option_view){.section = options[index].section, .key = options[index].key,
		.fallback = options[index].fallback, .description = options[index].description};
	return true;
}
