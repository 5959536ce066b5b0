#include "conf.h"
#include "ini.h"

#include "unit.h"

static struct conf *load(const char *text)
{
	struct error error = {0};
	struct conf *conf = conf_load(unit_write("dialtone.conf", text), &error);
	ck_assert_msg(conf != NULL, "%s", error.message);
	return conf;
}

START_TEST(test_defaults)
{
	struct conf *conf = load("# nothing\n");
	ck_assert_str_eq(conf->database.hosts, "unix:/run/mysqld/mysqld.sock");
	ck_assert_str_eq(conf->database.tls_ca, "");
	ck_assert_int_eq(conf->database.read_timeout, 3);
	ck_assert_str_eq(conf->templates.directory, PKGDATADIR "/templates");
	ck_assert_str_eq(conf->pool.mode, "0660");
	ck_assert_int_eq(conf->pool.cache_bytes, 16 << 20);
	ck_assert_int_eq(conf->journal.spool_bytes, 32 << 20);
	ck_assert(conf->journal.syslog);
	ck_assert_str_eq(conf->log.level, "info");
	conf_free(&conf);
	ck_assert_ptr_null(conf);
	conf_free(&conf);
}
END_TEST

START_TEST(test_values)
{
	struct conf *conf = load(
		"[database]\nhosts = db1 db2:3307 [2001:db8::1]:3306 unix:/run/db.sock\ntls_ca = /etc/ssl/ca.pem\n"
		"[journal]\nsyslog = false\nbatch = 1000\n"
		"[http]\ntrusted_hops = 192.0.2.0/24 2001:db8::1\nplain_http = by-tenant\n"
		"[Pool]\nSOCKET = 127.0.0.1:9000\n");
	ck_assert_str_eq(conf->database.hosts, "db1 db2:3307 [2001:db8::1]:3306 unix:/run/db.sock");
	ck_assert(!conf->journal.syslog);
	ck_assert_int_eq(conf->journal.batch, 1000);
	ck_assert_str_eq(conf->http.trusted_hops, "192.0.2.0/24 2001:db8::1");
	ck_assert_str_eq(conf->pool.socket, "127.0.0.1:9000");
	conf_free(&conf);
}
END_TEST

static const struct { const char *text, *message; } error_rows[] = {
	{"[databse]\nhosts = x\n", "dialtone.conf:2: unknown option `databse.hosts`; did you mean `database.hosts`?"},
	{"[database]\n\nhost = x\n", "dialtone.conf:3: unknown option `database.host`; did you mean `database.hosts`?"},
	{"[database]\nsomething = x\n", "dialtone.conf:2: unknown option `database.something`; dialtone.conf(5) lists all"},
	{"[pol]\n", "dialtone.conf:1: unknown section [pol]; did you mean [pool]?"},
	{"[elsewhere]\n", "dialtone.conf:1: unknown section [elsewhere]; dialtone.conf(5) lists all"},
	{"[pool]\nworkers = many\n", "dialtone.conf:2: pool.workers = many: must be a number within 1 to 512"},
	{"[pool]\nworkers = 513\n", "dialtone.conf:2: pool.workers = 513: must be a number within 1 to 512"},
	{"[pool]\nworkers =\n", "dialtone.conf:2: pool.workers = : must be a number within 1 to 512"},
	{"[pool]\nmode = 660x\n", "dialtone.conf:2: pool.mode = 660x: must be an octal mode such as 0660"},
	{"[pool]\nsocket = /run/x\n", "dialtone.conf:2: pool.socket = /run/x: must be unix:/path, host:port or [v6]:port"},
	{"[pool]\nsocket = localhost\n", "dialtone.conf:2: pool.socket = localhost: must be unix:/path, host:port or [v6]:port"},
	{"[pool]\nsocket = localhost:0\n", "dialtone.conf:2: pool.socket = localhost:0: must be unix:/path, host:port or [v6]:port"},
	{"[database]\nhosts =\n", "dialtone.conf:2: database.hosts = : must be a list of host, host:port, [v6]:port or unix:/path"},
	{"[database]\nhosts = a,b\n", "dialtone.conf:2: database.hosts = a,b: must be a list of host, host:port, [v6]:port or unix:/path"},
	{"[database]\nname =\n", "dialtone.conf:2: database.name = : must be something: it may not be empty"},
	{"[database]\ntls_ca = ca.pem\n", "dialtone.conf:2: database.tls_ca = ca.pem: must be a path from /, or empty"},
	{"[templates]\ndirectory = templates\n", "dialtone.conf:2: templates.directory = templates: must be a path from /"},
	{"[journal]\nsyslog = yes\n", "dialtone.conf:2: journal.syslog = yes: must be true or false"},
	{"[http]\nplain_http = allow\n", "dialtone.conf:2: http.plain_http = allow: must be refuse or by-tenant"},
	{"[http]\ntrusted_hops = 192.0.2.0/33\n", "dialtone.conf:2: http.trusted_hops = 192.0.2.0/33: must be a list of networks such as 192.0.2.0/24 or 2001:db8::1"},
	{"[http]\nrealm = a\\b\n", "dialtone.conf:2: http.realm = a\\b: must be printable ASCII without \" and \\"},
	{"[courier]\nhaproxy_socket = /run/haproxy/courier.sock\n",
		"dialtone.conf:2: courier.haproxy_socket without courier.haproxy_map: a map is named by its file"},
	{"[courier]\nhaproxy_map = '/var/lib/a b'\n",
		"dialtone.conf:2: courier.haproxy_map = /var/lib/a b: must be a path from / without blanks, quotes, \\ ; < # and $, or empty"},
	{"[http]\nretry_min = 61\n", "dialtone.conf:2: http.retry_min = 61 is above http.retry_max = 60"},
	{"[log]\nlevel = loud\n", "dialtone.conf:2: log.level = loud: must be error, warning, info or debug"},
	{"[log]\ntarget = file\n", "dialtone.conf:2: log.target = file: must be stderr, syslog or a file's path from /"},
	{"[log]\nlevel\n", "dialtone.conf:2: neither a [section] nor a line of the form `key = value`"},
	{"[log]\nlevel = info\nlevel = info\n", "dialtone.conf:3: key `level` is there twice in its section"},
};

