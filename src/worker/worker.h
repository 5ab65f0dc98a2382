/*
 * worker.h: one plugin process in its sandbox, driven by an event loop.
 *
 *	w = worker_new(loop, starter, launch, &handlers, arg);
 *	worker_start(w)			its sandbox begins to come up
 *	worker_run(w, job, after, &e)	at once, or when idle() said so
 *	...				done(job); idle() again, or gone()
 *	worker_end(w)			an idle one that is wanted no more
 *	worker_free(w)			in gone(), or any time after it
 *
 * Plugins of output rpc can be started ahead of need: they load, say "ready",
 * and wait.  The others do their one job as they start: worker_run() comes
 * right after worker_start().
 *
 * Nothing here waits: what takes time comes back by a handler.  Handlers are
 * called from the loop, never from within a worker_*() call, and may call any
 * worker_*() of their worker; worker_free() only in or after gone().
 *
 * Whatever the plugin does ends in a record or in gone(), never in an error.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "worker/job.h"
#include "worker/launch.h"
#include "worker/starter.h"

struct worker;

enum worker_state {
	WORKER_NEW,
	WORKER_STARTING, /* its sandbox comes up */
	WORKER_LOADING,	 /* the program runs; "ready" has not come */
	WORKER_IDLE,	 /* waits for a job */
	WORKER_BUSY,	 /* has one */
	WORKER_ENDING,	 /* takes no further job; the one it has ends with it */
	WORKER_GONE,
	WORKER_STATES
};

const char *worker_state_name(enum worker_state state);

/* When a job is done, and what becomes of its worker. */
enum worker_after {
	/* At its answer; the worker is idle again then. */
	WORKER_REUSE,
	/*
	 * The worker's last job.  Done at the answer of a plugin that speaks
	 * by the SDK, of which nothing more is to come; with the process in
	 * all other cases, as a second answer fails the job.
	 */
	WORKER_LAST,
	/* The same, but done with the process in any case. */
	WORKER_LAST_WHOLE,
};

/* Any may be NULL; all is borrowed for the call. */
struct worker_handlers {
	/* It waits for a job; comes again after each one (WORKER_REUSE). */
	void (*idle)(void *arg, struct worker *w);
	/*
	 * The job's record and logbook are filled in, and it is the caller's
	 * again.  Its exit is {null, null} where the process lives on.  May
	 * come after gone() of nothing: it always comes before gone().
	 */
	void (*done)(void *arg, struct worker *w, struct job *job);
	/*
	 * No process of it is left, or none that could be killed.  why->kind
	 * is ERR_NONE where it ended as it was told, or after its last job;
	 * else says why: it could not be started or loaded, it died idle, it
	 * said what must not be said, it can't be killed.  Kinds are those of
	 * err.h: ERR_USAGE is the plugin's doing, ERR_AGENT the host's.
	 */
	void (*gone)(void *arg, struct worker *w, const struct err *why);

	/*
	 * A line that it wrote while it had no job: after that job was done,
	 * or while it loaded (job_id 0).
	 */
	void (*late_log)(void *arg, struct worker *w, int64_t job_id,
			 const struct logbook_entry *entry);
	/* The same for what it said wrong: a second answer, a broken line. */
	void (*late_fault)(void *arg, struct worker *w, int64_t job_id,
			   const struct err *what);
	/* And for what it was refused. */
	void (*late_denial)(void *arg, struct worker *w, int64_t job_id,
			    const struct denial *d);
};

/*
 * Everything is borrowed for the worker's life but `launch`, of which it
 * holds a reference.
 */
struct worker *worker_new(struct loop *l, struct starter *s,
			  struct launch *launch,
			  const struct worker_handlers *h, void *arg);

/*
 * Begin.  A sandbox that can't be made is told by gone().  Where no job is
 * handed before, it has its launch's limit of time (60 s where that is none)
 * to say "ready".
 */
void worker_start(struct worker *w);

/*
 * Hand it a job, which is borrowed until done().  The states that allow it
 * are IDLE and, without a job, STARTING and LOADING; a request that can't be
 * made (parameters too large) is the only error.  The job's limit of time
 * runs from now.
 *
 * What the job's members say: job.h.  The log and metrics of one that is
 * `always` go to its watch alone, and it has no limit of time once loaded.
 */
int worker_run(struct worker *w, struct job *job, enum worker_after after,
	       struct err *e);

/* Tell the job it has to stop: cancel message, TERM, grace, KILL. */
void worker_cancel(struct worker *w);
/* End of file; KILL where it has not gone 2 s later.  Twice is fine. */
void worker_end(struct worker *w);
/* KILL, everything, now.  A job that it has fails as killed. */
void worker_kill(struct worker *w);

/* WORKER_NEW or WORKER_GONE only.  NULL is fine. */
void worker_free(struct worker *w);

enum worker_state worker_state(const struct worker *w);
struct job *worker_job(const struct worker *w); /* NULL: has none */
struct launch *worker_launch(const struct worker *w);
pid_t worker_pid(const struct worker *w); /* pid 1, of the host; 0: none yet */
uint64_t worker_jobs(const struct worker *w); /* handed to it so far */
/* What its "ready" said; "" before. */
const char *worker_sdk(const struct worker *w);

#endif
