#include "dictionary_sync.h"

#include "buf.h"
#include "setting.h"
#include "timezone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 11
#define SQL_MAX 4096

/* A table's rows as the files have them or as the database has them: cells are text, NULL is SQL NULL. */
struct row {
	const char *cells[COLUMNS_MAX];
};

struct rows {
	struct row *list;
	size_t count;
};

struct sync_table {
	const char *name;
	const char *columns[COLUMNS_MAX];
	unsigned column_count, key_count; /* the key's columns come first */
	bool retires;                     /* the last column is `retired` */
	const char *stamp;                /* a column that gets the time of writing, or NULL */
	void (*wanted)(const struct catalogue *catalogue, struct arena *arena, struct rows *rows_r);
};

static const char *number(struct arena *arena, long long value)
{
	return arena_printf(arena, "%lld", value);
}

static const char *joined_items(const struct setting *setting, struct arena *arena)
{
	if (!setting->item_count)
		return NULL;
	struct buf text;
	buf_init(&text, 1 << 16);
	for (uint32_t i = 0; i < setting->item_count; i++) {
		if (i)
			buf_add_char(&text, ',');
		buf_add_string(&text, setting->items[i]);
	}
	const char *copy = arena_copy(arena, text.data, text.size);
	buf_deinit(&text);
	return copy;
}

static void wanted_settings(const struct catalogue *catalogue, struct arena *arena, struct rows *rows_r)
{
	const struct dictionary *dictionary = catalogue->dictionary;
	rows_r->list = arena_array(arena, dictionary->count, sizeof *rows_r->list);
	for (uint32_t i = 0; i < dictionary->count; i++) {
		const struct setting *s = &dictionary->settings[i];
		bool bounded = s->type == SETTING_INT;
		rows_r->list[rows_r->count++] = (struct row){{
			s->name, setting_type_name(s->type), setting_scope_name(s->scope), s->fallback,
			bounded ? number(arena, s->min) : NULL, bounded ? number(arena, s->max) : NULL, number(arena, s->max_length),
			joined_items(s, arena), s->secret ? "1" : "0", s->description ? s->description : "", "0",
		}};
	}
}

static void wanted_timezones(const struct catalogue *catalogue, struct arena *arena, struct rows *rows_r)
{
	size_t count = timezones_count(catalogue->timezones);
	rows_r->list = arena_array(arena, count, sizeof *rows_r->list);
	for (size_t i = 0; i < count; i++) {
		const struct timezone_rule *rule = timezones_at(catalogue->timezones, i);
		rows_r->list[rows_r->count++] = (struct row){{rule->name, rule->posix, "0"}};
	}
}

static void wanted_vendors(const struct catalogue *catalogue, struct arena *arena, struct rows *rows_r)
{
	rows_r->list = arena_array(arena, catalogue->vendor_count, sizeof *rows_r->list);
	for (uint32_t i = 0; i < catalogue->vendor_count; i++) {
		const struct vendor *v = &catalogue->vendors[i];
		rows_r->list[rows_r->count++] = (struct row){{v->id, v->name, v->dialect_count ? "1" : "0", "0"}};
	}
}

static void wanted_ouis(const struct catalogue *catalogue, struct arena *arena, struct rows *rows_r)
{
	size_t count = 0;
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		count += catalogue->vendors[i].oui_count;
	rows_r->list = arena_array(arena, count, sizeof *rows_r->list);
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		for (uint32_t j = 0; j < catalogue->vendors[i].oui_count; j++)
			rows_r->list[rows_r->count++] = (struct row){{catalogue->vendors[i].ouis[j], catalogue->vendors[i].id}};
}

static void wanted_models(const struct catalogue *catalogue, struct arena *arena, struct rows *rows_r)
{
	size_t count = 0;
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		count += catalogue->vendors[i].model_count;
	rows_r->list = arena_array(arena, count, sizeof *rows_r->list);
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		for (uint32_t j = 0; j < catalogue->vendors[i].model_count; j++) {
			const struct model *m = &catalogue->vendors[i].models[j];
			rows_r->list[rows_r->count++] = (struct row){{m->id, m->vendor->id, m->name, number(arena, m->lines),
				number(arena, m->keys), number(arena, m->modules), number(arena, m->module_keys), "0"}};
		}
}

