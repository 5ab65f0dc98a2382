/*
 * jobs_parts.h: what jobs.c, held.c, submit.c, detail.c and recover.c share.
 */
#ifndef MASTER_JOBS_PARTS_H
#define MASTER_JOBS_PARTS_H

#include "base/buf.h"
#include "master/jobs.h"
#include "store/store.h"

struct live_job *job_new(void);
void job_free(struct master *m, struct live_job *j);

/* Known by its id, and in the queue; and out of both again. */
void job_enter(struct master *m, struct live_job *j);
void job_leave(struct master *m, struct live_job *j);

/* In its pool's queue, or waiting for its time; and out of both. */
void job_wait_turn(struct master *m, struct live_job *j);
void job_leave_queue(struct master *m, struct live_job *j);

/* End it while it waits. */
void job_end_queued(struct master *m, struct live_job *j, enum job_state state,
		    const char *code, const struct err *why);

/* --- submit.c ----------------------------------------------------------- */

struct row_texts {
	struct buf params, policy, agent;
};
void row_texts_release(struct row_texts *t);

/* What is in memory of a job that has its detail; its texts are `t`'s. */
void job_fill_row(const struct live_job *j, struct store_job *row,
		  struct row_texts *t);

/* Where many wait: what it needs to run is in the store as well. */
void job_forget_detail(const struct master *m, struct live_job *j);

/* --- held.c ------------------------------------------------------------- */

/* It is not held any more. */
void job_unhold(struct live_job *j);
/* One with this serial has ended: those that it held may have their turn. */
void jobs_release_held(struct master *m, const char *serial);

/* --- detail.c ----------------------------------------------------------- */

struct detail *detail_new(struct master *m, struct live_job *j);
void detail_free(struct detail *d);
/* From the store.  -1: it can't be read, and is out of the queue. */
int detail_load(struct master *m, struct live_job *j);

/* ERR_NOT_FOUND where there is no such job. */
int job_stored_state(struct master *m, int64_t id, enum job_state *state,
		     struct err *e);

/* What the queue must know of a row that waits. */
void job_from_row(struct master *m, struct live_job *j,
		  const struct store_job *row);

#endif
