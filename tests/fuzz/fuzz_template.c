/* Any bytes as a template. The first byte chooses: common or not (1), writer (2, 4, 32), a phone with hostile values (8) or without lines and keys (16).
 * The rest is main.tmpl, base.tmpl and part.tmpl with lines "---" between them. What compiles prints to source that compiles to the same;
 * what renders writes whole or not at all, and nothing that a value holds adds a line. */
#include "arena.h"
#include "catalogue.h"
#include "fuzz.h"
#include "render.h"
#include "stack.h"
#include "template.h"
#include "writer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT(literal) {literal, sizeof literal - 1}

static const struct { const char *name, *text; } files[] = {
	{"settings.ini",
		"[sip.server]\ntype = host\nscope = line\ndescription = d\n"
		"[sip.transport]\ntype = enum\nscope = line\nitems = udp,tcp,tls\ndefault = udp\ndescription = d\n"
		"[codecs]\ntype = list\nscope = line\nitems = opus,g722,pcma\ndefault = g722,pcma\ndescription = d\n"
		"[sip.password]\ntype = secret\nscope = line\ndescription = d\n"
		"[sip.realm]\ntype = string\nscope = tenant\ndescription = d\n"
		"[sip.digest]\ntype = list\nscope = tenant\nitems = md5,sha-256\ndefault = md5\ndescription = d\n"
		"[provisioning.url]\ntype = url\nscope = device\ndescription = d\n"
		"[title]\ntype = string\nscope = device\ndescription = d\n"
		"[on]\ntype = bool\nscope = device\ndefault = true\ndescription = d\n"
		"[interval]\ntype = int\nscope = device\ndefault = 90\nmin = 0\nmax = 1000\ndescription = d\n"
		"[timezone]\ntype = timezone\nscope = device\ndefault = Europe/Berlin\ndescription = d\n"
		"[expansion.modules]\ntype = int\nscope = device\ndefault = 2\nmin = 0\nmax = 6\ndescription = d\n"},
	{"timezones.tsv", "UTC\tUTC0\nEurope/Berlin\tCET-1CEST,M3.5.0,M10.5.0/3\n"},
	{"v/vendor.ini", "[vendor]\nname = V\noui = 00aabb\n[file device]\npattern = {mac}.cfg\nanswer = device\n"
		"[dialect f]\nwriter = flat\nheader = H\ntemplate = t\n[dialect x]\nwriter = nested-xml\nroot = r\ntemplate = t\n"
		"[dialect t]\nwriter = fanvil-text\nheader = H\nfooter = F\ntemplate = t\n"
		"[dialect s]\nwriter = snom-xml\ntemplate = t\n[dialect l]\nwriter = lpconfig\ntemplate = t\n"},
	{"v/models.ini", "[m]\nname = M\nagent = M\ndialect = f\nlines = 3\nkeys = 3\nmodules = 2\nmodule_keys = 3\ncolour = blue\n"},
	{"v/maps.ini", "[m]\nopus =\ng722 = 9\nudp = 0\ntrue = 1\nblf = 16\n"},
	{"v/t.tmpl", ""},
};

static char folder[] = "/tmp/dialtone-fuzz-XXXXXX";
static struct catalogue *catalogue;

