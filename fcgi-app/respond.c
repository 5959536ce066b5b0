#include "respond.h"

#include <string.h>

/* Constant: nothing of the request or of an error ever comes back in a body. */
static const struct {
	unsigned status;
	const char *line, *body;
} texts[] = {
	{200, "200 OK", ""},
	{304, "304 Not Modified", ""},
	{400, "400 Bad Request", "The request could not be understood.\n"},
	{401, "401 Unauthorized", "This needs the device's own credentials.\n"},
	{403, "403 Forbidden", "Not over plain HTTP.\n"},
	{404, "404 Not Found", "There is no such file.\n"},
	{405, "405 Method Not Allowed", "Only GET and HEAD.\n"},
	{413, "413 Content Too Large", "The request is too large.\n"},
	{431, "431 Request Header Fields Too Large", "The request is too large.\n"},
	{500, "500 Internal Server Error", "The configuration could not be made.\n"},
	{503, "503 Service Unavailable", "Try again later.\n"},
};

static size_t text_of(unsigned status)
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].status == status)
			return i;
	return text_of(500);
}

void respond_error(struct answer *answer, enum result result, const char *detail)
{
	answer->result = result;
	answer->status = result_status(result);
	answer->detail = detail;
	answer->body = NULL;
	answer->size = 0;
	answer->tagged = answer->digested = false;
}

static void add_number(struct buf *out, size_t value)
{
	char digits[20], *p = digits + sizeof digits;
	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	buf_add(out, p, (size_t)(digits + sizeof digits - p));
}

#define ADD(out, literal) buf_add(out, literal, sizeof literal - 1)

static void add_line(struct buf *out, const char *name, const char *value)
{
	buf_add_string(out, name);
	buf_add_string(out, value);
	ADD(out, "\r\n");
}

static void add_status_headers(const struct answer *answer, struct buf *head)
{
	if (answer->status == 401 && answer->challenges)
		buf_add_string(head, answer->challenges);
	if (answer->device)
		add_line(head, "X-Dialtone-Device: ", answer->device);
	if (answer->status == 405)
		ADD(head, "Allow: GET, HEAD\r\n");
	if (answer->status == 503) {
		ADD(head, "Retry-After: ");
		add_number(head, answer->retry_after);
		ADD(head, "\r\n");
	}
}

void respond_head(struct answer *answer, struct buf *head)
{
	size_t text = text_of(answer->status);
	const char *event = result_event(answer->result);
	if (!answer->body) {
		answer->body = texts[text].body;
		answer->size = strlen(answer->body);
		answer->content_type = "text/plain; charset=utf-8";
	}
	add_line(head, "Status: ", texts[text].line);
	ADD(head, "Cache-Control: no-store, private\r\n");
	if (answer->tagged) {
		char etag[FINGERPRINT_ETAG_TEXT];
		fingerprint_etag_text(&answer->fingerprint, etag);
		add_line(head, "ETag: ", etag);
	}
	add_status_headers(answer, head);
	if (event)
		add_line(head, "X-Dialtone-Event: ", event);
	if (answer->status != 304) {
		add_line(head, "Content-Type: ", answer->content_type);
		ADD(head, "Content-Length: ");
		add_number(head, answer->size);
		ADD(head, "\r\n");
	}
	ADD(head, "\r\n");
}

size_t respond_body_size(const struct answer *answer)
{
	return answer->head || answer->status == 304 ? 0 : answer->size;
}
