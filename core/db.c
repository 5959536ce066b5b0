#include "db.h"

#include "clock.h"
#include "number.h"
#include "wipe.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <mysql.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The few server and client error numbers that decide what happens next (mysqld_error.h and errmsg.h of either client library). */
enum {
	SERVER_TOO_MANY_CONNECTIONS = 1040, SERVER_WSREP_NOT_READY = 1047, SERVER_SHUTDOWN = 1053, SERVER_NO_SUCH_TABLE = 1146,
	SERVER_LOCK_WAIT = 1205, SERVER_INTERRUPTED = 1317, SERVER_VIEW_INVALID = 1356, SERVER_REPREPARE = 1615,
	SERVER_CONNECTION_KILLED = 1927, SERVER_STATEMENT_TIMEOUT = 1969, SERVER_LOCK_NOWAIT = 3572 /* MySQL's */,
	CLIENT_FIRST = 2000, CLIENT_LAST = 2999, CLIENT_OUT_OF_MEMORY = 2008,
};

#define TEXT_ROOM 256u     /* what a text column gets at first; a longer value makes it grow */
#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 400

struct host {
	char *name;            /* NULL for a unix socket */
	unsigned port;
	char *socket;
	char *shown;           /* as the configuration spells it */
};

struct db {
	struct db_options options; /* strings owned */
	struct host *hosts;
	unsigned host_count, current;
	MYSQL *mysql;              /* NULL: not connected */
	unsigned generation;
	int pause_ms;              /* after a round of failures */
	int64_t retry_at;          /* monotonic ms */
	struct error last;         /* why the last round failed */
};

struct column {
	char *room;
	unsigned long size;
	long long integer;
	unsigned long length;
	my_bool is_null, cut;
	bool is_integer;
};

struct db_statement {
	struct db *db;
	const char *sql;
	MYSQL_STMT *handle;
	unsigned generation;       /* of the connection that prepared it */
	MYSQL_BIND *parameters;
	unsigned long *lengths;
	long long *integers;
	my_bool null;
	unsigned parameter_count;  /* bound so far */
	MYSQL_BIND *bindings;
	struct column *columns;
	unsigned column_count;
	bool open;                 /* rows may be left to read */
};

static char *copy(const char *text)
{
	return xstrdup(text ? text : "");
}

/* "host", "host:port", "[v6]:port" or "unix:/path" */
static struct host host_parse(const char *text, size_t length)
{
	struct host host = {.shown = xstrndup(text, length), .port = 3306};
	if (strncmp(host.shown, "unix:", 5) == 0) {
		host.socket = xstrdup(host.shown + 5);
		return host;
	}
	host.name = xstrdup(host.shown);
	char *colon = strrchr(host.name, ':'), *bracket = strchr(host.name, ']');
	long long port;
	bool single = colon && (bracket ? colon > bracket : strchr(host.name, ':') == colon);
	if (single && number_parse(colon + 1, 1, 65535, &port)) {
		host.port = (unsigned)port;
		*colon = 0;
	}
	if (*host.name == '[' && bracket) {
		*bracket = 0;
		memmove(host.name, host.name + 1, strlen(host.name));
	}
	return host;
}

struct db *db_new(const struct db_options *options)
{
	struct db *db = xcalloc(1, sizeof *db);
	db->options = *options;
	db->options.hosts = copy(options->hosts);
	db->options.name = copy(options->name);
	db->options.user = copy(options->user);
	db->options.password_file = copy(options->password_file);
	db->options.tls_ca = copy(options->tls_ca);
	for (const char *at = db->options.hosts; *(at += strspn(at, " \t"));) {
		size_t length = strcspn(at, " \t");
		db->hosts = xreallocarray(db->hosts, db->host_count + 1, sizeof *db->hosts);
		db->hosts[db->host_count++] = host_parse(at, length);
		at += length;
	}
	unsigned char random = 0;
	if (options->spread && db->host_count && RAND_bytes(&random, 1) == 1)
		db->current = random % db->host_count;
	error_set(&db->last, ERROR_DATABASE_GONE, "not connected yet");
	return db;
}

void db_free(struct db **db)
{
	if (!*db)
		return;
	db_disconnect(*db);
	for (unsigned i = 0; i < (*db)->host_count; i++) {
		free((*db)->hosts[i].name);
		free((*db)->hosts[i].socket);
		free((*db)->hosts[i].shown);
	}
	free((*db)->hosts);
	free((char *)(uintptr_t)(*db)->options.hosts);
	free((char *)(uintptr_t)(*db)->options.name);
	free((char *)(uintptr_t)(*db)->options.user);
	free((char *)(uintptr_t)(*db)->options.password_file);
	free((char *)(uintptr_t)(*db)->options.tls_ca);
	free(*db);
	*db = NULL;
}

