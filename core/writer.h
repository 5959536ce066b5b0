/* writer.h - parameters to the bytes of a vendor's syntax. A writer quotes, or refuses by the parameter's name; it has no switch to do neither. */
#ifndef DIALTONE_WRITER_H
#define DIALTONE_WRITER_H

#include "buf.h"
#include "catalogue.h"
#include "error.h"
#include "render.h"

struct writer {
	const char *name; /* as in vendor.ini */
	/* Can this syntax carry a parameter of this name? The message says what is wrong with it. */
	enum error_code (*check_name)(const char *name, size_t length, struct error *error);
	/* Append the whole file to `out`. On failure `out` is as it was, the message names the parameter, never its value.
	 * ERROR_INEXPRESSIBLE: a value that the syntax cannot carry; ERROR_RANGE: `out` would pass its maximum. */
	enum error_code (*write)(const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error);
};

/* NULL if there is no writer of that name. writer_list ends with NULL. */
const struct writer *writer_find(const char *name);
extern const struct writer *const writer_list[];

/* Has no line-based syntax anything to ask about this text? Printable ASCII, at most 4096 bytes, no blank at its ends, no # first; %NULL% only
 * where it is literal. For texts that are known before any phone asks. */
bool writer_plain(const char *text, size_t length, bool literal);

/* What may stand behind a name to keep several parameters of one name apart: `name@a`, `name@b`. Writers that know tags do not write them. */
#define WRITER_TAG '@'

/* Is it UTF-8 as RFC 3629 has it (no surrogates, nothing overlong, nothing above U+10FFFF)? */
bool writer_utf8(const char *text, size_t length);

#endif
