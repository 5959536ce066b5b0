#include "service.h"

#include "buf.h"
#include "writer.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define REALM_MAX 128u

char *service_challenge(const char *way, const char *realm, struct error *error)
{
	char quoted[2 * REALM_MAX + 1], *out = quoted;
	size_t length = strlen(realm);
	if (!length || length > REALM_MAX || !writer_utf8(realm, length)) {
		error_set(error, ERROR_RANGE, "http.realm must be UTF-8 of 1 to %u bytes", REALM_MAX);
		return NULL;
	}
	for (const char *p = realm; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			error_set(error, ERROR_SYNTAX, "http.realm has a control character");
			return NULL;
		}
		if (*p == '"' || *p == '\\')
			*out++ = '\\';
		*out++ = *p;
	}
	*out = 0;
	if (strcmp(way, "basic") == 0)
		return xasprintf("WWW-Authenticate: Basic realm=\"%s\", charset=\"UTF-8\"\r\n", quoted);
	return xasprintf("WWW-Authenticate: Digest realm=\"%s\", qop=\"auth\", algorithm=%s, nonce=\"", quoted, strcmp(way, "digest-md5") == 0 ? "MD5" : "SHA-256");
}

/* Each way once, in the configuration's order. */
static enum error_code make_challenges(struct service *service, struct error *error)
{
	const char *at = service->conf->http.challenges;
	while (*(at += strspn(at, " \t"))) {
		char way[16] = "";
		size_t length = strcspn(at, " \t");
		if (service->challenge_count == SERVICE_CHALLENGES)
			return error_set(error, ERROR_RANGE, "http.challenges names a way twice");
		memcpy(way, at, length < sizeof way ? length : sizeof way - 1);
		char *text = service_challenge(way, service->conf->http.realm, error);
		if (!text)
			return error ? error->code : ERROR_RANGE;
		service->challenges[service->challenge_count].text = text;
		service->challenges[service->challenge_count++].digest = strcmp(way, "basic") != 0;
		for (size_t i = 0; i + 1 < service->challenge_count; i++)
			if (strcmp(service->challenges[i].text, text) == 0)
				return error_set(error, ERROR_RANGE, "http.challenges names `%s` twice", way);
		at += length;
	}
	return ERROR_NONE;
}

/* What goes into a header of every answer is judged here, once. */
static enum error_code check_content_types(const struct catalogue *catalogue, struct error *error)
{
	for (uint32_t v = 0; v < catalogue->vendor_count; v++) {
		const struct vendor *vendor = &catalogue->vendors[v];
		for (uint32_t d = 0; d < vendor->dialect_count; d++) {
			const char *type = vendor->dialects[d].content_type;
			size_t length = type ? strlen(type) : 0;
			for (size_t i = 0; i < length; i++)
				if (type[i] < 0x20 || type[i] >= 0x7f)
					length = 0;
			if (!length || length > 128)
				return error_set(error, ERROR_SYNTAX, "%s/vendor.ini: dialect %s: content_type must be 1 to 128 printable characters",
					vendor->id, vendor->dialects[d].name);
		}
	}
	return ERROR_NONE;
}

static enum error_code load_conf(struct service *service, const char *path, struct error *error)
{
	service->conf = conf_load(path, error);
	if (!service->conf)
		return error ? error->code : ERROR_SYNTAX;
	const struct conf *conf = service->conf;
	enum error_code code = hops_parse(conf->http.trusted_hops, &service->hops, error);
	if (code)
		error_prefix(error, "%s: http.trusted_hops", path);
	else if (conf->http.retry_min > conf->http.retry_max)
		code = error_set(error, ERROR_RANGE, "%s: http.retry_min is larger than http.retry_max", path);
	else if ((code = make_challenges(service, error)) || (code = identity_rules_load(conf, &service->identity, error)))
		error_prefix(error, "%s", path);
	return code;
}

struct service *service_load(const char *conf_path, int *exit_status_r, struct error *error)
{
	struct service *service = xcalloc(1, sizeof *service);
	*exit_status_r = EX_CONFIG;
	if (load_conf(service, conf_path, error))
		goto fail;
	*exit_status_r = EX_NOPERM;
	if (!(service->keyring = keyring_load_configured(service->conf->keys.file, error)))
		goto fail;
	*exit_status_r = EX_DATAERR;
	if (!(service->catalogue = catalogue_load(service->conf->templates.directory, error)))
		goto fail;
	if (check_content_types(service->catalogue, error))
		goto fail;
	if (!(service->commons = commons_load(service->catalogue, service->keyring, error)))
		goto fail;
	*exit_status_r = EX_OK;
	return service;
fail:
	service_free(&service);
	return NULL;
}

void service_free(struct service **service)
{
	if (!*service)
		return;
	struct service *s = *service;
	commons_free(&s->commons);
	if (s->catalogue)
		catalogue_free(&s->catalogue);
	if (s->keyring)
		keyring_free(&s->keyring);
	if (s->conf)
		conf_free(&s->conf);
	for (size_t i = 0; i < s->challenge_count; i++)
		free(s->challenges[i].text);
	identity_rules_wipe(&s->identity);
	free(s);
	*service = NULL;
}
