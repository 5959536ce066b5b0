#include "timezone.h"

#include "arena.h"
#include "strmap.h"
#include "suggest.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct timezones {
	struct arena arena;
	struct strmap names;
	struct timezone_rule *rules;
	size_t count;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Each take_… reads one piece at *at and moves it on, or returns false. */

/* "CET", or "<+0330>"; at least three characters (POSIX.1 8.3). */
static bool take_name(const char **at)
{
	const char *start = *at, *end = start;
	if (*start == '<') {
		end = ++start;
		while (is_letter(*end) || is_digit(*end) || *end == '+' || *end == '-')
			end++;
		if (*end != '>')
			return false;
		*at = end + 1;
	} else {
		while (is_letter(*end))
			end++;
		*at = end;
	}
	return end - start >= 3;
}

static bool take_number(const char **at, int max, int *value_r)
{
	int value = 0;
	if (!is_digit(**at))
		return false;
	for (; is_digit(**at); (*at)++) {
		value = value * 10 + (**at - '0');
		if (value > max)
			return false;
	}
	*value_r = value;
	return true;
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool take_time(const char **at, int max_hours, int *seconds_r)
{
	int hours, minutes = 0, seconds = 0, sign = 1;
	if (take_char(at, '-'))
		sign = -1;
	else
		take_char(at, '+');
	if (!take_number(at, max_hours, &hours))
		return false;
	if (take_char(at, ':') && (!take_number(at, 59, &minutes) || (take_char(at, ':') && !take_number(at, 59, &seconds))))
		return false;
	*seconds_r = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

/* Day of the year, from 0, on which the seven days begin that "week w of month m" may fall on. Month 0 is last year's December, 13 next
 * year's January. A rule names the one day of its weekday within seven days, so two rules are equal if their seven days are. */
static int window(int month, int week, bool leap)
{
	static const int lengths[] = {31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31};
	int day = -31;
	for (int i = 0; i < month; i++)
		day += lengths[i] + (i == 2 && leap);
	return week < 5 ? day + 7 * (week - 1) : day + lengths[month] + (month == 2 && leap) - 7;
}

/* Move the change by whole days to another month/week/weekday, where one is the same day in every year: a week back from the first Sunday
 * is the last Sunday of the month before; two days after the 4th Friday of a month with 30 days is its last Sunday; one day after the 4th
 * Thursday of March is at times the 4th Friday and at times the fifth, so it is none. Only leap and common years differ. */
static bool shift_days(struct timezone_change *change, int days)
{
	int common = window(change->month, change->week, false) + days, leap = window(change->month, change->week, true) + days;
	for (int month = change->month - 1; month <= change->month + 1; month++)
		for (int week = 1; week <= 5; week++)
			if (window(month, week, false) == common && window(month, week, true) == leap) {
				change->month = (month + 11) % 12 + 1;
				change->week = week;
				change->weekday = ((change->weekday + days) % 7 + 7) % 7;
				return true;
			}
	return false;
}

/* How far off its moment a change may be told where a phone cannot be told the moment itself. Clocks are then wrong on two nights a year for so long, and a
 * configuration is delivered; refusing it would leave the phone without one. */
#define NEAR_SECONDS (3 * 3600)

/* Put a time of -167..167 hours into the change. NULL, or why it does not fit. */
static const char *place_time(struct timezone_change *change, int seconds)
{
	int days = seconds / 86400 - (seconds % 86400 < 0);
	int hour = (seconds - days * 86400) / 3600;
	if (!days || shift_days(change, days)) {
		change->hour = hour; /* of 2:45 it is 2 */
		return NULL;
	}
	change->hour = days < 0 ? 0 : 23;
	if (abs(seconds - change->hour * 3600) <= NEAR_SECONDS)
		return NULL;
	return "its daylight saving changes on a day that is not the same weekday of the same week of a month in every year";
}

static bool take_month_rule(const char **at, struct timezone_change *change)
{
	return take_number(at, 12, &change->month) && change->month >= 1 && take_char(at, '.') && take_number(at, 5, &change->week) &&
	       change->week >= 1 && take_char(at, '.') && take_number(at, 6, &change->weekday);
}

/* ",M3.5.0/2", ",J60", ",59/1:30" */
static bool take_change(const char **at, struct timezone_change *change_r, const char **inexpressible)
{
	struct timezone_change change = {0};
	int seconds = 2 * 3600, day;
	const char *why = NULL;
	if (!take_char(at, ','))
		return false;
	bool by_month = take_char(at, 'M');
	if (by_month) {
		if (!take_month_rule(at, &change))
			return false;
	} else {
		bool julian = take_char(at, 'J');
		if (!take_number(at, 365, &day) || (julian && day == 0))
			return false;
		why = "its daylight saving changes on a day of the year, not on a weekday of a month";
	}
	if (take_char(at, '/') && !take_time(at, 167, &seconds))
		return false;
	if (by_month)
		why = place_time(&change, seconds);
	if (why && !*inexpressible)
		*inexpressible = why;
	*change_r = change;
	return true;
}

/* Dublin's winter is written as daylight saving of minus one hour. Told the other way round it is what every phone knows, and the same
 * moments: each change's time is the local time before it, whatever that time is called. */
static void turn_negative(struct timezone_rule *rule)
{
	struct timezone_change start = rule->start;
	rule->offset_minutes += rule->dst_minutes;
	rule->dst_minutes = -rule->dst_minutes;
	rule->start = rule->end;
	rule->end = start;
}

static bool take_daylight(const char **at, struct timezone_rule *rule)
{
	int seconds = -60 * (rule->offset_minutes + 60);
	if (!take_name(at))
		return false;
	if (**at && **at != ',' && !take_time(at, 24, &seconds))
		return false;
	if (seconds % 60)
		return false;
	rule->dst = true;
	rule->dst_minutes = -seconds / 60 - rule->offset_minutes;
	if (!**at)
		rule->inexpressible = "its rule does not say when daylight saving begins and ends";
	else if (!take_change(at, &rule->start, &rule->inexpressible) || !take_change(at, &rule->end, &rule->inexpressible))
		return false;
	if (rule->dst_minutes < 0)
		turn_negative(rule);
	return true;
}

bool timezone_parse(const char *posix, struct timezone_rule *rule_r)
{
	struct timezone_rule rule = {.posix = posix};
	const char *at = posix;
	int seconds;
	if (!take_name(&at) || !take_time(&at, 24, &seconds) || seconds % 60)
		return false;
	rule.offset_minutes = -seconds / 60;
	if (*at && !take_daylight(&at, &rule))
		return false;
	if (*at)
		return false;
	*rule_r = rule;
	return true;
}

static bool valid_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!is_letter(*c) && !is_digit(*c) && !strchr("_+-/", *c))
			return false;
	return *name && strlen(name) <= 64;
}

