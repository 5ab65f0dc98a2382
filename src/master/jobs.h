/*
 * jobs.h: every job that waits or runs, from being asked for to its end.
 *
 *	submit			a client, a schedule, a service asks
 *	jobs_begin()		a pool has a worker for it (pools.h)
 *	jobs_ended()		its worker is done with it: it ends for good, or
 *				waits for another attempt
 *	jobs_cancel()
 *
 * A job is in memory from its submission to its end, and nowhere else but in
 * the store after that.  Only what its turn needs is in memory while it waits;
 * the rest (struct detail) is read from the store when it begins, but for jobs
 * that begin at once.
 *
 * States and what may follow what: model/transition.h.
 */
#ifndef MASTER_JOBS_H
#define MASTER_JOBS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/loop.h"
#include "master/changes.h"
#include "master/plugins.h"
#include "model/policy.h"
#include "worker/job.h"

struct master;
struct pool;
struct request;
struct member;
struct service;

/* What is needed to run one; freed when it has ended, or waits again. */
struct detail {
	struct job job; /* record and logbook */
	struct policy policy;
	struct value *secrets; /* NULL: none */
	struct job_watch watch;
	struct version *version;
	uint64_t prepared; /* the turn in which it was last looked at */
	/* how this attempt ended, while that is being written */
	enum job_state end;
	int64_t retry_at_ms; /* unix; 0: it ends for good */
};

struct live_job {
	int64_t id;
	enum job_state state; /* JOB_QUEUED or JOB_RUNNING */
	int priority;
	int64_t attempt;       /* from 1 */
	int64_t not_before_ms; /* unix; 0: at once */
	int64_t expires_ms;    /* unix; 0: waits for ever */
	int64_t queued_ms;     /* monotonic; when it could begin */
	bool cancelled;	       /* somebody asked for its end */
	char *serial;	       /* only one of these runs at a time; NULL */
	char *schedule;	       /* NULL: none */
	struct pool *pool;
	struct member *member;	 /* its worker's, of a pool; or */
	struct service *service; /* what runs it as long as the agent; NULL */
	struct worker *worker;	 /* while it runs */
	struct detail *detail;	 /* NULL: in the store */
	struct change change;
	struct heap_node by_turn; /* in its pool's queue */
	struct heap_node by_time; /* in jobs.delayed */
	struct heap_node by_expiry;
	LIST_ENTRY(live_job) by_id;
	LIST_ENTRY(live_job) by_serial; /* held, until another one ends */
	bool held;
	LIST_HEAD(, request) waiters;	/* want to know its end */
	LIST_HEAD(, request) followers; /* want its log as it comes */
};

#define JOBS_BUCKETS 4096
LIST_HEAD(live_jobs, live_job);

struct jobs {
	struct live_jobs by_id[JOBS_BUCKETS];
	struct heap delayed;  /* by not_before_ms */
	struct heap expiring; /* by expires_ms */
	struct live_jobs held;
	struct loop_timer timer; /* wall: the first of both */
	size_t queued, running;
	uint64_t random; /* for the spread of retries */
	/* figures, since the start */
	uint64_t submitted, ended[JOB_LOST + 1], retried, refused, full;
};

void jobs_init(struct master *m);
void jobs_close(struct master *m);

/* Jobs that the last agent left behind, at the start. */
int jobs_recover(struct master *m, struct err *e);

/* --- Asking for one ----------------------------------------------------- */

struct submission {
	const char *name;      /* NULL: the plugin's */
	const char *source;    /* the plugin's name or path */
	const char *trigger;   /* static text: "run", "schedule", ... */
	struct policy policy;  /* source is filled in */
	struct value *params;  /* taken over; NULL: {} */
	struct value *secrets; /* taken over; NULL: none */
	int priority;
	int64_t scheduled_ms, not_before_ms, expires_ms; /* unix; 0 */
	const char *schedule, *single, *serial;		 /* as in store.h */
	const char *key;				 /* idempotency; NULL */
	const char *digest; /* of what was asked for with it */
	int64_t retry_of;
	struct service *service; /* NULL */
};

/* What came of it. */
struct submitted {
	int64_t id;
	bool existed;	/* the key was used before: that job's id */
	int64_t holder; /* ERR_USAGE with `single`: who has it; 0 */
};

typedef void submit_done_fn(void *arg, const struct submitted *s,
			    const struct err *failed);

/*
 * Check it (plugin, parameters, grant, room in the queue) and note it.  What
 * is wrong with it is returned at once; `difference` (may be NULL) gets what
 * is not granted.  `done` is called once it is on disk, or with what failed.
 */
int jobs_submit(struct master *m, struct submission *s, struct strv *difference,
		submit_done_fn *done, void *arg, struct err *e);
void submission_release(struct submission *s);

/*
 * A record of what did not run: `state` is JOB_CANCELLED (skipped, missed),
 * JOB_DENIED or JOB_FAILED.
 */
void jobs_record(struct master *m, const struct submission *s,
		 enum job_state state, const char *code, const struct err *why);

/* --- Its life ----------------------------------------------------------- */

struct live_job *jobs_find(struct master *m, int64_t id); /* NULL */

/* Its detail is there, and its plugin's version looked up.  -1: it ended. */
int jobs_prepare(struct master *m, struct live_job *j);

/*
 * It is to run in `member`: written in this commit, and handed over after it
 * (pools_hand_over()).
 */
void jobs_begin(struct master *m, struct live_job *j, struct member *member);

/* Its record says how the attempt went. */
void jobs_ended(struct master *m, struct live_job *j);

/* It could not begin: it ends as failed with that. */
void jobs_fail(struct master *m, struct live_job *j, const struct err *why,
	       const char *code);

/* Cancel it; ERR_NOT_FOUND, or ERR_USAGE where it has ended already. */
int jobs_cancel(struct master *m, int64_t id, struct err *e);
/* All of a schedule's: OVERLAP_REPLACE. */
void jobs_cancel_schedule(struct master *m, const char *schedule);
void jobs_cancel_running(struct master *m);

/* Whether one with this serial runs; then it is held until that ends. */
bool jobs_must_wait(struct master *m, struct live_job *j);

#endif
