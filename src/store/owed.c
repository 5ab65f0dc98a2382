/*
 * Reading in the order of ends. One statement goes through the range, by its
 * primary key; whoever wants no more of it leaves it where it is.
 */
#include <string.h>

#include "base/clock.h"
#include "store/cursor.h"
#include "store/parts.h"

/* Columns of SQL_OWED_READ and SQL_OWED_LOGGED after those of a job. */
#define COLUMN_BYTES 31
#define COLUMN_LAST_LINE 31
/* Rows between two looks at the clock. */
#define LOOK 16

/* What there was before this one and is not there any more. */
static void
pass_missing(struct range *r, int64_t seq, int64_t *missing)
{
	if (seq == r->from.at)
		return;
	*missing += seq - r->from.at;
	r->from = (struct position){ seq, 0 };
}

static void
next_job(struct range *r)
{
	r->from = (struct position){ r->from.at + 1, 0 };
}

static bool
is_wanted(const struct store_wanted *w, const char *name)
{
	return !w->job || w->job(w->arg, name);
}

/* Its lines that are not done; some may have gone ahead of its end. */
static int64_t
line_of(const struct store_wanted *w, const struct range *r, int64_t job)
{
	int64_t ahead = w->line ? w->line(w->arg, job) : 0;

	return r->from.line > ahead ? r->from.line : ahead;
}

/* --- Records ---------------------------------------------------------------
 */

/* 1: it ended before the last line; 0: all were taken. */
static int
read_lines(struct store *s, struct range *r, const struct store_job *job,
	   const struct store_wanted *w, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LOG_LIST, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, job->id);
	store_bind_int(st, 2, line_of(w, r, job->id));
	while ((rc = store_step(s, st, "read a log", e)) > 0) {
		const struct store_log line = store_get_log(st);

		rc = w->take(w->arg, job, &line);
		if (rc != 0)
			return rc;
		r->from.line = line.seq;
	}
	return rc;
}

static int
read_job(struct store *s, struct range *r, sqlite3_stmt *st,
	 const struct store_wanted *w, struct store_read *out, struct err *e)
{
	struct store_job job;
	int rc = 0;

	pass_missing(r, sqlite3_column_int64(st, 21), &out->missing);
	if (!is_wanted(w, (const char *)sqlite3_column_text(st, 1))) {
		next_job(r);
		return 0;
	}
	store_get_job(st, &job);
	if (w->logs)
		rc = read_lines(s, r, &job, w, e);
	if (rc == 0 && w->jobs)
		rc = w->take(w->arg, &job, NULL);
	if (rc != 0)
		return rc;
	out->jobs++;
	out->bytes += sqlite3_column_int64(st, COLUMN_BYTES);
	next_job(r);
	return 0;
}

/* What lies behind the last one that is stored has not ended yet. */
static int
end_of_range(struct store *s, struct range *r, int64_t *missing, struct err *e)
{
	const struct store_tally *tally = store_tally(s, e);
	int64_t end;

	if (!tally)
		return -1;
	end = r->until < tally->last_seq + 1 ? r->until : tally->last_seq + 1;
	if (r->from.at < end)
		pass_missing(r, end, missing);
	return 0;
}

static bool
is_late(int64_t deadline_us, unsigned row)
{
	return deadline_us && row % LOOK == LOOK - 1 &&
	       clock_mono_us() >= deadline_us;
}

static int
read_all(struct store *s, struct range *r, const struct store_wanted *w,
	 struct store_read *out, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_OWED_READ, e);
	unsigned row = 0;
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, r->from.at);
	store_bind_int(st, 2, r->until);
	while ((rc = store_step(s, st, "read records", e)) > 0) {
		rc = read_job(s, r, st, w, out, e);
		if (rc > 0)
			out->full = true;
		if (rc != 0)
			return rc;
		if (is_late(w->deadline_us, row++))
			return 1;
	}
	return rc < 0 ? -1 : end_of_range(s, r, &out->missing, e);
}

int
store_owed_read(struct store *s, struct range *r, const struct store_wanted *w,
		struct store_read *out, struct err *e)
{
	_change_ struct store_change read = { 0 };

	*out = (struct store_read){ 0 };
	if (store_read_begin(&read, s, "read records", e) < 0)
		return -1;
	return read_all(s, r, w, out, e);
}

