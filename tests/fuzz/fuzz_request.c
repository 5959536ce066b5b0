/* Any bytes as FastCGI parameters, parted by NUL: what comes out is within its bounds, and its record fits the journal. */
#include "fuzz.h"
#include "record.h"
#include "request.h"
#include "writer.h"

#include <arpa/inet.h>
#include <string.h>

#define LIST_MAX 512

static void check_path(const struct request *request)
{
	FUZZ_CHECK(!*request->path || *request->path == '/');
	FUZZ_CHECK(strlen(request->path) <= REQUEST_URI_MAX);
	for (const char *p = request->path; *p; p++)
		FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
	FUZZ_CHECK(!strchr(request->file, '/') && strlen(request->file) == request->file_length);
	if (strstr(request->path, "/../") || strchr(request->path, ';'))
		FUZZ_CHECK(request->climbs);
	if (!request->fault)
		FUZZ_CHECK(*request->path == '/' && strlen(request->authorization) <= REQUEST_AUTHORIZATION_MAX);
}

static void check_address(const struct request *request)
{
	unsigned char address[16];
	FUZZ_CHECK(strlen(request->address) < HOPS_TEXT);
	if (*request->address)
		FUZZ_CHECK(inet_pton(AF_INET, request->address, address) == 1 || inet_pton(AF_INET6, request->address, address) == 1);
}

/* What a stranger wrote is one line of UTF-8 in the journal. */
static void check_record(const struct request *request)
{
	static unsigned char bytes[RECORD_MAX];
	struct record in = {.head = {.status = 400}}, out;
	in.texts[RECORD_FILE] = (struct text){request->file, (uint32_t)request->file_length};
	in.texts[RECORD_METHOD] = (struct text){request->method_name, (uint32_t)strlen(request->method_name)};
	in.texts[RECORD_USER_AGENT] = (struct text){request->user_agent, (uint32_t)request->user_agent_length};
	in.texts[RECORD_ADDRESS] = (struct text){request->address, (uint32_t)strlen(request->address)};
	size_t size = record_encode(&in, bytes);
	FUZZ_CHECK(size <= RECORD_MAX && record_decode(bytes, size, &out));
	for (int i = 0; i < RECORD_TEXTS; i++) {
		FUZZ_CHECK(writer_utf8(out.texts[i].text, out.texts[i].length));
		for (uint32_t k = 0; k < out.texts[i].length; k++)
			FUZZ_CHECK((unsigned char)out.texts[i].text[k] >= 0x20);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *copy = malloc(size + 1), *list[LIST_MAX + 1];
	size_t count = 0;
	struct arena arena;
	struct request request;
	struct hops hops;
	static const struct request_names names = {.list = {[REQUEST_CERTIFICATE_SUBJECT] = {"DIALTONE_CERT_SUBJECT", 21}, [REQUEST_DEVICE] = {"DIALTONE_DEVICE", 15}}};
	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	copy[size] = 0;
	for (char *p = copy; p <= copy + size && count < LIST_MAX; p += strlen(p) + 1)
		list[count++] = p;
	list[count] = NULL;
	FUZZ_CHECK(hops_parse("10.0.0.0/8 2001:db8::/32 127.0.0.1", &hops, NULL) == ERROR_NONE);
	arena_init(&arena);
	request_parse(&request, list, &hops, &names, &arena);
	FUZZ_CHECK(!request.fault == !request.fault_detail);
	check_path(&request);
	check_address(&request);
	check_record(&request);
	arena_deinit(&arena);
	free(copy);
	return 0;
}
