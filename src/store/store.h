/*
 * store.h: the jobs of an agent and their logs, on disk.
 *
 *	store_open("data/agent.db", &s, &set_aside, &e);
 *	if (set_aside)
 *		say loudly where the damaged database is now, free(set_aside)
 *	store_recover(s, now, &lost, &e);	jobs of processes that died
 *	store_job_start(s, &job, &e);		job.id is set, and on disk
 *	...
 *	store_job_finish(s, &job, logs, &book, &e);
 *	store_close(s);
 *
 * What returned 0 is on disk, power cut or not (but see store_begin()). What
 * failed changed nothing. A full or failing disk, a database locked for longer
 * than STORE_BUSY_MS or damaged is an error with a hint, and e->errnum where
 * the system gave a reason; every later call may be tried again.
 *
 * PATH-wal may hold the newest changes even while nobody has the database open:
 * a copy takes both files.
 *
 * Several processes may have the database open; one handle belongs to one
 * thread of one process and must not be carried over a fork().
 *
 * Pointers handed in are borrowed for the call, and so are those handed to
 * callbacks. A callback's negative value ends the reading and is returned,
 * without an error; it must not call the function that it was called by.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/record.h"

#define STORE_BUSY_MS 5000
#define STORE_TEXT_MAX (64 << 20) /* bytes of each text */

struct store;

/*
 * Open the database at `path`; where there is none, make one (mode 0600) and
 * its folders (0700). An older schema is brought up to date, a newer one is
 * refused.
 *
 * A database that is damaged or not this program's is renamed to
 * "PATH.damaged-20260131T235959Z", a new one is started, and *set_aside is
 * that name for the caller to free; NULL otherwise. The new one has another
 * agent id, so that records stay distinct. Damage that shows later is an
 * error then, and is looked for at the next store_open().
 */
int store_open(const char *path, struct store **out, char **set_aside,
	       struct err *e);
void store_close(struct store *s); /* NULL is fine */
void store_closep(struct store **s);
#define _store_ _cleanup_(store_closep)

/* The agent's UUID, made when it is first asked for. */
#define STORE_AGENT_ID 37
int store_agent_id(struct store *s, char id[STORE_AGENT_ID], struct err *e);

/*
 * One commit for many changes: what is done between store_begin() and
 * store_commit() is on disk, all of it, once that returned 0. A change that
 * fails leaves the others; where SQLite undid them with it (as on a full
 * disk), all that follow fail until store_commit() does. store_rollback()
 * gives up, and is harmless where nothing was begun. Batches do not nest.
 */
int store_begin(struct store *s, struct err *e);
int store_commit(struct store *s, struct err *e);
void store_rollback(struct store *s);

/*
 * A job as it is kept. The JSON texts are members of the record of the same
 * name, passed through unread; NULL where there is none.
 */
struct store_job {
	int64_t id;
	const char *name;
	const char *plugin;
	enum job_state state;
	const char *trigger;
	int64_t attempt;
	int64_t scheduled_ms, started_ms, finished_ms; /* unix; 0: not yet */
	int64_t duration_ms;
	const char *params;
	const char *result;
	const char *error;
	const char *exit;
	const char *usage;
	const char *metrics;
	const char *denials;
	const char *sandbox;
	const char *agent;
};

struct store_log {
	int64_t seq;	    /* from 1 within its job; set by the store */
	int64_t time_ms;    /* unix */
	const char *level;  /* "info" */
	const char *stream; /* "stderr" */
	const char *message;
	size_t len;	    /* of the message, which may hold NULs */
	const char *fields; /* JSON text of an object; NULL: none */
	uint64_t left_out;  /* bytes cut off the message's end */
};

typedef int store_job_fn(void *arg, const struct store_job *job);
typedef int store_log_fn(void *arg, const struct store_log *log);

/* Calls add(add_arg, &log) for each line; returns its negative value, or 0. */
typedef int store_log_source(void *arg, store_log_fn *add, void *add_arg);

/*
 * A job that this process runs from now on: sets job->id, which grows and is
 * never used again, and job->state. Kept are name, plugin, trigger, attempt,
 * the times, params and agent.
 */
int store_job_start(struct store *s, struct store_job *job, struct err *e);

/*
 * How job->id ended: state, finished_ms, duration_ms and the JSON texts but
 * params and agent, together with its log lines (`logs` may be NULL). An error
 * of kind ERR_USAGE where its state can't become that one (model/transition.h)
 * or that one is no end, ERR_NOT_FOUND where there is no such job. A negative
 * value of `logs` that is its own, not that of add(), undoes it too.
 */
int store_job_finish(struct store *s, const struct store_job *job,
		     store_log_source *logs, void *arg, struct err *e);

/* One more line of a job that still runs. */
int store_log_add(struct store *s, int64_t id, const struct store_log *log,
		  struct err *e);

/*
 * Jobs that run in a process that is gone become JOB_LOST at `now_ms`; *lost
 * counts them. A process is known by its pid, its start and the boot, and only
 * within this pid namespace: one database is not for two containers at once.
 */
int store_recover(struct store *s, int64_t now_ms, size_t *lost, struct err *e);

/* ERR_NOT_FOUND where there is no such job. */
int store_job_get(struct store *s, int64_t id, store_job_fn *fn, void *arg,
		  struct err *e);

/* What is zero or NULL does not matter. */
struct store_filter {
	unsigned states; /* bits: 1U << JOB_FAILED */
	const char *name;
	const char *plugin;
	int64_t since_ms;  /* not over before that time */
	int64_t before_id; /* ids below it: the last one of the page before */
	size_t limit;
};

/* The jobs that match, newest first. */
int store_job_list(struct store *s, const struct store_filter *filter,
		   store_job_fn *fn, void *arg, struct err *e);

/* A job's lines after `after_seq`, in order; `limit` 0 means all. */
int store_log_list(struct store *s, int64_t id, int64_t after_seq, size_t limit,
		   store_log_fn *fn, void *arg, struct err *e);

/*
 * One step of retention: delete up to `limit` finished jobs with their logs,
 * oldest first, those that finished before `before_ms` and then as many as
 * keep the database above `size_bytes` (0: no such bound); give up to
 * STORE_VACUUM_PAGES free pages back to the file system. Adds to *pruned.
 * Returns 1 where there is more to do, 0 when done.
 */
#define STORE_VACUUM_PAGES 256
int store_prune(struct store *s, int64_t before_ms, int64_t size_bytes,
		size_t limit, size_t *pruned, struct err *e);

#endif