static void wanted_vendor_settings(const struct catalogue *catalogue, struct arena *arena, struct rows *rows_r)
{
	rows_r->list = arena_array(arena, (size_t)catalogue->vendor_count * catalogue->dictionary->count, sizeof *rows_r->list);
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		for (uint32_t j = 0; catalogue->vendors[i].uses && j < catalogue->dictionary->count; j++)
			if (catalogue->vendors[i].uses[j])
				rows_r->list[rows_r->count++] = (struct row){{catalogue->vendors[i].id, catalogue->dictionary->settings[j].name}};
}

static void wanted_files(const struct catalogue *catalogue, struct arena *arena, struct rows *rows_r)
{
	rows_r->list = arena_array(arena, (size_t)catalogue->file_count + 1, sizeof *rows_r->list);
	char *whole = arena_alloc(arena, 65);
	for (size_t i = 0; i < sizeof catalogue->digest; i++)
		sprintf(whole + 2 * i, "%02x", catalogue->digest[i]);
	rows_r->list[rows_r->count++] = (struct row){{"*", whole}};
	for (uint32_t i = 0; i < catalogue->file_count; i++)
		rows_r->list[rows_r->count++] = (struct row){{catalogue->files[i].name, catalogue->files[i].digest}};
}

/* In an order in which rows only name what is already there. */
static const struct sync_table tables[] = {
	{"setting", {"name", "type", "scope", "default_value", "min_value", "max_value", "max_length", "items", "secret", "description", "retired"},
		11, 1, true, NULL, wanted_settings},
	{"timezone", {"name", "rule", "retired"}, 3, 1, true, NULL, wanted_timezones},
	{"vendor", {"vendor_id", "name", "served", "retired"}, 4, 1, true, NULL, wanted_vendors},
	{"vendor_oui", {"oui", "vendor_id"}, 2, 1, false, NULL, wanted_ouis},
	{"model", {"model_id", "vendor_id", "name", "line_count", "key_count", "module_count", "module_key_count", "retired"}, 8, 1, true, NULL,
		wanted_models},
	{"vendor_setting", {"vendor_id", "name"}, 2, 2, false, NULL, wanted_vendor_settings},
	{"template_file", {"name", "digest"}, 2, 1, false, "loaded_at", wanted_files},
};

struct sync {
	struct db *db;
	bool apply;
	struct arena *arena;
	void (*tell)(void *context, const struct sync_difference *difference);
	void *context;
	struct error *error;
	const struct sync_table *table;
	struct db_statement *insert, *update, *retire, *remove; /* made at first use */
};

const char *sync_change_name(enum sync_change change)
{
	static const char *const names[] = {"added", "changed", "retired", "removed"};
	return names[change];
}

static _Thread_local unsigned compared_keys;

static int compare_keys(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	for (unsigned i = 0; i < compared_keys; i++) {
		int order = strcmp(a->cells[i], b->cells[i]);
		if (order)
			return order;
	}
	return 0;
}

