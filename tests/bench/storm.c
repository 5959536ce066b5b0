/* storm.c - many phones at once: the load client of the benchmarks.
 *
 * Each fetch is what a booting phone does: a TCP connection of its own from an address of its own (all of 127.0.0.0/8 is this host), a full
 * TLS handshake, one GET with its own credentials and User-Agent, `Connection: close`. K of them are under way at any time. A 503 is tried
 * again after its Retry-After (scaled, or a benchmark would wait for minutes), a broken connection after a moment. Every body is judged:
 * status 200, as long as Content-Length says, the phone's own string in it, the SHA-256 that the list names.
 *
 * The list has a line a phone, columns separated by tabs: path, user, password, User-Agent, expected string [, SHA-256 in hex].
 * An empty user sends no credentials, an empty string expects nothing. Results are one JSON object; status 0 says that every fetch was
 * answered, and rightly. One thread is an epoll loop over slots; a slot is a connection, or free. */
#include "storm.h"
#include "xalloc.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 2
#define REQUEST_MAX 16384u
#define RESPONSE_MAX (8u << 20)
#define NS 1000000000ull
#define BROKEN_RETRY_NS (200 * 1000000ull) /* scaled as Retry-After is */

enum mode { MODE_TLS, MODE_PLAIN, MODE_FCGI };
enum trouble { TROUBLE_CONNECT, TROUBLE_BACKLOG, TROUBLE_HANDSHAKE, TROUBLE_IO, TROUBLE_TIMEOUT, TROUBLE_RESPONSE, TROUBLES };

static const char *const trouble_names[TROUBLES] = {"connect", "backlog", "handshake", "io", "timeout", "response"};
static const char *const wrong_names[WRONGS] = {"length", "string", "digest"};

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

struct counts {
	uint64_t answered, right, given_up, retries, body_bytes, shortest, longest;
	uint64_t statuses[STATUS_MAX], trouble[TROUBLES], wrong[WRONGS];
};

struct crowd {
	int epoll;
	struct slot *slots;
	uint32_t slot_count, busy;
	uint32_t *free_slots, free_count;
	struct job *waiting; /* heap by due */
	size_t waiting_count, waiting_room;
	struct counts counts;
	float *milliseconds, *whole; /* of the last connection; since the first attempt */
	size_t sample_count, sample_room;
	FILE *series;
	SSL_CTX *tls;
	EVP_MD *sha256;
};

