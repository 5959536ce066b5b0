/* storm-crowd.c - an epoll loop over slots; a slot is a connection, or free. Edge-triggered: it goes as far as its socket lets it. */
#include "storm.h"
#include "xalloc.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 16384u
#define RESPONSE_MAX (8u << 20)
#define BROKEN_RETRY_NS (200 * 1000000ull) /* scaled as Retry-After is */

enum state { FREE, CONNECTING, HANDSHAKE, WRITING, READING };

/* One fetch, in whatever attempt it is. */
struct job {
	uint64_t due, began; /* began: its first attempt */
	uint32_t phone, attempt;
};

struct slot {
	enum state state;
	int fd;
	SSL *ssl;
	struct job job;
	uint64_t opened;
	struct buf request, response;
	size_t written;
};

struct crowd {
	int epoll;
	struct slot *slots;
	uint32_t slot_count, busy;
	uint32_t *free_slots, free_count;
	struct job *waiting; /* heap by due */
	size_t waiting_count, waiting_room;
	struct tally tally;
	size_t sample_room;
	FILE *series;
	SSL_CTX *tls;
	EVP_MD *sha256;
};

uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

void die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---- the heap of fetches that wait for their next attempt */

static void heap_put(struct crowd *crowd, struct job job)
{
	if (crowd->waiting_count == crowd->waiting_room) {
		crowd->waiting_room = crowd->waiting_room ? crowd->waiting_room * 2 : 64;
		crowd->waiting = xreallocarray(crowd->waiting, crowd->waiting_room, sizeof *crowd->waiting);
	}
	size_t i = crowd->waiting_count++;
	for (; i > 0 && crowd->waiting[(i - 1) / 2].due > job.due; i = (i - 1) / 2)
		crowd->waiting[i] = crowd->waiting[(i - 1) / 2];
	crowd->waiting[i] = job;
}

static struct job heap_take(struct crowd *crowd)
{
	struct job first = crowd->waiting[0], last = crowd->waiting[--crowd->waiting_count];
	size_t i = 0, n = crowd->waiting_count;
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && crowd->waiting[child + 1].due < crowd->waiting[child].due)
			child++;
		if (crowd->waiting[child].due >= last.due)
			break;
		crowd->waiting[i] = crowd->waiting[child];
	}
	crowd->waiting[i] = last;
	return first;
}

/* ---- the life of a connection */

static void sample(struct crowd *crowd, const struct slot *slot, uint64_t end)
{
	if (crowd->tally.sample_count == crowd->sample_room) {
		crowd->sample_room = crowd->sample_room ? crowd->sample_room * 2 : 4096;
		crowd->tally.milliseconds = xreallocarray(crowd->tally.milliseconds, crowd->sample_room, sizeof(float));
		crowd->tally.whole = xreallocarray(crowd->tally.whole, crowd->sample_room, sizeof(float));
	}
	crowd->tally.milliseconds[crowd->tally.sample_count] = (float)((double)(end - slot->opened) / 1e6);
	crowd->tally.whole[crowd->tally.sample_count++] = (float)((double)(end - slot->job.began) / 1e6);
}

static void release(struct crowd *crowd, struct slot *slot)
{
	SSL_free(slot->ssl);
	slot->ssl = NULL;
	if (slot->fd >= 0)
		close(slot->fd);
	slot->fd = -1;
	slot->state = FREE;
	crowd->free_slots[crowd->free_count++] = (uint32_t)(slot - crowd->slots);
	crowd->busy--;
}

static void again(struct crowd *crowd, struct slot *slot, uint64_t delay)
{
	struct job job = slot->job;
	job.due = now() + delay;
	if (++job.attempt > ask.retries) {
		crowd->tally.counts.given_up++;
	} else {
		crowd->tally.counts.retries++;
		heap_put(crowd, job);
	}
	release(crowd, slot);
}

static void note(const struct crowd *crowd, const struct slot *slot, uint64_t end, int status)
{
	if (crowd->series)
		fprintf(crowd->series, "%llu\t%llu\t%u\t%d\n", (unsigned long long)slot->opened, (unsigned long long)end, slot->job.phone, status);
}

