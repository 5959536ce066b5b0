/* The ring of the journal: order, wrapping, a full ring, and what a killed process leaves; the scoreboard's answers. */
#include "spool.h"

#include "health.h"
#include "inbox.h"
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t fill(struct spool *spool, size_t size)
{
	unsigned char bytes[4096];
	size_t count = 0;
	memset(bytes, 7, sizeof bytes);
	while (spool_put(spool, bytes, size))
		count++;
	return count;
}

/* Take `most` from the front. */
static size_t take(struct spool *spool, size_t most)
{
	struct spool_cursor cursor;
	const unsigned char *bytes;
	size_t size, count = 0;
	spool_first(spool, &cursor);
	while (count < most && spool_next(spool, &cursor, &bytes, &size))
		count++;
	spool_release(spool, &cursor, count);
	return count;
}

START_TEST(test_order)
{
	struct spool *spool = spool_new(1);
	struct spool_cursor cursor;
	const unsigned char *bytes;
	size_t size;
	uint32_t in = 0, out = 0;
	/* Many times round, with sizes that meet the end of the ring in every way. */
	for (int round = 0; round < 5000; round++) {
		for (int i = 0; i < 5; i++) {
			unsigned char record[300];
			size_t length = 4 + (in * 37) % 290;
			memset(record, (int)(in & 0xff), sizeof record);
			memcpy(record, &in, sizeof in);
			if (spool_put(spool, record, length))
				in++;
		}
		spool_first(spool, &cursor);
		size_t seen = 0;
		while (seen < 1 + (size_t)round % 7 && spool_next(spool, &cursor, &bytes, &size)) {
			uint32_t number;
			memcpy(&number, bytes, sizeof number);
			ck_assert_uint_eq(number, out);
			ck_assert_uint_eq(size, 4 + (out * 37) % 290);
			for (size_t i = 4; i < size; i++)
				ck_assert_uint_eq(bytes[i], out & 0xff);
			out++;
			seen++;
		}
		spool_release(spool, &cursor, seen);
		ck_assert_uint_eq(spool_records(spool), in - out);
	}
	ck_assert(out > 10000);
	spool_free(&spool);
	ck_assert_ptr_null(spool);
}
END_TEST

START_TEST(test_full)
{
	struct spool *spool = spool_new(100000);
	size_t count = fill(spool, 1000);
	ck_assert_uint_ge(count, 98);
	ck_assert_uint_eq(spool_records(spool), count);
	ck_assert(spool_bytes(spool) <= 102400);
	ck_assert(!spool_put(spool, "x", 1000));
	ck_assert_uint_eq(take(spool, 3), 3);
	ck_assert(fill(spool, 1000) >= 2);
	ck_assert(take(spool, 1000) >= count - 1);
	ck_assert_uint_eq(spool_records(spool), 0);
	ck_assert_uint_eq(spool_bytes(spool), 0);
	ck_assert(!spool_put(spool, "x", 200000)); /* larger than the ring: never */
	spool_free(&spool);
}
END_TEST

