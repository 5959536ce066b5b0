#include "fetch.h"

#include "log.h"
#include "wipe.h"
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fetch_init(struct fetch *fetch, const struct service *service, struct replay *replay)
{
	const struct conf *conf = service->conf;
	const struct db_options options = {
		.hosts = conf->database.hosts,
		.name = conf->database.name,
		.user = conf->database.user,
		.password_file = conf->database.password_file,
		.tls_ca = conf->database.tls_ca,
		.connect_timeout = (unsigned)conf->database.connect_timeout,
		.read_timeout = (unsigned)conf->database.read_timeout,
		.lock_wait = 1, /* of an enrolment window that a DBA has in hand; nothing else of a fetch locks */
		.spread = true,
		.check_schema = true,
	};
	*fetch = (struct fetch){.service = service};
	fetch->db = db_new(&options);
	fetch->cache = cache_new((size_t)conf->pool.cache_bytes);
	fetch->access.catalogue = service->catalogue;
	fetch->access.tokens = token_maker_new(service->keyring);
	fetch->sealer = pack_sealer_new(service->keyring);
	fetch->secrets = sealer_new(service->keyring);
	fetch->access.store = store_new(fetch->db, service->catalogue, fetch->cache, fetch->access.tokens, fetch->sealer, fetch->secrets);
	fetch->access.credentials = credential_store_new(fetch->db, fetch->secrets);
	fetch->access.digests = digest_maker_new(service->keyring);
	fetch->access.replay = replay;
	fetch->access.rules = &service->identity;
	fetch->access.realm = conf->http.realm;
	fetch->access.nonce_lifetime = conf->http.nonce_lifetime;
	fetch->access.passwords = conf->identity.passwords;
	fetch->access.enrolment = conf->identity.enrolment;
	fetch->access.networks = conf->identity.networks;
	fetch->access.plain_refused = strcmp(conf->http.plain_http, "by-tenant") != 0;
	fetch->fingerprints = fingerprint_maker_new(service->keyring);
	arena_init(&fetch->arena);
	buf_init(&fetch->head, RESPOND_HEAD_MAX);
	buf_init(&fetch->body, FETCH_BODY_MAX);
	if (RAND_bytes(fetch->id, RECORD_ID - sizeof fetch->count) != 1)
		abort();
}

void fetch_deinit(struct fetch *fetch)
{
	fetch_clear(fetch);
	store_free(&fetch->access.store);
	credential_store_free(&fetch->access.credentials);
	digest_maker_free(&fetch->access.digests);
	pack_sealer_free(&fetch->sealer);
	sealer_free(&fetch->secrets);
	token_maker_free(&fetch->access.tokens);
	fingerprint_maker_free(&fetch->fingerprints);
	cache_free(&fetch->cache);
	db_free(&fetch->db);
	arena_deinit(&fetch->arena);
	buf_deinit(&fetch->head);
	buf_deinit(&fetch->body);
}

/* A moment of the phone's own, so that those that were refused together do not come back together. */
static unsigned retry_after(const struct conf *conf)
{
	uint32_t random = 0;
	if (RAND_bytes((unsigned char *)&random, sizeof random) != 1)
		random = 0;
	return (unsigned)(conf->http.retry_min + random % (conf->http.retry_max - conf->http.retry_min + 1));
}

/* Firmware as its User-Agent has it, if that is of the vendor at hand. */
static const char *firmware_for(const struct fetch *fetch, const struct vendor *vendor)
{
	return fetch->agent.vendor == vendor ? fetch->agent.firmware : "";
}

/* Does the phone have these very bytes? Then there is nothing to render. */
static bool unchanged(struct fetch *fetch, const struct fingerprint *fingerprint)
{
	struct answer *answer = &fetch->answer;
	answer->fingerprint = *fingerprint;
	answer->tagged = true;
	if (!*fetch->request.if_none_match || !fingerprint_matches(fingerprint, fetch->request.if_none_match))
		return false;
	answer->result = RESULT_NOT_MODIFIED;
	answer->status = 304;
	answer->body = "";
	return true;
}

static void serve_common(struct fetch *fetch)
{
	struct answer *answer = &fetch->answer;
	const struct model *model = fetch->verdict.file.common_model;
	const struct model_variant *variant = model_variant_for(model, firmware_for(fetch, model->vendor));
	const struct common *common = commons_find(fetch->service->commons, variant);
	if (!common) {
		respond_error(answer, RESULT_ABSENT_FILE, "the model has no common file in this dialect");
		return;
	}
	if (unchanged(fetch, &common->fingerprint))
		return;
	answer->result = RESULT_COMMON;
	answer->status = 200;
	answer->body = common->body;
	answer->size = common->size;
	answer->content_type = variant->dialect->content_type;
}

