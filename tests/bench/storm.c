/* storm.c - many phones at once: the load client of the benchmarks.
 *
 * Each fetch is what a booting phone does: a TCP connection of its own from an address of its own (all of 127.0.0.0/8 is this host), a full
 * TLS handshake, one GET with its own credentials and User-Agent, `Connection: close`. K of them are under way at any time. A 503 is tried
 * again after its Retry-After (scaled, or a benchmark would wait for minutes), a broken connection after a moment. Every body is judged:
 * status 200, as long as Content-Length says, the phone's own string in it, the SHA-256 that the list names.
 *
 * The list has a line a phone, columns separated by tabs: path, user, password, User-Agent, expected string [, SHA-256 in hex].
 * An empty user sends no credentials, an empty string expects nothing. Results are one JSON object; status 0 says that every fetch was
 * answered, and rightly. */
#include "storm.h"
#include "xalloc.h"

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>

#define THREADS_MAX 2

static const char *const trouble_names[TROUBLES] = {"connect", "backlog", "handshake", "io", "timeout", "response"};
static const char *const wrong_names[WRONGS] = {"length", "string", "digest"};

struct ask ask = {.mode = MODE_TLS, .host = "localhost", .concurrency = 16,
	 .threads = 1, .retries = 20, .retry_scale = 0.05, .timeout = 60 * NS};

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

static bool report(struct tally *const *tallies, double seconds)
{
	struct counts sum = {0};
	float *milliseconds = NULL, *whole = NULL;
	size_t count = 0;
	for (uint32_t t = 0; t < ask.threads; t++) {
		const struct counts *c = &tallies[t]->counts;
		const uint64_t *from = (const uint64_t *)c;
		uint64_t *to = (uint64_t *)&sum, shortest = sum.shortest, longest = sum.longest;
		for (size_t i = 0; i < sizeof sum / sizeof *to; i++)
			to[i] += from[i];
		sum.shortest = !shortest || (c->shortest && c->shortest < shortest) ? c->shortest : shortest;
		sum.longest = c->longest > longest ? c->longest : longest;
		size_t n = tallies[t]->sample_count;
		milliseconds = xreallocarray(milliseconds, count + n + 1, sizeof(float));
		whole = xreallocarray(whole, count + n + 1, sizeof(float));
		if (n) {
			memcpy(milliseconds + count, tallies[t]->milliseconds, n * sizeof(float));
			memcpy(whole + count, tallies[t]->whole, n * sizeof(float));
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

	struct crowd *crowds[THREADS_MAX];
	struct tally *tallies[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	for (uint32_t t = 0; t < ask.threads; t++)
		crowds[t] = crowd_new(t);
	ask.epoch = now();
	if (seconds > 0)
		ask.deadline = ask.epoch + (uint64_t)(seconds * (double)NS);
	for (uint32_t t = 1; t < ask.threads; t++)
		if ((errno = pthread_create(&threads[t], NULL, crowd_run, crowds[t])) != 0)
			die("pthread_create");
	crowd_run(crowds[0]);
	for (uint32_t t = 1; t < ask.threads; t++)
		pthread_join(threads[t], NULL);
	double took = (double)(now() - ask.epoch) / (double)NS;
	for (uint32_t t = 0; t < ask.threads; t++)
		tallies[t] = crowd_end(crowds[t]);
	bool good = report(tallies, took);
	for (uint32_t t = 0; t < ask.threads; t++)
		crowd_free(crowds[t]);
	return good ? 0 : 1;
}
