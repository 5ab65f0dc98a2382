/*
 * job.h: what a worker is asked to do, and what it came to.
 *
 *	job_init(&job);		and set what is known
 *	worker_run(w, &job, ...)	... done(&job)
 *	job.record, job.logbook	what it came to
 *	job_release(&job)
 *
 * or, with nothing else to do meanwhile, all at once:
 *
 *	job_run(&job, &program, &runtime, &e)	no process is left
 *
 * Whatever the plugin does ends as a record, never as an error: job_run()
 * fails only where no sandbox could be made.
 */
#ifndef WORKER_JOB_H
#define WORKER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/record.h"
#include "proto/logbook.h"
#include "proto/session.h"
#include "sandbox/sandbox.h"
#include "worker/denial.h"
#include "worker/launch.h"

struct job_access {
	int syscall;
	bool write;
	const char *path; /* absolute, hostile */
};

/* Told while the job runs; any may be NULL; all is borrowed. */
struct job_watch {
	/* until the logbook's first half is full; `always`: each line */
	void (*log)(void *arg, const struct logbook_entry *entry);
	void (*progress)(void *arg, double fraction, const char *message);
	/* beside what record.metrics gets; `always`: instead of it */
	void (*metric)(void *arg, const struct session_metric *metric);
	void (*denied)(void *arg, const struct denial *d);
	void (*accessed)(void *arg, const struct job_access *a); /* tracing */
	void *arg;
};

struct job {
	/* the caller's; borrowed */
	const struct value *secrets;   /* object; NULL: none */
	const char *method;	       /* "run" */
	const struct job_watch *watch; /* NULL: nobody listens */
	int64_t timeout_ms;	       /* 0: the plugin's own limit */
	/*
	 * Runs as long as the agent: no limit of time once loaded, and
	 * nothing of it gathers in memory but the last lines of its log.
	 */
	bool always;

	/* for job_run() alone */
	int cancel_fd; /* cancels when readable; -1: none */
	bool trace;

	/*
	 * The caller sets id, name, attempt, params; the rest is filled in
	 * (state, times, result, error, exit, usage, metrics, denials,
	 * sandbox).  state is JOB_RUNNING from worker_run() on.
	 */
	struct record record;
	struct logbook logbook;
};

void job_init(struct job *job);
void job_release(struct job *job); /* cleanup function */

int job_run(struct job *job, const struct program *program,
	    const struct runtime *runtime, struct err *e);

#endif
