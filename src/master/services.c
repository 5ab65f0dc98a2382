#include "master/services.h"

#include <stdlib.h>
#include <string.h>

#include "agent/keep.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/jobs_parts.h"
#include "master/master.h"
#include "master/wait.h"
#include "proto/json.h"

#define DELAY_FIRST_MS 1000
#define DELAY_MOST_MS 300000
/* Having run this long, it was no failure to start. */
#define STEADY_MS 60000
/* Lines of one turn; what a plugin writes faster is counted. */
#define LINES_MAX 1000

/* A line on its way to the store. */
struct line_copy {
	STAILQ_ENTRY(line_copy) link;
	struct store_log log;
};

struct service {
	LIST_ENTRY(service) link;
	struct master *master;
	char *name;
	struct loop_timer timer;
	int64_t delay_ms;
	int64_t began_ms;	 /* monotonic */
	struct worker *worker;	 /* NULL: none */
	struct live_job *job;	 /* NULL: none runs */
	struct job_watch follow; /* of those who follow its log */
	int64_t bounds;		 /* bytes of its log that are kept */
	bool stopping;		 /* not started again; freed once it is gone */
	struct change lines_change;
	STAILQ_HEAD(, line_copy) lines;
	size_t n_lines;
	uint64_t dropped;
	struct strv metric_keys; /* of what record.metrics holds */
};

static void start(void *arg);

static struct log_about
about(const struct service *s)
{
	return (struct log_about){
		.component = "services",
		.job = s->job ? s->job->id : 0,
		.plugin = s->job && s->job->detail ?
				  s->job->detail->job.record.plugin :
				  NULL,
	};
}

/* --- Its log ------------------------------------------------------------ */

static void
free_lines(struct service *s)
{
	struct line_copy *l;

	while ((l = STAILQ_FIRST(&s->lines))) {
		STAILQ_REMOVE_HEAD(&s->lines, link);
		free((void *)(uintptr_t)l->log.message);
		free((void *)(uintptr_t)l->log.fields);
		free(l);
	}
	s->n_lines = 0;
}

static int
write_lines(struct master *m, struct change *c, struct err *e)
{
	struct service *s = container_of(c, struct service, lines_change);
	int64_t each = s->bounds / 2;
	const struct store_log_bounds bounds = { each, each };
	struct line_copy *l;

	STAILQ_FOREACH(l, &s->lines, link)
	if (s->job &&
	    store_log_add(m->store, s->job->id, &l->log, &bounds, e) < 0)
		return -1;
	CRASH_POINT("written-lines");
	return 0;
}

static void
lines_done(struct master *m, struct change *c, const struct err *failed)
{
	struct service *s = container_of(c, struct service, lines_change);

	(void)m;
	if (failed) {
		const struct log_about a = about(s);

		log_event(LOG_LEVEL_ERROR, &a, "lines of its log are lost: %s",
			  failed->msg);
	}
	free_lines(s);
}

static void
add_line(struct service *s, const struct logbook_entry *entry)
{
	struct line_copy *l;

	if (s->n_lines >= LINES_MAX) {
		s->dropped++;
		return;
	}
	l = xcalloc(1, sizeof(*l));
	l->log = keep_line(entry);
	l->log.message =
		memcpy(xmalloc(entry->len + 1), entry->message, entry->len + 1);
	l->log.fields = entry->fields ?
				xstrndup(entry->fields, entry->fields_len) :
				NULL;
	STAILQ_INSERT_TAIL(&s->lines, l, link);
	s->n_lines++;
	if (!s->lines_change.pending)
		change_add(s->master, &s->lines_change, false, write_lines,
			   lines_done);
}

static void
on_log(void *arg, const struct logbook_entry *entry)
{
	struct service *s = arg;

	add_line(s, entry);
	if (s->follow.log && s->job)
		s->follow.log(s->follow.arg, entry);
}