/* What was asked for; constant once the threads run, but for `next`. */
static struct {
	enum mode mode;
	struct sockaddr_storage address;
	socklen_t address_size;
	const char *host;
	struct phone *phones;
	uint32_t phone_count, addresses;
	uint64_t fetches, deadline; /* deadline: stop beginning then; 0 none */
	uint32_t concurrency, threads, retries;
	double retry_scale, rate;
	uint64_t timeout, epoch;
	const char *series, *save;
	int tls_version;
	_Atomic uint64_t next;
} ask = {.mode = MODE_TLS, .host = "localhost", .concurrency = 16, .threads = 1, .retries = 20, .retry_scale = 0.05, .timeout = 60 * NS};

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
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
	if (crowd->sample_count == crowd->sample_room) {
		crowd->sample_room = crowd->sample_room ? crowd->sample_room * 2 : 4096;
		crowd->milliseconds = xreallocarray(crowd->milliseconds, crowd->sample_room, sizeof(float));
		crowd->whole = xreallocarray(crowd->whole, crowd->sample_room, sizeof(float));
	}
	crowd->milliseconds[crowd->sample_count] = (float)((double)(end - slot->opened) / 1e6);
	crowd->whole[crowd->sample_count++] = (float)((double)(end - slot->job.began) / 1e6);
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
		crowd->counts.given_up++;
	} else {
		crowd->counts.retries++;
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
	crowd->counts.trouble[trouble]++;
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
	struct counts *counts = &crowd->counts;
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

static void *run(void *context)
{
	struct crowd *crowd = context;
	struct epoll_event events[256];
	bool more = true;
	uint64_t swept = now();
	while (more || crowd->busy || crowd->waiting_count) {
		uint64_t t = now();
		struct job job;
		while (crowd->free_count && take(crowd, t, &job, &more))
			begin(crowd, job);
		int wait = 100;
		if (crowd->free_count && crowd->waiting_count) {
			uint64_t due = crowd->waiting[0].due;
			wait = due <= t ? 0 : (int)((due - t) / 1000000) + 1;
			wait = wait > 100 ? 100 : wait;
		}
		if (crowd->free_count && ask.rate > 0 && more)
			wait = 1;
		if (!more && !crowd->busy && !crowd->waiting_count)
			break;
		int n = epoll_wait(crowd->epoll, events, 256, wait);
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

/* ---- before and after */

static bool hex_digest(const char *text, unsigned char digest[32])
{
	for (int i = 0; i < 32; i++) {
		unsigned byte;
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		digest[i] = (unsigned char)byte;
	}
	return true;
}

static void read_phones(const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!file)
		die(path);
	char *line = NULL;
	size_t room = 0, phone_room = 0;
	while (getline(&line, &room, file) > 0) {
		line[strcspn(line, "\r\n")] = 0;
		char *rest = line, *column[6] = {0};
		for (int i = 0; i < 6 && rest; i++)
			column[i] = strsep(&rest, "\t");
		if (!column[4]) {
			fprintf(stderr, "storm: %s: line %u has fewer than 5 columns\n", path, ask.phone_count + 1);
			exit(2);
		}
		if (ask.phone_count == phone_room) {
			phone_room = phone_room ? phone_room * 2 : 1024;
			ask.phones = xreallocarray(ask.phones, phone_room, sizeof *ask.phones);
		}
		struct phone *phone = &ask.phones[ask.phone_count++];
		*phone = (struct phone){xstrdup(column[0]), xstrdup(column[1]), xstrdup(column[2]), xstrdup(column[3]),
			xstrdup(column[4]), {0}, false};
		phone->has_digest = column[5] && strlen(column[5]) == 64 && hex_digest(column[5], phone->digest);
	}
	free(line);
	if (file != stdin)
		fclose(file);
	if (!ask.phone_count) {
		fprintf(stderr, "storm: %s: no phones\n", path);
		exit(2);
	}
}

static void read_target(const char *target)
{
	if (strncmp(target, "unix:", 5) == 0) {
		struct sockaddr_un *address = (struct sockaddr_un *)&ask.address;
		address->sun_family = AF_UNIX;
		if (strlen(target + 5) >= sizeof address->sun_path) {
			errno = ENAMETOOLONG;
			die(target);
		}
		strcpy(address->sun_path, target + 5);
		ask.address_size = sizeof *address;
		return;
	}
	struct sockaddr_in *address = (struct sockaddr_in *)&ask.address;
	char host[64];
	const char *colon = strrchr(target, ':');
	if (!colon || (size_t)(colon - target) >= sizeof host || atoi(colon + 1) <= 0) {
		fprintf(stderr, "storm: %s is neither ADDRESS:PORT nor unix:PATH\n", target);
		exit(2);
	}
	memcpy(host, target, (size_t)(colon - target));
	host[colon - target] = 0;
	address->sin_family = AF_INET;
	address->sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &address->sin_addr) != 1) {
		fprintf(stderr, "storm: %s is not an IPv4 address\n", host);
		exit(2);
	}
	ask.address_size = sizeof *address;
}

static void crowd_init(struct crowd *crowd, uint32_t index)
{
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
}

static int by_value(const void *left, const void *right)
{
	float a = *(const float *)left, b = *(const float *)right;
	return (a > b) - (a < b);
}

