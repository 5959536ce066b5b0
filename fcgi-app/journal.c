#include "journal.h"

#include "batch.h"
#include "clock.h"
#include "log.h"
#include "process.h"
#include "record.h"
#include "signals.h"
#include "throttle.h"
#include "xalloc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define DRAIN_MAX (5 * CLOCK_SECOND)
#define DAY (86400 * CLOCK_SECOND)

struct journal {
	const struct journal_setup *setup;
	struct db *db;
	struct batch batch;
	struct record *records;     /* [most], decoded, pointing into the spool */
	struct pack_record *packs;  /* [most], the same */
	size_t most;
	int event;                  /* the receiver tells the writer that there is something */
	int leave;                  /* the writer tells the receiver to leave */
	struct throttle fault, pack_fault, no_record;
	int64_t retry_at, retry_delay;
	struct partitions { int64_t at; struct throttle fault; } journal_partitions, audit_partitions; /* when to look after them next */
};

/* -------- the receiver: datagrams into the spool, nothing else */

static void take(void *context, const unsigned char *bytes, size_t size)
{
	const struct journal *journal = context;
	struct scoreboard *board = journal->setup->scoreboard;
	if (*bytes == DATAGRAM_PACK) {
		if (!spool_put_pack(journal->setup->spool, bytes, size))
			atomic_fetch_add_explicit(&board->packs_dropped, 1, memory_order_relaxed);
		return;
	}
	if (!spool_put(journal->setup->spool, bytes, size))
		atomic_fetch_add_explicit(&board->losses[LOSS_SPOOL].total, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&board->journal_received, 1, memory_order_relaxed);
}

static void *receive_forever(void *context)
{
	struct journal *journal = context;
	struct pollfd fds[] = {{.fd = journal->setup->socket, .events = POLLIN}, {.fd = journal->leave, .events = POLLIN}};
	inbox_empty(journal->setup->inbox, journal->setup->socket, take, journal);
	while (!fds[1].revents) {
		if (poll(fds, 2, -1) <= 0)
			continue;
		inbox_empty(journal->setup->inbox, journal->setup->socket, take, journal);
		if (eventfd_write(journal->event, 1)) {
			/* it cannot be full, and the writer looks by itself */
		}
		poll(fds + 1, 1, 5); /* let some gather: one wake-up for many */
	}
	inbox_empty(journal->setup->inbox, journal->setup->socket, take, journal);
	return NULL;
}

/* -------- the writer */

/* One line each, told once, whatever becomes of the batch. Everything in it was escaped when the worker encoded it; a quote is our own delimiter. */
static void tell_syslog(const struct journal *journal, const struct record *record)
{
	const struct text *t = record->texts;
	char line[RECORD_MAX];
	snprintf(line, sizeof line,
		"fetch id=%02x%02x%02x%02x%02x%02x%02x%02x-%llx mac=%s tenant=%.*s file=\"%.*s\" method=%.*s status=%u result=%s identity=%s address=%.*s "
		"vendor=%.*s model=%.*s firmware=%.*s bytes=%u us=%u detail=\"%.*s\" note=\"%.*s\" user_agent=\"%.*s\"",
		record->head.id[0], record->head.id[1], record->head.id[2], record->head.id[3], record->head.id[4], record->head.id[5], record->head.id[6],
		record->head.id[7],
		(unsigned long long)record->head.id[12] << 24 | (unsigned long long)record->head.id[13] << 16 |
			(unsigned long long)record->head.id[14] << 8 | record->head.id[15],
		record->head.mac.digits, (int)t[RECORD_TENANT].length, t[RECORD_TENANT].text, (int)t[RECORD_FILE].length, t[RECORD_FILE].text,
		(int)t[RECORD_METHOD].length, t[RECORD_METHOD].text, record->head.status, result_name(record->head.result),
		record->head.identity ? identity_name(record->head.identity) : "none", (int)t[RECORD_ADDRESS].length, t[RECORD_ADDRESS].text, (int)t[RECORD_VENDOR].length,
		t[RECORD_VENDOR].text, (int)t[RECORD_MODEL].length, t[RECORD_MODEL].text, (int)t[RECORD_FIRMWARE].length, t[RECORD_FIRMWARE].text,
		record->head.bytes, record->head.microseconds, (int)t[RECORD_DETAIL].length, t[RECORD_DETAIL].text, (int)t[RECORD_NOTE].length,
		t[RECORD_NOTE].text, (int)t[RECORD_USER_AGENT].length, t[RECORD_USER_AGENT].text);
	if (journal->setup->conf->journal.syslog)
		syslog(LOG_DAEMON | LOG_INFO, "%s", line);
	else
		log_debug("%s", line);
}