/* Packs fill half and no more, whatever lies there; records have the rest to the last byte, and their order with packs stays. */
START_TEST(test_packs)
{
	static unsigned char bytes[2000];
	struct spool *spool = spool_new(100000);
	size_t packs = 0, whole = fill(spool, sizeof bytes);
	size_t bytes_of_whole = spool_bytes(spool);
	take(spool, whole);
	memset(bytes, 9, sizeof bytes);
	while (spool_put_pack(spool, bytes, sizeof bytes))
		packs++;
	ck_assert_uint_ge(packs, whole / 2 - 1);
	ck_assert_uint_le(packs, whole / 2 + 1);
	ck_assert_uint_eq(spool_records(spool), 0);
	ck_assert(spool_bytes(spool) > 0 && spool_bytes(spool) <= 102400 / 2);
	/* a record goes where no pack does, and afterwards still no pack */
	ck_assert_uint_ge(fill(spool, sizeof bytes), whole - packs - 1);
	ck_assert_uint_ge(spool_bytes(spool), bytes_of_whole - 2 * sizeof bytes);
	ck_assert(!spool_put_pack(spool, bytes, 1));
	struct spool_cursor cursor;
	const unsigned char *entry;
	size_t size, count = 0, records = 0;
	spool_first(spool, &cursor);
	for (; spool_next(spool, &cursor, &entry, &size); count++) {
		ck_assert_uint_eq(entry[0], count < packs ? 9 : 7);
		records += entry[0] == 7;
	}
	ck_assert_uint_eq(records, spool_records(spool));
	spool_release(spool, &cursor, records);
	ck_assert_uint_eq(spool_records(spool), 0);
	ck_assert_uint_eq(spool_bytes(spool), 0);
	ck_assert(spool_put_pack(spool, bytes, sizeof bytes));
	ck_assert(!spool_put_pack(spool, bytes, 60000)); /* more than half by itself */
	spool_free(&spool);
}
END_TEST

/* What was not released is seen again, by another process too. */
START_TEST(test_survives)
{
	struct spool *spool = spool_new(100000);
	struct spool_cursor cursor;
	const unsigned char *bytes;
	size_t size;
	int status;
	pid_t pid = fork();
	if (!pid) {
		spool_put(spool, "first", 5);
		spool_put(spool, "second", 6);
		spool_first(spool, &cursor);
		spool_next(spool, &cursor, &bytes, &size);
		spool_tell(spool, &cursor);
		_exit(0);
	}
	ck_assert(waitpid(pid, &status, 0) == pid && !status);
	spool_first(spool, &cursor);
	ck_assert(spool_next(spool, &cursor, &bytes, &size));
	ck_assert(size == 5 && !memcmp(bytes, "first", 5));
	ck_assert(spool_told(spool, &cursor));
	ck_assert(spool_next(spool, &cursor, &bytes, &size));
	ck_assert(size == 6 && !memcmp(bytes, "second", 6));
	ck_assert(!spool_told(spool, &cursor));
	ck_assert(!spool_next(spool, &cursor, &bytes, &size));
	spool_free(&spool);
}
END_TEST

static void *put_many(void *context)
{
	for (uint32_t i = 0; i < 200000;)
		i += spool_put(context, &i, sizeof i);
	return NULL;
}

/* One puts, one takes, at the same time. */
START_TEST(test_threads)
{
	struct spool *spool = spool_new(1);
	struct spool_cursor cursor;
	const unsigned char *bytes;
	size_t size;
	pthread_t thread;
	uint32_t number, next = 0;
	ck_assert(!pthread_create(&thread, NULL, put_many, spool));
	while (next < 200000) {
		size_t seen = 0;
		spool_first(spool, &cursor);
		for (; spool_next(spool, &cursor, &bytes, &size); seen++, next++) {
			memcpy(&number, bytes, sizeof number);
			ck_assert(size == sizeof number && number == next);
		}
		spool_release(spool, &cursor, seen);
	}
	pthread_join(thread, NULL);
	spool_free(&spool);
}
END_TEST

