#include "identity.h"

#include "certificate.h"
#include "hex.h"
#include "wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct { const char *name; bool proven; } ways[IDENTITY_WAYS] = {
	[IDENTITY_NONE] = {"", false},
	[IDENTITY_TOKEN] = {"token", true},
	[IDENTITY_DIGEST] = {"digest", true},
	[IDENTITY_PASSWORD] = {"password", true},
	[IDENTITY_DIGEST_PASSWORD] = {"digest-password", true},
	[IDENTITY_CERTIFICATE] = {"certificate", true},
	[IDENTITY_CERTIFICATE_TOO] = {"certificate+", true},
	[IDENTITY_PROXY] = {"proxy", true},
	[IDENTITY_NETWORK] = {"network", false},
	[IDENTITY_ENROLMENT] = {"enrolment", false},
};

const char *identity_name(enum identity_way way)
{
	return (unsigned)way < IDENTITY_WAYS ? ways[way].name : "";
}

bool identity_proven(enum identity_way way)
{
	return (unsigned)way < IDENTITY_WAYS && ways[way].proven;
}

/* ---------------------------------------------------------------- rules */

static enum error_code read_key(const char *path, struct identity_rules *rules, struct error *error)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, rules->key, sizeof rules->key);
	bool bad_mode = fd >= 0 && !fstat(fd, &status) && (status.st_mode & 07);
	int saved = errno;
	if (fd >= 0)
		close(fd);
	if (size < 0)
		return error_set(error, ERROR_SYSTEM, "identity.proxy_key_file: %s: %s", path, strerror(saved));
	if (bad_mode)
		return error_set(error, ERROR_DENIED, "identity.proxy_key_file: %s is open to everybody; chmod o-rwx", path);
	while (size && strchr(" \t\r\n", rules->key[size - 1]))
		size--;
	if (size < 16 || (size_t)size == sizeof rules->key)
		return error_set(error, ERROR_RANGE, "identity.proxy_key_file: %s must hold 16 to %u characters", path, IDENTITY_KEY_MAX - 1);
	rules->key_length = (size_t)size;
	return ERROR_NONE;
}

static enum error_code check(const struct conf *conf, const struct identity_rules *rules, struct error *error)
{
	const struct request_names *names = &rules->names;
	bool any = false;
	for (int i = 0; i < REQUEST_NAMED; i++) {
		if (!names->list[i].length)
			continue;
		any = any || i != REQUEST_PROXY_KEY;
		for (int k = 0; k < i; k++)
			if (names->list[k].length == names->list[i].length && !memcmp(names->list[k].name, names->list[i].name, names->list[i].length))
				return error_set(error, ERROR_RANGE, "[identity]: two options name the parameter %s", names->list[i].name);
	}
	if ((names->list[REQUEST_PROXY_KEY].length != 0) != (*conf->identity.proxy_key_file != 0))
		return error_set(error, ERROR_MISSING, "identity.proxy_key and identity.proxy_key_file go together");
	if (any && !rules->key_length && strncmp(conf->pool.socket, "unix:", 5) != 0)
		return error_set(error, ERROR_DENIED, "[identity]: pool.socket is no unix socket, so parameters that prove an identity need identity.proxy_key and "
						      "identity.proxy_key_file");
	if (names->list[REQUEST_CERTIFICATE_SUBJECT].length &&
	    !(names->list[REQUEST_CERTIFICATE_VERIFY].length && names->list[REQUEST_CERTIFICATE_ISSUER].length &&
		    (names->list[REQUEST_CERTIFICATE_SHA256].length || names->list[REQUEST_CERTIFICATE_PEM].length)))
		return error_set(error, ERROR_MISSING, "identity.certificate_subject needs certificate_verify, certificate_issuer, and certificate_sha256 or "
						       "certificate_pem beside it");
	return ERROR_NONE;
}

enum error_code identity_rules_load(const struct conf *conf, struct identity_rules *rules_r, struct error *error)
{
	const char *const names[REQUEST_NAMED] = {
		[REQUEST_CERTIFICATE_VERIFY] = conf->identity.certificate_verify,
		[REQUEST_CERTIFICATE_SUBJECT] = conf->identity.certificate_subject,
		[REQUEST_CERTIFICATE_ISSUER] = conf->identity.certificate_issuer,
		[REQUEST_CERTIFICATE_SHA256] = conf->identity.certificate_sha256,
		[REQUEST_CERTIFICATE_PEM] = conf->identity.certificate_pem,
		[REQUEST_DEVICE] = conf->identity.device,
		[REQUEST_AUTHORIZE] = conf->identity.authorize,
		[REQUEST_PROXY_KEY] = conf->identity.proxy_key,
	};
	memset(rules_r, 0, sizeof *rules_r);
	for (int i = 0; i < REQUEST_NAMED; i++) {
		rules_r->names.list[i].name = names[i];
		rules_r->names.list[i].length = strlen(names[i]);
	}
	enum error_code code = *conf->identity.proxy_key_file ? read_key(conf->identity.proxy_key_file, rules_r, error) : ERROR_NONE;
	return code ? code : check(conf, rules_r, error);
}

