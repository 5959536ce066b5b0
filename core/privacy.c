#include "privacy.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum error_code privacy_set(struct error *error)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}))
		return error_set(error, ERROR_SYSTEM, "cannot forbid core dumps: %s", strerror(errno));
	return ERROR_NONE;
}
