/* clock.h - the two clocks: deadlines by the monotonic one, the journal by the wall's. */
#ifndef DIALTONE_CLOCK_H
#define DIALTONE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND INT64_C(1000000000) /* in ns */
#define CLOCK_MILLISECOND INT64_C(1000000)

static inline int64_t clock_ns(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec;
}

static inline int64_t clock_monotonic(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif
