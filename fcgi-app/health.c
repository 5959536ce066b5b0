#include "health.h"

#include "arena.h"
#include "clock.h"
#include "log.h"
#include "process.h"
#include "request.h"
#include "signals.h"

#include <fcgiapp.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define BODY_MAX 65536u

struct tally {
	unsigned alive, starting, idle, busy, connected;
	uint64_t results[RESULTS], microseconds, given_up, hits, misses, cache_bytes, cache_entries;
};

static uint64_t get(const _Atomic uint64_t *value)
{
	return atomic_load_explicit((_Atomic uint64_t *)value, memory_order_relaxed);
}

static void tally(const struct scoreboard *board, struct tally *tally_r)
{
	*tally_r = (struct tally){0};
	for (int i = SLOT_WORKERS; i < SCOREBOARD_SLOTS; i++) {
		const struct slot *slot = &board->slots[i];
		int state = slot->state;
		tally_r->alive += state == SLOT_IDLE || state == SLOT_BUSY;
		tally_r->starting += state == SLOT_STARTING;
		tally_r->idle += state == SLOT_IDLE;
		tally_r->busy += state == SLOT_BUSY;
		tally_r->connected += state != SLOT_FREE && slot->database == SLOT_DATABASE_UP;
		for (int result = 0; result < RESULTS; result++)
			tally_r->results[result] += get(&slot->results[result]);
		tally_r->microseconds += get(&slot->microseconds);
		tally_r->given_up += get(&slot->given_up);
		tally_r->hits += get(&slot->cache_hits);
		tally_r->misses += get(&slot->cache_misses);
		tally_r->cache_bytes += get(&slot->cache_bytes);
		tally_r->cache_entries += get(&slot->cache_entries);
	}
}

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP dialtone_%s %s\n# TYPE dialtone_%s %s\n", name, help, name, type);
}

static void value(struct buf *out, const char *name, const char *label, const char *is, uint64_t number)
{
	if (label)
		buf_printf(out, "dialtone_%s{%s=\"%s\"} %llu\n", name, label, is, (unsigned long long)number);
	else
		buf_printf(out, "dialtone_%s %llu\n", name, (unsigned long long)number);
}

static void one(struct buf *out, const char *name, const char *type, const char *help, uint64_t number)
{
	head(out, name, type, help);
	value(out, name, NULL, NULL, number);
}

static void metrics_requests(struct buf *out, const struct tally *tally)
{
	uint64_t all = 0;
	head(out, "requests_total", "counter", "Answers by result, as in fetch_journal.result.");
	for (int i = 0; i < RESULTS; i++) {
		value(out, "requests_total", "result", result_name((enum result)i), tally->results[i]);
		all += tally->results[i];
	}
	head(out, "request_seconds", "summary", "Time from the last parameter to the answer.");
	buf_printf(out, "dialtone_request_seconds_sum %.6f\n", (double)tally->microseconds / 1e6);
	value(out, "request_seconds_count", NULL, NULL, all);
	one(out, "requests_given_up_total", "counter", "Requests that the proxy gave up before a worker came to them; nothing is done for them.", tally->given_up);
}

static void metrics_pool(struct buf *out, const struct scoreboard *board, const struct tally *tally)
{
	head(out, "workers", "gauge", "Workers by state.");
	value(out, "workers", "state", "starting", tally->starting);
	value(out, "workers", "state", "idle", tally->idle);
	value(out, "workers", "state", "busy", tally->busy);
	one(out, "workers_wanted", "gauge", "Workers by the configuration.", board->workers_wanted);
	one(out, "workers_database_connected", "gauge", "Workers whose connection to the database stands.", tally->connected);
	one(out, "database_up", "gauge", "1 if any worker has its database.", tally->connected != 0);
	head(out, "worker_restarts_total", "counter", "Workers that the master replaced.");
	for (int i = 0; i < RESTARTS; i++)
		value(out, "worker_restarts_total", "reason", restart_name((enum restart)i), get(&board->restarts[i]));
	one(out, "reloads_total", "counter", "Configurations taken over.", get(&board->reloads));
	one(out, "reloads_failed_total", "counter", "Configurations refused.", get(&board->reloads_failed));
	one(out, "cache_hits_total", "counter", "Shared layers found in a worker's cache.", tally->hits);
	one(out, "cache_misses_total", "counter", "Shared layers read again.", tally->misses);
	one(out, "cache_bytes", "gauge", "Bytes of all workers' caches.", tally->cache_bytes);
	one(out, "cache_entries", "gauge", "Shared layers in all workers' caches.", tally->cache_entries);
}

