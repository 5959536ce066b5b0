/* hello.c - libfcgi's price: a fixed body and nothing else.
 *
 *   hello SOCKET WORKERS BYTES */
#include "pool.h"
#include "xalloc.h"

#include <string.h>

static char *body;
static int size;

static void serve(FCGX_Request *request)
{
	while (FCGX_Accept_r(request) == 0) {
		FCGX_FPrintF(request->out, "Status: 200\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", size);
		FCGX_PutStr(body, size, request->out);
		FCGX_Finish_r(request);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4 || atoi(argv[2]) < 1 || (size = atoi(argv[3])) < 1) {
		fputs("usage: hello SOCKET WORKERS BYTES\n", stderr);
		return 2;
	}
	body = xmalloc((size_t)size);
	memset(body, 'h', (size_t)size);
	pool_run(argv[1], atoi(argv[2]), serve);
}
