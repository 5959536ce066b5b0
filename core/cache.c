#include "cache.h"

#include "wipe.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64u

struct entry {
	struct entry *chain;           /* of its bucket */
	struct entry *newer, *older;   /* by last use */
	uint64_t request;              /* the last request that used it: not evicted while that one lasts */
	uint64_t hash;
	size_t bytes;                  /* of this allocation */
	unsigned char revision[REVISION_SIZE];
	const char *tenant_id, *id;
	struct layer_rows rows;        /* everything it points to lies behind, in the same allocation */
};

struct cache {
	size_t max_bytes;
	struct entry **buckets;
	size_t bucket_count;           /* a power of two */
	struct entry *newest, *oldest;
	uint64_t request;
	struct cache_counts counts;
};

struct cache *cache_new(size_t max_bytes)
{
	struct cache *cache = xcalloc(1, sizeof *cache);
	cache->max_bytes = max_bytes;
	cache->bucket_count = BUCKETS_MIN;
	cache->buckets = xcalloc(cache->bucket_count, sizeof *cache->buckets);
	return cache;
}

/* A revision is random: its bytes are the hash. Layers of one device never share one but by their kind and key, which are compared. */
static uint64_t hash_of(const struct cache_key *key)
{
	uint64_t hash;
	memcpy(&hash, key->revision, sizeof hash);
	return hash + (uint64_t)key->layer * 0x9e3779b97f4a7c15u;
}

static struct entry **bucket_of(const struct cache *cache, uint64_t hash)
{
	return &cache->buckets[hash & (cache->bucket_count - 1)];
}

