#include "password.h"


#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void make_random(char *password_r)
{
	size_t made = 0;
	while (made < PASSWORD_LENGTH) {
		unsigned char byte;
		if (RAND_bytes(&byte, 1) != 1)
			abort();
		if (byte < 62 * 4) /* the same chance for each */
			password_r[made++] = alphabet[byte % 62];
	}
	password_r[made] = 0;
}

static enum error_code system_error(struct error *error, const char *path)
{
	return error_set(error, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
}

static enum error_code write_new(int fd, const char *path, char *password_r, struct error *error)
{
	make_random(password_r);
	char line[PASSWORD_LENGTH + 2];
	int size = snprintf(line, sizeof line, "%s\n", password_r);
	bool good = write(fd, line, (size_t)size) == size && fsync(fd) == 0;
	OPENSSL_cleanse(line, sizeof line);
	if (good)
		return ERROR_NONE;
	system_error(error, path);
	unlink(path);
	return ERROR_SYSTEM;
}

static enum error_code read_old(int fd, const char *path, char *password_r, struct error *error)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return system_error(error, path);
	if (!S_ISREG(status.st_mode) || (status.st_mode & 0037))
		return error_set(error, ERROR_DENIED, "%s: a password file must be a plain file that only its owner (and its group, reading) may use: chmod 0600",
			path);
	char line[PASSWORD_ROOM + 1];
	ssize_t size = read(fd, line, sizeof line);
	if (size < 0)
		return system_error(error, path);
	if (size > 0 && line[size - 1] == '\n')
		size--;
	bool good = size >= 8 && size < PASSWORD_ROOM;
	for (ssize_t i = 0; good && i < size; i++)
		good = line[i] && (strchr(alphabet, line[i]) || strchr("._-", line[i]));
	if (good) {
		memcpy(password_r, line, (size_t)size);
		password_r[size] = 0;
	}
	OPENSSL_cleanse(line, sizeof line);
	return good ? ERROR_NONE
		    : error_set(error, ERROR_SYNTAX, "%s: must hold one line of 8 to 128 letters, digits, `.`, `_` or `-`; remove it to get a new one", path);
}

enum error_code password_get(const char *directory, const char *name, char password_r[PASSWORD_ROOM], struct error *error)
{
	char path[4096];
	if ((size_t)snprintf(path, sizeof path, "%s/%s.password", directory, name) >= sizeof path)
		return error_set(error, ERROR_RANGE, "%s: the path is too long", directory);
	if (mkdir(directory, 0700) != 0 && errno != EEXIST)
		return system_error(error, directory);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool made = fd >= 0;
	if (!made && errno == EEXIST)
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return system_error(error, path);
	enum error_code code = made ? write_new(fd, path, password_r, error) : read_old(fd, path, password_r, error);
	close(fd);
	return code;
}
