/* maps.ini of one vendor's folder. */
#include "catalogue-private.h"
#include "ini.h"

#include <string.h>

static void load_map(const struct vendor_loader *loader, const struct ini *ini, const char *section, struct map *map)
{
	struct arena *arena = &loader->catalogue->index->arena;
	size_t count = ini_key_count(ini, section);
	map->name = arena_strdup(arena, section);
	map->texts = arena_array(arena, count, sizeof *map->texts);
	for (size_t i = 0; i < count; i++) {
		/* Keys are in lower case already. */
		const char *key = arena_strdup(arena, ini_key(ini, section, i));
		map->texts[i] = arena_strdup(arena, ini_get(ini, section, key));
		strmap_put(&map->values, key, strlen(key), (uint32_t)i);
	}
}

enum error_code vendor_load_maps(const struct vendor_loader *loader, const struct ini *ini)
{
	struct vendor_maps *maps = loader->vendor->maps;
	size_t count = ini_section_count(ini);
	maps->maps = arena_array(&loader->catalogue->index->arena, count, sizeof *maps->maps);
	for (size_t i = 0; i < count; i++)
		load_map(loader, ini, ini_section(ini, i), &maps->maps[maps->count++]);
	return ERROR_NONE;
}

void vendor_deinit(struct vendor *vendor)
{
	for (uint32_t i = 0; vendor->maps && i < vendor->maps->count; i++)
		strmap_deinit(&vendor->maps->maps[i].values);
}
