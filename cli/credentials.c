/* credentials.c - `dialtone credentials MAC`: what to type into a phone or a vendor's portal. */
#include "cli.h"
#include "verbs.h"

#include "output.h"
#include "phone.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The name of the phone's own file: the first pattern with {mac} of a rule that answers for a device. */
static const char *file_name(const struct phone *phone, struct arena *arena)
{
	const struct vendor *vendor = phone->device.model ? phone->device.model->vendor : NULL;
	for (uint32_t i = 0; vendor && i < vendor->file_count; i++)
		for (uint32_t j = 0; vendor->files[i].answer == FILE_DEVICE && j < vendor->files[i].pattern_count; j++) {
			const char *pattern = vendor->files[i].patterns[j], *at = strstr(pattern, "{mac}");
			if (at)
				return arena_printf(arena, "%.*s%s%s", (int)(at - pattern), pattern, phone->device.mac.digits, at + 5);
		}
	return NULL;
}

static void print(struct cli *cli, struct phone *phone)
{
	const struct device *device = &phone->device;
	char password[TOKEN_LENGTH + 1];
	token_make(cli->tokens, &device->mac, device->generation, password);
	const char *file = file_name(phone, &phone->arena);
	const char *url = arena_printf(&phone->arena, "https://YOUR-PROXY/%s", file ? file : "");
	if (cli->json)
		output_json_print(json_pack("{s:s, s:s, s:s, s:s, s:s?, s:b, s:b}", "mac", device->mac.digits, "user", device->mac.digits, "password", password,
			"generation", device->generation, "file", file, "enabled", device->enabled, "previous_accepted", *device->previous_generation != 0));
	else
		printf("user      %s\npassword  %s\nURL       %s\n", device->mac.digits, password, url);
	OPENSSL_cleanse(password, sizeof password);
}

int verb_credentials(struct cli *cli, int argc, char **argv)
{
	const char *text;
	struct mac mac;
	if (!cli_parse(cli, argc, argv, NULL, 1, 1, &text) || !cli_mac(cli, text, &mac))
		return cli->status;
	if (!cli->json && !isatty(STDOUT_FILENO))
		return cli_usage(cli, "this prints a password, and the output is no terminal: say --json if a program is to read it");
	if (!cli_need(cli, NEED_STORE))
		return cli->status;
	struct phone phone;
	if (phone_open(cli, &mac, "", &phone)) {
		cli_message("what follows is secret: it is all that %s needs to fetch its configuration", mac.digits);
		if (!phone.device.enabled)
			cli_message("the device or its tenant is disabled: it is refused whatever it presents");
		print(cli, &phone);
	}
	phone_deinit(&phone);
	return cli->status;
}