bool db_connected(const struct db *db)
{
	return db->mysql;
}

unsigned db_generation(const struct db *db)
{
	return db->generation;
}

const char *db_host(const struct db *db)
{
	return db->mysql ? db->hosts[db->current].shown : "";
}

void db_disconnect(struct db *db)
{
	if (db->mysql)
		mysql_close(db->mysql);
	db->mysql = NULL;
}

/* What a server's or the client library's error number means to the caller. */
static enum error_code classify(unsigned number)
{
	switch (number) {
	case SERVER_TOO_MANY_CONNECTIONS:
	case SERVER_WSREP_NOT_READY:
	case SERVER_SHUTDOWN:
	case SERVER_LOCK_WAIT:
	case SERVER_LOCK_NOWAIT:
	case SERVER_INTERRUPTED:
	case SERVER_CONNECTION_KILLED:
	case SERVER_STATEMENT_TIMEOUT:
	/* A restore drops tables and makes them again: they come back. */
	case SERVER_NO_SUCH_TABLE:
	case SERVER_VIEW_INVALID:
	case SERVER_REPREPARE:
		return ERROR_DATABASE_GONE;
	default:
		return number >= CLIENT_FIRST && number <= CLIENT_LAST && number != CLIENT_OUT_OF_MEMORY ? ERROR_DATABASE_GONE : ERROR_DATABASE;
	}
}

/* Is the connection itself of no more use? */
static bool lost(unsigned number)
{
	return (number >= CLIENT_FIRST && number <= CLIENT_LAST) || number == SERVER_SHUTDOWN || number == SERVER_CONNECTION_KILLED;
}

/* The password's first line into `room`. "" if no file is named. */
static enum error_code read_password(const char *path, char *room, size_t size, struct error *error)
{
	*room = 0;
	if (!*path)
		return ERROR_NONE;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, room, size - 1);
	int saved = errno;
	if (fd >= 0)
		close(fd);
	if (length < 0)
		return error_set(error, ERROR_SYSTEM, "password file %s: %s", path, strerror(saved));
	room[length] = 0;
	room[strcspn(room, "\r\n")] = 0;
	return ERROR_NONE;
}

static MYSQL *handle_new(const struct db *db)
{
	MYSQL *mysql = mysql_init(NULL);
	if (!mysql)
		abort();
	my_bool yes = 1, no = 0;
	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &db->options.connect_timeout);
	mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &db->options.read_timeout);
	mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &db->options.read_timeout);
	mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(mysql, MYSQL_REPORT_DATA_TRUNCATION, &yes);
	/* A server's defaults are for others; by its own, one ignores the character set that a client asks for at connect. */
	mysql_options(mysql, MYSQL_INIT_COMMAND, "SET NAMES utf8mb4");
	mysql_options(mysql, MYSQL_INIT_COMMAND, "SET SESSION time_zone = '+00:00', lock_wait_timeout = 2, sql_mode = 'STRICT_ALL_TABLES', autocommit = 1,"
		" sql_safe_updates = 0, sql_select_limit = 18446744073709551615, sql_big_selects = 1");
	mysql_options(mysql, MYSQL_INIT_COMMAND, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
	if (db->options.lock_wait) {
		char text[64];
		snprintf(text, sizeof text, "SET SESSION innodb_lock_wait_timeout = %u", db->options.lock_wait);
		mysql_options(mysql, MYSQL_INIT_COMMAND, text); /* which copies it */
	}
	if (*db->options.tls_ca) {
		mysql_options(mysql, MYSQL_OPT_SSL_CA, db->options.tls_ca);
		mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
	}
	return mysql;
}

static enum error_code check_schema(MYSQL *mysql, struct error *error)
{
	static const char query[] = "SELECT COALESCE(MAX(version), 0) FROM schema_migration WHERE finished_at IS NOT NULL";
	long long version = 0;
	MYSQL_RES *result = NULL;
	if (mysql_real_query(mysql, query, sizeof query - 1) == 0)
		result = mysql_store_result(mysql);
	if (!result) {
		unsigned number = mysql_errno(mysql);
		if (number != SERVER_NO_SUCH_TABLE)
			return error_set(error, classify(number), "reading the schema's version: %s", mysql_error(mysql));
		return error_set(error, ERROR_SCHEMA, "there is no Dialtone schema in this database; `dialtone db init` makes one");
	}
	MYSQL_ROW row = mysql_fetch_row(result);
	bool good = row && row[0] && number_parse(row[0], 0, 1000000, &version);
	mysql_free_result(result);
	if (!good || version < DB_SCHEMA_VERSION_MIN || version > DB_SCHEMA_VERSION_MAX)
		return error_set(error, ERROR_SCHEMA, "the database's schema is version %lld, this program works with %d to %d; %s", version, DB_SCHEMA_VERSION_MIN,
			DB_SCHEMA_VERSION_MAX, version < DB_SCHEMA_VERSION_MIN ? "run `dialtone db upgrade`" : "install the newer program");
	return ERROR_NONE;
}

