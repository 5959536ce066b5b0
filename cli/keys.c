/* keys.c - `dialtone keys new`: a fresh key at the end of the key ring. */
#include "cli.h"
#include "verbs.h"

#include "output.h"

#include <stdio.h>

int verb_keys_new(struct cli *cli, int argc, char **argv)
{
	const char *file;
	if (!cli_parse(cli, argc, argv, NULL, 0, 1, &file))
		return cli->status;
	if (!file && !cli_need(cli, NEED_CONF))
		return cli->status;
	if (!file)
		file = cli->conf->keys.file;
	if (*file != '/' && argc < 2)
		return cli_usage(cli, "which file? The configuration names no path of a key ring ([keys] file), so give it as an argument");
	struct error error = {0};
	char id[33];
	if (keyring_add(file, id, &error))
		return cli_fail(cli, &error);
	if (cli->json)
		output_json_print(json_pack("{s:s, s:o}", "id", id, "file", output_json_string(file)));
	else
		printf("key %s added to %s; reload dialtone-fcgi, then dialtone-courier, before it is used. It seals and makes new tokens; what older keys made stays good while they are in the file\n", id, file);
	return CLI_OK;
}