/* One line "Europe/Berlin\tCET-1CEST,M3.5.0,M10.5.0/3". */
static enum error_code load_line(struct timezones *zones, char *line, const char *path, unsigned number, struct error *error)
{
	line[strcspn(line, "\r\n")] = 0;
	if (!*line || *line == '#')
		return ERROR_NONE;
	char *tab = strchr(line, '\t');
	if (tab)
		*tab = 0;
	if (!tab || !valid_name(line))
		return error_set(error, ERROR_SYNTAX, "%s:%u: not of the form NAME TAB RULE", path, number);
	struct timezone_rule rule;
	const char *posix = arena_strdup(&zones->arena, tab + 1);
	if (!timezone_parse(posix, &rule))
		return error_set(error, ERROR_SYNTAX, "%s:%u: `%s` is no POSIX time zone rule", path, number, posix);
	rule.name = arena_strdup(&zones->arena, line);
	if (strmap_put(&zones->names, rule.name, strlen(rule.name), (uint32_t)zones->count) != STRMAP_NONE)
		return error_set(error, ERROR_SYNTAX, "%s:%u: time zone `%s` is there twice", path, number, rule.name);
	zones->rules = xreallocarray(zones->rules, zones->count + 1, sizeof *zones->rules);
	zones->rules[zones->count++] = rule;
	return ERROR_NONE;
}

static enum error_code load_file(struct timezones *zones, const char *path, struct error *error)
{
	enum error_code code = ERROR_NONE;
	char *line = NULL;
	size_t room = 0;
	unsigned number = 0;
	FILE *file = fopen(path, "re");
	if (!file)
		return error_set(error, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
	errno = 0;
	while (!code && getline(&line, &room, file) >= 0)
		code = load_line(zones, line, path, ++number, error);
	if (!code && ferror(file))
		code = error_set(error, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
	if (!code && !zones->count)
		code = error_set(error, ERROR_MISSING, "%s: no time zone in it", path);
	free(line);
	fclose(file);
	return code;
}

struct timezones *timezones_load(const char *path, struct error *error)
{
	struct timezones *zones = xcalloc(1, sizeof *zones);
	arena_init(&zones->arena);
	strmap_init(&zones->names);
	if (load_file(zones, path, error))
		timezones_free(&zones);
	return zones;
}

void timezones_free(struct timezones **timezones)
{
	if (!*timezones)
		return;
	free((*timezones)->rules);
	strmap_deinit(&(*timezones)->names);
	arena_deinit(&(*timezones)->arena);
	free(*timezones);
	*timezones = NULL;
}

const struct timezone_rule *timezones_find(const struct timezones *timezones, const char *name, size_t length)
{
	uint32_t index = strmap_get(&timezones->names, name, length);
	return index == STRMAP_NONE ? NULL : &timezones->rules[index];
}

const char *timezones_suggest(const struct timezones *timezones, const char *name)
{
	struct suggest suggest;
	suggest_init(&suggest, name);
	for (size_t i = 0; i < timezones->count; i++)
		suggest_try(&suggest, timezones->rules[i].name);
	return suggest.best;
}

size_t timezones_count(const struct timezones *timezones)
{
	return timezones->count;
}

const struct timezone_rule *timezones_at(const struct timezones *timezones, size_t index)
{
	return index < timezones->count ? &timezones->rules[index] : NULL;
}