static void each_file(void (*act)(const char *path, const char *text))
{
	char path[128];
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
		act(path, files[i].text);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	FUZZ_CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void remove_file(const char *path, const char *text)
{
	(void)text;
	remove(path);
}

/* The folder is needed only while it is read. */
static void load(void)
{
	struct error error = {0};
	char path[128];
	FUZZ_CHECK(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/v", folder);
	FUZZ_CHECK(mkdir(path, 0700) == 0);
	each_file(write_file);
	catalogue = catalogue_load(folder, &error);
	if (!catalogue)
		fprintf(stderr, "%s\n", error.message);
	FUZZ_CHECK(catalogue);
	each_file(remove_file);
	rmdir(path);
	rmdir(folder);
}

/* ---- templates ---- */

struct part { const char *name, *text; size_t length; };

static char *read_part(void *context, const char *name, size_t *length_r, struct error *error)
{
	const struct part *part = context;
	while (part->name && strcmp(part->name, name) != 0)
		part++;
	if (!part->name) {
		error_set(error, ERROR_MISSING, "no template %s", name);
		return NULL;
	}
	char *copy = malloc(part->length + 1);
	FUZZ_CHECK(copy);
	memcpy(copy, part->text, part->length);
	copy[part->length] = 0;
	*length_r = part->length;
	return copy;
}

static struct template *compile(const struct part *parts, bool common, const struct writer *writer, struct error *error)
{
	const struct template_source source = {.read = read_part, .context = (void *)(uintptr_t)parts, .prefix = "v/"};
	const struct model *model = &catalogue->vendors[0].models[0];
	return template_compile(&source, "main", model->vendor, catalogue->dictionary, model, LAYER_MODEL, common, writer->check_name, error);
}

static struct template *compile_parts(const char *text, size_t size, bool common, const struct writer *writer, struct error *error)
{
	struct part parts[4] = {{"main", "", 0}, {"base", "", 0}, {"part", "", 0}, {NULL, NULL, 0}};
	for (int i = 0; i < 3; i++) {
		const char *mark = size && i < 2 ? memmem(text, size, "\n---\n", 5) : NULL;
		parts[i].text = text;
		parts[i].length = mark ? (size_t)(mark - text) + 1 : size;
		text += mark ? parts[i].length + 4 : size;
		size -= mark ? parts[i].length + 4 : size;
	}
	return compile(parts, common, writer, error);
}

static void check_round_trip(const struct template *template, bool common, const struct writer *writer)
{
	struct error error = {0};
	struct buf first, second;
	buf_init(&first, 1 << 24);
	buf_init(&second, 1 << 24);
	template_print(template, &first);
	const struct part parts[] = {{"main", first.data ? first.data : "", first.size}, {NULL, NULL, 0}};
	struct template *again = compile(parts, common, writer, &error);
	/* What was several files may be too long for one. */
	FUZZ_CHECK(again || error.code == ERROR_RANGE);
	if (again) {
		template_print(again, &second);
		FUZZ_CHECK(first.size == second.size && (!first.size || memcmp(first.data, second.data, first.size) == 0));
	}
	template_free(&again);
	buf_deinit(&first);
	buf_deinit(&second);
}

/* ---- a phone ---- */

static struct layer_setting row(const char *name, const char *value)
{
	const struct setting *setting = dictionary_find(catalogue->dictionary, name, strlen(name));
	FUZZ_CHECK(setting);
	return (struct layer_setting){.setting = setting->index, .text = value, .length = (uint32_t)strlen(value)};
}

static const struct layer_key keys[] = {
	{.module = 0, .slot = 2, .line = 1, .layer = LAYER_DEVICE, .type = TEXT("blf"), .value = TEXT("201"), .label = TEXT("x")},
	{.module = 1, .slot = 1, .layer = LAYER_DEVICE, .type = TEXT("odd")},
};

static const struct layer_parameter raws[] = {
	{.name = "a", .name_length = 1, .text = "raw", .length = 3},
	{.name = "b/c", .name_length = 3, .text = NULL},
	{.name = "d/e/f", .name_length = 5, .text = "raw", .length = 3},
};

static enum error_code render_phone(const struct template *template, unsigned choice, struct arena *arena, struct parameters *parameters_r,
	struct error *error)
{
	const char *hostile = choice & 8 ? "a\r\nb = 1\n</r>\x01\xff" : "<plain> & \"quoted\"";
	const struct layer_setting settings[] = {row("sip.server", "pbx.example"), row("title", hostile), row("codecs", choice & 8 ? "pcma,opus" : "g722"),
		row("provisioning.url", choice & 8 ? "https://a@b/%" : "https://p.example/x/")};
	const struct layer_setting shared[] = {row("sip.realm", choice & 8 ? "r\"\n" : "realm"), row("sip.digest", "md5,sha-256")};
	const struct layer_rows tenant = {.layer = LAYER_TENANT, .who = "t", .settings = shared, .setting_count = 2};
	const struct layer_rows device = {.layer = LAYER_DEVICE, .who = "d", .settings = settings, .setting_count = 4, .parameters = raws,
		.parameter_count = 3, .keys = keys, .key_count = choice & 16 ? 0 : 2};
	struct stack_line lines[2] = {
		{.position = 1, .account_id = "a", .user = TEXT("101"), .password = TEXT("secret"), .account = {.layer = LAYER_ACCOUNT}, .line = {.layer = LAYER_LINE}},
		{.position = 3, .account_id = "b", .user = TEXT("103"), .label = TEXT("Door"), .account = {.layer = LAYER_ACCOUNT}, .line = {.layer = LAYER_LINE}},
	};
	struct stack stack = {.catalogue = catalogue, .model = &catalogue->vendors[0].models[0], .mac = {"00aabb000001"}, .tenant_id = "t", .site_id = "",
		.provisioning_user = TEXT("u"), .provisioning_password = TEXT("p"), .lines = lines, .line_count = choice & 16 ? 0 : 2};
	stack.rows[LAYER_TENANT] = &tenant;
	stack.rows[LAYER_DEVICE] = &device;
	stack_lay(&stack, arena);
	return render(template, &stack, arena, parameters_r, NULL, error);
}

static size_t count_lines(const struct buf *out)
{
	size_t lines = 0;
	for (size_t i = 0; i < out->size; i++)
		lines += out->data[i] == '\n';
	return lines;
}

static void write_all(const struct parameters *parameters)
{
	for (uint32_t i = 0; i < catalogue->vendors[0].dialect_count; i++) {
		const struct dialect *dialect = &catalogue->vendors[0].dialects[i];
		struct error error = {0};
		struct buf out;
		buf_init(&out, 1 << 22);
		buf_add_string(&out, "before");
		enum error_code code = dialect->writer->write(dialect, parameters, &out, &error);
		FUZZ_CHECK(code == error.code && out.size >= 6 && out.data[out.size] == 0 && memcmp(out.data, "before", 6) == 0);
		FUZZ_CHECK(code == ERROR_NONE || out.size == 6);
		if (code == ERROR_NONE && strcmp(dialect->writer->name, "flat") == 0)
			FUZZ_CHECK(count_lines(&out) == parameters->count + 1);
		if (code == ERROR_NONE)
			FUZZ_CHECK(writer_utf8(out.data, out.size));
		buf_deinit(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct error error = {0};
	struct parameters parameters;
	struct arena arena;
	if (!catalogue)
		load();
	if (!size)
		return 0;
	unsigned choice = bytes[0];
	bool common = choice & 1;
	const struct writer *writer = writer_list[choice & 32 ? 3 + (choice >> 1 & 1) : (choice >> 1 & 3) % 3];
	struct template *template = compile_parts((const char *)bytes + 1, size - 1, common, writer, &error);
	FUZZ_CHECK((template == NULL) == (error.code != ERROR_NONE));
	if (!template)
		return 0;
	check_round_trip(template, common, writer);
	arena_init(&arena);
	enum error_code code = common ? render_common(template, &catalogue->vendors[0].models[0], &arena, &parameters, &error)
		: render_phone(template, choice, &arena, &parameters, &error);
	FUZZ_CHECK(code == error.code);
	if (code == ERROR_NONE)
		write_all(&parameters);
	FUZZ_CHECK(code == ERROR_NONE || parameters.count == 0);
	arena_deinit(&arena);
	template_free(&template);
	return 0;
}
