/* process.h - what all our processes share: what ps shows of them, and their log. */
#ifndef DIALTONE_PROCESS_H
#define DIALTONE_PROCESS_H

#include "conf.h"

/* Remember where argv lies; to be called once, before options are kept. */
void process_init(int argc, char **argv);
/* "dialtone-fcgi: " and a state, never data, cut to the room of the command line. A constant. */
void process_title(const char *state);
/* For SIGUSR1: a file that was rotated is opened again. A failure is told in the old one. */
void process_reopen_log(const struct conf *conf);

#endif
