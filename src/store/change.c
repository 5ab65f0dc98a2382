/*
 * Transactions: each change is one, or a part of the batch. A part has no
 * savepoint of its own, which would copy every page that it touches: what is
 * to be refused is refused before anything is written, and what fails after
 * that takes the batch along.
 */
#include "store/parts.h"

#include <time.h>

#include "base/log.h"

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- The tally ------------------------------------------------------------ */

static int
read_tally(struct store *s, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_TALLY_GET, e);
	struct store_tally *t = &s->tally;
	int rc = st ? store_step(s, st, "read the tally", e) : -1;

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, ERR_AGENT, "%s: it has no tally", s->path);
	for (int i = 0; i < JOB_STATES; i++)
		t->jobs[i] = sqlite3_column_int64(st, i);
	t->last_id = sqlite3_column_int64(st, JOB_STATES);
	t->last_seq = sqlite3_column_int64(st, JOB_STATES + 1);
	t->latest_ms = sqlite3_column_int64(st, JOB_STATES + 2);
	t->changed = false;
	t->known = true;
	s->last_id = t->last_id;
	s->last_seq = t->last_seq;
	return 0;
}

struct store_tally *
store_tally(struct store *s, struct err *e)
{
	return s->tally.known || read_tally(s, e) == 0 ? &s->tally : NULL;
}

static int
write_tally(struct store *s, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_TALLY_SET, e);
	const struct store_tally *t = &s->tally;

	if (!st)
		return -1;
	for (int i = 0; i < JOB_STATES; i++)
		store_bind_int(st, i + 1, t->jobs[i]);
	store_bind_int(st, JOB_STATES + 1, t->last_id);
	store_bind_int(st, JOB_STATES + 2, t->last_seq);
	store_bind_int(st, JOB_STATES + 3, t->latest_ms);
	return store_step(s, st, "write the tally", e);
}

/* --- Transactions --------------------------------------------------------- */

/* SQLite ends a transaction by itself on a full disk and the like. */
static bool
in_transaction(const struct store *s)
{
	return s->db && !sqlite3_get_autocommit(s->db);
}

static void
undo(struct store *s)
{
	struct err ignored = ERR_INIT;

	s->tally.known = false;
	if (in_transaction(s))
		store_run(s, SQL_ROLLBACK, "undo", &ignored);
}

static int
commit(struct store *s, const char *what, struct err *e)
{
	bool wrote = s->tally.changed ||
		     sqlite3_total_changes(s->db) != s->changes_before;
	int64_t before = now_us();

	if (s->tally.changed && write_tally(s, e) < 0)
		return -1;
	if (store_run(s, SQL_COMMIT, what, e) < 0)
		return -1;
	if (s->tally.known) {
		s->last_id = s->tally.last_id;
		s->last_seq = s->tally.last_seq;
	}
	s->tally.known = s->tally.changed = false;
	if (!wrote)
		return 0;
	s->commits++;
	s->last_commit_us = now_us() - before;
	if (s->max_commit_us < s->last_commit_us)
		s->max_commit_us = s->last_commit_us;
	return 0;
}

static int
begin(struct store *s, const char *what, struct err *e)
{
	s->tally.known = s->tally.changed = false;
	if (store_run(s, SQL_BEGIN, what, e) < 0)
		return -1;
	s->changes_before = sqlite3_total_changes(s->db);
	return 0;
}

static int
undone(struct store *s, const char *what, struct err *e)
{
	return err_set(e, ERR_AGENT, "%s: %s: the changes before were undone",
		       s->path, what);
}

int
store_change_begin(struct store_change *c, struct store *s, const char *what,
		   struct err *e)
{
	if (s->batch && !in_transaction(s))
		return undone(s, what, e);
	if (!s->batch && begin(s, what, e) < 0)
		return -1;
	*c = (struct store_change){ .s = s, .what = what, .own = !s->batch };
	return 0;
}

int
store_change_commit(struct store_change *c, struct err *e)
{
	if (c->own && commit(c->s, c->what, e) < 0)
		return -1;
	c->s = NULL;
	return 0;
}

void
store_change_end(struct store_change *c)
{
	if (c->s && (c->own || c->writes))
		undo(c->s);
	c->s = NULL;
}

int
store_read_begin(struct store_change *c, struct store *s, const char *what,
		 struct err *e)
{
	if (in_transaction(s))
		return 0;
	if (store_run(s, SQL_BEGIN_READ, what, e) < 0)
		return -1;
	*c = (struct store_change){ .s = s, .what = what, .own = true };
	return 0;
}

int
store_begin(struct store *s, struct err *e)
{
	if (s->batch)
		fatal("store: a batch within a batch");
	if (begin(s, "begin", e) < 0)
		return -1;
	s->batch = true;
	return 0;
}

int
store_commit(struct store *s, struct err *e)
{
	int rc;

	if (!s->batch)
		fatal("store: a commit without a batch");
	rc = in_transaction(s) ? commit(s, "commit", e) :
				 undone(s, "commit", e);
	if (rc < 0)
		undo(s);
	s->batch = false;
	return rc;
}

void
store_rollback(struct store *s)
{
	if (s->batch)
		undo(s);
	s->batch = false;
}
