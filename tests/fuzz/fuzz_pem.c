/* Any bytes as the percent-encoded PEM that a proxy hands on: whatever OpenSSL takes for the certificate in it has the fingerprint that we tell, or we tell none. Text without an
 * escape in it is encoded first, so that a corpus may hold PEM as people know it. */
#include "fuzz.h"
#include "identity.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;

static char *unescaped(const char *text)
{
	char *copy = malloc(strlen(text) + 1), *out = copy;
	if (!copy)
		abort();
	for (; *text; text++) {
		unsigned byte;
		char digits[3] = {0};
		if (*text == '%' && text[1] && text[2] && (memcpy(digits, text + 1, 2), strspn(digits, "0123456789abcdefABCDEF") == 2)) {
			sscanf(digits, "%2x", &byte);
			*out++ = (char)byte;
			text += 2;
		} else {
			*out++ = *text;
		}
	}
	*out = 0;
	return copy;
}

static void compare(const char *escaped, const struct layer_fingerprint *ours)
{
	char *text = unescaped(escaped), *name = NULL, *header = NULL;
	unsigned char *der = NULL, theirs[EVP_MAX_MD_SIZE];
	long size = 0;
	BIO *bio = BIO_new_mem_buf(text, -1);
	if (PEM_read_bio(bio, &name, &header, &der, &size) == 1 && strcmp(name, "CERTIFICATE") == 0 && !*header && !strncmp(text, "-----BEGIN CERTIFICATE-----\n", 28)) {
		FUZZ_CHECK(EVP_Digest(der, (size_t)size, theirs, NULL, EVP_sha256(), NULL) == 1);
		FUZZ_CHECK(memcmp(theirs, ours->sha256, LAYER_FINGERPRINT) == 0);
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	free(text);
}

/* As nginx does: everything but letters, digits and - _ . ~ */
static char *escape(const char *text)
{
	char *escaped = malloc(strlen(text) * 3 + 1), *out = escaped;
	if (!escaped)
		abort();
	for (; *text; text++)
		out += strchr("\n +/=%", *text) ? sprintf(out, "%%%02X", (unsigned char)*text) : sprintf(out, "%c", *text);
	*out = 0;
	return escaped;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *copy = malloc(size + 1);
	struct layer_fingerprint fingerprint;
	struct request request = {0};
	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	copy[size] = 0;
	char *escaped = strchr(copy, '%') ? copy : escape(copy);
	for (int i = 0; i < REQUEST_NAMED; i++)
		request.named[i] = "";
	arena_init(&arena);
	request.named[REQUEST_CERTIFICATE_PEM] = escaped;
	if (identity_fingerprint(&request, &arena, &fingerprint))
		compare(escaped, &fingerprint);
	request.named[REQUEST_CERTIFICATE_SHA256] = copy;
	if (*copy && identity_fingerprint(&request, &arena, &fingerprint))
		FUZZ_CHECK(strlen(copy) == 2 * LAYER_FINGERPRINT);
	arena_deinit(&arena);
	if (escaped != copy)
		free(escaped);
	free(copy);
	return 0;
}
