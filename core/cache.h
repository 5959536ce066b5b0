/* cache.h - a worker's bounded cache of the layers that many phones share.
 *
 * An entry is found by its layer, key (tenant, site, ...) *and* revision: a revision is never used twice, so an entry is never stale, and nothing ever needs to
 * flush it. What is not used falls out, least recently used first, when the bound in bytes is passed. */
#ifndef DIALTONE_CACHE_H
#define DIALTONE_CACHE_H

#include "layer.h"

#include <stddef.h>
#include <stdint.h>

#define REVISION_SIZE 8

struct cache;

struct cache_key {
	enum layer layer;
	const char *tenant_id, *id; /* "" where the layer has none */
	const unsigned char *revision; /* REVISION_SIZE bytes */
};

struct cache_counts {
	uint64_t hits, misses, evictions;
	size_t bytes, entries;
};

/* max_bytes counts entries whole, their bookkeeping included. */
struct cache *cache_new(size_t max_bytes);
/* Wipes: layers hold secrets. */
void cache_free(struct cache **cache);

/* A request begins: what cache_get and cache_put return from now on lives until the next cache_begin, however full the cache is. Brings it back under its bound. */
void cache_begin(struct cache *cache);

/* NULL if it is not there. */
const struct layer_rows *cache_get(struct cache *cache, const struct cache_key *key);
/* Keep a deep copy of `rows` (names, texts and all) and return it. One that is there already is returned as it is. */
const struct layer_rows *cache_put(struct cache *cache, const struct cache_key *key, const struct layer_rows *rows);

struct cache_counts cache_counts(const struct cache *cache);

#endif
