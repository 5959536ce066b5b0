#include "number.h"

#include <errno.h>
#include <stdlib.h>

bool number_parse(const char *text, long long min, long long max, long long *value_r)
{
	/* strtoll takes blanks and '+' in front; we do not. */
	const char *digits = *text == '-' ? text + 1 : text;
	if (*digits < '0' || *digits > '9')
		return false;
	int saved = errno;
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	bool good = errno == 0 && *end == 0 && value >= min && value <= max;
	errno = saved;
	if (good)
		*value_r = value;
	return good;
}
