/* cache.h - a worker's bounded cache of the layers that many phones share.
 *
 * An entry is found by its key (tenant, site, ...) *and* revision: a revision is never used twice, so an entry is never stale, and nothing ever needs to flush it.
 * What is not used falls out, least recently used first, when the bound in bytes is passed. */
#ifndef DIALTONE_CACHE_H
#define DIALTONE_CACHE_H

#include "arena.h"
#include "layer.h"

#include <stddef.h>
#include <stdint.h>

#define REVISION_SIZE 8

/* Rows include the layer's secrets (tenant_secret): settings of type secret. */
struct cache_layer {
	struct layer_rows rows;
	struct arena arena;      /* holds the rows; wiped when the entry falls out */
};

struct cache;
struct cache *cache_new(size_t max_bytes);
void cache_free(struct cache **cache);

/* NULL if it is not there. The pointer lives until the next cache_put or cache_free. */
const struct cache_layer *cache_get(struct cache *cache, enum layer layer, const char *tenant_id, const char *id,
	const unsigned char revision[REVISION_SIZE]);
/* Hand over a layer (arena and all; *layer is emptied). An entry of the same key and another revision is dropped. Returns the entry, pinned until cache_unpin_all:
 * a request that loads several layers must not lose the first to the last. */
const struct cache_layer *cache_put(struct cache *cache, enum layer layer, const char *tenant_id, const char *id,
	const unsigned char revision[REVISION_SIZE], struct cache_layer *layer_r);
void cache_unpin_all(struct cache *cache);

struct cache_counts { uint64_t hits, misses, evictions; size_t bytes, entries; };
struct cache_counts cache_counts(const struct cache *cache);

#endif
