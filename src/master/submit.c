/* From what somebody asks for to a job that waits. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/jobs_parts.h"
#include "master/master.h"
#include "plugin/digest.h"
#include "plugin/schema.h"
#include "proto/json.h"

#define DETAILS_MAX 100

/* One under way to the store. */
struct submit {
	struct change change;
	struct live_job *job; /* NULL: once it is the queue's, or freed */
	bool entered;
	struct submitted result;
	submit_done_fn *done; /* NULL: nobody waits */
	void *arg;
	char *single, *key, *digest;
	int64_t retry_of;
	/* a record of what did not run: how it ended */
	bool only_record;
	enum job_state end;
};

void
submission_release(struct submission *s)
{
	policy_release(&s->policy);
	value_free(steal_ptr(&s->params));
	value_free(steal_ptr(&s->secrets));
}

static void
submit_free(struct submit *s)
{
	free(s->single);
	free(s->key);
	free(s->digest);
	free(s);
}

/* --- Writing ------------------------------------------------------------ */

struct row_texts {
	struct buf params, policy, agent;
};

static void
row_texts_release(struct row_texts *t)
{
	buf_release(&t->params);
	buf_release(&t->policy);
	buf_release(&t->agent);
}

static void
encode(struct buf *out, struct value *v)
{
	json_encode(v, out);
	value_free(v);
}

static void
fill_row(const struct submit *s, struct store_job *row, struct row_texts *t)
{
	const struct live_job *j = s->job;
	const struct detail *d = j->detail;
	const struct record *r = &d->job.record;

	json_encode(r->params, &t->params);
	encode(&t->policy, policy_to_value(&d->policy));
	encode(&t->agent, agent_id_to_value(r->agent));
	*row = (struct store_job){
		.name = r->name,
		.plugin = r->plugin,
		.trigger = r->trigger,
		.attempt = 1,
		.scheduled_ms = r->scheduled_ms,
		.params = t->params.data,
		.policy = t->policy.data,
		.agent = t->agent.data,
		.priority = j->priority,
		.not_before_ms = j->not_before_ms,
		.expires_ms = j->expires_ms,
		.schedule = j->schedule,
		.single = s->single,
		.serial = j->serial,
		.key = s->key,
		.digest = s->digest,
		.retry_of = s->retry_of,
	};
}

/* A row that ends as it begins. */
static int
write_record(struct master *m, const struct submit *s, int64_t id,
	     struct err *e)
{
	_buf_ struct buf error = { 0 };
	struct store_job row = { .id = id,
				 .state = s->end,
				 .finished_ms = clock_real_ms() };

	encode(&error, record_error_value(&s->job->detail->job.record));
	row.error = error.data;
	return store_job_finish(m->store, &row, NULL, NULL, e);
}

static int
write_submit(struct master *m, struct change *c, struct err *e)
{
	struct submit *s = container_of(c, struct submit, change);
	_cleanup_(row_texts_release) struct row_texts t = { .params = { 0 } };
	struct store_job row;
	int rc;

	fill_row(s, &row, &t);
	rc = store_job_add(m->store, &row, e);
	if (rc < 0)
		return -1;
	s->result.id = row.id;
	s->result.existed = rc == STORE_EXISTS;
	if (rc == STORE_OVERLAP) {
		s->result.holder = row.id;
		return err_set(e, ERR_USAGE,
			       "the run before it is not over: job %lld",
			       (long long)row.id);
	}
	if (rc == STORE_EXISTS)
		return 0;
	s->job->id = s->job->detail->job.record.id = row.id;
	if (s->only_record)
		return write_record(m, s, row.id, e);
	/* pools_dispatch() may begin it in this very commit */
	s->entered = true;
	job_enter(m, s->job);
	return 0;
}

/* Of many that wait, what they need to run is in the store. */
static void
forget_detail(const struct master *m, struct live_job *j)
{
	if (j->state == JOB_QUEUED && !j->change.pending &&
	    !j->detail->secrets && m->jobs.queued > DETAILS_MAX)
		detail_free(steal_ptr(&j->detail));
}

static void
submit_done(struct master *m, struct change *c, const struct err *failed)
{
	struct submit *s = container_of(c, struct submit, change);

	if (failed && s->entered) {
		job_leave(m, s->job);
		s->entered = false;
	}
	if (!s->entered) {
		job_free(m, s->job);
	} else {
		m->jobs.submitted++;
		events_job(m, "job.queued", s->job);
		forget_detail(m, s->job);
	}
	if (s->done)
		s->done(s->arg, &s->result, failed);
	submit_free(s);
}

/* --- Checking ----------------------------------------------------------- */

static int
check_secrets(const struct version *v, const struct submission *s,
	      struct err *e)
{
	const struct strv *wanted = &v->plugin.manifest.permissions.secrets;

