/* One vendor's folder: vendor.ini, maps.ini, models.ini, and its templates compiled for each model. */
#include "catalogue.h"

#include "catalogue-private.h"
#include "certificate.h"
#include "encrypt.h"
#include "identify.h"
#include "ini.h"
#include "number.h"
#include "suggest.h"
#include "template.h"
#include "writer.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define IDENTIFIER_MAX 64u /* bytes of a model_id, as the database has it */
#define VENDOR_ID_MAX 32u
#define CONTENT_TYPE_DEFAULT "text/plain"

/* A section of an ini file that is being read. */
struct reading {
	const struct vendor_loader *loader;
	const struct ini *ini;
	const char *section;
	const char *name; /* behind the keyword: "device" of [file device] */
};

static struct arena *arena_of(const struct reading *reading)
{
	return &reading->loader->catalogue->index->arena;
}

#define fault(reading, key, code, ...) ini_error((reading)->ini, (reading)->section, key, code, (reading)->loader->error, __VA_ARGS__)

/* The key's value, or NULL; lives as long as the ini. */
static const char *value_of(const struct reading *reading, const char *key)
{
	return ini_get(reading->ini, reading->section, key);
}

/* A copy that lives as long as the catalogue; NULL where the key is not there or empty. */
static const char *text_of(const struct reading *reading, const char *key)
{
	const char *value = value_of(reading, key);
	return value && *value ? arena_strdup(arena_of(reading), value) : NULL;
}

/* What a value lists, copied; NULL-terminated; empty items (", ,") left out. */
static const char **list_of(const struct reading *reading, const char *key, const char *separators, uint32_t *count_r)
{
	const char *value = value_of(reading, key);
	size_t room = 1;
	*count_r = 0;
	if (!value)
		value = "";
	for (const char *c = value; *c; c++)
		room += strchr(separators, *c) != NULL;
	const char **list = arena_array(arena_of(reading), room + 1, sizeof *list);
	while (*(value += strspn(value, separators))) {
		size_t length = strcspn(value, separators);
		const char *item = value;
		value += length;
		while (length && (*item == ' ' || *item == '\t'))
			item++, length--;
		while (length && (item[length - 1] == ' ' || item[length - 1] == '\t'))
			length--;
		if (length)
			list[(*count_r)++] = arena_copy(arena_of(reading), item, length);
	}
	return list;
}

static bool is_identifier(const char *text)
{
	return *text && *text != '.' && *text != '-' && !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-")];
}

/* Every key of the section must be one of `known` (ends with NULL). */
static enum error_code check_keys(const struct reading *reading, const char *const *known)
{
	for (size_t i = 0; i < ini_key_count(reading->ini, reading->section); i++) {
		const char *key = ini_key(reading->ini, reading->section, i);
		struct suggest suggest;
		const char *const *at = known;
		suggest_init(&suggest, key);
		for (; *at && strcmp(*at, key) != 0; at++)
			suggest_try(&suggest, *at);
		if (!*at && suggest.best)
			return fault(reading, key, ERROR_UNKNOWN, "unknown key `%s`; did you mean `%s`?", key, suggest.best);
		if (!*at)
			return fault(reading, key, ERROR_UNKNOWN, "unknown key `%s` in [%s]", key, reading->section);
	}
	return ERROR_NONE;
}

/* ---------------------------------------------------------------- vendor.ini */

static enum error_code load_vendor(const struct reading *reading)
{
	static const char *const known[] = {"name", "oui", NULL};
	struct vendor *vendor = reading->loader->vendor;
	enum error_code code = check_keys(reading, known);
	if (code)
		return code;
	if (!is_identifier(vendor->id) || strlen(vendor->id) > VENDOR_ID_MAX)
		return fault(reading, NULL, ERROR_SYNTAX, "the folder's name `%s` must be at most %u of a-z, 0-9, . _ and -", vendor->id, VENDOR_ID_MAX);
	vendor->name = text_of(reading, "name");
	if (!vendor->name)
		return fault(reading, NULL, ERROR_MISSING, "[vendor] needs a name");
	const char **ouis = list_of(reading, "oui", " \t", &vendor->oui_count);
	vendor->ouis = arena_array(arena_of(reading), vendor->oui_count, sizeof *vendor->ouis);
	for (uint32_t i = 0; i < vendor->oui_count; i++) {
		if (strlen(ouis[i]) != 6 || ouis[i][strspn(ouis[i], "0123456789abcdef")])
			return fault(reading, "oui", ERROR_SYNTAX, "MAC range `%s` is not 6 lower-case hex digits", ouis[i]);
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(ouis[i], ouis[k]) == 0)
				return fault(reading, "oui", ERROR_SYNTAX, "MAC range `%s` is there twice", ouis[i]);
		memcpy(vendor->ouis[i], ouis[i], 7);
	}
	return ERROR_NONE;
}

