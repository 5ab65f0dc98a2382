/*
 * Lists of jobs, without ever reading what does not match.
 *
 * First those in `active`, which is small. Then the history, from the last end
 * back: each combination of what an index begins with (name, plugin, state) is
 * a range of it in the order of ends, and the list is those ranges merged. A
 * filter without a plugin takes all plugins that there are, found by jumping
 * from one to the next in the index. Where nothing matches, a range is empty,
 * and looking there is all that was done.
 */
#include "store/parts.h"

#include <stdlib.h>
#include <string.h>

#define ALL_STATES ((1U << JOB_STATES) - 1)
#define ACTIVE_STATES (1U << JOB_QUEUED | 1U << JOB_RUNNING)
#define ENDED_STATES (ALL_STATES & ~ACTIVE_STATES)

/* A range of an index. */
struct range {
	char *plugin; /* NULL: the whole history */
	enum job_state state;
	int64_t next; /* the `seq` of its newest that was not taken; 0: none */
};

struct list {
	struct store *s;
	const struct store_filter *f;
	unsigned states;
	int64_t active_before; /* ids below it; 0: none of them */
	int64_t from;	       /* the first `seq` that may match */
	int64_t before;	       /* and the first that may not any more */
	size_t left;
	enum store_sql next; /* by which index */
	struct range *ranges;
	size_t n;
};

static void
release(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->ranges[i].plugin);
	free(l->ranges);
}

/* --- Where it begins and ends ----------------------------------------------
 */

/* The page after before_id. */
static int
find_place(struct list *l, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(l->s, SQL_LIST_PLACE, e);
	int64_t id = l->f->before_id;
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	rc = store_step(l->s, st, "list jobs", e);
	if (rc < 0)
		return -1;
	/* one that was pruned: what followed it went before it did */
	l->before = 0;
	if (rc > 0)
		l->before = sqlite3_column_int64(st, 1) +
			    (sqlite3_column_int64(st, 0) != id);
	return 0;
}

static int
is_active(struct list *l, int64_t id, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(l->s, SQL_ACTIVE_FIND, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	return store_step(l->s, st, "list jobs", e);
}

static int
find_page(struct list *l, struct err *e)
{
	const struct store_tally *tally = store_tally(l->s, e);
	int64_t id = l->f->before_id;
	int active;

	l->active_before = l->before = INT64_MAX;
	if (!tally)
		return -1;
	if (id == 0 || id > tally->last_id)
		return 0;
	active = is_active(l, id, e);
	if (active < 0)
		return -1;
	l->active_before = active ? id : 0;
	return active ? 0 : find_place(l, e);
}

/* 1, the first at `seq` or after, and the latest end until there. */
static int
probe(struct store *s, int64_t *seq, int64_t *latest_ms, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LIST_SINCE, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, *seq);
	rc = store_step(s, st, "list jobs", e);
	if (rc > 0) {
		*seq = sqlite3_column_int64(st, 0);
		*latest_ms = sqlite3_column_int64(st, 1);
	}
	return rc;
}

/* By halving, as latest_ms never falls. */
int
store_find_since(struct store *s, int64_t from, int64_t high, int64_t since_ms,
		 int64_t *seq, struct err *e)
{
	while (from < high) {
		int64_t middle = from + (high - from) / 2;
		int64_t at = middle, latest_ms = 0;
		int rc = probe(s, &at, &latest_ms, e);

		if (rc < 0)
			return -1;
		if (rc == 0 || latest_ms >= since_ms)
			high = middle;
		else
			from = at + 1;
	}
	*seq = from;
	return 0;
}

static int
find_since(struct list *l, struct err *e)
{
	return store_find_since(l->s, l->from, l->s->tally.last_seq + 1,
				l->f->since_ms, &l->from, e);
}

/* --- Ranges ----------------------------------------------------------------
 */

/* Move r->next to the newest of the range below `before`. */
static int
advance(struct list *l, struct range *r, int64_t before, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(l->s, l->next, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, before);
	if (l->next == SQL_NEXT_NAME)
		store_bind_text(st, 2, l->f->name);
	if (l->next != SQL_NEXT) {
		store_bind_text(st, 3, r->plugin);
		store_bind_int(st, 4, r->state);
	}
	if (store_step(l->s, st, "list jobs", e) < 0)
		return -1;
	r->next = sqlite3_column_int64(st, 0);
	if (r->next < l->from)
		r->next = 0;
	return 0;
}

/* Takes over `plugin`. */
static int
add_range(struct list *l, char *plugin, enum job_state state, struct err *e)
{
	l->ranges = xrealloc(l->ranges, l->n + 1, sizeof(*l->ranges));
	l->ranges[l->n] = (struct range){ .plugin = plugin, .state = state };
	return advance(l, &l->ranges[l->n++], l->before, e);
}

