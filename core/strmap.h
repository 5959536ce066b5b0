/* strmap.h - names to small numbers: settings, maps, models. Filled once, then only read.
 *
 * Open addressing; not for keys that a stranger chooses at will (no per-process seed). */
#ifndef DIALTONE_STRMAP_H
#define DIALTONE_STRMAP_H

#include <stddef.h>
#include <stdint.h>

struct strmap_slot {
	const char *key; /* NULL: free */
	uint32_t length, hash;
	uint32_t value;
};

struct strmap {
	struct strmap_slot *slots;
	uint32_t count, mask;
};

#define STRMAP_NONE UINT32_MAX

void strmap_init(struct strmap *map);
void strmap_deinit(struct strmap *map);
/* Set key → value (the key's bytes must outlive the map: give it an arena copy). Returns the value that was there, or STRMAP_NONE. */
uint32_t strmap_put(struct strmap *map, const char *key, size_t length, uint32_t value);
/* The value, or STRMAP_NONE. Exact bytes. */
uint32_t strmap_get(const struct strmap *map, const char *key, size_t length);

#endif
