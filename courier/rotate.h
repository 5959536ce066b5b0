/* rotate.h - rotation: what its files share (0010-rotation.sql says which rows there are and what their states mean).
 *
 * Each step is one transaction that locks its row of rotation_device or rotation_account, looks whether that is still to be done, and moves it to its next state. So a courier that
 * dies leaves nothing half done, several share the work, and a step that is tried again finds nothing to do. */
#ifndef DIALTONE_ROTATE_H
#define DIALTONE_ROTATE_H

#include "courier.h"

#include <stdbool.h>
#include <stddef.h>

enum rotate_what { ROTATE_HTTP, ROTATE_SIP, ROTATE_WEB };

struct rotation {
	long long id;
	const char *tenant_id;
	enum rotate_what what;
	const char *expire_at;   /* UTC, NULL: never */
	long long overlap;       /* sip: seconds */
	bool open;               /* not cancelled */
	bool listed;
	bool over;               /* expire_at has passed, and what phones fetched before it is in the journal */
};

/* One device or account at work. */
struct rotate_row {
	long long id;
	const char *mac;         /* "" for an account */
	const char *account_id;  /* "" for a device of http or web */
	const char *generation;  /* http: what the phone was seen to use */
	bool gone;
};

struct rotate_step {
	/* rotation, limit → id, mac, account_id, generation, gone: rows that look as if they were due. Locks nothing. */
	const char *find_sql;
	/* id: locks the row (NOWAIT); nothing where it is no longer in that state. */
	const char *lock_sql;
	/* seconds, message, id: what failed is not found before, so that it keeps nobody from being found. */
	const char *put_off_sql;
	enum error_code (*run)(struct courier *courier, const struct rotation *rotation, const struct rotate_row *row, struct error *error);
};

/* A batch of a step: all in one transaction, and if that fails each row in its own. *done_r: how many rows were due, were ours to lock, and were run. */
enum error_code rotate_batch(struct courier *courier, const struct rotation *rotation, const struct rotate_step *step, size_t *done_r, struct error *error);

/* put_off_sql of both tables. */
#define ROTATE_PUT_OFF(table) "UPDATE " table " SET due_at = CURRENT_TIMESTAMP + INTERVAL ? SECOND, last_error = ? WHERE id = ?"

/* Move a row to another state: sql is one of these; seconds until it is looked at again (waiting, held). */
extern const char rotate_device_state_sql[], rotate_account_state_sql[];
enum error_code rotate_move(struct courier *courier, const char *sql, long long id, const char *state, long long seconds, const char *why, struct error *error);
/* A statement whose parameters are texts; NULL is SQL NULL. */
enum error_code rotate_execute(struct courier *courier, const char *sql, const char *const *texts, unsigned count, struct error *error);
/* The same with the row's id behind them. */
enum error_code rotate_execute_row(struct courier *courier, const char *sql, const char *const *texts, unsigned count, long long id, struct error *error);
/* Did a statement with NOWAIT fail because another transaction has the row? Then only the statement was without effect. (SKIP LOCKED would be the word for it: but where no lock is waited
 * for at all, as on our connections, MariaDB 10.11 skips and then refuses the COMMIT, error 1180.) */
bool rotate_locked(const struct courier *courier, const struct error *error);
/* The first row's first column: 1 and the number, 0 where there is no row, -1 and *error. */
int rotate_ask(struct courier *courier, const char *sql, const char *const *texts, unsigned count, long long *value_r, struct error *error);

#define ROTATE_NEVER "2038-01-19 03:14:07" /* the last TIMESTAMP */

/* New secrets (rotate_make.c). */
extern const struct rotate_step rotate_make_http, rotate_make_web, rotate_make_sip;
/* A random secret of letters and digits, which every phone takes, sealed into its row (rotate_secret.c): another one where a row is there, a new row otherwise. keys: as the table's. */
#define ROTATE_PASSWORD 24 /* 142 bits */
enum error_code rotate_new_secret(struct courier *courier, const char *table, const char *const *keys, size_t length, struct error *error);

/* Who has come, whose time is over; rotations that are finished (rotate_watch.c). */
enum error_code rotate_watch(struct courier *courier, const struct rotation *rotation, bool *more_r, struct error *error);

#endif
