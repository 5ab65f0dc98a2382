/* The life of a job: each change of its state. */
#include "store/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- How it comes ----------------------------------------------------------
 */

static int
insert_job(struct store *s, const struct store_job *job, int64_t id,
	   struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_JOB_ADD, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	store_bind_text(st, 2, job->name);
	store_bind_text(st, 3, job->plugin);
	store_bind_text(st, 4, job->trigger);
	store_bind_nonzero(st, 5, job->added_ms);
	store_bind_nonzero(st, 6, job->scheduled_ms);
	store_bind_nonzero(st, 7, job->priority);
	store_bind_nonzero(st, 8, job->max_attempts);
	store_bind_nonzero(st, 9, job->retry_of);
	store_bind_text(st, 10, job->schedule);
	store_bind_text(st, 11, job->policy);
	store_bind_text(st, 12, job->agent);
	store_bind_text(st, 13, job->params);
	return store_step(s, st, "add a job", e);
}

/* `owner` is of a run by itself, else NULL. */
static int
insert_active(struct store *s, const struct store_job *job, int64_t id,
	      int64_t bytes, const struct store_owner *owner, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ACTIVE_ADD, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	store_bind_int(st, 2, job->state);
	store_bind_int(st, 3, job->attempt);
	store_bind_nonzero(st, 4, job->started_ms);
	store_bind_nonzero(st, 5, job->not_before_ms);
	store_bind_nonzero(st, 6, job->expires_ms);
	store_bind_int(st, 7, bytes);
	if (owner) {
		store_bind_int(st, 8, owner->pid);
		store_bind_int(st, 9, owner->start);
		store_bind_text(st, 10, owner->boot);
	}
	store_bind_text(st, 11, job->name);
	store_bind_text(st, 12, job->plugin);
	store_bind_text(st, 13, job->single);
	store_bind_text(st, 14, job->serial);
	return store_step(s, st, "add a job", e);
}

static int
check_job(const struct store_job *job, int64_t *bytes, struct err *e)
{
	const char *const texts[] = {
		job->name,   job->plugin, job->trigger, job->schedule,
		job->policy, job->agent,  job->params,	job->single,
		job->serial, job->key,	  job->digest,
	};

	return store_check_texts(texts, ARRAY_SIZE(texts), bytes, e);
}

/* The change that `job`, with its state, comes by; job->id is set here. */
static int
insert(struct store_change *c, struct store_job *job, int64_t id, int64_t bytes,
       const struct store_owner *owner, struct err *e)
{
	struct store_tally *tally = store_tally(c->s, e);

	if (!tally)
		return -1;
	if (id == 0)
		id = tally->last_id + 1;
	c->writes = true;
	if (insert_job(c->s, job, id, e) < 0 ||
	    insert_active(c->s, job, id, bytes, owner, e) < 0 ||
	    (job->key && store_key_add(c->s, job, id, e) < 0))
		return -1;
	if (tally->last_id < id)
		tally->last_id = id;
	tally->jobs[job->state]++;
	tally->changed = true;
	if (store_change_commit(c, e) < 0)
		return -1;
	job->id = id;
	return 0;
}

/* STORE_OVERLAP and who has it, 0 where it is free. */
static int
check_single(struct store *s, const struct store_job *job, int64_t *id,
	     struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ACTIVE_SINGLE, e);
	int rc;

	if (!st)
		return -1;
	store_bind_text(st, 1, job->single);
	rc = store_step(s, st, "look for such a job", e);
	if (rc <= 0)
		return rc;
	*id = sqlite3_column_int64(st, 0);
	return STORE_OVERLAP;
}

int
store_job_add(struct store *s, struct store_job *job, struct err *e)
{
	_change_ struct store_change change = { 0 };
	struct store_job queued = *job;
	int64_t bytes = 0, other = 0;
	int rc = 0;

	queued.state = JOB_QUEUED;
	queued.started_ms = 0;
	if (check_job(job, &bytes, e) < 0 ||
	    store_change_begin(&change, s, "add a job", e) < 0)
		return -1;
	if (job->key)
		rc = store_key_check(s, job, &other, e);
	if (rc == 0 && job->single)
		rc = check_single(s, job, &other, e);
	if (rc == 0)
		rc = insert(&change, &queued, 0, bytes, NULL, e);
	if (rc < 0)
		return -1;
	job->id = rc == 0 ? queued.id : other;
	job->state = JOB_QUEUED;
	return rc;
}