static enum error_code load_answer(const struct reading *reading, struct file_rule *rule)
{
	static const char *const names[] = {[FILE_DEVICE] = "device", [FILE_COMMON] = "common", [FILE_ABSENT] = "absent"};
	const char *answer = value_of(reading, "answer");
	int index = 0;
	while (index <= FILE_ABSENT && (!answer || strcmp(answer, names[index]) != 0))
		index++;
	if (index > FILE_ABSENT)
		return fault(reading, answer ? "answer" : NULL, ERROR_SYNTAX, "[file %s]: answer must be device, common or absent", reading->name);
	rule->answer = (enum file_answer)index;
	return ERROR_NONE;
}

static enum error_code load_file_rule(const struct reading *reading)
{
	static const char *const known[] = {"pattern", "answer", NULL};
	struct vendor *vendor = reading->loader->vendor;
	struct file_rule *rule = &vendor->files[vendor->file_count++];
	struct error error;
	enum error_code code = check_keys(reading, known);
	if (code)
		return code;
	rule->name = arena_strdup(arena_of(reading), reading->name);
	rule->patterns = list_of(reading, "pattern", " \t", &rule->pattern_count);
	if (!rule->pattern_count)
		return fault(reading, NULL, ERROR_MISSING, "[file %s] needs a pattern", reading->name);
	for (uint32_t i = 0; i < rule->pattern_count; i++)
		if (identify_check_pattern(rule->patterns[i], false, &error))
			return fault(reading, "pattern", error.code, "%s", error.message);
	return load_answer(reading, rule);
}

static enum error_code load_agent_rule(const struct reading *reading)
{
	static const char *const known[] = {"pattern", NULL};
	struct vendor *vendor = reading->loader->vendor;
	struct agent_rule *rule = &vendor->agents[vendor->agent_count++];
	struct error error;
	enum error_code code = check_keys(reading, known);
	if (code)
		return code;
	rule->name = arena_strdup(arena_of(reading), reading->name);
	rule->pattern = text_of(reading, "pattern");
	if (!rule->pattern)
		return fault(reading, NULL, ERROR_MISSING, "[agent %s] needs a pattern", reading->name);
	if (identify_check_pattern(rule->pattern, true, &error))
		return fault(reading, "pattern", error.code, "%s", error.message);
	return ERROR_NONE;
}

static enum error_code load_writer(const struct reading *reading, struct dialect *dialect)
{
	const char *name = value_of(reading, "writer");
	char known[128] = "";
	for (size_t i = 0, used = 0; writer_list[i] && used < sizeof known; i++)
		used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", writer_list[i]->name);
	dialect->writer = name ? writer_find(name) : NULL;
	if (!name)
		return fault(reading, NULL, ERROR_MISSING, "[dialect %s] needs a writer: %s", reading->name, known);
	if (!dialect->writer)
		return fault(reading, "writer", ERROR_UNKNOWN, "unknown writer `%s`; there are %s", name, known);
	return ERROR_NONE;
}

/* A device's key is made for its vendor, whatever firmware asks: so all dialects of a vendor that have encrypted files have the same. */
static enum error_code load_encryption(const struct reading *reading, struct dialect *dialect)
{
	struct vendor *vendor = reading->loader->vendor;
	const char *name = value_of(reading, "encryption");
	if (!name)
		return ERROR_NONE;
	dialect->encryption = encryption_find(name);
	if (!dialect->encryption)
		return fault(reading, "encryption", ERROR_UNKNOWN, "unknown encryption `%s`; there are " ENCRYPTION_NAMES, name);
	if (vendor->encryption && vendor->encryption != dialect->encryption)
		return fault(reading, "encryption", ERROR_SYNTAX, "`%s`: another dialect of this vendor has `%s`", name, vendor->encryption->name);
	vendor->encryption = dialect->encryption;
	return ERROR_NONE;
}