static enum error_code connect_host(struct db *db, const struct host *host, struct error *error)
{
	char password[512];
	enum error_code code = read_password(db->options.password_file, password, sizeof password, error);
	if (code)
		return code;
	MYSQL *mysql = handle_new(db);
	/* A stored procedure's result comes with a status of its own, so several results are allowed; several statements in one text are not. */
	bool good = mysql_real_connect(mysql, host->name, db->options.user, password, *db->options.name ? db->options.name : NULL, host->port, host->socket,
		CLIENT_MULTI_RESULTS);
	wipe(password, sizeof password);
	if (!good) {
		code = error_set(error, ERROR_DATABASE_GONE, "%s: %s", host->shown, mysql_error(mysql));
	} else {
		fcntl((int)mysql_get_socket(mysql), F_SETFD, FD_CLOEXEC);
		if (db->options.check_schema && (code = check_schema(mysql, error)) != ERROR_NONE)
			error_prefix(error, "%s", host->shown);
	}
	if (code) {
		mysql_close(mysql);
		return code;
	}
	db->mysql = mysql;
	db->generation++;
	return ERROR_NONE;
}

enum error_code db_connect(struct db *db, struct error *error)
{
	if (db->mysql)
		return ERROR_NONE;
	if (clock_monotonic() / CLOCK_MILLISECOND < db->retry_at) {
		if (error)
			*error = db->last;
		return db->last.code;
	}
	if (!db->host_count)
		error_set(&db->last, ERROR_DATABASE_GONE, "no database host is configured");
	for (unsigned tried = 0; tried < db->host_count; tried++) {
		if (connect_host(db, &db->hosts[db->current], &db->last) == ERROR_NONE) {
			db->pause_ms = 0;
			return ERROR_NONE;
		}
		db->current = (db->current + 1) % db->host_count;
	}
	db->pause_ms = db->pause_ms ? db->pause_ms * 2 : PAUSE_MIN_MS;
	if (db->pause_ms > PAUSE_MAX_MS)
		db->pause_ms = PAUSE_MAX_MS;
	db->retry_at = clock_monotonic() / CLOCK_MILLISECOND + db->pause_ms;
	if (error)
		*error = db->last;
	return db->last.code;
}

/* Tell a failure of a statement (or of the connection as a whole), and let a lost connection go. */
static enum error_code fail(struct db *db, unsigned number, const char *message, struct error *error)
{
	/* Some failures of a prepared statement are told on the connection only (Connector/C 3.3: SHOW GRANTS FOR an account that is not there). */
	if (!number && db->mysql) {
		number = mysql_errno(db->mysql);
		message = mysql_error(db->mysql);
	}
	enum error_code code = error_set(error, classify(number), "%s: %s (%u)", db_host(db), message, number);
	if (lost(number)) {
		db_disconnect(db);
		db->current = (db->current + 1) % db->host_count;
	}
	return code;
}

struct db_statement *db_prepare(struct db *db, const char *sql)
{
	struct db_statement *statement = xcalloc(1, sizeof *statement);
	statement->db = db;
	statement->sql = sql;
	return statement;
}

static void forget_columns(struct db_statement *statement)
{
	for (unsigned i = 0; i < statement->column_count; i++) {
		wipe(statement->columns[i].room, statement->columns[i].size);
		free(statement->columns[i].room);
	}
	free(statement->columns);
	free(statement->bindings);
	statement->columns = NULL;
	statement->bindings = NULL;
	statement->column_count = 0;
}

void db_statement_free(struct db_statement **statement)
{
	if (!*statement)
		return;
	/* Once its connection is closed the handle only gives its memory back: the library marks it so in mysql_close. */
	if ((*statement)->handle)
		mysql_stmt_close((*statement)->handle);
	forget_columns(*statement);
	free((*statement)->parameters);
	free((*statement)->lengths);
	free((*statement)->integers);
	free(*statement);
	*statement = NULL;
}

