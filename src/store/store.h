/*
 * store.h: the jobs of an agent, their logs and its schedules, on disk.
 *
 *	store_open("data/agent.db", &s, &set_aside, &e);
 *	if (set_aside)
 *		say loudly where the damaged database is now, free(set_aside)
 *	store_recover(s, now, &lost, &e);	runs of processes that died
 *
 * A run by itself (`devops_agent run`):
 *
 *	store_job_start(s, &job, &e);		job.id is set, and on disk
 *	store_job_finish(s, &job, logs, &book, &e);
 *
 * The agent, once for each turn of its loop:
 *
 *	store_begin(s, &e);
 *	store_job_add(s, &job, &e);		queued
 *	store_job_begin(s, id, 1, now, &e);	running
 *	store_job_requeue(s, &job, ...);	queued again, or
 *	store_job_finish(s, &job, ...);		ended
 *	store_commit(s, &e);			then answer, then start workers
 *
 * What returned 0 is on disk, power cut or not (but see store_begin() and
 * store_set_durability()). What failed changed nothing. A full or failing
 * disk, a database locked for longer than STORE_BUSY_MS or damaged is an error
 * with a hint, and e->errnum where the system gave a reason; every later call
 * may be tried again.
 *
 * PATH-wal may hold the newest changes even while nobody has the database open:
 * a copy takes both files.
 *
 * Several processes may have the database open; one handle belongs to one
 * thread of one process and must not be carried over a fork().
 *
 * Pointers handed in are borrowed for the call, and so are those handed to
 * callbacks. A callback's negative value ends the reading and is returned,
 * without an error; it must not call the function that it was called by, nor
 * change anything in this store.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/transition.h"

#define STORE_BUSY_MS 5000
#define STORE_TEXT_MAX (64 << 20) /* bytes of each text */

struct store;

/* --- The database --------------------------------------------------------- */

/*
 * Open the database at `path`; where there is none, make one (mode 0600) and
 * its folders (0700). An older schema is brought up to date, a newer one is
 * refused.
 *
 * A database that is damaged or not this program's is renamed to
 * "PATH.damaged-20260131T235959Z", a new one is started, and *set_aside is
 * that name for the caller to free; NULL otherwise. The new one has another
 * agent id, so that records stay distinct. Damage that shows later is an
 * error then (store_damaged()), and is looked for at the next store_open().
 */
int store_open(const char *path, struct store **out, char **set_aside,
	       struct err *e);
void store_close(struct store *s); /* NULL is fine */
void store_closep(struct store **s);
#define _store_ _cleanup_(store_closep)

/* Whether an error of this handle said that the database is damaged. */
bool store_damaged(const struct store *s);

/*
 * For who can't start again: set the database aside, as store_open() would,
 * and go on with a new one under the same handle. No batch may be open. Job
 * ids go on where the old ones ended; what is queued or runs has to be put
 * back by store_job_restore(). Where it fails, every call fails until it was
 * called again and did not.
 */
int store_replace(struct store *s, char **set_aside, struct err *e);

/* The agent's UUID, made when it is first asked for. */
#define STORE_AGENT_ID 37
int store_agent_id(struct store *s, char id[STORE_AGENT_ID], struct err *e);

/*
 * STORE_FULL, the default: a commit waits for the disk. STORE_NORMAL: it does
 * not; a power cut may undo the last commits, all of each; the death of the
 * process does not. No batch may be open.
 */
enum store_durability { STORE_FULL, STORE_NORMAL };
int store_set_durability(struct store *s, enum store_durability d,
			 struct err *e);

/* How long to wait for other processes' locks, instead of STORE_BUSY_MS. */
void store_set_patience(struct store *s, int ms);

/* --- Batches -------------------------------------------------------------- */

/*
 * One commit for many changes: what is done between store_begin() and
 * store_commit() is on disk, all of it, once that returned 0. Batches do not
 * nest; an empty one costs no write.
 *
 * A change that is refused (ERR_USAGE, ERR_NOT_FOUND, STORE_OVERLAP,
 * STORE_EXISTS, a log source that failed) leaves the others. One that fails
 * for the disk's sake undoes the whole batch: all that follow fail, and so
 * does store_commit(). After a store_commit() that failed nothing of the batch
 * has happened, and the caller does again, in a later batch, what it still
 * wants:
 *	store_job_add	the job is not acknowledged; its id may go to another
 *	store_job_begin	the job is still queued; no worker may have it
 *	store_job_requeue, store_job_finish
 *			it still runs; keep the record, call it again
 *	store_log_add	the line is not there; its `seq` is free again
 * store_rollback() gives up, and is harmless where nothing was begun.
 */
int store_begin(struct store *s, struct err *e);
int store_commit(struct store *s, struct err *e);
void store_rollback(struct store *s);

