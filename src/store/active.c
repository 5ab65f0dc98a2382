/* Rows of `active`: jobs that have not ended. */
#include "store/parts.h"

#include <inttypes.h>
#include <stdlib.h>

void
store_active_release(struct store_active *a)
{
	free(a->name);
	free(a->plugin);
}

/* Why a job that is not active can't be changed. */
static int
not_active(struct store *s, int64_t id, const char *cannot, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ENDED_STATE, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	rc = store_step(s, st, "find a job", e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "no job %" PRId64, id);
	return err_set(
		e, ERR_USAGE, "job %" PRId64 " is %s and %s", id,
		job_state_name((enum job_state)sqlite3_column_int(st, 0)),
		cannot);
}

int
store_active_find(struct store *s, int64_t id, const char *cannot,
		  struct store_active *a, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ACTIVE_FIND, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	rc = store_step(s, st, "find a job", e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return not_active(s, id, cannot, e);
	*a = (struct store_active){
		.id = id,
		.state = (enum job_state)sqlite3_column_int(st, 0),
		.attempt = sqlite3_column_int64(st, 1),
		.started_ms = sqlite3_column_int64(st, 2),
		.bytes = sqlite3_column_int64(st, 3),
		.log_seq = sqlite3_column_int64(st, 4),
		.log_first = sqlite3_column_int64(st, 5),
		.log_first_bytes = sqlite3_column_int64(st, 6),
		.log_newest_bytes = sqlite3_column_int64(st, 7),
		.serial = sqlite3_column_int(st, 10) != 0,
		.name = xstrdup((const char *)sqlite3_column_text(st, 8)),
		.plugin = xstrdup((const char *)sqlite3_column_text(st, 9)),
	};
	return 0;
}

int
store_active_check(struct store *s, int64_t id, enum job_state to,
		   struct store_active *a, struct err *e)
{
	_free_ char *cannot = xasprintf("can't become %s", job_state_name(to));

	if (store_active_find(s, id, cannot, a, e) < 0)
		return -1;
	if (job_transition_allowed(a->state, to))
		return 0;
	return err_set(e, ERR_USAGE, "job %" PRId64 " is %s and %s", id,
		       job_state_name(a->state), cannot);
}

int
store_active_put_log(struct store *s, const struct store_active *a,
		     struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ACTIVE_LOG, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, a->id);
	store_bind_int(st, 2, a->bytes);
	store_bind_int(st, 3, a->log_seq);
	store_bind_nonzero(st, 4, a->log_first);
	store_bind_nonzero(st, 5, a->log_first_bytes);
	store_bind_nonzero(st, 6, a->log_newest_bytes);
	return store_step(s, st, "add to a log", e);
}
