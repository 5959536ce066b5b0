#include "signals.h"

#include <stddef.h>

volatile sig_atomic_t signals_stop, signals_reload, signals_reopen, signals_child;
sigset_t signals_open;

static void note(int number)
{
	switch (number) {
	case SIGHUP: signals_reload = 1; break;
	case SIGUSR1: signals_reopen = 1; break;
	case SIGCHLD: signals_child = 1; break;
	default: signals_stop = 1;
	}
}

void signals_init(void)
{
	static const int ours[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
	struct sigaction action = {.sa_handler = note};
	sigset_t blocked;
	sigemptyset(&blocked);
	sigprocmask(SIG_SETMASK, NULL, &signals_open);
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		sigaddset(&blocked, ours[i]);
		sigdelset(&signals_open, ours[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		sigaction(ours[i], &action, NULL);
	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

void signals_forget(void)
{
	signals_stop = signals_reload = signals_reopen = signals_child = 0;
}