static int
add_ranges(struct list *l, const char *plugin, struct err *e)
{
	for (enum job_state state = 0; state < JOB_STATES; state++)
		if ((l->states & ENDED_STATES & 1U << state) &&
		    add_range(l, xstrdup(plugin), state, e) < 0)
			return -1;
	return 0;
}

/* 1 and the plugin after *plugin in the index, 0 where it was the last. */
static int
next_plugin(struct list *l, char **plugin, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(
		l->s, l->f->name ? SQL_PLUGIN_OF_NAME_AFTER : SQL_PLUGIN_AFTER,
		e);
	const char *found;

	if (!st)
		return -1;
	store_bind_text(st, 1, *plugin);
	if (l->f->name)
		store_bind_text(st, 2, l->f->name);
	if (store_step(l->s, st, "list jobs", e) < 0)
		return -1;
	found = (const char *)sqlite3_column_text(st, 0);
	if (!found)
		return 0;
	free(*plugin);
	*plugin = xstrdup(found);
	return 1;
}

static int
find_ranges(struct list *l, struct err *e)
{
	_free_ char *plugin = xstrdup("");
	int rc;

	l->next = l->f->name ? SQL_NEXT_NAME : SQL_NEXT_PLUGIN;
	if (l->f->plugin)
		return add_ranges(l, l->f->plugin, e);
	if (!l->f->name && (l->states & ENDED_STATES) == ENDED_STATES) {
		l->next = SQL_NEXT;
		return add_range(l, NULL, JOB_STATES, e);
	}
	while ((rc = next_plugin(l, &plugin, e)) > 0)
		if (add_ranges(l, plugin, e) < 0)
			return -1;
	return rc;
}

/* --- The list --------------------------------------------------------------
 */

static int
give(struct list *l, sqlite3_stmt *st, store_job_fn *fn, void *arg)
{
	struct store_job job;
	int rc;

	store_get_job(st, &job);
	/* the clock was set back since an end before this one */
	if (job.seq && job.finished_ms < l->f->since_ms)
		return 0;
	l->left--;
	rc = fn(arg, &job);
	return rc < 0 ? rc : 0;
}

static int
list_active(struct list *l, store_job_fn *fn, void *arg, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(l->s, SQL_LIST_ACTIVE, e);
	int rc = 0;

	if (!st)
		return -1;
	store_bind_int(st, 1, l->active_before);
	store_bind_int(st, 2, l->states);
	store_bind_text(st, 3, l->f->name);
	store_bind_text(st, 4, l->f->plugin);
	while (l->left > 0 && rc >= 0 &&
	       (rc = store_step(l->s, st, "list jobs", e)) > 0)
		rc = give(l, st, fn, arg);
	return rc;
}

static int
give_ended(struct list *l, int64_t seq, store_job_fn *fn, void *arg,
	   struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(l->s, SQL_LIST_ENDED, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, seq);
	rc = store_step(l->s, st, "list jobs", e);
	return rc > 0 ? give(l, st, fn, arg) : rc;
}

static int
list_ended(struct list *l, store_job_fn *fn, void *arg, struct err *e)
{
	while (l->left > 0) {
		struct range *newest = NULL;
		int64_t seq;
		int rc;

		for (size_t i = 0; i < l->n; i++)
			if (!newest || newest->next < l->ranges[i].next)
				newest = &l->ranges[i];
		if (!newest || newest->next == 0)
			return 0;
		seq = newest->next;
		rc = give_ended(l, seq, fn, arg, e);
		if (rc < 0)
			return rc;
		if (advance(l, newest, seq, e) < 0)
			return -1;
	}
	return 0;
}

int
store_job_list(struct store *s, const struct store_filter *f, store_job_fn *fn,
	       void *arg, struct err *e)
{
	_cleanup_(release) struct list l = {
		.s = s,
		.f = f,
		.states = f->states ? f->states : ALL_STATES,
		.from = 1,
		.left = f->limit ? f->limit : SIZE_MAX,
	};
	_change_ struct store_change read = { 0 };
	int rc = 0;

	if (store_read_begin(&read, s, "list jobs", e) < 0 ||
	    find_page(&l, e) < 0)
		return -1;
	if (l.active_before && (l.states & ACTIVE_STATES))
		rc = list_active(&l, fn, arg, e);
	if (rc < 0 || l.left == 0 || !(l.states & ENDED_STATES))
		return rc < 0 ? rc : 0;
	if ((f->since_ms && find_since(&l, e) < 0) || find_ranges(&l, e) < 0)
		return -1;
	return list_ended(&l, fn, arg, e);
}
