/*
 * job.h: run one plugin once, in its sandbox, from start to record.
 *
 *	job_init(&job, &program, &runtime);	and set what else is known
 *	job_run(&job, &e)			returns when no process is left
 *	job.record, job.logbook			what it came to
 *	job_release(&job)
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
	void (*log)(void *arg, const struct logbook_entry *entry);
	void (*progress)(void *arg, double fraction, const char *message);
	void (*denied)(void *arg, const struct denial *d);
	void (*accessed)(void *arg, const struct job_access *a); /* tracing */
	void *arg;
};

struct job {
	/* the caller's; borrowed */
	const struct program *program;
	const struct runtime *runtime;
	const struct value *secrets;   /* object; NULL: none */
	const char *method;	       /* "run" */
	const struct job_watch *watch; /* NULL: nobody listens */
	int cancel_fd;		       /* cancels when readable; -1: none */
	bool trace;

	/* the caller sets id, name, params, trigger; the rest is filled in */
	struct record record;
	struct logbook logbook;

	/* private */
	struct job_run *run;
};

void job_init(struct job *job, const struct program *program,
	      const struct runtime *runtime);
void job_release(struct job *job); /* cleanup function */

int job_run(struct job *job, struct err *e);

#endif