static void
on_progress(void *arg, double fraction, const char *message)
{
	struct service *s = arg;

	if (s->follow.progress)
		s->follow.progress(s->follow.arg, fraction, message);
}

/* Of each metric with these labels its newest value. */
static void
on_metric(void *arg, const struct session_metric *metric)
{
	struct service *s = arg;
	struct record *r = s->job ? &s->job->detail->job.record : NULL;
	_buf_ struct buf key = { 0 };

	if (!r)
		return;
	buf_adds(&key, metric->name);
	json_encode(metric->labels, &key);
	if (!r->metrics)
		r->metrics = value_array();
	for (size_t i = 0; i < s->metric_keys.n; i++) {
		if (strcmp(s->metric_keys.items[i], key.data) != 0)
			continue;
		value_free(r->metrics->u.array.items[i]);
		r->metrics->u.array.items[i] = session_metric_value(metric);
		return;
	}
	if (s->metric_keys.n >= SESSION_METRICS_MAX)
		return;
	strv_add(&s->metric_keys, key.data);
	value_append(r->metrics, session_metric_value(metric));
}

/* --- Its life ----------------------------------------------------------- */

static void
free_service(struct service *s)
{
	loop_timer_cancel(&s->timer);
	change_drop(s->master, &s->lines_change);
	free_lines(s);
	strv_release(&s->metric_keys);
	worker_free(s->worker);
	LIST_REMOVE(s, link);
	free(s->name);
	free(s);
}

/* It runs no more: again, later, or never. */
static void
is_over(struct service *s)
{
	struct master *m = s->master;

	if (s->job || s->worker)
		return;
	if (s->stopping) {
		free_service(s);
		return;
	}
	if (m->phase != PHASE_RUNNING)
		return;
	loop_timer_set(m->loop, &s->timer, clock_mono_ms() + s->delay_ms, start,
		       s);
	s->delay_ms *= 2;
	if (s->delay_ms > DELAY_MOST_MS)
		s->delay_ms = DELAY_MOST_MS;
}

static void
on_done(void *arg, struct worker *worker, struct job *job)
{
	struct service *s = arg;

	(void)worker;
	(void)job;
	if (clock_mono_ms() - s->began_ms >= STEADY_MS)
		s->delay_ms = DELAY_FIRST_MS;
	s->master->services.running--;
	/* lines that are noted already are written before its end */
	jobs_ended(s->master, s->job);
}

static void
on_gone(void *arg, struct worker *worker, const struct err *why)
{
	struct service *s = arg;
	struct master *m = s->master;
	const struct log_about a = about(s);

	if (why->kind != ERR_NONE)
		log_event(LOG_LEVEL_WARN, &a, "%s: %s", s->name, why->msg);
	worker_free(worker);
	s->worker = NULL;
	is_over(s);
	master_check_stop(m);
}

static const struct worker_handlers handlers = {
	.done = on_done,
	.gone = on_gone,
};

void
services_begin(struct master *m, struct live_job *j)
{
	struct service *s = j->service;
	struct err e = ERR_INIT;
	struct launch *launch;

	s->job = j;
	if (jobs_prepare(m, j) < 0)
		return;
	launch = version_launch(j->detail->version, m->setup,
				j->detail->job.record.params, &e);
	if (!launch) {
		jobs_fail(m, j, &e, e.kind == ERR_DENIED ? "denied" : "agent");
		return;
	}
	s->worker = worker_new(m->loop, m->starter, launch, &handlers, s);
	launch_unref(launch);
	s->follow = wait_watch(j);
	s->bounds = j->detail->version->plugin.manifest.limits.output_bytes;
	j->detail->watch = (struct job_watch){ .log = on_log,
					       .progress = on_progress,
					       .metric = on_metric,
					       .arg = s };
	j->detail->job.always = true;
	j->worker = s->worker;
	jobs_begin(m, j, NULL);
}

