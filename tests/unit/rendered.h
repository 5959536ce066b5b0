/* rendered.h - a phone with something of everything, and a template rendered for it, for the tests of rendering. */
#ifndef DIALTONE_TEST_RENDERED_H
#define DIALTONE_TEST_RENDERED_H

#include "small.h"

static struct catalogue *catalogue;
static struct small_phone phone;

/* A phone with something of everything. */
static void begin(void)
{
	catalogue = small_catalogue();
	small_phone_init(&phone, catalogue);
	small_set(&phone, LAYER_PROVIDER, "language", "de");
	small_set(&phone, LAYER_TENANT, "sip.server", "pbx.example");
	small_set(&phone, LAYER_TENANT, "sip.realm", "pbx.example");
	small_set(&phone, LAYER_SITE, "timezone", "Europe/Berlin");
	small_set(&phone, LAYER_DEVICE, "title", "Hello");
	small_set(&phone, LAYER_DEVICE, "home", "https://pbx.example:8443/p//");
	small_set(&phone, LAYER_DEVICE, "address", "2001:db8::1");
	small_set(&phone, LAYER_DEVICE, "plan", "0xx.T|[2-9]xx|*Xx#");
	small_set(&phone, LAYER_DEVICE, "admin.password", "geheim");
	small_set(&phone, LAYER_ACCOUNT, "sip.port", "5070");
	small_set(&phone, LAYER_LINE, "codecs", "pcma,opus,g722");
	small_line(&phone, 1, "101");
	small_line(&phone, 3, "103")->label = TEXT("Door");
	phone.lines[0].display_name = TEXT("Anna");
	small_key(&phone, LAYER_PROFILE, 0, 1, "blf", "201");
	small_key(&phone, LAYER_DEVICE, 0, 3, "line", NULL);
	small_key(&phone, LAYER_DEVICE, 1, 2, "blf", "202");
}

static void end(void)
{
	small_phone_deinit(&phone);
	catalogue_free(&catalogue);
}

static void append(struct buf *out, const struct parameters *parameters)
{
	for (uint32_t i = 0; i < parameters->count; i++) {
		const struct parameter *parameter = &parameters->list[i];
		buf_add(out, parameter->name, parameter->name_length);
		buf_add_string(out, "=");
		buf_add(out, parameter->text, parameter->length);
		buf_printf(out, "@%u%s\n", parameter->layer, parameter->secret ? "!" : "");
	}
}

static inline struct template *compile(const char *source)
{
	struct error error = {0};
	struct template *template = small_compile_text(catalogue, source, &error);
	ck_assert_msg(template != NULL, "%s: %s", source, error.message);
	return template;
}

static void expect(const char *source, const char *expected)
{
	struct error error = {0};
	struct parameters parameters;
	struct buf out;
	buf_init(&out, 1 << 20);
	struct template *template = compile(source);
	ck_assert_msg(render(template, &phone.stack, &phone.arena, &parameters, NULL, &error) == ERROR_NONE, "%s: %s", source, error.message);
	append(&out, &parameters);
	ck_assert_str_eq(out.data ? out.data : "", expected);
	template_free(&template);
	buf_deinit(&out);
}

#endif
