/* db_check_grants.c - accounts and rights: grants.sql against SHOW GRANTS, both read by the same parser. */
#include "db_check.h"

#include "sql_script.h"
#include "xalloc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RIGHTS_MAX 2048

/* One right in one form: "SELECT ON tenant", "UPDATE (plain) ON tenant_secret", "EXECUTE ON PROCEDURE add_phone". */
struct right {
	const char *account;  /* "dialtone_worker@%" */
	const char *text;
	bool found;
};

struct rights {
	struct arena *arena;
	const char *database;
	struct right *list;
	size_t count;
};

/* Without quotes and doubled blanks. Both sides write keywords in capitals. */
static char *plain(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1), *out = copy;
	for (size_t i = 0; i < length; i++) {
		if (strchr("`'\"", text[i]))
			continue;
		if (isspace((unsigned char)text[i])) {
			if (out > copy && out[-1] != ' ' && out[-1] != '(')
				*out++ = ' ';
		} else
			*out++ = text[i];
	}
	*out = 0;
	return copy;
}

static void add_right(struct rights *rights, const char *account, const char *text)
{
	for (size_t i = 0; i < rights->count; i++)
		if (strcmp(rights->list[i].account, account) == 0 && strcmp(rights->list[i].text, text) == 0)
			return;
	if (rights->count < RIGHTS_MAX)
		rights->list[rights->count++] = (struct right){.account = account, .text = text};
}

static char *trim(char *text)
{
	while (*text == ' ')
		text++;
	for (size_t length = strlen(text); length && text[length - 1] == ' ';)
		text[--length] = 0;
	return text;
}

/* "SELECT" or "UPDATE (a, b)" on an object: one right, or one a column. */
static void add_privilege(struct rights *rights, const char *account, char *privilege, const char *object)
{
	char *columns = strchr(privilege, '(');
	if (!columns) {
		add_right(rights, account, arena_printf(rights->arena, "%s ON %s", trim(privilege), object));
		return;
	}
	*columns++ = 0;
	columns[strcspn(columns, ")")] = 0;
	char *saved = NULL;
	for (char *column = strtok_r(columns, ",", &saved); column; column = strtok_r(NULL, ",", &saved))
		add_right(rights, account, arena_printf(rights->arena, "%s (%s) ON %s", trim(privilege), trim(column), object));
}

/* The end of the privilege: the next comma outside parentheses, or the text's end. */
static char *privilege_end(char *text)
{
	unsigned depth = 0;
	while (*text && (depth || *text != ',')) {
		depth += *text == '(';
		depth -= *text == ')' && depth;
		text++;
	}
	return text;
}

/* "PROCEDURE db.name" without the database; NULL if it is not ours. */
static const char *object_of(const struct rights *rights, char *object)
{
	char *name = strrchr(object, ' ');
	name = name ? name + 1 : object;
	char *dot = strchr(name, '.');
	if (!dot)
		return object;
	*dot = 0;
	bool ours = strcasecmp(name, rights->database) == 0;
	*dot = '.';
	if (!ours)
		return NULL;
	return arena_printf(rights->arena, "%.*s%s", (int)(name - object), object, dot + 1);
}

/* One GRANT in plain form. Rights on other things come back as "... ON elsewhere". */
static void parse_grant(struct rights *rights, char *grant)
{
	char *on = strstr(grant, " ON "), *to = on ? strstr(on, " TO ") : NULL;
	if (strncmp(grant, "GRANT ", 6) != 0 || !to)
		return;
	*on = *to = 0;
	char *account = to + 4, *privileges = grant + 6;
	account[strcspn(account, " ;")] = 0;
	const char *object = object_of(rights, trim(on + 4));
	if (!object && strcmp(trim(privileges), "USAGE") == 0)
		return;
	if (!object)
		object = trim(on + 4);
	while (*privileges) {
		char *end = privilege_end(privileges), *next = *end ? end + 1 : end;
		*end = 0;
		add_privilege(rights, account, privileges, object);
		privileges = next;
	}
}

