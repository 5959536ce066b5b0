/* arguments.c - options and messages about them. */
#include "cli.h"

#include "suggest.h"
#include "xalloc.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 24

void cli_message(const char *format, ...)
{
	char text[ERROR_MESSAGE_SIZE + 256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	/* Foreign bytes (a row, an argument) must not reach the terminal as control codes. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	fprintf(stderr, "dialtone: %s\n", text);
}

int cli_usage(struct cli *cli, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	cli_message("%s", text);
	if (cli->verb)
		fprintf(stderr, "usage: dialtone %s%s%s\n", cli->verb->name, *cli->verb->arguments ? " " : "", cli->verb->arguments);
	return cli->status = CLI_USAGE;
}

const char *cli_did_you_mean(const char *name, const char *const *candidates, size_t count, char *buffer, size_t size)
{
	struct suggest suggest;
	suggest_init(&suggest, name);
	for (size_t i = 0; i < count; i++)
		suggest_try(&suggest, candidates[i]);
	if (suggest.best)
		snprintf(buffer, size, "; did you mean `%s`?", suggest.best);
	else
		*buffer = 0;
	return buffer;
}

int cli_exit_of(enum error_code code)
{
	switch (code) {
	case ERROR_NONE:
		return CLI_OK;
	case ERROR_DATABASE_GONE:
	case ERROR_DATABASE:
	case ERROR_SCHEMA:
		return CLI_DATABASE;
	default:
		return CLI_CONFIG;
	}
}

int cli_fail(struct cli *cli, const struct error *error)
{
	cli_message("%s", error->message);
	return cli->status = cli_exit_of(error->code);
}

static void add_option(struct option *options, struct cli_option *all, size_t *count, struct cli_option option)
{
	if (*count == OPTIONS_MAX)
		abort();
	options[*count] = (struct option){option.name, option.value ? required_argument : no_argument, NULL, 256 + (int)*count};
	all[(*count)++] = option;
}

static int unknown_option(struct cli *cli, const char *word, const struct cli_option *all, size_t count)
{
	const char *names[OPTIONS_MAX];
	for (size_t i = 0; i < count; i++)
		names[i] = all[i].name;
	char name[64], hint[64] = "";
	snprintf(name, sizeof name, "%s", word + strspn(word, "-"));
	name[strcspn(name, "=")] = 0;
	struct suggest suggest;
	suggest_init(&suggest, name);
	for (size_t i = 0; i < count; i++)
		suggest_try(&suggest, names[i]);
	if (suggest.best)
		snprintf(hint, sizeof hint, "; did you mean `--%s`?", suggest.best);
	int length = (int)strcspn(word, "="); /* what stands behind it could be a secret */
	return cli_usage(cli, "unknown option `%.*s`%s", length, word, hint);
}

static bool parse_options(struct cli *cli, int argc, char **argv, struct option *options, const struct cli_option *all, size_t count)
{
	optind = 0;
	opterr = 0;
	int got;
	while ((got = getopt_long(argc, argv, cli->verb ? ":c:h" : "+:c:h", options, NULL)) != -1) {
		if (got == '?') {
			const char letter[] = {'-', (char)optopt, 0};
			unknown_option(cli, optopt > 0 && optopt < 256 ? letter : argv[optind - 1], all, count);
			return false;
		}
		if (got == ':') {
			cli_usage(cli, "option `%s` needs a value", argv[optind - 1]);
			return false;
		}
		if (got == 'c')
			cli->conf_path = optarg;
		else if (got == 'h')
			cli->help = true;
		else if (all[got - 256].flag)
			*all[got - 256].flag = true;
		else
			*all[got - 256].value = optarg;
	}
	return true;
}

bool cli_parse(struct cli *cli, int argc, char **argv, const struct cli_option *own, int min, int max, const char **positional_r)
{
	struct option options[OPTIONS_MAX + 1] = {{0}};
	struct cli_option all[OPTIONS_MAX];
	size_t count = 0;
	for (; own && own->name; own++)
		add_option(options, all, &count, *own);
	const struct cli_option common[] = {
		{"config", NULL, &cli->conf_path}, {"json", &cli->json, NULL}, {"help", &cli->help, NULL},
		{"templates", NULL, &cli->templates}, {"sql", NULL, &cli->sql},
		{"user", NULL, &cli->user}, {"password-file", NULL, &cli->password_file},
	};
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		add_option(options, all, &count, common[i]);
	if (!parse_options(cli, argc, argv, options, all, count))
		return false;
	if (cli->help && cli->verb) {
		printf("usage: dialtone %s %s\n%s\n", cli->verb->name, cli->verb->arguments, cli->verb->summary);
		cli->status = CLI_OK;
		return false;
	}
	int given = argc - optind;
	if (given > max) {
		cli_usage(cli, "`%s` is one argument too many", argv[optind + max]);
		return false;
	}
	if (given < min) {
		cli_usage(cli, "an argument is missing");
		return false;
	}
	for (int i = 0; i < max; i++)
		positional_r[i] = i < given ? argv[optind + i] : NULL;
	return true;
}

bool cli_mac(struct cli *cli, const char *text, struct mac *mac_r)
{
	if (mac_parse(text, strlen(text), mac_r))
		return true;
	cli_usage(cli, "`%s` is no MAC address: 12 hex digits, with or without `:`, `-` or `.` between pairs, not all zeros", text);
	return false;
}
