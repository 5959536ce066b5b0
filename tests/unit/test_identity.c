/* identity.h: which parameters of a proxy's count, what they say, and the fingerprint of real certificates. */
#include "identity.h"

#include "unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

static struct arena arena;

/* -------- rules */

static char *configured(const char *text)
{
	static char path[512];
	snprintf(path, sizeof path, "%s", unit_write("dialtone.conf", text));
	return path;
}

/* The names live as long as the configuration: until the next one is loaded. */
static enum error_code load(const char *text, struct identity_rules *rules, struct error *error)
{
	static struct conf *conf;
	*error = (struct error){0};
	conf_free(&conf);
	conf = conf_load(configured(text), error);
	ck_assert_msg(conf != NULL, "%s", error->message);
	return identity_rules_load(conf, rules, error);
}

static const char *key_file(const char *name, const char *text, size_t size, mode_t mode)
{
	static char path[512];
	snprintf(path, sizeof path, "%s", unit_write_bytes(name, text, size));
	ck_assert(chmod(path, mode) == 0);
	return path;
}

#define UNIX "[pool]\nsocket = unix:/run/x\n[identity]\n"
#define TCP "[pool]\nsocket = 127.0.0.1:9000\n[identity]\n"
#define ALL "certificate_verify = A\ncertificate_subject = B\ncertificate_issuer = C\ncertificate_sha256 = D\n"

static const struct { const char *text; enum error_code code; const char *message; } rows[] = {
	{UNIX, ERROR_NONE, NULL},
	{TCP, ERROR_NONE, NULL},
	{UNIX ALL, ERROR_NONE, NULL},
	{UNIX "certificate_verify = A\ncertificate_subject = B\ncertificate_issuer = C\ncertificate_pem = D\n", ERROR_NONE, NULL},
	{UNIX "device = DIALTONE_DEVICE\n", ERROR_NONE, NULL},
	{UNIX "certificate_verify = A\ncertificate_subject = A\n", ERROR_RANGE, "[identity]: two options name the parameter A"},
	{UNIX "device = A\nauthorize = A\n", ERROR_RANGE, "[identity]: two options name the parameter A"},
	{UNIX "device = AB\nauthorize = A\n", ERROR_NONE, NULL},
	{UNIX "certificate_subject = B\ncertificate_issuer = C\ncertificate_sha256 = D\n", ERROR_MISSING, "identity.certificate_subject needs"},
	{UNIX "certificate_verify = A\ncertificate_subject = B\ncertificate_sha256 = D\n", ERROR_MISSING, "identity.certificate_subject needs"},
	{UNIX "certificate_verify = A\ncertificate_subject = B\ncertificate_issuer = C\n", ERROR_MISSING, "identity.certificate_subject needs"},
	{UNIX "proxy_key = K\n", ERROR_MISSING, "identity.proxy_key and identity.proxy_key_file go together"},
	{TCP "device = DIALTONE_DEVICE\n", ERROR_DENIED, "[identity]: pool.socket is no unix socket"},
	{TCP ALL, ERROR_DENIED, "[identity]: pool.socket is no unix socket"},
	{TCP "authorize = A\n", ERROR_DENIED, "[identity]: pool.socket is no unix socket"},
};

START_TEST(test_rules)
{
	struct identity_rules rules;
	struct error error;
	enum error_code code = load(rows[_i].text, &rules, &error);
	ck_assert_msg(code == rows[_i].code, "row %d: %d %s", _i, code, error.message);
	if (rows[_i].message)
		ck_assert_msg(strstr(error.message, rows[_i].message) == error.message, "row %d: %s", _i, error.message);
}
END_TEST

static const char *const bad_names[] = {"HTTP_X_DEVICE", "REMOTE_USER", "AUTH_TYPE", "REMOTE_ADDR", "REQUEST_URI", "REQUEST_METHOD", "HTTPS", "CONTENT_LENGTH", "a", "A-B", "A=B"};

START_TEST(test_bad_names)
{
	char text[256];
	struct error error = {0};
	snprintf(text, sizeof text, UNIX "device = %s\n", bad_names[_i]);
	ck_assert_msg(!conf_load(configured(text), &error), "%s was taken", bad_names[_i]);
	ck_assert_ptr_nonnull(strstr(error.message, "the name of a parameter of your own"));
}
END_TEST

