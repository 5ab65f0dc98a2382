/* Schedules: what clients may do with them. */
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

int
schedules_unknown(struct master *m, const char *name, struct err *e)
{
	const char *names[1024];
	const char *near;
	struct planned *s;
	size_t n = 0;

	for (size_t i = 0; i < PLANNED_BUCKETS; i++)
		LIST_FOREACH(s, &m->schedules.by_name[i], by_name)
	if (n < ARRAY_SIZE(names))
		names[n++] = s->name;
	near = units_nearest(name, names, n);
	err_set(e, ERR_NOT_FOUND, "no schedule is called %.64s", name);
	if (near)
		return err_hint(e, "did you mean %s?", near);
	return err_hint(e, "devops_agent schedule list shows all");
}

int
schedules_trigger(struct master *m, const char *name, struct submission *sub,
		  struct err *e)
{
	struct planned *s = schedules_find(m, name);

	if (!s)
		return schedules_unknown(m, name, e);
	schedules_submission(s, sub);
	sub->trigger = "trigger";
	return 0;
}

int
schedules_pause(struct master *m, const char *name, bool pause, struct err *e)
{
	struct planned *s = schedules_find(m, name);

	if (!s)
		return schedules_unknown(m, name, e);
	if (s->paused == pause)
		return 0;
	s->paused = pause;
	/* what was due meanwhile was not missed: it was not wanted */
	s->last_due_ms = s->stored_due_ms = clock_real_ms();
	if (s->recurs)
		schedules_next_turn(m, s,
				    pause ? SCHEDULE_NEVER :
					    schedule_next(&s->schedule,
							  s->last_due_ms));
	if (s->config && s->config->always && pause)
		services_stop(m, name);
	else if (s->config && s->config->always)
		services_start(m, name);
	schedules_keep_row(m, s);
	return 0;
}

int
schedules_add(struct master *m, const char *name, const struct value *spec,
	      struct err *e)
{
	struct planned *s = schedules_find(m, name);
	_buf_ struct buf text = { 0 };

	if (s)
		return err_set(e, ERR_CONFLICT,
			       "there is a schedule called %s already", name);
	s = planned_new(name);
	json_encode(spec, &text);
	if (planned_check_spec(spec, e) < 0 ||
	    planned_set_spec(s, text.data) < 0 || planned_plan(s, e) < 0) {
		if (e->kind == ERR_NONE)
			*e = s->broken;
		planned_free(s);
		return -1;
	}
	schedules_insert(m, s);
	schedules_plan(m, s);
	schedules_keep_row(m, s);
	return 0;
}

/* Its row goes with the same commit as everything else of this turn. */
struct removal {
	struct change change;
	char *name;
};

static int
write_removal(struct master *m, struct change *c, struct err *e)
{
	return store_schedule_remove(
		m->store, container_of(c, struct removal, change)->name, e);
}

static void
removal_done(struct master *m, struct change *c, const struct err *failed)
{
	struct removal *r = container_of(c, struct removal, change);

	(void)m;
	if (failed)
		log_event(LOG_LEVEL_ERROR, &about, "%s: %s", r->name,
			  failed->msg);
	free(r->name);
	free(r);
}

int
schedules_remove(struct master *m, const char *name, struct err *e)
{
	struct planned *s = schedules_find(m, name);
	struct removal *r;

	if (!s)
		return schedules_unknown(m, name, e);
	if (!s->own) {
		err_set(e, ERR_CONFLICT, "%s is a job of the configuration",
			name);
		return err_hint(e,
				"take it out of the file and reload, or "
				"devops_agent schedule pause %s",
				name);
	}
	schedules_drop(m, s);
	r = xcalloc(1, sizeof(*r));
	r->name = xstrdup(name);
	change_add(m, &r->change, true, write_removal, removal_done);
	return 0;
}

void
schedules_ended(struct master *m, const struct live_job *j,
		enum job_state state)
{
	struct planned *s = j->schedule ? schedules_find(m, j->schedule) : NULL;

	if (!s)
		return;
	s->last_state = state;
	if (s->active)
		s->active--;
}
