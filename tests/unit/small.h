/* small.h - a small templates/ of one vendor for the tests of templates, stacks, rendering and writers, and a phone to go with it. */
#ifndef DIALTONE_TEST_SMALL_H
#define DIALTONE_TEST_SMALL_H

#include "catalogue.h"
#include "render.h"
#include "stack.h"
#include "template.h"
#include "writer.h"

#include "unit.h"

#define TEXT(literal) ((struct text){literal, sizeof literal - 1})

static const struct { const char *name, *text; } small_files[] = {
	{"settings.ini",
		"[sip.server]\ntype = host\nscope = line\ndescription = d\n"
		"[sip.port]\ntype = int\nscope = line\ndefault = 5060\nmin = 0\nmax = 65535\ndescription = d\n"
		"[sip.transport]\ntype = enum\nscope = line\nitems = udp,tcp,tls\ndefault = udp\ndescription = d\n"
		"[sip.realm]\ntype = string\nscope = tenant\ndescription = d\n"
		"[sip.digest]\ntype = list\nscope = tenant\nitems = md5,sha-256\ndefault = md5\ndescription = d\n"
		"[sip.secret]\ntype = secret\nscope = line\ndescription = d\n"
		"[codecs]\ntype = list\nscope = line\nitems = opus,g722,pcma,pcmu,g729\ndefault = g722,pcma\ndescription = d\n"
		"[voicemail.number]\ntype = string\nscope = line\ndescription = d\n"
		"[language]\ntype = enum\nscope = device\nitems = de,en\ndefault = en\ndescription = d\n"
		"[timezone]\ntype = timezone\nscope = device\ndefault = UTC\ndescription = d\n"
		"[admin.password]\ntype = secret\nscope = device\ndescription = d\n"
		"[provisioning.url]\ntype = url\nscope = device\ndescription = d\n"
		"[call.waiting]\ntype = bool\nscope = device\ndescription = d\n"
		"[interval]\ntype = int\nscope = device\nmin = 0\nmax = 100000\ndescription = d\n"
		"[title]\ntype = string\nscope = device\ndescription = d\n"
		"[home]\ntype = url\nscope = device\ndescription = d\n"
		"[address]\ntype = host\nscope = device\ndescription = d\n"
		"[plan]\ntype = string\nscope = device\ndescription = d\n"
		"[expansion.modules]\ntype = int\nscope = device\ndefault = 0\nmin = 0\nmax = 6\ndescription = d\n"},
	{"timezones.tsv",
		"UTC\tUTC0\nEurope/Berlin\tCET-1CEST,M3.5.0,M10.5.0/3\nAsia/Kolkata\tIST-5:30\nAmerica/St_Johns\tNST3:30NDT,M3.2.0,M11.1.0\n"},
	{"acme/vendor.ini",
		"[vendor]\nname = Acme\noui = 00aabb\n[file device]\npattern = {mac}.cfg\nanswer = device\n"
		"[dialect flat]\nwriter = flat\ntemplate = main\ncontent_type = text/plain\n"},
	{"acme/maps.ini",
		"[language]\nde = German\nen = English\n[transport]\nudp = 0\ntcp = 1\n[codec]\nopus =\ng722 = G722\npcma = PCMA\ng729 = G729\n"
		"[keytype]\nblf = 16\nline = 15\n[bool]\ntrue = 1\nfalse = 0\n[lower]\nDE = from the map\n[weekday]\n0 = 7\n6 = 6\n"},
	{"acme/models.ini",
		"[a1]\nname = A-1\nagent = A1\ndialect = flat\nlines = 3\nkeys = 4\nmodules = 2\nmodule_keys = 2\ncolour = blue\n"},
	{"acme/main.tmpl", "x = 1\n"},
	{"zeta/vendor.ini", "[vendor]\nname = Zeta\noui = 00eeff\n[file device]\npattern = {mac}.xml\nanswer = device\n"},
};

static inline struct catalogue *small_catalogue(void)
{
	struct error error = {0};
	for (size_t i = 0; i < ROWS(small_files); i++)
		unit_write(small_files[i].name, small_files[i].text);
	struct catalogue *catalogue = catalogue_load(unit_folder, &error);
	ck_assert_msg(catalogue != NULL, "%s", error.message);
	return catalogue;
}

static inline const struct model *small_model(const struct catalogue *catalogue)
{
	const struct model *model = catalogue_model(catalogue, "acme-a1", strlen("acme-a1"));
	ck_assert_ptr_nonnull(model);
	return model;
}

/* ---- templates from a table ---- */

struct small_template { const char *name, *text; };

static inline char *small_read(void *context, const char *name, size_t *length_r, struct error *error)
{
	for (const struct small_template *one = context; one->name; one++)
		if (strcmp(one->name, name) == 0) {
			*length_r = strlen(one->text);
			return strdup(one->text);
		}
	error_set(error, ERROR_MISSING, "no template %s", name);
	return NULL;
}