static void serve_device(struct fetch *fetch)
{
	struct answer *answer = &fetch->answer;
	struct device *device = &fetch->verdict.device;
	const struct model_variant *variant = model_variant_for(device->model, firmware_for(fetch, device->model->vendor));
	struct fingerprint fingerprint;
	if (device->fault) {
		respond_error(answer, RESULT_RENDER_ERROR, device->fault);
		return;
	}
	device_fingerprint(device, fetch->fingerprints, fetch->verdict.rule->name, variant->dialect, &fingerprint);
	if (unchanged(fetch, &fingerprint))
		return;
	enum error_code code = device_write(device, variant, &fetch->arena, &fetch->body, &fetch->error);
	if (!code && (fetch->body.overflow || !fetch->body.size))
		code = error_set(&fetch->error, ERROR_RANGE, fetch->body.overflow ? "the file is too large" : "the file is empty");
	if (code) {
		respond_error(answer, RESULT_RENDER_ERROR, fetch->error.message);
		return;
	}
	answer->result = RESULT_OK;
	answer->status = 200;
	answer->body = fetch->body.data;
	answer->size = fetch->body.size;
	answer->content_type = device->encrypted ? DEVICE_ENCRYPTED_TYPE : variant->dialect->content_type;
	fingerprint_body(fetch->fingerprints, fingerprint.nonce, answer->body, answer->size, answer->digest);
	answer->digested = true;
}

static void next_id(struct fetch *fetch)
{
	fetch->count++;
	for (size_t i = 0; i < sizeof fetch->count; i++)
		fetch->id[RECORD_ID - 1 - i] = (unsigned char)(fetch->count >> 8 * i);
}

/* All ways that are offered, in the configuration's order; one nonce for all of them. */
static const char *challenges(struct fetch *fetch, int64_t now)
{
	const struct service *service = fetch->service;
	char nonce[DIGEST_NONCE_TEXT] = "";
	const char *lines = "";
	for (size_t i = 0; i < service->challenge_count; i++) {
		if (service->challenges[i].digest && !*nonce)
			digest_nonce(fetch->access.digests, now, nonce);
		lines = service->challenges[i].digest
			? arena_printf(&fetch->arena, "%s%s%s\"%s\r\n", lines, service->challenges[i].text, nonce, fetch->verdict.stale ? ", stale=true" : "")
			: arena_printf(&fetch->arena, "%s%s", lines, service->challenges[i].text);
	}
	return lines;
}

/* The credentials are good, and whose they are. */
static void authorize(struct fetch *fetch)
{
	fetch->answer.result = RESULT_AUTHORIZED;
	fetch->answer.status = 200;
	fetch->answer.body = "";
	fetch->answer.content_type = "text/plain";
	fetch->answer.device = fetch->verdict.user.digits;
}

void fetch_end(struct fetch *fetch, bool sent)
{
	struct error error;
	if (fetch->verdict.claimed && access_end(&fetch->access, &fetch->verdict, fetch->id, sent && fetch->answer.status == 200, &error))
		log_warning("%s: the use of its enrolment window stays open for 30 s: %s", fetch->verdict.user.digits, error.message);
	fetch->verdict.claimed = false;
}

void fetch_answer(struct fetch *fetch, char *const *parameters, int64_t at)
{
	struct request *request = &fetch->request;
	struct answer *answer = &fetch->answer;
	const struct verdict *verdict = &fetch->verdict;
	next_id(fetch);
	request_parse(request, parameters, &fetch->service->hops, &fetch->service->identity.names, &fetch->arena);
	identify_agent(fetch->service->catalogue, request->user_agent, request->user_agent_length, &fetch->agent);
	access_decide(&fetch->access, request, at / 1000000, fetch->id, &fetch->arena, &fetch->verdict);
	*answer = (struct answer){.detail = verdict->detail, .head = request->method == METHOD_HEAD};
	if (verdict->result == RESULT_OK)
		serve_device(fetch);
	else if (verdict->result == RESULT_COMMON)
		serve_common(fetch);
	else if (verdict->result == RESULT_AUTHORIZED)
		authorize(fetch);
	else
		respond_error(answer, verdict->result, verdict->detail);
	if (request->fault == REQUEST_HEADER_LARGE && answer->result == RESULT_TOO_LARGE)
		answer->status = 431;
	if (verdict->identity.authorize && answer->status == 404) /* auth_request knows 401 and 403, and makes 500 of anything else */
		answer->status = 403;
	if (answer->status == 401)
		answer->challenges = challenges(fetch, at / 1000000);
	if (answer->status == 503)
		answer->retry_after = retry_after(fetch->service->conf);
	respond_head(answer, &fetch->head);
}

static void note(struct fetch *fetch, const char *what, const char *claimed, const char *known)
{
	size_t used = strlen(fetch->note);
	snprintf(fetch->note + used, sizeof fetch->note - used, "%sUser-Agent's %s is %s, not %s", used ? "; " : "", what, claimed, known);
}