static void broken(struct crowd *crowd, struct slot *slot, enum trouble trouble)
{
	crowd->tally.counts.trouble[trouble]++;
	note(crowd, slot, now(), 0);
	ERR_clear_error();
	again(crowd, slot, (uint64_t)((double)BROKEN_RETRY_NS * ask.retry_scale));
}

/* The body into a file of --save's directory, named as the phone asked for it. */
static void save(const struct phone *phone, const struct answer *answer)
{
	char path[4096];
	const char *slash = strrchr(phone->path, '/');
	snprintf(path, sizeof path, "%s/%s", ask.save, slash ? slash + 1 : phone->path);
	FILE *file = fopen(path, "we");
	if (!file || fwrite(answer->body, 1, answer->body_size, file) != answer->body_size || fclose(file) != 0)
		die(path);
}

static void finish(struct crowd *crowd, struct slot *slot)
{
	struct answer answer;
	struct counts *counts = &crowd->tally.counts;
	if (!wire_answer(&slot->response, ask.mode == MODE_FCGI, &answer)) {
		broken(crowd, slot, TROUBLE_RESPONSE);
		return;
	}
	uint64_t end = now();
	note(crowd, slot, end, answer.status);
	counts->statuses[answer.status]++;
	if (answer.status == 503 && ask.retries) {
		again(crowd, slot, (uint64_t)((answer.retry_after >= 0 ? answer.retry_after : 1) * ask.retry_scale * (double)NS));
		return;
	}
	counts->answered++;
	if (answer.status == 200) {
		if (ask.save)
			save(&ask.phones[slot->job.phone], &answer);
		enum wrong wrong = wire_judge(&ask.phones[slot->job.phone], &answer, crowd->sha256);
		if (wrong == WRONGS)
			counts->right++;
		else
			counts->wrong[wrong]++;
		counts->body_bytes += answer.body_size;
		if (!counts->shortest || answer.body_size < counts->shortest)
			counts->shortest = answer.body_size;
		if (answer.body_size > counts->longest)
			counts->longest = answer.body_size;
	}
	sample(crowd, slot, end);
	release(crowd, slot);
}

static void source_address(uint32_t phone, struct in_addr *address)
{
	uint32_t i = phone % ask.addresses;
	address->s_addr = htonl(0x7f010000u + i / 250 * 256 + i % 250 + 1);
}

static void begin(struct crowd *crowd, struct job job)
{
	struct slot *slot = &crowd->slots[crowd->free_slots[--crowd->free_count]];
	const struct phone *phone = &ask.phones[job.phone];
	crowd->busy++;
	slot->job = job;
	slot->opened = now();
	if (!slot->job.began)
		slot->job.began = slot->opened;
	slot->written = 0;
	buf_clear(&slot->request);
	buf_clear(&slot->response);

	struct sockaddr_in from = {.sin_family = AF_INET};
	char address[INET_ADDRSTRLEN] = "";
	source_address(job.phone, &from.sin_addr);
	inet_ntop(AF_INET, &from.sin_addr, address, sizeof address);
	if (ask.mode == MODE_FCGI)
		wire_fcgi_request(&slot->request, phone, ask.host, address);
	else
		wire_http_request(&slot->request, phone, ask.host);

	int family = ask.address.ss_family, one = 1;
	slot->state = CONNECTING;
	slot->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (slot->fd < 0)
		die("socket");
	if (family == AF_INET) {
		setsockopt(slot->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
		setsockopt(slot->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (bind(slot->fd, (struct sockaddr *)&from, sizeof from) != 0)
			die("bind");
	}
	if (connect(slot->fd, (struct sockaddr *)&ask.address, ask.address_size) != 0 && errno != EINPROGRESS) {
		broken(crowd, slot, errno == EAGAIN ? TROUBLE_BACKLOG : TROUBLE_CONNECT);
		return;
	}
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = slot};
	if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, slot->fd, &event) != 0)
		die("epoll_ctl");
	if (ask.mode == MODE_TLS) {
		slot->ssl = SSL_new(crowd->tls);
		if (!slot->ssl)
			die("SSL_new");
		SSL_set_fd(slot->ssl, slot->fd);
		SSL_set_tlsext_host_name(slot->ssl, ask.host);
		SSL_set_connect_state(slot->ssl);
	}
}

