/* Where destinations are, and what they did not take. */
#include "store/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "store/parts.h"

const char *const store_drop_names[STORE_DROPS] = {
	[STORE_DROP_AGE] = "age",
	[STORE_DROP_SIZE] = "size",
	[STORE_DROP_RETENTION] = "retention",
	[STORE_DROP_LOG_LIMIT] = "log_limit",
};

/* --- In memory ------------------------------------------------------------ */

void
store_cursor_release(struct store_cursor *c)
{
	free(c->name);
	free(c->lines);
	memset(c, 0, sizeof(*c));
}

void
store_cursor_copy(const struct store_cursor *from, struct store_cursor *to)
{
	*to = *from;
	to->name = xstrdup(from->name);
	to->lines = NULL;
	if (from->n_lines) {
		to->lines = xcalloc(from->n_lines, sizeof(*to->lines));
		memcpy(to->lines, from->lines,
		       from->n_lines * sizeof(*to->lines));
	}
}

/* Where the job is in the lines, or where it would have to be. */
static size_t
find_line(const struct store_cursor *c, int64_t job)
{
	size_t low = 0, high = c->n_lines;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->lines[middle].job < job)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
has_line(const struct store_cursor *c, size_t at, int64_t job)
{
	return at < c->n_lines && c->lines[at].job == job;
}

int64_t
store_cursor_line(const struct store_cursor *c, int64_t job)
{
	size_t at = find_line(c, job);

	return has_line(c, at, job) ? c->lines[at].line : 0;
}

void
store_cursor_set_line(struct store_cursor *c, int64_t job, int64_t line)
{
	size_t at = find_line(c, job);

	c->lines_changed = true;
	if (!has_line(c, at, job)) {
		c->lines =
			xrealloc(c->lines, c->n_lines + 1, sizeof(*c->lines));
		memmove(&c->lines[at + 1], &c->lines[at],
			(c->n_lines - at) * sizeof(*c->lines));
		c->lines[at] = (struct store_line){ .job = job };
		c->n_lines++;
	}
	c->lines[at].line = line;
	if (c->lines[at].most < line)
		c->lines[at].most = line;
}

void
store_cursor_forget(struct store_cursor *c, int64_t job)
{
	size_t at = find_line(c, job);

	if (!has_line(c, at, job))
		return;
	c->lines_changed = true;
	c->n_lines--;
	memmove(&c->lines[at], &c->lines[at + 1],
		(c->n_lines - at) * sizeof(*c->lines));
}

/* --- Getting ---------------------------------------------------------------
 */

static int
get_destination(struct store *s, struct store_cursor *c, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_DESTINATION_GET, e);
	int rc;

	if (!st)
		return -1;
	store_bind_text(st, 1, c->name);
	rc = store_step(s, st, "read a destination", e);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "no destination %s", c->name);
	if (rc < 0)
		return -1;
	c->created_ms = sqlite3_column_int64(st, 0);
	c->accepted = sqlite3_column_int64(st, 1);
	c->aside = sqlite3_column_int64(st, 2);
	c->last_ms = sqlite3_column_int64(st, 3);
	return 0;
}

static void
take_range(struct store_cursor *c, sqlite3_stmt *st)
{
	bool open = sqlite3_column_type(st, 2) == SQLITE_NULL;

	if (c->owed.n == RANGES_MAX)
		return;
	c->owed.items[c->owed.n++] = (struct range){
		.from = { sqlite3_column_int64(st, 0),
			  sqlite3_column_int64(st, 1) },
		.until = open ? RANGE_OPEN : sqlite3_column_int64(st, 2),
	};
}

static void
take_line(struct store_cursor *c, sqlite3_stmt *st)
{
	c->lines = xrealloc(c->lines, c->n_lines + 1, sizeof(*c->lines));
	c->lines[c->n_lines++] = (struct store_line){
		.job = sqlite3_column_int64(st, 0),
		.line = sqlite3_column_int64(st, 1),
		.most = sqlite3_column_int64(st, 2),
	};
}

static void
take_dropped(struct store_cursor *c, sqlite3_stmt *st)
{
	const char *reason = (const char *)sqlite3_column_text(st, 0);

	for (int i = 0; i < STORE_DROPS; i++)
		if (strcmp(store_drop_names[i], reason) == 0)
			c->dropped[i] = sqlite3_column_int64(st, 1);
}

