#include "scoreboard.h"

#include <sys/mman.h>

static const char *const loss_names[LOSSES] = {
	[LOSS_SOCKET] = "journal-socket-full",
	[LOSS_SPOOL] = "spool-full",
	[LOSS_REFUSED] = "refused-by-database",
	[LOSS_STOP] = "stopped-without-database",
};

static const char *const restart_names[RESTARTS] = {
	[RESTART_DIED] = "died",
	[RESTART_WATCHDOG] = "watchdog",
	[RESTART_RETIRED] = "retired",
};

struct scoreboard *scoreboard_new(void)
{
	void *memory = mmap(NULL, sizeof(struct scoreboard), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory; /* zeros: all slots free */
}

const char *loss_name(enum loss loss)
{
	return (unsigned)loss < LOSSES ? loss_names[loss] : "invalid";
}

const char *restart_name(enum restart restart)
{
	return (unsigned)restart < RESTARTS ? restart_names[restart] : "invalid";
}

void slot_clear(struct slot *slot)
{
	atomic_store(&slot->busy_since, 0);
	atomic_store(&slot->requests, 0);
	atomic_store(&slot->cache_bytes, 0);
	atomic_store(&slot->cache_entries, 0);
	atomic_store(&slot->database, SLOT_DATABASE_UNTRIED);
	atomic_store(&slot->retiring, false);
	atomic_store(&slot->pid, 0);
	atomic_store(&slot->state, SLOT_FREE);
}