/* What one call of read or write came to. */
enum outcome { DONE, LATER, ENDED, FAILED };

static enum outcome tls_outcome(SSL *ssl, int result)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_NONE:
		return DONE;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return LATER;
	case SSL_ERROR_ZERO_RETURN:
		return ENDED;
	default:
		return FAILED;
	}
}

static enum outcome write_some(struct slot *slot)
{
	const char *bytes = slot->request.data + slot->written;
	size_t size = slot->request.size - slot->written;
	if (slot->ssl) {
		int n = SSL_write(slot->ssl, bytes, (int)size);
		if (n > 0)
			slot->written += (size_t)n;
		return tls_outcome(slot->ssl, n);
	}
	ssize_t n = send(slot->fd, bytes, size, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? LATER : FAILED;
	slot->written += (size_t)n;
	return DONE;
}

static enum outcome read_some(struct slot *slot)
{
	struct buf *response = &slot->response;
	if (!buf_reserve(response, 16384))
		return FAILED;
	char *to = response->data + response->size;
	size_t room = response->room - response->size - 1;
	ssize_t n = slot->ssl ? SSL_read(slot->ssl, to, (int)room) : recv(slot->fd, to, room, 0);
	if (n > 0)
		response->size += (size_t)n;
	response->data[response->size] = 0;
	if (slot->ssl)
		return tls_outcome(slot->ssl, (int)n);
	return n > 0 ? DONE : n == 0 ? ENDED : errno == EAGAIN ? LATER : FAILED;
}

/* Go as far as the socket lets us. Edge-triggered: only LATER returns with the slot still in use. */
static void drive(struct crowd *crowd, struct slot *slot)
{
	if (slot->state == CONNECTING) {
		int error = 0;
		socklen_t size = sizeof error;
		getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error) {
			broken(crowd, slot, TROUBLE_CONNECT);
			return;
		}
		slot->state = slot->ssl ? HANDSHAKE : WRITING;
	}
	if (slot->state == HANDSHAKE) {
		int result = SSL_do_handshake(slot->ssl);
		enum outcome outcome = tls_outcome(slot->ssl, result);
		if (outcome == LATER)
			return;
		if (outcome != DONE) {
			broken(crowd, slot, TROUBLE_HANDSHAKE);
			return;
		}
		slot->state = WRITING;
	}
	while (slot->state == WRITING) {
		enum outcome outcome = write_some(slot);
		if (outcome == LATER)
			return;
		if (outcome != DONE) {
			broken(crowd, slot, TROUBLE_IO);
			return;
		}
		if (slot->written == slot->request.size)
			slot->state = READING;
	}
	for (;;) {
		enum outcome outcome = read_some(slot);
		if (outcome == LATER)
			return;
		if (outcome == ENDED) {
			finish(crowd, slot);
			return;
		}
		if (outcome == FAILED) {
			broken(crowd, slot, TROUBLE_IO);
			return;
		}
	}
}

/* The next fetch that may begin; false where there is none now. */
static bool take(struct crowd *crowd, uint64_t t, struct job *job, bool *more)
{
	if (crowd->waiting_count && crowd->waiting[0].due <= t) {
		*job = heap_take(crowd);
		return true;
	}
	*more = false;
	if (ask.deadline && t >= ask.deadline)
		return false;
	if (crowd->waiting_count >= ask.phone_count) {
		*more = true; /* no phone waits twice */
		return false;
	}
	if (ask.rate > 0 && (double)atomic_load(&ask.next) >= (double)(t - ask.epoch) / (double)NS * ask.rate) {
		*more = true;
		return false;
	}
	uint64_t i = atomic_fetch_add(&ask.next, 1);
	if (i >= ask.fetches)
		return false;
	*more = true;
	*job = (struct job){.phone = (uint32_t)(i % ask.phone_count)};
	return true;
}

