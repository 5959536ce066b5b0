/* catalogue-private.h - how catalogue.c, vendor.c and identify.c keep the catalogue. */
#ifndef DIALTONE_CATALOGUE_PRIVATE_H
#define DIALTONE_CATALOGUE_PRIVATE_H

#include "arena.h"
#include "catalogue.h"
#include "strmap.h"

struct ini;

/* A range of 2^24 MACs and whose it is. */
struct oui_owner {
	uint32_t oui;
	uint32_t vendor;
};

/* One pattern of a vendor.ini and what refuses most names and agents without looking at it: identify.c makes them. */
struct pattern_index {
	uint32_t vendor, rule;       /* catalogue->vendors[vendor].files[rule], or .agents[rule] */
	const char *pattern;
	uint16_t shortest;           /* bytes that a match has at least */
	char first, last;            /* its first and last character in lower case; 0: a placeholder */
	bool mac_first;              /* begins with {mac} */
	uint32_t next;               /* of agents: the next one that an agent with the same first letter may match; count: none */
};

struct catalogue_index {
	struct arena arena;          /* all that hangs on the catalogue, but for what is named here */
	struct strmap vendors;       /* id → index in catalogue->vendors */
	struct strmap models;        /* id → index in all_models */
	struct strmap agents;        /* "vendor/name in lower case" → index in all_models */
	const struct model **all_models;
	uint32_t model_count;
	struct oui_owner *ouis;      /* sorted by oui */
	uint32_t oui_count;
	struct pattern_index *files; /* of all vendors, in order of vendor, rule, pattern */
	uint32_t file_count;
	uint32_t *files_of;          /* by vendor: where its patterns begin in `files`; [vendor_count] is file_count */
	bool served_mac_first;       /* no served vendor has a pattern with {mac} elsewhere than first that a name beginning with a MAC may match */
	struct pattern_index *agents_by_pattern; /* those that begin with a literal first, then in order of vendor, rule */
	uint32_t agent_count;
	uint32_t agents_from[256];   /* by first byte in lower case: the first that may match */
	struct template **templates; /* all that were compiled, owned here: variants of one model may share one */
	uint32_t template_count;
};

struct map {
	const char *name;
	struct strmap values;        /* neutral value in lower case → index in texts */
	const char **texts;
};

struct vendor_maps {
	struct map *maps;
	uint32_t count;
};

struct model_constant {
	const char *key, *value;
};

struct model_constants {
	struct model_constant *list;
	uint32_t count;
};

/* Longest neutral value that a map can hold (a key of an ini file). */
#define MAP_KEY_MAX 255u

/* What vendor.c needs to read one folder. */
struct vendor_loader {
	struct catalogue *catalogue;
	struct vendor *vendor;
	const char *directory;       /* "templates/yealink" */
	struct error *error;
};

/* Read vendor.ini, maps.ini and models.ini of the folder, compile the templates. vendor->id and ->index are set. On failure the vendor is
 * half filled: vendor_deinit and the catalogue's arena take it back. */
enum error_code vendor_load(const struct vendor_loader *loader);
void vendor_deinit(struct vendor *vendor);
/* maps.ini alone, once it is open. */
enum error_code vendor_load_maps(const struct vendor_loader *loader, const struct ini *ini);

/* Fill the index's files and agents_by_pattern once all vendors are read. */
void identify_index(struct catalogue *catalogue);

/* A whole file, malloc'd, with a 0 behind it; NULL and *error. */
char *catalogue_read_file(const char *path, size_t *length_r, struct error *error);

/* Is one firmware version older than another? Number by number; a missing one counts as 0; what is no digit separates. */
bool catalogue_version_below(const char *version, const char *limit);

/* ASCII only, whatever the locale. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

#endif
