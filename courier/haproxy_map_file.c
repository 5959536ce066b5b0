#include "haproxy_map.h"

#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool write_all(int fd, const struct buf *lines)
{
	size_t done = 0;
	while (done < lines->size) {
		ssize_t size = write(fd, lines->data + done, lines->size - done);
		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			return false;
		done += (size_t)size;
	}
	return true;
}

/* Only root can give a file away; as anybody else we are whom HAProxy runs as, or it starts as root. */
static bool give_away(int fd, const char *like)
{
	struct stat owner;
	if (geteuid() != 0 || !like || !*like || stat(like, &owner))
		return true;
	return fchown(fd, owner.st_uid, owner.st_gid) == 0;
}

/* The new name is durable when its directory is. */
static bool sync_directory(const char *path)
{
	char *directory = xstrdup(path), *slash = strrchr(directory, '/');
	*(slash == directory ? slash + 1 : slash) = 0;
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && !fsync(fd);
	if (fd >= 0)
		close(fd);
	free(directory);
	return good;
}

enum error_code haproxy_map_write(const char *path, const char *like, const struct buf *lines, struct stat *written_r, struct error *error)
{
	char *temporary = xasprintf("%s.XXXXXX", path);
	int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	bool good = fd >= 0 && give_away(fd, like) && write_all(fd, lines) && !fsync(fd) && !fstat(fd, written_r);
	int saved = errno;
	if (fd >= 0 && close(fd) && good) {
		saved = errno;
		good = false;
	}
	if (good && (rename(temporary, path) || !sync_directory(path))) {
		saved = errno;
		good = false;
	}
	if (!good && fd >= 0)
		unlink(temporary);
	free(temporary);
	return good ? ERROR_NONE : error_set(error, ERROR_SYSTEM, "courier.haproxy_map: %s cannot be written: %s", path, strerror(saved));
}

bool haproxy_map_is(const char *path, const struct stat *written)
{
	struct stat now;
	return !stat(path, &now) && now.st_dev == written->st_dev && now.st_ino == written->st_ino && now.st_size == written->st_size &&
		now.st_mtim.tv_sec == written->st_mtim.tv_sec && now.st_mtim.tv_nsec == written->st_mtim.tv_nsec;
}
