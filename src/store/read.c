/* What only reads: jobs, lists of them, logs. */
#include "store/parts.h"

#include <inttypes.h>

static const char *
text(sqlite3_stmt *st, int at)
{
	return (const char *)sqlite3_column_text(st, at);
}

/* A row of JOB_COLUMNS (sql.c). */
static int
get_job(sqlite3_stmt *st, struct store_job *job, struct err *e)
{
	*job = (struct store_job){
		.id = sqlite3_column_int64(st, 0),
		.name = text(st, 1),
		.plugin = text(st, 2),
		.trigger = text(st, 4),
		.attempt = sqlite3_column_int64(st, 5),
		.scheduled_ms = sqlite3_column_int64(st, 6),
		.started_ms = sqlite3_column_int64(st, 7),
		.finished_ms = sqlite3_column_int64(st, 8),
		.duration_ms = sqlite3_column_int64(st, 9),
		.params = text(st, 10),
		.result = text(st, 11),
		.error = text(st, 12),
		.exit = text(st, 13),
		.usage = text(st, 14),
		.metrics = text(st, 15),
		.denials = text(st, 16),
		.sandbox = text(st, 17),
		.agent = text(st, 18),
	};
	if (!job_state_parse(text(st, 3), &job->state))
		return err_set(e, ERR_AGENT,
			       "job %" PRId64 " is in an unknown state",
			       job->id);
	return 0;
}

int
store_job_get(struct store *s, int64_t id, store_job_fn *fn, void *arg,
	      struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_JOB_GET, e);
	struct store_job job;
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	rc = store_step(s, st, "read a job", e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "no job %" PRId64, id);
	if (get_job(st, &job, e) < 0)
		return -1;
	rc = fn(arg, &job);
	return rc < 0 ? rc : 0;
}

static sqlite3_stmt *
list_statement(struct store *s, const struct store_filter *f, struct err *e)
{
	sqlite3_stmt *st = store_statement(
		s, f->name ? SQL_JOB_LIST_NAME : SQL_JOB_LIST, e);

	if (!st)
		return NULL;
	store_bind_int(st, 1, f->before_id ? f->before_id : INT64_MAX);
	store_bind_text(st, 2, f->plugin);
	store_bind_int(st, 3, f->since_ms);
	if (f->name)
		store_bind_text(st, 4, f->name);
	return st;
}

int
store_job_list(struct store *s, const struct store_filter *f, store_job_fn *fn,
	       void *arg, struct err *e)
{
	_stmt_ sqlite3_stmt *st = list_statement(s, f, e);
	size_t left = f->limit ? f->limit : SIZE_MAX;
	int rc = st ? 0 : -1;

	while (st && left > 0 && (rc = store_step(s, st, "list jobs", e)) > 0) {
		struct store_job job;

		if (get_job(st, &job, e) < 0)
			return -1;
		if (f->states && !(f->states & 1U << job.state))
			continue;
		left--;
		rc = fn(arg, &job);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : 0;
}

int
store_log_list(struct store *s, int64_t id, int64_t after_seq, size_t limit,
	       store_log_fn *fn, void *arg, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LOG_LIST, e);
	size_t left = limit ? limit : SIZE_MAX;
	int rc = 0;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	store_bind_int(st, 2, after_seq);
	while (left-- > 0 && (rc = store_step(s, st, "read a log", e)) > 0) {
		struct store_log log = {
			.seq = sqlite3_column_int64(st, 0),
			.time_ms = sqlite3_column_int64(st, 1),
			.level = text(st, 2),
			.stream = text(st, 3),
			.message = text(st, 4),
			.len = (size_t)sqlite3_column_bytes(st, 4),
			.fields = text(st, 5),
			.left_out = (uint64_t)sqlite3_column_int64(st, 6),
		};

		rc = fn(arg, &log);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : 0;
}
