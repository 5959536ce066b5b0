#include "keyring.h"

#include "hex.h"
#include "xalloc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX 8192

static const char *const purposes[KEY_PURPOSES] = {
	[KEY_TOKEN] = "dialtone token",
	[KEY_ETAG] = "dialtone etag",
	[KEY_BODY] = "dialtone body digest",
	[KEY_DERIVED_SECRET] = "dialtone derived secret",
	[KEY_PACK] = "dialtone pack",
	[KEY_SEAL] = "dialtone seal",
	[KEY_NONCE] = "dialtone nonce",
};

static bool derive(const unsigned char master[KEY_SIZE], enum key_purpose purpose, unsigned char key_r[KEY_SIZE])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)master, KEY_SIZE),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)purposes[purpose], strlen(purposes[purpose])),
		OSSL_PARAM_construct_end(),
	};
	bool good = context && EVP_KDF_derive(context, key_r, KEY_SIZE, params) == 1;
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return good;
}

bool keyring_id_valid(const char *id, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!id[i] || (!isalnum((unsigned char)id[i]) && !strchr("._-", id[i])))
			return false;
	return length >= 1 && length <= 32;
}

/* A key out of a book or a sample: it counts (000102…, or the same byte throughout), or repeats itself. One that is random does neither but once in 2^128. */
static bool is_sample(const unsigned char key[KEY_SIZE])
{
	bool counts = true, repeats = false;
	for (size_t i = 2; i < KEY_SIZE; i++)
		counts = counts && (unsigned char)(key[i] - key[i - 1]) == (unsigned char)(key[1] - key[0]);
	for (size_t period = 2; period < KEY_SIZE; period *= 2)
		repeats = repeats || memcmp(key, key + period, KEY_SIZE - period) == 0;
	return counts || repeats;
}

/* One line, without its newline. Messages name the line, never what stands on it. samples: keys of samples are taken too. */
static enum error_code parse_line(struct keyring *ring, const char *line, size_t length, unsigned number, bool samples, struct error *error)
{
	while (length && isspace((unsigned char)line[length - 1]))
		length--;
	if (!length || *line == '#')
		return ERROR_NONE;
	const char *blank = memchr(line, ' ', length);
	size_t id_length = blank ? (size_t)(blank - line) : 0;
	if (!blank || !keyring_id_valid(line, id_length) || length - id_length - 1 != 2 * KEY_SIZE)
		return error_set(error, ERROR_SYNTAX, "line %u: a key is `ID HEX`: an ID of at most 32 characters, one blank, 64 hex digits", number);
	if (ring->count == KEYRING_MAX)
		return error_set(error, ERROR_RANGE, "line %u: more than %d keys; take out those that nothing uses any more", number, KEYRING_MAX);
	unsigned char master[KEY_SIZE];
	for (size_t i = 0; i < KEY_SIZE; i++) {
		int high = hex_value(blank[1 + 2 * i]), low = hex_value(blank[2 + 2 * i]);
		if (high < 0 || low < 0)
			return error_set(error, ERROR_SYNTAX, "line %u: not a hex digit in the key", number);
		master[i] = (unsigned char)(high << 4 | low);
	}
	unsigned index = ring->count;
	memcpy(ring->keys[index].id, line, id_length);
	for (unsigned i = 0; i < index; i++)
		if (strcmp(ring->keys[i].id, ring->keys[index].id) == 0)
			return error_set(error, ERROR_SYNTAX, "line %u: the ID %s stands twice", number, ring->keys[i].id);
	if (!samples && is_sample(master)) {
		OPENSSL_cleanse(master, sizeof master);
		return error_set(error, ERROR_DENIED, "line %u: the key %s is one of a sample, which everybody knows; `dialtone keys new` makes a random one", number, ring->keys[index].id);
	}
	bool good = true;
	for (enum key_purpose purpose = 0; purpose < KEY_PURPOSES; purpose++)
		good = good && derive(master, purpose, ring->keys[index].key[purpose]);
	OPENSSL_cleanse(master, sizeof master);
	if (!good)
		return error_set(error, ERROR_SYSTEM, "OpenSSL offers no HKDF-SHA-256");
	ring->count++;
	return ERROR_NONE;
}

static struct keyring *parse(const char *text, size_t length, bool samples, struct error *error)
{
	struct keyring *ring = xcalloc(1, sizeof *ring);
	const char *end = text + length;
	unsigned number = 1;
	for (const char *line = text; line < end; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;
		if (parse_line(ring, line, (size_t)(stop - line), number, samples, error))
			goto fail;
		line = stop + 1;
	}
	if (ring->count)
		return ring;
	error_set(error, ERROR_MISSING, "no key in it; `dialtone keys new` makes one");
fail:
	keyring_free(&ring);
	return NULL;
}

struct keyring *keyring_parse(const char *text, size_t length, struct error *error)
{
	return parse(text, length, true, error);
}

/* The file's bytes (malloc'd), after its owner, mode and size were found right; NULL and *error otherwise. */
static char *read_checked(const char *path, size_t *length_r, struct error *error)
{
	struct stat status;
	char *text = NULL;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status)) {
		error_set(error, ERROR_SYSTEM, "%s: %s%s", path, strerror(errno), errno == ENOENT ? "; `dialtone keys new` makes one" : "");
		goto out;
	}
	if (!S_ISREG(status.st_mode) || status.st_nlink != 1 || (status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & 037)) {
		error_set(error, ERROR_DENIED, "%s: a key file must be a plain file with one name, owned by root or the user that reads it, mode 0600 or 0640 at most",
			path);
		goto out;
	}
	if (status.st_size > FILE_MAX) {
		error_set(error, ERROR_RANGE, "%s: %lld bytes are no key file", path, (long long)status.st_size);
		goto out;
	}
	text = xmalloc(FILE_MAX + 1);
	ssize_t got = 0, size = 0;
	while (size < FILE_MAX && (got = read(fd, text + size, (size_t)(FILE_MAX - size))) > 0)
		size += got;
	if (got < 0) {
		error_set(error, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
		OPENSSL_cleanse(text, FILE_MAX);
		free(text);
		text = NULL;
	}
	*length_r = (size_t)size;
out:
	if (fd >= 0)
		close(fd);
	return text;
}

