/* A job's log: all at once at its end, or a line at a time while it runs. */
#include "store/parts.h"

#include <inttypes.h>
#include <string.h>

int64_t
store_log_size(const struct store_log *log)
{
	return (int64_t)(log->len + (log->fields ? strlen(log->fields) : 0)) +
	       STORE_LOG_COST;
}

static int
check_line(const struct store_log *log, struct err *e)
{
	size_t fields = log->fields ? strlen(log->fields) : 0;

	if (store_check_text("a line of the job's log", log->len, e) < 0 ||
	    store_check_text("a line of the job's log", fields, e) < 0)
		return -1;
	return 0;
}

/* The next line of `a`, which is brought up to date but not written. */
static int
append(struct store *s, struct store_active *a, const struct store_log *log,
       struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LOG_ADD, e);
	int64_t size = store_log_size(log);

	if (!st)
		return -1;
	store_bind_int(st, 1, a->id);
	store_bind_int(st, 2, ++a->log_seq);
	store_bind_int(st, 3, log->time_ms);
	store_bind_text(st, 4, log->level);
	store_bind_text(st, 5, log->stream);
	store_bind_bytes(st, 6, log->message, log->len);
	store_bind_text(st, 7, log->fields);
	store_bind_int(st, 8, (int64_t)log->left_out);
	*(a->log_first ? &a->log_newest_bytes : &a->log_first_bytes) += size;
	a->bytes += size;
	return store_step(s, st, "add to a log", e);
}

/* --- All at once -----------------------------------------------------------
 */

struct adding {
	struct store *s;
	struct store_active *a;
	struct err *e;
	bool savepoint; /* there were lines */
	bool failed;
};

/* A job without a line costs no savepoint. */
static int
add_one(void *arg, const struct store_log *log)
{
	struct adding *g = arg;

	if (!g->savepoint) {
		g->failed = store_run(g->s, SQL_SAVEPOINT, "add to a log",
				      g->e) < 0;
		g->savepoint = !g->failed;
	}
	if (!g->failed && check_line(log, g->e) < 0)
		g->failed = true;
	if (!g->failed && append(g->s, g->a, log, g->e) < 0)
		g->failed = true;
	return g->failed ? -1 : 0;
}

static void
undo(struct store *s)
{
	struct err ignored = ERR_INIT;

	/* a full disk and the like end the whole transaction by themselves */
	if (sqlite3_get_autocommit(s->db))
		return;
	if (store_run(s, SQL_UNDO, "undo", &ignored) < 0 ||
	    store_run(s, SQL_RELEASE, "undo", &ignored) < 0)
		store_run(s, SQL_ROLLBACK, "undo", &ignored);
}

int
store_log_add_all(struct store *s, struct store_active *a,
		  store_log_source *logs, void *arg, struct err *e)
{
	struct adding g = { .s = s, .a = a, .e = e };

	if (!logs)
		return 0;
	if (logs(arg, add_one, &g) < 0 && !g.failed) {
		g.failed = true;
		err_set(e, ERR_AGENT,
			"the log of job %" PRId64 " can't be read", a->id);
	}
	if (!g.savepoint)
		return g.failed ? -1 : 0;
	if (!g.failed && store_run(s, SQL_RELEASE, "add to a log", e) == 0)
		return 0;
	undo(s);
	return -1;
}

/* --- A line at a time ------------------------------------------------------
 */

static int delete (struct store *s, int64_t id, int64_t seq, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LOG_DELETE, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	store_bind_int(st, 2, seq);
	return store_step(s, st, "shorten a log", e);
}

/* The oldest of the newest lines: its number and its size. */
static int
oldest(struct store *s, const struct store_active *a, int64_t *seq,
       int64_t *size, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LOG_AFTER, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, a->id);
	store_bind_int(st, 2, a->log_first);
	rc = store_step(s, st, "shorten a log", e);
	if (rc <= 0)
		return rc;
	*seq = sqlite3_column_int64(st, 0);
	*size = sqlite3_column_int64(st, 1) + STORE_LOG_COST;
	return 1;
}

/* Never the line that was added last. */
static int
shorten(struct store *s, struct store_active *a, int64_t most, struct err *e)
{
	while (a->log_newest_bytes > most) {
		int64_t seq = 0, size = 0;
		int rc = oldest(s, a, &seq, &size, e);

		if (rc < 0)
			return -1;
		if (rc == 0 || seq == a->log_seq)
			return 0;
		if (delete (s, a->id, seq, e) < 0)
			return -1;
		a->log_newest_bytes -= size;
		a->bytes -= size;
	}
	return 0;
}

/* Whoever followed the log of a job that has ended would miss the line. */
static int
check_running(const struct store_active *a, struct err *e)
{
	if (a->state == JOB_RUNNING)
		return 0;
	return err_set(e, ERR_USAGE, "job %" PRId64 " is %s and does not log",
		       a->id, job_state_name(a->state));
}

int
store_log_add(struct store *s, int64_t id, const struct store_log *log,
	      const struct store_log_bounds *bounds, struct err *e)
{
	_change_ struct store_change change = { 0 };
	_active_ struct store_active a = { 0 };

	if (check_line(log, e) < 0 ||
	    store_change_begin(&change, s, "add to a log", e) < 0 ||
	    store_active_find(s, id, "logs no more", &a, e) < 0 ||
	    check_running(&a, e) < 0)
		return -1;
	if (bounds && !a.log_first &&
	    a.log_first_bytes + store_log_size(log) > bounds->first_bytes)
		a.log_first = a.log_seq;
	change.writes = true;
	if (append(s, &a, log, e) < 0 ||
	    (bounds && a.log_first &&
	     shorten(s, &a, bounds->newest_bytes, e) < 0) ||
	    store_active_put_log(s, &a, e) < 0)
		return -1;
	return store_change_commit(&change, e);
}
