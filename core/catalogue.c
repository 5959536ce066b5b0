#include "catalogue.h"

#include "catalogue-private.h"
#include "template.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)4 << 20)
#define DIGEST_BYTES 32u

/* ---------------------------------------------------------------- files and their digests */

static enum error_code read_stream(FILE *file, const char *path, char **text_r, size_t *length_r, struct error *error)
{
	size_t room = 16384, length = 0;
	char *text = xmalloc(room);
	errno = 0;
	for (size_t got; (got = fread(text + length, 1, room - length - 1, file)) > 0;) {
		length += got;
		if (length > FILE_BYTES_MAX) {
			free(text);
			return error_set(error, ERROR_RANGE, "%s: larger than %zu bytes", path, FILE_BYTES_MAX);
		}
		if (room - length < 2)
			text = xreallocarray(text, room *= 2, 1);
	}
	if (ferror(file)) {
		free(text);
		return error_set(error, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
	}
	text[length] = 0;
	*text_r = text;
	*length_r = length;
	return ERROR_NONE;
}

char *catalogue_read_file(const char *path, size_t *length_r, struct error *error)
{
	char *text = NULL;
	FILE *file = fopen(path, "re");
	if (!file) {
		error_set(error, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (read_stream(file, path, &text, length_r, error))
		text = NULL;
	fclose(file);
	return text;
}

static void hex(const unsigned char *bytes, size_t size, char *out)
{
	for (size_t i = 0; i < size; i++) {
		out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	out[2 * size] = 0;
}

static enum error_code sha256(const void *bytes, size_t size, unsigned char *digest_r, struct error *error)
{
	if (EVP_Digest(bytes, size, digest_r, NULL, EVP_sha256(), NULL) != 1)
		return error_set(error, ERROR_SYSTEM, "libcrypto cannot compute SHA-256");
	return ERROR_NONE;
}

/* Names found while walking the folder; malloc'd, sorted at the end. */
struct names {
	char **list;
	uint32_t count;
};

static void add_name(struct names *names, char *name)
{
	names->list = xreallocarray(names->list, names->count + 1, sizeof *names->list);
	names->list[names->count++] = name;
}

static void free_names(struct names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct names){0};
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), wanted = strlen(end);
	return length > wanted && strcmp(name + length - wanted, end) == 0;
}

/* Entries of a folder that `wanted` likes, as "prefix" + name, sorted. Hidden ones (an editor's) are none. */
static enum error_code list_folder(const char *path, const char *prefix, bool (*wanted)(const char *folder, const char *name),
	struct names *names, struct error *error)
{
	DIR *folder = opendir(path);
	if (!folder)
		return error_set(error, ERROR_SYSTEM, "%s: %s", path, strerror(errno));
	errno = 0;
	for (struct dirent *entry; (entry = readdir(folder));)
		if (entry->d_name[0] != '.' && wanted(path, entry->d_name))
			add_name(names, xasprintf("%s%s", prefix, entry->d_name));
	closedir(folder);
	if (names->count)
		qsort(names->list, names->count, sizeof *names->list, compare_names);
	return ERROR_NONE;
}

static bool is_vendor(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s/vendor.ini", folder, name);
	bool found = access(path, F_OK) == 0;
	free(path);
	return found;
}

static bool is_vendor_file(const char *folder, const char *name)
{
	(void)folder;
	return ends_with(name, ".ini") || ends_with(name, ".tmpl");
}

/* settings.ini, timezones.tsv and all that vendors' folders hold, sorted. */
static enum error_code list_files(const char *directory, const struct names *vendors, struct names *files, struct error *error)
{
	enum error_code code = ERROR_NONE;
	add_name(files, xstrdup("settings.ini"));
	add_name(files, xstrdup("timezones.tsv"));
	for (uint32_t i = 0; i < vendors->count && !code; i++) {
		char *path = xasprintf("%s/%s", directory, vendors->list[i]), *prefix = xasprintf("%s/", vendors->list[i]);
		code = list_folder(path, prefix, is_vendor_file, files, error);
		free(prefix);
		free(path);
	}
	qsort(files->list, files->count, sizeof *files->list, compare_names);
	return code;
}

static enum error_code digest_file(const char *directory, const char *name, char *hex_r, struct error *error)
{
	unsigned char digest[DIGEST_BYTES];
	size_t length = 0;
	char *path = xasprintf("%s/%s", directory, name);
	char *text = catalogue_read_file(path, &length, error);
	enum error_code code = text ? sha256(text, length, digest, error) : ERROR_SYSTEM;
	if (!code)
		hex(digest, sizeof digest, hex_r);
	free(text);
	free(path);
	return code;
}

/* Each file's digest, and one over "name\0digest\n" of all. */
static enum error_code digest_files(const char *directory, const struct names *names, struct catalogue_file *files, unsigned char *total_r,
	struct error *error)
{
	EVP_MD_CTX *total = EVP_MD_CTX_new();
	enum error_code code = ERROR_NONE;
	bool good = total && EVP_DigestInit_ex(total, EVP_sha256(), NULL) == 1;
	for (uint32_t i = 0; i < names->count && good && !code; i++) {
		code = digest_file(directory, names->list[i], files[i].digest, error);
		if (!code)
			good = EVP_DigestUpdate(total, names->list[i], strlen(names->list[i]) + 1) == 1 &&
			       EVP_DigestUpdate(total, files[i].digest, 64) == 1 && EVP_DigestUpdate(total, "\n", 1) == 1;
	}
	good = good && EVP_DigestFinal_ex(total, total_r, NULL) == 1;
	EVP_MD_CTX_free(total);
	if (!good && !code)
		code = error_set(error, ERROR_SYSTEM, "libcrypto cannot compute SHA-256");
	return code;
}

/* ---------------------------------------------------------------- loading */

struct load {
	struct catalogue *catalogue;
	const char *directory;
	struct names vendors, files;
	struct error *error;
};

static enum error_code take_digests(struct load *load)
{
	struct catalogue *catalogue = load->catalogue;
	struct arena *arena = &catalogue->index->arena;
	enum error_code code = list_folder(load->directory, "", is_vendor, &load->vendors, load->error);
	if (!code)
		code = list_files(load->directory, &load->vendors, &load->files, load->error);
	if (code)
		return code;
	catalogue->file_count = load->files.count;
	catalogue->files = arena_array(arena, catalogue->file_count, sizeof *catalogue->files);
	for (uint32_t i = 0; i < catalogue->file_count; i++)
		catalogue->files[i].name = arena_strdup(arena, load->files.list[i]);
	return digest_files(load->directory, &load->files, catalogue->files, catalogue->digest, load->error);
}

/* The digest must be that of what was loaded: someone may be copying files in just now. */
static enum error_code check_digests(struct load *load)
{
	unsigned char again[DIGEST_BYTES];
	struct catalogue_file *files = xcalloc(load->files.count, sizeof *files);
	enum error_code code = digest_files(load->directory, &load->files, files, again, load->error);
	if (!code && memcmp(again, load->catalogue->digest, sizeof again) != 0)
		code = error_set(load->error, ERROR_SYSTEM, "%s: a file changed while it was read; try again", load->directory);
	free(files);
	return code;
}

/* A file of the directory by the loader of its kind. */
static const struct setting *find_setting(const struct catalogue *catalogue, const char *name)
{
	return dictionary_find(catalogue->dictionary, name, strlen(name));
}

static enum error_code load_common(struct load *load)
{
	struct catalogue *catalogue = load->catalogue;
	char *path = xasprintf("%s/timezones.tsv", load->directory);
	catalogue->timezones = timezones_load(path, load->error);
	free(path);
	if (!catalogue->timezones)
		return ERROR_SYNTAX;
	path = xasprintf("%s/settings.ini", load->directory);
	catalogue->dictionary = dictionary_load(path, load->error);
	free(path);
	if (!catalogue->dictionary)
		return ERROR_SYNTAX;
	catalogue->encryption = find_setting(catalogue, "provisioning.encryption");
	catalogue->encryption_announce = find_setting(catalogue, "provisioning.encryption_announce");
	catalogue->encryption_key = find_setting(catalogue, "provisioning.encryption_key");
	catalogue->encryption_rsa_key = find_setting(catalogue, "provisioning.encryption_rsa_key");
	for (uint32_t i = 0; i < catalogue->dictionary->count; i++) {
		const struct setting *setting = &catalogue->dictionary->settings[i];
		if (setting->type == SETTING_TIMEZONE && setting->fallback &&
			setting_check(setting, catalogue->timezones, setting->fallback, setting->fallback_length, load->error))
			return error_prefix(load->error, "%s/settings.ini", load->directory);
	}
	return ERROR_NONE;
}

static enum error_code load_vendors(struct load *load)
{
	struct catalogue *catalogue = load->catalogue;
	struct arena *arena = &catalogue->index->arena;
	enum error_code code = ERROR_NONE;
	catalogue->vendors = arena_array(arena, load->vendors.count, sizeof *catalogue->vendors);
	for (uint32_t i = 0; i < load->vendors.count && !code; i++) {
		struct vendor *vendor = &catalogue->vendors[i];
		char *folder = xasprintf("%s/%s", load->directory, load->vendors.list[i]);
		vendor->id = arena_strdup(arena, load->vendors.list[i]);
		vendor->index = i;
		catalogue->vendor_count = i + 1;
		strmap_put(&catalogue->index->vendors, vendor->id, strlen(vendor->id), i);
		code = vendor_load(&(struct vendor_loader){
			.catalogue = catalogue, .vendor = vendor, .directory = folder, .error = load->error});
		free(folder);
	}
	return code;
}

static int compare_ouis(const void *a, const void *b)
{
	const struct oui_owner *left = a, *right = b;
	return left->oui < right->oui ? -1 : left->oui > right->oui;
}

/* Of six lower-case hex digits. */
static uint32_t oui_value(const char *digits)
{
	uint32_t value = 0;
	for (int i = 0; i < 6; i++)
		value = value << 4 | (uint32_t)(digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10);
	return value;
}

static enum error_code index_ouis(struct load *load)
{
	struct catalogue *catalogue = load->catalogue;
	struct catalogue_index *index = catalogue->index;
	uint32_t total = 0;
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		total += catalogue->vendors[i].oui_count;
	index->ouis = arena_array(&index->arena, total, sizeof *index->ouis);
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		for (uint32_t k = 0; k < catalogue->vendors[i].oui_count; k++)
			index->ouis[index->oui_count++] = (struct oui_owner){.oui = oui_value(catalogue->vendors[i].ouis[k]), .vendor = i};
	qsort(index->ouis, total, sizeof *index->ouis, compare_ouis);
	for (uint32_t i = 1; i < total; i++)
		if (index->ouis[i].oui == index->ouis[i - 1].oui)
			return error_set(load->error, ERROR_SYNTAX, "%s: MAC range %06x belongs to both %s/vendor.ini and %s/vendor.ini",
				load->directory, index->ouis[i].oui, catalogue->vendors[index->ouis[i - 1].vendor].id,
				catalogue->vendors[index->ouis[i].vendor].id);
	return ERROR_NONE;
}

/* "yealink/sip-t46s": agents of two vendors may have the same name. */
static void index_agents(struct catalogue_index *index, const struct model *model, uint32_t number)
{
	for (uint32_t i = 0; i < model->agent_count; i++) {
		char *key = arena_printf(&index->arena, "%s/%s", model->vendor->id, model->agents[i]);
		for (char *c = key; *c; c++)
			*c = ascii_lower(*c);
		strmap_put(&index->agents, key, strlen(key), number);
	}
}

static void index_models(struct catalogue *catalogue)
{
	struct catalogue_index *index = catalogue->index;
	uint32_t total = 0;
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		total += catalogue->vendors[i].model_count;
	index->all_models = arena_array(&index->arena, total, sizeof *index->all_models);
	for (uint32_t i = 0; i < catalogue->vendor_count; i++)
		for (uint32_t k = 0; k < catalogue->vendors[i].model_count; k++) {
			const struct model *model = &catalogue->vendors[i].models[k];
			strmap_put(&index->models, model->id, strlen(model->id), index->model_count);
			index_agents(index, model, index->model_count);
			index->all_models[index->model_count++] = model;
		}
}

/* Model ids are VENDOR-ID; vendors "a" and "a-b" could make the same one. */
static enum error_code check_model_ids(const struct load *load)
{
	const struct catalogue *catalogue = load->catalogue;
	for (uint32_t i = 0; i < catalogue->index->model_count; i++) {
		const struct model *model = catalogue->index->all_models[i];
		const struct model *found = catalogue_model(catalogue, model->id, strlen(model->id));
		if (found != model)
			return error_set(load->error, ERROR_SYNTAX, "%s: model `%s` is in both %s/models.ini and %s/models.ini", load->directory,
				model->id, model->vendor->id, found->vendor->id);
	}
	return ERROR_NONE;
}

static enum error_code load_all(struct load *load)
{
	enum error_code code = take_digests(load);
	if (!code)
		code = load_common(load);
	if (!code)
		code = load_vendors(load);
	if (!code)
		code = index_ouis(load);
	if (code)
		return code;
	index_models(load->catalogue);
	identify_index(load->catalogue);
	code = check_model_ids(load);
	return code ? code : check_digests(load);
}

struct catalogue *catalogue_load(const char *directory, struct error *error)
{
	struct catalogue *catalogue = xcalloc(1, sizeof *catalogue);
	struct load load = {.catalogue = catalogue, .directory = directory, .error = error};
	catalogue->index = xcalloc(1, sizeof *catalogue->index);
	arena_init(&catalogue->index->arena);
	if (load_all(&load))
		catalogue_free(&catalogue);
	free_names(&load.vendors);
	free_names(&load.files);
	return catalogue;
}

void catalogue_free(struct catalogue **catalogue)
{
	if (!*catalogue)
		return;
	struct catalogue_index *index = (*catalogue)->index;
	for (uint32_t i = 0; i < index->template_count; i++)
		template_free(&index->templates[i]);
	free(index->templates);
	for (uint32_t i = 0; i < (*catalogue)->vendor_count; i++)
		vendor_deinit(&(*catalogue)->vendors[i]);
	strmap_deinit(&index->vendors);
	strmap_deinit(&index->models);
	strmap_deinit(&index->agents);
	dictionary_free(&(*catalogue)->dictionary);
	timezones_free(&(*catalogue)->timezones);
	arena_deinit(&index->arena);
	free(index);
	free(*catalogue);
	*catalogue = NULL;
}

/* ---------------------------------------------------------------- looking up */

const struct vendor *catalogue_vendor(const struct catalogue *catalogue, const char *id, size_t length)
{
	uint32_t index = strmap_get(&catalogue->index->vendors, id, length);
	return index == STRMAP_NONE ? NULL : &catalogue->vendors[index];
}

const struct model *catalogue_model(const struct catalogue *catalogue, const char *id, size_t length)
{
	uint32_t index = strmap_get(&catalogue->index->models, id, length);
	return index == STRMAP_NONE ? NULL : catalogue->index->all_models[index];
}

const struct vendor *catalogue_vendor_of_mac(const struct catalogue *catalogue, const struct mac *mac)
{
	const struct oui_owner *ouis = catalogue->index->ouis;
	uint32_t wanted = oui_value(mac->digits), low = 0, high = catalogue->index->oui_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ouis[middle].oui < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low < catalogue->index->oui_count && ouis[low].oui == wanted ? &catalogue->vendors[ouis[low].vendor] : NULL;
}

/* Numbers beyond 32 bits are all equally large. */
static uint32_t take_number(const char **at)
{
	uint64_t value = 0;
	while (**at && (**at < '0' || **at > '9'))
		(*at)++;
	for (; **at >= '0' && **at <= '9'; (*at)++)
		if (value < UINT32_MAX)
			value = value * 10 + (uint64_t)(**at - '0');
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

bool catalogue_version_below(const char *version, const char *limit)
{
	while (*version || *limit) {
		uint32_t left = take_number(&version), right = take_number(&limit);
		if (left != right)
			return left < right;
	}
	return false;
}

const struct model_variant *model_variant_for(const struct model *model, const char *firmware)
{
	const struct model_variant *usual = &model->variants[model->variant_count - 1];
	/* Text without a number says nothing about the version. */
	if (!firmware || !firmware[strcspn(firmware, "0123456789")])
		return usual;
	for (const struct model_variant *variant = model->variants; variant < usual; variant++)
		if (catalogue_version_below(firmware, variant->below))
			return variant;
	return usual;
}

const char *model_constant(const struct model *model, const char *key)
{
	for (uint32_t i = 0; i < model->constants->count; i++)
		if (strcmp(model->constants->list[i].key, key) == 0)
			return model->constants->list[i].value;
	return NULL;
}

const struct map *vendor_map(const struct vendor *vendor, const char *name, size_t length)
{
	for (uint32_t i = 0; i < vendor->maps->count; i++) {
		const struct map *map = &vendor->maps->maps[i];
		if (strlen(map->name) == length && memcmp(map->name, name, length) == 0)
			return map;
	}
	return NULL;
}

const char *map_get(const struct map *map, const char *value, size_t length, size_t *length_r)
{
	char folded[MAP_KEY_MAX];
	if (length > sizeof folded)
		return NULL;
	for (size_t i = 0; i < length; i++)
		folded[i] = ascii_lower(value[i]);
	uint32_t index = strmap_get(&map->values, folded, length);
	if (index == STRMAP_NONE)
		return NULL;
	if (length_r)
		*length_r = strlen(map->texts[index]);
	return map->texts[index];
}
