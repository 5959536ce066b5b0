/* Every proof of an identity against every policy and kind of request, against a store of this test's own. */
#include "store_double.h"

#define REALM "dialtone"
#define NOW 1000000000
#define INSIDE "192.0.2.7"
#define OUTSIDE "203.0.113.7"
#define FOREIGN_ISSUER "CN=Rogue"
#define ISSUER "CN=Yealink Equipment Issuing CA"
#define FINE_HASH "1111111111111111111111111111111111111111111111111111111111111111"
#define DENIED_HASH "2222222222222222222222222222222222222222222222222222222222222222"

/* Who asks, by what: the columns of the matrix are set one by one. */
enum way {
	NO_WAY, BASIC_TOKEN, BASIC_OLD, BASIC_PREVIOUS, BASIC_WRONG, BASIC_OTHERS, BASIC_PASSWORD, BASIC_PASSWORD_MAC, BASIC_PASSWORD_WRONG, BASIC_USER_WRONG, BASIC_SHAPED,
	DIGEST_TOKEN, DIGEST_TOKEN_SHA256, DIGEST_OLD, DIGEST_PREVIOUS, DIGEST_OTHERS, DIGEST_PASSWORD, DIGEST_WRONG, DIGEST_REPLAY, DIGEST_STALE, DIGEST_FUTURE, DIGEST_FOREIGN, DIGEST_REALM,
	DIGEST_URI, DIGEST_METHOD, DIGEST_TORN, PROXIED, PROXIED_OTHER, PROXIED_TOKEN, PROXIED_OLD
};
enum paper { NO_PAPER, PAPER, PAPER_OTHER, PAPER_DENIED, PAPER_NO_HASH, PAPER_ROGUE, PAPER_UNVERIFIED, PAPER_VENDOR };
enum kind { A_GET, A_HEAD, A_POST, AN_AUTHORIZE, OF_DISABLED, OF_NOBODY, OF_COMMON, OF_BOOT, OF_OTHER };

static const struct request_names all_names = {.list = {[REQUEST_CERTIFICATE_VERIFY] = {"D_VERIFY", 8}, [REQUEST_CERTIFICATE_SUBJECT] = {"D_SUBJECT", 9},
	[REQUEST_CERTIFICATE_ISSUER] = {"D_ISSUER", 8}, [REQUEST_CERTIFICATE_SHA256] = {"D_SHA256", 8}, [REQUEST_DEVICE] = {"D_DEVICE", 8}, [REQUEST_AUTHORIZE] = {"D_AUTHORIZE", 11}}};

struct asking {
	enum way way;
	enum paper paper;
	enum kind kind;
	const char *address;
};

static struct digest_maker *digests;
static struct replay *replays;
static const struct credential_row everything = {.generation = GENERATION, .previous = "bbbbbbbbbb", .user = "prov 7", .password = "Ahghoo8a", .networks = "192.0.2.0/24",
	.in_network = true};

static const char *path_of(enum kind kind)
{
	return kind == OF_DISABLED ? "/" DISABLED ".cfg" : kind == OF_NOBODY ? "/" NOBODY ".cfg" : kind == OF_COMMON ? "/y000000000096.cfg" : kind == OF_BOOT ? "/" A ".boot" :
		kind == OF_OTHER ? "/" B ".cfg" : "/" A ".cfg";
}

/* Whose it is: his own file's, but for kinds that say otherwise. */
static const char *owner_of(enum kind kind)
{
	return kind == OF_DISABLED ? DISABLED : kind == OF_NOBODY ? NOBODY : A;
}