static MYSQL_BIND *parameter(struct db_statement *statement, unsigned index)
{
	if (index >= statement->parameter_count) {
		unsigned count = index + 1;
		statement->parameters = xreallocarray(statement->parameters, count, sizeof *statement->parameters);
		statement->lengths = xreallocarray(statement->lengths, count, sizeof *statement->lengths);
		statement->integers = xreallocarray(statement->integers, count, sizeof *statement->integers);
		statement->parameter_count = count;
	}
	statement->parameters[index] = (MYSQL_BIND){0};
	return &statement->parameters[index];
}

static void bind(struct db_statement *statement, unsigned index, const void *bytes, size_t length, enum enum_field_types type)
{
	static my_bool yes = 1;
	MYSQL_BIND *bound = parameter(statement, index);
	bound->buffer_type = bytes ? type : MYSQL_TYPE_NULL;
	bound->buffer = (void *)(uintptr_t)bytes;
	bound->buffer_length = length;
	statement->lengths[index] = length;
	if (!bytes)
		bound->is_null = &yes;
}

void db_bind_text(struct db_statement *statement, unsigned index, const char *text, size_t length)
{
	bind(statement, index, text, length, MYSQL_TYPE_STRING);
}

void db_bind_bytes(struct db_statement *statement, unsigned index, const void *bytes, size_t length)
{
	bind(statement, index, bytes, length, MYSQL_TYPE_BLOB);
}

void db_bind_int(struct db_statement *statement, unsigned index, long long value)
{
	MYSQL_BIND *bound = parameter(statement, index);
	statement->integers[index] = value;
	bound->buffer_type = MYSQL_TYPE_LONGLONG;
}

static bool integer_type(enum enum_field_types type)
{
	return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 || type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG ||
	       type == MYSQL_TYPE_YEAR;
}

static void bind_column(struct column *column, MYSQL_BIND *bound)
{
	*bound = (MYSQL_BIND){.length = &column->length, .is_null = &column->is_null, .error = &column->cut};
	if (column->is_integer) {
		bound->buffer_type = MYSQL_TYPE_LONGLONG;
		bound->buffer = &column->integer;
	} else {
		bound->buffer_type = MYSQL_TYPE_STRING;
		bound->buffer = column->room;
		bound->buffer_length = column->size - 1; /* one stays for the 0 */
	}
}

/* Rooms for the columns that the prepared statement says it has. */
static void learn_columns(struct db_statement *statement)
{
	forget_columns(statement);
	MYSQL_RES *meta = mysql_stmt_result_metadata(statement->handle);
	if (!meta)
		return;
	unsigned count = mysql_num_fields(meta);
	statement->columns = xcalloc(count, sizeof *statement->columns);
	statement->bindings = xcalloc(count, sizeof *statement->bindings);
	statement->column_count = count;
	for (unsigned i = 0; i < count; i++) {
		struct column *column = &statement->columns[i];
		column->is_integer = integer_type(mysql_fetch_field_direct(meta, i)->type);
		column->size = column->is_integer ? 32 : TEXT_ROOM;
		column->room = xmalloc(column->size);
		bind_column(column, &statement->bindings[i]);
	}
	mysql_free_result(meta);
}

static enum error_code prepare(struct db_statement *statement, struct error *error)
{
	struct db *db = statement->db;
	enum error_code code = db_connect(db, error);
	if (code)
		return code;
	if (statement->handle && statement->generation == db->generation)
		return ERROR_NONE;
	if (statement->handle)
		mysql_stmt_close(statement->handle);
	statement->handle = mysql_stmt_init(db->mysql);
	if (!statement->handle)
		abort();
	if (mysql_stmt_prepare(statement->handle, statement->sql, strlen(statement->sql))) {
		code = fail(db, mysql_stmt_errno(statement->handle), mysql_stmt_error(statement->handle), error);
		mysql_stmt_close(statement->handle);
		statement->handle = NULL;
		return code;
	}
	statement->generation = db->generation;
	learn_columns(statement);
	return ERROR_NONE;
}

static enum error_code run(struct db_statement *statement, struct error *error)
{
	enum error_code code = prepare(statement, error);
	if (code)
		return code;
	if (mysql_stmt_param_count(statement->handle) != statement->parameter_count)
		return error_set(error, ERROR_DATABASE, "statement takes %lu parameters, %u are bound", mysql_stmt_param_count(statement->handle),
			statement->parameter_count);
	/* The arrays may have moved while binding; and the library copies the bindings, so it is done at each run. */
	for (unsigned i = 0; i < statement->parameter_count; i++) {
		statement->parameters[i].length = &statement->lengths[i];
		if (statement->parameters[i].buffer_type == MYSQL_TYPE_LONGLONG)
			statement->parameters[i].buffer = &statement->integers[i];
	}
	if ((statement->parameter_count && mysql_stmt_bind_param(statement->handle, statement->parameters)) || mysql_stmt_execute(statement->handle) ||
	    (statement->column_count && mysql_stmt_bind_result(statement->handle, statement->bindings)))
		return fail(statement->db, mysql_stmt_errno(statement->handle), mysql_stmt_error(statement->handle), error);
	return ERROR_NONE;
}

