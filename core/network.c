#include "network.h"

#include "number.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

bool network_address(const char *text, size_t length, unsigned char address_r[NETWORK_ADDRESS], bool *four_r)
{
	char copy[NETWORK_TEXT];
	if (!length || length >= sizeof copy)
		return false;
	memcpy(copy, text, length);
	copy[length] = 0;
	*four_r = inet_pton(AF_INET, copy, address_r + 12) == 1;
	if (*four_r)
		memcpy(address_r, mapped, sizeof mapped);
	return *four_r || inet_pton(AF_INET6, copy, address_r) == 1;
}

enum error_code network_parse(const char *text, size_t length, struct network *network_r, struct error *error)
{
	const char *slash = memchr(text, '/', length);
	size_t address_length = slash ? (size_t)(slash - text) : length;
	bool four;
	if (!network_address(text, address_length, network_r->address, &four))
		return error_set(error, ERROR_SYNTAX, "`%.*s` is not an address or CIDR", (int)length, text);
	long long most = four ? 32 : 128, bits = most;
	if (slash) {
		char digits[4] = "";
		size_t n = length - address_length - 1;
		if (n < sizeof digits)
			memcpy(digits, slash + 1, n);
		if (n >= sizeof digits || !number_parse(digits, 0, most, &bits))
			return error_set(error, ERROR_RANGE, "`%.*s`: the prefix must be 0 to %lld", (int)length, text, most);
	}
	network_r->bits = (unsigned)bits + (four ? 96 : 0);
	return ERROR_NONE;
}

bool network_holds(const struct network *networks, size_t count, const unsigned char address[NETWORK_ADDRESS])
{
	for (size_t i = 0; i < count; i++) {
		const struct network *network = &networks[i];
		unsigned whole = network->bits / 8, rest = network->bits % 8;
		if (memcmp(network->address, address, whole))
			continue;
		if (!rest || !((network->address[whole] ^ address[whole]) & (0xff00u >> rest)))
			return true;
	}
	return false;
}

bool network_list_holds(const char *text, size_t length, const unsigned char address[NETWORK_ADDRESS])
{
	const char *end = text + length;
	while (text < end) {
		if (*text == ' ' || *text == ',') {
			text++;
			continue;
		}
		const char *stop = text;
		struct network network;
		while (stop < end && *stop != ' ' && *stop != ',')
			stop++;
		if (!network_parse(text, (size_t)(stop - text), &network, NULL) && network_holds(&network, 1, address))
			return true;
		text = stop;
	}
	return false;
}

void network_hex(const unsigned char address[NETWORK_ADDRESS], char hex_r[NETWORK_HEX])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < NETWORK_ADDRESS; i++) {
		hex_r[2 * i] = digits[address[i] >> 4];
		hex_r[2 * i + 1] = digits[address[i] & 15];
	}
	hex_r[2 * NETWORK_ADDRESS] = 0;
}
