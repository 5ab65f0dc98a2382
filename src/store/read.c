/* What only reads: one job, those that are active, attempts, logs. */
#include "store/parts.h"

#include <inttypes.h>

static const char *
text(sqlite3_stmt *st, int at)
{
	return (const char *)sqlite3_column_text(st, at);
}

void
store_get_job(sqlite3_stmt *st, struct store_job *job)
{
	*job = (struct store_job){
		.id = sqlite3_column_int64(st, 0),
		.name = text(st, 1),
		.plugin = text(st, 2),
		.trigger = text(st, 3),
		.added_ms = sqlite3_column_int64(st, 4),
		.scheduled_ms = sqlite3_column_int64(st, 5),
		.priority = sqlite3_column_int64(st, 6),
		.max_attempts = sqlite3_column_int64(st, 7),
		.retry_of = sqlite3_column_int64(st, 8),
		.schedule = text(st, 9),
		.policy = text(st, 10),
		.agent = text(st, 11),
		.params = text(st, 12),
		.state = (enum job_state)sqlite3_column_int(st, 13),
		.attempt = sqlite3_column_int64(st, 14),
		.started_ms = sqlite3_column_int64(st, 15),
		.not_before_ms = sqlite3_column_int64(st, 16),
		.expires_ms = sqlite3_column_int64(st, 17),
		.single = text(st, 18),
		.serial = text(st, 19),
		.pid = sqlite3_column_int64(st, 20),
		.seq = sqlite3_column_int64(st, 21),
		.finished_ms = sqlite3_column_int64(st, 22),
		.duration_ms = sqlite3_column_int64(st, 23),
		.exit = text(st, 24),
		.usage = text(st, 25),
		.sandbox = text(st, 26),
		.error = text(st, 27),
		.denials = text(st, 28),
		.metrics = text(st, 29),
		.result = text(st, 30),
	};
}

struct store_log
store_get_log(sqlite3_stmt *st)
{
	return (struct store_log){
		.seq = sqlite3_column_int64(st, 0),
		.time_ms = sqlite3_column_int64(st, 1),
		.level = text(st, 2),
		.stream = text(st, 3),
		.message = text(st, 4),
		.len = (size_t)sqlite3_column_bytes(st, 4),
		.fields = text(st, 5),
		.left_out = (uint64_t)sqlite3_column_int64(st, 6),
	};
}

/* 1 after fn() for it, 0 where it is not in that half, or a negative value. */
static int
get(struct store *s, enum store_sql which, int64_t id, store_job_fn *fn,
    void *arg, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, which, e);
	struct store_job job;
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	rc = store_step(s, st, "read a job", e);
	if (rc <= 0)
		return rc;
	store_get_job(st, &job);
	rc = fn(arg, &job);
	return rc < 0 ? rc : 1;
}

int
store_job_get(struct store *s, int64_t id, store_job_fn *fn, void *arg,
	      struct err *e)
{
	_change_ struct store_change read = { 0 };
	int rc;

	/* one state of the database, else a job that ends is in no half */
	if (store_read_begin(&read, s, "read a job", e) < 0)
		return -1;
	rc = get(s, SQL_GET_ENDED, id, fn, arg, e);
	if (rc == 0)
		rc = get(s, SQL_GET_ACTIVE, id, fn, arg, e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "no job %" PRId64, id);
	return rc < 0 ? rc : 0;
}

int
store_job_active_each(struct store *s, store_job_fn *fn, void *arg,
		      struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_EACH_ACTIVE, e);
	int rc = st ? 0 : -1;

	while (st && (rc = store_step(s, st, "read the queue", e)) > 0) {
		struct store_job job;

		store_get_job(st, &job);
		rc = fn(arg, &job);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int
store_attempt_list(struct store *s, int64_t id, store_job_fn *fn, void *arg,
		   struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ATTEMPT_LIST, e);
	int rc = 0;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	while ((rc = store_step(s, st, "read the attempts", e)) > 0) {
		struct store_job job = {
			.id = id,
			.attempt = sqlite3_column_int64(st, 0),
			.state = (enum job_state)sqlite3_column_int(st, 1),
			.started_ms = sqlite3_column_int64(st, 2),
			.finished_ms = sqlite3_column_int64(st, 3),
			.duration_ms = sqlite3_column_int64(st, 4),
			.exit = text(st, 5),
			.usage = text(st, 6),
			.error = text(st, 7),
			.denials = text(st, 8),
		};

		rc = fn(arg, &job);
		if (rc < 0)
			return rc;
	}
	return rc;
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
		struct store_log log = store_get_log(st);

		rc = fn(arg, &log);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : 0;
}
