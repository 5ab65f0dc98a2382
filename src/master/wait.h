/*
 * wait.h: who waits for a job's end, or follows its log.
 *
 * A request of request.h is in the list of the job that it waits for; it is
 * answered with the job's record when that has ended.  One that follows is
 * sent notifications before: "log" {"job", "time", "level", "stream",
 * "message", "fields", "left_out"}, "progress" {"job", "fraction",
 * "message"}, "retry" {"job", "attempt", "state", "error", "at"}.
 */
#ifndef MASTER_WAIT_H
#define MASTER_WAIT_H

#include "master/request.h"
#include "master/jobs.h"
#include "store/store.h"

/* What its worker tells those who follow it. */
struct job_watch wait_watch(struct live_job *j);

/* It waits for this job from now on; one that follows has what was, too. */
void wait_add(struct request *q, struct live_job *j);
/* It does not any more; fine where it never did. */
void wait_remove(struct request *q);

/* An attempt has failed, and another follows. */
void wait_attempt(struct master *m, struct live_job *j);
/* It has ended; `r` NULL: what the store has of it. */
void wait_end(struct master *m, struct live_job *j, const struct record *r);
/* The agent ends. */
void wait_drop(struct live_job *j);

/* A line of log, as clients get it. */
struct value *wait_line(int64_t job, const struct store_log *line);

#endif