START_TEST(test_errors)
{
	struct error error = {0};
	ck_assert_ptr_null(conf_load(unit_write("dialtone.conf", error_rows[_i].text), &error));
	ck_assert_str_eq(unit_strip(error.message), error_rows[_i].message);
	ck_assert_ptr_null(conf_load(unit_path("none.conf"), NULL));
}
END_TEST

static void print(const struct conf *conf, bool changed_only, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	ck_assert_ptr_nonnull(out);
	conf_print(conf, changed_only, out);
	fclose(out);
}

START_TEST(test_print)
{
	char text[8192], again[8192];
	struct conf *conf = load("[database]\nhosts = db1 db2\n[log]\ntarget = \"/var/log/a#b\"\n[journal]\nsyslog = false\n[pool]\nworkers = 4\n");
	print(conf, true, text, sizeof text);
	ck_assert_str_eq(text, "[database]\nhosts = db1 db2\n\n[journal]\nsyslog = false\n\n[log]\ntarget = \"/var/log/a#b\"\n");
	/* All of it, read back, is the same. */
	print(conf, false, text, sizeof text);
	conf_free(&conf);
	conf = load(text);
	print(conf, false, again, sizeof again);
	ck_assert_str_eq(text, again);
	ck_assert_str_eq(conf->log.target, "/var/log/a#b");
	ck_assert_str_eq(conf->pool.group, "");
	conf_free(&conf);
}
END_TEST

/* The sample is a manual page: it names every option, with its default, and nothing else. Its values are those of a packaged installation. */
START_TEST(test_sample)
{
	struct error error = {0};
	struct conf_option_view option;
	size_t count = 0, keys = 0;
	struct ini *ini = ini_open(unit_source("deploy/dialtone.conf.example"), &error);
	ck_assert_msg(ini != NULL, "%s", error.message);
	for (; conf_option(count, &option); count++) {
		const char *value = ini_get(ini, option.section, option.key);
		const char *wanted = strcmp(option.section, "templates") == 0 ? "/usr/share/dialtone/templates" : option.fallback;
		ck_assert_msg(value != NULL, "the sample lacks %s.%s", option.section, option.key);
		/* The only option without which dialtone-fcgi does not start. */
		if (strcmp(option.section, "keys") != 0)
			ck_assert_msg(strcmp(value, wanted) == 0, "%s.%s: sample `%s`, default `%s`", option.section, option.key, value, wanted);
		ck_assert(*option.description);
	}
	for (size_t i = 0; i < ini_section_count(ini); i++)
		keys += ini_key_count(ini, ini_section(ini, i));
	ck_assert_uint_eq(keys, count);
	ini_close(&ini);
	struct conf *conf = conf_load(unit_source("deploy/dialtone.conf.example"), &error);
	ck_assert_msg(conf != NULL, "%s", error.message);
	conf_free(&conf);
}
END_TEST

/* Every option has its place in the manual page, as ".It Cm KEY" below ".Ss Section SECTION". */
START_TEST(test_manual)
{
	char line[1024], section[64] = "", wanted[128];
	struct conf_option_view option;
	for (size_t i = 0; conf_option(i, &option); i++) {
		bool found = false;
		FILE *page = fopen(unit_source("doc/dialtone.conf.5"), "r");
		ck_assert_ptr_nonnull(page);
		snprintf(wanted, sizeof wanted, ".It Cm %s ", option.key);
		while (fgets(line, sizeof line, page)) {
			if (sscanf(line, ".Ss Section %63s", section) != 1 && strcmp(section, option.section) == 0)
				found = found || strncmp(line, wanted, strlen(wanted)) == 0;
		}
		fclose(page);
		ck_assert_msg(found, "dialtone.conf(5) lacks %s.%s", option.section, option.key);
	}
}
END_TEST

UNIT_MAIN("conf", {test_defaults, 0}, {test_values, 0}, {test_errors, ROWS(error_rows)}, {test_print, 0}, {test_sample, 0}, {test_manual, 0})
