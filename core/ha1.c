#include "ha1.h"

#include "wipe.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>

#define DIGEST_MAX 32

/* Made at first use and kept for the life of the thread: fetching and setting up costs more than the digest. Between two uses they stand at the beginning of a
 * digest, so that nothing of the last one is left in them. */
static _Thread_local EVP_MD_CTX *kept_md5, *kept_sha256;

static EVP_MD_CTX *begin(const char *name)
{
	EVP_MD *digest = EVP_MD_fetch(NULL, name, NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	/* No fallback: a caller that got nothing would send the password instead. */
	if (!digest || !context || EVP_DigestInit_ex2(context, digest, NULL) != 1)
		abort();
	EVP_MD_free(digest);
	return context;
}

static void digest_of(EVP_MD_CTX *context, const struct text parts[3], size_t size, char *hex_r)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[DIGEST_MAX];
	bool good = true;
	for (int i = 0; i < 3; i++)
		good = good && (i == 0 || EVP_DigestUpdate(context, ":", 1) == 1) && EVP_DigestUpdate(context, parts[i].text, parts[i].length) == 1;
	if (!good || EVP_DigestFinal_ex(context, bytes, NULL) != 1 || EVP_DigestInit_ex2(context, NULL, NULL) != 1)
		abort();
	for (size_t i = 0; i < size; i++) {
		*hex_r++ = hex[bytes[i] >> 4];
		*hex_r++ = hex[bytes[i] & 15];
	}
	*hex_r = 0;
	wipe(bytes, sizeof bytes);
}

void ha1_md5(struct text user, struct text realm, struct text password, char hex_r[HA1_MD5 + 1])
{
	if (!kept_md5)
		kept_md5 = begin("MD5");
	digest_of(kept_md5, (const struct text[]){user, realm, password}, HA1_MD5 / 2, hex_r);
}

void ha1_sha256(struct text user, struct text realm, struct text password, char hex_r[HA1_SHA256 + 1])
{
	if (!kept_sha256)
		kept_sha256 = begin("SHA256");
	digest_of(kept_sha256, (const struct text[]){user, realm, password}, HA1_SHA256 / 2, hex_r);
}