/* Where what the User-Agent says and what we know do not fit: it decides nothing, but an operator wants to know. */
static void note_contradictions(struct fetch *fetch)
{
	const struct identify_agent *agent = &fetch->agent;
	const struct verdict *verdict = &fetch->verdict;
	const struct model *model = verdict->identified ? verdict->device.model : NULL;
	if (agent->has_mac && verdict->file.has_mac && strcmp(agent->mac.digits, verdict->file.mac.digits))
		note(fetch, "MAC", agent->mac.digits, verdict->file.mac.digits);
	if (model && agent->vendor && agent->vendor != model->vendor)
		note(fetch, "vendor", agent->vendor->id, model->vendor->id);
	else if (model && agent->model && agent->model != model)
		note(fetch, "model", agent->model->id, model->id);
	if (verdict->result == RESULT_NOT_ENTITLED) {
		size_t used = strlen(fetch->note);
		snprintf(fetch->note + used, sizeof fetch->note - used, "%sthe credentials are those of %s", used ? "; " : "", verdict->user.digits);
	}
}

static struct text text_of(const char *text)
{
	return (struct text){text, (uint32_t)strlen(text)};
}

static void record_texts(struct fetch *fetch, struct text texts[RECORD_TEXTS])
{
	const struct request *request = &fetch->request;
	const struct identify_agent *agent = &fetch->agent;
	const struct verdict *verdict = &fetch->verdict;
	if (verdict->identified)
		texts[RECORD_TENANT] = text_of(verdict->device.tenant_id);
	texts[RECORD_FILE] = (struct text){request->file, (uint32_t)request->file_length};
	texts[RECORD_METHOD] = text_of(request->method_name);
	texts[RECORD_DETAIL] = text_of(fetch->answer.detail);
	texts[RECORD_ADDRESS] = text_of(request->address);
	texts[RECORD_USER_AGENT] = (struct text){request->user_agent, (uint32_t)request->user_agent_length};
	texts[RECORD_VENDOR] = text_of(agent->vendor ? agent->vendor->id : "");
	texts[RECORD_MODEL] = text_of(agent->model ? agent->model->id : agent->model_name);
	texts[RECORD_FIRMWARE] = text_of(agent->firmware);
	texts[RECORD_NOTE] = text_of(fetch->note);
}

/* Is it the file that this device's phones fetch? Where its vendor was not asked, the name's own rule says so. */
static bool own_file(const struct verdict *verdict, enum result result)
{
	const struct file_rule *rule = verdict->rule ? verdict->rule : verdict->file.rule;
	return result != RESULT_UNKNOWN_FILE && rule && rule->answer == FILE_DEVICE;
}

void fetch_record(struct fetch *fetch, int64_t at, uint32_t microseconds, struct record *record_r)
{
	const struct verdict *verdict = &fetch->verdict;
	const struct answer *answer = &fetch->answer;
	struct record_head *head = &record_r->head;
	bool own = verdict->identified && (!verdict->file.has_mac || !strcmp(verdict->file.mac.digits, verdict->user.digits));
	memset(record_r, 0, sizeof *record_r);
	note_contradictions(fetch);
	head->at = at;
	memcpy(head->id, fetch->id, RECORD_ID);
	if (verdict->file.has_mac)
		head->mac = verdict->file.mac;
	else if (verdict->identified)
		head->mac = verdict->user;
	head->result = (uint8_t)answer->result;
	head->status = (uint16_t)answer->status;
	head->identity = (uint8_t)(verdict->identified ? verdict->way : IDENTITY_NONE);
	memcpy(head->generation, verdict->identified ? verdict->generation : "", verdict->identified ? sizeof head->generation : 0);
	head->bytes = (uint32_t)respond_body_size(answer);
	head->microseconds = microseconds;
	head->state = own && own_file(verdict, answer->result);
	head->delivered = head->state && answer->tagged && !answer->head;
	if (head->delivered) {
		memcpy(head->inputs, verdict->device.inputs, DEVICE_INPUTS);
		memcpy(head->nonce, answer->fingerprint.nonce, FINGERPRINT_NONCE);
	}
	head->has_digest = answer->digested;
	memcpy(head->digest, answer->digest, FINGERPRINT_DIGEST);
	record_texts(fetch, record_r->texts);
}

bool fetch_pack(const struct fetch *fetch, struct pack_record *pack_r)
{
	const struct device *device = &fetch->verdict.device;
	if (!device->pack.text)
		return false;
	*pack_r = (struct pack_record){.mac = device->mac, .sealed = device->pack, .tenant_id = text_of(device->tenant_id),
		.site_id = text_of(device->pack_site_id), .profile_id = text_of(device->pack_profile_id)};
	memcpy(pack_r->revision, device->inputs, REVISION_SIZE);
	return true;
}

void fetch_clear(struct fetch *fetch)
{
	if (fetch->request.authorization)
		wipe(fetch->request.authorization, strlen(fetch->request.authorization));
	token_forget(fetch->access.tokens);
	arena_clear(&fetch->arena);
	buf_wipe(&fetch->body);
	buf_clear(&fetch->head);
	wipe(&fetch->verdict, sizeof fetch->verdict);
	fetch->request = (struct request){0};
	fetch->error.message[0] = 0;
	fetch->note[0] = 0;
}
