/* output.h - results for people (aligned columns) and for programs (JSON by jansson). */
#ifndef DIALTONE_OUTPUT_H
#define DIALTONE_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define MASK "********" /* of one length, whatever the secret's */

/* Bytes as text for a terminal: control characters, and everything beyond ASCII if it is no UTF-8, become \xHH. malloc'd. */
char *output_text(const char *bytes, size_t size);
/* A JSON string; bytes that are no UTF-8 come as output_text. NULL bytes: null. */
json_t *output_json(const char *bytes, size_t size);
json_t *output_json_string(const char *text); /* NULL: null */
/* Print and release. */
void output_json_print(json_t *json);

/* Rows are collected, then printed with columns as wide as their widest cell. */
struct table;
struct table *table_new(unsigned columns);
/* Copies and makes it printable. NULL or "": empty. */
void table_cell(struct table *table, const char *text);
void table_cell_bytes(struct table *table, const char *bytes, size_t size);
void table_cellf(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The row that the last cell belongs to is dimmed (what was beaten) where colour is on. */
void table_dim(struct table *table);
/* The first row is a heading. */
void table_heading(struct table *table);
/* Print to stdout, then free and clear. */
void table_print(struct table **table, bool color);
void table_free(struct table **table);
size_t table_rows(const struct table *table);

#endif
