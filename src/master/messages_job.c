/* Jobs: asking for them, looking at them, waiting for them. */
#include <stdlib.h>
#include <string.h>

#include "agent/keep.h"
#include "base/clock.h"
#include "base/mem.h"
#include "master/jobs_parts.h"
#include "master/master.h"
#include "master/messages.h"
#include "master/rows.h"
#include "master/wait.h"
#include "model/units.h"
#include "plugin/digest.h"
#include "proto/json.h"

#define LIST_LIMIT 100
#define LIST_MOST 1000
#define LOG_LIMIT 1000

static bool
get_bool(const struct value *params, const char *name)
{
	const struct value *v = value_get(params, name);

	return v && v->u.boolean;
}

static int64_t
get_time(const struct value *params, const char *name)
{
	const char *text = value_get_string(params, name, NULL);
	int64_t ms = 0;

	return text && units_parse_time(text, &ms) ? ms : 0;
}

/* --- Waiting ------------------------------------------------------------ */

static void
answer_now(struct request *q)
{
	struct err e = ERR_INIT;
	struct value *v = rows_get(q->master, q->job_id, &e);

	if (v)
		request_answer(q, v);
	else
		request_fail(q, &e, NULL);
}

static void
waited_enough(void *arg)
{
	answer_now(arg);
}

/* The record: at the job's end, or when the time is up. */
static void
wait_for(struct request *q, int64_t id)
{
	struct live_job *j = jobs_find(q->master, id);

	q->job_id = id;
	if (!j) {
		answer_now(q);
		return;
	}
	wait_add(q, j);
}

static void
take_wait(struct request *q, const struct value *params)
{
	int64_t ms = value_get_int(params, "wait_ms", 0);

	q->follow = get_bool(params, "follow");
	q->wait = ms > 0 || q->follow || get_bool(params, "wait");
	if (ms > 0)
		loop_timer_set(q->master->loop, &q->timer, clock_mono_ms() + ms,
			       waited_enough, q);
}

/* --- job.submit --------------------------------------------------------- */

static void
submitted(void *arg, const struct submitted *s, const struct err *failed)
{
	struct ticket *t = arg;
	struct request *q = ticket_take(t);
	struct value *v;

	if (!q)
		return;
	if (failed) {
		request_fail(q, failed, NULL);
		return;
	}
	if (q->wait) {
		wait_for(q, s->id);
		return;
	}
	loop_timer_cancel(&q->timer);
	v = rows_get(q->master, s->id, &(struct err)ERR_INIT);
	if (!v) {
		v = value_object();
		value_set(v, "id", value_int(s->id));
	}
	if (s->existed)
		value_set(v, "existed", value_bool(true));
	request_answer(q, v);
}

static int
take_retry(const struct value *retry, struct policy *p, struct err *e)
{
	p->retries = value_get_int(retry, "max", p->retries);
	p->backoff_ms = value_get_int(retry, "backoff_ms", p->backoff_ms);
	p->max_backoff_ms =
		value_get_int(retry, "max_backoff_ms", p->max_backoff_ms);
	if (p->retries < -1 || p->retries > 1000 || p->backoff_ms < 0 ||
	    p->backoff_ms > UNITS_MAX_MS || p->max_backoff_ms < 0 ||
	    p->max_backoff_ms > UNITS_MAX_MS)
		return err_set(e, ERR_USAGE,
			       "\"retry\" must be {max, backoff_ms, "
			       "max_backoff_ms}, max being 1000 at most");
	return 0;
}

static int
find_source(const struct value *params, const char **source, struct err *e)
{
	const char *plugin = value_get_string(params, "plugin", NULL);
	const char *command = value_get_string(params, "command", NULL);

	if (plugin && command)
		return err_set(e, ERR_USAGE,
			       "\"plugin\" and \"command\" both say what runs");
	if (command && *command != '/')
		return err_set(e, ERR_USAGE,
			       "\"command\" must be an absolute path");
	*source = plugin ? plugin : command;
	if (!*source)
		*source = value_get_string(params, "name", NULL);
	return *source ? 0 :
			 err_set(e, ERR_USAGE,
				 "\"plugin\" or \"command\" must say what "
				 "runs");
}