static void unlink_use(struct cache *cache, struct entry *entry)
{
	*(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void link_newest(struct cache *cache, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
	cache->newest = entry;
	entry->request = cache->request;
}

static void drop(struct cache *cache, struct entry *entry)
{
	struct entry **link = bucket_of(cache, entry->hash);
	while (*link != entry)
		link = &(*link)->chain;
	*link = entry->chain;
	unlink_use(cache, entry);
	cache->counts.bytes -= entry->bytes;
	cache->counts.entries--;
	wipe(entry, entry->bytes);
	free(entry);
}

static void shrink(struct cache *cache)
{
	while (cache->counts.bytes > cache->max_bytes && cache->oldest && cache->oldest->request != cache->request) {
		drop(cache, cache->oldest);
		cache->counts.evictions++;
	}
}

void cache_free(struct cache **cache)
{
	if (!*cache)
		return;
	while ((*cache)->oldest)
		drop(*cache, (*cache)->oldest);
	free((*cache)->buckets);
	free(*cache);
	*cache = NULL;
}

void cache_begin(struct cache *cache)
{
	cache->request++;
	shrink(cache);
}

static struct entry *find(const struct cache *cache, const struct cache_key *key, uint64_t hash)
{
	struct entry *entry = *bucket_of(cache, hash);
	for (; entry; entry = entry->chain)
		if (entry->hash == hash && entry->rows.layer == key->layer && memcmp(entry->revision, key->revision, REVISION_SIZE) == 0 &&
		    strcmp(entry->tenant_id, key->tenant_id) == 0 && strcmp(entry->id, key->id) == 0)
			return entry;
	return NULL;
}

const struct layer_rows *cache_get(struct cache *cache, const struct cache_key *key)
{
	struct entry *entry = find(cache, key, hash_of(key));
	if (!entry) {
		cache->counts.misses++;
		return NULL;
	}
	cache->counts.hits++;
	unlink_use(cache, entry);
	link_newest(cache, entry);
	return &entry->rows;
}

/* The strings behind an entry's arrays. In the first pass (at NULL) they are only counted. */
struct packer {
	char *at;
	size_t size;
};

static const char *pack(struct packer *packer, const char *text, size_t length)
{
	packer->size += length + 1;
	if (!packer->at)
		return NULL;
	char *copy = packer->at;
	memcpy(copy, text, length);
	copy[length] = 0;
	packer->at += length + 1;
	return copy;
}

static void pack_text(struct packer *packer, struct text *text)
{
	if (text->text)
		text->text = pack(packer, text->text, text->length);
}

/* Copy every string that the arrays point to; with packer->at NULL the arrays may be the original's: nothing is written. */
static void pack_rows(struct packer *packer, const struct layer_rows *from, struct layer_setting *settings, struct layer_parameter *parameters,
	struct layer_key *keys)
{
	for (uint32_t i = 0; i < from->setting_count; i++) {
		struct layer_setting row = from->settings[i];
		if (row.text)
			row.text = pack(packer, row.text, row.length);
		if (packer->at)
			settings[i] = row;
	}
	for (uint32_t i = 0; i < from->parameter_count; i++) {
		struct layer_parameter row = from->parameters[i];
		row.name = pack(packer, row.name, row.name_length);
		if (row.text)
			row.text = pack(packer, row.text, row.length);
		if (packer->at)
			parameters[i] = row;
	}
	for (uint32_t i = 0; i < from->key_count; i++) {
		struct layer_key row = from->keys[i];
		pack_text(packer, &row.type);
		pack_text(packer, &row.value);
		pack_text(packer, &row.label);
		pack_text(packer, &row.extension);
		if (packer->at)
			keys[i] = row;
	}
}

static void copy_array(void *to, const void *from, size_t bytes)
{
	if (bytes)
		memcpy(to, from, bytes);
}

static struct entry *entry_new(const struct cache_key *key, const struct layer_rows *rows)
{
	struct packer packer = {0};
	pack(&packer, key->tenant_id, strlen(key->tenant_id));
	pack(&packer, key->id, strlen(key->id));
	pack_rows(&packer, rows, NULL, NULL, NULL);
	size_t settings = rows->setting_count * sizeof *rows->settings, parameters = rows->parameter_count * sizeof *rows->parameters,
	       keys = rows->key_count * sizeof *rows->keys, networks = rows->network_count * sizeof *rows->networks,
	       denied = rows->denied_count * sizeof *rows->denied, policies = rows->policy_count * sizeof *rows->policies;
	size_t bytes = sizeof(struct entry) + settings + parameters + keys + networks + denied + policies + packer.size;

	struct entry *entry = xcalloc(1, bytes);
	char *at = (char *)(entry + 1);
	struct layer_setting *own_settings = (struct layer_setting *)(void *)at;
	struct layer_parameter *own_parameters = (struct layer_parameter *)(void *)(at += settings);
	struct layer_key *own_keys = (struct layer_key *)(void *)(at += parameters);
	/* What needs less alignment comes later. */
	struct network *own_networks = (struct network *)(void *)(at += keys);
	struct layer_fingerprint *own_denied = (struct layer_fingerprint *)(void *)(at += networks);
	uint8_t *own_policies = (uint8_t *)(at += denied);
	packer = (struct packer){.at = at + policies};
	copy_array(own_networks, rows->networks, networks);
	copy_array(own_denied, rows->denied, denied);
	copy_array(own_policies, rows->policies, policies);
	entry->bytes = bytes;
	memcpy(entry->revision, key->revision, REVISION_SIZE);
	entry->tenant_id = pack(&packer, key->tenant_id, strlen(key->tenant_id));
	entry->id = pack(&packer, key->id, strlen(key->id));
	pack_rows(&packer, rows, own_settings, own_parameters, own_keys);
	entry->rows = *rows;
	entry->rows.layer = key->layer;
	entry->rows.who = *entry->id ? entry->id : entry->tenant_id;
	entry->rows.settings = own_settings;
	entry->rows.parameters = own_parameters;
	entry->rows.keys = own_keys;
	entry->rows.networks = own_networks;
	entry->rows.denied = own_denied;
	entry->rows.policies = own_policies;
	return entry;
}

static void grow(struct cache *cache)
{
	free(cache->buckets);
	cache->bucket_count *= 2;
	cache->buckets = xcalloc(cache->bucket_count, sizeof *cache->buckets);
	for (struct entry *entry = cache->newest; entry; entry = entry->older) {
		struct entry **bucket = bucket_of(cache, entry->hash);
		entry->chain = *bucket;
		*bucket = entry;
	}
}

const struct layer_rows *cache_put(struct cache *cache, const struct cache_key *key, const struct layer_rows *rows)
{
	uint64_t hash = hash_of(key);
	struct entry *entry = find(cache, key, hash);
	if (entry)
		return &entry->rows;
	entry = entry_new(key, rows);
	entry->hash = hash;
	if (cache->counts.entries >= cache->bucket_count)
		grow(cache);
	struct entry **bucket = bucket_of(cache, hash);
	entry->chain = *bucket;
	*bucket = entry;
	link_newest(cache, entry);
	cache->counts.bytes += entry->bytes;
	cache->counts.entries++;
	shrink(cache);
	return &entry->rows;
}

struct cache_counts cache_counts(const struct cache *cache)
{
	return cache->counts;
}