static int
get_rows(struct store *s, enum store_sql which, struct store_cursor *c,
	 void (*take)(struct store_cursor *c, sqlite3_stmt *st), struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, which, e);
	int rc;

	if (!st)
		return -1;
	store_bind_text(st, 1, c->name);
	while ((rc = store_step(s, st, "read a destination", e)) > 0)
		take(c, st);
	return rc;
}

static int
get(struct store *s, struct store_cursor *c, struct err *e)
{
	_change_ struct store_change read = { 0 };

	if (store_read_begin(&read, s, "read a destination", e) < 0 ||
	    get_destination(s, c, e) < 0 ||
	    get_rows(s, SQL_CURSOR_LIST, c, take_range, e) < 0 ||
	    get_rows(s, SQL_LINE_LIST, c, take_line, e) < 0)
		return -1;
	return get_rows(s, SQL_DROPPED_LIST, c, take_dropped, e);
}

int
store_cursor_get(struct store *s, const char *name, struct store_cursor *c,
		 struct err *e)
{
	struct store_cursor fresh = { .name = xstrdup(name) };

	if (get(s, &fresh, e) < 0) {
		store_cursor_release(&fresh);
		return -1;
	}
	*c = fresh;
	return 0;
}

int
store_cursor_start(struct store *s, const char *name, int64_t now_ms,
		   int64_t since_ms, struct store_cursor *c, struct err *e)
{
	int64_t at = 0;

	if (store_owed_since(s, since_ms, &at, e) < 0)
		return -1;
	*c = (struct store_cursor){
		.name = xstrdup(name),
		.created_ms = now_ms,
	};
	ranges_add(&c->owed, at);
	return 0;
}

int
store_cursor_each(struct store *s, store_name_fn *fn, void *arg, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_DESTINATION_LIST, e);
	int rc = st ? 0 : -1;

	while (st && (rc = store_step(s, st, "list destinations", e)) > 0) {
		rc = fn(arg, (const char *)sqlite3_column_text(st, 0));
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* --- Putting ---------------------------------------------------------------
 */

static int
clear(struct store *s, enum store_sql which, const char *name, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, which, e);

	if (!st)
		return -1;
	store_bind_text(st, 1, name);
	return store_step(s, st, "keep a destination", e);
}

static int
put_destination(struct store *s, const struct store_cursor *c, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_DESTINATION_PUT, e);

	if (!st)
		return -1;
	store_bind_text(st, 1, c->name);
	store_bind_int(st, 2, c->created_ms);
	store_bind_int(st, 3, c->accepted);
	store_bind_int(st, 4, c->aside);
	store_bind_nonzero(st, 5, c->last_ms);
	return store_step(s, st, "keep a destination", e);
}

static int
put_range(struct store *s, const char *name, const struct range *r,
	  struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_CURSOR_ADD, e);

	if (!st)
		return -1;
	store_bind_text(st, 1, name);
	store_bind_int(st, 2, r->from.at);
	store_bind_int(st, 3, r->from.line);
	store_bind_nonzero(st, 4, r->until == RANGE_OPEN ? 0 : r->until);
	return store_step(s, st, "keep a destination", e);
}

static int
put_line(struct store *s, const char *name, const struct store_line *l,
	 struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LINE_ADD, e);

	if (!st)
		return -1;
	store_bind_text(st, 1, name);
	store_bind_int(st, 2, l->job);
	store_bind_int(st, 3, l->line);
	store_bind_int(st, 4, l->most);
	return store_step(s, st, "keep a destination", e);
}

static int
put_dropped(struct store *s, const char *name, int reason, int64_t n,
	    struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_DROPPED_PUT, e);

	if (!st)
		return -1;
	store_bind_text(st, 1, name);
	store_bind_text(st, 2, store_drop_names[reason]);
	store_bind_int(st, 3, n);
	return store_step(s, st, "keep a destination", e);
}

