/* drop.h - give privileges up, and prove it. */
#ifndef DIALTONE_DROP_H
#define DIALTONE_DROP_H

#include "error.h"

/* No core, not dumpable, no new privileges. Afterwards, where `user` is not "": its groups, its group, itself, in this order, and a try to come back, which must
 * fail. Without root a `user` that we are already is fine, any other is an error. */
enum error_code drop_privileges(const char *user, struct error *error);

#endif