static void lose(struct journal *journal, enum loss loss, uint64_t records)
{
	atomic_fetch_add_explicit(&journal->setup->scoreboard->losses[loss].total, records, memory_order_relaxed);
}

static void drop_packs(struct journal *journal, uint64_t packs)
{
	atomic_fetch_add_explicit(&journal->setup->scoreboard->packs_dropped, packs, memory_order_relaxed);
}

/* What was taken from the spool's front: decoded, and how much of it is whole. */
struct gathered {
	struct spool_cursor cursor; /* behind it */
	size_t entries;             /* of either kind, whole or not */
	size_t seen, records;       /* records; those that are whole */
	size_t packs;
};

static void gather_pack(struct journal *journal, struct gathered *gathered, const unsigned char *bytes, size_t size)
{
	if (pack_record_decode(bytes, size, &journal->packs[gathered->packs])) {
		gathered->packs++;
		return;
	}
	drop_packs(journal, 1);
	throttle_log(&journal->no_record, LOG_LEVEL_WARNING, clock_monotonic(), "a datagram that should be a pack is none");
}

static void gather_record(struct journal *journal, struct gathered *gathered, const unsigned char *bytes, size_t size)
{
	struct spool *spool = journal->setup->spool;
	struct record *record = &journal->records[gathered->records];
	gathered->seen++;
	if (!record_decode(bytes, size, record)) {
		lose(journal, LOSS_REFUSED, 1);
		throttle_log(&journal->no_record, LOG_LEVEL_WARNING, clock_monotonic(), "a datagram that should be a record of the journal is none");
		return;
	}
	gathered->records++;
	if (!spool_told(spool, &gathered->cursor)) {
		tell_syslog(journal, record);
		spool_tell(spool, &gathered->cursor);
	}
}

/* Decode up to `most` records and as many packs, from the oldest on. */
static void gather(struct journal *journal, struct gathered *gathered_r)
{
	struct spool *spool = journal->setup->spool;
	const unsigned char *bytes;
	size_t size;
	*gathered_r = (struct gathered){0};
	spool_first(spool, &gathered_r->cursor);
	while (gathered_r->records < journal->most && gathered_r->packs < journal->most && spool_next(spool, &gathered_r->cursor, &bytes, &size)) {
		gathered_r->entries++;
		if (size && *bytes == DATAGRAM_PACK)
			gather_pack(journal, gathered_r, bytes, size);
		else
			gather_record(journal, gathered_r, bytes, size);
	}
}

static void database(struct journal *journal, bool up, const char *why)
{
	atomic_store(&journal->setup->scoreboard->journal_database_up, up);
	atomic_store(&journal->setup->slot->database, up ? SLOT_DATABASE_UP : SLOT_DATABASE_DOWN);
	if (up) {
		journal->retry_delay = 0;
		if (throttle_over(&journal->fault))
			log_info("the journal is written again");
		return;
	}
	char text[ERROR_MESSAGE_SIZE + 64];
	snprintf(text, sizeof text, "the journal cannot be written and is kept: %s", why);
	throttle_log(&journal->fault, LOG_LEVEL_WARNING, clock_monotonic(), text);
	journal->retry_delay = journal->retry_delay ? journal->retry_delay * 2 : 200 * CLOCK_MILLISECOND;
	if (journal->retry_delay > 2 * CLOCK_SECOND)
		journal->retry_delay = 2 * CLOCK_SECOND;
	journal->retry_at = clock_monotonic() + journal->retry_delay;
}

