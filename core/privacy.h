/* privacy.h - keeps what a process holds to itself: keys and secrets. */
#ifndef DIALTONE_PRIVACY_H
#define DIALTONE_PRIVACY_H

#include "error.h"

/* No core files of this process and its children, and no look into their memory for other processes of their user (prctl(2), PR_SET_DUMPABLE). To be called before a key is
 * read, and again after a change of user, which makes a process what /proc/sys/fs/suid_dumpable says. There is no switch: a debugger that root starts works all the same. */
enum error_code privacy_set(struct error *error);

#endif