/* `main` first; the list ends with a name of NULL. */
static inline struct template *small_compile(const struct catalogue *catalogue, const struct small_template *templates, bool common, struct error *error)
{
	const struct template_source source = {.read = small_read, .context = (void *)(uintptr_t)templates, .prefix = "acme/"};
	const struct model *model = small_model(catalogue);
	return template_compile(&source, "main", model->vendor, catalogue->dictionary, model, LAYER_MODEL, common, writer_find("flat")->check_name, error);
}

static inline struct template *small_compile_text(const struct catalogue *catalogue, const char *text, struct error *error)
{
	const struct small_template templates[] = {{"main", text}, {NULL, NULL}};
	return small_compile(catalogue, templates, false, error);
}

/* ---- a phone ---- */

static inline struct layer_setting small_setting(const struct catalogue *catalogue, const char *name, const char *value)
{
	const struct setting *setting = dictionary_find(catalogue->dictionary, name, strlen(name));
	ck_assert_msg(setting != NULL, "no setting %s", name);
	return (struct layer_setting){.setting = setting->index, .text = value, .length = value ? (uint32_t)strlen(value) : 0};
}

struct small_phone {
	struct stack stack;
	struct stack_line lines[3];
	struct layer_rows rows[LAYERS];      /* hang them into stack.rows with small_rows */
	struct layer_setting settings[LAYERS][8];
	struct layer_parameter parameters[LAYERS][8];
	struct layer_key keys[LAYERS][8];
	struct arena arena;
};

static inline void small_phone_init(struct small_phone *phone, const struct catalogue *catalogue)
{
	*phone = (struct small_phone){0};
	arena_init(&phone->arena);
	phone->stack = (struct stack){.catalogue = catalogue, .model = small_model(catalogue), .mac = {"00aabb000001"}, .tenant_id = "acme-corp",
		.site_id = "", .provisioning_user = TEXT("00aabb000001"), .provisioning_password = TEXT("token"), .lines = phone->lines};
	for (int layer = LAYER_PROVIDER; layer < LAYERS; layer++) {
		phone->rows[layer] = (struct layer_rows){.layer = layer, .who = "", .settings = phone->settings[layer],
			.parameters = phone->parameters[layer], .keys = phone->keys[layer]};
		if (layer <= LAYER_DEVICE)
			phone->stack.rows[layer] = &phone->rows[layer];
	}
}

/* A row of the layer; of ACCOUNT and LINE those of the phone's lines once small_lay has hung them in. */
static inline void small_set(struct small_phone *phone, enum layer layer, const char *name, const char *value)
{
	struct layer_rows *rows = &phone->rows[layer];
	phone->settings[layer][rows->setting_count++] = small_setting(phone->stack.catalogue, name, value);
}

static inline void small_raw(struct small_phone *phone, enum layer layer, const char *name, const char *value)
{
	struct layer_rows *rows = &phone->rows[layer];
	phone->parameters[layer][rows->parameter_count++] = (struct layer_parameter){.vendor = phone->stack.model->vendor->index, .name = name,
		.name_length = (uint32_t)strlen(name), .text = value, .length = value ? (uint32_t)strlen(value) : 0};
}

static inline void small_key(struct small_phone *phone, enum layer layer, unsigned module, unsigned slot, const char *type, const char *value)
{
	struct layer_rows *rows = &phone->rows[layer];
	phone->keys[layer][rows->key_count++] = (struct layer_key){.module = (uint16_t)module, .slot = (uint16_t)slot, .layer = (uint8_t)layer,
		.type = {type, (uint32_t)strlen(type)}, .value = {value, value ? (uint32_t)strlen(value) : 0}};
}

static inline struct stack_line *small_line(struct small_phone *phone, unsigned position, const char *user)
{
	struct stack_line *line = &phone->lines[phone->stack.line_count++];
	*line = (struct stack_line){.position = (uint16_t)position, .account_id = user, .user = {user, (uint32_t)strlen(user)},
		.password = TEXT("secret"), .account = {.layer = LAYER_ACCOUNT, .who = ""}, .line = {.layer = LAYER_LINE, .who = ""}};
	return line;
}

/* Lay it; rows of ACCOUNT and LINE go to the first line. */
static inline void small_lay(struct small_phone *phone)
{
	if (phone->stack.line_count) {
		phone->lines[0].account = phone->rows[LAYER_ACCOUNT];
		phone->lines[0].line = phone->rows[LAYER_LINE];
	}
	stack_lay(&phone->stack, &phone->arena);
}

static inline void small_phone_deinit(struct small_phone *phone)
{
	arena_deinit(&phone->arena);
}

#endif
