/* timezone.h - IANA time zone names to offsets and daylight-saving rules (templates/timezones.tsv, POSIX TZ rules, POSIX.1 8.3). */
#ifndef DIALTONE_TIMEZONE_H
#define DIALTONE_TIMEZONE_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>

/* "month 3, the last Sunday, 2 o'clock" */
struct timezone_change {
	int month;   /* 1..12 */
	int week;    /* 1..5, 5 = last */
	int weekday; /* 0 = Sunday .. 6 */
	int hour;    /* 0..23, local time before the change */
};

struct timezone_rule {
	const char *name;    /* IANA */
	const char *posix;   /* as in the file */
	int offset_minutes;  /* standard time east of UTC */
	bool dst;
	int dst_minutes;     /* what daylight saving adds */
	struct timezone_change start, end;
	/* NULL, or why the daylight-saving rule cannot be told as month/week/weekday/hour (e.g. an hour beyond 24 that no other
	 * weekday's rule equals): a template that asks for it gets this as its error. */
	const char *inexpressible;
};

struct timezones;

struct timezones *timezones_load(const char *path, struct error *error);
void timezones_free(struct timezones **timezones);
const struct timezone_rule *timezones_find(const struct timezones *timezones, const char *name, size_t length);
const char *timezones_suggest(const struct timezones *timezones, const char *name);
size_t timezones_count(const struct timezones *timezones);
const struct timezone_rule *timezones_at(const struct timezones *timezones, size_t index); /* in the file's order */

/* Parse one POSIX rule such as "CET-1CEST,M3.5.0,M10.5.0/3". Hours of 24..167 or below 0 become another weekday where that is the same day in every year; where it is
 * not, a moment at most 3 hours away on the same day is told instead (Jerusalem's Friday 02:00 after the 4th Thursday as that Thursday 23:00, Chatham's 02:45 as 02:00);
 * what is further off sets `inexpressible`. False if it is no POSIX rule. */
bool timezone_parse(const char *posix, struct timezone_rule *rule_r);

#endif