static const struct { const char *key; size_t size; mode_t mode; enum error_code code; size_t length; const char *message; } keys[] = {
	{"0123456789abcdef", 16, 0600, ERROR_NONE, 16, NULL},
	{"0123456789abcdef\r\n \t", 20, 0640, ERROR_NONE, 16, NULL},
	{"0123456789abcde\n", 16, 0600, ERROR_RANGE, 0, "must hold 16 to 255 characters"},
	{"", 0, 0600, ERROR_RANGE, 0, "must hold 16 to 255 characters"},
	{"                    ", 20, 0600, ERROR_RANGE, 0, "must hold 16 to 255 characters"},
	{"0123456789abcdef", 16, 0604, ERROR_DENIED, 0, "is open to everybody; chmod o-rwx"},
	{"0123456789abcdef", 16, 0602, ERROR_DENIED, 0, "is open to everybody; chmod o-rwx"},
};

START_TEST(test_key_files)
{
	struct identity_rules rules;
	struct error error;
	char text[1024];
	snprintf(text, sizeof text, TCP "device = D\nproxy_key = K\nproxy_key_file = %s\n", key_file("key", keys[_i].key, keys[_i].size, keys[_i].mode));
	enum error_code code = load(text, &rules, &error);
	ck_assert_msg(code == keys[_i].code, "row %d: %d %s", _i, code, error.message);
	if (code) {
		ck_assert_msg(strstr(error.message, keys[_i].message) != NULL, "row %d: %s", _i, error.message);
		ck_assert_ptr_null(strstr(error.message, "0123456789"));
		return;
	}
	ck_assert_uint_eq(rules.key_length, keys[_i].length);
	ck_assert_str_eq(rules.names.list[REQUEST_PROXY_KEY].name, "K");
	identity_rules_wipe(&rules);
	static const struct identity_rules nothing;
	ck_assert_mem_eq(&rules, &nothing, sizeof rules);
}
END_TEST

START_TEST(test_other_keys)
{
	struct identity_rules rules;
	struct error error;
	char text[1024], large[400];
	memset(large, 'k', sizeof large);
	snprintf(text, sizeof text, UNIX "proxy_key = K\nproxy_key_file = %s\n", key_file("key", large, sizeof large, 0600));
	ck_assert_int_eq(load(text, &rules, &error), ERROR_RANGE);
	snprintf(text, sizeof text, UNIX "proxy_key = K\nproxy_key_file = %s/none\n", unit_folder);
	ck_assert_int_eq(load(text, &rules, &error), ERROR_SYSTEM);
	ck_assert_ptr_nonnull(strstr(error.message, "No such file"));
	snprintf(text, sizeof text, UNIX "proxy_key = K\nproxy_key_file = %s\n", unit_folder);
	ck_assert_int_eq(load(text, &rules, &error), ERROR_SYSTEM);
	/* the file without the parameter */
	snprintf(text, sizeof text, UNIX "proxy_key_file = %s\n", key_file("key", "0123456789abcdef", 16, 0600));
	ck_assert_int_eq(load(text, &rules, &error), ERROR_MISSING);
}
END_TEST

/* -------- reading */

static const struct catalogue *catalogue(void)
{
	static struct catalogue *loaded;
	struct error error = {0};
	if (!loaded)
		loaded = catalogue_load(unit_source("templates"), &error);
	ck_assert_msg(loaded != NULL, "%s", error.message);
	return loaded;
}

#define MAC "805ec0aabb01"
#define CN "CN=" MAC
#define ISSUER "CN=Yealink Equipment Issuing CA"
#define KEY "0123456789abcdef"

static struct request request_of(const char *verify, const char *subject, const char *issuer)
{
	struct request request = {.any_named = true};
	for (int i = 0; i < REQUEST_NAMED; i++)
		request.named[i] = "";
	request.named[REQUEST_CERTIFICATE_VERIFY] = verify;
	request.named[REQUEST_CERTIFICATE_SUBJECT] = subject;
	request.named[REQUEST_CERTIFICATE_ISSUER] = issuer;
	return request;
}

