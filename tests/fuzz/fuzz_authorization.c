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

static void check_digest(const struct digest_answer *answer)
{
	const struct text *const texts[] = {&answer->username, &answer->realm, &answer->nonce, &answer->uri, &answer->response, &answer->cnonce, &answer->nc};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		FUZZ_CHECK(texts[i]->text && !texts[i]->text[texts[i]->length]);
	FUZZ_CHECK(answer->nc.length == 8);
	FUZZ_CHECK(answer->response.length == (answer->algorithm == DIGEST_MD5 ? HA1_MD5 : HA1_SHA256));
	digest_same_target(answer, "/805ec0aabb01.cfg");
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
