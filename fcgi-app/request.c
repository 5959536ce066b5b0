#include "request.h"

#include "hex.h"

#include <string.h>
#include <strings.h>

enum known { P_METHOD, P_URI, P_HTTPS, P_AUTHORIZATION, P_REMOTE_ADDR, P_CONTENT_LENGTH, P_USER_AGENT, P_IF_NONE_MATCH, P_FORWARDED, KNOWN };

/* Trusted: a decision rests on it, so it may come once only. A client may send a header of the others twice, which proxies pass on. */
static const struct {
	const char *name;
	size_t length;
	bool trusted;
	const char *twice;
} known[KNOWN] = {
#define ROW(name, trusted) {name, sizeof name - 1, trusted, "parameter " name " came twice"}
	[P_METHOD] = ROW("REQUEST_METHOD", true),
	[P_URI] = ROW("REQUEST_URI", true),
	[P_HTTPS] = ROW("HTTPS", true),
	[P_AUTHORIZATION] = ROW("HTTP_AUTHORIZATION", true),
	[P_REMOTE_ADDR] = ROW("REMOTE_ADDR", true),
	[P_CONTENT_LENGTH] = ROW("CONTENT_LENGTH", true),
	[P_USER_AGENT] = ROW("HTTP_USER_AGENT", false),
	[P_IF_NONE_MATCH] = ROW("HTTP_IF_NONE_MATCH", false),
	[P_FORWARDED] = ROW("HTTP_X_FORWARDED_FOR", false),
#undef ROW
};

static void fault(struct request *request, enum request_fault kind, const char *detail)
{
	if (request->fault)
		return;
	request->fault = kind;
	request->fault_detail = detail;
}

static int find_named(const struct request_names *names, const char *name, size_t length)
{
	for (int i = 0; i < REQUEST_NAMED; i++)
		if (names->list[i].length == length && length && !memcmp(names->list[i].name, name, length))
			return i;
	return -1;
}

static int find(const char *name, size_t length)
{
	for (int i = 0; i < KNOWN; i++)
		if (known[i].length == length && !memcmp(known[i].name, name, length))
			return i;
	return -1;
}

/* Two X-Forwarded-For parameters are one list: HAProxy's `option forwardfor` adds a header of its own behind the client's. Where that is too long the
 * right-most counts, which is the proxy's. */
static char *joined(char *first, char *second, struct arena *arena)
{
	size_t a = strlen(first), b = strlen(second);
	if (a + b >= REQUEST_HEADER_MAX)
		return second;
	char *both = arena_alloc(arena, a + b + 2);
	memcpy(both, first, a);
	both[a] = ',';
	memcpy(both + a + 1, second, b + 1);
	return both;
}

static const char absent[1] = "";

/* One of the configuration's: all of them are trusted. */
static void take_named(struct request *request, int which, const char *value)
{
	request->any_named = true;
	if (request->named[which] == absent) { /* not merely empty: the second of two is not the proxy's better word */
		request->named[which] = value;
		return;
	}
	request->twice = true;
	fault(request, REQUEST_BAD, "a parameter that [identity] names came twice");
}

static void collect(struct request *request, char *const *parameters, const struct request_names *names, char *values[KNOWN], struct arena *arena)
{
	size_t count = 0, bytes = 0;
	for (char *const *p = parameters; *p; p++) {
		const char *equals = strchr(*p, '=');
		size_t name_length = equals ? (size_t)(equals - *p) : strlen(*p);
		char *value = *p + name_length + (equals != NULL);
		bytes += name_length + strlen(value);
		if (++count > REQUEST_PARAMETERS_MAX || bytes > REQUEST_BYTES_MAX) {
			fault(request, REQUEST_HEADER_LARGE, "too many or too large parameters");
			return;
		}
		int i = find(*p, name_length);
		if (i < 0) {
			if ((i = find_named(names, *p, name_length)) >= 0)
				take_named(request, i, value);
			continue;
		}
		if (!values[i]) {
			values[i] = value;
		} else if (i == P_FORWARDED) {
			values[i] = joined(values[i], value, arena);
		} else if (known[i].trusted) {
			request->twice = true;
			fault(request, REQUEST_BAD, known[i].twice);
		}
	}
}

/* Where the path begins: behind "http://authority" in the absolute form (RFC 9112 3.2.2), else at once. */
static const char *target_path(const char *uri)
{
	size_t scheme = !strncasecmp(uri, "http://", 7) ? 7 : !strncasecmp(uri, "https://", 8) ? 8 : 0;
	if (!scheme)
		return uri;
	uri += scheme;
	uri += strcspn(uri, "/?");
	return *uri == '/' ? uri : "/";
}

