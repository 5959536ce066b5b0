/* hex.h - the value of a hex digit of either case, or -1. Not isxdigit(): no locale, any byte. Where only lower case counts (a nonce of ours), the reader says so itself. */
#ifndef DIALTONE_HEX_H
#define DIALTONE_HEX_H

static inline int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif
