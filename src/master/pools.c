#include "master/pools.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/jobs_parts.h"
#include "master/master.h"
#include "master/metrics.h"
#include "master/pools_parts.h"

/* An idle worker beyond min_idle is kept this long for the next job. */
#define IDLE_MS 10000
/* Higher priority, then longer there. */
static bool
before(const struct heap_node *a, const struct heap_node *b)
{
	const struct live_job *x = HEAP_ENTRY(a, struct live_job, by_turn);
	const struct live_job *y = HEAP_ENTRY(b, struct live_job, by_turn);

	return x->priority != y->priority ? x->priority > y->priority :
					    x->id < y->id;
}

struct live_job *
pool_first(const struct pool *p)
{
	return HEAP_ENTRY(heap_first(&p->queue), struct live_job, by_turn);
}

/* --- Pools -------------------------------------------------------------- */

static void
on_replaced(void *arg, const char *source, const struct version *old)
{
	struct master *m = arg;

	log_event(LOG_LEVEL_INFO,
		  &(struct log_about){ .component = "plugins",
				       .plugin = old->plugin.name },
		  "%s has changed, or may no longer run: idle workers end",
		  source);
	pools_retire(m, old);
}

void
pools_init(struct master *m)
{
	memset(&m->pools, 0, sizeof(m->pools));
	TAILQ_INIT(&m->pools.list);
	m->plugins.replaced = on_replaced;
	m->plugins.arg = m;
}

void
pools_release(struct master *m)
{
	struct pool *p;

	loop_timer_cancel(&m->pools.timer);
	while ((p = TAILQ_FIRST(&m->pools.list))) {
		TAILQ_REMOVE(&m->pools.list, p, link);
		heap_release(&p->queue);
		version_unref(p->version);
		free(p->source);
		free(p);
	}
}

struct pool *
pools_get(struct master *m, const char *source)
{
	struct pool *p;

	TAILQ_FOREACH(p, &m->pools.list, link)
	if (strcmp(p->source, source) == 0)
		return p;
	p = xcalloc(1, sizeof(*p));
	p->source = xstrdup(source);
	heap_init(&p->queue, before);
	TAILQ_INIT(&p->members);
	TAILQ_INSERT_TAIL(&m->pools.list, p, link);
	return p;
}

void
pools_enqueue(struct master *m, struct live_job *j)
{
	(void)m;
	heap_add(&j->pool->queue, &j->by_turn);
}

void
pools_dequeue(struct master *m, struct live_job *j)
{
	(void)m;
	if (j->pool)
		heap_remove(&j->pool->queue, &j->by_turn);
}

size_t
pools_workers(const struct master *m)
{
	const struct pool *p;
	size_t n = 0;

	TAILQ_FOREACH(p, &m->pools.list, link)
	n += p->workers;
	return n;
}

/* --- Idle ones beyond what is wanted ------------------------------------ */

static size_t
wanted_idle(const struct pool *p)
{
	const struct version *v = p->version;

	return v && v->refused.kind == ERR_NONE &&
			       launch_ahead(&v->plugin.manifest) ?
		       (size_t)v->plugin.manifest.workers.min_idle :
		       0;
}

static void on_timer(void *arg);

static void
set_timer(struct master *m, int64_t at_ms)
{
	struct loop_timer *t = &m->pools.timer;

	if (!loop_timer_is_set(t) || at_ms < t->at_ms)
		loop_timer_set(m->loop, t, at_ms, on_timer, m);
}

void
pools_watch_idle(struct master *m, const struct pool *p)
{
	if (p->idle > wanted_idle(p))
		set_timer(m, clock_mono_ms() + IDLE_MS);
}

/* --- Whose turn it is --------------------------------------------------- */

static size_t
most_workers(const struct pool *p)
{
	int64_t most = p->version->plugin.manifest.workers.max;

	return most > 0 ? (size_t)most : SIZE_MAX;
}

/* Whether its first job may begin now; looks its plugin up. */
static bool
is_ready(struct master *m, struct pool *p)
{
	struct live_job *j;

	while ((j = pool_first(p))) {
		if (jobs_prepare(m, j) < 0)
			continue; /* it has ended, the next one is first */
		if (jobs_must_wait(m, j))
			continue;
		if (p->version != j->detail->version) {
			version_unref(p->version);
			p->version = version_ref(j->detail->version);
		}
		return true;
	}
	return false;
}

static struct member *
find_idle(const struct pool *p)
{
	struct member *w;

	if (!p->idle)
		return NULL;
	/* the newest: the others may end */
	TAILQ_FOREACH_REVERSE(w, &p->members, members, link)
	if (member_state(w) == MEMBER_IDLE && w->version == p->version)
		return w;
	return NULL;
}

/* How many of its jobs have a worker coming up already. */
static bool
is_served(const struct pool *p)
{
	return launch_ahead(&p->version->plugin.manifest) &&
	       p->starting >= p->queue.n;
}

static bool
may_begin(struct master *m, const struct pool *p)
{
	size_t most = (size_t)m->setup->config.workers.max;

	return m->pools.busy < most &&
	       (find_idle(p) ||
		(m->pools.busy + m->pools.starting < most &&
		 p->busy + p->starting + p->idle < most_workers(p) &&
		 !is_served(p)));
}

/* The pool whose first job is next; NULL: none can begin. */
static struct pool *
next_pool(struct master *m)
{
	struct pool *p, *best = NULL;

	TAILQ_FOREACH(p, &m->pools.list, link)
	{
		if (!p->queue.n || !is_ready(m, p) || !may_begin(m, p))
			continue;
		if (!best ||
		    pool_first(p)->priority > pool_first(best)->priority ||
		    (pool_first(p)->priority == pool_first(best)->priority &&
		     p->served < best->served))
			best = p;
	}
	return best;
}