/* --- Measuring -------------------------------------------------------------
 */

static int
count_lines(struct store *s, int64_t job, int64_t after, int64_t *n,
	    struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_OWED_LINES, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, job);
	store_bind_int(st, 2, after);
	rc = store_step(s, st, "count a log", e);
	if (rc > 0)
		*n += sqlite3_column_int64(st, 0);
	return rc < 0 ? -1 : 0;
}

/* 1: it is where to stop, before this job. */
static int
measure_job(struct store *s, struct range *r, sqlite3_stmt *st,
	    const struct store_wanted *w, const struct store_measure *until,
	    struct store_owed *out, struct err *e)
{
	int64_t bytes = sqlite3_column_int64(st, 3);
	int64_t job = sqlite3_column_int64(st, 1);

	if (until->before_ms && sqlite3_column_int64(st, 4) >= until->before_ms)
		return 1;
	pass_missing(r, sqlite3_column_int64(st, 0), &out->missing);
	if (is_wanted(w, (const char *)sqlite3_column_text(st, 2))) {
		if (until->bytes && out->bytes + bytes > until->bytes)
			return 1;
		if (until->lines &&
		    count_lines(s, job, line_of(w, r, job), &out->lines, e) < 0)
			return -1;
		out->jobs++;
		out->bytes += bytes;
	}
	next_job(r);
	return until->reach && out->bytes >= until->reach;
}

static int
measure_all(struct store *s, struct range *r, const struct store_wanted *w,
	    const struct store_measure *until, struct store_owed *out,
	    struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_OWED_MEASURE, e);
	unsigned row = 0;
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, r->from.at);
	store_bind_int(st, 2, r->until);
	while ((rc = store_step(s, st, "measure records", e)) > 0) {
		rc = measure_job(s, r, st, w, until, out, e);
		if (rc != 0)
			return rc;
		if (is_late(until->deadline_us, row++))
			return 1;
	}
	return rc < 0 ? -1 : end_of_range(s, r, &out->missing, e);
}

int
store_owed_measure(struct store *s, struct range *r,
		   const struct store_wanted *w,
		   const struct store_measure *until, struct store_owed *out,
		   struct err *e)
{
	_change_ struct store_change read = { 0 };

	if (store_read_begin(&read, s, "measure records", e) < 0)
		return -1;
	return measure_all(s, r, w, until, out, e);
}

/* --- Places ----------------------------------------------------------------
 */

int
store_owed_since(struct store *s, int64_t since_ms, int64_t *at, struct err *e)
{
	_change_ struct store_change read = { 0 };
	const struct store_tally *tally;

	if (store_read_begin(&read, s, "look for a time", e) < 0)
		return -1;
	tally = store_tally(s, e);
	if (!tally)
		return -1;
	return store_find_since(s, 1, tally->last_seq + 1, since_ms, at, e);
}

int64_t
store_last_seq(const struct store *s)
{
	return s->last_seq;
}

int
store_owed_time(struct store *s, int64_t at, int64_t *ended_ms, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LIST_SINCE, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, at);
	rc = store_step(s, st, "look for a time", e);
	*ended_ms = rc > 0 ? sqlite3_column_int64(st, 1) : 0;
	return rc < 0 ? -1 : 0;
}

/* --- Jobs that have not ended ----------------------------------------------
 */

int
store_logged_each(struct store *s, int64_t job, store_logged_fn *fn, void *arg,
		  struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_OWED_LOGGED, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, job);
	while ((rc = store_step(s, st, "read logs", e)) > 0) {
		struct store_job row;

		store_get_job(st, &row);
		rc = fn(arg, &row, sqlite3_column_int64(st, COLUMN_LAST_LINE));
		if (rc < 0)
			return rc;
	}
	return rc;
}

int
store_line_before(struct store *s, int64_t job, int64_t line, int64_t time_ms,
		  int64_t *found, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LINE_BEFORE, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, job);
	store_bind_int(st, 2, line);
	store_bind_int(st, 3, time_ms);
	rc = store_step(s, st, "read a log", e);
	*found = rc > 0 ? sqlite3_column_int64(st, 0) : 0;
	return rc < 0 ? -1 : 0;
}