static int
put_lines(struct store *s, const struct store_cursor *c, struct err *e)
{
	if (!c->lines_changed)
		return 0;
	if (clear(s, SQL_LINE_CLEAR, c->name, e) < 0)
		return -1;
	for (size_t i = 0; i < c->n_lines; i++)
		if (put_line(s, c->name, &c->lines[i], e) < 0)
			return -1;
	return 0;
}

static int
put(struct store *s, const struct store_cursor *c, struct err *e)
{
	if (put_destination(s, c, e) < 0 ||
	    clear(s, SQL_CURSOR_CLEAR, c->name, e) < 0)
		return -1;
	for (size_t i = 0; i < c->owed.n; i++)
		if (put_range(s, c->name, &c->owed.items[i], e) < 0)
			return -1;
	for (int i = 0; i < STORE_DROPS; i++)
		if (c->dropped[i] &&
		    put_dropped(s, c->name, i, c->dropped[i], e) < 0)
			return -1;
	return put_lines(s, c, e);
}

int
store_cursor_put(struct store *s, const struct store_cursor *c, struct err *e)
{
	_change_ struct store_change change = { 0 };

	if (store_change_begin(&change, s, "keep a destination", e) < 0)
		return -1;
	change.writes = true;
	if (put(s, c, e) < 0)
		return -1;
	return store_change_commit(&change, e);
}

int
store_cursor_remove(struct store *s, const char *name, struct err *e)
{
	static const enum store_sql all[] = {
		SQL_DESTINATION_REMOVE, SQL_CURSOR_CLEAR, SQL_LINE_CLEAR,
		SQL_DROPPED_CLEAR,	SQL_ASIDE_CLEAR,
	};
	_change_ struct store_change change = { 0 };

	if (store_change_begin(&change, s, "forget a destination", e) < 0)
		return -1;
	change.writes = true;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (clear(s, all[i], name, e) < 0)
			return -1;
	return store_change_commit(&change, e);
}

/* --- Aside -----------------------------------------------------------------
 */

static int
insert_aside(struct store *s, const char *name, const struct store_aside *a,
	     struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ASIDE_ADD, e);

	if (!st)
		return -1;
	store_bind_text(st, 1, name);
	store_bind_int(st, 2, a->time_ms);
	store_bind_text(st, 3, a->record);
	store_bind_text(st, 4, a->code);
	store_bind_text(st, 5, a->reason);
	store_bind_text(st, 6, a->excerpt);
	return store_step(s, st, "put a record aside", e);
}

static int
shorten_aside(struct store *s, const char *name, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ASIDE_SHORTEN, e);

	if (!st)
		return -1;
	store_bind_text(st, 1, name);
	store_bind_int(st, 2, STORE_ASIDE_MAX);
	return store_step(s, st, "put a record aside", e);
}

int
store_aside_add(struct store *s, const char *name, const struct store_aside *a,
		struct err *e)
{
	const char *const texts[] = { name, a->record, a->code, a->reason,
				      a->excerpt };
	_change_ struct store_change change = { 0 };
	int64_t bytes = 0;

	if (store_check_texts(texts, ARRAY_SIZE(texts), &bytes, e) < 0 ||
	    store_change_begin(&change, s, "put a record aside", e) < 0)
		return -1;
	change.writes = true;
	if (insert_aside(s, name, a, e) < 0 || shorten_aside(s, name, e) < 0)
		return -1;
	return store_change_commit(&change, e);
}

int
store_aside_list(struct store *s, const char *name, size_t limit,
		 store_aside_fn *fn, void *arg, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ASIDE_LIST, e);
	int rc;

	if (!st)
		return -1;
	store_bind_text(st, 1, name);
	store_bind_int(st, 2, limit ? (int64_t)limit : STORE_ASIDE_MAX);
	while ((rc = store_step(s, st, "read what is aside", e)) > 0) {
		const struct store_aside a = {
			.time_ms = sqlite3_column_int64(st, 0),
			.record = (const char *)sqlite3_column_text(st, 1),
			.code = (const char *)sqlite3_column_text(st, 2),
			.reason = (const char *)sqlite3_column_text(st, 3),
			.excerpt = (const char *)sqlite3_column_text(st, 4),
		};

		rc = fn(arg, &a);
		if (rc < 0)
			return rc;
	}
	return rc;
}
