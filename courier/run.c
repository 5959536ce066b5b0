/* run.c - jobs in turn, with sleep between them, signals and systemd. */
#include "courier.h"

#include "clock.h"
#include "log.h"
#include "notify.h"
#include "signals.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define JOBS_MAX 16
#define PUT_OFF_MIN CLOCK_SECOND
#define PUT_OFF_MAX (60 * CLOCK_SECOND)

struct turn {
	int64_t due, delay;           /* delay: of the last failure, 0 where it is over */
	struct error last;            /* what went wrong last; told when it changes */
};

struct round {
	struct courier *courier;
	struct turn database, turns[JOBS_MAX];
	int64_t watchdog, watchdog_at;
	bool ready;
};

static void fail(struct turn *turn, const char *name, const struct error *error)
{
	bool new = !turn->delay || strcmp(turn->last.message, error->message) != 0;
	turn->delay = turn->delay ? turn->delay * 2 : PUT_OFF_MIN;
	if (turn->delay > PUT_OFF_MAX)
		turn->delay = PUT_OFF_MAX;
	turn->due = clock_monotonic() + turn->delay;
	turn->last = *error;
	if (new)
		log_warning("%s: %s", name, error->message);
	notify_send("STATUS=%s: %.300s", name, error->message);
}

static void succeed(struct turn *turn, const char *name)
{
	if (turn->delay)
		log_info("%s goes on", name);
	turn->delay = turn->due = 0;
}

/* One call of a job, its memory given back. */
static enum error_code run_job(struct courier *courier, const struct job *job, bool *more_r, struct error *error)
{
	*more_r = false;
	*error = (struct error){0};
	enum error_code code = courier_connect(courier, error);
	if (!code)
		code = job->run(courier, more_r, error);
	courier_rollback(courier);
	arena_clear(&courier->arena);
	return code;
}

/* Every job that is due, once. True if one has more to do at once. */
static bool run_round(struct round *round)
{
	struct error error = {0};
	bool any_more = false, more;
	if (round->database.due > clock_monotonic())
		return false;
	if (courier_connect(round->courier, &error)) {
		fail(&round->database, "database", &error);
		return false;
	}
	succeed(&round->database, "database");
	for (unsigned i = 0; courier_jobs[i].name && !signals_stop; i++) {
		struct turn *turn = &round->turns[i];
		if (turn->due > clock_monotonic())
			continue;
		if (run_job(round->courier, &courier_jobs[i], &more, &error))
			fail(turn, courier_jobs[i].name, &error);
		else
			succeed(turn, courier_jobs[i].name);
		any_more |= more && !turn->delay;
	}
	return any_more;
}

static void reload(struct round *round)
{
	struct error error;
	notify_reloading();
	if (courier_reload(round->courier, &error)) {
		memset(round->turns, 0, sizeof round->turns);
		round->database = (struct turn){0};
		log_info("reloaded: %s, %u keys, the newest is %s", round->courier->conf_path, round->courier->keyring->count, sealer_key_id(round->courier->sealer));
		notify_send("READY=1\nSTATUS=reloaded");
	} else {
		log_error("reload refused, what was there goes on: %s", error.message);
		notify_send("READY=1\nSTATUS=reload refused: %.300s", error.message);
	}
}

static void reopen(const struct courier *courier)
{
	struct error error;
	if (log_open("dialtone-courier", courier->conf->log.target, courier->conf->log.level, &error))
		log_error("%s", error.message);
}

static void take_signals(struct round *round)
{
	if (signals_reopen || signals_reload) {
		signals_reopen = 0;
		reopen(round->courier);
	}
	if (signals_reload) {
		signals_reload = 0;
		reload(round);
	}
}

/* The only place where signals get through. */
static void sleep_for(struct round *round, int64_t wait)
{
	if (round->watchdog && wait > round->watchdog)
		wait = round->watchdog;
	struct timespec timeout = {wait / CLOCK_SECOND, wait % CLOCK_SECOND};
	ppoll(NULL, 0, &timeout, &signals_open);
	if (round->watchdog && clock_monotonic() >= round->watchdog_at) {
		notify_send("WATCHDOG=1");
		round->watchdog_at = clock_monotonic() + round->watchdog;
	}
}

int courier_run(struct courier *courier)
{
	struct round round = {.courier = courier, .watchdog = notify_watchdog()};
	log_info("started: %u keys, the newest is %s", courier->keyring->count, sealer_key_id(courier->sealer));
	/* Ready whether the database is there or not: it is waited for. */
	notify_send("READY=1");
	while (!signals_stop) {
		bool more = run_round(&round);
		sleep_for(&round, more ? 0 : courier->conf->courier.interval * CLOCK_MILLISECOND);
		take_signals(&round);
	}
	notify_send("STOPPING=1");
	log_info("stopped");
	return EX_OK;
}

int courier_once(struct courier *courier)
{
	int status = EX_OK;
	for (unsigned i = 0; courier_jobs[i].name; i++) {
		struct error error;
		bool more = true;
		while (more && !signals_stop) {
			if (run_job(courier, &courier_jobs[i], &more, &error)) {
				log_error("%s: %s", courier_jobs[i].name, error.message);
				status = EX_TEMPFAIL;
				break;
			}
			sleep_for(&(struct round){0}, 0);
		}
	}
	return status ? status : courier->failures ? EX_DATAERR : EX_OK;
}
