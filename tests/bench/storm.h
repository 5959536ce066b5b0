/* storm.h - what a phone says and what it takes for an answer, apart from how it travels. */
#ifndef DIALTONE_STORM_H
#define DIALTONE_STORM_H

#include "buf.h"

#include <openssl/evp.h>

#include <stdbool.h>
#include <stddef.h>

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

#endif