/* --- Jobs ----------------------------------------------------------------- */

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
	/* of the queue; what is read of a job that has ended lacks those
	 * marked "active" */
	int64_t added_ms; /* when store_job_add() was asked; keys age by it */
	int64_t priority;
	int64_t not_before_ms; /* active; 0: at once */
	int64_t expires_ms;    /* active; the time-out in the queue; 0: none */
	int64_t max_attempts;
	int64_t retry_of;     /* the job that this one repeats; 0: none */
	const char *schedule; /* NULL: none */
	const char *policy;   /* JSON text for whoever runs it */
	const char *single;   /* active; unique among queued and running */
	const char *serial;   /* active; unique among running */
	/* for store_job_add() alone */
	const char *key;    /* idempotency key; NULL: none */
	const char *digest; /* of the request that came with the key */
	/* from reading alone */
	int64_t seq; /* its place in the order of ends, from 1; 0: active */
	int64_t pid; /* of a run by itself that is running; 0: the agent's */
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

/* What else than 0 and -1 a change may return; neither fills the error. */
#define STORE_EXISTS 1
#define STORE_OVERLAP 2

/*
 * A job for the queue: sets job->id, which grows and is never used again, and
 * job->state. Not kept are started_ms and what its end tells.
 *
 * STORE_EXISTS: its key was used within STORE_KEY_MS with the same digest (or
 * either had none); job->id is that of then, which may have been pruned.
 * ERR_USAGE: with another digest. Keys of all callers are one set: prefix
 * them. STORE_OVERLAP: another job that is queued or runs has this `single`;
 * job->id is that one's.
 */
#define STORE_KEY_MS (24 * INT64_C(3600000))
int store_job_add(struct store *s, struct store_job *job, struct err *e);

/*
 * Queued to running. STORE_OVERLAP where another one that runs has its
 * `serial`. ERR_USAGE where its state does not allow it (model/transition.h),
 * ERR_NOT_FOUND where there is no such job: so with all changes of a state.
 */
int store_job_begin(struct store *s, int64_t id, int64_t attempt,
		    int64_t started_ms, struct err *e);

/*
 * Running to queued: the next attempt, not before that time. How this one
 * ended is kept (state, times, error, exit, usage, denials), and its log, as
 * by store_job_finish().
 */
int store_job_requeue(struct store *s, const struct store_job *ended,
		      int64_t not_before_ms, store_log_source *logs, void *arg,
		      struct err *e);

/*
 * How job->id ended, queued or running: state, finished_ms, duration_ms and
 * the JSON texts but params, agent and policy, together with its log lines
 * (`logs` may be NULL). ERR_USAGE also where that state is no end. A negative
 * value of `logs` that is its own, not that of add(), undoes it too.
 */
int store_job_finish(struct store *s, const struct store_job *job,
		     store_log_source *logs, void *arg, struct err *e);

/*
 * A job that this process runs by itself from now on: sets job->id and
 * job->state. Kept are name, plugin, trigger, attempt, the times, params and
 * agent. Whether the process lives is looked at by store_recover(); an agent
 * never takes such a job for its own.
 */
int store_job_start(struct store *s, struct store_job *job, struct err *e);

/*
 * Runs by themselves whose process is gone become JOB_LOST at `now_ms`; *lost
 * counts them. A process is known by its pid, its start and the boot, and only
 * within this pid namespace: one database is not for two containers at once.
 */
int store_recover(struct store *s, int64_t now_ms, size_t *lost, struct err *e);

/*
 * The agent's jobs that are queued or running, by id: at its start. Those that
 * run were left by an agent that died.
 */
int store_job_active_each(struct store *s, store_job_fn *fn, void *arg,
			  struct err *e);

/*
 * After store_replace(): a job of the agent as it was, queued or running, with
 * its id. Its log so far is not there.
 */
int store_job_restore(struct store *s, const struct store_job *job,
		      struct err *e);

/* --- Reading -------------------------------------------------------------- */

/* ERR_NOT_FOUND where there is no such job. */
int store_job_get(struct store *s, int64_t id, store_job_fn *fn, void *arg,
		  struct err *e);

/* What is zero or NULL does not matter. */
struct store_filter {
	unsigned states; /* bits: 1U << JOB_FAILED */
	const char *name;
	const char *plugin;
	int64_t since_ms;  /* not over before that time */
	int64_t before_id; /* what follows that job: the page before's last */
	size_t limit;
};

/*
 * The jobs that match, newest first: those queued and running from the highest
 * id down, then those that ended from the last end back. So a page never
 * shows again what a page before it did. However few match, the time goes with
 * `limit` and with how many are active, not with the history.
 */
