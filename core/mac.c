#include "mac.h"

#include "hex.h"

#include <string.h>

/* Read `length` bytes as 12 hex digits in groups of `group`, with `separator` (0: none) between all groups. */
static bool parse_groups(const char *text, size_t length, size_t group, char separator, struct mac *mac_r)
{
	struct mac mac = {0};
	size_t digits = 0;
	bool zero = true;
	for (size_t i = 0; i < length; i++) {
		if (separator && i % (group + 1) == group) {
			if (text[i] != separator)
				return false;
			continue;
		}
		int value = hex_value(text[i]);
		if (value < 0 || digits == MAC_DIGITS)
			return false;
		zero = zero && value == 0;
		mac.digits[digits++] = "0123456789abcdef"[value];
	}
	if (digits != MAC_DIGITS || zero)
		return false;
	*mac_r = mac;
	return true;
}

bool mac_parse(const char *text, size_t length, struct mac *mac_r)
{
	switch (length) {
	case 12:
		return parse_groups(text, length, 2, 0, mac_r);
	case 14:
		return parse_groups(text, length, 4, '.', mac_r);
	case 17:
		return memchr(":-_.", text[2], 4) && parse_groups(text, length, 2, text[2], mac_r);
	default:
		return false;
	}
}

size_t mac_prefix(const char *text, size_t length, struct mac *mac_r)
{
	if (length >= 17 && memchr(":-_", text[2], 3))
		return parse_groups(text, 17, 2, text[2], mac_r) ? 17 : 0;
	return length >= 12 && parse_groups(text, 12, 2, 0, mac_r) ? 12 : 0;
}
