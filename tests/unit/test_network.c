/* network.h: spellings, prefixes one bit to either side, IPv4 as ::ffff:a.b.c.d, lists. */
#include "network.h"

#include "unit.h"

static const struct { const char *text, *hex; bool four; } addresses[] = {
	{"192.0.2.1", "00000000000000000000ffffc0000201", true},
	{"0.0.0.0", "00000000000000000000ffff00000000", true},
	{"255.255.255.255", "00000000000000000000ffffffffffff", true},
	{"::ffff:192.0.2.1", "00000000000000000000ffffc0000201", false},
	{"::FFFF:C000:201", "00000000000000000000ffffc0000201", false},
	{"::", "00000000000000000000000000000000", false},
	{"2001:db8::1", "20010db8000000000000000000000001", false},
	{"2001:0DB8:0:0:0:0:0:1", "20010db8000000000000000000000001", false},
	{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffffffffffffffffffffffffffffffff", false},
};

START_TEST(test_addresses)
{
	unsigned char address[NETWORK_ADDRESS];
	char hex[NETWORK_HEX];
	bool four = !addresses[_i].four;
	ck_assert_msg(network_address(addresses[_i].text, strlen(addresses[_i].text), address, &four), "%s", addresses[_i].text);
	ck_assert(four == addresses[_i].four);
	network_hex(address, hex);
	ck_assert_str_eq(hex, addresses[_i].hex);
}
END_TEST

static const char *const no_addresses[] = {"", " ", "192.0.2", "192.0.2.1.1", "192.0.2.256", "192.0.2.01", "0300.0.2.1", "0x7f.0.0.1", "127.1", "192.0.2.1 ", " 192.0.2.1",
	"192.0.2.1\n", "192.0.2.1/32", "-1.0.0.0", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1::", ":::", "fe80::1%eth0", "[::1]", "::ffff:192.0.2", "12345::", "localhost",
	"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};

START_TEST(test_no_addresses)
{
	unsigned char address[NETWORK_ADDRESS];
	bool four;
	ck_assert_msg(!network_address(no_addresses[_i], strlen(no_addresses[_i]), address, &four), "%s", no_addresses[_i]);
}
END_TEST

/* The length counts, not the end of the string. */
START_TEST(test_length)
{
	unsigned char address[NETWORK_ADDRESS];
	char hex[NETWORK_HEX];
	bool four;
	ck_assert(network_address("192.0.2.12345", 10, address, &four));
	network_hex(address, hex);
	ck_assert_str_eq(hex, "00000000000000000000ffffc000020c");
}
END_TEST

static const struct { const char *text; enum error_code code; unsigned bits; const char *message; } networks[] = {
	{"192.0.2.0/24", ERROR_NONE, 120, NULL},
	{"192.0.2.1", ERROR_NONE, 128, NULL},
	{"0.0.0.0/0", ERROR_NONE, 96, NULL},
	{"192.0.2.1/32", ERROR_NONE, 128, NULL},
	{"::/0", ERROR_NONE, 0, NULL},
	{"2001:db8::/32", ERROR_NONE, 32, NULL},
	{"2001:db8::1/128", ERROR_NONE, 128, NULL},
	{"::ffff:192.0.2.0/120", ERROR_NONE, 120, NULL},
	{"192.0.2.0/33", ERROR_RANGE, 0, "`192.0.2.0/33`: the prefix must be 0 to 32"},
	{"2001:db8::/129", ERROR_RANGE, 0, "`2001:db8::/129`: the prefix must be 0 to 128"},
	{"192.0.2.0/", ERROR_RANGE, 0, "`192.0.2.0/`: the prefix must be 0 to 32"},
	{"192.0.2.0/-1", ERROR_RANGE, 0, NULL},
	{"192.0.2.0/+1", ERROR_RANGE, 0, NULL},
	{"192.0.2.0/ 1", ERROR_RANGE, 0, NULL},
	{"192.0.2.0/24\n", ERROR_RANGE, 0, NULL},
	{"192.0.2.0/24/24", ERROR_RANGE, 0, NULL},
	{"192.0.2.0/1234", ERROR_RANGE, 0, NULL},
	{"192.0.2.0/255.255.255.0", ERROR_RANGE, 0, NULL},
	{"/24", ERROR_SYNTAX, 0, "`/24` is not an address or CIDR"},
	{"", ERROR_SYNTAX, 0, "`` is not an address or CIDR"},
	{"example.net/24", ERROR_SYNTAX, 0, NULL},
};

START_TEST(test_networks)
{
	struct network network;
	struct error error = {0};
	enum error_code code = network_parse(networks[_i].text, strlen(networks[_i].text), &network, &error);
	ck_assert_msg(code == networks[_i].code, "%s: %d", networks[_i].text, code);
	if (!code)
		ck_assert_uint_eq(network.bits, networks[_i].bits);
	else
		ck_assert(*error.message);
	if (networks[_i].message)
		ck_assert_str_eq(error.message, networks[_i].message);
}
END_TEST

static struct network parsed(const char *text)
{
	struct network network;
	ck_assert_msg(network_parse(text, strlen(text), &network, NULL) == ERROR_NONE, "%s", text);
	return network;
}

/* Of every prefix length the first bit behind it does not matter, and the last one in it does. */
START_TEST(test_every_prefix)
{
	static const unsigned char base[NETWORK_ADDRESS] = {0x20, 0x01, 0x0d, 0xb8, 0x5a, 0xa5, 0xff, 0x00, 0x80, 0x01, 0x7e, 0xe7, 0x11, 0x88, 0xaa, 0x55};
	struct network network = {.bits = (unsigned)_i};
	unsigned char address[NETWORK_ADDRESS];
	memcpy(network.address, base, sizeof base);
	for (unsigned bit = 0; bit < 128; bit++) {
		memcpy(address, base, sizeof base);
		address[bit / 8] ^= (unsigned char)(0x80u >> bit % 8);
		ck_assert_msg(network_holds(&network, 1, address) == (bit >= network.bits), "/%u, bit %u", network.bits, bit);
	}
	ck_assert(network_holds(&network, 1, base));
	ck_assert(!network_holds(&network, 0, base));
}
END_TEST

static const struct { const char *list, *address; bool holds; } lists[] = {
	{"192.0.2.0/24", "192.0.2.0", true}, {"192.0.2.0/24", "192.0.2.255", true}, {"192.0.2.0/24", "192.0.1.255", false}, {"192.0.2.0/24", "192.0.3.0", false},
	{"192.0.2.8/29", "192.0.2.7", false}, {"192.0.2.8/29", "192.0.2.8", true}, {"192.0.2.8/29", "192.0.2.15", true}, {"192.0.2.8/29", "192.0.2.16", false},
	{"192.0.2.9", "192.0.2.9", true}, {"192.0.2.9", "192.0.2.8", false},
	{"192.0.2.0/24", "::ffff:192.0.2.7", true}, {"::ffff:192.0.2.0/120", "192.0.2.7", true}, {"192.0.2.0/24", "::192.0.2.7", false},
	/* everywhere */
	{"0.0.0.0/0", "203.0.113.9", true}, {"0.0.0.0/0", "2001:db8::1", false}, {"::/0", "2001:db8::1", true}, {"0.0.0.0/0 ::/0", "2001:db8::1", true},
	{"2001:db8::/33", "2001:db8:7fff::", true}, {"2001:db8::/33", "2001:db8:8000::", false},
	/* blanks and commas, and what is no network in the middle */
	{"", "192.0.2.1", false}, {" , ,", "192.0.2.1", false}, {"10.0.0.0/8, 192.0.2.0/24", "192.0.2.1", true}, {"10.0.0.0/8,192.0.2.0/24", "192.0.2.1", true},
	{"  192.0.2.0/24  ", "192.0.2.1", true}, {"x 192.0.2.0/24", "192.0.2.1", true}, {"192.0.2.0/99 10.0.0.0/8", "192.0.2.1", false},
	{"192.0.2.0/24\n", "192.0.2.1", false}, {"192.0.2.0/24;10.0.0.0/8", "192.0.2.1", false},
};

START_TEST(test_lists)
{
	unsigned char address[NETWORK_ADDRESS];
	bool four;
	ck_assert(network_address(lists[_i].address, strlen(lists[_i].address), address, &four));
	ck_assert_msg(network_list_holds(lists[_i].list, strlen(lists[_i].list), address) == lists[_i].holds, "`%s` and %s", lists[_i].list, lists[_i].address);
}
END_TEST

START_TEST(test_several)
{
	struct network several[] = {parsed("10.0.0.0/8"), parsed("2001:db8::/32"), parsed("192.0.2.0/24")};
	unsigned char address[NETWORK_ADDRESS];
	bool four;
	ck_assert(network_address("192.0.2.77", 10, address, &four));
	ck_assert(network_holds(several, 3, address));
	ck_assert(!network_holds(several, 2, address));
	/* a list that ends where its length says */
	ck_assert(!network_list_holds("10.0.0.0/8 192.0.2.0/24", 10, address));
}
END_TEST

UNIT_MAIN("network", {test_addresses, ROWS(addresses)}, {test_no_addresses, ROWS(no_addresses)}, {test_length, 0}, {test_networks, ROWS(networks)}, {test_every_prefix, 129},
	{test_lists, ROWS(lists)}, {test_several, 0})
