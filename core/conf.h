/* conf.h - the configuration file, one table row an option (conf.c); doc/dialtone.conf.5 and deploy/dialtone.conf.example tell them.
 *
 * Read by iniparser, judged by the table, constant afterwards. An unknown section or key, a wrong type or a value out of range is refused with
 * file, line and what would be right. Lists are blank-separated. */
#ifndef DIALTONE_CONF_H
#define DIALTONE_CONF_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct conf {
	struct {
		char *hosts;           /* host, host:port, [v6]:port or unix:/path, tried in an order of the worker's own; default unix:/run/mysqld/mysqld.sock */
		char *name;            /* schema; default dialtone */
		char *user;            /* default dialtone_worker */
		char *password_file;   /* "" : no password */
		char *journal_user;    /* default dialtone_journal */
		char *journal_password_file;
		char *tls_ca;          /* "" : no TLS. Given: TLS with the server's name verified is required */
		long long connect_timeout, read_timeout; /* seconds, 1..60, default 2 and 3 */
	} database;
	struct { char *directory; } templates;   /* default: where make install put them */
	struct { char *file; } keys;             /* the key ring: a path, credential:NAME, or "": the credential `keys` (keyring_path) */
	struct {
		char *socket;          /* unix:/path or host:port; default unix:/run/dialtone/fcgi.sock; ignored under systemd socket activation */
		char *mode;            /* octal, default 0660 */
		char *group;           /* the proxy's group; "" leaves it */
		char *user;            /* whom the master turns into when it starts as root; default "" stays */
		long long workers;         /* 1..512, default 4 */
		long long max_requests;    /* a worker retires after about so many; 0 never; default 100000 */
		long long request_timeout; /* seconds, 1..60, default 8: a worker that overstays is killed. Below the proxy's own */
		long long stop_timeout;    /* seconds to drain at SIGTERM, default 10 */
		long long cache_bytes;     /* shared layers, a worker; 64 KiB .. 1 GiB, default 16 MiB */
	} pool;
	struct { char *socket; } health;         /* default unix:/run/dialtone/health.sock */
	struct {
		char *realm;           /* default dialtone */
		char *challenges;      /* digest-sha-256, digest-md5, basic, in the order in which they are offered; default all three */
		long long nonce_lifetime; /* seconds for which a nonce of Digest may be used; 10..86400, default 300 */
		char *trusted_hops;    /* CIDRs whose X-Forwarded-For is believed; default none */
		char *plain_http;      /* refuse | by-tenant; default refuse */
		long long retry_min, retry_max; /* seconds of Retry-After on 503, jittered; 5 and 60 */
	} http;
	struct {
		bool passwords;        /* take passwords brought in (device_password); default true */
		bool enrolment;        /* requests without credentials may use a window; default false */
		bool networks;         /* ... or a policy that wants an address only; default false */
		/* Names of FastCGI parameters by which the proxy hands on what it verified; "" is off, the default of all. See dialtone.conf(5). */
		char *certificate_verify, *certificate_subject, *certificate_issuer, *certificate_sha256, *certificate_pem;
		char *device, *authorize, *proxy_key;
		char *proxy_key_file;
	} identity;
	struct {
		long long spool_bytes;     /* default 32 MiB */
		long long batch;           /* rows a statement, 1..1000, default 200 */
		long long flush_interval;  /* milliseconds, 10..10000, default 200 */
		long long retention_days;  /* 1..3650, default 90 */
		bool syslog;               /* one line a record; default true */
	} journal;
	struct { long long retention_days; } audit; /* 30..3650, default 365 */
	struct {
		char *user;            /* account of dialtone-courier; default dialtone_courier */
		char *password_file;
		long long interval;    /* milliseconds between two looks at the outbox, 50..60000, default 1000 */
		long long batch;       /* rows of the outbox a lease, 1..1000, default 100 */
		long long lease;       /* seconds, 1..3600, default 10: then another courier may take the row */
		long long sip_overlap; /* seconds, 0..31536000, default a week: so long both SIP passwords count at most, after a rotation */
		char *haproxy_map;     /* "": off */
		char *haproxy_socket;  /* "": only the file is kept */
	} courier;
	struct {
		char *target;          /* stderr | syslog | a file's path; default stderr */
		char *level;           /* error | warning | info | debug; default info */
	} log;
};

#define CONF_DEFAULT_PATH SYSCONFDIR "/dialtone/dialtone.conf"

/* NULL and *error if anything is wrong. A missing file is an error. */
struct conf *conf_load(const char *path, struct error *error);
void conf_free(struct conf **conf);
/* All options with their values in the file's syntax; secrets (none yet) as a placeholder. changed_only: those that differ from the default. */
void conf_print(const struct conf *conf, bool changed_only, FILE *out);
/* For the test that compares the sample file with the table: the i-th option, or NULL behind the last. */
struct conf_option_view { const char *section, *key, *fallback, *description; };
bool conf_option(size_t index, struct conf_option_view *option_r);

#endif
