#include "master.h"

#include "clock.h"
#include "drop.h"
#include "log.h"
#include "notify.h"
#include "pool.h"
#include "process.h"
#include "signals.h"
#include "xalloc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* A new generation of workers that does not get ready within this time, or dies so often before, is given up. */
#define RELOAD_WITHIN (30 * CLOCK_SECOND)
#define RELOAD_DEATHS 3
/* What the journal process takes to drain is its own business up to this; it then needs a read timeout at the worst. */
#define JOURNAL_STOP (12 * CLOCK_SECOND)

enum phase { PHASE_RUN, PHASE_STOP_WORKERS, PHASE_STOP_JOURNAL, PHASE_STOP_HEALTH, PHASE_DONE };

struct master {
	const char *conf_path;
	struct pool *pool;
	enum phase phase;
	int64_t deadline;           /* of the phase */
	bool told_ready;            /* systemd knows that we are up */
	struct service *previous;   /* while a reload is under way: what to go back to */
	unsigned previous_generation, last_generation;
	int64_t reload_started;
	int64_t watchdog, watchdog_at;
};

static void say_status(const struct master *master)
{
	notify_send("STATUS=%u of %lld workers ready", pool_ready(master->pool), master->pool->service->conf->pool.workers);
}

/* -------- sockets */

static enum error_code adopt(struct pool *pool, struct error *error)
{
	char **names = NULL;
	int count = notify_sockets(&names);
	enum error_code code = ERROR_NONE;
	for (int i = 0; i < count; i++) {
		struct listener *listener = names && !strcmp(names[i], "health") ? &pool->health : &pool->listener;
		if (!code && listener->fd >= 0)
			code = error_set(error, ERROR_RANGE, "systemd hands over more sockets than one for requests and one named `health`");
		if (!code)
			code = listen_adopt(listener, 3 + i, error);
		free(names ? names[i] : NULL);
	}
	free(names);
	return code;
}

static enum error_code open_sockets(struct pool *pool, struct error *error)
{
	const struct conf *conf = pool->service->conf;
	pool->listener.fd = pool->health.fd = -1;
	enum error_code code = adopt(pool, error);
	if (!code && pool->listener.fd < 0)
		code = listen_open(&pool->listener, conf->pool.socket, conf->pool.mode, conf->pool.group, error);
	if (!code && pool->health.fd < 0)
		code = listen_open(&pool->health, conf->health.socket, conf->pool.mode, conf->pool.group, error);
	return code;
}

/* -------- reload */

static void forget_previous(struct master *master)
{
	service_free(&master->previous);
	atomic_fetch_add(&master->pool->board->reloads, 1);
	notify_send("READY=1");
	say_status(master);
	log_info("reloaded: %u workers of the new configuration are ready", pool_ready(master->pool));
}

/* The old workers never left; they are the present ones again. */
static void roll_back(struct master *master)
{
	struct pool *pool = master->pool;
	log_error("reload given up: workers of the new configuration do not get ready; the old ones go on");
	service_free(&pool->service);
	pool->service = master->previous;
	pool->generation = master->previous_generation;
	master->previous = NULL;
	atomic_fetch_add(&pool->board->reloads_failed, 1);
	notify_send("READY=1\nSTATUS=reload given up, see the log; the old configuration goes on");
}

static void watch_reload(struct master *master)
{
	struct pool *pool = master->pool;
	if (!master->previous)
		return;
	if (pool_ready(pool) >= (unsigned)pool->service->conf->pool.workers)
		forget_previous(master);
	else if (pool->died_before_ready >= RELOAD_DEATHS || clock_monotonic() - master->reload_started > RELOAD_WITHIN)
		roll_back(master);
}

static void tell_kept(const struct conf *old, const struct conf *new)
{
	if (strcmp(old->pool.socket, new->pool.socket) || strcmp(old->health.socket, new->health.socket) || strcmp(old->pool.user, new->pool.user))
		log_warning("pool.socket, pool.user and health.socket count only after a restart");
	if (strcmp(old->database.journal_user, new->database.journal_user) || old->journal.batch != new->journal.batch ||
		old->journal.spool_bytes != new->journal.spool_bytes || old->journal.syslog != new->journal.syslog ||
		old->journal.retention_days != new->journal.retention_days || old->audit.retention_days != new->audit.retention_days || old->journal.flush_interval != new->journal.flush_interval)
		log_warning("[journal], [audit] and the journal's account count only after a restart");
}

static void reload(struct master *master)
{
	struct pool *pool = master->pool;
	struct error error;
	int status;
	notify_reloading();
	struct service *service = service_load(master->conf_path, &status, &error);
	if (!service) {
		log_error("reload refused, the old configuration goes on: %s", error.message);
		atomic_fetch_add(&pool->board->reloads_failed, 1);
		notify_send("READY=1\nSTATUS=reload refused: %s", error.message);
		return;
	}
	tell_kept(pool->service->conf, service->conf);
	process_reopen_log(service->conf);
	master->previous = pool->service;
	master->previous_generation = pool->generation;
	master->reload_started = clock_monotonic();
	pool->service = service;
	pool->generation = ++master->last_generation;
	pool->died_before_ready = 0;
	pool->fork_at = pool->fork_delay = 0;
}

