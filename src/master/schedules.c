#include "master/schedules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/zone.h"
#include "master/master.h"
#include "master/planned.h"
#include "master/schedules_parts.h"
#include "model/units.h"
#include "proto/json.h"
#include "store/store.h"

static const struct log_about about = { .component = "schedule" };

/* --- What there is ------------------------------------------------------ */

static bool
sooner(const struct heap_node *a, const struct heap_node *b)
{
	return container_of(a, struct planned, by_time)->next_ms <
	       container_of(b, struct planned, by_time)->next_ms;
}

void
schedules_init(struct master *m)
{
	memset(&m->schedules, 0, sizeof(m->schedules));
	heap_init(&m->schedules.by_time, sooner);
}

static struct planned_list *
bucket(struct master *m, const char *name)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return &m->schedules.by_name[hash % PLANNED_BUCKETS];
}

struct planned *
schedules_find(struct master *m, const char *name)
{
	struct planned *s;

	LIST_FOREACH(s, bucket(m, name), by_name)
	if (strcmp(s->name, name) == 0)
		return s;
	return NULL;
}

struct planned *
schedules_insert(struct master *m, struct planned *s)
{
	LIST_INSERT_HEAD(bucket(m, s->name), s, by_name);
	m->schedules.n++;
	return s;
}

void
schedules_unlink(struct master *m, struct planned *s)
{
	heap_remove(&m->schedules.by_time, &s->by_time);
	change_drop(m, &s->change);
	services_stop(m, s->name);
	LIST_REMOVE(s, by_name);
	m->schedules.n--;
}

void
schedules_drop(struct master *m, struct planned *s)
{
	schedules_unlink(m, s);
	planned_free(s);
}

void
schedules_release(struct master *m)
{
	loop_timer_cancel(&m->schedules.timer);
	for (size_t i = 0; i < PLANNED_BUCKETS; i++)
		while (!LIST_EMPTY(&m->schedules.by_name[i]))
			schedules_drop(m, LIST_FIRST(&m->schedules.by_name[i]));
	heap_release(&m->schedules.by_time);
}

struct listing {
	struct planned **items;
	size_t n;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(struct planned *const *)a)->name,
		      (*(struct planned *const *)b)->name);
}

void
schedules_each(struct master *m, void (*fn)(void *arg, const struct planned *s),
	       void *arg)
{
	_free_ struct planned **all =
		xcalloc(m->schedules.n + 1, sizeof(struct planned *));
	struct planned *s;
	size_t n = 0;

	for (size_t i = 0; i < PLANNED_BUCKETS; i++)
		LIST_FOREACH(s, &m->schedules.by_name[i], by_name)
	all[n++] = s;
	qsort(all, n, sizeof(struct planned *), by_name);
	for (size_t i = 0; i < n; i++)
		fn(arg, all[i]);
}

/* --- Its row ------------------------------------------------------------ */

static int
write_row(struct master *m, struct change *c, struct err *e)
{
	const struct planned *s = container_of(c, struct planned, change);
	_buf_ struct buf spec = { 0 };
	struct store_schedule row;

	planned_fill_row(s, &row);
	if (s->spec) {
		json_encode(s->spec, &spec);
		row.spec = spec.data;
	}
	CRASH_POINT("written-schedule");
	return store_schedule_put(m->store, &row, e);
}

static void
row_done(struct master *m, struct change *c, const struct err *failed)
{
	struct planned *s = container_of(c, struct planned, change);

	if (!failed) {
		s->stored_due_ms = s->last_due_ms;
		return;
	}
	/* what was due then is not in the store either: it still is */
	s->last_due_ms = s->stored_due_ms;
	if (s->recurs && !s->paused)
		schedules_next_turn(m, s, clock_real_ms() + PLANNED_RETRY_MS);
}

void
schedules_keep_row(struct master *m, struct planned *s)
{
	if (!s->change.pending)
		change_add(m, &s->change, false, write_row, row_done);
}

/* --- When it is due ----------------------------------------------------- */

static void on_time(void *arg);

static void
set_timer(struct master *m)
{
	struct planned *first = HEAP_ENTRY(heap_first(&m->schedules.by_time),
					   struct planned, by_time);

	if (!m->schedules.started || !first)
		loop_timer_cancel(&m->schedules.timer);
	else
		loop_wall_timer_set(m->loop, &m->schedules.timer,
				    first->next_ms, on_time, m);
}

void
schedules_next_turn(struct master *m, struct planned *s, int64_t at_ms)
{
	heap_remove(&m->schedules.by_time, &s->by_time);
	s->next_ms = at_ms;
	if (at_ms != SCHEDULE_NEVER && !s->paused)
		heap_add(&m->schedules.by_time, &s->by_time);
	set_timer(m);
}

/* A run that was asked for, until it is known what became of it. */
struct fired {
	struct master *master;
	char *name;
	int64_t due_ms; /* 0: somebody asked for it */
	int64_t job_before;
	submit_done_fn *done; /* NULL: nobody waits */
	void *arg;
};

static void
record_not_run(struct master *m, const struct planned *s, const char *code,
	       int64_t due_ms, const struct err *why)
{
	struct submission sub;

	schedules_submission(s, &sub);
	sub.trigger = "schedule";
	sub.scheduled_ms = due_ms;
	jobs_record(m, &sub, JOB_CANCELLED, code, why);
	submission_release(&sub);
}

static void
skip(struct master *m, struct planned *s, int64_t due_ms, const char *why)
{
	struct err e = ERR_INIT;

	s->skipped++;
	m->schedules.skipped++;
	err_set(&e, ERR_AGENT, "skipped: %s", why);
	err_hint(&e, "overlap: queue or replace do otherwise; or run it less "
		     "often");
	log_event(LOG_LEVEL_INFO, &about, "%s: %s", s->name, e.msg);
	record_not_run(m, s, "skipped", due_ms, &e);
	schedules_keep_row(m, s);
}

/*
 * It was counted when it was asked for, so that its row, which is written
 * after it in the same commit, counts it.
 */
static void
fired_done(void *arg, const struct submitted *r, const struct err *failed)
{
	struct fired *f = arg;
	struct planned *s = schedules_find(f->master, f->name);

	/* one that was there already, by its key, is no run of its own */
	if (s && (failed || r->existed)) {
		s->runs -= s->runs > 0;
		s->active -= s->active > 0;
		s->last_job = f->job_before;
	}
	if (f->done)
		f->done(f->arg, r, failed);
	else if (s && failed && r->holder)
		skip(f->master, s, f->due_ms, failed->msg);
	else if (failed)
		log_event(LOG_LEVEL_ERROR, &about, "%s: %s", f->name,
			  failed->msg);
	if (!failed && !r->existed)
		f->master->schedules.fired++;
	free(f->name);
	free(f);
}

/* What it may not run with is the end of this run, not of the schedule. */
static void
refused(struct master *m, const struct planned *s, int64_t due_ms,
	const struct err *e)
{
	struct submission sub;
	bool denied = e->kind == ERR_DENIED;

	log_event(LOG_LEVEL_WARN, &about, "%s: %s", s->name, e->msg);
	schedules_submission(s, &sub);
	sub.trigger = "schedule";
	sub.scheduled_ms = due_ms;
	jobs_record(m, &sub, denied ? JOB_DENIED : JOB_FAILED,
		    denied		     ? "denied" :
		    e->kind == ERR_NOT_FOUND ? "not_found" :
					       "not_started",
		    e);
	submission_release(&sub);
}

int
schedules_submit(struct master *m, struct planned *s, int64_t due_ms,
		 const char *trigger, const struct asked_run *asked,
		 struct err *e)
{
	struct fired *f = xcalloc(1, sizeof(*f));
	struct submission sub;
	int rc;