static enum error_code wanted_rights(struct db_check *check, struct rights *rights)
{
	const char *path = arena_printf(&check->arena, "%s/grants.sql", check->directory);
	size_t length;
	char *text = sql_script_read(path, &length, &check->error);
	if (!text)
		return check->error.code;
	struct sql_script script;
	struct sql_statement statement;
	sql_script_init(&script, path, text, length);
	int more;
	while ((more = sql_script_next(&script, &statement, &check->error)) > 0)
		parse_grant(rights, plain(&check->arena, statement.text, statement.length));
	free(text);
	return more < 0 ? check->error.code : ERROR_NONE;
}

/* 1: the account is there; 0: it is not; -1: *error. */
static int account_exists(struct db_check *check, const char *account)
{
	struct db_statement *statement = db_prepare(check->db, "SELECT 1 FROM mysql.user WHERE CONCAT(User, '@', Host) = ?");
	db_bind_text(statement, 0, account, strlen(account));
	int found = db_execute(statement, true, &check->error) ? -1 : db_next(statement, &check->error);
	db_done(statement);
	db_statement_free(&statement);
	return found;
}

static enum error_code actual_rights(struct db_check *check, const char *account, struct rights *rights)
{
	const char *at = strrchr(account, '@');
	char *sql = xasprintf("SHOW GRANTS FOR '%.*s'@'%s'", (int)(at - account), account, at + 1);
	struct db_statement *statement = db_prepare(check->db, sql);
	enum error_code code = db_execute(statement, true, &check->error);
	int more = 0;
	while (!code && (more = db_next(statement, &check->error)) > 0) {
		struct db_column column = db_column(statement, 0);
		parse_grant(rights, plain(&check->arena, column.text, column.length));
	}
	db_done(statement);
	db_statement_free(&statement);
	free(sql);
	return more < 0 ? check->error.code : code;
}

static struct right *find(struct rights *rights, const struct right *right)
{
	for (size_t i = 0; i < rights->count; i++)
		if (strcmp(rights->list[i].account, right->account) == 0 && strcmp(rights->list[i].text, right->text) == 0)
			return &rights->list[i];
	return NULL;
}

static void compare(struct db_check *check, const char *account, struct rights *wanted, struct rights *actual)
{
	for (size_t i = 0; i < wanted->count; i++) {
		if (strcmp(wanted->list[i].account, account) != 0)
			continue;
		struct right *found = find(actual, &wanted->list[i]);
		if (found)
			found->found = true;
		else
			db_check_problem(check, "grants", "%s lacks %s: run `dialtone db upgrade`", account, wanted->list[i].text);
	}
	for (size_t i = 0; i < actual->count; i++)
		if (!actual->list[i].found && strcmp(actual->list[i].account, account) == 0)
			db_check_hint(check, "grants", "%s has %s, which Dialtone does not give it", account, actual->list[i].text);
}

static enum error_code check_account(struct db_check *check, const char *account, struct rights *wanted)
{
	struct rights actual = {.arena = &check->arena, .database = check->cli->conf->database.name,
		.list = arena_array(&check->arena, RIGHTS_MAX, sizeof *actual.list)};
	int there = account_exists(check, account);
	if (there < 0)
		return check->error.code;
	if (!there) {
		db_check_problem(check, "grants", "there is no account %s: run `dialtone db upgrade --password-dir DIR`", account);
		return ERROR_NONE;
	}
	enum error_code code = actual_rights(check, account, &actual);
	if (!code)
		compare(check, account, wanted, &actual);
	return code;
}

enum error_code db_check_grants(struct db_check *check)
{
	struct rights wanted = {.arena = &check->arena, .database = check->cli->conf->database.name,
		.list = arena_array(&check->arena, RIGHTS_MAX, sizeof *wanted.list)};
	enum error_code code = wanted_rights(check, &wanted);
	for (size_t i = 0; !code && i < wanted.count; i++) {
		bool seen = false;
		for (size_t j = 0; j < i && !seen; j++)
			seen = strcmp(wanted.list[j].account, wanted.list[i].account) == 0;
		if (!seen)
			code = check_account(check, wanted.list[i].account, &wanted);
	}
	return code;
}