static enum error_code load_dialect(const struct reading *reading)
{
	static const char *const known[] = {"writer", "template", "common_template", "content_type", "header", "root", "footer", "encryption", NULL};
	struct vendor *vendor = reading->loader->vendor;
	struct dialect *dialect = &vendor->dialects[vendor->dialect_count++];
	enum error_code code = check_keys(reading, known);
	if (!code)
		code = load_writer(reading, dialect);
	if (!code)
		code = load_encryption(reading, dialect);
	if (code)
		return code;
	dialect->name = arena_strdup(arena_of(reading), reading->name);
	dialect->vendor = vendor;
	dialect->template_name = text_of(reading, "template");
	dialect->common_template_name = text_of(reading, "common_template");
	dialect->content_type = text_of(reading, "content_type");
	dialect->header = text_of(reading, "header");
	dialect->root = text_of(reading, "root");
	dialect->footer = text_of(reading, "footer");
	if (!dialect->content_type)
		dialect->content_type = CONTENT_TYPE_DEFAULT;
	if (!dialect->template_name)
		return fault(reading, NULL, ERROR_MISSING, "[dialect %s] needs a template", reading->name);
	if (dialect->content_type[strcspn(dialect->content_type, "\r\n")])
		return fault(reading, "content_type", ERROR_SYNTAX, "the content type must be one line");
	return ERROR_NONE;
}

static enum error_code load_certificate_rule(const struct reading *reading)
{
	static const char *const known[] = {"issuer", "subject", NULL};
	struct vendor *vendor = reading->loader->vendor;
	struct certificate_rule *rule = &vendor->certificates[vendor->certificate_count++];
	struct error error;
	enum error_code code = check_keys(reading, known);
	if (code)
		return code;
	rule->name = arena_strdup(arena_of(reading), reading->name);
	rule->issuer = text_of(reading, "issuer");
	rule->subject = text_of(reading, "subject");
	if (!rule->issuer || !rule->subject)
		return fault(reading, NULL, ERROR_MISSING, "[certificate %s] needs issuer and subject", reading->name);
	if (certificate_check_issuer(rule->issuer, &error))
		return fault(reading, "issuer", error.code, "%s", error.message);
	if (identify_check_pattern(rule->subject, false, &error))
		return fault(reading, "subject", error.code, "%s", error.message);
	if (!strstr(rule->subject, "{mac}"))
		return fault(reading, "subject", ERROR_MISSING, "[certificate %s]: without {mac} a subject says nothing about which phone it is", reading->name);
	return ERROR_NONE;
}

/* Which function reads a section, by its first word. */
static const struct section_kind {
	const char *word;
	bool named;
	enum error_code (*load)(const struct reading *reading);
} section_kinds[] = {
	{"vendor", false, load_vendor},
	{"file", true, load_file_rule},
	{"agent", true, load_agent_rule},
	{"certificate", true, load_certificate_rule},
	{"dialect", true, load_dialect},
};

static enum error_code load_section(struct reading *reading)
{
	size_t word = strcspn(reading->section, " \t");
	reading->name = reading->section + word + strspn(reading->section + word, " \t");
	for (size_t i = 0; i < sizeof section_kinds / sizeof *section_kinds; i++) {
		const struct section_kind *kind = &section_kinds[i];
		if (strlen(kind->word) != word || strncmp(reading->section, kind->word, word) != 0 || kind->named != (*reading->name != 0))
			continue;
		if (kind->named && !is_identifier(reading->name))
			return fault(reading, NULL, ERROR_SYNTAX, "[%s]: a name consists of a-z, 0-9, . _ and -", reading->section);
		return kind->load(reading);
	}
	return fault(reading, NULL, ERROR_UNKNOWN, "unknown section [%s]; there are [vendor], [file NAME], [agent NAME], [certificate NAME], [dialect NAME]",
		reading->section);
}

/* What a phone asks for from a vendor that we do not serve, we do not have. */
static void forget_answers(struct vendor *vendor)
{
	for (uint32_t i = 0; i < vendor->file_count && !vendor->dialect_count; i++)
		vendor->files[i].answer = FILE_ABSENT;
}

static enum error_code load_sections(const struct vendor_loader *loader, const struct ini *ini)
{
	struct vendor *vendor = loader->vendor;
	struct arena *arena = &loader->catalogue->index->arena;
	size_t count = ini_section_count(ini);
	enum error_code code = ERROR_NONE;
	vendor->files = arena_array(arena, count, sizeof *vendor->files);
	vendor->agents = arena_array(arena, count, sizeof *vendor->agents);
	vendor->certificates = arena_array(arena, count, sizeof *vendor->certificates);
	vendor->dialects = arena_array(arena, count, sizeof *vendor->dialects);
	for (size_t i = 0; i < count && !code; i++)
		code = load_section(&(struct reading){.loader = loader, .ini = ini, .section = ini_section(ini, i)});
	if (!code && !vendor->name)
		code = ini_error(ini, NULL, NULL, ERROR_MISSING, loader->error, "there is no [vendor] section");
	forget_answers(vendor);
	return code;
}