void
services_hand_over(struct master *m, struct live_job *j)
{
	struct service *s = j->service;
	struct err e = ERR_INIT;

	m->services.running++;
	m->services.starts++;
	s->began_ms = clock_mono_ms();
	worker_start(s->worker);
	if (worker_run(s->worker, &j->detail->job, WORKER_LAST_WHOLE, &e) < 0) {
		m->services.running--;
		worker_kill(s->worker);
		jobs_fail(m, j, &e, "agent");
	} else if (s->stopping) {
		worker_cancel(s->worker);
	}
	CRASH_POINT("service-handed-over");
}

void
services_over(struct master *m, struct live_job *j)
{
	struct service *s = j->service;

	(void)m;
	s->job = NULL;
	strv_release(&s->metric_keys);
	if (s->worker && worker_state(s->worker) == WORKER_NEW) {
		worker_free(s->worker);
		s->worker = NULL;
	}
	is_over(s);
}

static void
submit_done(void *arg, const struct submitted *r, const struct err *failed)
{
	struct service *s = arg;

	(void)r;
	if (!failed)
		return;
	s->job = NULL;
	if (s->worker) {
		worker_free(s->worker); /* never started */
		s->worker = NULL;
	}
	is_over(s);
}

static void
start(void *arg)
{
	struct service *s = arg;
	struct master *m = s->master;
	const struct planned *p = schedules_find(m, s->name);
	struct submission sub;
	struct err e = ERR_INIT;

	if (!p || !p->config || s->stopping || m->phase != PHASE_RUNNING)
		return;
	schedules_submission(p, &sub);
	sub.trigger = "always";
	sub.single = s->name;
	sub.serial = NULL;
	sub.expires_ms = 0;
	sub.service = s;
	if (jobs_submit(m, &sub, NULL, submit_done, s, &e) < 0) {
		log_event(LOG_LEVEL_ERROR,
			  &(struct log_about){ .component = "services" },
			  "%s does not start: %s", s->name, e.msg);
		is_over(s);
	}
	submission_release(&sub);
}

/* --- Starting and stopping ---------------------------------------------- */

void
services_init(struct master *m)
{
	memset(&m->services, 0, sizeof(m->services));
	LIST_INIT(&m->services.list);
}

void
services_release(struct master *m)
{
	struct service *s, *next;

	for (s = LIST_FIRST(&m->services.list); s; s = next) {
		next = LIST_NEXT(s, link);
		free_service(s);
	}
}

void
services_start(struct master *m, const char *name)
{
	struct service *s = xcalloc(1, sizeof(*s));

	s->master = m;
	s->name = xstrdup(name);
	s->delay_ms = DELAY_FIRST_MS;
	STAILQ_INIT(&s->lines);
	LIST_INSERT_HEAD(&m->services.list, s, link);
	loop_timer_set(m->loop, &s->timer, clock_mono_ms(), start, s);
}

static void
stop(struct service *s)
{
	s->stopping = true;
	loop_timer_cancel(&s->timer);
	if (s->worker && worker_state(s->worker) != WORKER_NEW)
		worker_cancel(s->worker);
	else
		is_over(s);
}

void
services_stop(struct master *m, const char *name)
{
	struct service *s, *next;

	for (s = LIST_FIRST(&m->services.list); s; s = next) {
		next = LIST_NEXT(s, link);
		if (!s->stopping && strcmp(s->name, name) == 0)
			stop(s);
	}
}

void
services_stop_all(struct master *m)
{
	struct service *s, *next;

	for (s = LIST_FIRST(&m->services.list); s; s = next) {
		next = LIST_NEXT(s, link);
		if (!s->stopping)
			stop(s);
	}
}

void
services_kill(struct master *m)
{
	struct service *s;

	LIST_FOREACH(s, &m->services.list, link)
	if (s->worker)
		worker_kill(s->worker);
}

bool
services_busy(const struct master *m)
{
	const struct service *s;

	LIST_FOREACH(s, &m->services.list, link)
	if (s->worker || s->job)
		return true;
	return false;
}