/* The server refused a batch: find out whether it refuses some records or all. Some: those are lost, and told of. All: it is the server's fault, keep them. */
static bool one_by_one(struct journal *journal, size_t count)
{
	struct error error = {0};
	struct throttle told = {0};
	size_t written = 0, refused = 0;
	for (size_t i = 0; i < count; i++) {
		enum error_code code = batch_write(&journal->batch, &journal->records[i], 1, &error);
		if (!code)
			written++;
		else if (code == ERROR_DATABASE)
			refused++;
		else
			return false;
		if (code)
			throttle_log(&told, LOG_LEVEL_ERROR, clock_monotonic(), error.message);
		if (refused >= 8 && !written)
			return false;
	}
	if (!written)
		return false;
	lose(journal, LOSS_REFUSED, refused);
	return true;
}

/* The records are written: whatever becomes of the packs, they are done with. */
static void write_packs(struct journal *journal, size_t count)
{
	struct error error = {0};
	char text[ERROR_MESSAGE_SIZE + 64];
	size_t written = batch_packs(&journal->batch, journal->packs, count, &error);
	atomic_fetch_add_explicit(&journal->setup->scoreboard->packs_written, written, memory_order_relaxed);
	drop_packs(journal, count - written);
	if (written == count) {
		throttle_over(&journal->pack_fault);
		return;
	}
	snprintf(text, sizeof text, "packs of devices are dropped: %s", error.message);
	throttle_log(&journal->pack_fault, LOG_LEVEL_WARNING, clock_monotonic(), text);
}

/* One batch. False: nothing was there, or the database would not have it. */
static bool write_batch(struct journal *journal)
{
	struct gathered gathered;
	struct error error = {0};
	gather(journal, &gathered);
	size_t count = gathered.records;
	if (!gathered.entries)
		return false;
	enum error_code code = count ? batch_write(&journal->batch, journal->records, count, &error) : ERROR_NONE;
	if (code == ERROR_DATABASE && count > 1 && one_by_one(journal, count))
		code = ERROR_NONE;
	/* Packs alone say nothing of whether records can be written. */
	if (count)
		database(journal, !code, error.message);
	if (code)
		return false;
	if (gathered.packs)
		write_packs(journal, gathered.packs);
	spool_release(journal->setup->spool, &gathered.cursor, gathered.seen);
	atomic_fetch_add_explicit(&journal->setup->scoreboard->journal_written, count, memory_order_relaxed);
	return true;
}

/* What was lost since the last time goes into journal_loss; a try whose outcome is unknown is repeated as the same row. */
static void write_losses(struct journal *journal)
{
	struct error error;
	for (int i = 0; i < LOSSES; i++) {
		struct loss_count *loss = &journal->setup->scoreboard->losses[i];
		if (!loss->pending) {
			loss->pending = atomic_load(&loss->total) - loss->told;
			loss->pending_at = clock_ns(CLOCK_REALTIME) / 1000;
		}
		if (!loss->pending)
			continue;
		log_warning("%llu records of the journal were lost: %s", (unsigned long long)loss->pending, loss_name((enum loss)i));
		if (batch_loss(&journal->batch, loss->pending_at, loss_name((enum loss)i), loss->pending, &error)) {
			database(journal, false, error.message);
			return;
		}
		loss->told += loss->pending;
		loss->pending = 0;
	}
}

/* A partition a day or month, and retention. audit's are changed only while no transaction has written there: else it is tried again soon. */
static void keep_partitions(struct journal *journal, struct partitions *partitions, const char *procedure, long long days)
{
	char sql[64], text[ERROR_MESSAGE_SIZE + 64];
	struct error error;
	int64_t now = clock_monotonic();
	if (now < partitions->at)
		return;
	int size = snprintf(sql, sizeof sql, "CALL %s(%lld, 7)", procedure, days);
	enum error_code code = db_connect(journal->db, &error);
	if (!code)
		code = db_run(journal->db, sql, (size_t)size, &error);
	if (code) {
		snprintf(text, sizeof text, "%s: %s", procedure, error.message);
		throttle_log(&partitions->fault, LOG_LEVEL_WARNING, now, text);
	} else
		throttle_over(&partitions->fault);
	partitions->at = now + (code ? 60 * CLOCK_SECOND : DAY);
}