/* The same request has the same digest, in whatever order it came. */
static void
digest_request(const struct value *params, char hex[DIGEST_HEX])
{
	_buf_ struct buf text = { 0 };

	json_encode(params, &text);
	digest_text(text.data, text.len, hex);
}

static struct value *
copy_or_null(const struct value *v)
{
	return v ? value_copy(v) : NULL;
}

static int
take_submission(struct master *m, struct request *q, const struct value *params,
		struct submission *s, struct err *e)
{
	int64_t expires = value_get_int(params, "queue_timeout_ms", 0);

	(void)m;
	(void)q;
	*s = (struct submission){ .trigger = "job" };
	policy_init(&s->policy);
	if (find_source(params, &s->source, e) < 0 ||
	    take_retry(value_get(params, "retry"), &s->policy, e) < 0)
		return -1;
	if (expires > UNITS_MAX_MS)
		return err_set(e, ERR_USAGE,
			       "\"queue_timeout_ms\" is too much");
	s->name = value_get_string(params, "name", NULL);
	s->params = copy_or_null(value_get(params, "params"));
	s->secrets = copy_or_null(value_get(params, "secrets"));
	s->priority = (int)value_get_int(params, "priority", 0);
	s->not_before_ms = get_time(params, "at");
	s->scheduled_ms = s->not_before_ms;
	s->policy.timeout_ms = value_get_int(params, "timeout_ms", 0);
	if (value_get_string(params, "method", NULL))
		s->policy.method =
			xstrdup(value_get_string(params, "method", ""));
	if (expires)
		s->expires_ms = clock_real_ms() + expires;
	return 0;
}

static void
set_difference(struct value **data, const struct strv *difference)
{
	struct value *lines;

	if (!difference->n)
		return;
	lines = value_array();
	for (size_t i = 0; i < difference->n; i++)
		value_append(lines, value_string(difference->items[i]));
	*data = value_object();
	value_set(*data, "difference", lines);
}

/* One user's keys are not another's. */
static void
take_key(const struct request *q, const struct value *params,
	 struct submission *s, char **key, char digest[DIGEST_HEX])
{
	const char *text = value_get_string(params, "key", NULL);

	if (!text)
		return;
	*key = xasprintf("%s %s", q->caller.name, text);
	digest_request(params, digest);
	s->key = *key;
	s->digest = digest;
}

int
on_job_submit(struct master *m, struct request *q, const struct value *params,
	      struct value **data, struct err *e)
{
	_cleanup_(submission_release) struct submission s;
	_strv_ struct strv difference = { NULL, 0 };
	_free_ char *key = NULL;
	char digest[DIGEST_HEX];

	if (take_submission(m, q, params, &s, e) < 0)
		return -1;
	take_key(q, params, &s, &key, digest);
	take_wait(q, params);
	if (jobs_submit(m, &s, &difference, submitted, ticket_for(q), e) == 0)
		return 0;
	ticket_drop(q);
	set_difference(data, &difference);
	return -1;
}

/* --- Looking ------------------------------------------------------------ */

static unsigned
states_of(const struct value *v)
{
	unsigned states = 0;
	enum job_state state;

	if (!v)
		return 0;
	if (v->type == VALUE_STRING && job_state_parse(v->u.string.s, &state))
		return 1U << state;
	for (size_t i = 0; v->type == VALUE_ARRAY && i < v->u.array.n; i++)
		states |= states_of(v->u.array.items[i]);
	return states;
}

static int
add_row(void *arg, const struct store_job *row)
{
	value_append(arg, rows_value(row, true));
	return 0;
}