/* -------- stop */

static void begin_stop(struct master *master)
{
	struct pool *pool = master->pool;
	log_info("stopping: workers finish what they have in hand");
	notify_send("STOPPING=1\nSTATUS=stopping");
	atomic_store(&pool->board->stopping, true);
	pool->workers_stop = true;
	master->phase = PHASE_STOP_WORKERS;
	master->deadline = clock_monotonic() + pool->service->conf->pool.stop_timeout * CLOCK_SECOND;
}

/* The journal after the last worker, so that it gets every record; health last, so that somebody says what goes on. */
static void go_on_stopping(struct master *master)
{
	struct pool *pool = master->pool;
	int64_t now = clock_monotonic();
	if (master->phase == PHASE_STOP_WORKERS && pool_stop_workers(pool, master->deadline)) {
		pool->journal_stop = true;
		master->phase = PHASE_STOP_JOURNAL;
		master->deadline = now + JOURNAL_STOP;
	}
	if (master->phase == PHASE_STOP_JOURNAL && pool_stop_one(pool, SLOT_JOURNAL, master->deadline)) {
		pool->health_stop = true;
		master->phase = PHASE_STOP_HEALTH;
		master->deadline = now + CLOCK_SECOND;
	}
	if (master->phase == PHASE_STOP_HEALTH && pool_stop_one(pool, SLOT_HEALTH, master->deadline))
		master->phase = PHASE_DONE;
}

/* -------- the loop */

/* The only place where signals get through. */
static void wait_for_something(struct master *master)
{
	char bytes[64];
	struct pollfd fd = {.fd = master->pool->status[0], .events = POLLIN};
	int64_t wait = master->phase == PHASE_RUN ? pool_next(master->pool, clock_monotonic()) : 50 * CLOCK_MILLISECOND;
	struct timespec timeout = {wait / CLOCK_SECOND, wait % CLOCK_SECOND};
	if (ppoll(&fd, 1, &timeout, &signals_open) > 0)
		while (read(fd.fd, bytes, sizeof bytes) > 0)
			;
}

static void take_signals(struct master *master)
{
	if (signals_child) {
		signals_child = 0;
		pool_reap(master->pool);
	}
	if (signals_reopen) {
		signals_reopen = 0;
		process_reopen_log(master->pool->service->conf);
		pool_signal_all(master->pool, SIGUSR1);
	}
	if (signals_reload && master->phase == PHASE_RUN && !master->previous) {
		signals_reload = 0;
		log_info("reloading %s", master->conf_path);
		reload(master);
	}
	if (signals_stop && master->phase == PHASE_RUN)
		begin_stop(master);
}

static void look_after_systemd(struct master *master)
{
	int64_t now = clock_monotonic();
	if (master->watchdog && now >= master->watchdog_at) {
		notify_send("WATCHDOG=1");
		master->watchdog_at = now + master->watchdog;
	}
	if (!master->told_ready && pool_ready(master->pool) >= (unsigned)master->pool->service->conf->pool.workers) {
		master->told_ready = true;
		log_info("ready: %u workers", pool_ready(master->pool));
		notify_send("READY=1");
		say_status(master);
	}
}

static void run(struct master *master)
{
	while (master->phase != PHASE_DONE) {
		pool_supervise(master->pool);
		watch_reload(master);
		look_after_systemd(master);
		wait_for_something(master);
		take_signals(master);
		if (master->phase != PHASE_RUN)
			go_on_stopping(master);
	}
}

static int start(struct pool *pool, struct error *error)
{
	const struct conf *conf = pool->service->conf;
	if (open_sockets(pool, error))
		return EX_UNAVAILABLE;
	pool->board = scoreboard_new();
	pool->spool = spool_new((size_t)conf->journal.spool_bytes);
	pool->inbox = inbox_new();
	pool->replay = replay_new();
	if (!pool->board || !pool->spool || !pool->inbox || !pool->replay || !pool_init(pool)) {
		error_set(error, ERROR_SYSTEM, "cannot make the scoreboard, the spool, the inbox, the table of nonces or the pipes: %s", strerror(errno));
		return EX_OSERR;
	}
	return drop_privileges(conf->pool.user, error) ? EX_NOPERM : EX_OK;
}

int master_run(struct service *service, const char *conf_path)
{
	struct pool *pool = xcalloc(1, sizeof *pool);
	struct master master = {.conf_path = conf_path, .pool = pool};
	struct error error;
	pool->service = service;
	pool->listener.fd = pool->health.fd = -1;
	signals_init();
	int status = start(pool, &error);
	if (status) {
		log_error("%s", error.message);
	} else {
		process_title("master");
		master.watchdog = notify_watchdog();
		log_info("started with %lld workers", service->conf->pool.workers);
		run(&master);
		log_info("stopped");
	}
	listen_close(&pool->listener);
	listen_close(&pool->health);
	service_free(&master.previous);
	service_free(&pool->service);
	spool_free(&pool->spool);
	inbox_free(&pool->inbox);
	replay_free(&pool->replay);
	free(pool);
	return status;
}
