/* request.h - what was asked for: the FastCGI parameters, judged once, bounded, decoded once.
 *
 * Only the parameters named in request.c are read. One that a decision rests on and that comes twice makes the request a bad one: libfcgi would take
 * the first, and the first may be a client's. Absent and empty are alike. REMOTE_USER, SCRIPT_NAME, PATH_INFO and the like are never looked at. */
#ifndef DIALTONE_REQUEST_H
#define DIALTONE_REQUEST_H

#include "arena.h"
#include "hops.h"

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_PARAMETERS_MAX 256u  /* how many */
#define REQUEST_BYTES_MAX 65536u     /* all of them together */
#define REQUEST_URI_MAX 2048u
#define REQUEST_AUTHORIZATION_MAX 1024u
#define REQUEST_HEADER_MAX 4096u     /* User-Agent, If-None-Match, X-Forwarded-For: cut or left out beyond, never refused */
#define REQUEST_BODY_MAX 65536u      /* what a Content-Length may say; bodies are never read */
#define REQUEST_METHOD_MAX 16u

/* Parameters of our own, which a proxy sets and whose names the configuration gives (identity.h). */
enum request_named {
	REQUEST_CERTIFICATE_VERIFY, REQUEST_CERTIFICATE_SUBJECT, REQUEST_CERTIFICATE_ISSUER, REQUEST_CERTIFICATE_SHA256, REQUEST_CERTIFICATE_PEM,
	REQUEST_DEVICE, REQUEST_AUTHORIZE, REQUEST_PROXY_KEY, REQUEST_NAMED
};
struct request_names {
	struct { const char *name; size_t length; } list[REQUEST_NAMED]; /* length 0: not asked for */
};

enum request_fault {
	REQUEST_FINE,
	REQUEST_BAD,          /* 400 */
	REQUEST_BODY_LARGE,   /* 413 */
	REQUEST_HEADER_LARGE, /* 431 */
};

enum request_method { METHOD_GET, METHOD_HEAD, METHOD_OTHER };

/* All texts are 0-terminated, never NULL, and live as long as the parameters and the arena. */
struct request {
	enum request_fault fault;
	const char *fault_detail;     /* constant text naming parameter or rule; NULL when fine */
	bool twice;                   /* the fault is a trusted parameter that came twice: the proxy's configuration is wrong */
	enum request_method method;
	const char *method_name;
	const char *path;             /* decoded, without the query; "" when it could not be read */
	const char *file;             /* its last part */
	size_t file_length;
	bool climbs;                  /* a `..` segment or a `;`: never a file of ours */
	bool https;
	bool bodiless;                /* the proxy said that there is no body */
	char *authorization;          /* in the caller's parameters, so that it can be wiped; "" when absent */
	const char *user_agent, *if_none_match;
	size_t user_agent_length;
	char address[HOPS_TEXT];      /* "" where unknown */
	const char *uri;              /* REQUEST_URI as it came; "" where absent */
	bool any_named;               /* one of these came */
	const char *named[REQUEST_NAMED]; /* "" where absent */
};

/* Read `parameters` (NAME=value, NULL-terminated). Everything that can be read is filled in even where there is a fault, for the journal. */
void request_parse(struct request *request_r, char *const *parameters, const struct hops *hops, const struct request_names *names, struct arena *arena);

/* Decode a request target once: origin-form or absolute-form, query cut off. NULL and *fault_r where it is none. Exposed for tests. */
char *request_decode_path(const char *uri, struct arena *arena, const char **fault_r);

#endif
