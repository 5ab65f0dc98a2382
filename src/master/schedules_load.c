/* Schedules: from the configuration and the store, at a start and a reload. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/master.h"
#include "master/planned.h"
#include "master/schedules_parts.h"
#include "model/units.h"
#include "proto/json.h"
#include "store/store.h"

static const struct log_about about = { .component = "schedule" };

/* When it is due from now on; a new one has missed nothing yet. */
void
schedules_plan(struct master *m, struct planned *s)
{
	int64_t now = clock_real_ms();
	bool back =
		s->last_due_ms && now < s->last_due_ms - SCHEDULE_BACK_MAX_MS;

	if (back && s->recurs)
		log_event(LOG_LEVEL_WARN, &about,
			  "%s: the clock was set back by more than a day while "
			  "the agent did not run: its times begin anew",
			  s->name);
	s->schedule.shift_ms =
		schedule_shift(m->agent.id, s->name, s->config->jitter_ms);
	if (!s->last_due_ms || back)
		s->last_due_ms = s->stored_due_ms = now;
	if (!s->recurs)
		return;
	/* so that what it misses from now on is known */
	if (s->last_due_ms == now)
		schedules_keep_row(m, s);
	/* what became due while nothing ran is due at once */
	schedules_next_turn(m, s, schedule_next(&s->schedule, s->last_due_ms));
}

void
schedules_keep_all(struct master *m)
{
	struct planned *s;

	for (size_t i = 0; i < PLANNED_BUCKETS; i++)
		LIST_FOREACH(s, &m->schedules.by_name[i], by_name)
		{
			if (s->config)
				schedules_plan(m, s);
			schedules_keep_row(m, s);
		}
}

static void
take_over(struct master *m, const struct config_job *job)
{
	struct planned *s = schedules_find(m, job->name);
	struct err e = ERR_INIT;

	if (!s)
		s = schedules_insert(m, planned_new(job->name));
	planned_set(s, job);
	if (planned_plan(s, &e) < 0) {
		/* config_check() has said so at the start */
		log_event(LOG_LEVEL_ERROR, &about, "%s: %s", s->name, e.msg);
		s->recurs = false;
	}
	s->seen = true;
	schedules_plan(m, s);
	if (job->always && job->enabled)
		services_start(m, job->name);
}

static int
take_row(void *arg, const struct store_schedule *row)
{
	struct master *m = arg;
	struct planned *s = schedules_insert(m, planned_new(row->name));

	planned_take_row(s, row);
	return 0;
}

/*
 * A job that is not in the configuration any more.  Its row stays, should it
 * come back; but what is due meanwhile is not missed then.
 */
struct leaving {
	struct change change;
	struct planned *s;
};

static int
write_leaving(struct master *m, struct change *c, struct err *e)
{
	const struct leaving *l = container_of(c, struct leaving, change);
	struct store_schedule row;

	planned_fill_row(l->s, &row);
	row.last_due_ms = 0;
	return store_schedule_put(m->store, &row, e);
}

static void
leaving_done(struct master *m, struct change *c, const struct err *failed)
{
	struct leaving *l = container_of(c, struct leaving, change);

	(void)m;
	if (failed)
		log_event(LOG_LEVEL_ERROR, &about, "%s: %s", l->s->name,
			  failed->msg);
	planned_free(l->s);
	free(l);
}

static void
leave(struct master *m, struct planned *s)
{
	struct leaving *l;

	schedules_unlink(m, s);
	if (!s->last_due_ms) {
		planned_free(s);
		return;
	}
	l = xcalloc(1, sizeof(*l));
	l->s = s;
	change_add(m, &l->change, true, write_leaving, leaving_done);
}

static void
drop_unseen(struct master *m)
{
	struct planned *s, *next;

	for (size_t i = 0; i < PLANNED_BUCKETS; i++)
		for (s = LIST_FIRST(&m->schedules.by_name[i]); s; s = next) {
			next = LIST_NEXT(s, by_name);
			if (!s->seen)
				leave(m, s);
		}
}

static void
take_own(struct master *m)
{
	struct planned *s;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < PLANNED_BUCKETS; i++)
		LIST_FOREACH(s, &m->schedules.by_name[i], by_name)
		{
			if (s->seen || !s->own)
				continue;
			s->seen = true;
			if (planned_plan(s, &e) < 0)
				log_event(LOG_LEVEL_ERROR, &about, "%s: %s",
					  s->name, e.msg);
			else
				schedules_plan(m, s);
		}
}

/* Jobs that wait from before this start. */
static void
count_active(struct master *m)
{
	const struct live_job *j;

	for (size_t i = 0; i < JOBS_BUCKETS; i++)
		LIST_FOREACH(j, &m->jobs.by_id[i], by_id)
		{
			struct planned *s =
				j->schedule ? schedules_find(m, j->schedule) :
					      NULL;

			if (s)
				s->active++;
		}
}

static void
take_all(struct master *m)
{
	const struct config_jobs *jobs = &m->setup->config.jobs;

	for (size_t i = 0; i < jobs->n; i++)
		take_over(m, &jobs->items[i]);
	take_own(m);
	drop_unseen(m);
	count_active(m);
}

int
schedules_load(struct master *m, struct err *e)
{
	if (store_schedule_each(m->store, take_row, m, e) < 0)
		return -1;
	take_all(m);
	return 0;
}

void
schedules_reload(struct master *m)
{
	const struct config_jobs *jobs = &m->setup->config.jobs;
	struct planned *s;

	for (size_t i = 0; i < PLANNED_BUCKETS; i++)
		LIST_FOREACH(s, &m->schedules.by_name[i], by_name)
	s->seen = s->own != NULL;
	for (size_t i = 0; i < jobs->n; i++) {
		const struct config_job *job = &jobs->items[i];

		s = schedules_find(m, job->name);
		/* one that says what it said goes on, wherever it stood */
		if (s && s->config && !s->own &&
		    config_job_equal(s->config, job)) {
			s->config = job;
			s->seen = true;
			continue;
		}
		if (s) {
			services_stop(m, s->name);
			s->last_due_ms = 0; /* its own times begin now */
		}
		take_over(m, job);
	}
	drop_unseen(m);
}
