/* A stranger's file name and User-Agent against the real templates. The first byte says which: 0 a name, 1 an agent, 2 a pattern, a newline
 * and a name; otherwise all of it is both. */
#include "fuzz.h"
#include "identify.h"

#include <stdio.h>
#include <string.h>

static const struct catalogue *real_catalogue(void)
{
	static struct catalogue *catalogue;
	if (!catalogue) {
		struct error error = {0};
		char path[4096];
		const char *srcdir = getenv("srcdir");
		snprintf(path, sizeof path, "%s/templates", srcdir ? srcdir : ".");
		catalogue = catalogue_load(path, &error);
		if (!catalogue) {
			fprintf(stderr, "%s\n", error.message);
			exit(EXIT_FAILURE);
		}
	}
	return catalogue;
}

static void check_mac(bool has_mac, const struct mac *mac)
{
	struct mac again;
	FUZZ_CHECK(!has_mac || (strlen(mac->digits) == MAC_DIGITS && mac_parse(mac->digits, MAC_DIGITS, &again)));
}

static void try_name(const char *name, size_t size)
{
	struct identify_file file;
	bool found = identify_file(real_catalogue(), name, size, &file);
	FUZZ_CHECK(found == (file.rule != NULL) && found == (file.vendor != NULL));
	check_mac(file.has_mac, &file.mac);
	FUZZ_CHECK(!found || identify_vendor_file(file.vendor, name, size) == file.rule);
}

static void check_text(const char *text)
{
	FUZZ_CHECK(memchr(text, 0, IDENTIFY_TEXT_MAX));
	for (; *text; text++)
		FUZZ_CHECK(*text >= ' ' && *text <= '~');
}

static void try_agent(const char *agent, size_t size)
{
	struct identify_agent found;
	bool good = identify_agent(real_catalogue(), agent, size, &found);
	FUZZ_CHECK(good == (found.rule != NULL) && good == (found.vendor != NULL));
	FUZZ_CHECK(!found.model || found.model->vendor == found.vendor);
	check_mac(found.has_mac, &found.mac);
	check_text(found.model_name);
	check_text(found.firmware);
}

/* A pattern that passes the check may be matched against anything. */
static void try_pattern(const char *bytes, size_t size)
{
	char pattern[256];
	const char *newline = memchr(bytes, '\n', size);
	size_t length = newline ? (size_t)(newline - bytes) : 0;
	if (!newline || length >= sizeof pattern || memchr(bytes, 0, length))
		return;
	memcpy(pattern, bytes, length);
	pattern[length] = 0;
	identify_check_pattern(pattern, true, NULL);
	if (identify_check_pattern(pattern, false, NULL) == ERROR_NONE) {
		struct mac mac;
		bool has_mac;
		identify_match_file(pattern, newline + 1, size - length - 1, &mac, &has_mac);
		check_mac(has_mac, &mac);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *text = (const char *)bytes;
	if (size && bytes[0] == 0) {
		try_name(text + 1, size - 1);
	} else if (size && bytes[0] == 1) {
		try_agent(text + 1, size - 1);
	} else if (size && bytes[0] == 2) {
		try_pattern(text + 1, size - 1);
	} else {
		try_name(text, size);
		try_agent(text, size);
	}
	return 0;
}
