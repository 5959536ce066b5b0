/* unit.h - what the check programs here share: tables, temporary files, one main.
 *
 * A test is a row of a table; START_TEST bodies use `_i` as the row's index and name it in their message. Files that a test makes lie in a
 * folder of its own, which the parent removes when all tests are over. Paths of the source tree begin with $srcdir, which automake sets. */
#ifndef DIALTONE_UNIT_H
#define DIALTONE_UNIT_H

#include <check.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS(table) (sizeof(table) / sizeof *(table))

struct unit {
	const TTest *test;
	size_t rows; /* how often, with _i from 0; 0: once */
};

static char unit_folder[64];

static inline int unit_remove(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status, (void)type, (void)where;
	return remove(path);
}

/* The path of a file of the source tree; in a static buffer that the next call overwrites. */
static inline const char *unit_source(const char *name)
{
	static char path[4096];
	const char *srcdir = getenv("srcdir");
	snprintf(path, sizeof path, "%s/%s", srcdir ? srcdir : ".", name);
	return path;
}

/* The path of a file in this program's own folder; static too. */
static inline const char *unit_path(const char *name)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/%s", unit_folder, name);
	return path;
}

/* Write `size` bytes to a file in this program's own folder, with the folders above it. Returns unit_path(name). */
static inline const char *unit_write_bytes(const char *name, const void *bytes, size_t size)
{
	char folder[512];
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof folder, "%s/%.*s", unit_folder, (int)(slash - name), name);
		mkdir(folder, 0700);
	}
	FILE *file = fopen(unit_path(name), "w");
	ck_assert_msg(file != NULL, "cannot write %s", unit_path(name));
	ck_assert(fwrite(bytes, 1, size, file) == size);
	ck_assert(fclose(file) == 0);
	return unit_path(name);
}

static inline const char *unit_write(const char *name, const char *text)
{
	return unit_write_bytes(name, text, strlen(text));
}

/* A message without the program's own folder, wherever it stands in front. */
static inline const char *unit_strip(const char *message)
{
	size_t length = strlen(unit_folder);
	return strncmp(message, unit_folder, length) == 0 && message[length] == '/' ? message + length + 1 : message;
}

static inline int unit_run(const char *name, const struct unit *units, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	const char *temporary = getenv("TMPDIR");
	snprintf(unit_folder, sizeof unit_folder, "%.40s/dialtone-unit-XXXXXX", temporary ? temporary : "/tmp");
	if (!mkdtemp(unit_folder))
		return EXIT_FAILURE;
	for (size_t i = 0; i < count; i++)
		tcase_add_loop_test(tests, units[i].test, 0, units[i].rows ? (int)units[i].rows : 1);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	nftw(unit_folder, unit_remove, 8, FTW_DEPTH | FTW_PHYS);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* UNIT_MAIN("mac", {test_parse, ROWS(parse_rows)}, {test_other, 0}) */
#define UNIT_MAIN(name, ...) \
	int main(void) \
	{ \
		const struct unit units[] = {__VA_ARGS__}; \
		return unit_run(name, units, ROWS(units)); \
	}

#endif
