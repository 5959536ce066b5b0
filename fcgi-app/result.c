#include "result.h"

static const struct {
	const char *name;
	unsigned status;
	const char *event;
} results[RESULTS] = {
	[RESULT_OK] = {"ok", 200, "auth-ok"},
	[RESULT_NOT_MODIFIED] = {"not-modified", 304, "auth-ok"},
	[RESULT_COMMON] = {"common", 200, NULL},
	[RESULT_CHALLENGE] = {"challenge", 401, NULL},
	[RESULT_BAD_CREDENTIALS] = {"bad-credentials", 401, "auth-fail"},
	[RESULT_STALE_CREDENTIALS] = {"stale-credentials", 401, "auth-fail"},
	[RESULT_POLICY] = {"policy", 401, "auth-fail"},
	[RESULT_NOT_ENTITLED] = {"not-entitled", 404, "unknown"},
	[RESULT_DISABLED] = {"disabled", 404, NULL},
	[RESULT_ABSENT_FILE] = {"absent-file", 404, NULL},
	[RESULT_UNKNOWN_FILE] = {"unknown-file", 404, NULL},
	[RESULT_PLAIN_HTTP] = {"plain-http", 403, NULL},
	[RESULT_BAD_REQUEST] = {"bad-request", 400, NULL},
	[RESULT_METHOD] = {"method", 405, NULL},
	[RESULT_TOO_LARGE] = {"too-large", 413, NULL},
	[RESULT_AUTHORIZED] = {"authorized", 200, "auth-ok"},
	[RESULT_DATABASE] = {"database", 503, NULL},
	[RESULT_RENDER_ERROR] = {"render-error", 500, NULL},
};

const char *result_name(enum result result)
{
	return (unsigned)result < RESULTS ? results[result].name : "invalid";
}

unsigned result_status(enum result result)
{
	return (unsigned)result < RESULTS ? results[result].status : 500;
}

const char *result_event(enum result result)
{
	return (unsigned)result < RESULTS ? results[result].event : NULL;
}
