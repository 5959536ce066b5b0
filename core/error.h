/* error.h - the one way in which core/ tells that something went wrong.
 *
 * A function that can fail takes a `struct error *` as its last argument and returns an `enum error_code` (ERROR_NONE = 0 is
 * success) or, where it makes a thing, that thing or NULL. On failure the struct holds the code and one line that names the
 * thing and the way out. core/ never logs: the caller knows which request this was about. NULL is allowed for `error`.
 * Messages never hold a secret. */
#ifndef DIALTONE_ERROR_H
#define DIALTONE_ERROR_H

enum error_code {
	ERROR_NONE = 0,
	ERROR_SYNTAX,      /* a file or a value is not well formed */
	ERROR_UNKNOWN,     /* a name that nothing defines */
	ERROR_RANGE,       /* too long, too large, too small */
	ERROR_MISSING,     /* a value that must be there is not */
	ERROR_INEXPRESSIBLE, /* a value that this vendor or syntax cannot carry */
	ERROR_DENIED,      /* a credential, key or permission does not fit */
	ERROR_SYSTEM,      /* the operating system refused; message ends in strerror */
	ERROR_DATABASE_GONE,   /* no connection, or it was lost: try again later */
	ERROR_DATABASE,        /* the server refused the statement */
	ERROR_SCHEMA,      /* the database's schema does not fit this program */
	ERROR_CODES
};

#define ERROR_MESSAGE_SIZE 512

struct error {
	enum error_code code;
	char message[ERROR_MESSAGE_SIZE]; /* one line, no trailing newline, cut at the end if longer */
};

/* Fill `error` (if not NULL) and return `code`, so that `return error_set(...)` reads well. */
enum error_code error_set(struct error *error, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "prefix: " before the message that is there, e.g. "templates/yealink/models.ini". Returns error->code (or ERROR_SYSTEM if NULL). */
enum error_code error_prefix(struct error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The code's name in logs, JSON and tests: "syntax", "database-gone", ... Never NULL. */
const char *error_name(enum error_code code);

#endif
