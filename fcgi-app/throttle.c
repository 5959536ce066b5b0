#include "throttle.h"

#include "clock.h"

#define AGAIN (60 * CLOCK_SECOND)

static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash ? hash : 1;
}

void throttle_log(struct throttle *throttle, enum log_level level, int64_t now, const char *text)
{
	uint64_t hash = hash_of(text);
	if (hash == throttle->hash && now - throttle->told_at < AGAIN) {
		throttle->held_back++;
		return;
	}
	if (throttle->held_back)
		log_write(level, "the message before came %u more times", throttle->held_back);
	log_write(level, "%s", text);
	*throttle = (struct throttle){.hash = hash, .told_at = now};
}

bool throttle_over(struct throttle *throttle)
{
	bool was = throttle->hash != 0;
	if (throttle->held_back)
		log_write(LOG_LEVEL_WARNING, "the message before came %u more times", throttle->held_back);
	*throttle = (struct throttle){0};
	return was;
}