#define UNVERIFIED "the proxy could not verify the certificate"
static const struct { const char *verify, *subject, *issuer; bool counts; const char *why; } read_rows[] = {
	{"SUCCESS", CN, ISSUER, true, ""},
	{"NONE", "", "", false, ""},
	{"NONE", CN, ISSUER, false, ""},
	{"", CN, ISSUER, false, ""},
	{"FAILED:certificate has expired", CN, ISSUER, false, UNVERIFIED},
	{"FAILED", CN, ISSUER, false, UNVERIFIED},
	{"success", CN, ISSUER, false, UNVERIFIED},
	{"SUCCESS ", CN, ISSUER, false, UNVERIFIED},
	{"SUCCESSFUL", CN, ISSUER, false, UNVERIFIED},
	{"0", CN, ISSUER, false, UNVERIFIED},
	{"1", CN, ISSUER, false, UNVERIFIED},
	{"SUCCESS", "", "", false, "the certificate's subject or issuer is no distinguished name"},
	{"SUCCESS", "CN=x" MAC, ISSUER, false, "the certificate's common name is no MAC as this vendor writes it"},
	{"SUCCESS", CN, "CN=Rogue", false, "the certificate's issuer is no vendor's that the templates know"},
};

START_TEST(test_read)
{
	static const struct identity_rules rules;
	struct request request = request_of(read_rows[_i].verify, read_rows[_i].subject, read_rows[_i].issuer);
	struct identity identity;
	identity_read(&rules, catalogue(), &request, &identity);
	ck_assert_msg(identity.certificate == read_rows[_i].counts, "row %d", _i);
	ck_assert_str_eq(identity.certificate_why, read_rows[_i].why);
	ck_assert(!identity.proxied && !identity.authorize);
	if (identity.certificate) {
		ck_assert_str_eq(identity.certificate_mac.digits, MAC);
		ck_assert_str_eq(identity.certificate_vendor->id, "yealink");
	}
}
END_TEST

/* With a key, nothing counts without it; without one, all of it does. */
static const struct { const char *key; size_t length; const char *given; bool counts; } key_rows[] = {
	{"", 0, "", true}, {"", 0, "anything", true}, {KEY, 16, KEY, true}, {KEY, 16, "", false}, {KEY, 16, "0123456789abcdeF", false}, {KEY, 16, "0123456789abcde", false},
	{KEY, 16, KEY "0", false}, {KEY, 16, "1123456789abcdef", false},
};

START_TEST(test_key)
{
	struct identity_rules rules = {.key_length = key_rows[_i].length};
	struct request request = request_of("SUCCESS", CN, ISSUER);
	struct identity identity;
	memcpy(rules.key, key_rows[_i].key, key_rows[_i].length);
	request.named[REQUEST_PROXY_KEY] = key_rows[_i].given;
	request.named[REQUEST_DEVICE] = "80:5E:C0:AA:BB:02";
	request.named[REQUEST_AUTHORIZE] = "1";
	identity_read(&rules, catalogue(), &request, &identity);
	ck_assert_msg(identity.certificate == key_rows[_i].counts && identity.proxied == key_rows[_i].counts && identity.authorize == key_rows[_i].counts, "row %d", _i);
	if (identity.proxied)
		ck_assert_str_eq(identity.proxied_mac.digits, "805ec0aabb02");
	else
		ck_assert_str_eq(identity.certificate_why, "");
}
END_TEST

static const char *const no_devices[] = {"", "nobody", "805ec0aabb0", "805ec0aabb012", "805ec0aabb01 x", "*", "000000000000x"};

START_TEST(test_no_device)
{
	static const struct identity_rules rules;
	struct request request = request_of("", "", "");
	struct identity identity;
	request.named[REQUEST_DEVICE] = no_devices[_i];
	identity_read(&rules, catalogue(), &request, &identity);
	ck_assert_msg(!identity.proxied, "`%s`", no_devices[_i]);
}
END_TEST

START_TEST(test_nothing_named)
{
	static const struct identity_rules rules;
	struct request request = request_of("SUCCESS", CN, ISSUER);
	struct identity identity;
	request.any_named = false;
	identity_read(&rules, catalogue(), &request, &identity);
	ck_assert(!identity.certificate && !identity.proxied && !identity.authorize);
}
END_TEST

/* A parameter that [identity] names and that comes twice is a fault, also where the first is empty. */
static const struct { const char *first, *second; } doubled[] = {{"SUCCESS", "SUCCESS"}, {"NONE", "SUCCESS"}, {"", "SUCCESS"}, {"SUCCESS", ""}, {"", ""}};

