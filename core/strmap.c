#include "strmap.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: short keys, no stranger's choice. */
static uint32_t hash_of(const char *key, size_t length)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)key[i]) * 16777619u;
	return hash;
}

void strmap_init(struct strmap *map)
{
	*map = (struct strmap){0};
}

void strmap_deinit(struct strmap *map)
{
	free(map->slots);
	*map = (struct strmap){0};
}

/* The slot that holds the key, or the free one where it belongs. */
static struct strmap_slot *find(const struct strmap *map, const char *key, size_t length, uint32_t hash)
{
	for (uint32_t i = hash;; i++) {
		struct strmap_slot *slot = &map->slots[i & map->mask];
		if (!slot->key || (slot->hash == hash && slot->length == length && memcmp(slot->key, key, length) == 0))
			return slot;
	}
}

static void grow(struct strmap *map)
{
	struct strmap old = *map;
	uint32_t size = old.slots ? (old.mask + 1) * 2 : 16;
	map->slots = xcalloc(size, sizeof *map->slots);
	map->mask = size - 1;
	for (uint32_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i].key)
			*find(map, old.slots[i].key, old.slots[i].length, old.slots[i].hash) = old.slots[i];
	free(old.slots);
}

uint32_t strmap_put(struct strmap *map, const char *key, size_t length, uint32_t value)
{
	if (!map->slots || map->count * 2 > map->mask)
		grow(map);
	uint32_t hash = hash_of(key, length);
	struct strmap_slot *slot = find(map, key, length, hash);
	if (slot->key) {
		uint32_t before = slot->value;
		slot->value = value;
		return before;
	}
	*slot = (struct strmap_slot){.key = key, .length = (uint32_t)length, .hash = hash, .value = value};
	map->count++;
	return STRMAP_NONE;
}

uint32_t strmap_get(const struct strmap *map, const char *key, size_t length)
{
	if (!map->slots)
		return STRMAP_NONE;
	const struct strmap_slot *slot = find(map, key, length, hash_of(key, length));
	return slot->key ? slot->value : STRMAP_NONE;
}
