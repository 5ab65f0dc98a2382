#include "master/planned.h"

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

int
planned_plan(struct planned *s, struct err *e)
{
	const struct config_job *c = s->config;

	if (!c) {
		*e = s->broken;
		return -1;
	}
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
	if (job->retry.max > 0)
		out->retries = job->retry.max;
	out->backoff_ms = job->retry.backoff_ms;
	out->max_backoff_ms = job->retry.max_backoff_ms;
	out->rerun = job->on_crash == CONFIG_CRASH_RETRY;
	out->timeout_ms = job->timeout_ms;
	if (job->method)
		out->method = xstrdup(job->method);
}
