#include "hops.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

enum error_code hops_parse(const char *text, struct hops *hops_r, struct error *error)
{
	hops_r->count = 0;
	while (*(text += strspn(text, " \t,"))) {
		size_t length = strcspn(text, " \t,");
		if (hops_r->count == HOPS_MAX)
			return error_set(error, ERROR_RANGE, "more than %d trusted hops", HOPS_MAX);
		enum error_code code = network_parse(text, length, &hops_r->list[hops_r->count], error);
		if (code)
			return code;
		hops_r->count++;
		text += length;
	}
	return ERROR_NONE;
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
	if (!remote || !network_address(remote, strlen(remote), address, &v4))
		return;
	if (v4 && !hops->count) {
		strcpy(address_r, remote); /* inet_pton takes one spelling only, of at most 15 bytes */
		return;
	}
	size_t left = forwarded ? strlen(forwarded) : 0, length;
	const char *entry;
	while (network_holds(hops->list, hops->count, address) && last_entry(forwarded, &left, &entry, &length)) {
		if (!network_address(entry, length, next, &v4))
			return;
		memcpy(address, next, sizeof address);
	}
	if (!memcmp(address, mapped, sizeof mapped))
		inet_ntop(AF_INET, address + 12, address_r, HOPS_TEXT);
	else
		inet_ntop(AF_INET6, address, address_r, HOPS_TEXT);
}