/* ---------------------------------------------------------------- models.ini */

static enum error_code load_number(const struct reading *reading, const char *key, bool required, long long max, uint32_t *value_r)
{
	const char *text = value_of(reading, key);
	long long value = 0;
	if (!text && required)
		return fault(reading, NULL, ERROR_MISSING, "model `%s` needs %s", reading->section, key);
	if (text && !number_parse(text, required, max, &value))
		return fault(reading, key, ERROR_RANGE, "%s = %s is no number within %d to %lld", key, text, required, max);
	*value_r = (uint32_t)value;
	return ERROR_NONE;
}

static void add_constant(const struct reading *reading, struct model *model, const char *key, const char *value)
{
	if (!model_constant(model, key))
		model->constants->list[model->constants->count++] = (struct model_constant){
			.key = arena_strdup(arena_of(reading), key), .value = arena_strdup(arena_of(reading), value)};
}

/* Every key of the section; and the numbers, also where the section leaves them at 0. */
static void load_constants(const struct reading *reading, struct model *model)
{
	static const char *const numbers[] = {"keys", "modules", "module_keys"};
	const size_t number_count = sizeof numbers / sizeof *numbers;
	size_t count = ini_key_count(reading->ini, reading->section);
	model->constants = arena_alloc(arena_of(reading), sizeof *model->constants);
	model->constants->list = arena_array(arena_of(reading), count + number_count, sizeof *model->constants->list);
	for (size_t i = 0; i < count; i++) {
		const char *key = ini_key(reading->ini, reading->section, i);
		add_constant(reading, model, key, value_of(reading, key));
	}
	for (size_t i = 0; i < number_count; i++)
		add_constant(reading, model, numbers[i], "0");
}

static enum error_code load_numbers(const struct reading *reading, struct model *model)
{
	enum error_code code = load_number(reading, "lines", true, 512, &model->lines);
	if (!code)
		code = load_number(reading, "keys", false, 1024, &model->keys);
	if (!code)
		code = load_number(reading, "modules", false, 64, &model->modules);
	if (!code)
		code = load_number(reading, "module_keys", false, 1024, &model->module_keys);
	return code;
}

static const struct dialect *find_dialect(const struct vendor *vendor, const char *name, size_t length)
{
	for (uint32_t i = 0; i < vendor->dialect_count; i++)
		if (strlen(vendor->dialects[i].name) == length && strncasecmp(vendor->dialects[i].name, name, length) == 0)
			return &vendor->dialects[i];
	return NULL;
}

static enum error_code unknown_dialect(const struct reading *reading, const char *key, const char *name)
{
	const struct vendor *vendor = reading->loader->vendor;
	struct suggest suggest;
	suggest_init(&suggest, name);
	for (uint32_t i = 0; i < vendor->dialect_count; i++)
		suggest_try(&suggest, vendor->dialects[i].name);
	if (suggest.best)
		return fault(reading, key, ERROR_UNKNOWN, "unknown dialect `%s`; did you mean `%s`?", name, suggest.best);
	return fault(reading, key, ERROR_UNKNOWN, "unknown dialect `%s`: vendor.ini has no [dialect %s]", name, name);
}

/* One "VERSION:DIALECT" of `older`. */
static enum error_code load_older(const struct reading *reading, const char *item, struct model *model)
{
	const char *colon = strchr(item, ':');
	if (!colon || colon == item || (size_t)(colon - item) != strspn(item, "0123456789."))
		return fault(reading, "older", ERROR_SYNTAX, "`%s` is not of the form VERSION:DIALECT, such as 81.0:legacy", item);
	struct model_variant *variant = &model->variants[model->variant_count];
	const char *below = arena_copy(arena_of(reading), item, (size_t)(colon - item));
	variant->dialect = find_dialect(reading->loader->vendor, colon + 1, strlen(colon + 1));
	if (!variant->dialect)
		return unknown_dialect(reading, "older", colon + 1);
	if (model->variant_count && !catalogue_version_below(variant[-1].below, below))
		return fault(reading, "older", ERROR_SYNTAX, "`%s`: the oldest version must come first, and each only once", item);
	variant->below = below;
	model->variant_count++;
	return ERROR_NONE;
}

