#include "drop.h"

#include "privacy.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static enum error_code become(const struct passwd *entry, struct error *error)
{
	if (initgroups(entry->pw_name, entry->pw_gid) || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) ||
		setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid))
		return error_set(error, ERROR_SYSTEM, "cannot become user %s: %s", entry->pw_name, strerror(errno));
	if (entry->pw_uid && (!setuid(0) || !seteuid(0) || !getuid() || !geteuid() || !setgid(0) || !setegid(0)))
		return error_set(error, ERROR_DENIED, "became user %s, but could become root again", entry->pw_name);
	return ERROR_NONE;
}

static enum error_code change_user(const char *user, struct error *error)
{
	errno = 0;
	const struct passwd *entry = getpwnam(user);
	if (!entry)
		return error_set(error, ERROR_UNKNOWN, "pool.user: there is no user `%s`%s%s", user, errno ? ": " : "", errno ? strerror(errno) : "");
	if (geteuid() != 0)
		return geteuid() == entry->pw_uid ? ERROR_NONE :
			error_set(error, ERROR_DENIED, "pool.user is %s, but this is neither that user nor root", user);
	return become(entry, error);
}

enum error_code drop_privileges(const char *user, struct error *error)
{
	enum error_code code = *user ? change_user(user, error) : ERROR_NONE;
	if (code)
		return code;
	/* After the change of user, which would make us what /proc/sys/fs/suid_dumpable says. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_set(error, ERROR_SYSTEM, "cannot forbid new privileges: %s", strerror(errno));
	return privacy_set(error);
}
