#include "access.h"

#include "wipe.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

/* One request on its way to a verdict. */
struct deciding {
	const struct access *access;
	const struct request *request;
	struct arena *arena;
	struct verdict *verdict;
	int64_t now;
	const unsigned char *id;
};

/* The client's address, for who asks for it. */
static bool address_of(const struct deciding *d, unsigned char address_r[NETWORK_ADDRESS])
{
	bool four;
	return network_address(d->request->address, strlen(d->request->address), address_r, &four);
}

static enum result refuse(struct verdict *verdict, enum result result, const char *detail)
{
	verdict->detail = detail;
	return result;
}

/* ---------------------------------------------------------------- Basic */

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

static bool is_basic(const char *authorization)
{
	return strncasecmp(authorization, "Basic", 5) == 0 && authorization[5] == ' ';
}

const char *access_parse_basic(const char *authorization, struct arena *arena, struct basic *basic_r)
{
	memset(basic_r, 0, sizeof *basic_r);
	if (!is_basic(authorization))
		return "not Basic credentials";
	authorization += 5 + strspn(authorization + 5, " ");
	unsigned char *bytes = arena_alloc(arena, strlen(authorization) / 4 * 3 + 4);
	int size = decode(authorization, bytes);
	if (size < 0)
		return "credentials are not base64";
	unsigned char *colon = memchr(bytes, ':', (size_t)size);
	if (!colon)
		return "credentials without a colon";
	*colon = 0;
	bytes[size] = 0;
	basic_r->user = (struct text){.text = (char *)bytes, .length = (uint32_t)(colon - bytes)};
	basic_r->password = (struct text){.text = (char *)colon + 1, .length = (uint32_t)(size - (colon + 1 - bytes))};
	if (memchr(basic_r->user.text, 0, basic_r->user.length) || memchr(basic_r->password.text, 0, basic_r->password.length))
		return "credentials with a NUL byte";
	return NULL;
}

/* The same number of steps whatever they hold: both are copied to one length first. */
static bool same_text(const struct text *a, const struct text *b)
{
	char left[CREDENTIAL_PAD] = {0}, right[CREDENTIAL_PAD] = {0};
	bool fits = a->length <= sizeof left && b->length <= sizeof right;
	memcpy(left, a->text, a->length <= sizeof left ? a->length : sizeof left);
	memcpy(right, b->text, b->length <= sizeof right ? b->length : sizeof right);
	int differ = CRYPTO_memcmp(left, right, sizeof left);
	bool same = !(differ | (a->length != b->length) | !fits);
	wipe(left, sizeof left);
	wipe(right, sizeof right);
	return same;
}

