#include "access.h"

#include "wipe.h"
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#define DECODED_MAX (REQUEST_AUTHORIZATION_MAX / 4 * 3 + 3)

/* Strict base64 (RFC 4648 section 4): EVP_DecodeBlock alone would take blanks round it and tell nothing of the padding. Size, or -1. */
static int decode(const char *text, unsigned char *bytes_r)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t length = strlen(text), body = strspn(text, alphabet);
	size_t padding = length - body;
	if (!length || length % 4 || length > REQUEST_AUTHORIZATION_MAX || padding > 2 || strspn(text + body, "=") != padding)
		return -1;
	int size = EVP_DecodeBlock(bytes_r, (const unsigned char *)text, (int)length);
	return size < 0 ? -1 : size - (int)padding;
}

static const char *split(const unsigned char *bytes, size_t size, struct credentials *credentials)
{
	const unsigned char *colon = memchr(bytes, ':', size);
	if (!colon)
		return "credentials without a colon";
	if (!mac_parse((const char *)bytes, (size_t)(colon - bytes), &credentials->user))
		return "user is not a MAC address";
	credentials->password_length = size - (size_t)(colon + 1 - bytes);
	if (credentials->password_length != TOKEN_LENGTH)
		return "password has not the length of a token";
	memcpy(credentials->password, colon + 1, TOKEN_LENGTH);
	credentials->password[TOKEN_LENGTH] = 0;
	return NULL;
}

const char *access_parse_basic(const char *authorization, struct credentials *credentials_r)
{
	unsigned char bytes[DECODED_MAX];
	memset(credentials_r, 0, sizeof *credentials_r);
	if (strncasecmp(authorization, "Basic", 5) || authorization[5] != ' ')
		return "not Basic credentials";
	authorization += 5 + strspn(authorization + 5, " ");
	int size = decode(authorization, bytes);
	const char *why = size < 0 ? "credentials are not base64" : split(bytes, (size_t)size, credentials_r);
	if (size > 0)
		wipe(bytes, (size_t)size);
	if (why)
		wipe(credentials_r, sizeof *credentials_r);
	return why;
}

static enum result refuse(struct verdict *verdict, enum result result, const char *detail)
{
	verdict->detail = detail;
	return result;
}

static enum result check_request(const struct access *access, const struct request *request, struct verdict *verdict)
{
	if (request->fault == REQUEST_BAD)
		return refuse(verdict, RESULT_BAD_REQUEST, request->fault_detail);
	if (access->plain_refused && !request->https)
		return refuse(verdict, RESULT_PLAIN_HTTP, "");
	if (request->fault)
		return refuse(verdict, RESULT_TOO_LARGE, request->fault_detail);
	if (request->method == METHOD_OTHER)
		return refuse(verdict, RESULT_METHOD, "");
	return RESULT_OK;
}

/* What the name alone decides: RESULT_OK means that an identity is needed. */
static enum result check_name(const struct access *access, const struct request *request, struct verdict *verdict)
{
	bool known = identify_file(access->catalogue, request->file, request->file_length, &verdict->file);
	if (request->climbs)
		return refuse(verdict, RESULT_UNKNOWN_FILE, "the path has a `..` or a `;`");
	if (!known)
		return RESULT_UNKNOWN_FILE;
	if (verdict->file.has_mac || verdict->file.rule->answer == FILE_DEVICE)
		return RESULT_OK;
	return verdict->file.rule->answer == FILE_COMMON && verdict->file.common_model ? RESULT_COMMON : RESULT_ABSENT_FILE;
}

/* Does the token prove itself? No database is asked. */
static enum result check_token(const struct access *access, const struct request *request, struct verdict *verdict,
	char generation_r[TOKEN_GENERATION + 1])
{
	struct credentials credentials;
	if (!*request->authorization)
		return RESULT_CHALLENGE;
	const char *why = access_parse_basic(request->authorization, &credentials);
	if (!why && !token_check(access->tokens, &credentials.user, credentials.password, credentials.password_length, generation_r))
		why = "password is not this MAC's token";
	verdict->user = credentials.user;
	wipe(&credentials, sizeof credentials);
	return why ? refuse(verdict, RESULT_BAD_CREDENTIALS, why) : RESULT_OK;
}

/* Do device and generation still count? The same answer as for a wrong token where not. */
static enum result check_device(const struct access *access, const char *generation, struct arena *arena, struct verdict *verdict)
{
	enum error_code code = store_fetch(access->store, &verdict->user, arena, &verdict->device, &verdict->error);
	if (code) {
		verdict->device.found = false; /* whatever the store had read: nobody may look at half a device */
		return refuse(verdict, RESULT_DATABASE, verdict->error.message);
	}
	if (!verdict->device.found)
		return refuse(verdict, RESULT_STALE_CREDENTIALS, "no such device");
	if (!device_generation_counts(&verdict->device, generation))
		return refuse(verdict, RESULT_STALE_CREDENTIALS, "generation does not count any more");
	verdict->identified = true;
	return RESULT_OK;
}

/* What a proven identity may have. */
static enum result check_right(const struct request *request, struct verdict *verdict)
{
	const struct device *device = &verdict->device;
	if (!request->https && !device->plain_http)
		return refuse(verdict, RESULT_PLAIN_HTTP, "the tenant does not allow plain HTTP");
	if (verdict->file.has_mac && strcmp(verdict->file.mac.digits, verdict->user.digits))
		return RESULT_NOT_ENTITLED;
	if (!device->enabled)
		return RESULT_DISABLED;
	if (!device->model)
		return refuse(verdict, RESULT_RENDER_ERROR, "the device's model is not in the template folder");
	verdict->rule = identify_vendor_file(device->model->vendor, request->file, request->file_length);
	if (!verdict->rule)
		return refuse(verdict, RESULT_UNKNOWN_FILE, "a file of another vendor than the device's");
	return verdict->rule->answer == FILE_DEVICE ? RESULT_OK : RESULT_ABSENT_FILE;
}

static enum result decide(const struct access *access, const struct request *request, struct arena *arena, struct verdict *verdict)
{
	char generation[TOKEN_GENERATION + 1] = "";
	enum result result = check_request(access, request, verdict);
	if (!result)
		result = check_name(access, request, verdict);
	if (!result)
		result = check_token(access, request, verdict, generation);
	if (!result)
		result = check_device(access, generation, arena, verdict);
	return result ? result : check_right(request, verdict);
}

void access_decide(const struct access *access, const struct request *request, struct arena *arena, struct verdict *verdict_r)
{
	*verdict_r = (struct verdict){.detail = ""};
	verdict_r->result = decide(access, request, arena, verdict_r);
}
