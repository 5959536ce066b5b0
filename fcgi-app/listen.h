/* listen.h - listening sockets: made by the master, or handed over by systemd; they outlive every worker, so that a restart of workers costs no request. */
#ifndef DIALTONE_LISTEN_H
#define DIALTONE_LISTEN_H

#include "error.h"

#include <stdbool.h>

#define LISTEN_BACKLOG 4096 /* 128 lost a quarter of 2,000 connections at once */

struct listener {
	int fd;     /* non-blocking, close-on-exec; -1: none */
	char *path; /* a socket file that we made, and that listen_close removes; NULL otherwise */
};

/* `address`: unix:/path, host:port or [v6]:port. A unix socket gets `mode` (octal text) and `group` ("": left). A socket file on which nobody listens any more is
 * replaced; one on which somebody does, and any other file, is an error. */
enum error_code listen_open(struct listener *listener_r, const char *address, const char *mode, const char *group, struct error *error);
/* One that systemd made: refused unless it is a listening stream socket. */
enum error_code listen_adopt(struct listener *listener_r, int fd, struct error *error);
/* In the master: also removes the file. */
void listen_close(struct listener *listener);

#endif