/* The form of our own tokens, which no password brought in has (check_password in the database). */
static bool token_shaped(const struct text *password)
{
	return password->length == TOKEN_LENGTH && strspn(password->text, "0123456789abcdef") >= TOKEN_GENERATION &&
		strspn(password->text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == TOKEN_LENGTH;
}

/* Whose credentials might these be? The user's, if that is a MAC; otherwise those of the device whose file is asked for. */
static bool who_of(const struct deciding *d, const struct text *user, bool *is_mac_r, struct mac *who_r)
{
	*is_mac_r = mac_parse(user->text, user->length, who_r);
	if (*is_mac_r)
		return true;
	if (d->verdict->file.has_mac)
		*who_r = d->verdict->file.mac;
	return d->verdict->file.has_mac;
}

/* Does the user fit the one that goes with the password? As text, or as another spelling of the same MAC. */
static bool same_user(const struct text *given, bool is_mac, const struct mac *who, const struct credential *credential)
{
	struct text digits = {.text = who->digits, .length = MAC_DIGITS};
	int as_text = same_text(given, &credential->user), as_mac = same_text(&digits, &credential->user);
	return (as_text | (as_mac & is_mac)) != 0;
}

static enum result look_up(struct deciding *d, const struct mac *who)
{
	struct verdict *verdict = d->verdict;
	unsigned char address[NETWORK_ADDRESS];
	bool asked = d->access->networks && address_of(d, address);
	verdict->credential = arena_alloc(d->arena, sizeof *verdict->credential);
	enum error_code code = credential_fetch(d->access->credentials, who, asked ? address : NULL, d->arena, verdict->credential, &verdict->error);
	return code ? refuse(verdict, RESULT_DATABASE, verdict->error.message) : RESULT_OK;
}

static enum result prove_by_password(struct deciding *d, const struct basic *basic)
{
	struct verdict *verdict = d->verdict;
	struct mac who;
	bool is_mac;
	/* no password brought in has the form of a token, whatever its user: nothing to compare */
	if (!d->access->passwords || !basic->password.length || token_shaped(&basic->password) || !who_of(d, &basic->user, &is_mac, &who))
		return refuse(verdict, RESULT_BAD_CREDENTIALS, "neither a token nor a password that could be anybody's");
	enum result result = look_up(d, &who);
	if (result)
		return result;
	/* no && here: nothing is left out where a part does not fit */
	int same_password = same_text(&basic->password, &verdict->credential->password), its_user = same_user(&basic->user, is_mac, &who, verdict->credential);
	if (!(same_password & its_user & verdict->credential->has_password))
		return refuse(verdict, RESULT_BAD_CREDENTIALS, verdict->credential->fault.code ? verdict->credential->fault.message : "not the password brought in");
	verdict->user = who;
	verdict->proofs |= PROOF_PASSWORD;
	verdict->way = IDENTITY_PASSWORD;
	return RESULT_OK;
}

static enum result prove_by_basic(struct deciding *d)
{
	struct verdict *verdict = d->verdict;
	struct basic basic;
	struct mac user;
	const char *why = access_parse_basic(d->request->authorization, d->arena, &basic);
	if (why)
		return refuse(verdict, RESULT_BAD_CREDENTIALS, why);
	if (!mac_parse(basic.user.text, basic.user.length, &user) || !token_shaped(&basic.password))
		return prove_by_password(d, &basic);
	verdict->user = user;
	if (!token_check(d->access->tokens, &user, basic.password.text, basic.password.length, verdict->generation)) {
		verdict->generation[0] = 0;
		return refuse(verdict, RESULT_BAD_CREDENTIALS, "password is not this MAC's token");
	}
	verdict->proofs |= PROOF_TOKEN;
	verdict->way = IDENTITY_TOKEN;
	return RESULT_OK;
}

/* ---------------------------------------------------------------- Digest */

/* Everything that might be meant is computed, whatever has fitted before: equal work for every MAC. */
static void try_digest(struct deciding *d, const struct digest_answer *answer, const struct mac *who, bool is_mac)
{
	struct verdict *verdict = d->verdict;
	const struct credential *credential = verdict->credential;
	const char *const generations[] = {credential->generation, credential->previous};
	for (unsigned key = 0; key < token_keys(d->access->tokens); key++)
		for (size_t i = 0; i < 2; i++) {
			char token[TOKEN_LENGTH + 1];
			token_make_by(d->access->tokens, key, who, generations[i], token);
			int fits = digest_fits(d->access->digests, answer, d->request->method_name, token, TOKEN_LENGTH);
			wipe(token, sizeof token);
			if (!(fits & is_mac))
				continue;
			verdict->proofs |= PROOF_TOKEN;
			verdict->way = IDENTITY_DIGEST;
			memcpy(verdict->generation, generations[i], TOKEN_GENERATION + 1);
		}
	int fits = digest_fits(d->access->digests, answer, d->request->method_name, credential->password.text, credential->password.length);
	digest_pad(d->access->digests, answer, credential->password.length, CREDENTIAL_PAD);
	int its_user = same_user(&answer->username, is_mac, who, credential);
	if (fits & its_user & credential->has_password & d->access->passwords) {
		verdict->proofs |= PROOF_PASSWORD;
		verdict->way = IDENTITY_DIGEST_PASSWORD;
	}
}

static enum result prove_by_digest(struct deciding *d)
{
	struct verdict *verdict = d->verdict;
	struct digest_answer answer;
	struct mac who;
	bool is_mac;
	const char *why = digest_parse(d->request->authorization, d->arena, &answer);
	if (!why && (answer.realm.length != strlen(d->access->realm) || memcmp(answer.realm.text, d->access->realm, answer.realm.length) != 0))
		why = "Digest credentials for another realm";
	if (!why && !digest_same_target(&answer, d->request->uri))
		why = "Digest credentials for another request";
	if (!why && !who_of(d, &answer.username, &is_mac, &who))
		why = "Digest credentials of nobody";
	if (why)
		return refuse(verdict, RESULT_BAD_CREDENTIALS, why);
	if (digest_nonce_check(d->access->digests, &answer.nonce, d->now, d->access->nonce_lifetime) != NONCE_FRESH) {
		verdict->stale = true;
		return refuse(verdict, RESULT_CHALLENGE, "the nonce is over, or not of this key ring");
	}
	enum result result = look_up(d, &who);
	if (result)
		return result;
	try_digest(d, &answer, &who, is_mac);
	if (!verdict->proofs)
		return refuse(verdict, RESULT_BAD_CREDENTIALS, "not the Digest of this device's token or password");
	verdict->user = who;
	if (!replay_first(d->access->replay, digest_use(d->access->digests, &answer))) {
		verdict->proofs = 0;
		verdict->generation[0] = 0;
		verdict->stale = true;
		return refuse(verdict, RESULT_CHALLENGE, "this use of the nonce was seen before");
	}
	return RESULT_OK;
}

/* ---------------------------------------------------------------- without credentials */

/* A window, or an address of the tenant's: only for a file that names its device. */
static enum result prove_by_address(struct deciding *d)
{
	struct verdict *verdict = d->verdict;
	unsigned char address[NETWORK_ADDRESS];
	if (!(d->access->enrolment || d->access->networks) || !verdict->file.has_mac || verdict->identity.authorize || !address_of(d, address))
		return RESULT_CHALLENGE;
	enum result result = look_up(d, &verdict->file.mac);
	if (result)
		return result;
	const struct credential *credential = verdict->credential;
	/* looked through also where there is no window: the same work */
	int within = network_list_holds(credential->networks.text, credential->networks.length, address);
	bool window = within & credential->window & d->access->enrolment;
	if (!window && !credential->in_network)
		return RESULT_CHALLENGE;
	verdict->user = verdict->file.mac;
	if (window)
		verdict->proofs |= PROOF_ENROLMENT;
	return RESULT_OK;
}

/* ---------------------------------------------------------------- all proofs */

/* The proxy says whose token it has checked, and the token itself comes along. Its generation is what a rotation waits for; and one that the proxy knows a moment too long does not count. */
static void note_generation(struct deciding *d)
{
	struct basic basic;
	struct mac user;
	if (strncasecmp(d->request->authorization, "Basic", 5) != 0 || access_parse_basic(d->request->authorization, d->arena, &basic))
		return;
	if (token_shaped(&basic.password) && mac_parse(basic.user.text, basic.user.length, &user) && memcmp(user.digits, d->verdict->user.digits, MAC_DIGITS) == 0)
		memcpy(d->verdict->generation, basic.password.text, TOKEN_GENERATION);
}

static enum result prove_by_credentials(struct deciding *d)
{
	const char *authorization = d->request->authorization;
	if (d->verdict->identity.proxied) {
		d->verdict->user = d->verdict->identity.proxied_mac;
		d->verdict->proofs |= PROOF_TOKEN;
		d->verdict->way = IDENTITY_PROXY;
		note_generation(d);
		return RESULT_OK;
	}
	if (!*authorization)
		return RESULT_CHALLENGE;
	return strncasecmp(authorization, "Digest", 6) == 0 ? prove_by_digest(d) : prove_by_basic(d);
}

/* A certificate stands by itself, or beside credentials of the same device; beside another's it proves nothing. */
static enum result prove(struct deciding *d)
{
	struct verdict *verdict = d->verdict;
	const struct identity *identity = &verdict->identity;
	enum result result = prove_by_credentials(d);
	if (result == RESULT_DATABASE)
		return result;
	if (identity->certificate && (!verdict->proofs || strcmp(identity->certificate_mac.digits, verdict->user.digits) == 0)) {
		if (!verdict->proofs)
			verdict->user = identity->certificate_mac;
		verdict->way = verdict->proofs ? IDENTITY_CERTIFICATE_TOO : IDENTITY_CERTIFICATE;
		verdict->proofs |= PROOF_CERTIFICATE;
		return RESULT_OK;
	}
	if (result == RESULT_CHALLENGE && !verdict->stale && !*d->request->authorization) {
		result = prove_by_address(d);
		if (result == RESULT_CHALLENGE && *identity->certificate_why)
			refuse(verdict, result, identity->certificate_why);
	}
	return result;
}

/* ---------------------------------------------------------------- what they are worth */

static bool is_denied(const struct deciding *d)
{
	const struct layer_rows *provider = d->verdict->device.stack.rows[LAYER_PROVIDER];
	struct layer_fingerprint fingerprint;
	if (!provider || !provider->denied_count)
		return false;
	/* One whose fingerprint cannot be told is not proven to be none of them. */
	if (!identity_fingerprint(d->request, d->arena, &fingerprint))
		return true;
	for (uint32_t i = 0; i < provider->denied_count; i++)
		if (memcmp(provider->denied[i].sha256, fingerprint.sha256, LAYER_FINGERPRINT) == 0)
			return true;
	return false;
}

/* Take back what the device's rows say does not count. *why_r: what was taken back last. */
static void weigh(const struct deciding *d, const char **why_r)
{
	struct verdict *verdict = d->verdict;
	const struct device *device = &verdict->device;
	if (*verdict->generation && !device_generation_counts(device, verdict->generation)) {
		verdict->proofs &= ~(unsigned)PROOF_TOKEN;
		*why_r = "generation does not count any more";
	}
	if (verdict->proofs & PROOF_CERTIFICATE) {
		bool foreign = !device->model || device->model->vendor != verdict->identity.certificate_vendor;
		if (foreign || is_denied(d)) {
			verdict->proofs &= ~(unsigned)PROOF_CERTIFICATE;
			*why_r = foreign ? "the certificate is another vendor's than the device" : "the certificate is denied";
		}
	}
	const struct layer_rows *tenant = device->stack.rows[LAYER_TENANT];
	unsigned char address[NETWORK_ADDRESS];
	if (tenant && tenant->network_count && address_of(d, address) && network_holds(tenant->networks, tenant->network_count, address))
		verdict->proofs |= PROOF_NETWORK;
}

/* The device's policies, else its tenant's, else the usual ones. */
static bool enough(const struct verdict *verdict)
{
	static const uint8_t usual[] = {PROOF_TOKEN, PROOF_PASSWORD};
	static const struct layer_rows usual_rows = {.policies = usual, .policy_count = 2};
	const struct layer_rows *own = verdict->device.stack.rows[LAYER_DEVICE], *tenant = verdict->device.stack.rows[LAYER_TENANT];
	const struct layer_rows *rows = own && own->policy_count ? own : tenant && tenant->policy_count ? tenant : &usual_rows;
	if (verdict->proofs & PROOF_ENROLMENT)
		return true;
	for (uint32_t i = 0; i < rows->policy_count; i++)
		if ((rows->policies[i] & verdict->proofs) == rows->policies[i])
			return true;
	return false;
}

/* A certificate that no policy asks for says only whose phone it is; its window stands open all the same. Not for credentials that are not enough. */
static enum result try_window(struct deciding *d)
{
	struct verdict *verdict = d->verdict;
	if (!verdict->identity.certificate || *d->request->authorization || verdict->identity.proxied || !verdict->file.has_mac ||
		strcmp(verdict->file.mac.digits, verdict->user.digits) != 0)
		return RESULT_CHALLENGE;
	return prove_by_address(d);
}

/* How it is told, once all is weighed. */
static enum identity_way way_of(const struct verdict *verdict)
{
	if (verdict->proofs & PROOF_ENROLMENT)
		return IDENTITY_ENROLMENT;
	if (!(verdict->proofs & (PROOF_TOKEN | PROOF_PASSWORD | PROOF_CERTIFICATE)))
		return IDENTITY_NETWORK;
	if (verdict->way == IDENTITY_CERTIFICATE_TOO && !(verdict->proofs & (PROOF_TOKEN | PROOF_PASSWORD)))
		return IDENTITY_CERTIFICATE;
	return verdict->way;
}

/* Is the device there, and do the proofs count? The same answer as for a wrong token where not. */
static enum result check_device(struct deciding *d)
{
	struct verdict *verdict = d->verdict;
	const char *why = "";
	enum error_code code = store_fetch(d->access->store, &verdict->user, d->arena, &verdict->device, &verdict->error);
	if (code) {
		verdict->device.found = false; /* whatever the store had read: nobody may look at half a device */
		return refuse(verdict, RESULT_DATABASE, verdict->error.message);
	}
	bool credentials = *d->request->authorization || verdict->identity.proxied;
	if (!verdict->device.found)
		return credentials ? refuse(verdict, RESULT_STALE_CREDENTIALS, "no such device") : refuse(verdict, RESULT_CHALLENGE, "no such device");
	weigh(d, &why);
	if (!enough(verdict) && try_window(d) == RESULT_DATABASE)
		return RESULT_DATABASE;
	if (!enough(verdict)) {
		if (*why)
			return refuse(verdict, RESULT_STALE_CREDENTIALS, why);
		return credentials ? refuse(verdict, RESULT_POLICY, "proven, and not all that a policy of the device or its tenant wants")
				   : refuse(verdict, RESULT_CHALLENGE, "a policy of the device or its tenant wants credentials");
	}
	verdict->identified = true;
	verdict->way = way_of(verdict);
	if (!(verdict->proofs & PROOF_TOKEN))
		verdict->generation[0] = 0;
	return RESULT_OK;
}

/* ---------------------------------------------------------------- what is asked for */

static enum result check_request(const struct deciding *d)
{
	const struct request *request = d->request;
	if (request->fault == REQUEST_BAD)
		return refuse(d->verdict, RESULT_BAD_REQUEST, request->fault_detail);
	if (d->access->plain_refused && !request->https)
		return refuse(d->verdict, RESULT_PLAIN_HTTP, "");
	if (request->fault)
		return refuse(d->verdict, RESULT_TOO_LARGE, request->fault_detail);
	if (request->method == METHOD_OTHER && !d->verdict->identity.authorize)
		return refuse(d->verdict, RESULT_METHOD, "");
	return RESULT_OK;
}

/* What the name alone decides: RESULT_OK means that an identity is needed. */
static enum result check_name(const struct deciding *d)
{
	struct verdict *verdict = d->verdict;
	const struct request *request = d->request;
	bool known = identify_file(d->access->catalogue, request->file, request->file_length, &verdict->file);
	if (verdict->identity.authorize)
		return RESULT_OK;
	if (request->climbs)
		return refuse(verdict, RESULT_UNKNOWN_FILE, "the path has a `..` or a `;`");
	if (!known)
		return RESULT_UNKNOWN_FILE;
	if (verdict->file.has_mac || verdict->file.rule->answer == FILE_DEVICE)
		return RESULT_OK;
	return verdict->file.rule->answer == FILE_COMMON && verdict->file.common_model ? RESULT_COMMON : RESULT_ABSENT_FILE;
}

/* What a proven identity may have. */
static enum result check_right(const struct deciding *d)
{
	struct verdict *verdict = d->verdict;
	const struct request *request = d->request;
	const struct device *device = &verdict->device;
	if (!request->https && !device->plain_http)
		return refuse(verdict, RESULT_PLAIN_HTTP, "the tenant does not allow plain HTTP");
	if (verdict->identity.authorize)
		return device->enabled ? RESULT_AUTHORIZED : RESULT_DISABLED;
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

/* Only now, for a whole configuration that can be made. HEAD takes no use and so gets nothing. */
static enum result claim(const struct deciding *d)
{
	struct verdict *verdict = d->verdict;
	if (!(verdict->proofs & PROOF_ENROLMENT))
		return RESULT_OK;
	if (d->request->method == METHOD_GET) {
		enum error_code code = credential_claim(d->access->credentials, &verdict->user, d->id, &verdict->claimed, &verdict->error);
		if (code)
			return refuse(verdict, RESULT_DATABASE, verdict->error.message);
	}
	if (verdict->claimed)
		return RESULT_OK;
	verdict->identified = false;
	verdict->way = IDENTITY_NONE;
	return refuse(verdict, RESULT_CHALLENGE, "the enrolment window has no use left");
}

/* Without credentials, every refusal looks like the first challenge to a stranger: only a file that may be had is told apart. */
static enum result hide(const struct deciding *d, enum result result)
{
	bool stranger = d->verdict->identified && !identity_proven(d->verdict->way);
	return stranger && (result == RESULT_NOT_ENTITLED || result == RESULT_DISABLED) ? refuse(d->verdict, RESULT_CHALLENGE, result_name(result)) : result;
}

static enum result decide(struct deciding *d)
{
	enum result result = check_request(d);
	if (!result)
		result = check_name(d);
	if (!result)
		result = prove(d);
	if (!result)
		result = check_device(d);
	if (!result)
		result = hide(d, check_right(d));
	return result ? result : claim(d);
}

void access_decide(const struct access *access, const struct request *request, int64_t now, const unsigned char id[16], struct arena *arena,
	struct verdict *verdict_r)
{
	*verdict_r = (struct verdict){.detail = ""};
	struct deciding deciding = {.access = access, .request = request, .arena = arena, .verdict = verdict_r, .now = now, .id = id};
	identity_read(access->rules, access->catalogue, request, &verdict_r->identity);
	verdict_r->result = decide(&deciding);
}

enum error_code access_end(const struct access *access, const struct verdict *verdict, const unsigned char id[16], bool delivered, struct error *error)
{
	return credential_end(access->credentials, &verdict->user, id, delivered, error);
}
