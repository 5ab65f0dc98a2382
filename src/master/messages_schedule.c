/* Schedules: what there is, when it runs, and pausing it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/zone.h"
#include "master/master.h"
#include "master/messages.h"
#include "master/planned.h"
#include "model/units.h"

#define NEXT_COUNT 5
#define NEXT_MOST 1000

static struct value *
time_or_null(int64_t ms)
{
	char text[UNITS_TEXT];

	return ms && ms != SCHEDULE_NEVER ?
		       value_string(units_format_time(ms, text)) :
		       value_null();
}

/* "every 5m", "cron 5 * * * *", "at 2026-...", "always", "on demand". */
static struct value *
when_value(const struct config_job *c)
{
	char text[UNITS_TEXT];
	_free_ char *when = NULL;

	if (!c)
		return value_null();
	if (c->when & CONFIG_EVERY)
		when = xasprintf("every %s",
				 units_format_duration(c->every_ms, text));
	else if (c->when & CONFIG_CRON)
		when = xasprintf("cron %s", c->cron);
	else if (c->when & CONFIG_AT)
		when = xasprintf("at %s", units_format_time(c->at_ms, text));
	else
		when = xstrdup(c->always ? "always" : "on demand");
	return value_string(when);
}

static const char *const overlaps[] = { [OVERLAP_SKIP] = "skip",
					[OVERLAP_QUEUE] = "queue",
					[OVERLAP_REPLACE] = "replace" };

/* The last time that was due; where none was yet, what is kept is another. */
static int64_t
last_due(const struct planned *s)
{
	return s->recurs && s->last_due_ms &&
			       schedule_next(&s->schedule,
					     s->last_due_ms - 1) ==
				       s->last_due_ms ?
		       s->last_due_ms :
		       0;
}

static struct value *
planned_value(struct master *m, const struct planned *s)
{
	const struct config_job *c = s->config;
	struct value *v = value_object();

	(void)m;
	value_set(v, "name", value_string(s->name));
	value_set(v, "plugin",
		  c && c->plugin  ? value_string(c->plugin) :
		  c && c->command ? value_string(c->command) :
				    value_null());
	value_set(v, "when", when_value(c));
	value_set(v, "timezone",
		  s->recurs && s->schedule.kind == SCHEDULE_CRON ?
			  value_string(zone_name(s->schedule.zone)) :
			  value_null());
	value_set(v, "jitter_ms", value_int(c ? c->jitter_ms : 0));
	value_set(v, "overlap", value_string(overlaps[s->overlap]));
	value_set(v, "enabled", value_bool(c && c->enabled));
	value_set(v, "paused", value_bool(s->paused));
	value_set(v, "next",
		  s->recurs && !s->paused ? time_or_null(s->next_ms) :
					    value_null());
	value_set(v, "last_due", time_or_null(last_due(s)));
	value_set(v, "last_job",
		  s->last_job ? value_int(s->last_job) : value_null());
	value_set(v, "last_state",
		  s->last_state != JOB_QUEUED ?
			  value_string(job_state_name(s->last_state)) :
			  value_null());
	value_set(v, "runs", value_int(s->runs));
	value_set(v, "missed", value_int(s->n_missed));
	value_set(v, "skipped", value_int(s->skipped));
	value_set(v, "source",
		  value_string(s->own ? "client" : "configuration"));
	return v;
}

struct listing {
	struct master *m;
	struct value *items;
	const char *only; /* NULL: all */
	int64_t count;
};

static void
add_planned(void *arg, const struct planned *s)
{
	struct listing *l = arg;

	value_append(l->items, planned_value(l->m, s));
}

int
on_schedule_list(struct master *m, struct request *q,
		 const struct value *params, struct value **data, struct err *e)
{
	struct value *v = value_object();
	struct listing l = { .m = m,
			     .items = value_set(v, "items", value_array()) };

	(void)params;
	(void)data;
	(void)e;
	schedules_each(m, add_planned, &l);
	request_answer(q, v);
	return 0;
}

