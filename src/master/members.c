/* The workers of a pool, one by one, and what they tell. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/jobs_parts.h"
#include "master/master.h"
#include "master/metrics.h"
#include "master/pools_parts.h"

/* After a start ahead of need that failed: doubled each time. */
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS 300000

static const struct worker_handlers handlers;

/* --- Members ------------------------------------------------------------ */

enum member_state
member_state(const struct member *w)
{
	if (w->ending)
		return MEMBER_ENDING;
	if (w->job)
		return MEMBER_BUSY;
	return w->idle ? MEMBER_IDLE : MEMBER_STARTING;
}

/* All counts follow from members: add `by` to that of its state. */
static void
count(struct member *w, int by)
{
	struct pools *ps = &w->master->pools;
	struct pool *p = w->pool;

	switch (member_state(w)) {
	case MEMBER_STARTING:
		p->starting += (size_t)by;
		ps->starting += (size_t)by;
		break;
	case MEMBER_IDLE:
		p->idle += (size_t)by;
		break;
	case MEMBER_BUSY:
		p->busy += (size_t)by;
		ps->busy += (size_t)by;
		break;
	case MEMBER_ENDING:
		break;
	}
}

void
member_set_idle(struct member *w)
{
	count(w, -1);
	w->idle = true;
	w->ending = false;
	w->job = NULL;
	w->idle_since_ms = clock_mono_ms();
	count(w, 1);
}

void
member_set_job(struct member *w, struct live_job *j)
{
	count(w, -1);
	w->idle = false;
	w->job = j;
	count(w, 1);
}

static void
set_ending(struct member *w)
{
	count(w, -1);
	w->ending = true;
	w->idle = false;
	count(w, 1);
}

struct member *
member_add(struct master *m, struct pool *p, struct version *v,
	   struct launch *launch)
{
	struct member *w = xcalloc(1, sizeof(*w));

	w->master = m;
	w->pool = p;
	w->version = version_ref(v);
	w->worker = worker_new(m->loop, m->starter, launch, &handlers, w);
	TAILQ_INSERT_TAIL(&p->members, w, link);
	p->workers++;
	p->starts++;
	count(w, 1);
	return w;
}

void
member_remove(struct member *w)
{
	count(w, -1);
	w->pool->workers--;
	TAILQ_REMOVE(&w->pool->members, w, link);
	worker_free(w->worker);
	version_unref(w->version);
	free(w);
}

void
member_end(struct member *w)
{
	set_ending(w);
	worker_end(w->worker);
}

/* --- What workers tell -------------------------------------------------- */

static void
on_idle(void *arg, struct worker *worker)
{
	struct member *w = arg;
	struct pool *p = w->pool;

	(void)worker;
	member_set_idle(w);
	p->failures = 0;
	pools_watch_idle(w->master, p);
	if (w->version != p->version || w->master->phase != PHASE_RUNNING)
		member_end(w);
}

static void
on_done(void *arg, struct worker *worker, struct job *job)
{
	struct member *w = arg;
	struct live_job *j = w->job;

	(void)worker;
	(void)job;
	/* until idle() says otherwise */
	set_ending(w);
	w->job = NULL;
	CRASH_POINT("worker-answered");
	metrics_job_ended(w->master, j);
	jobs_ended(w->master, j);
}

/* It never came to take a job: whoever waited for it first is told. */
static void
start_failed(struct member *w, const struct err *why)
{
	struct master *m = w->master;
	struct pool *p = w->pool;
	struct live_job *j = pool_first(p);
	const struct log_about about = { .component = "workers",
					 .plugin = w->version->plugin.name };

	p->start_failures++;
	p->failures++;
	p->retry_ms = clock_mono_ms() +
		      (p->failures > 9 ? RETRY_MOST_MS :
					 RETRY_FIRST_MS << (p->failures - 1));
	log_event(LOG_LEVEL_WARN, &about, "a worker did not start: %s%s%s",
		  why->msg, why->hint[0] ? "; " : "", why->hint);
	if (j && jobs_prepare(m, j) == 0)
		jobs_fail(m, j, why,
			  why->kind == ERR_AGENT ? "agent" : "load_failed");
}

static void
on_gone(void *arg, struct worker *worker, const struct err *why)
{
	struct member *w = arg;
	struct master *m = w->master;
	const struct log_about about = { .component = "workers",
					 .plugin = w->version->plugin.name };

	(void)worker;
	if (member_state(w) == MEMBER_STARTING && why->kind != ERR_NONE)
		start_failed(w, why);
	else if (why->kind != ERR_NONE)
		log_event(why->kind == ERR_AGENT ? LOG_LEVEL_ERROR :
						   LOG_LEVEL_WARN,
			  &about, "%s", why->msg);
	member_remove(w);
	master_check_stop(m);
}

static void
on_late_log(void *arg, struct worker *worker, int64_t job_id,
	    const struct logbook_entry *entry)
{
	struct member *w = arg;

	(void)worker;
	log_event(LOG_LEVEL_DEBUG,
		  &(struct log_about){ .component = "workers",
				       .job = job_id,
				       .plugin = w->version->plugin.name },
		  "after its job: %.*s", (int)entry->len, entry->message);
}

static void
on_late_fault(void *arg, struct worker *worker, int64_t job_id,
	      const struct err *what)
{
	struct member *w = arg;

	(void)worker;
	log_event(LOG_LEVEL_WARN,
		  &(struct log_about){ .component = "workers",
				       .job = job_id,
				       .plugin = w->version->plugin.name },
		  "after its job: %s", what->msg);
}

static const struct worker_handlers handlers = {
	.idle = on_idle,
	.done = on_done,
	.gone = on_gone,
	.late_log = on_late_log,
	.late_fault = on_late_fault,
};