static void in_hex(const unsigned char *bytes, size_t size, char *out)
{
	for (size_t i = 0; i < size; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

/* H of a printed text, by OpenSSL and not by digest.c. */
static void hashed(bool sha256, char *out, const char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size;
	ck_assert(EVP_Digest(text, strlen(text), digest, &size, sha256 ? EVP_sha256() : EVP_md5(), NULL) == 1);
	in_hex(digest, size, out);
}

static char *digest_header(const char *user, const char *password, const char *realm, const char *method, const char *uri, int64_t made, bool foreign, bool sha256)
{
	static char header[1024];
	char nonce[DIGEST_NONCE_TEXT], ha1[65], ha2[65], response[65], text[512];
	digest_nonce(digests, made, nonce);
	if (foreign)
		nonce[20] = nonce[20] == '0' ? '1' : '0';
	snprintf(text, sizeof text, "%s:%s:%s", user, realm, password);
	hashed(sha256, ha1, text);
	snprintf(text, sizeof text, "%s:%s", method, uri);
	hashed(sha256, ha2, text);
	snprintf(text, sizeof text, "%s:%s:00000001:0a4f113b:auth:%s", ha1, nonce, ha2);
	hashed(sha256, response, text);
	snprintf(header, sizeof header, "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", nc=00000001, cnonce=\"0a4f113b\", qop=auth, response=\"%s\"%s", user, realm, nonce,
		uri, response, sha256 ? ", algorithm=SHA-256" : "");
	return header;
}

static const char *token_text(const char *digits, const char *generation)
{
	static char password[TOKEN_LENGTH + 1];
	struct mac mac;
	ck_assert(mac_parse(digits, strlen(digits), &mac));
	token_make(tokens, &mac, generation, password);
	return password;
}

static char *authorization_of(const struct asking *asking)
{
	static char nothing[1];
	const char *who = owner_of(asking->kind), *uri = path_of(asking->kind), *method = asking->kind == A_HEAD ? "HEAD" : asking->kind == A_POST ? "POST" : "GET";
	switch (asking->way) {
	case BASIC_TOKEN:
	case PROXIED_TOKEN: return token_of(who, GENERATION);
	case BASIC_OLD:
	case PROXIED_OLD: return token_of(who, OLD);
	case BASIC_PREVIOUS: return token_of(who, "bbbbbbbbbb");
	case BASIC_WRONG: return basic(who, "0123456789000000000000000000000x");
	case BASIC_OTHERS: return token_of(B, GENERATION);
	case BASIC_PASSWORD: return basic("prov 7", "Ahghoo8a");
	case BASIC_PASSWORD_MAC: return basic(who, "Ahghoo8a");
	case BASIC_PASSWORD_WRONG: return basic("prov 7", "Ahghoo8b");
	case BASIC_USER_WRONG: return basic("prov 8", "Ahghoo8a");
	case BASIC_SHAPED: return basic("prov 7", "0123456789000000000000000000000x");
	case DIGEST_TOKEN:
	case DIGEST_REPLAY: return digest_header(who, token_text(who, GENERATION), REALM, method, uri, NOW, false, false);
	case DIGEST_TOKEN_SHA256: return digest_header(who, token_text(who, GENERATION), REALM, method, uri, NOW, false, true);
	case DIGEST_OLD: return digest_header(who, token_text(who, OLD), REALM, method, uri, NOW, false, false);
	case DIGEST_PREVIOUS: return digest_header(who, token_text(who, "bbbbbbbbbb"), REALM, method, uri, NOW, false, false);
	case DIGEST_OTHERS: return digest_header(B, token_text(B, GENERATION), REALM, method, uri, NOW, false, false);
	case DIGEST_PASSWORD: return digest_header("prov 7", "Ahghoo8a", REALM, method, uri, NOW, false, false);
	case DIGEST_WRONG: return digest_header("prov 7", "Ahghoo8b", REALM, method, uri, NOW, false, false);
	case DIGEST_STALE: return digest_header(who, token_text(who, GENERATION), REALM, method, uri, NOW - 301, false, false);
	case DIGEST_FUTURE: return digest_header(who, token_text(who, GENERATION), REALM, method, uri, NOW + 61, false, false);
	case DIGEST_FOREIGN: return digest_header(who, token_text(who, GENERATION), REALM, method, uri, NOW, true, false);
	case DIGEST_REALM: return digest_header(who, token_text(who, GENERATION), "other", method, uri, NOW, false, false);
	case DIGEST_URI: return digest_header(who, token_text(who, GENERATION), REALM, method, "/" B ".cfg", NOW, false, false);
	case DIGEST_METHOD: return digest_header(who, token_text(who, GENERATION), REALM, "PUT", uri, NOW, false, false);
	case DIGEST_TORN: return strcpy(basic("", ""), "Digest username=\"805ec0aabb01\"");
	default: return nothing;
	}
}

static enum result ask(const struct asking *asking, bool again, struct verdict *verdict)
{
	static const struct hops none;
	static char held[1024];
	const char *who = owner_of(asking->kind), *method = asking->kind == A_HEAD ? "HEAD" : asking->kind == A_POST ? "POST" : "GET";
	char texts[9][256];
	char *list[10];
	size_t count = 0;
	struct request request;
	const struct identity_rules rules = {.names = all_names};
	const struct access access = {.catalogue = catalogue, .tokens = tokens, .digests = digests, .replay = replays, .rules = &rules, .realm = REALM, .nonce_lifetime = 300,
		.plain_refused = true, .passwords = true, .enrolment = true, .networks = true};
	snprintf(texts[count++], sizeof *texts, "REQUEST_METHOD=%s", method);
	snprintf(texts[count++], sizeof *texts, "REQUEST_URI=%s", path_of(asking->kind));
	snprintf(texts[count++], sizeof *texts, "HTTPS=on");
	snprintf(texts[count++], sizeof *texts, "REMOTE_ADDR=%s", asking->address);
	if (asking->paper) {
		snprintf(texts[count++], sizeof *texts, "D_VERIFY=%s", asking->paper == PAPER_UNVERIFIED ? "FAILED:expired" : "SUCCESS");
		snprintf(texts[count++], sizeof *texts, "D_SUBJECT=CN=%s", asking->paper == PAPER_OTHER ? B : who);
		snprintf(texts[count++], sizeof *texts, "D_ISSUER=%s", asking->paper == PAPER_ROGUE ? FOREIGN_ISSUER : ISSUER);
		snprintf(texts[count++], sizeof *texts, "D_SHA256=%s", asking->paper == PAPER_DENIED ? DENIED_HASH : asking->paper == PAPER_NO_HASH ? "" : FINE_HASH);
	}
	if (asking->way >= PROXIED)
		snprintf(texts[count++], sizeof *texts, "D_DEVICE=%s", asking->way == PROXIED_OTHER ? B : who);
	else if (asking->kind == AN_AUTHORIZE)
		snprintf(texts[count++], sizeof *texts, "D_AUTHORIZE=1");
	for (size_t i = 0; i < count; i++)
		list[i] = texts[i];
	list[count] = NULL;
	arena_clear(&arena);
	request_parse(&request, list, &none, &all_names, &arena);
	if (!again) /* a replay has the bytes of the first */
		snprintf(held, sizeof held, "%s", authorization_of(asking));
	request.authorization = held;
	access_decide(&access, &request, NOW, no_id, &arena, verdict);
	if (verdict->claimed) {
		struct error error;
		ck_assert_int_eq(access_end(&access, verdict, no_id, true, &error), ERROR_NONE);
	}
	return verdict->result;
}

/* As at the beginning: the usual policies, one certificate denied, one network, one use left. */
static void hang_up(void)
{
	static const struct layer_fingerprint denied = {.sha256 = {[0 ... 31] = 0x22}};
	static const struct network inside = {.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2}, .bits = 120};
	forget();
	credential_row = &everything;
	provider_rows.denied = &denied;
	provider_rows.denied_count = 1;
	tenant_rows.networks = &inside;
	tenant_rows.network_count = 1;
	uses_left = 1;
}

static void set_up_proofs(void)
{
	set_up();
	digests = digest_maker_new(ring);
	replays = replay_new();
	hang_up();
}

static void tear_down_proofs(void)
{
	digest_maker_free(&digests);
	replay_free(&replays);
	tear_down();
}

/* Policies by name; 0 ends a list. The usual ones are none at all. */
enum { T = PROOF_TOKEN, P = PROOF_PASSWORD, C = PROOF_CERTIFICATE, N = PROOF_NETWORK };

/* What each proof is worth by itself, from outside the networks and from inside, against each set of policies. */
static const struct { const char *name; enum way way; enum paper paper; unsigned outside, inside; } proofs[] = {
	{"nothing", NO_WAY, NO_PAPER, 0, N},
	{"token", BASIC_TOKEN, NO_PAPER, T, T | N},
	{"token of the previous generation", BASIC_PREVIOUS, NO_PAPER, T, T | N},
	{"token of the proxy's check", PROXIED, NO_PAPER, T, T | N},
	{"token, SHA-256", DIGEST_TOKEN_SHA256, NO_PAPER, T, T | N},
	{"token by Digest", DIGEST_TOKEN, NO_PAPER, T, T | N},
	{"token by Digest, previous", DIGEST_PREVIOUS, NO_PAPER, T, T | N},
	{"password", BASIC_PASSWORD, NO_PAPER, P, P | N},
	{"password by Digest", DIGEST_PASSWORD, NO_PAPER, P, P | N},
	{"certificate", NO_WAY, PAPER, C, C | N},
	{"certificate and token", BASIC_TOKEN, PAPER, C | T, C | T | N},
	{"certificate and Digest", DIGEST_TOKEN, PAPER, C | T, C | T | N},
	{"certificate and password", BASIC_PASSWORD, PAPER, C | P, C | P | N},
	{"certificate of another beside a token", BASIC_TOKEN, PAPER_OTHER, T, T | N},
	{"denied certificate beside a token", BASIC_TOKEN, PAPER_DENIED, T, T | N},
	{"certificate whose hash is not told, beside a token", BASIC_TOKEN, PAPER_NO_HASH, T, T | N},
	{"rogue certificate beside a token", BASIC_TOKEN, PAPER_ROGUE, T, T | N},
	{"unverified certificate beside a token", BASIC_TOKEN, PAPER_UNVERIFIED, T, T | N},
	{"denied certificate", NO_WAY, PAPER_DENIED, 0, N},
	{"certificate whose hash is not told", NO_WAY, PAPER_NO_HASH, 0, N},
	{"rogue certificate", NO_WAY, PAPER_ROGUE, 0, N},
	{"unverified certificate", NO_WAY, PAPER_UNVERIFIED, 0, N},
	{"wrong token and a certificate", BASIC_WRONG, PAPER, C, C | N},
	{"replay and a certificate", DIGEST_STALE, PAPER, C, C | N},
};

static const uint8_t policy_rows[][4] = {
	{0}, {T}, {P}, {C}, {N}, {T | N}, {P | N}, {C | N}, {T | C}, {P | C}, {T | C | N}, {T, P}, {C, T}, {N, T}, {C | N, T | N}, {T | C, P | N}, {T, P, C, N},
};

static bool meets(const uint8_t policies[4], unsigned has)
{
	static const uint8_t usual[4] = {T, P};
	const uint8_t *those = *policies ? policies : usual;
	for (size_t i = 0; i < 4 && those[i]; i++)
		if ((those[i] & has) == those[i])
			return true;
	return false;
}

static void hang(struct layer_rows *layer, const uint8_t policies[4])
{
	layer->policies = policies;
	for (layer->policy_count = 0; layer->policy_count < 4 && policies[layer->policy_count];)
		layer->policy_count++;
}

/* Own policies go before the tenant's: `whose` 0 the device's, beside a tenant's that says the opposite; 1 the tenant's. */
START_TEST(test_proofs)
{
	static const uint8_t impossible[4] = {T | C | N, P | C | N}, easy[4] = {T, P, C, N};
	set_up_proofs();
	for (size_t p = 0; p < ROWS(policy_rows); p++)
		for (int whose = 0; whose < 2; whose++)
			for (int inside = 0; inside < 2; inside++) {
				struct verdict verdict;
				struct asking asking = {proofs[_i].way, proofs[_i].paper, A_GET, inside ? INSIDE : OUTSIDE};
				unsigned has = inside ? proofs[_i].inside : proofs[_i].outside;
				struct credential_row row = everything;
				hang_up();
				row.networks = NULL; /* windows have a test of their own */
				credential_row = &row;
				bool should = meets(policy_rows[p], has);
				if (whose == 0 && *policy_rows[p])
					hang(&tenant_rows, should ? impossible : easy);
				hang(whose ? &tenant_rows : &device_rows, policy_rows[p]);
				enum result result = ask(&asking, false, &verdict);
				ck_assert_msg((result == RESULT_OK) == should, "%s, policies %zu, whose %d, inside %d: %s (%s)", proofs[_i].name, p, whose, inside, result_name(result),
					verdict.detail);
				ck_assert_uint_eq(claims, 0);
				if (should) {
					ck_assert_msg(verdict.proofs == has, "%s, inside %d: proofs %u", proofs[_i].name, inside, verdict.proofs);
					ck_assert(verdict.identified && !strcmp(verdict.user.digits, A));
					ck_assert(identity_proven(verdict.way) == ((has & (T | P | C)) != 0));
					ck_assert(!*verdict.generation || (has & T));
				} else {
					ck_assert(!verdict.identified);
					ck_assert_msg(result == RESULT_CHALLENGE || result == RESULT_STALE_CREDENTIALS || result == RESULT_POLICY, "%s: %s", proofs[_i].name, result_name(result));
				}
				ck_assert_uint_le(asked, 1);
				ck_assert_uint_le(looked_up, 1);
			}
	tear_down_proofs();
}
END_TEST

/* One request each, with the usual policies and a window for 192.0.2.0/24 with one use; how often the store and the credentials were read, and the window asked for a use. */
static const struct {
	struct asking asking;
	enum result result;
	unsigned store, credentials, claims;
	enum identity_way way;
} kinds[] = {
	/* what is wrong */
	{{BASIC_WRONG, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 0, 0, 0},
	{{BASIC_WRONG, NO_PAPER, A_GET, INSIDE}, RESULT_BAD_CREDENTIALS, 0, 0, 0, 0},
	{{BASIC_SHAPED, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 0, 0, 0},
	{{BASIC_OLD, NO_PAPER, A_GET, OUTSIDE}, RESULT_STALE_CREDENTIALS, 1, 0, 0, 0},
	{{BASIC_OTHERS, NO_PAPER, A_GET, OUTSIDE}, RESULT_NOT_ENTITLED, 1, 0, 0, IDENTITY_TOKEN},
	{{BASIC_PASSWORD_WRONG, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 1, 0, 0},
	{{BASIC_USER_WRONG, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 1, 0, 0},
	{{BASIC_PASSWORD_MAC, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 1, 0, 0}, /* the row names another user */
	{{DIGEST_WRONG, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 1, 0, 0},
	{{DIGEST_OLD, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 1, 0, 0},
	{{DIGEST_OTHERS, NO_PAPER, A_GET, OUTSIDE}, RESULT_NOT_ENTITLED, 1, 1, 0, IDENTITY_DIGEST},
	{{DIGEST_STALE, NO_PAPER, A_GET, OUTSIDE}, RESULT_CHALLENGE, 0, 0, 0, 0},
	{{DIGEST_STALE, NO_PAPER, A_GET, INSIDE}, RESULT_CHALLENGE, 0, 0, 0, 0}, /* the window is not for who has credentials */
	{{DIGEST_FUTURE, NO_PAPER, A_GET, OUTSIDE}, RESULT_CHALLENGE, 0, 0, 0, 0},
	{{DIGEST_FOREIGN, NO_PAPER, A_GET, OUTSIDE}, RESULT_CHALLENGE, 0, 0, 0, 0},
	{{DIGEST_REALM, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 0, 0, 0},
	{{DIGEST_URI, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 0, 0, 0},
	{{DIGEST_METHOD, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 1, 0, 0},
	{{DIGEST_TORN, NO_PAPER, A_GET, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 0, 0, 0},
	{{PROXIED_OTHER, NO_PAPER, A_GET, OUTSIDE}, RESULT_NOT_ENTITLED, 1, 0, 0, IDENTITY_PROXY},
	{{PROXIED_OLD, NO_PAPER, A_GET, OUTSIDE}, RESULT_STALE_CREDENTIALS, 1, 0, 0, 0}, /* the proxy has not heard yet that it is over */
	{{NO_WAY, PAPER_OTHER, A_GET, OUTSIDE}, RESULT_CHALLENGE, 1, 0, 0, 0},
	/* what is right */
	{{BASIC_TOKEN, NO_PAPER, A_GET, OUTSIDE}, RESULT_OK, 1, 0, 0, IDENTITY_TOKEN},
	{{BASIC_TOKEN, NO_PAPER, A_HEAD, OUTSIDE}, RESULT_OK, 1, 0, 0, IDENTITY_TOKEN},
	{{BASIC_TOKEN, NO_PAPER, A_GET, INSIDE}, RESULT_OK, 1, 0, 0, IDENTITY_TOKEN}, /* takes no use */
	{{BASIC_PASSWORD, NO_PAPER, A_GET, OUTSIDE}, RESULT_OK, 1, 1, 0, IDENTITY_PASSWORD},
	{{DIGEST_TOKEN, NO_PAPER, A_GET, OUTSIDE}, RESULT_OK, 1, 1, 0, IDENTITY_DIGEST},
	{{DIGEST_TOKEN, NO_PAPER, A_HEAD, OUTSIDE}, RESULT_OK, 1, 1, 0, IDENTITY_DIGEST},
	{{DIGEST_PASSWORD, NO_PAPER, A_GET, OUTSIDE}, RESULT_OK, 1, 1, 0, IDENTITY_DIGEST_PASSWORD},
	{{BASIC_TOKEN, PAPER, A_GET, OUTSIDE}, RESULT_OK, 1, 0, 0, IDENTITY_CERTIFICATE_TOO},
	{{PROXIED, NO_PAPER, A_GET, OUTSIDE}, RESULT_OK, 1, 0, 0, IDENTITY_PROXY},
	{{PROXIED_TOKEN, NO_PAPER, A_GET, OUTSIDE}, RESULT_OK, 1, 0, 0, IDENTITY_PROXY},
	/* the window */
	{{NO_WAY, NO_PAPER, A_GET, INSIDE}, RESULT_OK, 1, 1, 1, IDENTITY_ENROLMENT},
	{{NO_WAY, NO_PAPER, A_GET, OUTSIDE}, RESULT_CHALLENGE, 1, 1, 0, 0},
	{{NO_WAY, NO_PAPER, A_GET, "rubbish"}, RESULT_CHALLENGE, 0, 0, 0, 0},
	{{NO_WAY, NO_PAPER, A_HEAD, INSIDE}, RESULT_CHALLENGE, 1, 1, 0, 0},
	{{NO_WAY, NO_PAPER, OF_DISABLED, INSIDE}, RESULT_CHALLENGE, 1, 1, 0, 0},
	{{NO_WAY, NO_PAPER, OF_NOBODY, INSIDE}, RESULT_CHALLENGE, 0, 1, 0, 0},
	{{NO_WAY, NO_PAPER, OF_BOOT, INSIDE}, RESULT_ABSENT_FILE, 1, 1, 0, IDENTITY_ENROLMENT},
	{{NO_WAY, NO_PAPER, A_POST, INSIDE}, RESULT_METHOD, 0, 0, 0, 0},
	{{NO_WAY, PAPER, A_GET, INSIDE}, RESULT_OK, 1, 1, 1, IDENTITY_ENROLMENT}, /* a certificate that no policy asks for does not close it */
	{{NO_WAY, PAPER, A_GET, OUTSIDE}, RESULT_CHALLENGE, 1, 1, 0, 0},
	{{NO_WAY, PAPER, A_HEAD, INSIDE}, RESULT_CHALLENGE, 1, 1, 0, 0},
	{{NO_WAY, PAPER_DENIED, A_GET, INSIDE}, RESULT_OK, 1, 1, 1, IDENTITY_ENROLMENT},
	{{NO_WAY, PAPER_OTHER, A_GET, INSIDE}, RESULT_CHALLENGE, 1, 0, 0, 0},
	{{NO_WAY, PAPER_ROGUE, A_GET, INSIDE}, RESULT_OK, 1, 1, 1, IDENTITY_ENROLMENT},
	{{BASIC_OLD, NO_PAPER, A_GET, INSIDE}, RESULT_STALE_CREDENTIALS, 1, 0, 0, 0},
	/* others' files */
	{{BASIC_TOKEN, NO_PAPER, OF_OTHER, OUTSIDE}, RESULT_NOT_ENTITLED, 1, 0, 0, IDENTITY_TOKEN},
	{{DIGEST_TOKEN, NO_PAPER, OF_OTHER, OUTSIDE}, RESULT_NOT_ENTITLED, 1, 1, 0, IDENTITY_DIGEST},
	{{BASIC_TOKEN, NO_PAPER, OF_DISABLED, OUTSIDE}, RESULT_DISABLED, 1, 0, 0, IDENTITY_TOKEN},
	{{BASIC_TOKEN, NO_PAPER, OF_NOBODY, OUTSIDE}, RESULT_STALE_CREDENTIALS, 1, 0, 0, 0},
	{{DIGEST_TOKEN, NO_PAPER, OF_NOBODY, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 1, 0, 0},
	{{NO_WAY, NO_PAPER, OF_COMMON, OUTSIDE}, RESULT_COMMON, 0, 0, 0, 0},
	/* only asking */
	{{BASIC_TOKEN, NO_PAPER, AN_AUTHORIZE, OUTSIDE}, RESULT_AUTHORIZED, 1, 0, 0, IDENTITY_TOKEN},
	{{DIGEST_TOKEN, NO_PAPER, AN_AUTHORIZE, OUTSIDE}, RESULT_AUTHORIZED, 1, 1, 0, IDENTITY_DIGEST},
	{{BASIC_WRONG, NO_PAPER, AN_AUTHORIZE, OUTSIDE}, RESULT_BAD_CREDENTIALS, 0, 0, 0, 0},
	{{NO_WAY, NO_PAPER, AN_AUTHORIZE, INSIDE}, RESULT_CHALLENGE, 0, 0, 0, 0}, /* by no window */
	{{NO_WAY, PAPER, AN_AUTHORIZE, INSIDE}, RESULT_CHALLENGE, 1, 0, 0, 0},
	{{BASIC_OLD, NO_PAPER, AN_AUTHORIZE, OUTSIDE}, RESULT_STALE_CREDENTIALS, 1, 0, 0, 0},
};

START_TEST(test_kinds)
{
	struct verdict verdict;
	struct credential_row row = everything;
	set_up_proofs();
	row.in_network = false;
	credential_row = &row;
	tenant_rows.network_count = 0;
	enum result result = ask(&kinds[_i].asking, false, &verdict);
	ck_assert_msg(result == kinds[_i].result, "row %d: %s (%s)", _i, result_name(result), verdict.detail);
	/* the window's address is only known when the row is read: a challenge from outside costs no device */
	unsigned store = kinds[_i].asking.way == NO_WAY && kinds[_i].asking.paper == NO_PAPER && !strcmp(kinds[_i].asking.address, OUTSIDE) ? 0 : kinds[_i].store;
	ck_assert_msg(asked == store, "row %d: the store was asked %u times", _i, asked);
	ck_assert_msg(looked_up == kinds[_i].credentials, "row %d: credentials were read %u times", _i, looked_up);
	ck_assert_msg(claims == kinds[_i].claims && ends == claims && ended_delivered == (claims > 0), "row %d: %u claims, %u ends", _i, claims, ends);
	if (kinds[_i].way)
		ck_assert_msg(verdict.identified && verdict.way == kinds[_i].way, "row %d: way %d", _i, verdict.way);
	else
		ck_assert_msg(!verdict.identified || result == RESULT_CHALLENGE, "row %d", _i);
	if (kinds[_i].asking.way == PROXIED_TOKEN) /* what a rotation waits for */
		ck_assert_str_eq(verdict.generation, GENERATION);
	ck_assert_msg(verdict.stale == (kinds[_i].asking.way == DIGEST_STALE || kinds[_i].asking.way == DIGEST_FUTURE || kinds[_i].asking.way == DIGEST_FOREIGN), "row %d", _i);
	tear_down_proofs();
}
END_TEST

START_TEST(test_replay)
{
	struct verdict verdict;
	static const enum way all[] = {DIGEST_TOKEN, DIGEST_PASSWORD, DIGEST_PREVIOUS};
	for (size_t i = 0; i < ROWS(all); i++) {
		const struct asking asking = {all[i], NO_PAPER, A_GET, OUTSIDE}, papered = {all[i], PAPER, A_GET, OUTSIDE};
		static const uint8_t certificate[4] = {C};
		set_up_proofs();
		ck_assert_int_eq(ask(&asking, false, &verdict), RESULT_OK);
		ck_assert_int_eq(ask(&asking, true, &verdict), RESULT_CHALLENGE);
		ck_assert(verdict.stale && !verdict.identified && !verdict.proofs && !*verdict.generation);
		ck_assert_str_eq(verdict.detail, "this use of the nonce was seen before");
		/* beside a certificate that is enough it does not count, and does not harm */
		hang(&device_rows, certificate);
		ck_assert_int_eq(ask(&papered, true, &verdict), RESULT_OK);
		ck_assert(verdict.proofs == C && verdict.way == IDENTITY_CERTIFICATE && !*verdict.generation);
		tear_down_proofs();
	}
}
END_TEST

/* A wrong response does not use up the nonce's count: a stranger cannot spend a phone's. */
START_TEST(test_wrong_response_is_no_use)
{
	struct verdict verdict;
	const struct asking wrong = {DIGEST_WRONG, NO_PAPER, A_GET, OUTSIDE};
	set_up_proofs();
	ck_assert_int_eq(ask(&wrong, false, &verdict), RESULT_BAD_CREDENTIALS);
	ck_assert_int_eq(ask(&wrong, true, &verdict), RESULT_BAD_CREDENTIALS);
	tear_down_proofs();
}
END_TEST

START_TEST(test_window_used_up)
{
	struct verdict verdict;
	const struct asking asking = {NO_WAY, NO_PAPER, A_GET, INSIDE};
	struct credential_row row = everything;
	set_up_proofs();
	row.in_network = false;
	credential_row = &row;
	ck_assert_int_eq(ask(&asking, false, &verdict), RESULT_OK);
	ck_assert_int_eq(ask(&asking, false, &verdict), RESULT_CHALLENGE);
	ck_assert_str_eq(verdict.detail, "the enrolment window has no use left");
	ck_assert(!verdict.identified && !verdict.claimed && verdict.way == IDENTITY_NONE);
	/* the database breaks while it is claimed */
	uses_left = 1;
	claim_says = ERROR_DATABASE_GONE;
	ck_assert_int_eq(ask(&asking, false, &verdict), RESULT_DATABASE);
	ck_assert(!verdict.claimed);
	tear_down_proofs();
}
END_TEST

START_TEST(test_credentials_away)
{
	static const struct asking all[] = {{NO_WAY, NO_PAPER, A_GET, INSIDE}, {BASIC_PASSWORD, NO_PAPER, A_GET, OUTSIDE}, {DIGEST_TOKEN, NO_PAPER, A_GET, OUTSIDE},
		{NO_WAY, PAPER, A_GET, INSIDE}, {BASIC_PASSWORD, PAPER, A_GET, OUTSIDE}};
	struct verdict verdict;
	for (size_t i = 0; i < ROWS(all); i++) {
		set_up_proofs();
		credential_says = ERROR_DATABASE_GONE;
		ck_assert_int_eq(ask(&all[i], false, &verdict), RESULT_DATABASE);
		ck_assert(!verdict.identified);
		tear_down_proofs();
	}
}
END_TEST

/* The row says Fanvil: a Yealink certificate proves nothing for it. */
START_TEST(test_other_vendors_certificate)
{
	struct verdict verdict;
	static const uint8_t certificate[4] = {C};
	const struct asking asking = {NO_WAY, PAPER, A_GET, OUTSIDE};
	set_up_proofs();
	hang(&device_rows, certificate);
	ck_assert_int_eq(ask(&asking, false, &verdict), RESULT_OK);
	device_model = "fanvil-x4u";
	ck_assert_int_eq(ask(&asking, false, &verdict), RESULT_STALE_CREDENTIALS);
	ck_assert_str_eq(verdict.detail, "the certificate is another vendor's than the device");
	/* with nothing denied, a hash is not asked for */
	const struct asking hashless = {NO_WAY, PAPER_NO_HASH, A_GET, OUTSIDE};
	device_model = "yealink-t54w";
	ck_assert_int_eq(ask(&hashless, false, &verdict), RESULT_STALE_CREDENTIALS);
	provider_rows.denied_count = 0;
	ck_assert_int_eq(ask(&hashless, false, &verdict), RESULT_OK);
	tear_down_proofs();
}
END_TEST

UNIT_MAIN("proofs", {test_proofs, ROWS(proofs)}, {test_kinds, ROWS(kinds)}, {test_replay, 0}, {test_wrong_response_is_no_use, 0}, {test_window_used_up, 0},
	{test_credentials_away, 0}, {test_other_vendors_certificate, 0})