static enum error_code load_variants(const struct reading *reading, struct model *model)
{
	const char *name = value_of(reading, "dialect");
	uint32_t count;
	enum error_code code = ERROR_NONE;
	if (!name)
		return fault(reading, NULL, ERROR_MISSING, "model `%s` needs a dialect", reading->section);
	const struct dialect *usual = find_dialect(reading->loader->vendor, name, strlen(name));
	if (!usual)
		return unknown_dialect(reading, "dialect", name);
	const char **older = list_of(reading, "older", " \t", &count);
	model->variants = arena_array(arena_of(reading), count + 1, sizeof *model->variants);
	for (uint32_t i = 0; i < count && !code; i++)
		code = load_older(reading, older[i], model);
	model->variants[model->variant_count++].dialect = usual;
	return code;
}

static enum error_code check_agents(const struct reading *reading, const struct model *model)
{
	const struct vendor *vendor = reading->loader->vendor;
	for (uint32_t i = 0; i < model->agent_count; i++)
		for (const struct model *other = vendor->models; other <= model; other++)
			for (uint32_t k = 0; k < (other == model ? i : other->agent_count); k++)
				if (strcasecmp(other->agents[k], model->agents[i]) == 0)
					return fault(reading, "agent", ERROR_SYNTAX, "agent `%s` is %s's already", model->agents[i], other->id);
	return ERROR_NONE;
}

/* A file that the vendor's rules do not answer as common would never be served. */
static enum error_code check_common_files(const struct reading *reading, const struct model *model)
{
	for (uint32_t i = 0; i < model->common_file_count; i++) {
		const char *name = model->common_files[i];
		const struct file_rule *rule = identify_vendor_file(model->vendor, name, strlen(name));
		if (!rule || rule->answer != FILE_COMMON)
			return fault(reading, "common_file", ERROR_SYNTAX, "`%s`: no [file] of vendor.ini with answer = common matches it first", name);
	}
	return ERROR_NONE;
}

static enum error_code load_model(const struct reading *reading, struct model *model)
{
	const struct vendor *vendor = reading->loader->vendor;
	model->vendor = vendor;
	model->id = arena_printf(arena_of(reading), "%s-%s", vendor->id, reading->section);
	if (!is_identifier(reading->section) || strlen(model->id) > IDENTIFIER_MAX)
		return fault(reading, NULL, ERROR_SYNTAX, "model `%s`: an id is at most %u of a-z, 0-9, . _ and -", model->id, IDENTIFIER_MAX);
	model->name = text_of(reading, "name");
	if (!model->name)
		return fault(reading, NULL, ERROR_MISSING, "model `%s` needs a name", reading->section);
	model->agents = list_of(reading, "agent", ",", &model->agent_count);
	model->common_files = list_of(reading, "common_file", " \t", &model->common_file_count);
	load_constants(reading, model);
	enum error_code code = load_numbers(reading, model);
	if (!code)
		code = load_variants(reading, model);
	if (!code)
		code = check_agents(reading, model);
	return code ? code : check_common_files(reading, model);
}

/* ---------------------------------------------------------------- templates */

static char *read_template(void *context, const char *name, size_t *length_r, struct error *error)
{
	const struct vendor_loader *loader = context;
	/* A name comes from a template's text: nothing above the folder. */
	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")]) {
		error_set(error, ERROR_SYNTAX, "`%s` is no name of a template (letters, digits, _ and -)", name);
		return NULL;
	}
	char *path = xasprintf("%s/%s.tmpl", loader->directory, name);
	char *text = catalogue_read_file(path, length_r, error);
	free(path);
	return text;
}

