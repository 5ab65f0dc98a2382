#include "master/planned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/zone.h"
#include "proto/json.h"

struct planned *
planned_new(const char *name)
{
	struct planned *s = xcalloc(1, sizeof(*s));

	s->name = xstrdup(name);
	s->next_ms = SCHEDULE_NEVER;
	return s;
}

static void
release_own(struct planned *s)
{
	if (s->own)
		config_release(s->own);
	free(steal_ptr(&s->own));
	value_free(steal_ptr(&s->spec));
}

void
planned_free(struct planned *s)
{
	if (!s)
		return;
	release_own(s);
	free(s->name);
	free(s);
}

void
planned_set(struct planned *s, const struct config_job *job)
{
	release_own(s);
	s->config = job;
}

/* --- A client's own ----------------------------------------------------- */

static int
check_text(const struct value *v, struct err *e)
{
	if (v->type == VALUE_STRING && strstr(v->u.string.s, "${"))
		return err_set(e, ERR_USAGE,
			       "${...} is for the configuration alone");
	for (size_t i = 0; v->type == VALUE_ARRAY && i < v->u.array.n; i++)
		if (check_text(v->u.array.items[i], e) < 0)
			return -1;
	for (size_t i = 0; v->type == VALUE_OBJECT && i < v->u.object.n; i++)
		if (check_text(v->u.object.members[i].value, e) < 0)
			return -1;
	return 0;
}

int
planned_check_spec(const struct value *spec, struct err *e)
{
	if (value_get(spec, "secrets"))
		return err_set(e, ERR_USAGE,
			       "secrets of a schedule are for the "
			       "configuration alone");
	if (value_get(spec, "always"))
		return err_set(e, ERR_USAGE,
			       "always: is for the configuration alone");
	return check_text(spec, e);
}

/* JSON is YAML: the configuration's own reader checks it. */
int
planned_set_spec(struct planned *s, const char *json)
{
	_free_ char *text =
		xasprintf("{\"jobs\": {\"%s\": %s}}", s->name, json);
	_strv_ struct strv warnings = { NULL, 0 };
	struct config *c = xcalloc(1, sizeof(*c));

	release_own(s);
	s->own = c;
	config_init(c);
	if (json_decode(json, strlen(json), &s->spec, &s->broken) < 0 ||
	    config_parse(text, strlen(text), "/job", c, &warnings, &s->broken) <
		    0 ||
	    c->jobs.n != 1)
		return -1;
	s->config = &c->jobs.items[0];
	return 0;
}

/* --- When and how ------------------------------------------------------- */

static int
plan_cron(struct planned *s, struct err *e)
{
	const struct config_job *c = s->config;
	const struct zone *zone;

	s->schedule.kind = SCHEDULE_CRON;
	if (cron_parse(c->cron, &s->schedule.cron, e) < 0)
		return err_wrap(e, "cron");
	if (zone_open(c->timezone, &zone, e) < 0)
		return err_wrap(e, "timezone");
	s->schedule.zone = zone;
	return 0;
}

/* What its due times depend on.  Kept: it is in the store, as a digest. */
static void
define(struct planned *s)
{
	const struct config_job *c = s->config;
	_free_ char *text = xasprintf(
		"every %lld\ncron %s\nat %lld\ntimezone %s\njitter %lld\n"
		"enabled %d\n",
		(long long)c->every_ms, c->cron ? c->cron : "",
		(long long)c->at_ms, c->timezone ? c->timezone : "",
		(long long)c->jitter_ms, c->enabled);

	digest_text(text, strlen(text), s->definition);
}

void
planned_take_row(struct planned *s, const struct store_schedule *row)
{
	s->paused = row->paused;
	s->last_due_ms = s->stored_due_ms = row->last_due_ms;
	s->last_job = row->last_job;
	s->runs = row->runs;
	s->n_missed = row->missed;
	s->skipped = row->skipped;
	snprintf(s->definition, sizeof(s->definition), "%s",
		 row->definition ? row->definition : "");
	if (row->spec)
		planned_set_spec(s, row->spec);
}

void
planned_fill_row(const struct planned *s, struct store_schedule *row)
{
	*row = (struct store_schedule){
		.name = s->name,
		.paused = s->paused,
		.last_due_ms = s->last_due_ms,
		.last_job = s->last_job,
		.runs = s->runs,
		.missed = s->n_missed,
		.skipped = s->skipped,
		.definition = s->definition,
	};
}

int
planned_plan(struct planned *s, struct err *e)
{
	const struct config_job *c = s->config;

	char before[DIGEST_HEX];

	if (!c) {
		*e = s->broken;
		return -1;
	}
	memcpy(before, s->definition, sizeof(before));
	define(s);
	/* its own times begin now; a row of an older version says nothing */
	if (before[0] && strcmp(before, s->definition) != 0)
		s->last_due_ms = 0;
	s->schedule =
		(struct schedule){ .every_ms = c->every_ms, .at_ms = c->at_ms };
	s->overlap = (enum schedule_overlap)c->overlap;
	s->missed = (enum schedule_missed)c->missed;
	s->cap = (size_t)c->missed_max;
	s->recurs = c->enabled &&
		    c->when & (CONFIG_EVERY | CONFIG_CRON | CONFIG_AT);
	if (c->when & CONFIG_CRON)
		return plan_cron(s, e);
	s->schedule.kind = c->when & CONFIG_AT ? SCHEDULE_AT : SCHEDULE_EVERY;
	return 0;
}

void
planned_policy(const struct config_job *job, struct policy *out)
{
	policy_init(out);
	if (job->retry.given)
		out->retries = job->retry.max;
	out->backoff_ms = job->retry.backoff_ms;
	out->max_backoff_ms = job->retry.max_backoff_ms;
	out->rerun = job->on_crash == CONFIG_CRASH_RETRY;
	out->timeout_ms = job->timeout_ms;
	if (job->method)
		out->method = xstrdup(job->method);
}
