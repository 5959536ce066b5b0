#include "output.h"

#include "writer.h"
#include "xalloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Is this the lead byte of U+0080..U+009F, which terminals obey as control codes? */
static bool is_c1(const char *bytes, size_t size, size_t i)
{
	return (unsigned char)bytes[i] == 0xc2 && i + 1 < size && (unsigned char)bytes[i + 1] < 0xa0;
}

char *output_text(const char *bytes, size_t size)
{
	bool utf8 = writer_utf8(bytes, size);
	char *text = xmalloc(size * 4 + 1), *out = text;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8))
			out += sprintf(out, "\\x%02X", c);
		else if (utf8 && is_c1(bytes, size, i))
			out += sprintf(out, "\\x%02X\\x%02X", c, (unsigned char)bytes[++i]);
		else
			*out++ = (char)c;
	}
	*out = 0;
	return text;
}

json_t *output_json(const char *bytes, size_t size)
{
	if (!bytes)
		return json_null();
	json_t *json = json_stringn(bytes, size);
	if (json)
		return json;
	char *text = output_text(bytes, size);
	json = json_string(text);
	free(text);
	return json;
}

json_t *output_json_string(const char *text)
{
	return text ? output_json(text, strlen(text)) : json_null();
}

void output_json_print(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
	json_decref(json);
}

struct table {
	unsigned columns;
	char **cells;
	size_t count, room;
	bool *dim;     /* [rows] */
	size_t dim_room;
	bool heading;
};

struct table *table_new(unsigned columns)
{
	struct table *table = xcalloc(1, sizeof *table);
	table->columns = columns;
	return table;
}

void table_cell_bytes(struct table *table, const char *bytes, size_t size)
{
	if (table->count == table->room) {
		table->room = table->room ? table->room * 2 : 64;
		table->cells = xreallocarray(table->cells, table->room, sizeof *table->cells);
	}
	size_t row = table->count / table->columns;
	if (row == table->dim_room) {
		table->dim_room = row ? row * 2 : 32;
		table->dim = xreallocarray(table->dim, table->dim_room, sizeof *table->dim);
	}
	if (table->count % table->columns == 0)
		table->dim[row] = false;
	table->cells[table->count++] = bytes ? output_text(bytes, size) : xstrdup("");
}

void table_cell(struct table *table, const char *text)
{
	table_cell_bytes(table, text, text ? strlen(text) : 0);
}

void table_cellf(struct table *table, const char *format, ...)
{
	char *text;
	va_list args;
	va_start(args, format);
	int size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0)
		abort();
	table_cell_bytes(table, text, (size_t)size);
	free(text);
}

void table_dim(struct table *table)
{
	table->dim[(table->count - 1) / table->columns] = true;
}

void table_heading(struct table *table)
{
	table->heading = true;
}

size_t table_rows(const struct table *table)
{
	return table->count / table->columns;
}

void table_free(struct table **table)
{
	for (size_t i = 0; i < (*table)->count; i++)
		free((*table)->cells[i]);
	free((*table)->cells);
	free((*table)->dim);
	free(*table);
	*table = NULL;
}

/* Columns on a terminal; bytes where the text is no characters of this locale. */
static size_t width(const char *text)
{
	size_t length = mbstowcs(NULL, text, 0);
	if (length == (size_t)-1)
		return strlen(text);
	wchar_t *wide = xcalloc(length + 1, sizeof *wide);
	mbstowcs(wide, text, length + 1);
	int columns = wcswidth(wide, length);
	free(wide);
	return columns < 0 ? length : (size_t)columns;
}

static void print_row(const struct table *table, size_t row, const size_t *widths, const char *before, const char *after)
{
	char **cells = table->cells + row * table->columns;
	unsigned last = table->columns - 1;
	while (last > 0 && !*cells[last])
		last--;
	fputs(before, stdout);
	for (unsigned i = 0; i <= last; i++) {
		fputs(cells[i], stdout);
		if (i < last)
			printf("%*s", (int)(widths[i] - width(cells[i]) + 2), "");
	}
	fputs(after, stdout);
	putchar('\n');
}

void table_print(struct table **table_p, bool color)
{
	struct table *table = *table_p;
	size_t rows = table_rows(table), *widths = xcalloc(table->columns, sizeof *widths);
	for (size_t i = 0; i < rows * table->columns; i++) {
		size_t w = width(table->cells[i]);
		if (w > widths[i % table->columns])
			widths[i % table->columns] = w;
	}
	for (size_t row = 0; row < rows; row++) {
		const char *code = !color ? "" : table->heading && row == 0 ? "\033[1m" : table->dim[row] ? "\033[2m" : "";
		print_row(table, row, widths, code, *code ? "\033[0m" : "");
	}
	free(widths);
	table_free(table_p);
}
