#include "hops.h"

#include "number.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool parse(const char *text, size_t length, unsigned char address_r[16], bool *v4_r)
{
	char copy[HOPS_TEXT];
	if (!length || length >= sizeof copy)
		return false;
	memcpy(copy, text, length);
	copy[length] = 0;
	*v4_r = inet_pton(AF_INET, copy, address_r + 12) == 1;
	if (*v4_r)
		memcpy(address_r, mapped, sizeof mapped);
	return *v4_r || inet_pton(AF_INET6, copy, address_r) == 1;
}

static enum error_code add(struct hops *hops, const char *text, size_t length, struct error *error)
{
	const char *slash = memchr(text, '/', length);
	size_t address_length = slash ? (size_t)(slash - text) : length;
	struct hop *hop = &hops->list[hops->count];
	bool v4;
	if (hops->count == HOPS_MAX)
		return error_set(error, ERROR_RANGE, "more than %d trusted hops", HOPS_MAX);
	if (!parse(text, address_length, hop->address, &v4))
		return error_set(error, ERROR_SYNTAX, "`%.*s` is not an address or CIDR", (int)length, text);
	long long bits = v4 ? 32 : 128;
	if (slash) {
		char digits[4] = "";
		size_t n = length - address_length - 1;
		if (n < sizeof digits)
			memcpy(digits, slash + 1, n);
		if (n >= sizeof digits || !number_parse(digits, 0, bits, &bits))
			return error_set(error, ERROR_RANGE, "`%.*s`: the prefix must be 0 to %lld", (int)length, text, bits);
	}
	hop->bits = (unsigned)bits + (v4 ? 96 : 0);
	hops->count++;
	return ERROR_NONE;
}

enum error_code hops_parse(const char *text, struct hops *hops_r, struct error *error)
{
	hops_r->count = 0;
	while (*(text += strspn(text, " \t,"))) {
		size_t length = strcspn(text, " \t,");
		enum error_code code = add(hops_r, text, length, error);
		if (code)
			return code;
		text += length;
	}
	return ERROR_NONE;
}

static bool trusted(const struct hops *hops, const unsigned char address[16])
{
	for (size_t i = 0; i < hops->count; i++) {
		const struct hop *hop = &hops->list[i];
		unsigned whole = hop->bits / 8, rest = hop->bits % 8;
		if (memcmp(hop->address, address, whole))
			continue;
		if (!rest || !((hop->address[whole] ^ address[whole]) & (0xff00u >> rest)))
			return true;
	}
	return false;
}

/* Cut the last entry off text[0..*length_io): "a, b" → entry "b", length of "a". */
static bool last_entry(const char *text, size_t *length_io, const char **entry_r, size_t *entry_length_r)
{
	size_t end = *length_io;
	if (!end)
		return false;
	size_t start = end;
	while (start && text[start - 1] != ',')
		start--;
	*length_io = start ? start - 1 : 0;
	while (start < end && (text[start] == ' ' || text[start] == '\t'))
		start++;
	while (end > start && (text[end - 1] == ' ' || text[end - 1] == '\t'))
		end--;
	*entry_r = text + start;
	*entry_length_r = end - start;
	return true;
}

void hops_client(const struct hops *hops, const char *remote, const char *forwarded, char address_r[HOPS_TEXT])
{
	unsigned char address[16], next[16];
	bool v4;
	address_r[0] = 0;
	if (!remote || !parse(remote, strlen(remote), address, &v4))
		return;
	if (v4 && !hops->count) {
		strcpy(address_r, remote); /* inet_pton takes one spelling only, of at most 15 bytes */
		return;
	}
	size_t left = forwarded ? strlen(forwarded) : 0, length;
	const char *entry;
	while (trusted(hops, address) && last_entry(forwarded, &left, &entry, &length)) {
		if (!parse(entry, length, next, &v4))
			return;
		memcpy(address, next, sizeof address);
	}
	if (!memcmp(address, mapped, sizeof mapped))
		inet_ntop(AF_INET, address + 12, address_r, HOPS_TEXT);
	else
		inet_ntop(AF_INET6, address, address_r, HOPS_TEXT);
}
