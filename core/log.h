/* log.h - the programs' log: one line an event. core/'s other modules never call it.
 *
 * What is formatted is written with control characters, DEL, bytes that are no UTF-8 and backslashes as \xHH, so that a line is a line and reads back to the same
 * bytes; a line is cut at LOG_LINE_MAX. */
#ifndef DIALTONE_LOG_H
#define DIALTONE_LOG_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_LINE_MAX 2048

/* `program` is the tag; target and level as in conf.h. May be called again (reload, SIGUSR1 to reopen a file). */
enum error_code log_open(const char *program, const char *target, const char *level, struct error *error);
void log_close(void);

/* "worker 3", "journal": shown in each line of this process. */
void log_role(const char *role);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Escape as above into `out` (always 0-terminated, cut at a whole escape). Returns out. */
char *log_escape(char *out, size_t out_size, const char *bytes, size_t size);

/* For tests: hand every finished line to `sink` instead of the target; NULL restores. */
void log_capture(void (*sink)(void *context, enum log_level level, const char *line), void *context);

#endif
