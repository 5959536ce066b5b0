/* Any bytes as a configuration file, a dictionary, a list of time zones, and as a vendor's folder (vendor.ini, models.ini and maps.ini, with
 * lines "---" between them): each is taken whole or refused with a message, and what was taken as configuration prints and reads back. */
#include "catalogue.h"
#include "conf.h"
#include "fuzz.h"
#include "ini.h"
#include "setting.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of these bytes that lives in memory; its path goes into `path`. */
static int memory_file(const void *bytes, size_t size, char path[32])
{
	int file = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_CHECK(file >= 0 && write(file, bytes, size) == (ssize_t)size);
	snprintf(path, 32, "/proc/self/fd/%d", file);
	return file;
}

static void try_ini(const char *path)
{
	struct error error = {0};
	struct ini *ini = ini_open(path, &error);
	FUZZ_CHECK((ini == NULL) == (error.code != ERROR_NONE));
	for (size_t i = 0; ini && i < ini_section_count(ini); i++) {
		const char *section = ini_section(ini, i);
		FUZZ_CHECK(ini_line(ini, section, NULL) > 0);
		for (size_t k = 0; k < ini_key_count(ini, section); k++) {
			const char *key = ini_key(ini, section, k);
			FUZZ_CHECK(ini_get(ini, section, key) && ini_line(ini, section, key) > ini_line(ini, section, NULL));
		}
	}
	ini_close(&ini);
}

/* What conf_print writes is read as the same. */
static void check_print(const struct conf *conf)
{
	char *text = NULL, *again = NULL, path[32];
	size_t size = 0, again_size = 0;
	struct error error = {0};
	FILE *out = open_memstream(&text, &size);
	FUZZ_CHECK(out != NULL);
	conf_print(conf, false, out);
	fclose(out);
	int file = memory_file(text, size, path);
	struct conf *read = conf_load(path, &error);
	FUZZ_CHECK(read != NULL);
	out = open_memstream(&again, &again_size);
	FUZZ_CHECK(out != NULL);
	conf_print(read, false, out);
	fclose(out);
	FUZZ_CHECK(size == again_size && memcmp(text, again, size) == 0);
	conf_free(&read);
	close(file);
	free(text);
	free(again);
}

/* ---------------------------------------------------------------- a vendor's folder */

static char folder[] = "/tmp/dialtone-fuzz-XXXXXX";

static void write_file(const char *name, const void *bytes, size_t size)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	FUZZ_CHECK(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static const char *const folder_files[] = {"v/vendor.ini", "v/models.ini", "v/maps.ini", "v/t.tmpl", "settings.ini", "timezones.tsv", "v", ""};

static void remove_folder(void)
{
	char path[128];
	for (size_t i = 0; i < sizeof folder_files / sizeof *folder_files; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, folder_files[i]);
		remove(path);
	}
}

static void make_folder(void)
{
	static const char settings[] = "[a]\ntype = bool\nscope = line\ndescription = d\n", zones[] = "UTC\tUTC0\n", template[] = "a = {{a:-b}}\n";
	char path[128];
	FUZZ_CHECK(mkdtemp(folder));
	atexit(remove_folder);
	snprintf(path, sizeof path, "%s/v", folder);
	FUZZ_CHECK(mkdir(path, 0700) == 0);
	write_file("settings.ini", settings, sizeof settings - 1);
	write_file("timezones.tsv", zones, sizeof zones - 1);
	write_file("v/t.tmpl", template, sizeof template - 1);
}

static void try_vendor(const char *text, size_t size)
{
	static bool made;
	struct error error = {0};
	if (!made)
		make_folder();
	made = true;
	for (int i = 0; i < 3; i++) {
		const char *mark = size ? memmem(text, size, "\n---\n", 5) : NULL;
		size_t part = mark ? (size_t)(mark - text) + 1 : size;
		write_file(folder_files[i], text, part);
		text += mark ? part + 4 : part;
		size -= mark ? part + 4 : part;
	}
	struct catalogue *catalogue = catalogue_load(folder, &error);
	FUZZ_CHECK((catalogue == NULL) == (error.code != ERROR_NONE));
	catalogue_free(&catalogue);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char path[32];
	struct error error = {0};
	int file = memory_file(bytes, size, path);
	try_ini(path);
	struct conf *conf = conf_load(path, &error);
	if (conf)
		check_print(conf);
	conf_free(&conf);
	struct dictionary *dictionary = dictionary_load(path, &error);
	dictionary_free(&dictionary);
	struct timezones *zones = timezones_load(path, &error);
	timezones_free(&zones);
	close(file);
	try_vendor((const char *)bytes, size);
	return 0;
}
