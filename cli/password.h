/* password.h - the passwords of the service accounts: DIR/worker.password and so on, mode 0600. */
#ifndef DIALTONE_PASSWORD_H
#define DIALTONE_PASSWORD_H

#include "error.h"

#define PASSWORD_LENGTH 32
#define PASSWORD_ROOM 129

/* Read DIR/NAME.password; make it, and DIR, with a random base62 password where missing. What it may hold needs no quoting in SQL:
 * 8 to 128 of [A-Za-z0-9._-], one line. Never followed through a link. The caller wipes password_r. */
enum error_code password_get(const char *directory, const char *name, char password_r[PASSWORD_ROOM], struct error *error);

#endif
