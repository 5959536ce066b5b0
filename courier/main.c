/* dialtone-courier: reads its configuration and runs its jobs. dialtone-courier(8) tells the rest. */
#include "config.h"

#include "courier.h"

#include "log.h"
#include "privacy.h"
#include "signals.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static int usage(void)
{
	fputs("usage: dialtone-courier [-tV] [-c file] [--once]\n", stderr);
	return EX_USAGE;
}

static int say(const struct error *error, int status)
{
	fprintf(stderr, "dialtone-courier: %s\n", error->message);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"once", no_argument, NULL, '1'}, {0}};
	const char *path = CONF_DEFAULT_PATH;
	bool only_check = false, once = false;
	int option, status;
	while ((option = getopt_long(argc, argv, "c:tV", options, NULL)) != -1) {
		switch (option) {
		case 'c': path = optarg; break;
		case 't': only_check = true; break;
		case '1': once = true; break;
		case 'V': puts("dialtone-courier " PACKAGE_VERSION); return EX_OK;
		default: return usage();
		}
	}
	if (optind != argc)
		return usage();
	static struct courier courier;
	struct error error;
	if (privacy_set(&error))
		return say(&error, EX_OSERR);
	if (!courier_load(&courier, path, &status, &error))
		return say(&error, status);
	if (only_check) {
		fprintf(stderr, "dialtone-courier: %s and what it names are fine\n", path);
		status = EX_OK;
	} else if (log_open("dialtone-courier", courier.conf->log.target, courier.conf->log.level, &error)) {
		status = say(&error, EX_CANTCREAT);
	} else {
		signals_init();
		status = once ? courier_once(&courier) : courier_run(&courier);
	}
	courier_free(&courier);
	return status;
}
