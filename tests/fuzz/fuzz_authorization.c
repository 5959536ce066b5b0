/* Any bytes as an Authorization header: taken as a MAC and 32 bytes, or refused with a reason and nothing left behind. */
#include "access.h"
#include "fuzz.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

static bool is_empty(const struct credentials *credentials)
{
	static const struct credentials empty;
	return !memcmp(credentials, &empty, sizeof empty);
}

/* What was taken, said again in the usual spelling, is taken as the same. */
static void check_again(const struct credentials *credentials)
{
	char plain[MAC_DIGITS + 1 + TOKEN_LENGTH], header[6 + 4 * (sizeof plain + 2) / 3 + 1] = "Basic ";
	struct credentials again;
	memcpy(plain, credentials->user.digits, MAC_DIGITS);
	plain[MAC_DIGITS] = ':';
	memcpy(plain + MAC_DIGITS + 1, credentials->password, TOKEN_LENGTH);
	EVP_EncodeBlock((unsigned char *)header + 6, (const unsigned char *)plain, sizeof plain);
	FUZZ_CHECK(access_parse_basic(header, &again) == NULL);
	FUZZ_CHECK(!memcmp(&again, credentials, sizeof again));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *header = malloc(size + 1);
	struct credentials credentials;
	struct mac mac;
	if (!header)
		abort();
	memcpy(header, bytes, size);
	header[size] = 0;
	const char *why = access_parse_basic(header, &credentials);
	if (why) {
		FUZZ_CHECK(is_empty(&credentials));
	} else {
		FUZZ_CHECK(!strncasecmp(header, "Basic ", 6));
		FUZZ_CHECK(credentials.password_length == TOKEN_LENGTH && !credentials.password[TOKEN_LENGTH]);
		FUZZ_CHECK(mac_parse(credentials.user.digits, MAC_DIGITS, &mac));
		check_again(&credentials);
	}
	free(header);
	return 0;
}
