/* pool.h - the least that a pool of libfcgi workers can be: a socket, n forks, SIGTERM ends them all. For baselines only. */
#ifndef DIALTONE_BENCH_POOL_H
#define DIALTONE_BENCH_POOL_H

#include <fcgiapp.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Calls `serve` in each of `workers` processes with a request to accept into; does not return. */
static inline void pool_run(const char *path, int workers, void (*serve)(FCGX_Request *request))
{
	FCGX_Init();
	unlink(path);
	int fd = FCGX_OpenSocket(path, 4096);
	if (fd < 0 || chmod(path, 0666) != 0) {
		perror(path);
		exit(2);
	}
	for (int i = 0; i < workers; i++) {
		pid_t pid = fork();
		if (pid < 0) {
			perror("fork");
			exit(2);
		}
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			FCGX_Request request;
			FCGX_InitRequest(&request, fd, 0);
			serve(&request);
			exit(0);
		}
	}
	signal(SIGTERM, SIG_DFL);
	while (wait(NULL) > 0)
		;
	exit(0);
}

#endif
