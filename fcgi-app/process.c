#include "process.h"

#include "log.h"

#include <string.h>

static char *title;
static size_t room;

void process_init(int argc, char **argv)
{
	if (argc < 1)
		return;
	title = argv[0];
	for (int i = 0; i < argc; i++)
		if (argv[i] == title + room)
			room += strlen(argv[i]) + 1;
}

void process_title(const char *state)
{
	static const char program[] = "dialtone-fcgi: ";
	size_t used = 0;
	if (room < 2)
		return;
	for (const char *p = program; *p && used < room - 1; p++)
		title[used++] = *p;
	for (const char *p = state; *p && used < room - 1; p++)
		title[used++] = *p;
	memset(title + used, 0, room - used);
}

void process_reopen_log(const struct conf *conf)
{
	struct error error;
	if (log_open("dialtone-fcgi", conf->log.target, conf->log.level, &error))
		log_error("%s", error.message);
}