int
store_job_start(struct store *s, struct store_job *job, struct err *e)
{
	_change_ struct store_change change = { 0 };
	struct store_job running = {
		.name = job->name,
		.plugin = job->plugin,
		.state = JOB_RUNNING,
		.trigger = job->trigger,
		.attempt = job->attempt,
		.added_ms = job->added_ms,
		.scheduled_ms = job->scheduled_ms,
		.started_ms = job->started_ms,
		.params = job->params,
		.agent = job->agent,
	};
	int64_t bytes = 0;

	if (check_job(&running, &bytes, e) < 0)
		return -1;
	if (s->self.pid == 0 && store_owner_self(&s->self, e) < 0)
		return err_wrap(e, "%s: start a job", s->path);
	if (store_change_begin(&change, s, "start a job", e) < 0 ||
	    insert(&change, &running, 0, bytes, &s->self, e) < 0)
		return -1;
	job->id = running.id;
	job->state = JOB_RUNNING;
	return 0;
}

int
store_job_restore(struct store *s, const struct store_job *job, struct err *e)
{
	_change_ struct store_change change = { 0 };
	struct store_job copy = *job;
	int64_t bytes = 0;

	copy.key = NULL;
	if (job->id <= 0 || job_state_final(job->state))
		return err_set(e, ERR_USAGE,
			       "job %" PRId64 " is %s: there is nothing to "
			       "put back",
			       job->id, job_state_name(job->state));
	if (check_job(job, &bytes, e) < 0 ||
	    store_change_begin(&change, s, "put a job back", e) < 0)
		return -1;
	return insert(&change, &copy, job->id, bytes, NULL, e);
}

/* --- How it goes on --------------------------------------------------------
 */

/* STORE_OVERLAP where a job that runs has the `serial` of this one. */
static int
check_serial(struct store *s, int64_t id, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ACTIVE_SERIAL, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	rc = store_step(s, st, "look for such a job", e);
	return rc > 0 ? STORE_OVERLAP : rc;
}

static int
update_begun(struct store *s, int64_t id, int64_t attempt, int64_t started_ms,
	     struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ACTIVE_BEGIN, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	store_bind_int(st, 2, attempt);
	store_bind_nonzero(st, 3, started_ms);
	return store_step(s, st, "begin a job", e);
}

/* From one state of those in the tally to another. */
static int
count(struct store_change *c, enum job_state from, enum job_state to,
      struct err *e)
{
	struct store_tally *tally = store_tally(c->s, e);

	if (!tally)
		return -1;
	tally->jobs[from]--;
	tally->jobs[to]++;
	tally->changed = true;
	return 0;
}

int
store_job_begin(struct store *s, int64_t id, int64_t attempt,
		int64_t started_ms, struct err *e)
{
	_change_ struct store_change change = { 0 };
	_active_ struct store_active a = { 0 };
	int rc = 0;

	if (store_change_begin(&change, s, "begin a job", e) < 0 ||
	    store_active_check(s, id, JOB_RUNNING, &a, e) < 0)
		return -1;
	if (a.serial)
		rc = check_serial(s, id, e);
	if (rc != 0)
		return rc;
	change.writes = true;
	if (update_begun(s, id, attempt, started_ms, e) < 0 ||
	    count(&change, a.state, JOB_RUNNING, e) < 0)
		return -1;
	return store_change_commit(&change, e);
}

static int
update_requeued(struct store *s, const struct store_active *a,
		int64_t not_before_ms, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ACTIVE_REQUEUE, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, a->id);
	store_bind_int(st, 2, a->attempt + 1);
	store_bind_nonzero(st, 3, not_before_ms);
	return store_step(s, st, "put a job back", e);
}

static int
insert_attempt(struct store *s, const struct store_active *a,
	       const struct store_job *job, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ATTEMPT_ADD, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, a->id);
	store_bind_int(st, 2, a->attempt);
	store_bind_int(st, 3, job->state);
	store_bind_nonzero(st, 4, a->started_ms);
	store_bind_int(st, 5, job->finished_ms);
	store_bind_int(st, 6, job->duration_ms);
	store_bind_text(st, 7, job->exit);
	store_bind_text(st, 8, job->usage);
	store_bind_text(st, 9, job->error);
	store_bind_text(st, 10, job->denials);
	return store_step(s, st, "keep an attempt", e);
}

