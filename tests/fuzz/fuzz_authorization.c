/* Any bytes as an Authorization header: Basic taken as a user and a password, Digest as its parts, or refused with a reason; what was taken, said again, is taken as the same. */
#include "access.h"
#include "fuzz.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

static struct arena arena;

static void check_basic(const struct basic *basic)
{
	size_t size = (size_t)basic->user.length + 1 + basic->password.length;
	char *plain = arena_alloc(&arena, size + 1), *header = arena_alloc(&arena, 6 + 4 * (size + 2) / 3 + 8);
	struct basic again;
	FUZZ_CHECK(strlen(basic->user.text) == basic->user.length && !strchr(basic->user.text, ':'));
	FUZZ_CHECK(strlen(basic->password.text) == basic->password.length);
	memcpy(plain, basic->user.text, basic->user.length);
	plain[basic->user.length] = ':';
	memcpy(plain + basic->user.length + 1, basic->password.text, basic->password.length);
	memcpy(header, "Basic ", 6);
	EVP_EncodeBlock((unsigned char *)header + 6, (const unsigned char *)plain, (int)size);
	FUZZ_CHECK(access_parse_basic(header, &arena, &again) == NULL);
	FUZZ_CHECK(strcmp(again.user.text, basic->user.text) == 0 && strcmp(again.password.text, basic->password.text) == 0);
}

static struct digest_maker *real_maker(void)
{
	static struct digest_maker *maker;
	static const char text[] = "k 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	if (!maker) {
		struct keyring *ring = keyring_parse(text, sizeof text - 1, NULL);
		if (!ring || !(maker = digest_maker_new(ring)))
			abort();
		keyring_free(&ring);
	}
	return maker;
}

static char *quoted(char *out, const char *name, const struct text *value)
{
	out += strlen(strcpy(out, name));
	out += strlen(strcpy(out, "=\""));
	for (uint32_t i = 0; i < value->length; i++) {
		*out++ = '\\';
		*out++ = value->text[i];
	}
	return out + strlen(strcpy(out, "\", "));
}

static bool same(const struct text *a, const struct text *b)
{
	return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* All of it quoted, every byte of it escaped. */
static void say_digest_again(const struct digest_answer *answer)
{
	const char *const names[] = {"username", "realm", "nonce", "uri", "response", "cnonce", "nc"};
	const struct text *const texts[] = {&answer->username, &answer->realm, &answer->nonce, &answer->uri, &answer->response, &answer->cnonce, &answer->nc};
	struct digest_answer again;
	size_t room = 128;
	for (size_t i = 0; i < 7; i++)
		room += 16 + 2 * (size_t)texts[i]->length;
	char *header = arena_alloc(&arena, room), *out = header + strlen(strcpy(header, "digest "));
	for (size_t i = 0; i < 7; i++)
		out = quoted(out, names[i], texts[i]);
	strcpy(out, answer->algorithm == DIGEST_MD5 ? "qop=auth" : "qop=auth, algorithm=sha-256");
	FUZZ_CHECK(digest_parse(header, &arena, &again) == NULL && again.algorithm == answer->algorithm);
	FUZZ_CHECK(same(&again.username, texts[0]) && same(&again.realm, texts[1]) && same(&again.nonce, texts[2]) && same(&again.uri, texts[3]));
	FUZZ_CHECK(same(&again.response, texts[4]) && same(&again.cnonce, texts[5]) && same(&again.nc, texts[6]));
	FUZZ_CHECK(digest_use(real_maker(), &again) == digest_use(real_maker(), answer));
}

static void check_digest(const struct digest_answer *answer)
{
	struct digest_maker *maker = real_maker();
	const struct text *const texts[] = {&answer->username, &answer->realm, &answer->nonce, &answer->uri, &answer->response, &answer->cnonce, &answer->nc};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		FUZZ_CHECK(texts[i]->text && !texts[i]->text[texts[i]->length]);
	FUZZ_CHECK(answer->nc.length == 8);
	FUZZ_CHECK(answer->response.length == (answer->algorithm == DIGEST_MD5 ? HA1_MD5 : HA1_SHA256));
	FUZZ_CHECK(digest_same_target(answer, answer->uri.text));
	digest_same_target(answer, "/805ec0aabb01.cfg");
	digest_same_target(answer, "https://prov.example.net");
	/* nobody guesses a nonce's proof or a random password's response */
	FUZZ_CHECK(digest_nonce_check(maker, &answer->nonce, 1000000000, 300) == NONCE_FOREIGN);
	FUZZ_CHECK(!digest_fits(maker, answer, "GET", "Eigh8vaequ6doh4Ahv7v", 20));
	say_digest_again(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *header = malloc(size + 1);
	struct basic basic;
	struct digest_answer answer;
	if (!header)
		abort();
	memcpy(header, bytes, size);
	header[size] = 0;
	arena_init(&arena);
	const char *why = access_parse_basic(header, &arena, &basic);
	if (!why) {
		FUZZ_CHECK(!strncasecmp(header, "Basic ", 6));
		check_basic(&basic);
	}
	why = digest_parse(header, &arena, &answer);
	if (!why) {
		FUZZ_CHECK(!strncasecmp(header, "Digest", 6));
		check_digest(&answer);
	}
	arena_deinit(&arena);
	free(header);
	return 0;
}
