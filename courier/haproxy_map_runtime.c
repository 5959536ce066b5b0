/* HAProxy's runtime API (management guide, 9.3): one command a connection, answered and closed. Measured with 2.6 at 100,000 entries: `set map` holds its event loop for 9 ms each;
 * a prepared version, filled by payloads of many lines, disturbs nobody. */
#include "haproxy_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE 5          /* seconds for a command and for its answer */
#define ANSWER_MAX 65536u   /* `show map` of a HAProxy with many maps */
#define PAYLOAD_MAX 12288u  /* bytes of lines in a payload: with its command below tune.bufsize, 16384 */

static int dial(const char *path, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = PATIENCE};
	if (strlen(path) >= sizeof address.sun_path) {
		error_set(error, ERROR_RANGE, "courier.haproxy_socket: %s is too long for a socket", path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) &&
		!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) && !connect(fd, (const struct sockaddr *)&address, sizeof address);
	if (good)
		return fd;
	error_set(error, ERROR_SYSTEM, "courier.haproxy_socket: %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_all(int fd, const struct buf *command)
{
	size_t done = 0;
	while (done < command->size) {
		ssize_t size = send(fd, command->data + done, command->size - done, MSG_NOSIGNAL);
		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			return false;
		done += (size_t)size;
	}
	return true;
}

static bool receive_all(int fd, struct buf *answer)
{
	char part[4096];
	while (true) {
		ssize_t size = recv(fd, part, sizeof part, 0);
		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			return size == 0 && !answer->overflow;
		buf_add(answer, part, (size_t)size);
	}
}

/* answer: what it said, with the blank lines at its end cut off. */
static enum error_code ask(const char *socket, const struct buf *command, struct buf *answer, struct error *error)
{
	buf_clear(answer);
	int fd = dial(socket, error);
	if (fd < 0)
		return error->code;
	errno = 0;
	bool good = send_all(fd, command) && receive_all(fd, answer);
	int saved = errno;
	close(fd);
	if (!good)
		return error_set(error, ERROR_SYSTEM, "courier.haproxy_socket: %s: no whole answer: %s", socket, saved ? strerror(saved) : "it is too long");
	while (answer->size && answer->data[answer->size - 1] == '\n')
		answer->data[--answer->size] = 0;
	return ERROR_NONE;
}

/* A command that has nothing to say where all is well. */
static enum error_code tell(const char *socket, const struct buf *command, struct buf *answer, const char *what, struct error *error)
{
	enum error_code code = ask(socket, command, answer, error);
	if (code || !answer->size)
		return code;
	return error_set(error, ERROR_SYSTEM, "HAProxy refuses `%s`: %.200s", what, answer->data);
}

/* The number behind `name` in the line at `line`; -1 where there is none. */
static long long number_of(const char *line, const char *name)
{
	const char *end = strchr(line, '\n'), *at = strstr(line, name);
	return at && (!end || at < end) ? strtoll(at + strlen(name), NULL, 10) : -1;
}

/* `show map` has a line a map: its number, its file in parentheses, and more. */
static enum error_code find(const char *path, const struct buf *list, struct haproxy_map_state *state_r, struct error *error)
{
	size_t length = strlen(path);
	for (const char *line = list->size ? list->data : NULL; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *file = line + strspn(line, "0123456789");
		if (file == line || strncmp(file, " (", 2) != 0 || strncmp(file + 2, path, length) != 0 || strncmp(file + 2 + length, ") ", 2) != 0)
			continue;
		*state_r = (struct haproxy_map_state){number_of(file, " curr_ver="), number_of(file, " entry_cnt=")};
		return ERROR_NONE;
	}
	return error_set(error, ERROR_UNKNOWN, "HAProxy has no map %s: its configuration must name the same path as courier.haproxy_map", path);
}

enum error_code haproxy_map_look(const char *socket, const char *path, struct haproxy_map_state *state_r, struct error *error)
{
	struct buf command, answer;
	buf_init(&command, 64);
	buf_init(&answer, ANSWER_MAX);
	buf_add_string(&command, "show map\n");
	enum error_code code = ask(socket, &command, &answer, error);
	if (!code)
		code = find(path, &answer, state_r, error);
	buf_deinit(&command);
	buf_deinit(&answer);
	return code;
}

static enum error_code prepare(const char *socket, const char *path, struct buf *command, struct buf *answer, long long *version_r, struct error *error)
{
	static const char said[] = "New version created: ";
	buf_clear(command);
	buf_printf(command, "prepare map %s\n", path);
	enum error_code code = ask(socket, command, answer, error);
	if (code)
		return code;
	if (!answer->size || strncmp(answer->data, said, sizeof said - 1) != 0)
		return error_set(error, ERROR_SYSTEM, "HAProxy refuses `prepare map %s`: %.200s", path, answer->size ? answer->data : "");
	*version_r = strtoll(answer->data + sizeof said - 1, NULL, 10);
	return ERROR_NONE;
}

/* As many whole lines as a payload holds, from `at`: the size of them. */
static size_t payload(const struct buf *lines, size_t at)
{
	size_t end = at;
	while (end < lines->size) {
		const char *next = memchr(lines->data + end, '\n', lines->size - end);
		size_t behind = next ? (size_t)(next - lines->data) + 1 : lines->size;
		if (behind - at > PAYLOAD_MAX && end > at)
			break;
		end = behind;
	}
	return end - at;
}

static enum error_code fill(const char *socket, const char *path, long long version, const struct buf *lines, struct buf *command, struct buf *answer, struct error *error)
{
	enum error_code code = ERROR_NONE;
	for (size_t at = 0, size; !code && at < lines->size; at += size) {
		size = payload(lines, at);
		buf_clear(command);
		buf_printf(command, "add map @%lld %s <<\n", version, path);
		buf_add(command, lines->data + at, size);
		buf_add_char(command, '\n');
		code = tell(socket, command, answer, "add map", error);
	}
	return code;
}

enum error_code haproxy_map_replace(const char *socket, const char *path, const struct buf *lines, struct haproxy_map_state *state_r, struct error *error)
{
	struct buf command, answer;
	struct error ignored;
	long long version = 0;
	buf_init(&command, PAYLOAD_MAX + 8192);
	buf_init(&answer, ANSWER_MAX);
	enum error_code code = prepare(socket, path, &command, &answer, &version, error);
	if (!code) {
		code = fill(socket, path, version, lines, &command, &answer, error);
		/* Entries of a version that nobody commits would lie there until the next one is. */
		buf_clear(&command);
		buf_printf(&command, "%s map @%lld %s\n", code ? "clear" : "commit", version, path);
		if (code)
			tell(socket, &command, &answer, "clear map", &ignored);
		else
			code = tell(socket, &command, &answer, "commit map", error);
	}
	buf_deinit(&command);
	buf_deinit(&answer);
	return code ? code : haproxy_map_look(socket, path, state_r, error);
}
