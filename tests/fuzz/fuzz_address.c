/* Four lines: trusted hops as a configuration has them, the peer's address, X-Forwarded-For as strangers and proxies wrote it, and networks as a window has them. The client's address
 * is what a second, plain way of going through the list finds, and is in the networks that bits say. */
#include "fuzz.h"
#include "hops.h"

#include <arpa/inet.h>
#include <string.h>

/* Bit by bit. */
static bool within(const struct network *network, const unsigned char *address)
{
	for (unsigned i = 0; i < network->bits; i++)
		if ((network->address[i / 8] ^ address[i / 8]) & (0x80u >> i % 8))
			return false;
	return true;
}

static bool trusted(const struct hops *hops, const unsigned char *address)
{
	for (size_t i = 0; i < hops->count; i++)
		if (within(&hops->list[i], address))
			return true;
	return false;
}

/* From the left this time: the entries, blanks taken away; then from the last one backwards. */
static bool expected(const struct hops *hops, const char *remote, const char *forwarded, unsigned char address[NETWORK_ADDRESS])
{
	static const char *entries[4096];
	static size_t lengths[4096];
	size_t count = 0;
	bool four;
	if (!network_address(remote, strlen(remote), address, &four))
		return false;
	for (const char *at = forwarded; *forwarded && count < 4096; at++) {
		size_t length = strcspn(at, ",");
		entries[count] = at + strspn(at, " \t") < at + length ? at + strspn(at, " \t") : at + length;
		lengths[count] = (size_t)(at + length - entries[count]);
		while (lengths[count] && strchr(" \t", entries[count][lengths[count] - 1]))
			lengths[count]--;
		count++;
		at += length;
		if (!*at)
			break;
	}
	/* nothing behind the last comma of all, where it is the first byte, is no entry */
	while (count && trusted(hops, address)) {
		count--;
		if (!count && !lengths[0] && *forwarded == ',')
			break;
		if (!network_address(entries[count], lengths[count], address, &four))
			return false;
	}
	return true;
}

static void check_client(const struct hops *hops, const char *remote, const char *forwarded)
{
	char text[HOPS_TEXT];
	unsigned char told[NETWORK_ADDRESS], should[NETWORK_ADDRESS];
	bool four;
	memset(text, 'x', sizeof text);
	hops_client(hops, remote, forwarded, text);
	FUZZ_CHECK(memchr(text, 0, sizeof text));
	bool there = expected(hops, remote, forwarded, should);
	FUZZ_CHECK(there == (*text != 0));
	if (!there)
		return;
	FUZZ_CHECK(network_address(text, strlen(text), told, &four) && memcmp(told, should, sizeof told) == 0);
	if (!trusted(hops, should))
		return;
	/* a trusted one: the whole list was trusted */
	char again[HOPS_TEXT];
	hops_client(hops, text, "", again);
	FUZZ_CHECK(strcmp(again, text) == 0);
}

static void check_networks(const char *text, const char *remote)
{
	unsigned char address[NETWORK_ADDRESS];
	bool four, any = false;
	char hex[NETWORK_HEX], copy[1024];
	if (!network_address(remote, strlen(remote), address, &four))
		return;
	network_hex(address, hex);
	FUZZ_CHECK(strlen(hex) == 32 && strspn(hex, "0123456789abcdef") == 32);
	if (strlen(text) >= sizeof copy)
		return;
	strcpy(copy, text);
	for (char *rest = copy, *one; (one = strtok_r(rest, " ,", &rest));) {
		struct network network;
		if (network_parse(one, strlen(one), &network, NULL) == ERROR_NONE) {
			FUZZ_CHECK(network.bits <= 128);
			any = any || within(&network, address);
		}
	}
	FUZZ_CHECK(network_list_holds(text, strlen(text), address) == any);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *copy = malloc(size + 1);
	struct hops hops;
	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	copy[size] = 0;
	char *lines[4], *rest = copy;
	for (int i = 0; i < 4; i++) {
		lines[i] = rest;
		char *newline = strchr(rest, '\n');
		if (newline)
			*newline = 0;
		rest = newline ? newline + 1 : rest + strlen(rest);
	}
	if (hops_parse(lines[0], &hops, NULL) != ERROR_NONE)
		FUZZ_CHECK(hops_parse("10.0.0.0/8 2001:db8::/32 127.0.0.1", &hops, NULL) == ERROR_NONE);
	check_client(&hops, lines[1], lines[2]);
	check_networks(lines[3], lines[1]);
	free(copy);
	return 0;
}
