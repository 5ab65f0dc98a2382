/* What a job needs to run, and where it comes from. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/jobs_parts.h"
#include "master/master.h"
#include "master/wait.h"
#include "plugin/schema.h"
#include "proto/json.h"

struct detail *
detail_new(struct master *m, struct live_job *j)
{
	struct detail *d = xcalloc(1, sizeof(*d));

	job_init(&d->job);
	policy_init(&d->policy);
	d->job.record.agent = &m->agent;
	d->watch = wait_watch(j);
	d->job.watch = &d->watch;
	j->detail = d;
	return d;
}

/* The triggers of records are static texts. */
static const char *const triggers[] = { "run",	   "job",   "schedule",
					"trigger", "retry", "always",
					"api",	   NULL };

static const char *
trigger_of(const char *text)
{
	for (size_t i = 0; triggers[i]; i++)
		if (strcmp(triggers[i], text) == 0)
			return triggers[i];
	return triggers[0];
}

static struct value *
decode(const char *text)
{
	struct err ignored = ERR_INIT;
	struct value *v = NULL;

	if (!text || json_decode(text, strlen(text), &v, &ignored) < 0)
		return NULL;
	return v;
}

struct load {
	struct master *m;
	struct live_job *j;
};

static int
take_row(void *arg, const struct store_job *row)
{
	struct load *l = arg;
	struct detail *d = detail_new(l->m, l->j);
	struct record *r = &d->job.record;
	_value_ struct value *policy = decode(row->policy);

	policy_from_value(&d->policy, policy);
	r->id = row->id;
	r->name = xstrdup(row->name);
	r->plugin = xstrdup(row->plugin);
	r->trigger = trigger_of(row->trigger);
	r->attempt = row->attempt;
	r->scheduled_ms = row->scheduled_ms;
	r->params = decode(row->params);
	if (!r->params)
		r->params = value_object();
	return 0;
}

/* The row can't be read, or is gone: there is nothing to run. */
static void
forget(struct master *m, struct live_job *j, const struct err *e)
{
	log_event(LOG_LEVEL_ERROR,
		  &(struct log_about){ .component = "store", .job = j->id },
		  "a waiting job can't be read: %s", e->msg);
	job_leave(m, j);
	wait_end(m, j, NULL);
	job_free(m, j);
}

int
detail_load(struct master *m, struct live_job *j)
{
	struct load l = { m, j };
	struct err e = ERR_INIT;

	if (store_job_get(m->store, j->id, take_row, &l, &e) == 0)
		return 0;
	detail_free(steal_ptr(&j->detail));
	forget(m, j, &e);
	return -1;
}

static int
take_state(void *arg, const struct store_job *row)
{
	*(enum job_state *)arg = row->state;
	return 0;
}

int
job_stored_state(struct master *m, int64_t id, enum job_state *state,
		 struct err *e)
{
	return store_job_get(m->store, id, take_state, state, e);
}

void
job_from_row(struct master *m, struct live_job *j, const struct store_job *row)
{
	_value_ struct value *text = decode(row->policy);
	_cleanup_(policy_release) struct policy policy;

	policy_from_value(&policy, text);
	j->id = row->id;
	j->attempt = row->attempt;
	j->priority = (int)row->priority;
	j->not_before_ms = row->not_before_ms;
	j->expires_ms = row->expires_ms;
	j->serial = row->serial ? xstrdup(row->serial) : NULL;
	j->schedule = row->schedule ? xstrdup(row->schedule) : NULL;
	j->pool = pools_get(m, policy.source ? policy.source : row->plugin);
}

/* --- Before it begins --------------------------------------------------- */

/* Secrets are not kept: they are the configuration's, or were in memory. */
static int
find_secrets(struct master *m, struct live_job *j, struct err *e)
{
	struct detail *d = j->detail;
	const struct config_job *c = NULL;

	if (d->secrets)
		return 0;
	if (d->policy.memory_secrets) {
		err_set(e, ERR_AGENT,
			"its secrets were given with the job, and did not "
			"outlive the agent that took it");
		return err_hint(e, "give the job again, or its secrets by the "
				   "configuration");
	}
	if (j->schedule)
		c = config_find_job(&m->setup->config, j->schedule);
	if (c && c->secrets)
		d->secrets = value_copy(c->secrets);
	return 0;
}

static int
prepare(struct master *m, struct live_job *j, const char **code, struct err *e)
{
	struct detail *d = j->detail;
	const struct policy *p = &d->policy;
	struct version *v;
	bool changed;

	*code = "plugin";
	if (plugins_get(&m->plugins,
			p->source ? p->source : d->job.record.plugin, &v,
			e) < 0)
		return -1;
	changed = v != d->version;
	version_unref(d->version);
	d->version = v;
	*code = "denied";
	if (d->version->refused.kind != ERR_NONE) {
		*e = d->version->refused;
		return -1;
	}
	*code = "params";
	if (changed && schema_apply(d->version->plugin.manifest.params,
				    d->job.record.params, e) < 0)
		return -1;
	*code = "secrets_lost";
	if (find_secrets(m, j, e) < 0)
		return -1;
	d->job.secrets = d->secrets;
	d->job.method = p->method ? p->method : "run";
	d->job.timeout_ms = p->timeout_ms;
	d->job.record.attempt = j->attempt;
	return 0;
}

int
jobs_prepare(struct master *m, struct live_job *j)
{
	const char *code;
	struct err e = ERR_INIT;

	if (j->detail && j->detail->prepared == m->turn)
		return 0;
	if (!j->detail && detail_load(m, j) < 0)
		return -1;
	if (prepare(m, j, &code, &e) == 0) {
		j->detail->prepared = m->turn;
		return 0;
	}
	job_end_queued(m, j, e.kind == ERR_DENIED ? JOB_DENIED : JOB_FAILED,
		       code, &e);
	return -1;
}
