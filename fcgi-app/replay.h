/* replay.h - uses of nonces that all workers of a pool have seen lately: a Digest answer counts once.
 *
 * A table in memory that the master made before the first fork, each use at the place that its own bits say. Another use at the same place overwrites it, so the memory is bounded, and
 * what is forgotten early is still bounded by the nonce's lifetime. Two pools that share a key ring do not know each other's. */
#ifndef DIALTONE_REPLAY_H
#define DIALTONE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_PLACES 65536u

struct replay;

/* NULL if there is no memory. */
struct replay *replay_new(void);
void replay_free(struct replay **replay);

/* Take this use down; false: it was there. */
bool replay_first(struct replay *replay, uint64_t use);

#endif
