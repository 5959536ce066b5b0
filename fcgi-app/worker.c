#include "worker.h"

#include "clock.h"
#include "fetch.h"
#include "log.h"
#include "process.h"
#include "signals.h"
#include "throttle.h"
#include "wipe.h"

#include <errno.h>
#include <fcgiapp.h>
#include <linux/sockios.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

struct worker {
	const struct worker_setup *setup;
	struct fetch fetch;
	FCGX_Request fcgi;
	int poll;
	uint64_t served, retire_at; /* 0: never */
	struct cache_counts counted;
	int journal_room;           /* bytes that the socket to the journal may hold */
	struct throttle database, render, twice, late;
};

static void wake_master(const struct worker *worker)
{
	if (write(worker->setup->status, "", 1) < 0) {
		/* full: it is awake already */
	}
}

/* About max_requests, a tenth more or less, so that the pool never leaves at once. */
static uint64_t spread(long long max_requests)
{
	uint32_t random = 0;
	if (!max_requests || RAND_bytes((unsigned char *)&random, sizeof random) != 1)
		return (uint64_t)max_requests;
	uint64_t tenth = (uint64_t)max_requests / 10;
	return (uint64_t)max_requests - tenth + random % (2 * tenth + 1);
}

static void tell_database(struct worker *worker, bool up, const char *why)
{
	struct slot *slot = worker->setup->slot;
	atomic_store_explicit(&slot->database, up ? SLOT_DATABASE_UP : SLOT_DATABASE_DOWN, memory_order_relaxed);
	if (!up)
		throttle_log(&worker->database, LOG_LEVEL_WARNING, clock_monotonic(), why);
	else if (throttle_over(&worker->database))
		log_info("the database is back: %s", db_host(worker->fetch.db));
	process_title(up ? "worker, waiting" : "worker, waiting, database away");
}

/* While nothing is asked: get the connection that the next fetch wants, so that it need not wait, and so that /readyz tells how it is. */
static void try_database(struct worker *worker)
{
	struct error error;
	bool up = db_connect(worker->fetch.db, &error) == ERROR_NONE;
	tell_database(worker, up, up ? "" : error.message);
}

