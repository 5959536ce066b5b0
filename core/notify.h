/* notify.h - words to systemd; nothing at all where it is not there. */
#ifndef DIALTONE_NOTIFY_H
#define DIALTONE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* sd_notify(3): "READY=1\nSTATUS=...". */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));
void notify_reloading(void);
/* Half of WatchdogSec in ns, or 0: how often notify_send("WATCHDOG=1") is due. */
int64_t notify_watchdog(void);
/* How many sockets systemd handed over; they begin at descriptor 3. `names_r` (may be NULL where 0): their names, malloc'd with each name. */
int notify_sockets(char ***names_r);

#endif