	f->master = m;
	f->name = xstrdup(s->name);
	f->due_ms = due_ms;
	f->job_before = s->last_job;
	schedules_submission(s, &sub);
	sub.trigger = trigger;
	sub.scheduled_ms = due_ms;
	if (asked) {
		f->done = asked->done;
		f->arg = asked->arg;
		sub.key = asked->key;
		sub.digest = asked->digest;
	}
	rc = jobs_submit(m, &sub, NULL, fired_done, f, e);
	submission_release(&sub);
	if (rc < 0) {
		free(f->name);
		free(f);
		return -1;
	}
	s->runs++;
	s->active++;
	return 0;
}

static void
fire(struct master *m, struct planned *s, int64_t due_ms)
{
	struct err e = ERR_INIT;

	if (s->overlap == OVERLAP_QUEUE && s->active > s->cap) {
		skip(m, s, due_ms, "too many runs of it wait already");
		return;
	}
	if (s->overlap == OVERLAP_REPLACE)
		jobs_cancel_schedule(m, s->name);
	if (schedules_submit(m, s, due_ms, "schedule", NULL, &e) < 0)
		refused(m, s, due_ms, &e);
}

static void
say_missed(struct master *m, struct planned *s, const struct schedule_due *due)
{
	char from[UNITS_TEXT], to[UNITS_TEXT];
	struct err e = ERR_INIT;

	s->n_missed += (int64_t)due->missed;
	m->schedules.missed += due->missed;
	err_set(&e, ERR_AGENT,
		"%llu runs between %s and %s were missed: the agent did not "
		"run then, or the clock was set",
		(unsigned long long)due->missed,
		units_format_time(due->missed_first, from),
		units_format_time(due->missed_last, to));
	err_hint(&e, "missed: once, all or none decides what is made up for");
	log_event(LOG_LEVEL_WARN, &about, "%s: %s", s->name, e.msg);
	record_not_run(m, s, "missed", due->missed_last, &e);
}

static void
take_due(struct master *m, struct planned *s, int64_t now)
{
	static struct schedule_due due; /* large */

	schedule_take(&s->schedule, s->missed, s->cap, s->last_due_ms, now,
		      SCHEDULE_TOLERANCE_MS, &due);
	if (due.missed)
		say_missed(m, s, &due);
	for (size_t i = 0; i < due.run; i++) {
		m->schedules.last_lag_ms = now - due.times[i];
		fire(m, s, due.times[i]);
	}
	CRASH_POINT("schedule-fired");
	if (due.last_ms != s->last_due_ms) {
		s->last_due_ms = due.last_ms;
		schedules_keep_row(m, s);
	}
	schedules_next_turn(m, s, due.next_ms);
}

static void
on_time(void *arg)
{
	struct master *m = arg;
	int64_t now = clock_real_ms();
	struct planned *s;

	if (m->phase != PHASE_RUNNING)
		return;
	while ((s = HEAP_ENTRY(heap_first(&m->schedules.by_time),
			       struct planned, by_time)) &&
	       s->next_ms <= now) {
		/* while nothing can be kept, nothing is run */
		if (m->changes.trouble.kind != ERR_NONE)
			schedules_next_turn(m, s, now + PLANNED_RETRY_MS);
		else
			take_due(m, s, now);
	}
	set_timer(m);
}

void
schedules_clock_set(struct master *m)
{
	struct planned *s;

	for (size_t i = 0; m->schedules.started && i < PLANNED_BUCKETS; i++)
		LIST_FOREACH(s, &m->schedules.by_name[i], by_name)
	if (s->recurs && !s->paused)
		take_due(m, s, clock_real_ms());
}

void
schedules_start(struct master *m)
{
	m->schedules.started = true;
	set_timer(m);
}

void
schedules_submission(const struct planned *s, struct submission *out)
{
	const struct config_job *c = s->config;

	*out = (struct submission){
		.name = s->name,
		.source = c->plugin ? c->plugin : c->command,
		.params = c->params ? value_copy(c->params) : NULL,
		.priority = (int)c->priority,
		.schedule = s->name,
	};
	planned_policy(c, &out->policy);
	if (c->queue_timeout_ms)
		out->expires_ms = clock_real_ms() + c->queue_timeout_ms;
	if (s->overlap == OVERLAP_SKIP)
		out->single = s->name;
	else
		out->serial = s->name;
}