static int
check_end(const struct store_job *job, int64_t *bytes, struct err *e)
{
	const char *const texts[] = { job->result, job->error,	 job->exit,
				      job->usage,  job->metrics, job->denials,
				      job->sandbox };

	if (!job_state_final(job->state))
		return err_set(e, ERR_USAGE, "a job does not end as %s",
			       job_state_name(job->state));
	return store_check_texts(texts, ARRAY_SIZE(texts), bytes, e);
}

int
store_job_requeue(struct store *s, const struct store_job *ended,
		  int64_t not_before_ms, store_log_source *logs, void *arg,
		  struct err *e)
{
	_change_ struct store_change change = { 0 };
	_active_ struct store_active a = { 0 };
	int64_t bytes = 0;

	if (check_end(ended, &bytes, e) < 0 ||
	    store_change_begin(&change, s, "put a job back", e) < 0 ||
	    store_active_check(s, ended->id, JOB_QUEUED, &a, e) < 0 ||
	    store_log_add_all(s, &a, logs, arg, e) < 0)
		return -1;
	a.bytes += bytes;
	change.writes = true;
	if (insert_attempt(s, &a, ended, e) < 0 ||
	    update_requeued(s, &a, not_before_ms, e) < 0 ||
	    store_active_put_log(s, &a, e) < 0 ||
	    count(&change, a.state, JOB_QUEUED, e) < 0)
		return -1;
	return store_change_commit(&change, e);
}

/* --- How it ends -----------------------------------------------------------
 */

static int
delete_active(struct store *s, int64_t id, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ACTIVE_DELETE, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	return store_step(s, st, "finish a job", e);
}

static int
insert_ended(struct store *s, const struct store_active *a,
	     const struct store_job *job, const struct store_tally *tally,
	     struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ENDED_ADD, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, tally->last_seq);
	store_bind_int(st, 2, a->id);
	store_bind_int(st, 3, job->state);
	store_bind_int(st, 4, a->attempt);
	store_bind_int(st, 5, job->finished_ms);
	store_bind_int(st, 6, tally->latest_ms);
	store_bind_nonzero(st, 7, a->started_ms);
	store_bind_int(st, 8, job->duration_ms);
	store_bind_int(st, 9, a->bytes);
	store_bind_text(st, 10, a->name);
	store_bind_text(st, 11, a->plugin);
	store_bind_text(st, 12, job->exit);
	store_bind_text(st, 13, job->usage);
	store_bind_text(st, 14, job->sandbox);
	store_bind_text(st, 15, job->error);
	store_bind_text(st, 16, job->denials);
	store_bind_text(st, 17, job->metrics);
	store_bind_text(st, 18, job->result);
	return store_step(s, st, "finish a job", e);
}

/* The end takes the next place in their order. */
static int
end(struct store_change *c, const struct store_active *a,
    const struct store_job *job, struct err *e)
{
	struct store_tally *tally = store_tally(c->s, e);

	c->writes = true;
	if (!tally || count(c, a->state, job->state, e) < 0)
		return -1;
	tally->last_seq++;
	if (tally->latest_ms < job->finished_ms)
		tally->latest_ms = job->finished_ms;
	if (delete_active(c->s, a->id, e) < 0)
		return -1;
	return insert_ended(c->s, a, job, tally, e);
}

int
store_job_finish(struct store *s, const struct store_job *job,
		 store_log_source *logs, void *arg, struct err *e)
{
	_change_ struct store_change change = { 0 };
	_active_ struct store_active a = { 0 };
	int64_t bytes = 0;

	if (check_end(job, &bytes, e) < 0 ||
	    store_change_begin(&change, s, "finish a job", e) < 0 ||
	    store_active_check(s, job->id, job->state, &a, e) < 0 ||
	    store_log_add_all(s, &a, logs, arg, e) < 0)
		return -1;
	a.bytes += bytes;
	if (end(&change, &a, job, e) < 0)
		return -1;
	return store_change_commit(&change, e);
}
