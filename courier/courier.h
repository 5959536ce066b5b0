/* courier.h - the daemon that carries what the database holds to where it must go: what its jobs share.
 *
 * A job is a function of its own file and a row of courier_jobs (jobs.c). run does one bounded piece of work (a batch) and says whether there is more; it is called again at once then, and
 * after [courier] interval otherwise. An error puts the job off, longer each time up to a minute, and the others go on; what a job cannot do for one row is no error of the job but
 * goes to that row (outbox.h). Everything a job does may be done by another courier at the same time, may be broken off at any point, and is done again then. */
#ifndef DIALTONE_COURIER_H
#define DIALTONE_COURIER_H

#include "arena.h"
#include "catalogue.h"
#include "conf.h"
#include "db.h"
#include "error.h"
#include "keyring.h"
#include "seal.h"
#include "token.h"

#include <stdbool.h>
#include <stdint.h>

#define COURIER_STATEMENTS 128

struct haproxy_map; /* haproxy_map_job.c */

struct courier {
	const char *conf_path;
	struct conf *conf;
	struct keyring *keyring;
	struct catalogue *catalogue;
	struct sealer *sealer;
	struct token_maker *tokens;
	struct db *db;
	struct arena arena;          /* of one call of a job: cleared after it */
	unsigned generation;         /* of the connection that courier_connect made ready */
	unsigned transaction;        /* the connection's generation while a transaction is open, else 0 */
	unsigned swept;              /* the connection's generation at the last sweep (sweep_job.c) */
	int64_t sweep_at;
	int64_t rotate_watch_at;     /* when stragglers of rotations are looked for again (rotate_job.c) */
	struct haproxy_map *haproxy_map; /* NULL until it is asked for */
	unsigned failures;           /* rows put off since the start */
	struct { const char *sql; struct db_statement *statement; } statements[COURIER_STATEMENTS];
	unsigned statement_count;
};

struct job {
	const char *name;
	enum error_code (*run)(struct courier *courier, bool *more_r, struct error *error);
};
extern const struct job courier_jobs[]; /* ends with a NULL name */

/* -------- what jobs use */

/* The statement of this text, prepared once a connection; `sql` is a constant, and is known by its address. Bind, courier_execute, db_next, db_done. */
struct db_statement *courier_statement(struct courier *courier, const char *sql);
void courier_bind(struct db_statement *statement, unsigned index, const char *text); /* NULL: SQL NULL */
/* Inside a transaction a statement fails where the connection is no longer the one that it began on; outside, see db_execute. */
enum error_code courier_execute(struct courier *courier, struct db_statement *statement, struct error *error);
enum error_code courier_begin(struct courier *courier, struct error *error);
enum error_code courier_commit(struct courier *courier, struct error *error);
void courier_rollback(struct courier *courier); /* no transaction: nothing */
/* Our session waits for no lock; with `patient` it does, a second. A statement with SKIP LOCKED, which never waits, has to stand between the two: see context.c. */
enum error_code courier_patient(struct courier *courier, bool patient, struct error *error);

/* -------- the daemon (run.c, context.c) */

/* Configuration, key ring, templates; all or nothing. *exit_status_r as dialtone-courier(8) says. */
bool courier_load(struct courier *courier, const char *conf_path, int *exit_status_r, struct error *error);
/* The same again into a running one; false and *error: nothing is changed. */
bool courier_reload(struct courier *courier, struct error *error);
void courier_free(struct courier *courier);
/* Make sure of a connection and that its session is as jobs expect it. */
enum error_code courier_connect(struct courier *courier, struct error *error);
/* Until SIGTERM. Returns the exit status. */
int courier_run(struct courier *courier);
/* Each job until nothing is left. Returns the exit status: EX_OK, EX_TEMPFAIL where the database or a job failed, EX_DATAERR where rows were put off. */
int courier_once(struct courier *courier);

/* Jobs. */
enum error_code sweep_run(struct courier *courier, bool *more_r, struct error *error);
enum error_code seal_run(struct courier *courier, bool *more_r, struct error *error);
enum error_code digest_run(struct courier *courier, bool *more_r, struct error *error);
enum error_code rotate_run(struct courier *courier, bool *more_r, struct error *error);

/* The HA1 values of an account, made in the transaction at hand, which holds the lock of its row in account_digest (digest_job.c). */
enum error_code digest_account(struct courier *courier, const char *tenant_id, const char *account_id, struct error *error);
enum error_code haproxy_map_run(struct courier *courier, bool *more_r, struct error *error);
void haproxy_map_free(struct haproxy_map **map);

#endif