/* Compile and keep: the catalogue owns it. NULL and *error. */
static struct template *compile(const struct vendor_loader *loader, const struct model *model, const struct dialect *dialect, const char *name,
	enum layer own, bool common)
{
	struct catalogue_index *index = loader->catalogue->index;
	struct vendor *vendor = loader->vendor;
	char *prefix = xasprintf("%s/", vendor->id);
	struct template_source source = {.read = read_template, .context = (void *)(uintptr_t)loader, .prefix = prefix};
	struct template *template = template_compile(&source, name, vendor, loader->catalogue->dictionary, model, own, common,
		dialect->writer->check_name, loader->error);
	free(prefix);
	if (!template)
		return NULL;
	index->templates = xreallocarray(index->templates, index->template_count + 1, sizeof *index->templates);
	index->templates[index->template_count++] = template;
	template_uses(template, vendor->uses);
	return template;
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* The model's own template is for its usual dialect; older firmware speaks another, so its variants keep their dialect's. */
static enum error_code compile_variant(const struct reading *reading, struct model *model, uint32_t number)
{
	struct model_variant *variant = &model->variants[number];
	const struct dialect *dialect = variant->dialect;
	const char *own = number + 1 == model->variant_count ? value_of(reading, "template") : NULL;
	if (own && !*own)
		return fault(reading, "template", ERROR_SYNTAX, "the template's name is empty");
	/* What an earlier variant of this model has by the same name, writer and layer need not be made again. */
	for (uint32_t i = 0; i < number; i++) {
		const struct model_variant *other = &model->variants[i];
		if (other->dialect->writer != dialect->writer)
			continue;
		if (!own && strcmp(other->dialect->template_name, dialect->template_name) == 0)
			variant->template = other->template;
		if (same_text(other->dialect->common_template_name, dialect->common_template_name))
			variant->common = other->common;
	}
	if (!variant->template)
		variant->template = compile(reading->loader, model, dialect, own ? own : dialect->template_name, own ? LAYER_MODEL : LAYER_VENDOR,
			false);
	if (!variant->template)
		return ERROR_SYNTAX;
	if (dialect->common_template_name && !variant->common)
		variant->common = compile(reading->loader, model, dialect, dialect->common_template_name, LAYER_VENDOR, true);
	return dialect->common_template_name && !variant->common ? ERROR_SYNTAX : ERROR_NONE;
}

static enum error_code compile_model(const struct reading *reading, struct model *model)
{
	enum error_code code = ERROR_NONE;
	for (uint32_t i = 0; i < model->variant_count && !code; i++)
		code = compile_variant(reading, model, i);
	return code;
}

static enum error_code load_models(const struct vendor_loader *loader, const struct ini *ini)
{
	struct vendor *vendor = loader->vendor;
	struct arena *arena = &loader->catalogue->index->arena;
	size_t count = ini_section_count(ini);
	enum error_code code = ERROR_NONE;
	if (!vendor->dialect_count)
		return ini_error(ini, NULL, NULL, ERROR_MISSING, loader->error, "models need a [dialect NAME], and vendor.ini has none");
	if (!count)
		return ini_error(ini, NULL, NULL, ERROR_MISSING, loader->error, "no model in it");
	vendor->models = arena_array(arena, count, sizeof *vendor->models);
	for (size_t i = 0; i < count && !code; i++) {
		struct reading reading = {.loader = loader, .ini = ini, .section = ini_section(ini, i)};
		code = load_model(&reading, &vendor->models[vendor->model_count++]);
		if (!code)
			code = compile_model(&reading, &vendor->models[i]);
	}
	return code;
}

/* ---------------------------------------------------------------- the folder */

/* Open `name` of the folder and read it by `load`. A file that is not required may be missing. */
static enum error_code load_ini(const struct vendor_loader *loader, const char *name, bool required,
	enum error_code (*load)(const struct vendor_loader *loader, const struct ini *ini))
{
	char *path = xasprintf("%s/%s", loader->directory, name);
	enum error_code code = ERROR_NONE;
	if (required || access(path, F_OK) == 0) {
		struct ini *ini = ini_open(path, loader->error);
		code = ini ? load(loader, ini) : ERROR_SYNTAX;
		ini_close(&ini);
	}
	free(path);
	return code;
}

/* Its settings are used by the step behind the writer, whether a template names them or not. */
static void use_encryption(const struct catalogue *all, struct vendor *vendor)
{
	const struct setting *const settings[] = {all->encryption, all->encryption_announce, all->encryption_key,
		vendor->encryption->encrypt_rsa ? all->encryption_rsa_key : NULL};
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		if (settings[i])
			vendor->uses[settings[i]->index] = true;
}

enum error_code vendor_load(const struct vendor_loader *loader)
{
	struct vendor *vendor = loader->vendor;
	struct arena *arena = &loader->catalogue->index->arena;
	vendor->maps = arena_alloc(arena, sizeof *vendor->maps);
	vendor->uses = arena_array(arena, loader->catalogue->dictionary->count, sizeof *vendor->uses);
	enum error_code code = load_ini(loader, "vendor.ini", true, load_sections);
	if (!code && vendor->encryption)
		use_encryption(loader->catalogue, vendor);
	if (!code)
		code = load_ini(loader, "maps.ini", false, vendor_load_maps);
	if (!code)
		code = load_ini(loader, "models.ini", vendor->dialect_count > 0, load_models);
	return code;
}
