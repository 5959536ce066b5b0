/* main.c - the command `dialtone`: finds the verb, runs it, closes what it opened. */
#include "config.h"

#include "cli.h"
#include "verbs.h"

#include "log.h"
#include "privacy.h"
#include "suggest.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct verb cli_verbs[] = {
	{"keys new", "[FILE]", "add a fresh key to the key ring", verb_keys_new},
	{"secret set", "KIND KEY [NAME]", "seal a secret that is read from the terminal or standard input", verb_secret_set},
	{"secret rewrap", "", "seal under the newest key what older ones sealed", verb_secret_rewrap},
	{"secret status", "", "count secrets by form and key, and what waits in the outbox", verb_secret_status},
	{"secret derive", "[TENANT]", "have the registrar's HA1 values made again", verb_secret_derive},
	{"rotate", "http | sip | web [--tenant TENANT] [--site SITE] [--mac MAC] [--expire DATE] [--overlap SECONDS] [--wait] | --list | --stragglers | --cancel ID",
		"change secrets of a live fleet", verb_rotate},
	{"db init", "--password-dir DIR [--set-passwords]", "create schema, accounts and dictionary", verb_db_init},
	{"db upgrade", "[--password-dir DIR [--set-passwords]]", "apply pending migrations, load the dictionary from the files", verb_db_upgrade},
	{"db check", "", "compare the database with what this program expects", verb_db_check},
	{"check", "[--templates-only]", "check configuration, key ring, templates and every device", verb_check},
	{"render", "MAC [FILE] [--show-secrets] [--firmware VERSION]", "print what the phone would get", verb_render},
	{"explain", "MAC [PARAMETER | SETTING] [--firmware VERSION]", "say where each value comes from and what it beat", verb_explain},
	{"why", "MAC", "tell a phone's story: known, enabled, served, asked, current", verb_why},
	{"lag", "[--tenant TENANT]", "list phones that do not have what they would get now", verb_lag},
	{"audit", "[--mac MAC] [--tenant T] [--since TIME] [--table T] [--limit N]", "list who changed what, newest first", verb_audit},
	{"credentials", "MAC", "print a phone's provisioning user and password (secret)", verb_credentials},
	{"identify", "[--path PATH] [--user-agent TEXT]", "say what a request's path and User-Agent tell", verb_identify},
	{"conf", "[--changed]", "print the configuration", verb_conf},
	{"version", "", "print the version", verb_version},
	{NULL, NULL, NULL, NULL},
};

static int help(void)
{
	printf("usage: dialtone [-c FILE] [--json] VERB ...\n\n");
	for (const struct verb *verb = cli_verbs; verb->name; verb++)
		printf("  %-14s %-50s %s\n", verb->name, verb->arguments, verb->summary);
	printf("\n  -c, --config FILE       configuration (default %s)\n"
	       "      --json              results as JSON\n"
	       "      --templates DIR     instead of the configuration's\n"
	       "      --sql DIR           where migrations/ and grants.sql are\n"
	       "      --user USER         database account instead of the configuration's\n"
	       "      --password-file F   its password\n"
	       "  -h, --help              this, or a verb's usage\n\n"
	       "The manual is dialtone(1).\n",
		CONF_DEFAULT_PATH);
	return CLI_OK;
}

/* How many words of argv are this verb's name: 0 if it is not this one. */
static int verb_words(const struct verb *verb, int argc, char **argv)
{
	const char *name = verb->name;
	for (int words = 0;; words++) {
		size_t length = strcspn(name, " ");
		if (words == argc || strlen(argv[words]) != length || strncmp(argv[words], name, length) != 0)
			return 0;
		if (!name[length])
			return words + 1;
		name += length + 1;
	}
}

/* `db` or `db chekc`: words that begin a two-word verb. */
static bool tell_family(int argc, char **argv)
{
	size_t length = strlen(argv[0]);
	const char *names[sizeof cli_verbs / sizeof *cli_verbs];
	size_t count = 0;
	for (const struct verb *verb = cli_verbs; verb->name; verb++)
		if (strncmp(verb->name, argv[0], length) == 0 && verb->name[length] == ' ')
			names[count++] = verb->name + length + 1;
	if (!count)
		return false;
	char list[128] = "";
	for (size_t i = 0; i < count; i++)
		snprintf(list + strlen(list), sizeof list - strlen(list), "%s`%s %s`", i ? ", " : "", argv[0], names[i]);
	char hint[64];
	if (argc > 1)
		cli_message("unknown verb `%s %s`%s (there is %s)", argv[0], argv[1], cli_did_you_mean(argv[1], names, count, hint, sizeof hint), list);
	else
		cli_message("`%s` needs a second word: %s", argv[0], list);
	return true;
}

static int unknown_verb(int argc, char **argv)
{
	if (tell_family(argc, argv))
		return CLI_USAGE;
	const char *names[2 * sizeof cli_verbs / sizeof *cli_verbs];
	size_t count = 0;
	for (const struct verb *verb = cli_verbs; verb->name; verb++)
		names[count++] = verb->name;
	names[count++] = "db";
	names[count++] = "keys";
	char hint[64];
	cli_message("unknown verb `%s`%s", argv[0], cli_did_you_mean(argv[0], names, count, hint, sizeof hint));
	if (!*hint)
		fprintf(stderr, "`dialtone --help` lists the verbs\n");
	return CLI_USAGE;
}

/* The options before the verb. */
static bool common_options(struct cli *cli, int *argc, char ***argv)
{
	int first = 1;
	while (first < *argc && (*argv)[first][0] == '-') {
		const char *word = (*argv)[first];
		bool takes_value = strcmp(word, "-c") == 0 ||
			(!strchr(word, '=') && (strcmp(word, "--config") == 0 || strcmp(word, "--templates") == 0 || strcmp(word, "--sql") == 0 ||
						       strcmp(word, "--user") == 0 || strcmp(word, "--password-file") == 0));
		first += takes_value ? 2 : 1;
	}
	if (first > *argc)
		first = *argc;
	bool good = cli_parse(cli, first, *argv, NULL, 0, 0, NULL);
	*argc -= first;
	*argv += first;
	return good;
}

static int run(struct cli *cli, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return verb_version(cli, 1, argv);
	if (!common_options(cli, &argc, &argv))
		return cli->status;
	if (argc == 0 && !cli->help) {
		cli_message("which verb?");
		fprintf(stderr, "`dialtone --help` lists them\n");
		return CLI_USAGE;
	}
	if (argc == 0 || strcmp(argv[0], "help") == 0)
		return help();
	for (const struct verb *verb = cli_verbs; verb->name; verb++) {
		int words = verb_words(verb, argc, argv);
		if (!words)
			continue;
		cli->verb = verb;
		return verb->run(cli, argc - words + 1, argv + words - 1);
	}
	return unknown_verb(argc, argv);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth; numbers stay as they are */
	struct error error;
	if (privacy_set(&error)) { /* keys will be in memory */
		cli_message("%s", error.message);
		return CLI_CONFIG;
	}
	struct cli cli = {.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};
	int status = run(&cli, argc, argv);
	cli_close(&cli);
	bool unread = false; /* `dialtone explain ... | head`, where SIGPIPE is ignored */
	if (fflush(stdout) != 0 || ferror(stdout))
		unread = errno == EPIPE;
	if (ferror(stdout) && !unread) {
		cli_message("cannot write the output: %m");
		return CLI_CONFIG;
	}
	return status;
}