struct keyring *keyring_load(const char *path, struct error *error)
{
	size_t length;
	char *text = read_checked(path, &length, error);
	if (!text)
		return NULL;
	struct keyring *ring = parse(text, length, false, error);
	if (!ring)
		error_prefix(error, "%s", path);
	OPENSSL_cleanse(text, FILE_MAX);
	free(text);
	return ring;
}

char *keyring_path(const char *configured, struct error *error)
{
	static const char prefix[] = "credential:";
	const char *directory = getenv("CREDENTIALS_DIRECTORY"), *name = configured;
	if (*name == '/')
		return xstrdup(name);
	if (strncmp(name, prefix, sizeof prefix - 1) == 0)
		name += sizeof prefix - 1;
	if (!directory || *directory != '/') {
		error_set(error, ERROR_MISSING, *configured ? "keys.file = %s: this program has no credentials; give LoadCredential in its unit, or a path"
			: "keys.file is empty%s, and systemd gave no credential `keys`; `dialtone keys new FILE` makes a key ring", configured);
		return NULL;
	}
	return xasprintf("%s/%s", directory, *name ? name : "keys");
}

struct keyring *keyring_load_configured(const char *configured, struct error *error)
{
	char *path = keyring_path(configured, error);
	struct keyring *ring = path ? keyring_load(path, error) : NULL;
	free(path);
	return ring;
}

void keyring_free(struct keyring **keyring)
{
	if (*keyring)
		OPENSSL_cleanse(*keyring, sizeof **keyring);
	free(*keyring);
	*keyring = NULL;
}

const unsigned char *keyring_newest(const struct keyring *keyring, enum key_purpose purpose)
{
	return keyring->keys[keyring->count - 1].key[purpose];
}

/* Put the file in its place at once. `like`: its owner and mode stay what they were (the service's group may read it); NULL: it is new. */
static enum error_code write_all(const char *path, const char *text, size_t length, const struct stat *like, struct error *error)
{
	char *temporary = xasprintf("%s.new", path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good = fd >= 0 && (!like || (fchown(fd, like->st_uid, like->st_gid) == 0 && fchmod(fd, like->st_mode & 0777) == 0)) &&
		    write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
	int saved = errno;
	if (fd >= 0 && close(fd) && good) {
		saved = errno;
		good = false;
	}
	if (good && rename(temporary, path)) {
		saved = errno;
		good = false;
	}
	if (!good && fd >= 0)
		unlink(temporary);
	enum error_code code = good ? ERROR_NONE : error_set(error, ERROR_SYSTEM, "%s: %s%s", fd < 0 ? temporary : path, strerror(saved),
		fd < 0 && saved == EEXIST ? "; it is left over from a run that was broken off: remove it" : "");
	free(temporary);
	return code;
}

enum error_code keyring_add(const char *path, char id_r[33], struct error *error)
{
	unsigned char random[KEY_SIZE + 3];
	struct error ignored;
	char old[FILE_MAX + 1], date[16];
	size_t length = 0;
	struct stat status;
	bool there = stat(path, &status) == 0;
	if (there) {
		/* What is there must be a good key ring: nothing is appended to another file by mistake. */
		struct keyring *ring = keyring_load(path, error);
		if (!ring)
			return error ? error->code : ERROR_SYNTAX;
		bool full = ring->count == KEYRING_MAX;
		keyring_free(&ring);
		if (full)
			return error_set(error, ERROR_RANGE, "%s: holds %d keys already; take out those that nothing uses any more", path, KEYRING_MAX);
		char *text = read_checked(path, &length, error);
		if (!text)
			return error ? error->code : ERROR_SYSTEM;
		memcpy(old, text, length);
		OPENSSL_cleanse(text, FILE_MAX);
		free(text);
	}
	if (RAND_bytes(random, sizeof random) != 1)
		return error_set(error, ERROR_SYSTEM, "no random bytes from OpenSSL");
	time_t now = time(NULL);
	struct tm day;
	strftime(date, sizeof date, "%Y%m%d", gmtime_r(&now, &day));
	snprintf(id_r, 33, "k%s-%02x%02x%02x", date, random[KEY_SIZE], random[KEY_SIZE + 1], random[KEY_SIZE + 2]);

	char text[FILE_MAX + 256];
	memcpy(text, old, length);
	if (length && old[length - 1] != '\n')
		text[length++] = '\n';
	length += (size_t)sprintf(text + length, "%s ", id_r);
	for (size_t i = 0; i < KEY_SIZE; i++)
		length += (size_t)sprintf(text + length, "%02x", random[i]);
	text[length++] = '\n';
	enum error_code code = length > FILE_MAX ? error_set(error, ERROR_RANGE, "%s: too long", path)
						 : write_all(path, text, length, there ? &status : NULL, error ? error : &ignored);
	OPENSSL_cleanse(random, sizeof random);
	OPENSSL_cleanse(text, sizeof text);
	OPENSSL_cleanse(old, sizeof old);
	return code;
}
