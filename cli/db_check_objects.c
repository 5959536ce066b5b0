/* db_check_objects.c - what the migrations create must be there, and belong to the owner account. The list is read from the migrations themselves. */
#include "db_check.h"

#include "sql_script.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OBJECTS_MAX 1024
#define WORD_MAX 128

struct object {
	char kind[16], name[WORD_MAX]; /* "TRIGGER", "tenant_bi" */
	bool found;
};

struct objects {
	struct object *list;
	size_t count;
};

static struct objects expected; /* of the check at hand: db_check_query's rows are compared with it */

/* The next word of a statement: a name, or one other character; quotes are taken off. */
static const char *next_word(const char *at, const char *end, char word[WORD_MAX])
{
	size_t used = 0;
	while (at < end && isspace((unsigned char)*at))
		at++;
	char quote = at < end && (*at == '`' || *at == '\'' || *at == '"') ? *at++ : 0;
	while (at < end && (quote ? *at != quote : isalnum((unsigned char)*at) || *at == '_') && used < WORD_MAX - 1)
		word[used++] = *at++;
	if (quote && at < end)
		at++;
	if (!used && at < end)
		word[used++] = *at++;
	word[used] = 0;
	return at;
}

static bool is_kind(const char *word)
{
	static const char *const kinds[] = {"TABLE", "TRIGGER", "PROCEDURE", "FUNCTION", "VIEW"};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcasecmp(word, kinds[i]) == 0)
			return true;
	return false;
}

/* "CREATE ... KIND [IF NOT EXISTS] name": 1, "DROP KIND [IF EXISTS] name": -1, anything else: 0. */
static int parse_statement(const struct sql_statement *statement, struct object *object_r)
{
	const char *at = statement->text, *end = at + statement->length;
	char word[WORD_MAX];
	at = next_word(at, end, word);
	int made = strcasecmp(word, "CREATE") == 0 ? 1 : strcasecmp(word, "DROP") == 0 ? -1 : 0;
	unsigned words = 0;
	do {
		if (!made || at == end || ++words > 16 || strcasecmp(word, "INDEX") == 0)
			return 0;
		at = next_word(at, end, word);
	} while (!is_kind(word));
	for (size_t i = 0; i <= strlen(word); i++)
		object_r->kind[i] = (char)toupper((unsigned char)word[i]);
	do
		at = next_word(at, end, word);
	while (strcasecmp(word, "IF") == 0 || strcasecmp(word, "NOT") == 0 || strcasecmp(word, "EXISTS") == 0);
	snprintf(object_r->name, sizeof object_r->name, "%s", word);
	object_r->found = false;
	return made;
}

static struct object *find(const char *kind, const char *name)
{
	for (size_t i = 0; i < expected.count; i++)
		if (strcmp(expected.list[i].kind, kind) == 0 && strcasecmp(expected.list[i].name, name) == 0)
			return &expected.list[i];
	return NULL;
}

static void note(const struct object *object, int made)
{
	struct object *there = find(object->kind, object->name);
	if (made > 0 && !there && expected.count < OBJECTS_MAX)
		expected.list[expected.count++] = *object;
	else if (made < 0 && there)
		*there = expected.list[--expected.count];
}

static enum error_code collect(struct db_check *check)
{
	expected = (struct objects){.list = arena_array(&check->arena, OBJECTS_MAX, sizeof *expected.list)};
	for (size_t i = 0; i < check->migrations.count; i++) {
		const struct migration *migration = &check->migrations.list[i];
		struct sql_script script;
		struct sql_statement statement;
		sql_script_init(&script, migration->path, migration->text, migration->length);
		int more;
		while ((more = sql_script_next(&script, &statement, &check->error)) > 0) {
			struct object object;
			int made = parse_statement(&statement, &object);
			if (made)
				note(&object, made);
		}
		if (more < 0)
			return check->error.code;
	}
	return ERROR_NONE;
}

/* Columns: kind, name, definer (NULL for tables). */
static void each_object(struct db_check *check, const struct db_statement *row)
{
	const char *kind = db_column(row, 0).text, *name = db_column(row, 1).text, *definer = db_column(row, 2).text;
	struct object *object = find(kind, name);
	if (!object) {
		db_check_hint(check, "objects", "%s %s is not Dialtone's", kind, name);
		return;
	}
	object->found = true;
	if (definer && strcmp(definer, "dialtone_owner@localhost") != 0)
		db_check_problem(check, "objects", "%s %s belongs to %s, not to dialtone_owner@localhost: a dump restored elsewhere would break it", kind, name,
			definer);
}

enum error_code db_check_objects(struct db_check *check)
{
	static const char query[] = "SELECT CAST('TABLE' AS CHAR), TABLE_NAME, NULL FROM information_schema.TABLES"
				    " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'"
				    " UNION ALL SELECT 'VIEW', TABLE_NAME, DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()"
				    " UNION ALL SELECT 'TRIGGER', TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"
				    " UNION ALL SELECT ROUTINE_TYPE, ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES"
				    " WHERE ROUTINE_SCHEMA = DATABASE()";
	enum error_code code = collect(check);
	if (!code)
		code = db_check_query(check, query, each_object);
	for (size_t i = 0; !code && i < expected.count; i++)
		if (!expected.list[i].found)
			db_check_problem(check, "objects", "%s %s is missing", expected.list[i].kind, expected.list[i].name);
	expected = (struct objects){0};
	return code;
}
