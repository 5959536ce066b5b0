/* minimal.c - the least that a server of these rows can cost: libfcgi, one kept connection, one prepared statement, rows as they come.
 *
 *   minimal SOCKET WORKERS DATABASE-SOCKET USER SCHEMA
 *
 * The statement is the text that dialtone-fcgi prepares for a warm fetch, so that both ask the server for the same rows; its parameters
 * are all the MAC. The MAC is what the last 12 hex digits of REQUEST_URI say. No identity, no layers, no template, no journal: what
 * dialtone-fcgi costs above this is the price of those. */
#include "pool.h"
#include "buf.h"
#include "device.h"
#include "xalloc.h"

#include <ctype.h>
#include <mysql.h>
#include <string.h>

#define PARAMETERS_MAX 64
#define COLUMN_ROOM 1024 /* longer values are cut: their bytes have crossed the socket all the same */

static char **arguments;

static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "minimal: %s: %s\n", what, why);
	exit(2);
}

/* The last run of 12 hex digits before the end or a dot. */
static int find_mac(const char *uri, char mac[12])
{
	for (const char *at = uri + strlen(uri); at-- > uri;) {
		int n = 0;
		while (n < 12 && at - n >= uri && isxdigit((unsigned char)at[-n]))
			n++;
		if (n == 12) {
			memcpy(mac, at - 11, 12);
			return 1;
		}
	}
	return 0;
}

static void serve(FCGX_Request *request)
{
	MYSQL *mysql = mysql_init(NULL);
	if (!mysql_real_connect(mysql, NULL, arguments[4], NULL, arguments[5], 0, arguments[3], 0))
		give_up("connect", mysql_error(mysql));
	MYSQL_STMT *statement = mysql_stmt_init(mysql);
	if (mysql_stmt_prepare(statement, device_rows_sql, strlen(device_rows_sql)) != 0)
		give_up("prepare", mysql_stmt_error(statement));

	char mac[12];
	MYSQL_BIND parameters[PARAMETERS_MAX] = {0};
	unsigned long parameter_count = mysql_stmt_param_count(statement);
	unsigned columns = mysql_stmt_field_count(statement);
	if (parameter_count > PARAMETERS_MAX)
		give_up("prepare", "too many parameters");
	for (unsigned long i = 0; i < parameter_count; i++)
		parameters[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = mac, .buffer_length = sizeof mac};
	MYSQL_BIND *binds = xcalloc(columns, sizeof *binds);
	unsigned long *lengths = xcalloc(columns, sizeof *lengths);
	my_bool *nulls = xcalloc(columns, sizeof *nulls);
	char *values = xcalloc(columns, COLUMN_ROOM);
	for (unsigned i = 0; i < columns; i++)
		binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = values + i * COLUMN_ROOM, .buffer_length = COLUMN_ROOM,
			.length = &lengths[i], .is_null = &nulls[i]};
	if (mysql_stmt_bind_param(statement, parameters) != 0 || mysql_stmt_bind_result(statement, binds) != 0)
		give_up("bind", mysql_stmt_error(statement));

	struct buf body;
	buf_init(&body, 1u << 20);
	while (FCGX_Accept_r(request) == 0) {
		const char *uri = FCGX_GetParam("REQUEST_URI", request->envp);
		buf_clear(&body);
		if (uri && find_mac(uri, mac)) {
			if (mysql_stmt_execute(statement) != 0)
				give_up("execute", mysql_stmt_error(statement));
			for (int result; (result = mysql_stmt_fetch(statement)) == 0 || result == MYSQL_DATA_TRUNCATED;) {
				for (unsigned i = 0; i < columns; i++) {
					if (!nulls[i])
						buf_add(&body, binds[i].buffer, lengths[i] < COLUMN_ROOM ? lengths[i] : COLUMN_ROOM);
					buf_add_char(&body, i + 1 < columns ? '\t' : '\n');
				}
			}
			mysql_stmt_free_result(statement);
		}
		FCGX_FPrintF(request->out, "Status: %d\r\nContent-Type: text/plain\r\nContent-Length: %lu\r\n\r\n", body.size ? 200 : 404,
			(unsigned long)body.size);
		FCGX_PutStr(body.data, (int)body.size, request->out);
		FCGX_Finish_r(request);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6 || atoi(argv[2]) < 1) {
		fputs("usage: minimal SOCKET WORKERS DATABASE-SOCKET USER SCHEMA\n", stderr);
		return 2;
	}
	arguments = argv;
	pool_run(argv[1], atoi(argv[2]), serve);
}