int store_job_list(struct store *s, const struct store_filter *filter,
		   store_job_fn *fn, void *arg, struct err *e);

/* The attempts before the last one, in order: what store_job_requeue() kept. */
int store_attempt_list(struct store *s, int64_t id, store_job_fn *fn, void *arg,
		       struct err *e);

/* --- Logs ----------------------------------------------------------------- */

/*
 * How much of a running job's log is kept: its first lines, its newest ones.
 * A line counts its message, its fields and STORE_LOG_COST. Each at least one
 * line.
 */
struct store_log_bounds {
	int64_t first_bytes;
	int64_t newest_bytes;
};
#define STORE_LOG_COST 64

/*
 * One more line of a job that still runs; `bounds` NULL: all are kept. Between
 * the first and the newest the oldest go. Numbers are never given twice, so
 * that a gap in `seq` counts what is not there any more.
 */
int store_log_add(struct store *s, int64_t id, const struct store_log *log,
		  const struct store_log_bounds *bounds, struct err *e);

/* A job's lines after `after_seq`, in order; `limit` 0 means all. */
int store_log_list(struct store *s, int64_t id, int64_t after_seq, size_t limit,
		   store_log_fn *fn, void *arg, struct err *e);

/* --- Schedules ------------------------------------------------------------ */

struct store_schedule {
	const char *name;
	const char *spec; /* JSON text; NULL: the configuration has it */
	bool paused;
	int64_t last_due_ms; /* the last due time that was dealt with; 0 */
	int64_t last_job;    /* 0: none */
	int64_t runs, missed, skipped;
};

typedef int store_schedule_fn(void *arg, const struct store_schedule *sc);

/* All of it, new or instead of the one of that name. */
int store_schedule_put(struct store *s, const struct store_schedule *sc,
		       struct err *e);
/* ERR_NOT_FOUND where there is none. */
int store_schedule_remove(struct store *s, const char *name, struct err *e);
int store_schedule_each(struct store *s, store_schedule_fn *fn, void *arg,
			struct err *e); /* by name */

/* --- Tokens --------------------------------------------------------------- */

struct store_token {
	int64_t id;
	const char *name;
	const char *role;
	const char *hash; /* of its text, in hex */
	int64_t created_ms;
	int64_t expires_ms; /* 0: never */
	int64_t used_ms;    /* 0: never */
	const char *used_from;
};

typedef int store_token_fn(void *arg, const struct store_token *t);

/* Sets t->id, which is never given twice; ERR_CONFLICT: the name is taken. */
int store_token_add(struct store *s, struct store_token *t, struct err *e);
/* When and from where it was used last; fine where it has gone. */
int store_token_used(struct store *s, const struct store_token *t,
		     struct err *e);
/* ERR_NOT_FOUND where there is none. */
int store_token_remove(struct store *s, const char *name, struct err *e);
int store_token_each(struct store *s, store_token_fn *fn, void *arg,
		     struct err *e); /* by name */

/* --- Upkeep --------------------------------------------------------------- */

/* What may go. */
struct store_retention {
	int64_t now_ms;	    /* keys older than STORE_KEY_MS go; 0: none */
	int64_t before_ms;  /* jobs that ended before go */
	int64_t size_bytes; /* and as many as keep the file larger; 0: no bound
			     */
	int64_t keep_seq;   /* not those whose `seq` is this or more; 0: all */
	size_t limit;	    /* jobs a step at most */
};

/*
 * One step of retention: delete jobs that have ended, with their logs, in the
 * order of their ends, or, once none is left to go, give up to
 * STORE_VACUUM_PAGES free pages back to the file system. A step ends once it
 * took STORE_PRUNE_MS or freed STORE_PRUNE_BYTES, however large the jobs are;
 * the log of one may go in several. It does not wait for the disk as other
 * changes do: a power cut may bring back what went last. Adds to *pruned.
 * Returns 1 where there is more to do, 0 when done. No batch may be open.
 */
#define STORE_VACUUM_PAGES 256
#define STORE_PRUNE_MS 5
#define STORE_PRUNE_BYTES (4 << 20)
int store_prune(struct store *s, const struct store_retention *r,
		size_t *pruned, struct err *e);

/* Cheap, whatever the size of the history. */
struct store_stats {
	int64_t file_bytes; /* the database, without its log */
	int64_t free_bytes; /* of them: to be used again */
	int64_t wal_bytes;
	int64_t jobs[JOB_STATES];
	int64_t last_id;  /* the highest that was given; 0: none yet */
	int64_t last_seq; /* how many have ended, ever */
	uint64_t commits; /* of this handle that wrote something */
	int64_t last_commit_us;
	int64_t max_commit_us; /* since store_stats() was called last */
};
int store_stats(struct store *s, struct store_stats *stats, struct err *e);

#endif