START_TEST(test_doubled)
{
	static const struct request_names names = {.list = {[REQUEST_CERTIFICATE_VERIFY] = {"DIALTONE_VERIFY", 15}, [REQUEST_DEVICE] = {"DIALTONE_DEVICE", 15}}};
	static const struct hops none;
	char first[64], second[64], method[] = "REQUEST_METHOD=GET", uri[] = "REQUEST_URI=/x", other[] = "DIALTONE_DEVICE=" MAC, header[] = "HTTP_DIALTONE_VERIFY=SUCCESS";
	char *list[] = {method, uri, first, other, header, second, NULL};
	struct request request;
	snprintf(first, sizeof first, "DIALTONE_VERIFY=%s", doubled[_i].first);
	snprintf(second, sizeof second, "DIALTONE_VERIFY=%s", doubled[_i].second);
	request_parse(&request, list, &none, &names, &arena);
	ck_assert_int_eq(request.fault, REQUEST_BAD);
	ck_assert(request.twice);
	ck_assert_str_eq(request.fault_detail, "a parameter that [identity] names came twice");
	/* once is fine, and a client's header of the like name is nobody's */
	list[5] = NULL;
	request_parse(&request, list, &none, &names, &arena);
	ck_assert_int_eq(request.fault, REQUEST_FINE);
	ck_assert_str_eq(request.named[REQUEST_CERTIFICATE_VERIFY], doubled[_i].first);
	ck_assert_str_eq(request.named[REQUEST_DEVICE], MAC);
}
END_TEST

/* -------- fingerprints of real certificates */

struct real {
	char pem[8192], escaped[16384], hex[65];
	unsigned char sha256[32];
};

static void escape(const char *text, char *out)
{
	for (; *text; text++)
		out += sprintf(out, strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", *text) ? "%c" : "%%%02X", *text);
	*out = 0;
}

/* `padding` bytes in the name, so that DER ends in every place of the base64. */
static void make(struct real *real, int padding)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *certificate = X509_new();
	unsigned char name[32], *der = NULL;
	unsigned size = 0;
	memset(name, 'a', sizeof name);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)MAC, -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "O", MBSTRING_ASC, name, padding, -1, 0);
	ck_assert(X509_sign(certificate, key, EVP_sha256()) > 0);
	int length = i2d_X509(certificate, &der);
	ck_assert(EVP_Digest(der, (size_t)length, real->sha256, &size, EVP_sha256(), NULL) == 1 && size == 32);
	for (int i = 0; i < 32; i++)
		sprintf(real->hex + 2 * i, "%02x", real->sha256[i]);
	BIO *bio = BIO_new(BIO_s_mem());
	ck_assert(PEM_write_bio_X509(bio, certificate) == 1);
	int got = BIO_read(bio, real->pem, sizeof real->pem - 1);
	ck_assert(got > 0);
	real->pem[got] = 0;
	escape(real->pem, real->escaped);
	BIO_free(bio);
	OPENSSL_free(der);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static bool fingerprint(const char *sha256, const char *pem, struct layer_fingerprint *told)
{
	struct request request = request_of("SUCCESS", CN, ISSUER);
	request.named[REQUEST_CERTIFICATE_SHA256] = sha256;
	request.named[REQUEST_CERTIFICATE_PEM] = pem;
	memset(told, 0, sizeof *told);
	return identity_fingerprint(&request, &arena, told);
}

START_TEST(test_fingerprint)
{
	struct real real;
	struct layer_fingerprint told;
	char upper[65], crlf[2 * sizeof real.escaped + 1], *out = crlf;
	make(&real, 1 + _i);
	ck_assert(fingerprint("", real.escaped, &told));
	ck_assert_mem_eq(told.sha256, real.sha256, 32);
	ck_assert(fingerprint(real.hex, "", &told));
	ck_assert_mem_eq(told.sha256, real.sha256, 32);
	for (int i = 0; i < 65; i++)
		upper[i] = real.hex[i] >= 'a' ? (char)(real.hex[i] - 32) : real.hex[i];
	ck_assert(fingerprint(upper, "", &told));
	ck_assert_mem_eq(told.sha256, real.sha256, 32);
	/* lines that end with CR LF, lower-case escapes, a chain behind it: the first one's */
	for (const char *at = real.escaped; *at; at++) {
		if (strncmp(at, "%0A", 3) == 0) {
			out += sprintf(out, "%%0d%%0a");
			at += 2;
		} else {
			*out++ = *at;
		}
	}
	*out = 0;
	ck_assert(fingerprint("", crlf, &told));
	ck_assert_mem_eq(told.sha256, real.sha256, 32);
	strcat(strcpy(crlf, real.escaped), real.escaped);
	ck_assert(fingerprint("", crlf, &told));
	ck_assert_mem_eq(told.sha256, real.sha256, 32);
	/* the hash that the proxy gives goes before */
	ck_assert(fingerprint("ab", real.escaped, &told) == false);
}
END_TEST