/* "2026-01-31T23:59:59+01:00" */
static struct value *
local_value(const struct zone *z, int64_t ms)
{
	char text[UNITS_TEXT], full[UNITS_TEXT + 16];
	int32_t offset = zone_offset(z, ms / 1000);
	int32_t minutes = (offset < 0 ? -offset : offset) / 60;

	units_format_time(ms + (int64_t)offset * 1000, text);
	snprintf(full, sizeof(full), "%.19s%c%02d:%02d", text,
		 offset < 0 ? '-' : '+', (int)(minutes / 60),
		 (int)(minutes % 60));
	return value_string(full);
}

static void
add_next(void *arg, const struct planned *s)
{
	struct listing *l = arg;
	const struct zone *here = NULL;
	struct err ignored = ERR_INIT;
	const struct zone *zone = s->schedule.zone;
	int64_t at = clock_real_ms();
	struct value *v, *times;

	if (!s->recurs || (l->only && strcmp(l->only, s->name) != 0))
		return;
	if (!zone && zone_open(NULL, &here, &ignored) == 0)
		zone = here;
	v = value_object();
	value_set(v, "name", value_string(s->name));
	value_set(v, "timezone", value_string(zone_name(zone)));
	value_set(v, "paused", value_bool(s->paused));
	times = value_set(v, "times", value_array());
	for (int64_t i = 0; i < l->count; i++) {
		struct value *t;

		at = schedule_next(&s->schedule, at);
		if (at == SCHEDULE_NEVER)
			break;
		t = value_append(times, value_object());
		value_set(t, "utc", time_or_null(at));
		value_set(t, "local", local_value(zone, at));
	}
	value_append(l->items, v);
}

int
on_schedule_next(struct master *m, struct request *q,
		 const struct value *params, struct value **data, struct err *e)
{
	struct listing l = { .m = m,
			     .only = value_get_string(params, "name", NULL),
			     .count = value_get_int(params, "count",
						    NEXT_COUNT) };
	struct value *v;

	(void)data;
	if (l.count > NEXT_MOST)
		l.count = NEXT_MOST;
	if (l.only && !schedules_find(m, l.only))
		return schedules_unknown(m, l.only, e);
	v = value_object();
	l.items = value_set(v, "items", value_array());
	schedules_each(m, add_next, &l);
	request_answer(q, v);
	return 0;
}

/* --- Changing them: answered by what the schedule is now ---------------- */

static int
answer_planned(struct master *m, struct request *q, const char *name)
{
	request_answer(q, planned_value(m, schedules_find(m, name)));
	return 0;
}

static const char *
name_of(const struct value *params)
{
	return value_get_string(params, "name", "");
}

int
on_schedule_add(struct master *m, struct request *q, const struct value *params,
		struct value **data, struct err *e)
{
	const char *name = name_of(params);

	(void)data;
	return schedules_add(m, name, value_get(params, "settings"), e) < 0 ?
		       -1 :
		       answer_planned(m, q, name);
}

int
on_schedule_remove(struct master *m, struct request *q,
		   const struct value *params, struct value **data,
		   struct err *e)
{
	(void)data;
	if (schedules_remove(m, name_of(params), e) < 0)
		return -1;
	request_answer(q, value_object());
	return 0;
}

int
on_schedule_pause(struct master *m, struct request *q,
		  const struct value *params, struct value **data,
		  struct err *e)
{
	(void)data;
	return schedules_pause(m, name_of(params), true, e) < 0 ?
		       -1 :
		       answer_planned(m, q, name_of(params));
}

int
on_schedule_resume(struct master *m, struct request *q,
		   const struct value *params, struct value **data,
		   struct err *e)
{
	(void)data;
	return schedules_pause(m, name_of(params), false, e) < 0 ?
		       -1 :
		       answer_planned(m, q, name_of(params));
}
