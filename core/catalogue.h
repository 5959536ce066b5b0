/* catalogue.h - everything below templates/, read once, checked, compiled; shared read-only by all workers after the fork. */
#ifndef DIALTONE_CATALOGUE_H
#define DIALTONE_CATALOGUE_H

#include "error.h"
#include "mac.h"
#include "setting.h"
#include "timezone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct template;
struct writer;
struct encryption;
struct vendor;

enum file_answer { FILE_DEVICE, FILE_COMMON, FILE_ABSENT };

/* One [file NAME] of a vendor.ini. */
struct file_rule {
	const char *name;
	const char **patterns;
	uint32_t pattern_count;
	enum file_answer answer;
};

/* One [agent NAME]. */
struct agent_rule {
	const char *name;
	const char *pattern;
};

/* One [certificate NAME]: certificates that this vendor's phones have from the factory (certificate.h). */
struct certificate_rule {
	const char *name;
	const char *issuer;  /* parts of the issuer's name, all of which must be there */
	const char *subject; /* pattern of the common name, with {mac} */
};

/* One section of maps.ini. */
struct map;

/* One [dialect NAME]: how a family of phones writes its file. */
struct dialect {
	const char *name;
	const struct vendor *vendor;
	const struct writer *writer;
	const struct encryption *encryption; /* of files where provisioning.encryption is true; NULL: these phones have none (encrypt.h) */
	const char *content_type;
	const char *header, *root, *footer; /* the writer's own; NULL where not given */
	const char *template_name, *common_template_name;
};

/* A model in one dialect, with its compiled template. */
struct model_variant {
	const char *below;   /* firmware version below which it counts; NULL for the model's usual dialect (always the last variant) */
	const struct dialect *dialect;
	const struct template *template;
	const struct template *common; /* NULL: no common file */
};

struct model {
	const char *id;      /* "yealink-t54w" */
	const char *name;    /* "SIP-T54W" */
	const struct vendor *vendor;
	const char **agents; /* names in User-Agents */
	uint32_t agent_count;
	uint32_t lines, keys, modules, module_keys;
	const char **common_files;
	uint32_t common_file_count;
	struct model_variant *variants;
	uint32_t variant_count; /* at least 1 */
	struct model_constants *constants; /* private: all keys of its section */
};

struct vendor {
	const char *id;   /* the folder's name */
	const char *name;
	uint32_t index;   /* in catalogue->vendors */
	char (*ouis)[7];
	uint32_t oui_count;
	struct file_rule *files;
	uint32_t file_count;
	struct agent_rule *agents;
	uint32_t agent_count;
	struct certificate_rule *certificates;
	uint32_t certificate_count;
	struct dialect *dialects;
	uint32_t dialect_count; /* 0: only recognised, not served */
	const struct encryption *encryption; /* the dialects' own, NULL if none has any */
	struct model *models;
	uint32_t model_count;
	bool *uses;        /* [dictionary->count]: settings that any of its templates uses */
	struct vendor_maps *maps; /* private: map_find */
};

struct catalogue_file { const char *name; char digest[65]; }; /* "yealink/desk.tmpl", SHA-256 in hex */

struct catalogue {
	struct dictionary *dictionary;
	struct timezones *timezones;
	/* provisioning.encryption, .encryption_announce, .encryption_key and .encryption_rsa_key; NULL where the dictionary lacks them */
	const struct setting *encryption, *encryption_announce, *encryption_key, *encryption_rsa_key;
	struct vendor *vendors;
	uint32_t vendor_count;
	struct catalogue_file *files; /* sorted by name */
	uint32_t file_count;
	unsigned char digest[32];     /* over all names and digests of files: changes when any of them does */
	struct catalogue_index *index;/* private */
};

/* Read the whole directory. All or nothing: NULL and *error with file:line[:column]. */
struct catalogue *catalogue_load(const char *directory, struct error *error);
void catalogue_free(struct catalogue **catalogue);

const struct vendor *catalogue_vendor(const struct catalogue *catalogue, const char *id, size_t length);
const struct model *catalogue_model(const struct catalogue *catalogue, const char *id, size_t length);
/* The vendor whose range holds this MAC, or NULL. */
const struct vendor *catalogue_vendor_of_mac(const struct catalogue *catalogue, const struct mac *mac);

/* The variant for a phone with this firmware ("96.86.0.45"; "" or NULL where unknown: the usual one). Versions compare number by number. */
const struct model_variant *model_variant_for(const struct model *model, const char *firmware);
/* A constant of the model's section, or NULL. */
const char *model_constant(const struct model *model, const char *key);

/* The map of that name, or NULL; and what it turns `value` into (keys compare without regard to ASCII case), NULL if it lacks the value. */
const struct map *vendor_map(const struct vendor *vendor, const char *name, size_t length);
const char *map_get(const struct map *map, const char *value, size_t length, size_t *length_r);

#endif
