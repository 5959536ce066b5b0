#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ERROR_CODES] = {
	[ERROR_NONE] = "none",
	[ERROR_SYNTAX] = "syntax",
	[ERROR_UNKNOWN] = "unknown",
	[ERROR_RANGE] = "range",
	[ERROR_MISSING] = "missing",
	[ERROR_INEXPRESSIBLE] = "inexpressible",
	[ERROR_DENIED] = "denied",
	[ERROR_SYSTEM] = "system",
	[ERROR_DATABASE_GONE] = "database-gone",
	[ERROR_DATABASE] = "database",
	[ERROR_SCHEMA] = "schema",
};

enum error_code error_set(struct error *error, enum error_code code, const char *format, ...)
{
	if (error) {
		va_list args;
		va_start(args, format);
		error->code = code;
		vsnprintf(error->message, sizeof error->message, format, args);
		va_end(args);
	}
	return code;
}

enum error_code error_prefix(struct error *error, const char *format, ...)
{
	if (!error)
		return ERROR_SYSTEM;
	char rest[ERROR_MESSAGE_SIZE];
	memcpy(rest, error->message, sizeof rest);
	va_list args;
	va_start(args, format);
	int used = vsnprintf(error->message, sizeof error->message, format, args);
	va_end(args);
	if (used >= 0 && (size_t)used + 2 < sizeof error->message) {
		int room = (int)sizeof error->message - used - 3;
		snprintf(error->message + used, sizeof error->message - (size_t)used, ": %.*s", room, rest);
	}
	return error->code;
}

const char *error_name(enum error_code code)
{
	return (unsigned)code < ERROR_CODES ? names[code] : "invalid";
}
