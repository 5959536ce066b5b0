/* delivery.h - what a phone has, by device_state, against what it would get now. */
#ifndef DIALTONE_DELIVERY_H
#define DIALTONE_DELIVERY_H

#include "phone.h"

enum delivery_state {
	DELIVERY_CURRENT,
	DELIVERY_CHANGED,      /* what it would get now differs from what it has */
	DELIVERY_NEVER,        /* nothing was ever delivered */
	DELIVERY_UNRENDERED,   /* nothing can be delivered now */
	DELIVERY_STATES
};

const char *delivery_state_name(enum delivery_state state); /* "current", "changed", "never-fetched", "cannot-render" */

/* Exact: renders what the phone would get with the firmware it had at its last delivery, and compares keyed digests. The phone is fetched
 * and not laid. */
struct delivery {
	enum delivery_state state;
	char file[256];        /* of the last delivery; "" if none */
	char delivered_at[32]; /* UTC; "" if none */
	char reason[ERROR_MESSAGE_SIZE]; /* with DELIVERY_UNRENDERED */
};

struct delivery_reader;
/* Needs NEED_STORE and NEED_JOURNAL. */
struct delivery_reader *delivery_reader_new(struct cli *cli);
void delivery_reader_free(struct delivery_reader **reader);
/* ERROR_NONE, or *error when the database cannot be asked. */
enum error_code delivery_read(struct delivery_reader *reader, struct phone *phone, struct delivery *delivery_r, struct error *error);

#endif