	for (size_t i = 0; i < wanted->n && s->secrets; i++)
		if (!value_get(s->secrets, wanted->items[i]))
			return err_set(e, ERR_USAGE,
				       "the plugin %s wants the secret %s",
				       v->plugin.name, wanted->items[i]);
	if (wanted->n && !s->secrets && !s->schedule) {
		err_set(e, ERR_USAGE, "the plugin %s wants secrets: %s",
			v->plugin.name, wanted->items[0]);
		return err_hint(e, "give them by --secrets, or by a job of "
				   "the configuration");
	}
	return 0;
}

static int
check_room(struct master *m, struct err *e)
{
	int64_t most = m->setup->config.queue.max;

	if (m->phase != PHASE_RUNNING)
		return err_set(e, ERR_UNAVAILABLE, "the agent is stopping");
	if (m->changes.trouble.kind != ERR_NONE) {
		*e = m->changes.trouble;
		return err_wrap(e, "no job can be kept");
	}
	if ((int64_t)m->jobs.queued < most)
		return 0;
	m->jobs.full++;
	err_set(e, ERR_UNAVAILABLE, "the queue is full: %lld jobs wait",
		(long long)most);
	return err_hint(e, "try again later; queue.max is the limit");
}

static int
check(struct master *m, const struct version *v, struct submission *s,
      struct strv *difference, struct err *e)
{
	if (v->refused.kind != ERR_NONE) {
		m->jobs.refused++;
		if (difference)
			strv_copy(difference, &v->difference);
		*e = v->refused;
		return -1;
	}
	if (!s->params)
		s->params = value_object();
	if (schema_apply(v->plugin.manifest.params, s->params, e) < 0) {
		return *e->hint ? -1 :
				  err_hint(e,
					   "devops_agent plugin show %s lists "
					   "its parameters",
					   v->plugin.name);
	}
	return check_secrets(v, s, e);
}

/* --- Making it ---------------------------------------------------------- */

static char *
own(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static struct submit *
make(struct master *m, struct submission *s, const char *plugin)
{
	struct submit *submit = xcalloc(1, sizeof(*submit));
	struct live_job *j = submit->job = job_new();
	struct detail *d = detail_new(m, j);
	struct record *r = &d->job.record;

	d->policy = s->policy;
	memset(&s->policy, 0, sizeof(s->policy));
	d->policy.source = xstrdup(s->source);
	d->policy.by_path = strchr(s->source, '/') != NULL;
	d->policy.memory_secrets = s->secrets != NULL;
	d->secrets = steal_ptr(&s->secrets);
	r->name = xstrdup(s->name ? s->name : plugin);
	r->plugin = xstrdup(plugin);
	r->trigger = s->trigger;
	r->attempt = 1;
	r->scheduled_ms = s->scheduled_ms ? s->scheduled_ms : clock_real_ms();
	r->params = s->params ? steal_ptr(&s->params) : value_object();
	j->priority = s->priority;
	j->not_before_ms = s->not_before_ms;
	j->expires_ms = s->expires_ms;
	j->service = s->service;
	j->schedule = own(s->schedule);
	j->serial = own(s->serial);
	submit->single = own(s->single);
	submit->key = own(s->key);
	submit->digest = own(s->digest);
	submit->retry_of = s->retry_of;
	return submit;
}

int
jobs_submit(struct master *m, struct submission *s, struct strv *difference,
	    submit_done_fn *done, void *arg, struct err *e)
{
	_version_ struct version *v = NULL;
	struct submit *submit;

	if (check_room(m, e) < 0 ||
	    plugins_get(&m->plugins, s->source, &v, e) < 0 ||
	    check(m, v, s, difference, e) < 0)
		return -1;
	submit = make(m, s, v->plugin.name);
	submit->done = done;
	submit->arg = arg;
	submit->job->detail->version = steal_ptr(&v);
	submit->job->pool = pools_get(m, s->source);
	change_add(m, &submit->change, false, write_submit, submit_done);
	return 0;
}

void
jobs_record(struct master *m, const struct submission *s, enum job_state state,
	    const char *code, const struct err *why)
{
	struct submission copy = *s;
	struct submit *submit;
	struct record *r;

	policy_init(&copy.policy);
	copy.secrets = NULL;
	copy.params = s->params ? value_copy(s->params) : NULL;
	submit = make(m, &copy, s->source);
	submission_release(&copy);
	r = &submit->job->detail->job.record;
	r->state = submit->end = state;
	record_set_error(r, code, why->msg, why->hint[0] ? why->hint : NULL);
	submit->only_record = true;
	/* nothing holds what never ran */
	free(steal_ptr(&submit->single));
	change_add(m, &submit->change, false, write_submit, submit_done);
}
