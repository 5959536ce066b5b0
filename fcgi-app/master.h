/* master.h - the process that reads the configuration, holds the sockets, forks, counts and reloads. It never reads a byte that a stranger sent. */
#ifndef DIALTONE_MASTER_H
#define DIALTONE_MASTER_H

#include "service.h"

/* Runs the service until SIGTERM or SIGINT; takes `service` over. `conf_path` is read again at SIGHUP. Returns the program's exit status. */
int master_run(struct service *service, const char *conf_path);

#endif
