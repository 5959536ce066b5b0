#include "storm.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum record { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

#define RECORD_HEADER 8
#define AUTHORIZATION_MAX 800

/* "Basic …" of the phone's credentials, or "" where it has none. */
static const char *basic(const struct phone *phone, char out[AUTHORIZATION_MAX])
{
	struct buf pair;
	buf_init(&pair, 512);
	buf_printf(&pair, "%s:%s", phone->user, phone->password);
	*out = 0;
	if (*phone->user && !pair.overflow) {
		memcpy(out, "Basic ", 6);
		EVP_EncodeBlock((unsigned char *)out + 6, (unsigned char *)pair.data, (int)pair.size);
	}
	buf_deinit(&pair);
	return out;
}

void wire_http_request(struct buf *out, const struct phone *phone, const char *host)
{
	char authorization[AUTHORIZATION_MAX];
	buf_printf(out, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n", phone->path, host, phone->agent);
	if (*basic(phone, authorization))
		buf_printf(out, "Authorization: %s\r\n", authorization);
	buf_add_string(out, "Accept: */*\r\nConnection: close\r\n\r\n");
}

/* FastCGI specification, 3.3 */
static void record_header(char *header, enum record type, size_t size)
{
	const char bytes[RECORD_HEADER] = {1, (char)type, 0, 1, (char)(size >> 8), (char)(size & 0xff), 0, 0};
	memcpy(header, bytes, sizeof bytes);
}

static void add_record(struct buf *out, enum record type, const void *bytes, size_t size)
{
	char header[RECORD_HEADER];
	record_header(header, type, size);
	buf_add(out, header, sizeof header);
	if (size)
		buf_add(out, bytes, size);
}

/* 3.4 */
static void add_length(struct buf *out, size_t length)
{
	if (length >= 128) {
		buf_add_char(out, (char)(0x80 | length >> 24));
		buf_add_char(out, (char)(length >> 16));
		buf_add_char(out, (char)(length >> 8));
	}
	buf_add_char(out, (char)length);
}

static void add_parameter(struct buf *out, const char *name, const char *value)
{
	add_length(out, strlen(name));
	add_length(out, strlen(value));
	buf_add_string(out, name);
	buf_add_string(out, value);
}

void wire_fcgi_request(struct buf *out, const struct phone *phone, const char *host, const char *address)
{
	char authorization[AUTHORIZATION_MAX];
	basic(phone, authorization);
	const char *const parameters[][2] = {{"REQUEST_METHOD", "GET"}, {"REQUEST_URI", phone->path}, {"QUERY_STRING", ""},
		{"CONTENT_TYPE", ""}, {"CONTENT_LENGTH", ""}, {"SERVER_PROTOCOL", "HTTP/1.1"}, {"GATEWAY_INTERFACE", "CGI/1.1"},
		{"REMOTE_ADDR", address}, {"REMOTE_PORT", "40000"}, {"SERVER_PORT", "443"}, {"HTTPS", "on"}, {"HTTP_HOST", host},
		{"HTTP_USER_AGENT", phone->agent}, {"HTTP_ACCEPT", "*/*"}, {"HTTP_CONNECTION", "close"},
		{"HTTP_AUTHORIZATION", authorization}};
	add_record(out, BEGIN_REQUEST, "\0\1\0\0\0\0\0", 8); /* a responder; the connection is not kept */
	size_t header = out->size;
	add_record(out, PARAMS, NULL, 0);
	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
		if (*phone->user || parameters[i][1] != authorization)
			add_parameter(out, parameters[i][0], parameters[i][1]);
	record_header(out->data + header, PARAMS, out->size - header - RECORD_HEADER);
	add_record(out, PARAMS, NULL, 0);
	add_record(out, STDIN, NULL, 0);
}

/* Leave what the STDOUT records hold. False unless an END_REQUEST that says "complete" closes the stream. */
static bool unwrap(struct buf *response)
{
	size_t in = 0, out = 0;
	while (response->size - in >= RECORD_HEADER) {
		const unsigned char *header = (unsigned char *)response->data + in;
		size_t size = (size_t)header[4] << 8 | header[5], padding = header[6];
		int type = header[1];
		if (response->size - in - RECORD_HEADER < size + padding)
			return false;
		if (type == END_REQUEST) {
			bool complete = size >= 5 && header[RECORD_HEADER + 4] == 0;
			response->size = out;
			return complete;
		}
		if (type == STDOUT) {
			memmove(response->data + out, response->data + in + RECORD_HEADER, size);
			out += size;
		}
		in += RECORD_HEADER + size + padding;
	}
	return false;
}

bool wire_answer(struct buf *response, bool fcgi, struct answer *answer)
{
	*answer = (struct answer){.status = fcgi ? 200 : 0, .retry_after = -1, .content_length = -1};
	char *end = NULL, *line = response->data;
	if (response->data && (!fcgi || unwrap(response)))
		end = memmem(response->data, response->size, "\r\n\r\n", 4);
	if (!end)
		return false;
	answer->body = end + 4;
	answer->body_size = response->size - (size_t)(answer->body - response->data);
	end[2] = 0;
	if (!fcgi) {
		if (strncmp(line, "HTTP/1.", 7) != 0 || strcspn(line, "\r") < 12)
			return false;
		answer->status = atoi(line + 9);
	}
	for (char *stop; (stop = strstr(line, "\r\n")) != NULL; line = stop + 2) {
		*stop = 0;
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			answer->content_length = atoll(line + 15);
		else if (strncasecmp(line, "Retry-After:", 12) == 0)
			answer->retry_after = atof(line + 12);
		else if (fcgi && strncasecmp(line, "Status:", 7) == 0)
			answer->status = atoi(line + 7);
	}
	return answer->status > 0 && answer->status < STATUS_MAX;
}

enum wrong wire_judge(const struct phone *phone, const struct answer *answer, const EVP_MD *sha256)
{
	if (answer->content_length < 0 || (unsigned long long)answer->content_length != answer->body_size)
		return WRONG_LENGTH;
	if (*phone->expect && !memmem(answer->body, answer->body_size, phone->expect, strlen(phone->expect)))
		return WRONG_STRING;
	if (phone->has_digest) {
		unsigned char digest[EVP_MAX_MD_SIZE];
		if (!EVP_Digest(answer->body, answer->body_size, digest, NULL, sha256, NULL) || memcmp(digest, phone->digest, 32) != 0)
			return WRONG_DIGEST;
	}
	return WRONGS;
}
