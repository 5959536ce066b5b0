/* throttle.h - the same fault is told once, then counted, and told again with the count after a minute. */
#ifndef DIALTONE_THROTTLE_H
#define DIALTONE_THROTTLE_H

#include "log.h"

#include <stdint.h>

struct throttle { uint64_t hash; int64_t told_at; unsigned held_back; };

/* Log `text` unless the same was logged less than a minute ago. `now`: monotonic ns. */
void throttle_log(struct throttle *throttle, enum log_level level, int64_t now, const char *text);
/* The fault is over: the next one is told at once. True if there was one. */
bool throttle_over(struct throttle *throttle);

#endif
