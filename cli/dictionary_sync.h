/* dictionary_sync.h - the tables that `dialtone db upgrade` loads from templates/: setting, timezone, vendor, vendor_oui, model,
 * vendor_setting, template_file.
 *
 * Compared by content: what is equal is not written. A name that the files no longer have is marked retired, never deleted, in the tables that
 * other rows may name. */
#ifndef DIALTONE_DICTIONARY_SYNC_H
#define DIALTONE_DICTIONARY_SYNC_H

#include "arena.h"
#include "catalogue.h"
#include "db.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum sync_change { SYNC_ADD, SYNC_CHANGE, SYNC_RETIRE, SYNC_REMOVE };

struct sync_difference {
	enum sync_change change;
	const char *table;
	const char *key;      /* "yealink/sip.server": the key's parts, joined by '/' */
	const char *columns;  /* SYNC_CHANGE: which ones, joined by ", " */
};

/* "added", "changed", ... */
const char *sync_change_name(enum sync_change change);

/* Tell every difference, in the tables' order; where apply is set, write them, in one transaction: all or nothing. Memory in the arena. */
enum error_code dictionary_sync(struct db *db, const struct catalogue *catalogue, bool apply, struct arena *arena,
	void (*tell)(void *context, const struct sync_difference *difference), void *context, struct error *error);

#endif
