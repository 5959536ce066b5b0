/* dialtone-fcgi: reads its configuration and becomes the master. dialtone-fcgi(8) tells the rest. */
#include "config.h"

#include "log.h"
#include "master.h"
#include "privacy.h"
#include "process.h"
#include "service.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static int usage(void)
{
	fputs("usage: dialtone-fcgi [-tV] [-c file]\n", stderr);
	return EX_USAGE;
}

static int check(const char *path)
{
	struct error error;
	int status;
	struct service *service = service_load(path, &status, &error);
	if (!service)
		fprintf(stderr, "dialtone-fcgi: %s\n", error.message);
	else
		fprintf(stderr, "dialtone-fcgi: %s and what it names are fine\n", path);
	service_free(&service);
	return status;
}

static int serve(const char *path)
{
	struct error error;
	int status;
	struct service *service = service_load(path, &status, &error);
	if (!service) {
		fprintf(stderr, "dialtone-fcgi: %s\n", error.message);
		return status;
	}
	if (log_open("dialtone-fcgi", service->conf->log.target, service->conf->log.level, &error)) {
		fprintf(stderr, "dialtone-fcgi: %s\n", error.message);
		service_free(&service);
		return EX_CANTCREAT;
	}
	log_role("master");
	return master_run(service, path);
}

int main(int argc, char **argv)
{
	char *path = xstrdup(CONF_DEFAULT_PATH);
	bool only_check = false;
	int option;
	while ((option = getopt(argc, argv, "c:tV")) != -1) {
		switch (option) {
		case 'c':
			free(path);
			path = xstrdup(optarg); /* the title is written over argv */
			break;
		case 't':
			only_check = true;
			break;
		case 'V':
			puts("dialtone-fcgi " PACKAGE_VERSION);
			free(path);
			return EX_OK;
		default:
			free(path);
			return usage();
		}
	}
	if (optind != argc) {
		free(path);
		return usage();
	}
	struct error error;
	if (privacy_set(&error)) {
		fprintf(stderr, "dialtone-fcgi: %s\n", error.message);
		free(path);
		return EX_OSERR;
	}
	process_init(argc, argv);
	int status = only_check ? check(path) : serve(path);
	free(path);
	return status;
}