/* Milliseconds until something may begin. */
static int patience(const struct crowd *crowd, uint64_t t, bool more)
{
	if (!crowd->free_count)
		return 100;
	if (more && crowd->waiting_count < ask.phone_count)
		return ask.rate > 0;
	if (!crowd->waiting_count)
		return 100;
	uint64_t due = crowd->waiting[0].due, wait = due <= t ? 0 : (due - t) / 1000000 + 1;
	return wait < 100 ? (int)wait : 100;
}

void *crowd_run(void *context)
{
	struct crowd *crowd = context;
	struct epoll_event events[256];
	bool more = true;
	uint64_t swept = now();
	while (more || crowd->busy || crowd->waiting_count) {
		uint64_t t = now();
		struct job job;
		/* No more at once than there are slots: connections that fail at once must not keep us from looking at the clock. */
		for (uint32_t i = 0; i < crowd->slot_count && crowd->free_count && take(crowd, t, &job, &more); i++)
			begin(crowd, job);
		if (!more && !crowd->busy && !crowd->waiting_count)
			break;
		int n = epoll_wait(crowd->epoll, events, 256, patience(crowd, t, more));
		for (int i = 0; i < n; i++)
			drive(crowd, events[i].data.ptr);
		if (t - swept > NS) {
			swept = t;
			for (uint32_t i = 0; i < crowd->slot_count; i++)
				if (crowd->slots[i].state != FREE && t > crowd->slots[i].opened + ask.timeout)
					broken(crowd, &crowd->slots[i], TROUBLE_TIMEOUT);
		}
	}
	return NULL;
}

struct crowd *crowd_new(uint32_t index)
{
	struct crowd *crowd = xcalloc(1, sizeof *crowd);
	crowd->slot_count = ask.concurrency / ask.threads + (index < ask.concurrency % ask.threads);
	crowd->slots = xcalloc(crowd->slot_count, sizeof *crowd->slots);
	crowd->free_slots = xcalloc(crowd->slot_count, sizeof *crowd->free_slots);
	for (uint32_t i = 0; i < crowd->slot_count; i++) {
		crowd->slots[i].fd = -1;
		buf_init(&crowd->slots[i].request, REQUEST_MAX);
		buf_init(&crowd->slots[i].response, RESPONSE_MAX);
		crowd->free_slots[crowd->free_count++] = crowd->slot_count - 1 - i;
	}
	crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (crowd->epoll < 0)
		die("epoll_create1");
	crowd->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	crowd->tls = SSL_CTX_new(TLS_client_method());
	if (!crowd->sha256 || !crowd->tls)
		die("OpenSSL");
	SSL_CTX_set_session_cache_mode(crowd->tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_min_proto_version(crowd->tls, ask.tls_version ? ask.tls_version : TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(crowd->tls, ask.tls_version);
	SSL_CTX_set_mode(crowd->tls, SSL_MODE_AUTO_RETRY | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
	if (ask.series) {
		char path[4096];
		snprintf(path, sizeof path, "%s%s", ask.series, index ? ".2" : "");
		crowd->series = fopen(path, "we");
		if (!crowd->series)
			die(path);
	}
	return crowd;
}

struct tally *crowd_end(struct crowd *crowd)
{
	if (crowd->series && fclose(crowd->series) != 0)
		die(ask.series);
	return &crowd->tally;
}

void crowd_free(struct crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->slot_count; i++) {
		buf_deinit(&crowd->slots[i].request);
		buf_deinit(&crowd->slots[i].response);
	}
	free(crowd->tally.milliseconds);
	free(crowd->tally.whole);
	free(crowd->slots);
	free(crowd->free_slots);
	close(crowd->epoll);
	EVP_MD_free(crowd->sha256);
	SSL_CTX_free(crowd->tls);
	free(crowd);
}