static void
serve(struct master *m, struct pool *p, struct member *w)
{
	struct live_job *j = pool_first(p);

	p->served = ++m->pools.served;
	member_set_job(w, j);
	jobs_begin(m, j, w);
}

/* A worker for what waits; one that can't be made ends the job. */
static void
start_one(struct master *m, struct pool *p)
{
	struct live_job *j = pool_first(p);
	struct err e = ERR_INIT;
	struct launch *launch = version_launch(
		p->version, m->setup, j->detail->job.record.params, &e);
	struct member *w;

	if (!launch) {
		jobs_fail(m, j, &e, e.kind == ERR_DENIED ? "denied" : "agent");
		return;
	}
	p->misses++;
	w = member_add(m, p, p->version, launch);
	launch_unref(launch);
	if (launch_ahead(&p->version->plugin.manifest))
		worker_start(w->worker); /* whoever is first then, has it */
	else
		serve(m, p, w); /* it starts with its job */
}

static void warm(struct master *m, struct pool *p);

void
pools_dispatch(struct master *m)
{
	struct pool *p;
	struct member *w;

	if (m->phase != PHASE_RUNNING)
		return;
	while ((p = next_pool(m))) {
		w = find_idle(p);
		if (w) {
			p->hits++;
			serve(m, p, w);
		} else {
			start_one(m, p);
		}
	}
	TAILQ_FOREACH(p, &m->pools.list, link)
	warm(m, p);
}

static enum worker_after
after(const struct member *w)
{
	int64_t most = w->version->plugin.manifest.workers.max_jobs;

	return (int64_t)worker_jobs(w->worker) + 1 < most ? WORKER_REUSE :
							    WORKER_LAST;
}

void
pools_hand_over(struct master *m, struct member *w)
{
	struct live_job *j = w->job;
	struct err e = ERR_INIT;

	metrics_job_began(m, j);
	if (worker_state(w->worker) == WORKER_NEW)
		worker_start(w->worker);
	if (worker_run(w->worker, &j->detail->job, after(w), &e) == 0) {
		CRASH_POINT("handed-over");
		return;
	}
	/* the request can't be made: too large */
	member_set_idle(w);
	member_end(w);
	jobs_fail(m, j, &e, "agent");
}

void
pools_take_back(struct master *m, struct member *w)
{
	(void)m;
	if (worker_state(w->worker) == WORKER_NEW)
		member_remove(w);
	else
		member_set_idle(w);
}

/* --- Ahead of need ------------------------------------------------------ */

/* As many as are wanted, but not into the wall of a plugin that fails. */
static void
warm(struct master *m, struct pool *p)
{
	size_t wanted = wanted_idle(p);
	int64_t now = clock_mono_ms();
	struct err e = ERR_INIT;

	if (p->idle + p->starting >= wanted)
		return;
	if (p->failures && p->retry_ms > now) {
		set_timer(m, p->retry_ms);
		return;
	}
	while (p->idle + p->starting < wanted &&
	       p->busy + p->idle + p->starting < most_workers(p)) {
		struct launch *launch =
			version_launch(p->version, m->setup, NULL, &e);
		struct member *w;

		if (!launch)
			return;
		w = member_add(m, p, p->version, launch);
		launch_unref(launch);
		worker_start(w->worker);
	}
}

/* Those that nobody needed for a while; the time of the next one. */
static int64_t
end_surplus(struct pool *p, int64_t now)
{
	size_t wanted = wanted_idle(p);
	int64_t next = INT64_MAX;
	struct member *w, *after_w;

	for (w = TAILQ_FIRST(&p->members); w && p->idle > wanted; w = after_w) {
		after_w = TAILQ_NEXT(w, link);
		if (member_state(w) != MEMBER_IDLE)
			continue;
		if (w->idle_since_ms + IDLE_MS <= now)
			member_end(w);
		else if (w->idle_since_ms + IDLE_MS < next)
			next = w->idle_since_ms + IDLE_MS;
	}
	return next;
}

static void
on_timer(void *arg)
{
	struct master *m = arg;
	int64_t now = clock_mono_ms();
	struct pool *p;

	TAILQ_FOREACH(p, &m->pools.list, link)
	{
		int64_t next = end_surplus(p, now);

		if (next != INT64_MAX)
			set_timer(m, next);
	}
	/* the end of this turn warms what is missing */
}

void
pools_warm(struct master *m)
{
	struct plugin_entry *list = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (library_list(&m->setup->library, &list, &n, &e) < 0) {
		log_event(LOG_LEVEL_WARN,
			  &(struct log_about){ .component = "plugins" }, "%s",
			  e.msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct plugin *plugin = &list[i].plugin;
		struct pool *p;

		if (list[i].broken || plugin->manifest.workers.min_idle < 1)
			continue;
		p = pools_get(m, plugin->name);
		version_unref(steal_ptr(&p->version));
		(void)plugins_get(&m->plugins, plugin->name, &p->version, &e);
	}
	library_free_list(list, n);
}

/* --- The end ------------------------------------------------------------ */

void
pools_retire(struct master *m, const struct version *version)
{
	struct pool *p;
	struct member *w, *next;

	TAILQ_FOREACH(p, &m->pools.list, link)
	{
		for (w = TAILQ_FIRST(&p->members); w; w = next) {
			next = TAILQ_NEXT(w, link);
			if (member_state(w) == MEMBER_IDLE &&
			    (!version || w->version == version))
				member_end(w);
		}
	}
}

void
pools_kill(struct master *m)
{
	struct pool *p;
	struct member *w;

	TAILQ_FOREACH(p, &m->pools.list, link)
	TAILQ_FOREACH(w, &p->members, link)
	worker_kill(w->worker);
}