void identity_rules_wipe(struct identity_rules *rules)
{
	wipe(rules, sizeof *rules);
}

/* ---------------------------------------------------------------- a request */

static bool from_the_proxy(const struct identity_rules *rules, const struct request *request)
{
	const char *key = request->named[REQUEST_PROXY_KEY];
	return !rules->key_length || (strlen(key) == rules->key_length && !CRYPTO_memcmp(key, rules->key, rules->key_length));
}

/* nginx says SUCCESS, NONE or FAILED:reason; HAProxy's file is written to say the same. */
static void read_certificate(const struct catalogue *catalogue, const struct request *request, struct identity *identity)
{
	const char *verify = request->named[REQUEST_CERTIFICATE_VERIFY];
	if (!*verify || !strcmp(verify, "NONE"))
		return;
	if (strcmp(verify, "SUCCESS") != 0) {
		identity->certificate_why = "the proxy could not verify the certificate";
		return;
	}
	identity->certificate = certificate_identify(catalogue, request->named[REQUEST_CERTIFICATE_SUBJECT], request->named[REQUEST_CERTIFICATE_ISSUER],
		&identity->certificate_mac, &identity->certificate_vendor, &identity->certificate_why) != NULL;
	if (identity->certificate)
		identity->certificate_why = "";
}

void identity_read(const struct identity_rules *rules, const struct catalogue *catalogue, const struct request *request, struct identity *identity_r)
{
	*identity_r = (struct identity){.certificate_why = ""};
	if (!request->any_named || !from_the_proxy(rules, request))
		return;
	read_certificate(catalogue, request, identity_r);
	const char *device = request->named[REQUEST_DEVICE];
	identity_r->proxied = *device && mac_parse(device, strlen(device), &identity_r->proxied_mac);
	identity_r->authorize = *request->named[REQUEST_AUTHORIZE] != 0;
}

/* ---------------------------------------------------------------- fingerprints */

static bool from_hex(const char *text, struct layer_fingerprint *fingerprint)
{
	for (size_t i = 0; i < LAYER_FINGERPRINT; i++) {
		int high = hex_value(text[2 * i]), low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
		if (low < 0)
			return false;
		fingerprint->sha256[i] = (unsigned char)(high << 4 | low);
	}
	return !text[2 * LAYER_FINGERPRINT];
}

/* The base64 between the first BEGIN and END lines, percent-escapes and line ends taken away: its size in out, 0 where there is none. */
static size_t base64_of(const char *escaped, unsigned char *out)
{
	static const char begin[] = "-----BEGIN%20CERTIFICATE-----";
	size_t size = 0;
	if (strncmp(escaped, begin, sizeof begin - 1) != 0)
		return 0;
	for (const char *at = escaped + sizeof begin - 1; *at && *at != '-'; at++) {
		char c = *at;
		if (c == '%') {
			int high = hex_value(at[1]), low = high < 0 ? -1 : hex_value(at[2]);
			if (low < 0)
				return 0;
			c = (char)(high << 4 | low);
			at += 2;
		}
		if (c != '\n' && c != '\r' && c != ' ')
			out[size++] = (unsigned char)c;
	}
	/* EVP_DecodeBlock would take a = for an A anywhere. */
	size_t padding = 0;
	while (padding < 2 && padding < size && out[size - 1 - padding] == '=')
		padding++;
	return size % 4 || memchr(out, '=', size - padding) ? 0 : size;
}

static bool from_pem(const char *escaped, struct arena *arena, struct layer_fingerprint *fingerprint)
{
	size_t length = strlen(escaped);
	unsigned char *base64 = arena_alloc(arena, length + 1), *der = arena_alloc(arena, length + 1);
	size_t size = base64_of(escaped, base64);
	int decoded = size ? EVP_DecodeBlock(der, base64, (int)size) : -1;
	if (decoded <= 0)
		return false;
	decoded -= (base64[size - 1] == '=') + (base64[size - 2] == '=');
	return EVP_Digest(der, (size_t)decoded, fingerprint->sha256, NULL, EVP_sha256(), NULL) == 1;
}

bool identity_fingerprint(const struct request *request, struct arena *arena, struct layer_fingerprint *fingerprint_r)
{
	if (*request->named[REQUEST_CERTIFICATE_SHA256])
		return from_hex(request->named[REQUEST_CERTIFICATE_SHA256], fingerprint_r);
	return *request->named[REQUEST_CERTIFICATE_PEM] && from_pem(request->named[REQUEST_CERTIFICATE_PEM], arena, fingerprint_r);
}
