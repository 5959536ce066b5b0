#include "pool.h"

#include "clock.h"
#include "health.h"
#include "journal.h"
#include "log.h"
#include "process.h"
#include "signals.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK (500 * CLOCK_MILLISECOND)
#define YOUNG (10 * CLOCK_SECOND)
#define READY_WITHIN (30 * CLOCK_SECOND)
#define DELAY_FIRST (100 * CLOCK_MILLISECOND)
#define DELAY_MOST (10 * CLOCK_SECOND)
#define DELAY_MOST_READY (500 * CLOCK_MILLISECOND)
#define JOURNAL_BUFFER (4 << 20)

bool pool_init(struct pool *pool)
{
	int size = JOURNAL_BUFFER;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pool->journal) || pipe2(pool->lifeline, O_CLOEXEC) ||
		pipe2(pool->status, O_CLOEXEC | O_NONBLOCK))
		return false;
	if (setsockopt(pool->journal[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
		setsockopt(pool->journal[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* what net.core.wmem_max allows */
	return true;
}

static const char *role(int slot, char out[32])
{
	if (slot == SLOT_JOURNAL)
		return "journal";
	if (slot == SLOT_HEALTH)
		return "health";
	snprintf(out, 32, "worker %d", slot - SLOT_WORKERS + 1);
	return out;
}

/* -------- forking */

/* Whatever a kind of process has no use for is closed, first of all the master's end of the lifeline. */
static int run_journal(struct pool *pool, struct slot *slot)
{
	const struct journal_setup setup = {pool->service->conf, pool->board, slot, pool->spool, pool->inbox, pool->journal[0], pool->lifeline[0], pool->status[1]};
	close(pool->journal[1]);
	close(pool->listener.fd);
	close(pool->health.fd);
	process_title("journal");
	return journal_run(&setup);
}

static int run_health(struct pool *pool, struct slot *slot)
{
	const struct health_setup setup = {pool->service->conf, pool->board, slot, pool->spool, pool->health.fd, pool->lifeline[0], pool->status[1]};
	close(pool->journal[0]);
	close(pool->journal[1]);
	close(pool->listener.fd);
	process_title("health");
	return health_run(&setup);
}

static int run_worker(struct pool *pool, struct slot *slot)
{
	const struct worker_setup setup = {pool->service, pool->board, slot, pool->replay, pool->listener.fd, pool->journal[1], pool->lifeline[0], pool->status[1]};
	close(pool->journal[0]);
	close(pool->health.fd);
	process_title("worker, starting");
	return worker_run(&setup);
}

static void run_child(struct pool *pool, int slot)
{
	char text[32];
	struct slot *own = &pool->board->slots[slot];
	signals_forget();
	log_role(role(slot, text));
	close(pool->lifeline[1]);
	close(pool->status[0]);
	int status = slot == SLOT_JOURNAL ? run_journal(pool, own) : slot == SLOT_HEALTH ? run_health(pool, own) : run_worker(pool, own);
	/* Not exit: handlers and buffers are the master's. */
	_exit(status);
}

static void slow_down(struct pool *pool, int64_t now, int64_t most)
{
	pool->died_young_at = now;
	if (now < pool->fork_at)
		return; /* several died of one cause: one step */
	pool->fork_delay = pool->fork_delay ? pool->fork_delay * 2 : DELAY_FIRST;
	if (pool->fork_delay > most)
		pool->fork_delay = most;
	pool->fork_at = now + pool->fork_delay;
	log_warning("children die young: the next fork waits %lld ms", (long long)(pool->fork_delay / CLOCK_MILLISECOND));
}

static bool start_child(struct pool *pool, int slot, int64_t now)
{
	struct slot *shared = &pool->board->slots[slot];
	slot_clear(shared);
	atomic_store(&shared->state, SLOT_STARTING);
	pid_t pid = fork();
	if (pid < 0) {
		log_error("cannot fork: %s", strerror(errno));
		slot_clear(shared);
		slow_down(pool, now, DELAY_MOST);
		return false;
	}
	if (!pid)
		run_child(pool, slot);
	atomic_store(&shared->pid, pid);
	pool->children[slot] = (struct child){.pid = pid, .generation = pool->generation, .started = now};
	return true;
}

/* -------- ending */

static void tell(struct child *child, int64_t now)
{
	if (!child->told_at)
		child->told_at = now;
	/* Again each second: a signal between libfcgi's look at its flag and its accept would be lost. */
	if (now - child->told_again_at < CLOCK_SECOND)
		return;
	child->told_again_at = now;
	kill(child->pid, SIGTERM);
}

static void end(struct child *child)
{
	if (!child->killed)
		kill(child->pid, SIGKILL);
	child->killed = true;
}

static void tell_end(int slot, const struct child *child, int status)
{
	char text[32];
	if (WIFSIGNALED(status))
		log_write(child->killed ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s (pid %d) ended by signal %d, %s", role(slot, text), (int)child->pid,
			WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) || !child->told_at)
		log_warning("%s (pid %d) ended with status %d", role(slot, text), (int)child->pid, WEXITSTATUS(status));
	else
		log_debug("%s (pid %d) left", role(slot, text), (int)child->pid);
}

static void bury(struct pool *pool, int slot, int status, int64_t now)
{
	struct child *child = &pool->children[slot];
	struct slot *shared = &pool->board->slots[slot];
	bool ready = child->ready || shared->state == SLOT_IDLE || shared->state == SLOT_BUSY;
	tell_end(slot, child, status);
	if (slot >= SLOT_WORKERS)
		atomic_fetch_add(&pool->board->restarts[child->retired ? RESTART_RETIRED : child->killed ? RESTART_WATCHDOG : RESTART_DIED],
			child->retired || !child->told_at);
	if (!child->told_at && !child->killed && now - child->started < YOUNG) {
		if (!ready && child->generation == pool->generation)
			pool->died_before_ready++;
		slow_down(pool, now, ready ? DELAY_MOST_READY : DELAY_MOST);
	}
	*child = (struct child){0};
	slot_clear(shared);
}

void pool_reap(struct pool *pool)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int slot = 0; slot < SCOREBOARD_SLOTS; slot++)
			if (pool->children[slot].pid == pid) {
				bury(pool, slot, status, clock_monotonic());
				break;
			}
}

/* -------- watching */

static void watch(struct pool *pool, int slot, int64_t now)
{
	char text[32];
	struct child *child = &pool->children[slot];
	const struct slot *shared = &pool->board->slots[slot];
	int64_t busy = shared->busy_since, limit = pool->service->conf->pool.request_timeout * CLOCK_SECOND;
	if (shared->state == SLOT_IDLE || shared->state == SLOT_BUSY)
		child->ready = true;
	if (shared->retiring)
		child->retired = true;
	if (busy && now - busy > limit && busy == shared->busy_since) {
		if (!child->killed)
			log_warning("%s (pid %d) has been busy for %lld ms: killed", role(slot, text), (int)child->pid,
				(long long)((now - busy) / CLOCK_MILLISECOND));
		end(child);
	} else if (!child->ready && now - child->started > READY_WITHIN) {
		if (!child->killed)
			log_error("%s (pid %d) was not ready within 30 s: killed", role(slot, text), (int)child->pid);
		end(child);
	}
}

static bool fresh(const struct pool *pool, const struct child *child)
{
	return child->pid && child->generation == pool->generation && !child->retired && !child->told_at && !child->killed;
}

unsigned pool_ready(const struct pool *pool)
{
	unsigned count = 0;
	for (int slot = SLOT_WORKERS; slot < SCOREBOARD_SLOTS; slot++)
		count += fresh(pool, &pool->children[slot]) && pool->children[slot].ready;
	return count;
}

unsigned pool_alive(const struct pool *pool)
{
	unsigned count = 0;
	for (int slot = SLOT_WORKERS; slot < SCOREBOARD_SLOTS; slot++)
		count += pool->children[slot].pid != 0;
	return count;
}

/* Told workers that hold a request are the watchdog's; one that neither works nor leaves is ended after stop_timeout. */
static void tell_surplus(struct pool *pool, int64_t now)
{
	int64_t patience = (pool->service->conf->pool.stop_timeout + pool->service->conf->pool.request_timeout) * CLOCK_SECOND;
	bool enough = pool_ready(pool) >= (unsigned)pool->service->conf->pool.workers;
	for (int slot = SLOT_WORKERS; slot < SCOREBOARD_SLOTS; slot++) {
		struct child *child = &pool->children[slot];
		if (!child->pid || fresh(pool, child) || !(enough || child->told_at))
			continue;
		tell(child, now);
		if (now - child->told_at > patience)
			end(child);
	}
}

static void fork_missing(struct pool *pool, int64_t now)
{
	unsigned wanted = pool->workers_stop ? 0 : (unsigned)pool->service->conf->pool.workers, have = 0;
	if (now < pool->fork_at)
		return;
	if (!pool->journal_stop && !pool->children[SLOT_JOURNAL].pid && !start_child(pool, SLOT_JOURNAL, now))
		return;
	if (!pool->health_stop && !pool->children[SLOT_HEALTH].pid && !start_child(pool, SLOT_HEALTH, now))
		return;
	for (int slot = SLOT_WORKERS; slot < SCOREBOARD_SLOTS; slot++)
		have += fresh(pool, &pool->children[slot]);
	for (int slot = SLOT_WORKERS; slot < SCOREBOARD_SLOTS && have < wanted; slot++) {
		if (pool->children[slot].pid)
			continue;
		if (!start_child(pool, slot, now))
			return;
		have++;
	}
}

void pool_supervise(struct pool *pool)
{
	int64_t now = clock_monotonic();
	for (int slot = 0; slot < SCOREBOARD_SLOTS; slot++)
		if (pool->children[slot].pid)
			watch(pool, slot, now);
	if (pool->fork_delay && now - pool->died_young_at > YOUNG)
		pool->fork_delay = 0;
	atomic_store(&pool->board->workers_wanted, (unsigned)pool->service->conf->pool.workers);
	if (!pool->workers_stop)
		tell_surplus(pool, now);
	fork_missing(pool, now);
}

/* -------- stopping */

bool pool_stop_one(struct pool *pool, int slot, int64_t deadline)
{
	int64_t now = clock_monotonic();
	struct child *child = &pool->children[slot];
	if (!child->pid)
		return true;
	tell(child, now);
	if (now > deadline)
		end(child);
	return false;
}

bool pool_stop_workers(struct pool *pool, int64_t deadline)
{
	bool gone = true;
	for (int slot = SLOT_WORKERS; slot < SCOREBOARD_SLOTS; slot++)
		gone &= pool_stop_one(pool, slot, deadline);
	return gone;
}

void pool_signal_all(const struct pool *pool, int number)
{
	for (int slot = 0; slot < SCOREBOARD_SLOTS; slot++)
		if (pool->children[slot].pid)
			kill(pool->children[slot].pid, number);
}

int64_t pool_next(const struct pool *pool, int64_t now)
{
	int64_t wait = TICK;
	if (pool->fork_at > now && pool->fork_at - now < wait)
		wait = pool->fork_at - now;
	return wait;
}
