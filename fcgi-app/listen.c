#include "listen.h"

#include "number.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum error_code system_error(struct error *error, const char *what, const char *address)
{
	return error_set(error, ERROR_SYSTEM, "cannot %s %s: %s", what, address, strerror(errno));
}

/* Make way for a new socket file, but never for somebody's living one, nor for a file that is something else. */
static enum error_code remove_stale(const struct sockaddr_un *name, struct error *error)
{
	struct stat status;
	if (lstat(name->sun_path, &status))
		return errno == ENOENT ? ERROR_NONE : system_error(error, "look at", name->sun_path);
	if (!S_ISSOCK(status.st_mode))
		return error_set(error, ERROR_DENIED, "%s is there and is not a socket", name->sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return system_error(error, "make a socket for", name->sun_path);
	bool lives = !connect(fd, (const struct sockaddr *)name, sizeof *name) || errno != ECONNREFUSED;
	close(fd);
	if (lives)
		return error_set(error, ERROR_DENIED, "another process listens on %s", name->sun_path);
	if (unlink(name->sun_path) && errno != ENOENT)
		return system_error(error, "remove the old", name->sun_path);
	return ERROR_NONE;
}

/* Before listen(2), so that nobody connects who may not. */
static enum error_code set_access(const char *path, const char *mode, const char *group, struct error *error)
{
	char *end;
	unsigned long bits = strtoul(mode, &end, 8);
	if (!*mode || *end || bits > 0777)
		return error_set(error, ERROR_SYNTAX, "pool.mode `%s` is not an octal mode such as 0660", mode);
	if (*group) {
		const struct group *entry = getgrnam(group);
		if (!entry)
			return error_set(error, ERROR_UNKNOWN, "pool.group: there is no group `%s`", group);
		if (lchown(path, (uid_t)-1, entry->gr_gid))
			return system_error(error, "change the group of", path);
	}
	return chmod(path, (mode_t)bits) ? system_error(error, "change the mode of", path) : ERROR_NONE;
}

static enum error_code open_unix(struct listener *listener, const char *path, const char *mode, const char *group, struct error *error)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	if (*path != '/' || strlen(path) >= sizeof name.sun_path)
		return error_set(error, ERROR_RANGE, "unix:%s: a socket's path begins with / and has at most %zu bytes", path, sizeof name.sun_path - 1);
	memcpy(name.sun_path, path, strlen(path) + 1);
	enum error_code code = remove_stale(&name, error);
	if (code)
		return code;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return system_error(error, "make a socket for", path);
	mode_t saved = umask(0177);
	int failed = bind(listener->fd, (const struct sockaddr *)&name, sizeof name);
	umask(saved);
	if (failed)
		return system_error(error, "bind", path);
	listener->path = xstrdup(path);
	code = set_access(path, mode, group, error);
	if (!code && listen(listener->fd, LISTEN_BACKLOG))
		code = system_error(error, "listen on", path);
	return code;
}

/* "host:port" or "[v6]:port" into its two parts. */
static bool split(const char *address, char host[256], char port[6])
{
	const char *colon = strrchr(address, ':');
	long long number;
	if (!colon || !number_parse(colon + 1, 1, 65535, &number))
		return false;
	size_t length = (size_t)(colon - address);
	if (*address == '[') {
		if (length < 2 || address[length - 1] != ']')
			return false;
		address++;
		length -= 2;
	}
	if (!length || length >= 256)
		return false;
	memcpy(host, address, length);
	host[length] = 0;
	snprintf(port, 6, "%lld", number);
	return true;
}

static enum error_code open_inet(struct listener *listener, const char *address, struct error *error)
{
	char host[256], port[6];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
	enum error_code code = ERROR_NONE;
	if (!split(address, host, port))
		return error_set(error, ERROR_SYNTAX, "`%s` is not unix:/path, host:port or [v6]:port", address);
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed)
		return error_set(error, ERROR_SYSTEM, "%s: %s", address, gai_strerror(failed));
	listener->fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		code = system_error(error, "make a socket for", address);
	else if (setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
		bind(listener->fd, found->ai_addr, found->ai_addrlen) || listen(listener->fd, LISTEN_BACKLOG))
		code = system_error(error, "listen on", address);
	freeaddrinfo(found);
	return code;
}

enum error_code listen_open(struct listener *listener_r, const char *address, const char *mode, const char *group, struct error *error)
{
	*listener_r = (struct listener){.fd = -1};
	enum error_code code = !strncmp(address, "unix:", 5) ? open_unix(listener_r, address + 5, mode, group, error) :
		open_inet(listener_r, address, error);
	if (code)
		listen_close(listener_r);
	return code;
}

enum error_code listen_adopt(struct listener *listener_r, int fd, struct error *error)
{
	int type = 0, listens = 0;
	socklen_t size = sizeof type;
	*listener_r = (struct listener){.fd = -1};
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_STREAM ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t){sizeof listens}) || !listens)
		return error_set(error, ERROR_SYSTEM, "descriptor %d from systemd is not a listening stream socket", fd);
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC) || listen(fd, LISTEN_BACKLOG))
		return error_set(error, ERROR_SYSTEM, "descriptor %d from systemd: %s", fd, strerror(errno));
	listener_r->fd = fd;
	return ERROR_NONE;
}

void listen_close(struct listener *listener)
{
	if (listener->fd >= 0)
		close(listener->fd);
	if (listener->path)
		unlink(listener->path);
	free(listener->path);
	*listener = (struct listener){.fd = -1};
}
