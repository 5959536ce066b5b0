/* conf_verb.c - `dialtone conf`: every option with its value. */
#include "cli.h"
#include "verbs.h"

#include "ini.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* conf_print knows every value, also the defaults: read it back, a line each. */
static void print_json(const struct conf *conf, bool changed)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		abort();
	conf_print(conf, changed, out);
	fclose(out);
	json_t *root = json_object(), *section = root;
	char *saved = NULL;
	for (char *line = strtok_r(text, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved)) {
		char *end = strchr(line, ']'), *equals = strchr(line, '=');
		if (*line == '[' && end) {
			*end = 0;
			section = json_object();
			json_object_set_new(root, line + 1, section);
		} else if (*line != '#' && *line != ';' && equals) {
			char *key_end = equals, *value = equals + 1 + strspn(equals + 1, " ");
			while (key_end > line && key_end[-1] == ' ')
				key_end--;
			*key_end = 0;
			json_object_set_new(section, line, output_json_string(value));
		}
	}
	free(text);
	output_json_print(root);
}

int verb_conf(struct cli *cli, int argc, char **argv)
{
	bool changed = false;
	const struct cli_option options[] = {{"changed", &changed, NULL}, {NULL, NULL, NULL}};
	if (!cli_parse(cli, argc, argv, options, 0, 0, NULL) || !cli_need(cli, NEED_CONF))
		return cli->status;
	if (cli->json)
		print_json(cli->conf, changed);
	else
		conf_print(cli->conf, changed, stdout);
	return CLI_OK;
}
