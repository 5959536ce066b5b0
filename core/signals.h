/* signals.h - signals of all our processes: handlers set a flag, and signals are blocked except inside a ppoll with signals_open.
 *
 * Handlers are installed before FCGX_Init, which leaves a signal alone that has a handler; without SA_RESTART, so that a wait ends. */
#ifndef DIALTONE_SIGNALS_H
#define DIALTONE_SIGNALS_H

#include <signal.h>

extern volatile sig_atomic_t signals_stop;   /* SIGTERM, SIGINT */
extern volatile sig_atomic_t signals_reload; /* SIGHUP */
extern volatile sig_atomic_t signals_reopen; /* SIGUSR1 */
extern volatile sig_atomic_t signals_child;  /* SIGCHLD */

/* The mask for ppoll: what was unblocked when the program started, and ours. */
extern sigset_t signals_open;

/* Install the handlers and block. SIGPIPE is ignored. */
void signals_init(void);
/* In a child: forget what the parent was told. */
void signals_forget(void);

#endif