static void write_all(struct journal *journal)
{
	if (clock_monotonic() < journal->retry_at)
		return;
	keep_partitions(journal, &journal->journal_partitions, "journal_partitions", journal->setup->conf->journal.retention_days);
	keep_partitions(journal, &journal->audit_partitions, "audit_partitions", journal->setup->conf->audit.retention_days);
	while (write_batch(journal))
		;
	if (!journal->retry_delay)
		write_losses(journal);
}

/* Sleep until something came, then for flush_interval, so that a batch can gather; false: leave. */
static bool wait_for_records(struct journal *journal)
{
	struct pollfd fds[] = {{.fd = journal->event, .events = POLLIN}, {.fd = journal->setup->lifeline, .events = POLLIN}};
	struct timespec idle = {.tv_sec = 1};
	long long interval = journal->setup->conf->journal.flush_interval;
	struct timespec gather_time = {interval / 1000, interval % 1000 * 1000000};
	eventfd_t ignored;
	atomic_store(&journal->setup->slot->busy_since, 0);
	ppoll(fds, 2, spool_records(journal->setup->spool) ? &gather_time : &idle, &signals_open);
	if (!signals_stop && fds[0].revents && !eventfd_read(journal->event, &ignored) &&
		spool_records(journal->setup->spool) < journal->most)
		ppoll(fds + 1, 1, &gather_time, &signals_open);
	if (signals_reopen) {
		signals_reopen = 0;
		process_reopen_log(journal->setup->conf);
	}
	return !signals_stop && !fds[1].revents;
}

/* What can be written in a bounded time is written, the rest is counted, and told to the log: nobody will come after us. */
static void drain(struct journal *journal)
{
	int64_t until = clock_monotonic() + DRAIN_MAX;
	while (spool_bytes(journal->setup->spool) && clock_monotonic() < until) {
		while (write_batch(journal) && clock_monotonic() < until)
			;
		if (!spool_records(journal->setup->spool))
			break;
		poll(NULL, 0, 100);
	}
	uint64_t left = spool_records(journal->setup->spool);
	if (left) {
		lose(journal, LOSS_STOP, left);
		log_error("%llu records of the journal are lost: the database did not take them before the stop", (unsigned long long)left);
	}
	write_losses(journal);
}

static bool start(struct journal *journal, pthread_t *receiver_r)
{
	const struct conf *conf = journal->setup->conf;
	const struct db_options options = {
		.hosts = conf->database.hosts,
		.name = conf->database.name,
		.user = conf->database.journal_user,
		.password_file = conf->database.journal_password_file,
		.tls_ca = conf->database.tls_ca,
		.connect_timeout = (unsigned)conf->database.connect_timeout,
		.read_timeout = (unsigned)conf->database.read_timeout,
		.spread = true,
		.check_schema = true,
	};
	journal->most = (size_t)conf->journal.batch;
	journal->records = xcalloc(journal->most, sizeof *journal->records);
	journal->packs = xcalloc(journal->most, sizeof *journal->packs);
	journal->db = db_new(&options);
	batch_init(&journal->batch, journal->db, journal->most, conf->identity.enrolment);
	journal->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	journal->leave = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (conf->journal.syslog && strcmp(conf->log.target, "syslog"))
		openlog("dialtone-fcgi", LOG_NDELAY | LOG_PID, LOG_DAEMON);
	return journal->event >= 0 && journal->leave >= 0 && !pthread_create(receiver_r, NULL, receive_forever, journal);
}

int journal_run(const struct journal_setup *setup)
{
	struct journal journal = {.setup = setup};
	pthread_t receiver;
	if (!start(&journal, &receiver)) {
		log_error("the journal cannot start: %s", strerror(errno));
		return EX_OSERR;
	}
	atomic_store(&setup->slot->state, SLOT_IDLE);
	if (write(setup->status, "", 1) < 0) {
		/* the master is awake already */
	}
	while (wait_for_records(&journal))
		write_all(&journal);
	if (!eventfd_write(journal.leave, 1))
		pthread_join(receiver, NULL);
	drain(&journal);
	batch_deinit(&journal.batch);
	db_free(&journal.db);
	free(journal.records);
	free(journal.packs);
	close(journal.event);
	close(journal.leave);
	return EX_OK;
}