static void print_percentiles(const char *name, float *values, size_t count)
{
	static const struct { const char *name; double part; } points[] = {
		{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
	qsort(values, count, sizeof *values, by_value);
	printf(",\"%s\":{", name);
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		size_t at = (size_t)(points[i].part * (double)count);
		printf("%s\"%s\":%.3f", i ? "," : "", points[i].name, count ? (double)values[at < count ? at : count - 1] : 0.0);
	}
	printf("}");
}

static void print_table(const char *name, const char *const *names, const uint64_t *values, size_t count)
{
	const char *comma = "";
	printf(",\"%s\":{", name);
	for (size_t i = 0; i < count; i++)
		if (values[i]) {
			if (names)
				printf("%s\"%s\":%llu", comma, names[i], (unsigned long long)values[i]);
			else
				printf("%s\"%zu\":%llu", comma, i, (unsigned long long)values[i]);
			comma = ",";
		}
	printf("}");
}

static bool report(struct crowd *crowds, double seconds)
{
	struct counts sum = {0};
	float *milliseconds = NULL, *whole = NULL;
	size_t count = 0;
	for (uint32_t t = 0; t < ask.threads; t++) {
		const struct counts *c = &crowds[t].counts;
		const uint64_t *from = (const uint64_t *)c;
		uint64_t *to = (uint64_t *)&sum, shortest = sum.shortest, longest = sum.longest;
		for (size_t i = 0; i < sizeof sum / sizeof *to; i++)
			to[i] += from[i];
		sum.shortest = !shortest || (c->shortest && c->shortest < shortest) ? c->shortest : shortest;
		sum.longest = c->longest > longest ? c->longest : longest;
		size_t n = crowds[t].sample_count;
		milliseconds = xreallocarray(milliseconds, count + n + 1, sizeof(float));
		whole = xreallocarray(whole, count + n + 1, sizeof(float));
		if (n) {
			memcpy(milliseconds + count, crowds[t].milliseconds, n * sizeof(float));
			memcpy(whole + count, crowds[t].whole, n * sizeof(float));
		}
		count += n;
	}
	uint64_t wrong = sum.wrong[WRONG_LENGTH] + sum.wrong[WRONG_STRING] + sum.wrong[WRONG_DIGEST];
	printf("{\"seconds\":%.3f,\"answered\":%llu,\"right\":%llu,\"wrong_bodies\":%llu,\"given_up\":%llu,\"retries\":%llu,\"per_second\":%.1f",
		seconds, (unsigned long long)sum.answered, (unsigned long long)sum.right, (unsigned long long)wrong,
		(unsigned long long)sum.given_up, (unsigned long long)sum.retries, seconds > 0 ? (double)sum.answered / seconds : 0);
	printf(",\"body_bytes\":{\"mean\":%.1f,\"min\":%llu,\"max\":%llu}", sum.answered ? (double)sum.body_bytes / (double)sum.answered : 0,
		(unsigned long long)sum.shortest, (unsigned long long)sum.longest);
	print_table("statuses", NULL, sum.statuses, STATUS_MAX);
	print_table("broken", trouble_names, sum.trouble, TROUBLES);
	print_table("wrong", wrong_names, sum.wrong, WRONGS);
	print_percentiles("latency_ms", milliseconds, count);
	print_percentiles("since_first_attempt_ms", whole, count);
	printf("}\n");
	free(milliseconds);
	free(whole);
	return sum.right == sum.answered && !sum.given_up;
}

static void usage(void)
{
	fputs("usage: storm [options] ADDRESS:PORT|unix:PATH PHONES.tsv\n"
	      "  -c, --concurrency K   connections at once (16)\n"
	      "  -n, --fetches N       how many, going round the list (the list once)\n"
	      "  -s, --seconds S       begin fetches for so long instead\n"
	      "  -r, --rate R          begin at most R a second\n"
	      "  -t, --threads T       1 or 2 (1)\n"
	      "      --plain           HTTP without TLS\n"
	      "      --fcgi            speak FastCGI, a new connection each\n"
	      "      --tls VERSION     1.2 or 1.3 only\n"
	      "      --host NAME       Host and SNI (localhost)\n"
	      "      --addresses A     source addresses (as many as phones, at most 60000)\n"
	      "      --retries R       attempts after the first (20); 0 counts a 503 as the answer\n"
	      "      --retry-scale X   what a second of Retry-After lasts (0.05)\n"
	      "      --timeout S       of one connection (60)\n"
	      "      --save DIR        write each body there, under its file's name\n"
	      "      --series FILE     a line a connection: opened, ended (ns, monotonic), phone, status (0: broken)\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	enum { O_PLAIN = 256, O_FCGI, O_TLS, O_HOST, O_ADDRESSES, O_RETRIES, O_SCALE, O_TIMEOUT, O_SERIES, O_SAVE };
	static const struct option options[] = {{"concurrency", required_argument, NULL, 'c'}, {"fetches", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 's'}, {"rate", required_argument, NULL, 'r'}, {"threads", required_argument, NULL, 't'},
		{"plain", no_argument, NULL, O_PLAIN}, {"fcgi", no_argument, NULL, O_FCGI}, {"tls", required_argument, NULL, O_TLS},
		{"host", required_argument, NULL, O_HOST}, {"addresses", required_argument, NULL, O_ADDRESSES},
		{"retries", required_argument, NULL, O_RETRIES}, {"retry-scale", required_argument, NULL, O_SCALE},
		{"timeout", required_argument, NULL, O_TIMEOUT}, {"series", required_argument, NULL, O_SERIES},
		{"save", required_argument, NULL, O_SAVE}, {NULL, 0, NULL, 0}};
	double seconds = 0;
	for (int o; (o = getopt_long(argc, argv, "c:n:s:r:t:", options, NULL)) != -1;)
		switch (o) {
		case 'c': ask.concurrency = (uint32_t)atoi(optarg); break;
		case 'n': ask.fetches = (uint64_t)atoll(optarg); break;
		case 's': seconds = atof(optarg); break;
		case 'r': ask.rate = atof(optarg); break;
		case 't': ask.threads = (uint32_t)atoi(optarg); break;
		case O_PLAIN: ask.mode = MODE_PLAIN; break;
		case O_FCGI: ask.mode = MODE_FCGI; break;
		case O_TLS: ask.tls_version = strcmp(optarg, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION; break;
		case O_HOST: ask.host = optarg; break;
		case O_ADDRESSES: ask.addresses = (uint32_t)atoi(optarg); break;
		case O_RETRIES: ask.retries = (uint32_t)atoi(optarg); break;
		case O_SCALE: ask.retry_scale = atof(optarg); break;
		case O_TIMEOUT: ask.timeout = (uint64_t)(atof(optarg) * (double)NS); break;
		case O_SERIES: ask.series = optarg; break;
		case O_SAVE: ask.save = optarg; break;
		default: usage();
		}
	if (argc - optind != 2 || !ask.concurrency || !ask.threads || ask.threads > THREADS_MAX || ask.threads > ask.concurrency)
		usage();
	read_target(argv[optind]);
	read_phones(argv[optind + 1]);
	if (!ask.fetches)
		ask.fetches = seconds > 0 ? UINT64_MAX : ask.phone_count;
	if (!ask.addresses || ask.addresses > 60000)
		ask.addresses = ask.phone_count < 60000 ? ask.phone_count : 60000;
	signal(SIGPIPE, SIG_IGN);
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}

	struct crowd crowds[THREADS_MAX] = {0};
	pthread_t threads[THREADS_MAX];
	for (uint32_t t = 0; t < ask.threads; t++)
		crowd_init(&crowds[t], t);
	ask.epoch = now();
	if (seconds > 0)
		ask.deadline = ask.epoch + (uint64_t)(seconds * (double)NS);
	for (uint32_t t = 1; t < ask.threads; t++)
		if ((errno = pthread_create(&threads[t], NULL, run, &crowds[t])) != 0)
			die("pthread_create");
	run(&crowds[0]);
	for (uint32_t t = 1; t < ask.threads; t++)
		pthread_join(threads[t], NULL);
	double took = (double)(now() - ask.epoch) / (double)NS;
	for (uint32_t t = 0; t < ask.threads; t++)
		if (crowds[t].series && fclose(crowds[t].series) != 0)
			die("series");
	return report(crowds, took) ? 0 : 1;
}