char *request_decode_path(const char *uri, struct arena *arena, const char **fault_r)
{
	const char *p = target_path(uri);
	if (*p != '/') {
		*fault_r = "request target is not a path";
		return NULL;
	}
	size_t length = strcspn(p, "?");
	char *path = arena_alloc(arena, length + 1), *out = path;
	for (const char *end = p + length; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '%') {
			int high = hex_value(p[1]), low = high < 0 ? -1 : hex_value(p[2]);
			if (low < 0) {
				*fault_r = "bad escape in the request target";
				return NULL;
			}
			c = (unsigned char)(high << 4 | low);
			p += 2;
		} else if (c == '#') {
			*fault_r = "fragment in the request target";
			return NULL;
		}
		if (c < 0x20 || c == 0x7f) {
			*fault_r = "control character in the request target";
			return NULL;
		}
		*out++ = (char)c;
	}
	return path;
}

static bool climbs(const char *path)
{
	for (const char *p = path; *p; p++) {
		if (*p == ';')
			return true;
		if (*p == '/' && p[1] == '.' && p[2] == '.' && (p[3] == '/' || !p[3]))
			return true;
	}
	return false;
}

static void read_target(struct request *request, const char *uri, struct arena *arena)
{
	const char *why = NULL;
	request->path = "";
	if (!uri || !*uri) {
		fault(request, REQUEST_BAD, "no REQUEST_URI");
	} else if (strlen(uri) > REQUEST_URI_MAX) {
		fault(request, REQUEST_HEADER_LARGE, "request target too long");
	} else {
		char *path = request_decode_path(uri, arena, &why);
		if (path)
			request->path = path;
		else
			fault(request, REQUEST_BAD, why);
	}
	const char *slash = strrchr(request->path, '/');
	request->file = slash ? slash + 1 : request->path;
	request->file_length = strlen(request->file);
	request->climbs = climbs(request->path);
}

static void read_method(struct request *request, const char *method)
{
	request->method_name = method && strlen(method) <= REQUEST_METHOD_MAX ? method : "";
	request->method = METHOD_OTHER;
	if (!method || !*method)
		fault(request, REQUEST_BAD, "no REQUEST_METHOD");
	else if (!strcmp(method, "GET"))
		request->method = METHOD_GET;
	else if (!strcmp(method, "HEAD"))
		request->method = METHOD_HEAD;
}

static void read_length(struct request *request, const char *text)
{
	unsigned long value = 0;
	for (; text && *text; text++) {
		if (*text < '0' || *text > '9') {
			fault(request, REQUEST_BAD, "CONTENT_LENGTH is not a number");
			return;
		}
		if (value <= REQUEST_BODY_MAX)
			value = value * 10 + (unsigned long)(*text - '0');
	}
	if (value > REQUEST_BODY_MAX)
		fault(request, REQUEST_BODY_LARGE, "body too large");
	request->bodiless = !value;
}

void request_parse(struct request *request_r, char *const *parameters, const struct hops *hops, const struct request_names *names, struct arena *arena)
{
	static char nothing[1];
	char *values[KNOWN] = {NULL};
	*request_r = (struct request){.authorization = nothing, .user_agent = "", .if_none_match = "", .uri = ""};
	for (int i = 0; i < REQUEST_NAMED; i++)
		request_r->named[i] = absent;
	collect(request_r, parameters, names, values, arena);
	if (values[P_URI])
		request_r->uri = values[P_URI];
	read_method(request_r, values[P_METHOD]);
	read_target(request_r, values[P_URI], arena);
	request_r->https = values[P_HTTPS] && !strcasecmp(values[P_HTTPS], "on");
	if (values[P_AUTHORIZATION]) {
		request_r->authorization = values[P_AUTHORIZATION];
		if (strlen(values[P_AUTHORIZATION]) > REQUEST_AUTHORIZATION_MAX)
			fault(request_r, REQUEST_HEADER_LARGE, "Authorization too long");
	}
	if (values[P_USER_AGENT]) {
		request_r->user_agent = values[P_USER_AGENT];
		request_r->user_agent_length = strnlen(values[P_USER_AGENT], REQUEST_HEADER_MAX);
	}
	if (values[P_IF_NONE_MATCH] && strlen(values[P_IF_NONE_MATCH]) <= REQUEST_HEADER_MAX)
		request_r->if_none_match = values[P_IF_NONE_MATCH];
	if (values[P_FORWARDED] && strlen(values[P_FORWARDED]) > REQUEST_HEADER_MAX)
		values[P_FORWARDED] = NULL;
	hops_client(hops, values[P_REMOTE_ADDR], values[P_FORWARDED], request_r->address);
	read_length(request_r, values[P_CONTENT_LENGTH]);
}
