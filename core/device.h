/* device.h - the store: a device by its MAC, in one round trip, with everything that its files need.
 *
 * Warm: one statement, which reads the device's revisions and its pack (pack.h). When the pack or a shared layer is missing: one more, which reads device and layers
 * together from their own tables, so that all are of one snapshot. */
#ifndef DIALTONE_DEVICE_H
#define DIALTONE_DEVICE_H

#include "arena.h"
#include "buf.h"
#include "cache.h"
#include "catalogue.h"
#include "db.h"
#include "encrypt.h"
#include "error.h"
#include "fingerprint.h"
#include "mac.h"
#include "pack.h"
#include "seal.h"
#include "stack.h"
#include "token.h"

#include <stdbool.h>

/* device ‖ tenant ‖ site ‖ profile ‖ provider revision, zeros where there is no site or profile */
#define DEVICE_REVISIONS (5 * REVISION_SIZE)
/* ... ‖ 16 bytes of the catalogue's digest: device_state.inputs */
#define DEVICE_INPUTS (DEVICE_REVISIONS + 16)

/* Settings of type secret that no row needs to hold: where no layer has one, each device gets its own, derived from the key ring, its MAC and its generation
 * (token_derive), so that no phone ever has a factory or shared web password. */
#define DEVICE_DERIVED 2
#define DEVICE_DERIVED_LENGTH 16
extern const char *const device_derived_names[DEVICE_DERIVED]; /* phone.admin_password, phone.user_password */

struct device {
	bool found;
	bool enabled;              /* device and tenant both */
	bool plain_http;           /* its tenant lets it fetch without TLS */
	struct mac mac;
	const char *tenant_id, *model_id;
	char generation[TOKEN_GENERATION + 1];
	char previous_generation[TOKEN_GENERATION + 1]; /* "" where none, or its time is over by the database's clock */
	unsigned char inputs[DEVICE_INPUTS];
	const struct model *model; /* NULL: the catalogue has no such model */
	struct stack stack;        /* filled, not laid */
	/* A pack of the rows just read, to be written to device_pack by the journal process (pack.h); text NULL: the one that is there was good, or there can be none.
	 * It belongs to the revision that `inputs` begins with, and to tenant_id, pack_site_id, pack_profile_id ("" where none). Lives as long as the arena. */
	struct text pack;
	const char *pack_site_id, *pack_profile_id;
	/* One of its secrets does not open: table, row and the way out. Such a device cannot be written and gets no pack. NULL: all is well. In the arena. */
	const char *fault;
	bool encrypted;            /* device_file: the file is the vendor's encrypted form, whatever the dialect's content type says */
	struct token_maker *tokens;/* the store's: derives secrets that no row gives; NULL: none are derived */
	const struct store *store; /* opens what is sealed in its shared layers */
};

extern const char device_rows_sql[]; /* the statement that reads a device from its own tables, for the benchmark that reads the same rows */

struct parameters;
struct store;
/* All must outlive the store. cache NULL: everything is read from its own tables each time (the command line). sealer NULL: as if no device had a pack.
 * secrets opens sealed secrets and seals plain ones for the cache. */
struct store *store_new(struct db *db, const struct catalogue *catalogue, struct cache *cache, struct token_maker *tokens, struct pack_sealer *sealer,
	struct sealer *secrets);
void store_free(struct store **store);

/* Load `mac` into *device_r; memory from `arena` and (shared layers) from the cache: valid until the next store_fetch or cache change. An unknown MAC is success with
 * found = false. ERROR_DATABASE_GONE also while a restore is running (view _complete). */
enum error_code store_fetch(struct store *store, const struct mac *mac, struct arena *arena, struct device *device_r, struct error *error);

/* Does this generation count for this device now? Constant time. */
bool device_generation_counts(const struct device *device, const char generation[TOKEN_GENERATION + 1]);

/* The catalogue's part of device->inputs is set by store_fetch. ETag and nonce of one of the device's files in one dialect. */
void device_fingerprint(const struct device *device, struct fingerprint_maker *maker, const char *file_kind, const struct dialect *dialect,
	struct fingerprint *fingerprint_r);

/* stack_lay; secrets of shared layers that the device's vendor uses are opened into the arena, and derived ones put where no layer has one. The key of encrypted
 * files only where it is used or told (provisioning.encryption, .encryption_announce), and one that lasts (token_derive_lasting), because the phone opens its next file with the
 * key of the last. An error where a secret does not open: then nothing that was laid may be written. */
enum error_code device_lay(struct device *device, struct arena *arena, struct error *error);
/* What an encrypted file is to HTTP. */
#define DEVICE_ENCRYPTED_TYPE "application/octet-stream"
/* What was rendered, as the file that the phone gets: written, and encrypted where provisioning.encryption is true. All or nothing. ERROR_INEXPRESSIBLE also where it is true and the
 * vendor's phones have no encrypted files: never is plain text sent in place of it. */
enum error_code device_file(struct device *device, const struct dialect *dialect, const struct parameters *parameters, struct buf *out, struct error *error);

/* device_lay, render and device_file. */
enum error_code device_write(struct device *device, const struct model_variant *variant, struct arena *arena, struct buf *out, struct error *error);

#endif