int
on_job_list(struct master *m, struct request *q, const struct value *params,
	    struct value **data, struct err *e)
{
	int64_t limit = value_get_int(params, "limit", LIST_LIMIT);
	struct store_filter f = {
		.states = states_of(value_get(params, "state")),
		.name = value_get_string(params, "name", NULL),
		.plugin = value_get_string(params, "plugin", NULL),
		.since_ms = get_time(params, "since"),
		.before_id = value_get_int(params, "before", 0),
		.limit = limit > LIST_MOST || limit < 1 ? LIST_MOST :
							  (size_t)limit,
	};
	struct value *items = value_array(), *v = value_object();
	size_t n;

	(void)data;
	value_set(v, "items", items);
	if (store_job_list(m->store, &f, add_row, items, e) < 0) {
		value_free(v);
		return -1;
	}
	n = items->u.array.n;
	value_set(v, "next",
		  n == f.limit ?
			  value_int(value_get_int(items->u.array.items[n - 1],
						  "id", 0)) :
			  value_null());
	request_answer(q, v);
	return 0;
}

/* An attempt before the last one, without what is the job's. */
static int
add_attempt(void *arg, const struct store_job *row)
{
	static const char *const members[] = { "attempt",     "state",
					       "started_at",  "finished_at",
					       "duration_ms", "error",
					       "exit",	      "usage" };
	_value_ struct value *all = rows_value(row, false);
	struct value *v = value_object();

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (value_get(all, members[i]))
			value_set(v, members[i],
				  value_copy(value_get(all, members[i])));
	value_append(arg, v);
	return 0;
}

int
on_job_get(struct master *m, struct request *q, const struct value *params,
	   struct value **data, struct err *e)
{
	int64_t id = value_get_int(params, "id", 0);
	struct value *v = rows_get(m, id, e), *attempts;

	(void)data;
	if (!v)
		return -1;
	attempts = value_array();
	if (store_attempt_list(m->store, id, add_attempt, attempts, e) < 0) {
		value_free(attempts);
		value_free(v);
		return -1;
	}
	if (attempts->u.array.n)
		value_set(v, "attempts", attempts);
	else
		value_free(attempts);
	request_answer(q, v);
	return 0;
}

int
on_job_wait(struct master *m, struct request *q, const struct value *params,
	    struct value **data, struct err *e)
{
	int64_t id = value_get_int(params, "id", 0);
	enum job_state state;

	(void)data;
	if (!jobs_find(m, id) && job_stored_state(m, id, &state, e) < 0)
		return -1;
	take_wait(q, params);
	wait_for(q, id);
	return 0;
}

/* --- job.logs ----------------------------------------------------------- */

struct lines {
	int64_t job, last;
	struct value *items; /* NULL: notify */
	struct request *q;
};

static int
add_line(void *arg, const struct store_log *line)
{
	struct lines *l = arg;
	struct value *v = wait_line(l->job, line);

	l->last = line->seq;
	if (l->items)
		value_append(l->items, v);
	else
		request_notify(l->q, "log", v);
	return 0;
}

static int
add_memory_line(void *arg, const struct logbook_entry *entry)
{
	struct lines *l = arg;
	const struct store_log line = keep_line(entry);

	value_append(l->items, wait_line(l->job, &line));
	return 0;
}

static int
follow_logs(struct master *m, struct request *q, int64_t id, int64_t after,
	    struct err *e)
{
	struct lines l = { .job = id, .q = q };

	if (store_log_list(m->store, id, after, 0, add_line, &l, e) < 0)
		return -1;
	q->follow = true;
	wait_for(q, id);
	return 0;
}

int
on_job_logs(struct master *m, struct request *q, const struct value *params,
	    struct value **data, struct err *e)
{
	int64_t id = value_get_int(params, "id", 0);
	int64_t after = value_get_int(params, "after", 0);
	int64_t limit = value_get_int(params, "limit", LOG_LIMIT);
	const struct live_job *j = jobs_find(m, id);
	struct lines l = { .job = id };
	enum job_state state;
	struct value *v;

