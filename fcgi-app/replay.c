#include "replay.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

struct replay {
	_Atomic uint64_t places[REPLAY_PLACES]; /* 0: free */
};

struct replay *replay_new(void)
{
	struct replay *replay = mmap(NULL, sizeof *replay, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return replay == MAP_FAILED ? NULL : replay;
}

void replay_free(struct replay **replay)
{
	if (*replay)
		munmap(*replay, sizeof **replay);
	*replay = NULL;
}

bool replay_first(struct replay *replay, uint64_t use)
{
	use |= (uint64_t)1 << 63; /* never 0 */
	return atomic_exchange(&replay->places[use % REPLAY_PLACES], use) != use;
}