START_TEST(test_truncated)
{
	struct real real;
	struct layer_fingerprint told;
	make(&real, 5);
	size_t whole = (size_t)(strstr(real.escaped, "-----END") - real.escaped);
	for (size_t length = 0; length < whole; length++) {
		char cut[16384];
		memcpy(cut, real.escaped, length);
		cut[length] = 0;
		/* where a quantum of base64 ends it is another certificate's fingerprint, never this one's */
		if (fingerprint("", cut, &told))
			ck_assert_msg(memcmp(told.sha256, real.sha256, 32) != 0 || !strncmp(real.escaped + length, "%0A", 3) || !strncmp(real.escaped + length, "0A", 2) ||
				!strncmp(real.escaped + length, "A-", 2), "%zu", length);
	}
}
END_TEST

#define BEGIN "-----BEGIN%20CERTIFICATE-----"
static const char *const hostile[] = {"", "-", "QUJDRA==", "-----BEGIN CERTIFICATE-----QUJDRA==-----END CERTIFICATE-----", BEGIN, BEGIN "-----END%20CERTIFICATE-----", BEGIN "%",
	BEGIN "%4", BEGIN "%zz", BEGIN "QUJ", BEGIN "QU\x01\x02", BEGIN "QUJD%00", BEGIN "====", BEGIN "=QUJ", BEGIN "QQ==QUJD", BEGIN "Q===", BEGIN "QUJD%3D",
	"-----BEGIN%20RSA%20PRIVATE%20KEY-----QUJD-----END", BEGIN "%FF%FF%FF%FF"};

START_TEST(test_hostile)
{
	struct layer_fingerprint told;
	ck_assert_msg(!fingerprint("", hostile[_i], &told), "%s", hostile[_i]);
}
END_TEST

static const char *const bad_hex[] = {"0", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg", "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"};

START_TEST(test_bad_hex)
{
	struct layer_fingerprint told;
	ck_assert_msg(!fingerprint(bad_hex[_i], "", &told), "%s", bad_hex[_i]);
}
END_TEST

START_TEST(test_ways)
{
	static const bool proven[IDENTITY_WAYS] = {[IDENTITY_TOKEN] = true, [IDENTITY_DIGEST] = true, [IDENTITY_PASSWORD] = true, [IDENTITY_DIGEST_PASSWORD] = true,
		[IDENTITY_CERTIFICATE] = true, [IDENTITY_CERTIFICATE_TOO] = true, [IDENTITY_PROXY] = true};
	for (int way = 0; way < IDENTITY_WAYS; way++) {
		ck_assert_msg(identity_proven((enum identity_way)way) == proven[way], "%s", identity_name((enum identity_way)way));
		ck_assert_uint_le(strlen(identity_name((enum identity_way)way)), 16); /* device_state.identity */
		for (int other = 0; other < way; other++)
			ck_assert_str_ne(identity_name((enum identity_way)way), identity_name((enum identity_way)other));
	}
	ck_assert_str_eq(identity_name(IDENTITY_WAYS), "");
	ck_assert(!identity_proven(IDENTITY_WAYS));
}
END_TEST

UNIT_MAIN("identity", {test_rules, ROWS(rows)}, {test_bad_names, ROWS(bad_names)}, {test_key_files, ROWS(keys)}, {test_other_keys, 0}, {test_read, ROWS(read_rows)},
	{test_key, ROWS(key_rows)}, {test_no_device, ROWS(no_devices)}, {test_nothing_named, 0}, {test_doubled, ROWS(doubled)}, {test_fingerprint, 3}, {test_truncated, 0},
	{test_hostile, ROWS(hostile)}, {test_bad_hex, ROWS(bad_hex)}, {test_ways, 0})
