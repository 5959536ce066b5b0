/* mac.h - MAC addresses as phones, people and databases spell them. */
#ifndef DIALTONE_MAC_H
#define DIALTONE_MAC_H

#include <stdbool.h>
#include <stddef.h>

#define MAC_DIGITS 12

/* Invariant: 12 lower-case hex digits and a 0. All zeros is no MAC (it is the common file's name at several vendors). */
struct mac {
	char digits[MAC_DIGITS + 1];
};

/* Read exactly `length` bytes of `text` as one MAC: 12 hex digits in either case, bare, or with ':' '-' '_' or '.' between all pairs,
 * or Cisco's 0c38.3e1a.2b3c; nothing before or after. False, and *mac_r untouched, if it is none. */
bool mac_parse(const char *text, size_t length, struct mac *mac_r);

/* The longest prefix of `text` that is a MAC in the spellings of file names (bare, ':' '-' '_'): its length, or 0. */
size_t mac_prefix(const char *text, size_t length, struct mac *mac_r);

#endif
