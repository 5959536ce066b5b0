/* storm.h - what a phone says and what it takes for an answer, apart from how it travels. */
#ifndef DIALTONE_STORM_H
#define DIALTONE_STORM_H

#include "buf.h"

#include <openssl/evp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct phone {
	char *path, *user, *password, *agent, *expect;
	unsigned char digest[32];
	bool has_digest;
};

struct answer {
	int status;
	double retry_after; /* seconds; below 0: none */
	const char *body;   /* points into the response */
	size_t body_size;
	long long content_length; /* below 0: none */
};

enum wrong { WRONG_LENGTH, WRONG_STRING, WRONG_DIGEST, WRONGS };

#define STATUS_MAX 600

/* Append a whole request. */
void wire_http_request(struct buf *out, const struct phone *phone, const char *host);
/* As a FastCGI responder gets it from nginx with the shipped configuration; address: the phone's. */
void wire_fcgi_request(struct buf *out, const struct phone *phone, const char *host, const char *address);

/* Read a response that has ended, in place; false if it is none. fcgi: a stream of FastCGI records round a CGI response. */
bool wire_answer(struct buf *response, bool fcgi, struct answer *answer);

/* What is wrong with the body of a 200; WRONGS: nothing. */
enum wrong wire_judge(const struct phone *phone, const struct answer *answer, const EVP_MD *sha256);

enum mode { MODE_TLS, MODE_PLAIN, MODE_FCGI };
enum trouble { TROUBLE_CONNECT, TROUBLE_BACKLOG, TROUBLE_HANDSHAKE, TROUBLE_IO, TROUBLE_TIMEOUT, TROUBLE_RESPONSE, TROUBLES };

/* What was asked for; constant once the threads run, but for `next`. */
struct ask {
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
};
extern struct ask ask;

struct counts {
	uint64_t answered, right, given_up, retries, body_bytes, shortest, longest;
	uint64_t statuses[STATUS_MAX], trouble[TROUBLES], wrong[WRONGS];
};

/* What a crowd of phones came to. */
struct tally {
	struct counts counts;
	float *milliseconds, *whole; /* [sample_count]: of the last connection; since the first attempt */
	size_t sample_count;
};

#define NS 1000000000ull

/* A thread's share of the phones that are under way. */
struct crowd;
struct crowd *crowd_new(uint32_t index);
/* Until all is fetched; for pthread_create. */
void *crowd_run(void *crowd);
/* Closes the series. */
struct tally *crowd_end(struct crowd *crowd);
/* Its tally goes with it. */
void crowd_free(struct crowd *crowd);

uint64_t now(void);
void die(const char *what) __attribute__((noreturn));

#endif
