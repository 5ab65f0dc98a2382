/* What changes a job: its start, its end, its log. */
#include "store/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/transition.h"

static int
check_texts(const char *const texts[], size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (texts[i] && store_check_text("a text of the job",
						 strlen(texts[i]), e) < 0)
			return -1;
	return 0;
}

static int
insert(struct store *s, const struct store_job *job, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_JOB_START, e);

	if (!st)
		return -1;
	store_bind_text(st, 1, job->name);
	store_bind_text(st, 2, job->plugin);
	store_bind_text(st, 3, job->trigger);
	store_bind_int(st, 4, job->attempt);
	store_bind_time(st, 5, job->scheduled_ms);
	store_bind_time(st, 6, job->started_ms);
	store_bind_text(st, 7, job->params);
	store_bind_text(st, 8, job->agent);
	store_bind_int(st, 9, s->self.pid);
	store_bind_int(st, 10, s->self.start);
	store_bind_text(st, 11, s->self.boot);
	return store_step(s, st, "start a job", e);
}

int
store_job_start(struct store *s, struct store_job *job, struct err *e)
{
	const char *const texts[] = { job->name, job->plugin, job->trigger,
				      job->params, job->agent };
	_change_ struct store_change change = { 0 };
	int64_t id;

	if (check_texts(texts, ARRAY_SIZE(texts), e) < 0)
		return -1;
	if (s->self.pid == 0 && store_owner_self(&s->self, e) < 0)
		return err_wrap(e, "%s: start a job", s->path);
	if (store_change_begin(&change, s, "start a job", e) < 0 ||
	    insert(s, job, e) < 0)
		return -1;
	id = sqlite3_last_insert_rowid(s->db);
	if (store_change_commit(&change, "start a job", e) < 0)
		return -1;
	job->id = id;
	job->state = JOB_RUNNING;
	return 0;
}

static int
get_state(struct store *s, int64_t id, enum job_state *state, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_JOB_STATE, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	rc = store_step(s, st, "find a job", e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "no job %" PRId64, id);
	if (!job_state_parse((const char *)sqlite3_column_text(st, 0), state))
		return err_set(e, ERR_AGENT,
			       "job %" PRId64 " is in an unknown state", id);
	return 0;
}

static int
check_transition(struct store *s, int64_t id, enum job_state to, struct err *e)
{
	enum job_state from = JOB_LOST;

	if (get_state(s, id, &from, e) < 0)
		return -1;
	if (job_transition_allowed(from, to))
		return 0;
	return err_set(e, ERR_USAGE,
		       "job %" PRId64 " is %s and can't become %s", id,
		       job_state_name(from), job_state_name(to));
}

static int
update(struct store *s, const struct store_job *job, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_JOB_FINISH, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, job->id);
	store_bind_text(st, 2, job_state_name(job->state));
	/* even at time 0: a job that ended has an end */
	store_bind_int(st, 3, job->finished_ms);
	store_bind_int(st, 4, job->duration_ms);
	store_bind_text(st, 5, job->result);
	store_bind_text(st, 6, job->error);
	store_bind_text(st, 7, job->exit);
	store_bind_text(st, 8, job->usage);
	store_bind_text(st, 9, job->metrics);
	store_bind_text(st, 10, job->denials);
	store_bind_text(st, 11, job->sandbox);
	return store_step(s, st, "finish a job", e);
}

static int
add_log(struct store *s, int64_t id, const struct store_log *log, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LOG_ADD, e);

	if (!st || store_check_text("a line of the job's log", log->len, e) < 0)
		return -1;
	store_bind_int(st, 1, id);
	store_bind_int(st, 2, log->time_ms);
	store_bind_text(st, 3, log->level);
	store_bind_text(st, 4, log->stream);
	store_bind_bytes(st, 5, log->message, log->len);
	store_bind_text(st, 6, log->fields);
	store_bind_int(st, 7, (int64_t)log->left_out);
	return store_step(s, st, "add to a log", e);
}

struct adding {
	struct store *s;
	int64_t id;
	struct err *e;
	bool failed;
};

static int
add_one(void *arg, const struct store_log *log)
{
	struct adding *a = arg;

	if (add_log(a->s, a->id, log, a->e) < 0)
		a->failed = true;
	return a->failed ? -1 : 0;
}

static int
add_all(struct store *s, int64_t id, store_log_source *logs, void *arg,
	struct err *e)
{
	struct adding a = { .s = s, .id = id, .e = e };

	if (logs(arg, add_one, &a) < 0 && !a.failed)
		return err_set(e, ERR_AGENT,
			       "the log of job %" PRId64 " can't be read", id);
	return a.failed ? -1 : 0;
}

int
store_job_finish(struct store *s, const struct store_job *job,
		 store_log_source *logs, void *arg, struct err *e)
{
	const char *const texts[] = { job->result, job->error,	 job->exit,
				      job->usage,  job->metrics, job->denials,
				      job->sandbox };
	_change_ struct store_change change = { 0 };

	if (!job_state_final(job->state))
		return err_set(e, ERR_USAGE, "a job does not end as %s",
			       job_state_name(job->state));
	if (check_texts(texts, ARRAY_SIZE(texts), e) < 0 ||
	    store_change_begin(&change, s, "finish a job", e) < 0 ||
	    check_transition(s, job->id, job->state, e) < 0 ||
	    update(s, job, e) < 0)
		return -1;
	if (logs && add_all(s, job->id, logs, arg, e) < 0)
		return -1;
	return store_change_commit(&change, "finish a job", e);
}

/* Whoever followed the log of a job that has ended would miss the line. */
static int
check_running(struct store *s, int64_t id, struct err *e)
{
	enum job_state state = JOB_LOST;

	if (get_state(s, id, &state, e) < 0)
		return -1;
	if (state == JOB_RUNNING)
		return 0;
	return err_set(e, ERR_USAGE, "job %" PRId64 " is %s and logs no more",
		       id, job_state_name(state));
}

int
store_log_add(struct store *s, int64_t id, const struct store_log *log,
	      struct err *e)
{
	_change_ struct store_change change = { 0 };

	if (store_change_begin(&change, s, "add to a log", e) < 0 ||
	    check_running(s, id, e) < 0 || add_log(s, id, log, e) < 0)
		return -1;
	return store_change_commit(&change, "add to a log", e);
}