/* Before the answer leaves: a phone that has its file is in the journal, or the loss is counted. */
static void tell_journal(struct worker *worker, int64_t at, int64_t started)
{
	unsigned char bytes[RECORD_MAX];
	struct record record;
	struct scoreboard *board = worker->setup->scoreboard;
	int64_t ns = clock_monotonic() - started;
	fetch_record(&worker->fetch, at, (uint32_t)(ns / 1000), &record);
	size_t size = record_encode(&record, bytes);
	if (send(worker->setup->journal, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
		atomic_fetch_add_explicit(&board->losses[LOSS_SOCKET].total, 1, memory_order_relaxed);
	slot_add(&worker->setup->slot->microseconds, (uint64_t)ns / 1000);
}

/* Packs may fill half of the socket; the rest is for records, which must not be lost for them. */
static bool room_for_pack(const struct worker *worker)
{
	int queued;
	return !ioctl(worker->setup->journal, SIOCOUTQ, &queued) && queued < worker->journal_room / 2;
}

/* After the answer left: a pack is no haste, and one that cannot be sent is only made again. */
static void tell_pack(struct worker *worker)
{
	unsigned char bytes[PACK_RECORD_MAX];
	struct pack_record pack;
	if (!fetch_pack(&worker->fetch, &pack))
		return;
	size_t size = pack_record_encode(&pack, bytes);
	if (!size || !room_for_pack(worker) || send(worker->setup->journal, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
		atomic_fetch_add_explicit(&worker->setup->scoreboard->packs_dropped, 1, memory_order_relaxed);
}

static void tell_log(struct worker *worker)
{
	const struct fetch *fetch = &worker->fetch;
	const struct answer *answer = &fetch->answer;
	char text[LOG_LINE_MAX];
	if (fetch->request.twice) {
		snprintf(text, sizeof text, "refused (400): %s. Does the proxy set it besides its defaults?", fetch->request.fault_detail);
		throttle_log(&worker->twice, LOG_LEVEL_ERROR, clock_monotonic(), text);
	}
	if (answer->result == RESULT_RENDER_ERROR) {
		snprintf(text, sizeof text, "device %s of tenant %s: %s", fetch->verdict.user.digits, fetch->verdict.device.tenant_id, answer->detail);
		throttle_log(&worker->render, LOG_LEVEL_ERROR, clock_monotonic(), text);
	}
	if (answer->result == RESULT_DATABASE)
		tell_database(worker, false, answer->detail);
	else if (db_connected(fetch->db) && atomic_load_explicit(&worker->setup->slot->database, memory_order_relaxed) != SLOT_DATABASE_UP)
		tell_database(worker, true, "");
}

static void count(struct worker *worker)
{
	struct slot *slot = worker->setup->slot;
	struct cache_counts now = cache_counts(worker->fetch.cache);
	slot_add(&slot->results[worker->fetch.answer.result], 1);
	slot_add(&slot->requests, 1);
	slot_add(&slot->cache_hits, now.hits - worker->counted.hits);
	slot_add(&slot->cache_misses, now.misses - worker->counted.misses);
	worker->counted = now;
	atomic_store_explicit(&slot->cache_bytes, now.bytes, memory_order_relaxed);
	atomic_store_explicit(&slot->cache_entries, now.entries, memory_order_relaxed);
	if (++worker->served == worker->retire_at) {
		atomic_store(&slot->retiring, true);
		wake_master(worker);
	}
}

/* libfcgi closes by shutting down its side and waiting, up to two seconds, until the proxy has closed too: only so is an answer safe whose request was not read to its end. A request
 * without a body whose end has been read needs none of that, and the worker is free at once. */
static void let_go(struct worker *worker)
{
	if (worker->fetch.request.bodiless && FCGX_GetChar(worker->fcgi.in) == EOF)
		FCGX_Detach(&worker->fcgi);
}

/* The whole answer goes into libfcgi's buffer and leaves when the stream is closed: a short file in one write together with the end of the request, a long one
 * with its headers and its beginning in the first. Then the buffer is wiped, which libfcgi would free as it is. False: the proxy did not take all of it. */
static bool send_answer(struct worker *worker)
{
	const struct answer *answer = &worker->fetch.answer;
	const struct buf *head = &worker->fetch.head;
	FCGX_Stream *out = worker->fcgi.out;
	unsigned char *start = out->wrNext;
	size_t room = (size_t)(out->stop - start), size = respond_body_size(answer), used = head->size + size;
	FCGX_PutStr(head->data, (int)head->size, out);
	if (size)
		FCGX_PutStr(answer->body, (int)size, out);
	FCGX_FClose(worker->fcgi.err);
	FCGX_FClose(out);
	bool sent = !FCGX_GetError(out);
	wipe(start, used < room ? used : room);
	let_go(worker);
	FCGX_Finish_r(&worker->fcgi);
	/* Whatever the proxy wished: no connection is kept, because a kept one holds its worker. */
	FCGX_Free(&worker->fcgi, 1);
	return sent;
}

/* Answers to strangers that the database was asked for leave on the tick of a clock that began with the request. Work for a MAC that somebody has and for one that nobody has is equal as far as it
 * is ours; but the server copies out a row for the one and none for the other, which takes 5 µs longer, and 20,000 requests would tell. Nearly all are done within the first tick. */
#define STRANGER_TICK CLOCK_MILLISECOND

static void wait_for_tick(const struct fetch *fetch, int64_t started)
{
	if (fetch->answer.status != 401 || !fetch->verdict.credential)
		return;
	int64_t tick = started + ((clock_monotonic() - started) / STRANGER_TICK + 1) * STRANGER_TICK;
	struct timespec until = {tick / CLOCK_SECOND, tick % CLOCK_SECOND};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL); /* signals are blocked */
}

static void serve(struct worker *worker)
{
	int64_t started = clock_monotonic(), at = clock_ns(CLOCK_REALTIME) / 1000;
	fetch_answer(&worker->fetch, worker->fcgi.envp, at);
	tell_journal(worker, at, started);
	tell_log(worker);
	count(worker);
	/* The Authorization lies in libfcgi's memory, which FCGX_Finish_r frees: wiped before. */
	if (worker->fetch.request.authorization) {
		wipe(worker->fetch.request.authorization, strlen(worker->fetch.request.authorization));
		worker->fetch.request.authorization = NULL;
	}
	wait_for_tick(&worker->fetch, started);
	bool sent = send_answer(worker);
	fetch_end(&worker->fetch, sent);
	tell_pack(worker);
	fetch_clear(&worker->fetch);
}

/* A proxy gives a request up that waited too long for a worker, and closes: nobody hears the answer, and the work would be taken from those that wait behind it. Known of a unix socket only:
 * over TCP it looks like a proxy that has no more to say. */
static bool given_up(const struct worker *worker)
{
	struct pollfd proxy = {.fd = worker->fcgi.ipcFd};
	return poll(&proxy, 1, 0) > 0 && proxy.revents & (POLLHUP | POLLERR);
}

static void drop(struct worker *worker)
{
	static const char text[] = "requests wait too long for a worker, and the proxy gives them up: more workers, or a faster database (dialtone_requests_given_up_total)";
	char *authorization = FCGX_GetParam("HTTP_AUTHORIZATION", worker->fcgi.envp);
	if (authorization)
		wipe(authorization, strlen(authorization));
	FCGX_Detach(&worker->fcgi);
	FCGX_Finish_r(&worker->fcgi);
	FCGX_Free(&worker->fcgi, 1);
	slot_add(&worker->setup->slot->given_up, 1);
	throttle_log(&worker->late, LOG_LEVEL_WARNING, clock_monotonic(), text);
}

/* Busy before FCGX_Accept_r: it reads the records, and a peer that sends half of one would hold it for ever. The master's watchdog looks at the slot. */
static void accept_one(struct worker *worker)
{
	slot_busy(worker->setup->slot, clock_monotonic());
	int result = FCGX_Accept_r(&worker->fcgi);
	if (result >= 0 && given_up(worker)) {
		drop(worker);
	} else if (result >= 0) {
		serve(worker);
	} else if (result == -EMFILE || result == -ENFILE || result == -ENOBUFS || result == -ENOMEM) {
		throttle_log(&worker->twice, LOG_LEVEL_ERROR, clock_monotonic(), strerror(-result));
		poll(NULL, 0, 1000);
	}
	slot_idle(worker->setup->slot);
}

/* Only one of the waiting workers wakes for a connection (EPOLLEXCLUSIVE): with poll all of them would, and all but one in vain. */
static bool open_poll(struct worker *worker)
{
	struct epoll_event listener = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = worker->setup->listener};
	struct epoll_event lifeline = {.events = EPOLLIN, .data.fd = worker->setup->lifeline};
	worker->poll = epoll_create1(EPOLL_CLOEXEC);
	return worker->poll >= 0 && !epoll_ctl(worker->poll, EPOLL_CTL_ADD, listener.data.fd, &listener) &&
		!epoll_ctl(worker->poll, EPOLL_CTL_ADD, lifeline.data.fd, &lifeline);
}

/* Wait for a request. False: told to leave. The only place where signals get through. */
static bool wait_for_request(struct worker *worker)
{
	struct epoll_event events[2];
	bool connected = db_connected(worker->fetch.db), asked = false;
	int count = epoll_pwait(worker->poll, events, 2, connected ? -1 : 1000, &signals_open);
	if (signals_reopen) {
		signals_reopen = 0;
		process_reopen_log(worker->setup->service->conf);
	}
	if (signals_stop)
		return false;
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == worker->setup->lifeline)
			return false;
		asked = true;
	}
	if (asked)
		accept_one(worker);
	else if (count == 0)
		try_database(worker);
	return true;
}

int worker_run(const struct worker_setup *setup)
{
	struct worker worker = {.setup = setup};
	if (FCGX_Init() || FCGX_InitRequest(&worker.fcgi, setup->listener, FCGI_FAIL_ACCEPT_ON_INTR) || !open_poll(&worker)) {
		log_error("libfcgi or epoll cannot be initialised");
		return EX_SOFTWARE;
	}
	socklen_t size = sizeof worker.journal_room;
	if (getsockopt(setup->journal, SOL_SOCKET, SO_SNDBUF, &worker.journal_room, &size))
		worker.journal_room = 0;
	fetch_init(&worker.fetch, setup->service, setup->replay);
	worker.retire_at = spread(setup->service->conf->pool.max_requests);
	slot_idle(setup->slot);
	wake_master(&worker);
	try_database(&worker);
	while (wait_for_request(&worker))
		;
	fetch_deinit(&worker.fetch);
	return EX_OK;
}
