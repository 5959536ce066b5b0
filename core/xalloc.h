/* xalloc.h - memory that is always there.
 *
 * Each multiplies with an overflow check and aborts the process when memory ends, so that no caller tests for NULL. What a stranger
 * sends is bounded before it reaches an allocation. free() releases. */
#ifndef DIALTONE_XALLOC_H
#define DIALTONE_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));                    /* size 0 counts as 1 */
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));      /* zeroed */
void *xreallocarray(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *format, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#endif