	(void)data;
	if (job_stored_state(m, id, &state, e) < 0)
		return -1;
	if (get_bool(params, "follow"))
		return follow_logs(m, q, id, after, e);
	v = value_object();
	l.items = value_set(v, "items", value_array());
	if (limit < 1 || limit > LOG_LIMIT)
		limit = LOG_LIMIT;
	if (store_log_list(m->store, id, after, (size_t)limit, add_line, &l,
			   e) < 0) {
		value_free(v);
		return -1;
	}
	value_set(v, "next",
		  l.items->u.array.n == (size_t)limit ? value_int(l.last) :
							value_null());
	/* what a running job said stands in memory until its end */
	if (j && j->detail && l.items->u.array.n < (size_t)limit)
		logbook_each(&j->detail->job.logbook, add_memory_line, &l);
	value_set(v, "state", value_string(job_state_name(state)));
	request_answer(q, v);
	return 0;
}

/* --- Doing -------------------------------------------------------------- */

int
on_job_cancel(struct master *m, struct request *q, const struct value *params,
	      struct value **data, struct err *e)
{
	int64_t id = value_get_int(params, "id", 0);

	(void)data;
	if (jobs_cancel(m, id, e) < 0)
		return -1;
	/* answered by the record, once it is at its end */
	q->wait = true;
	wait_for(q, id);
	return 0;
}

struct again {
	struct submission s;
	char *name, *source, *schedule;
	enum job_state state;
};

static int
take_again(void *arg, const struct store_job *row)
{
	struct again *a = arg;
	struct err ignored = ERR_INIT;
	_value_ struct value *policy = NULL;

	a->state = row->state;
	if (row->policy)
		json_decode(row->policy, strlen(row->policy), &policy,
			    &ignored);
	policy_from_value(&a->s.policy, policy);
	a->name = xstrdup(row->name);
	a->source = a->s.policy.source ? xstrdup(a->s.policy.source) :
					 xstrdup(row->plugin);
	a->schedule = row->schedule ? xstrdup(row->schedule) : NULL;
	if (row->params)
		json_decode(row->params, strlen(row->params), &a->s.params,
			    &ignored);
	a->s.priority = (int)row->priority;
	return 0;
}

static void
again_release(struct again *a)
{
	submission_release(&a->s);
	free(a->name);
	free(a->source);
	free(a->schedule);
}

int
on_job_retry(struct master *m, struct request *q, const struct value *params,
	     struct value **data, struct err *e)
{
	_cleanup_(again_release) struct again a = { .name = NULL };
	_strv_ struct strv difference = { NULL, 0 };
	int64_t id = value_get_int(params, "id", 0);
	_free_ char *key = NULL;
	char digest[DIGEST_HEX];

	if (store_job_get(m->store, id, take_again, &a, e) < 0)
		return -1;
	if (!job_state_final(a.state))
		return err_set(e, ERR_CONFLICT,
			       "job %lld has not ended: it is %s",
			       (long long)id, job_state_name(a.state));
	free(steal_ptr(&a.s.policy.source));
	a.s.name = a.name;
	a.s.source = a.source;
	a.s.schedule = a.schedule;
	a.s.trigger = "retry";
	a.s.retry_of = id;
	take_key(q, params, &a.s, &key, digest);
	if (jobs_submit(m, &a.s, &difference, submitted, ticket_for(q), e) == 0)
		return 0;
	ticket_drop(q);
	set_difference(data, &difference);
	return -1;
}

int
on_schedule_trigger(struct master *m, struct request *q,
		    const struct value *params, struct value **data,
		    struct err *e)
{
	_cleanup_(submission_release) struct submission s;
	const char *name = value_get_string(params, "name", "");
	_free_ char *key = NULL;
	char digest[DIGEST_HEX];

	(void)data;
	memset(&s, 0, sizeof(s));
	if (schedules_trigger(m, name, &s, e) < 0)
		return -1;
	take_key(q, params, &s, &key, digest);
	take_wait(q, params);
	if (jobs_submit(m, &s, NULL, submitted, ticket_for(q), e) == 0)
		return 0;
	ticket_drop(q);
	return -1;
}