START_TEST(test_health)
{
	struct scoreboard *board = scoreboard_new();
	struct spool *spool = spool_new(4096);
	struct health_setup setup = {.scoreboard = board, .spool = spool};
	struct slot *worker = &board->slots[SLOT_WORKERS];
	struct buf body;
	buf_init(&body, 65536);
	ck_assert_uint_eq(health_answer(&setup, "/healthz", &body), 503);
	worker->state = SLOT_STARTING;
	ck_assert_uint_eq(health_answer(&setup, "/healthz", &body), 503);
	worker->state = SLOT_BUSY;
	ck_assert_uint_eq(health_answer(&setup, "/healthz", &body), 200);
	ck_assert_uint_eq(health_answer(&setup, "/readyz", &body), 503);
	worker->database = SLOT_DATABASE_UP;
	ck_assert_uint_eq(health_answer(&setup, "/readyz", &body), 200);
	board->stopping = true;
	ck_assert_uint_eq(health_answer(&setup, "/readyz", &body), 503);
	ck_assert_uint_eq(health_answer(&setup, "/", &body), 404);
	slot_add(&worker->results[RESULT_OK], 41);
	worker->cache_bytes = 5000;
	worker->cache_hits = 7;
	slot_clear(worker);
	board->slots[SLOT_WORKERS + 1].cache_bytes = 300;
	worker[2].cache_bytes = 21;
	worker[2].cache_entries = 2;
	board->packs_written = 12;
	board->packs_dropped = 1;
	slot_add(&worker->results[RESULT_OK], 1);
	board->losses[LOSS_SPOOL].total = 3;
	buf_clear(&body);
	ck_assert_uint_eq(health_answer(&setup, "/metrics", &body), 200);
	ck_assert(!body.overflow);
	ck_assert_ptr_nonnull(strstr(body.data, "\ndialtone_requests_total{result=\"ok\"} 42\n"));
	ck_assert_ptr_nonnull(strstr(body.data, "\ndialtone_journal_lost_total{reason=\"spool-full\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(body.data, "\ndialtone_cache_bytes 321\n"));
	ck_assert_ptr_nonnull(strstr(body.data, "\ndialtone_cache_entries 2\n"));
	ck_assert_ptr_nonnull(strstr(body.data, "\ndialtone_cache_hits_total 7\n"));
	ck_assert_ptr_nonnull(strstr(body.data, "\ndialtone_cache_misses_total 0\n"));
	ck_assert_ptr_nonnull(strstr(body.data, "\ndialtone_packs_written_total 12\n"));
	ck_assert_ptr_nonnull(strstr(body.data, "\ndialtone_packs_dropped_total 1\n"));
	buf_deinit(&body);
	spool_free(&spool);
}
END_TEST

/* Puts into a spool until so many are there, and is then killed in the middle. */
struct putting {
	struct spool *spool;
	int most;
};

static void put_or_die(void *context, const unsigned char *bytes, size_t size)
{
	struct putting *putting = context;
	if (putting->most-- == 0)
		kill(getpid(), SIGKILL);
	ck_assert(spool_put(putting->spool, bytes, size));
}

/* The receiver is killed after so many of the datagrams that it has taken off the socket: the next one has the rest. */
START_TEST(test_inbox)
{
	enum { COUNT = 90 };
	struct spool *spool = spool_new(65536);
	struct inbox *inbox = inbox_new();
	struct spool_cursor cursor;
	const unsigned char *bytes;
	size_t size;
	bool seen[COUNT] = {false};
	int pair[2], status;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	for (unsigned char i = 0; i < COUNT; i++)
		ck_assert_int_eq(send(pair[1], &i, 1, 0), 1);
	for (int most = 10; most < 100; most += 40) {
		pid_t pid = fork();
		if (!pid) {
			inbox_empty(inbox, pair[0], put_or_die, &(struct putting){spool, most});
			_exit(0);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
	ck_assert(WIFEXITED(status));
	spool_first(spool, &cursor);
	while (spool_next(spool, &cursor, &bytes, &size)) {
		ck_assert_uint_eq(size, 1);
		seen[*bytes] = true;
	}
	for (int i = 0; i < COUNT; i++)
		ck_assert_msg(seen[i], "datagram %d was lost", i);
	close(pair[0]);
	close(pair[1]);
	inbox_free(&inbox);
	spool_free(&spool);
}
END_TEST

UNIT_MAIN("spool", {test_order, 0}, {test_full, 0}, {test_packs, 0}, {test_survives, 0}, {test_threads, 0}, {test_inbox, 0}, {test_health, 0})
