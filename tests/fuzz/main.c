/* Without a fuzzer engine: run the target over every file of the folders and files that are named, by make check over its corpus. A crash
 * that was ever found becomes a file there. With --enable-fuzzer libFuzzer brings its own main. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX ((size_t)1 << 20)

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return 0;
	}
	char *bytes = malloc(INPUT_MAX);
	size_t size = bytes ? fread(bytes, 1, INPUT_MAX, file) : 0;
	fclose(file);
	/* Of the exact size, so that a sanitizer sees a read behind its end. */
	uint8_t *exact = malloc(size ? size : 1);
	if (!bytes || !exact)
		abort();
	memcpy(exact, bytes, size);
	free(bytes);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 1;
}

static int run_folder(const char *path)
{
	DIR *folder = opendir(path);
	int count = 0;
	if (!folder) {
		perror(path);
		return 0;
	}
	for (struct dirent *entry; (entry = readdir(folder));) {
		char *name = NULL;
		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&name, "%s/%s", path, entry->d_name) < 0)
			abort();
		count += run_file(name);
		free(name);
	}
	closedir(folder);
	return count;
}

/* FUZZ_TARGET is set by local.mk, $srcdir by automake. */
int main(int argc, char **argv)
{
	struct stat status;
	int count = 0;
	if (argc < 2) {
		const char *srcdir = getenv("srcdir");
		char *path = NULL;
		if (asprintf(&path, "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", FUZZ_TARGET) < 0)
			abort();
		count = run_folder(path);
		free(path);
	}
	for (int i = 1; i < argc; i++)
		count += stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
	printf("%d inputs\n", count);
	return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
