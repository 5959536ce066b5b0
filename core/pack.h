/* pack.h - a device's own rows, sealed into one value, so that a warm fetch reads one row of the database instead of twenty from seven tables.
 *
 * Where it belongs: table device_pack, beside the device's revision that the rows were read at. A pack whose revision is not the device's current one counts for nothing, and a revision is never
 * used twice, so a pack is never stale and nothing ever has to flush it. A worker that finds none reads the rows themselves and hands the new pack to the journal process,
 * which writes it; a lost one costs the next fetch a second statement and nothing else.
 *
 * Why: of a fetch's cost in MariaDB nine tenths were opening and optimizing seven statements' tables (doc/measurements.md).
 *
 * Form, before sealing: rows one after the other. A row is an int64 (kind × 2^32 + number, as device.c numbers them) and PACK_COLUMNS texts, each a uint32 length
 * (PACK_NULL: SQL NULL, no bytes follow) and its bytes and a 0. Numbers in the machine's order: packs do not travel. Sealed: 1 byte version, 12 bytes nonce, ciphertext,
 * 16 bytes tag; AES-256-GCM under the ring's newest key for packs, MAC and revision as additional data: a pack moved to another device or revision does not open. */
#ifndef DIALTONE_PACK_H
#define DIALTONE_PACK_H

#include "arena.h"
#include "keyring.h"
#include "layer.h"
#include "mac.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_COLUMNS 6
/* Larger ones are not kept: such a device takes two round trips. */
#define PACK_MAX 32768u

struct pack_row {
	int64_t number;
	struct text columns[PACK_COLUMNS]; /* text NULL: SQL NULL; otherwise 0-terminated */
};

/* Holds the OpenSSL contexts; one a process. */
struct pack_sealer;
struct pack_sealer *pack_sealer_new(const struct keyring *keyring);
void pack_sealer_free(struct pack_sealer **sealer);

/* Rows under way; memory from the arena. */
struct pack_writer {
	struct arena *arena;
	char *bytes;
	size_t size, room;
	bool full; /* more than PACK_MAX: nothing will come of it */
};
void pack_writer_init(struct pack_writer *writer, struct arena *arena);
void pack_add(struct pack_writer *writer, const struct pack_row *row);
/* The sealed value (in the arena), or text NULL if it became too large. */
struct text pack_seal(struct pack_sealer *sealer, struct pack_writer *writer, const struct mac *mac, const unsigned char *revision);

/* Open a sealed value into the arena. text NULL if it is none of this device, revision and key, or not well formed: read the rows instead. */
struct text pack_open(struct pack_sealer *sealer, struct arena *arena, const struct mac *mac, const unsigned char *revision, const void *sealed, size_t size);
/* The next row; its texts point into `opened`. *at_r begins at 0. False at the end, or (*good_r false) where it is not well formed. */
bool pack_next(struct text opened, size_t *at_r, struct pack_row *row_r, bool *good_r);

#endif