static void metrics_journal(struct buf *out, const struct health_setup *setup)
{
	const struct scoreboard *board = setup->scoreboard;
	one(out, "journal_received_total", "counter", "Records that reached the journal process.", get(&board->journal_received));
	one(out, "journal_written_total", "counter", "Records in the database.", get(&board->journal_written));
	one(out, "journal_spooled", "gauge", "Records that wait for the database.", spool_records(setup->spool));
	one(out, "journal_spooled_bytes", "gauge", "Bytes of the spool in use.", spool_bytes(setup->spool));
	one(out, "journal_database_up", "gauge", "1 if the last batch was written.", board->journal_database_up);
	one(out, "packs_written_total", "counter", "Packs of devices that were written to device_pack.", get(&board->packs_written));
	one(out, "packs_dropped_total", "counter", "Packs that were not: the device's next fetch makes another.", get(&board->packs_dropped));
	head(out, "journal_lost_total", "counter", "Records lost.");
	for (int i = 0; i < LOSSES; i++)
		value(out, "journal_lost_total", "reason", loss_name((enum loss)i), get(&board->losses[i].total));
}

static unsigned said(struct buf *body, unsigned status, const char *text)
{
	buf_add_string(body, text);
	return status;
}

unsigned health_answer(const struct health_setup *setup, const char *path, struct buf *body)
{
	struct tally now;
	tally(setup->scoreboard, &now);
	if (!strcmp(path, "/healthz"))
		return now.alive ? said(body, 200, "ok\n") : said(body, 503, "no worker\n");
	if (!strcmp(path, "/readyz")) {
		if (setup->scoreboard->stopping)
			return said(body, 503, "stopping\n");
		if (!now.alive)
			return said(body, 503, "no worker\n");
		return now.connected ? said(body, 200, "ok\n") : said(body, 503, "no worker has its database\n");
	}
	if (!strcmp(path, "/metrics")) {
		metrics_requests(body, &now);
		metrics_pool(body, setup->scoreboard, &now);
		metrics_journal(body, setup);
		return 200;
	}
	return said(body, 404, "There are /healthz, /readyz and /metrics.\n");
}

static void answer(const struct health_setup *setup, FCGX_Request *fcgi, struct arena *arena, struct buf *body, struct buf *head)
{
	static const struct hops none;
	static const struct request_names no_names;
	struct request request;
	unsigned status;
	request_parse(&request, fcgi->envp, &none, &no_names, arena);
	if (request.fault)
		status = said(body, 400, "Bad request.\n");
	else if (request.method == METHOD_OTHER)
		status = said(body, 405, "Only GET and HEAD.\n");
	else
		status = health_answer(setup, request.path, body);
	buf_printf(head, "Status: %u\r\nCache-Control: no-store\r\n%sContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
		status, status == 405 ? "Allow: GET, HEAD\r\n" : "", body->size);
	FCGX_PutStr(head->data, (int)head->size, fcgi->out);
	if (request.method != METHOD_HEAD)
		FCGX_PutStr(body->data, (int)body->size, fcgi->out);
}

/* Busy while libfcgi reads, so that the master's watchdog ends a peer that sends half a record. */
static void accept_one(const struct health_setup *setup, FCGX_Request *fcgi)
{
	struct arena arena;
	struct buf body, head;
	slot_busy(setup->slot, clock_monotonic());
	if (FCGX_Accept_r(fcgi) >= 0) {
		arena_init(&arena);
		buf_init(&body, BODY_MAX);
		buf_init(&head, 4096);
		answer(setup, fcgi, &arena, &body, &head);
		FCGX_Finish_r(fcgi);
		FCGX_Free(fcgi, 1);
		buf_deinit(&body);
		buf_deinit(&head);
		arena_deinit(&arena);
	}
	slot_idle(setup->slot);
}

int health_run(const struct health_setup *setup)
{
	FCGX_Request fcgi;
	struct pollfd fds[] = {{.fd = setup->listener, .events = POLLIN}, {.fd = setup->lifeline, .events = POLLIN}};
	if (FCGX_Init() || FCGX_InitRequest(&fcgi, setup->listener, FCGI_FAIL_ACCEPT_ON_INTR)) {
		log_error("libfcgi cannot be initialised");
		return EX_SOFTWARE;
	}
	slot_idle(setup->slot);
	if (write(setup->status, "", 1) < 0) {
		/* the master is awake already */
	}
	while (!signals_stop) {
		int ready = ppoll(fds, 2, NULL, &signals_open);
		if (signals_reopen) {
			signals_reopen = 0;
			process_reopen_log(setup->conf);
		}
		if (ready > 0 && fds[1].revents)
			break;
		if (ready > 0 && fds[0].revents)
			accept_one(setup, &fcgi);
	}
	return EX_OK;
}