enum error_code db_execute(struct db_statement *statement, bool read, struct error *error)
{
	bool had_connection = statement->db->mysql;
	enum error_code code = run(statement, error);
	/* Only a connection that was found dead is worth a second try: a fresh one that failed says how things are. */
	if (code == ERROR_DATABASE_GONE && read && had_connection && !statement->db->mysql)
		code = run(statement, error);
	statement->open = code == ERROR_NONE && statement->column_count;
	return code;
}

/* A value did not fit its room: make room and get it whole. */
static bool widen(struct db_statement *statement, unsigned index)
{
	struct column *column = &statement->columns[index];
	wipe(column->room, column->size);
	free(column->room);
	column->size = column->length + 1;
	column->room = xmalloc(column->size);
	bind_column(column, &statement->bindings[index]);
	return mysql_stmt_fetch_column(statement->handle, &statement->bindings[index], index, 0) == 0;
}

int db_next(struct db_statement *statement, struct error *error)
{
	if (!statement->open)
		return 0;
	bool widened = false;
	int status = mysql_stmt_fetch(statement->handle);
	if (status == MYSQL_NO_DATA) {
		db_done(statement);
		return 0;
	}
	for (unsigned i = 0; status == MYSQL_DATA_TRUNCATED && i < statement->column_count; i++) {
		const struct column *column = &statement->columns[i];
		if (!column->is_integer && !column->is_null && column->length > column->size - 1) {
			if (!widen(statement, i))
				status = 1;
			widened = true;
		}
	}
	if (status == 1) {
		statement->open = false;
		fail(statement->db, mysql_stmt_errno(statement->handle), mysql_stmt_error(statement->handle), error);
		if (statement->db->mysql)
			mysql_stmt_free_result(statement->handle);
		return -1;
	}
	if (widened)
		mysql_stmt_bind_result(statement->handle, statement->bindings);
	for (unsigned i = 0; i < statement->column_count; i++)
		if (!statement->columns[i].is_integer && !statement->columns[i].is_null)
			statement->columns[i].room[statement->columns[i].length] = 0;
	return 1;
}

struct db_column db_column(const struct db_statement *statement, unsigned index)
{
	struct column *column = &statement->columns[index];
	if (column->is_null)
		return (struct db_column){0};
	if (column->is_integer)
		column->length = (unsigned long)snprintf(column->room, column->size, "%lld", column->integer);
	return (struct db_column){.text = column->room, .length = column->length};
}

long long db_column_int(const struct db_statement *statement, unsigned index)
{
	const struct column *column = &statement->columns[index];
	if (column->is_null)
		return 0;
	return column->is_integer ? column->integer : strtoll(column->room, NULL, 10);
}

void db_done(struct db_statement *statement)
{
	if (statement->open && statement->db->mysql && statement->generation == statement->db->generation) {
		mysql_stmt_free_result(statement->handle);
		/* A procedure's own status follows its result sets. */
		while (mysql_stmt_more_results(statement->handle) && mysql_stmt_next_result(statement->handle) == 0)
			mysql_stmt_free_result(statement->handle);
	}
	statement->open = false;
}

void db_wipe(struct db_statement *statement)
{
	for (unsigned i = 0; i < statement->column_count; i++)
		wipe(statement->columns[i].room, statement->columns[i].size);
}

unsigned long long db_affected(const struct db_statement *statement)
{
	return statement->handle ? mysql_stmt_affected_rows(statement->handle) : 0;
}

enum error_code db_run(struct db *db, const char *sql, size_t length, struct error *error)
{
	enum error_code code = db_connect(db, error);
	if (code)
		return code;
	if (mysql_real_query(db->mysql, sql, length))
		return fail(db, mysql_errno(db->mysql), mysql_error(db->mysql), error);
	int status;
	do {
		MYSQL_RES *result = mysql_store_result(db->mysql);
		if (result)
			mysql_free_result(result);
		status = mysql_next_result(db->mysql);
	} while (status == 0);
	return status > 0 ? fail(db, mysql_errno(db->mysql), mysql_error(db->mysql), error) : ERROR_NONE;
}
