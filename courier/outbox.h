/* outbox.h - the table `outbox`: what must reach the outside, written by triggers with the change itself (0007-secrets.sql).
 *
 * A courier takes rows by a lease: it locks those that are due and that no other has locked (FOR UPDATE SKIP LOCKED), moves their due_at behind the lease, and commits. A courier
 * that dies leaves rows that are due again when their lease is over. A row is deleted when it was delivered, and put off, with the error kept on it, when it could not be. */
#ifndef DIALTONE_OUTBOX_H
#define DIALTONE_OUTBOX_H

#include "courier.h"

#include <stddef.h>

struct outbox_row {
	long long id;
	const char *subject;     /* table */
	const char *keys[3];     /* of its row; "" where it has fewer */
	unsigned attempts;       /* this one included */
};

/* Take up to [courier] batch rows of a kind, oldest first. Rows live in courier->arena. */
enum error_code outbox_take(struct courier *courier, const char *kind, struct outbox_row **rows_r, size_t *count_r, struct error *error);
/* Delivered: to be called in the transaction that did the work, so that both come true or none. */
enum error_code outbox_done(struct courier *courier, const struct outbox_row *row, struct error *error);
/* Not delivered: due again after 2, 4, 8 … seconds, an hour at most; `why` stays on the row. Outside of a transaction. */
enum error_code outbox_put_off(struct courier *courier, const struct outbox_row *row, const struct error *why, struct error *error);

/* Take a batch and deliver it row by row: first all in one transaction (one flush of the log for all), and where that fails each in its own, so that one bad row holds up no other.
 * deliver works in the transaction at hand; A lost connection ends the batch, any other error (a row that is locked too) puts that row off. *more_r: there was a row: what was
 * done may have made new ones. */
enum error_code outbox_deliver(struct courier *courier, const char *kind,
	enum error_code (*deliver)(struct courier *courier, const struct outbox_row *row, struct error *error), bool *more_r, struct error *error);

#endif
