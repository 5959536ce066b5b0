/* render_verb.c - `dialtone render MAC [FILE]`: what the phone would get, byte for byte but for its secrets. */
#include "cli.h"
#include "verbs.h"

#include "identify.h"
#include "output.h"
#include "phone.h"
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int not_served(struct cli *cli, const char *why)
{
	cli_message("%s: the phone is answered 404", why);
	return cli->status = CLI_NOT_SERVED;
}

/* Which answer the file name gets for this device; the phone's own file if none was given. CLI_OK or told. */
static int choose(struct cli *cli, const struct phone *phone, const char *file, enum file_answer *answer_r)
{
	*answer_r = FILE_DEVICE;
	if (!file)
		return CLI_OK;
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	const struct vendor *vendor = phone->device.model->vendor;
	const struct file_rule *rule = identify_vendor_file(vendor, name, strlen(name));
	if (!rule) {
		cli_message("`%s` is no file that phones of %s ask for ([file] in templates/%s/vendor.ini)", name, vendor->name, vendor->id);
		return cli->status = CLI_NOT_SERVED;
	}
	struct identify_file found;
	identify_file(cli->catalogue, name, strlen(name), &found);
	if (rule->answer == FILE_DEVICE && found.has_mac && strcmp(found.mac.digits, phone->device.mac.digits) != 0)
		return cli_usage(cli, "`%s` is the file of %s, not of %s", name, found.mac.digits, phone->device.mac.digits);
	if (rule->answer == FILE_ABSENT)
		return not_served(cli, "this is a file that these phones ask for and that Dialtone never has");
	*answer_r = rule->answer;
	return CLI_OK;
}

static int write_common(struct cli *cli, struct phone *phone, struct buf *out)
{
	if (!phone->variant->common)
		return not_served(cli, "this model has no common file");
	struct error error = {0};
	struct parameters parameters;
	enum error_code code = render_common(phone->variant->common, phone->device.model, &phone->arena, &parameters, &error);
	if (!code)
		code = phone->variant->dialect->writer->write(phone->variant->dialect, &parameters, out, &error);
	if (code) {
		cli_message("%s", error.message);
		return cli->status = CLI_NOT_RENDERED;
	}
	return CLI_OK;
}

static int write_device(struct cli *cli, struct phone *phone, bool show_secrets, struct buf *out)
{
	struct error error = {0};
	struct parameters parameters = {0};
	if (!phone->device.enabled)
		return not_served(cli, "the device or its tenant is disabled");
	enum error_code code = phone_render(phone, NULL, &parameters, &error);
	if (!code && !show_secrets)
		parameters_mask(&parameters);
	if (!code)
		code = phone->variant->dialect->writer->write(phone->variant->dialect, &parameters, out, &error);
	if (code) {
		cli_message("device %s cannot be rendered: %s", phone->device.mac.digits, error.message);
		return cli->status = CLI_NOT_RENDERED;
	}
	return CLI_OK;
}

static void print(const struct cli *cli, const struct phone *phone, bool masked, const struct buf *out)
{
	if (!cli->json) {
		fwrite(out->data, 1, out->size, stdout);
		return;
	}
	output_json_print(json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "mac", phone->device.mac.digits, "model", phone->device.model_id, "firmware",
		phone->firmware, "dialect", phone->variant->dialect->name, "content_type", phone->variant->dialect->content_type, "masked", masked, "body",
		output_json(out->data, out->size)));
}

static int render_phone(struct cli *cli, struct phone *phone, const char *file, bool show_secrets)
{
	enum file_answer answer;
	if (!phone_has_model(cli, phone) || choose(cli, phone, file, &answer) != CLI_OK)
		return cli->status;
	struct buf out;
	buf_init(&out, PHONE_FILE_MAX);
	int status = answer == FILE_COMMON ? write_common(cli, phone, &out) : write_device(cli, phone, show_secrets, &out);
	if (status == CLI_OK && out.size)
		print(cli, phone, answer == FILE_DEVICE && !show_secrets, &out);
	buf_deinit(&out);
	return status;
}

int verb_render(struct cli *cli, int argc, char **argv)
{
	const char *positional[2], *firmware = NULL;
	bool show_secrets = false;
	const struct cli_option options[] = {
		{"show-secrets", &show_secrets, NULL}, {"firmware", NULL, &firmware}, {NULL, NULL, NULL}};
	struct mac mac;
	if (!cli_parse(cli, argc, argv, options, 1, 2, positional))
		return cli->status;
	if (!cli_mac(cli, positional[0], &mac) || !cli_need(cli, NEED_STORE))
		return cli->status;
	struct phone phone;
	if (phone_open(cli, &mac, firmware, &phone))
		cli->status = render_phone(cli, &phone, positional[1], show_secrets);
	phone_deinit(&phone);
	return cli->status;
}