static bool same_cell(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* "a, b, c" of names, or "a = ? AND b = ?" with another between and behind. */
static void add_list(struct buf *sql, const struct sync_table *table, unsigned from, unsigned to, const char *behind, const char *between)
{
	for (unsigned i = from; i < to; i++) {
		if (i > from)
			buf_add_string(sql, between);
		buf_add_string(sql, table->columns[i]);
		buf_add_string(sql, behind);
	}
}

static struct db_statement *prepare(struct sync *sync, struct buf *sql)
{
	struct db_statement *statement = db_prepare(sync->db, arena_copy(sync->arena, sql->data, sql->size));
	buf_deinit(sql);
	return statement;
}

static struct db_statement *prepare_select(struct sync *sync)
{
	const struct sync_table *table = sync->table;
	struct buf sql;
	buf_init(&sql, SQL_MAX);
	buf_add_string(&sql, "SELECT ");
	add_list(&sql, table, 0, table->column_count, "", ", ");
	buf_printf(&sql, " FROM %s%s", table->name, sync->apply ? " FOR UPDATE" : "");
	return prepare(sync, &sql);
}

static struct db_statement *prepare_insert(struct sync *sync)
{
	const struct sync_table *table = sync->table;
	struct buf sql;
	buf_init(&sql, SQL_MAX);
	buf_printf(&sql, "INSERT INTO %s (", table->name);
	add_list(&sql, table, 0, table->column_count, "", ", ");
	buf_printf(&sql, "%s%s) VALUES (?", table->stamp ? ", " : "", table->stamp ? table->stamp : "");
	for (unsigned i = 1; i < table->column_count; i++)
		buf_add_string(&sql, ", ?");
	buf_printf(&sql, "%s)", table->stamp ? ", UTC_TIMESTAMP()" : "");
	return prepare(sync, &sql);
}

static struct db_statement *prepare_update(struct sync *sync)
{
	const struct sync_table *table = sync->table;
	struct buf sql;
	buf_init(&sql, SQL_MAX);
	buf_printf(&sql, "UPDATE %s SET ", table->name);
	add_list(&sql, table, table->key_count, table->column_count, " = ?", ", ");
	if (table->stamp)
		buf_printf(&sql, ", %s = UTC_TIMESTAMP()", table->stamp);
	buf_add_string(&sql, " WHERE ");
	add_list(&sql, table, 0, table->key_count, " = ?", " AND ");
	return prepare(sync, &sql);
}

static struct db_statement *prepare_away(struct sync *sync)
{
	const struct sync_table *table = sync->table;
	struct buf sql;
	buf_init(&sql, SQL_MAX);
	if (table->retires)
		buf_printf(&sql, "UPDATE %s SET retired = 1 WHERE ", table->name);
	else
		buf_printf(&sql, "DELETE FROM %s WHERE ", table->name);
	add_list(&sql, table, 0, table->key_count, " = ?", " AND ");
	return prepare(sync, &sql);
}

static void bind_cell(struct db_statement *statement, unsigned index, const char *cell)
{
	db_bind_text(statement, index, cell, cell ? strlen(cell) : 0);
}

static enum error_code execute(struct sync *sync, struct db_statement *statement)
{
	enum error_code code = db_execute(statement, false, sync->error);
	db_done(statement);
	if (code && sync->error)
		error_prefix(sync->error, "table %s", sync->table->name);
	return code;
}

static enum error_code write_add(struct sync *sync, const struct row *row)
{
	if (!sync->insert)
		sync->insert = prepare_insert(sync);
	for (unsigned i = 0; i < sync->table->column_count; i++)
		bind_cell(sync->insert, i, row->cells[i]);
	return execute(sync, sync->insert);
}

static enum error_code write_change(struct sync *sync, const struct row *row)
{
	if (!sync->update)
		sync->update = prepare_update(sync);
	unsigned keys = sync->table->key_count, values = sync->table->column_count - keys;
	for (unsigned i = 0; i < values; i++)
		bind_cell(sync->update, i, row->cells[keys + i]);
	for (unsigned i = 0; i < keys; i++)
		bind_cell(sync->update, values + i, row->cells[i]);
	return execute(sync, sync->update);
}

static enum error_code write_away(struct sync *sync, const struct row *row)
{
	struct db_statement **statement = sync->table->retires ? &sync->retire : &sync->remove;
	if (!*statement)
		*statement = prepare_away(sync);
	for (unsigned i = 0; i < sync->table->key_count; i++)
		bind_cell(*statement, i, row->cells[i]);
	return execute(sync, *statement);
}

static const char *key_text(struct sync *sync, const struct row *row)
{
	return sync->table->key_count == 1 ? row->cells[0] : arena_printf(sync->arena, "%s/%s", row->cells[0], row->cells[1]);
}

/* Which columns differ, joined; NULL: none. */
static const char *changed_columns(struct sync *sync, const struct row *wanted, const struct row *there)
{
	const char *names = NULL;
	for (unsigned i = sync->table->key_count; i < sync->table->column_count; i++)
		if (!same_cell(wanted->cells[i], there->cells[i]))
			names = names ? arena_printf(sync->arena, "%s, %s", names, sync->table->columns[i]) : sync->table->columns[i];
	return names;
}

static void tell(struct sync *sync, enum sync_change change, const struct row *row, const char *columns)
{
	const struct sync_difference difference = {change, sync->table->name, key_text(sync, row), columns};
	sync->tell(sync->context, &difference);
}

static enum error_code added(struct sync *sync, const struct row *row)
{
	tell(sync, SYNC_ADD, row, NULL);
	return sync->apply ? write_add(sync, row) : ERROR_NONE;
}

static enum error_code gone(struct sync *sync, const struct row *row)
{
	if (sync->table->retires && strcmp(row->cells[sync->table->column_count - 1], "0") != 0)
		return ERROR_NONE;
	tell(sync, sync->table->retires ? SYNC_RETIRE : SYNC_REMOVE, row, NULL);
	return sync->apply ? write_away(sync, row) : ERROR_NONE;
}

static enum error_code in_both(struct sync *sync, const struct row *wanted, const struct row *there)
{
	const char *columns = changed_columns(sync, wanted, there);
	if (!columns)
		return ERROR_NONE;
	tell(sync, SYNC_CHANGE, wanted, columns);
	return sync->apply ? write_change(sync, wanted) : ERROR_NONE;
}

static enum error_code read_rows(struct sync *sync, struct rows *rows_r)
{
	struct db_statement *statement = prepare_select(sync);
	enum error_code code = db_execute(statement, false, sync->error);
	size_t room = 0;
	int more = 0;
	while (!code && (more = db_next(statement, sync->error)) > 0) {
		if (rows_r->count == room) {
			struct row *list = arena_array(sync->arena, room = room ? room * 2 : 64, sizeof *list);
			if (rows_r->count)
				memcpy(list, rows_r->list, rows_r->count * sizeof *list);
			rows_r->list = list;
		}
		struct row *row = &rows_r->list[rows_r->count++];
		for (unsigned i = 0; i < sync->table->column_count; i++) {
			struct db_column column = db_column(statement, i);
			row->cells[i] = column.text ? arena_copy(sync->arena, column.text, column.length) : NULL;
		}
	}
	if (more < 0)
		code = sync->error->code;
	db_done(statement);
	db_statement_free(&statement);
	return code;
}

static void sort_rows(const struct sync_table *table, struct rows *rows)
{
	compared_keys = table->key_count;
	if (rows->count)
		qsort(rows->list, rows->count, sizeof *rows->list, compare_keys);
}

/* Both sides sorted: walk them together. */
static enum error_code merge(struct sync *sync, const struct rows *wanted, const struct rows *there)
{
	enum error_code code = ERROR_NONE;
	for (size_t w = 0, t = 0; !code && (w < wanted->count || t < there->count);) {
		int order = w == wanted->count ? 1 : t == there->count ? -1 : compare_keys(&wanted->list[w], &there->list[t]);
		if (order < 0)
			code = added(sync, &wanted->list[w++]);
		else if (order > 0)
			code = gone(sync, &there->list[t++]);
		else
			code = in_both(sync, &wanted->list[w++], &there->list[t++]);
	}
	return code;
}

static enum error_code sync_table(struct sync *sync, const struct catalogue *catalogue)
{
	struct rows wanted = {0}, there = {0};
	sync->table->wanted(catalogue, sync->arena, &wanted);
	sort_rows(sync->table, &wanted);
	enum error_code code = read_rows(sync, &there);
	if (!code) {
		sort_rows(sync->table, &there);
		code = merge(sync, &wanted, &there);
	}
	db_statement_free(&sync->insert);
	db_statement_free(&sync->update);
	db_statement_free(&sync->retire);
	db_statement_free(&sync->remove);
	return code;
}

/* A connection that was lost on the way took the transaction with it: what came after it stands alone, and must not pass for success. */
static enum error_code finish(struct db *db, enum error_code code, unsigned generation, struct error *error)
{
	if (!code && db_generation(db) != generation)
		code = error_set(error, ERROR_DATABASE_GONE, "the connection was lost while the dictionary was loaded: run it again");
	if (!code)
		return db_run(db, "COMMIT", 6, error);
	db_run(db, "ROLLBACK", 8, NULL);
	return code;
}

enum error_code dictionary_sync(struct db *db, const struct catalogue *catalogue, bool apply, struct arena *arena,
	void (*tell_fn)(void *context, const struct sync_difference *difference), void *context, struct error *error)
{
	static const char begin[] = "START TRANSACTION";
	struct error ignored;
	struct sync sync = {.db = db, .apply = apply, .arena = arena, .tell = tell_fn, .context = context, .error = error ? error : &ignored};
	enum error_code code = db_run(db, begin, sizeof begin - 1, sync.error);
	unsigned generation = db_generation(db);
	for (size_t i = 0; !code && i < sizeof tables / sizeof *tables; i++) {
		sync.table = &tables[i];
		code = sync_table(&sync, catalogue);
	}
	return finish(db, code, generation, sync.error);
}
