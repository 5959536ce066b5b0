#include "log.h"

#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum target { TARGET_STDERR, TARGET_SYSLOG, TARGET_FILE };

static const struct { const char *name; int priority; } levels[] = {
	[LOG_LEVEL_ERROR] = {"error", LOG_ERR},
	[LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

/* The log target is one of the few things that belong to the process and to nothing in it. */
static struct {
	enum target target;
	enum log_level level;
	int file;
	char program[32]; /* syslog(3) keeps the pointer */
	char role[32];
	void (*sink)(void *context, enum log_level level, const char *line);
	void *context;
} state = {.level = LOG_LEVEL_INFO, .file = -1, .program = "dialtone"};

static enum error_code find_level(const char *name, enum log_level *level_r, struct error *error)
{
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (strcmp(levels[i].name, name) == 0) {
			*level_r = (enum log_level)i;
			return ERROR_NONE;
		}
	return error_set(error, ERROR_UNKNOWN, "unknown log level `%s`; there are error, warning, info and debug", name);
}

static enum error_code open_file(const char *path, int *file_r, struct error *error)
{
	if (*path != '/')
		return error_set(error, ERROR_SYNTAX, "log target `%s` is neither stderr nor syslog nor a path from /", path);
	*file_r = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (*file_r < 0)
		return error_set(error, ERROR_SYSTEM, "log file %s: %s", path, strerror(errno));
	return ERROR_NONE;
}

enum error_code log_open(const char *program, const char *target, const char *level, struct error *error)
{
	enum target kind = strcmp(target, "stderr") == 0 ? TARGET_STDERR : strcmp(target, "syslog") == 0 ? TARGET_SYSLOG : TARGET_FILE;
	enum log_level limit = LOG_LEVEL_INFO;
	int file = -1;
	enum error_code code = find_level(level, &limit, error);
	if (!code && kind == TARGET_FILE)
		code = open_file(target, &file, error);
	if (code)
		return code; /* the log goes on as it was */
	log_close();
	snprintf(state.program, sizeof state.program, "%s", program);
	state.target = kind;
	state.level = limit;
	state.file = file;
	if (kind == TARGET_SYSLOG)
		openlog(state.program, LOG_PID, LOG_DAEMON);
	return ERROR_NONE;
}

void log_close(void)
{
	if (state.target == TARGET_SYSLOG)
		closelog();
	if (state.file >= 0)
		close(state.file);
	state.file = -1;
	state.target = TARGET_STDERR;
}

void log_role(const char *role)
{
	snprintf(state.role, sizeof state.role, "%s", role);
}

/* How many bytes at `bytes` may stand as they are: one ASCII character, or a whole one of UTF-8 that is no control character. 0: none. */
static size_t plain_bytes(const char *bytes, size_t size)
{
	unsigned char first = (unsigned char)bytes[0];
	if (first < 0x80)
		return first >= ' ' && first != 0x7f && first != '\\';
	/* U+0080 to U+009F are control characters too: a terminal obeys them. */
	if (first == 0xc2 && size > 1 && (unsigned char)bytes[1] < 0xa0)
		return 0;
	for (size_t length = 2; length <= 4 && length <= size; length++)
		if (writer_utf8(bytes, length))
			return length;
	return 0;
}

char *log_escape(char *out, size_t out_size, const char *bytes, size_t size)
{
	size_t used = 0;
	if (!out_size)
		return out;
	while (size) {
		size_t plain = plain_bytes(bytes, size), wanted = plain ? plain : 4, taken = plain ? plain : 1;
		if (out_size - used <= wanted)
			break;
		if (plain)
			memcpy(out + used, bytes, plain);
		else
			snprintf(out + used, 5, "\\x%02x", (unsigned char)*bytes);
		used += wanted;
		bytes += taken;
		size -= taken;
	}
	out[used] = 0;
	return out;
}

static void write_all(int file, const char *text, size_t size)
{
	ssize_t wrote;
	do
		wrote = write(file, text, size);
	while (wrote < 0 && errno == EINTR);
	/* A log that cannot be written cannot be told of: the line is lost. */
}

/* One write(2) a line, so that the lines of several processes do not mix. */
static void write_line(int file, bool with_time, enum log_level level, const char *line)
{
	char out[LOG_LINE_MAX + 128], stamp[40] = "";
	struct timespec now;
	struct tm utc;
	if (with_time && clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &utc)) {
		size_t used = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
		snprintf(stamp + used, sizeof stamp - used, ".%03dZ ", (int)(now.tv_nsec / 1000000 % 1000));
	}
	int size = snprintf(out, sizeof out, "%s%s[%ld]: %s: %s\n", stamp, state.program, (long)getpid(), levels[level].name, line);
	if (size > 0)
		write_all(file, out, (size_t)size < sizeof out ? (size_t)size : sizeof out - 1);
}

static void emit(enum log_level level, const char *line)
{
	if (state.sink)
		state.sink(state.context, level, line);
	else if (state.target == TARGET_SYSLOG)
		syslog(levels[level].priority, "%s", line);
	else if (state.target == TARGET_FILE)
		write_line(state.file, true, level, line);
	else
		write_line(STDERR_FILENO, false, level, line);
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	char message[LOG_LINE_MAX];
	int saved = errno;
	va_list args;
	if ((unsigned)level >= sizeof levels / sizeof *levels || level > state.level)
		return;
	va_start(args, format);
	int size = vsnprintf(message, sizeof message, format, args);
	va_end(args);
	if (size >= 0) {
		size_t length = (size_t)size < sizeof message ? (size_t)size : sizeof message - 1;
		size_t role = (size_t)snprintf(line, sizeof line, "%s%s", state.role, *state.role ? ": " : "");
		log_escape(line + role, sizeof line - role, message, length);
		emit(level, line);
	}
	errno = saved;
}

void log_capture(void (*sink)(void *context, enum log_level level, const char *line), void *context)
{
	state.sink = sink;
	state.context = context;
}
