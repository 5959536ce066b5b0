/* network.h - addresses and networks (CIDR), IPv4 and IPv6 alike: IPv4 counts as ::ffff:a.b.c.d. */
#ifndef DIALTONE_NETWORK_H
#define DIALTONE_NETWORK_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

#define NETWORK_ADDRESS 16
#define NETWORK_TEXT 46 /* INET6_ADDRSTRLEN */
#define NETWORK_HEX 33  /* an address as 32 hex digits, 0-terminated */

struct network {
	unsigned char address[NETWORK_ADDRESS];
	unsigned bits; /* 96 to 128 of an IPv4 one */
};

/* "192.0.2.1", "2001:db8::1": its 16 bytes. *four_r: it is IPv4. */
bool network_address(const char *text, size_t length, unsigned char address_r[NETWORK_ADDRESS], bool *four_r);
/* "192.0.2.0/24", "2001:db8::/32", or one address. ERROR_SYNTAX, ERROR_RANGE: the message names the text. */
enum error_code network_parse(const char *text, size_t length, struct network *network_r, struct error *error);
/* Is the address in one of them? */
bool network_holds(const struct network *networks, size_t count, const unsigned char address[NETWORK_ADDRESS]);
/* The same for a list in text, blanks or commas between; what is no network there holds nothing. */
bool network_list_holds(const char *text, size_t length, const unsigned char address[NETWORK_ADDRESS]);
/* As network_end() in the database gives them. */
void network_hex(const unsigned char address[NETWORK_ADDRESS], char hex_r[NETWORK_HEX]);

#endif
