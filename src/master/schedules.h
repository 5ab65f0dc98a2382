/*
 * schedules.h: what runs when: the jobs of the configuration and those that
 * `job run --every` and the like made.
 *
 * When a schedule is due is arithmetic (model/schedule.h); here is what is
 * kept of each, whose turn is next, and what its overlap rule says.
 */
#ifndef MASTER_SCHEDULES_H
#define MASTER_SCHEDULES_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/loop.h"
#include "config/config.h"
#include "master/changes.h"
#include "master/jobs.h"
#include "model/record.h"
#include "model/schedule.h"

struct master;

struct planned {
	LIST_ENTRY(planned) by_name;
	struct heap_node by_time;
	char *name;
	const struct config_job *config; /* NULL: none that can be run */
	/* where a client made it: what it asked for, and that as settings */
	struct value *spec;
	struct config *own;
	struct err broken; /* why `config` is NULL */
	bool seen;	   /* by schedules_load() or schedules_reload() */
	bool recurs;	   /* it has a time at all */
	struct schedule schedule;
	enum schedule_missed missed;
	enum schedule_overlap overlap;
	size_t cap;
	bool paused;
	int64_t last_due_ms, stored_due_ms, next_ms;
	size_t active; /* its jobs that wait or run */
	int64_t last_job;
	enum job_state last_state; /* JOB_QUEUED: not known */
	int64_t runs, n_missed, skipped;
	struct change change; /* its row */
};

#define PLANNED_BUCKETS 1024

struct schedules {
	LIST_HEAD(planned_list, planned) by_name[PLANNED_BUCKETS];
	size_t n;
	struct heap by_time;
	struct loop_timer timer; /* wall */
	bool started;
	/* figures */
	uint64_t fired, missed, skipped;
	int64_t last_lag_ms;
};

void schedules_init(struct master *m);
void schedules_release(struct master *m);

/* Take over the configuration's, with what the store knows of each. */
int schedules_load(struct master *m, struct err *e);
/* After a reload: those that are new, changed, gone. */
void schedules_reload(struct master *m);
/* Begin to run them; not before the agent is ready. */
void schedules_start(struct master *m);
/* The wall clock was set: look at all of them anew. */
void schedules_clock_set(struct master *m);

struct planned *schedules_find(struct master *m, const char *name); /* NULL */
/* Fill `e`: none is called so; the nearest.  Returns -1. */
int schedules_unknown(struct master *m, const char *name, struct err *e);
/* By name. */
void schedules_each(struct master *m,
		    void (*fn)(void *arg, const struct planned *s), void *arg);

/* A client's own; ERR_USAGE where the name is taken or the spec wrong. */
int schedules_add(struct master *m, const char *name, const struct value *spec,
		  struct err *e);
int schedules_remove(struct master *m, const char *name, struct err *e);
int schedules_pause(struct master *m, const char *name, bool pause,
		    struct err *e);

/* A job of one has ended. */
void schedules_ended(struct master *m, const struct live_job *j,
		     enum job_state state);

/* What a run of it now is submitted with; the caller releases. */
int schedules_trigger(struct master *m, const char *name,
		      struct submission *out, struct err *e);

/* Fill what a run of it is submitted with; the caller releases. */
void schedules_submission(const struct planned *s, struct submission *out);

#endif
