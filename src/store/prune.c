/* Retention: what is too old, or too much, in small steps. */
#include "store/parts.h"

/* Free pages that stay in the file, so that daily life needs no growing. */
#define SLACK_PAGES 64

static int
number(struct store *s, enum store_sql which, int64_t *n, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, which, e);
	int rc = st ? store_step(s, st, "measure the database", e) : -1;

	if (rc > 0)
		*n = sqlite3_column_int64(st, 0);
	return rc < 0 ? -1 : 0;
}

/* Bytes that are in use. */
static int
used(struct store *s, int64_t *bytes, struct err *e)
{
	int64_t size = 0, pages = 0, unused = 0;

	if (number(s, SQL_PAGE_SIZE, &size, e) < 0 ||
	    number(s, SQL_PAGE_COUNT, &pages, e) < 0 ||
	    number(s, SQL_FREE_COUNT, &unused, e) < 0)
		return -1;
	*bytes = (pages - unused) * size;
	return 0;
}

/* 1 and the job that ended first, 0 where none has ended. */
static int
oldest(struct store *s, int64_t *id, int64_t *finished_ms, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_JOB_OLDEST, e);
	int rc = st ? store_step(s, st, "look for old jobs", e) : -1;

	if (rc > 0) {
		*id = sqlite3_column_int64(st, 0);
		*finished_ms = sqlite3_column_int64(st, 1);
	}
	return rc;
}

static int
delete_job(struct store *s, int64_t id, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_JOB_DELETE, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	return store_step(s, st, "delete an old job", e);
}

/* 1: deleted one, 0: there is none to delete. */
static int
delete_one(struct store *s, int64_t before_ms, int64_t size_bytes,
	   struct err *e)
{
	int64_t id, finished_ms, bytes;
	int rc = oldest(s, &id, &finished_ms, e);

	if (rc <= 0)
		return rc;
	if (finished_ms >= before_ms) {
		if (size_bytes == 0)
			return 0;
		if (used(s, &bytes, e) < 0)
			return -1;
		if (bytes <= size_bytes)
			return 0;
	}
	return delete_job(s, id, e) < 0 ? -1 : 1;
}

/* The count of deleted jobs, at most `limit`. */
static int
delete_some(struct store *s, int64_t before_ms, int64_t size_bytes,
	    size_t limit, size_t *count, struct err *e)
{
	_change_ struct store_change change = { 0 };
	size_t n = 0;
	int rc = 1;

	if (store_change_begin(&change, s, "prune", e) < 0)
		return -1;
	while (n < limit && (rc = delete_one(s, before_ms, size_bytes, e)) > 0)
		n++;
	if (rc < 0 || store_change_commit(&change, "prune", e) < 0)
		return -1;
	*count = n;
	return 0;
}

/* 1 while more pages can be given back. */
static int
shrink(struct store *s, struct err *e)
{
	int64_t before = 0, after = 0;

	if (number(s, SQL_FREE_COUNT, &before, e) < 0)
		return -1;
	if (before <= SLACK_PAGES)
		return 0;
	/* the file itself shrinks when the log is copied back */
	if (store_run(s, SQL_VACUUM, "shrink the database", e) < 0 ||
	    store_run(s, SQL_CHECKPOINT, "shrink the database", e) < 0 ||
	    number(s, SQL_FREE_COUNT, &after, e) < 0)
		return -1;
	return after > SLACK_PAGES && after < before;
}

int
store_prune(struct store *s, int64_t before_ms, int64_t size_bytes,
	    size_t limit, size_t *pruned, struct err *e)
{
	size_t count = 0;
	int more;

	if (delete_some(s, before_ms, size_bytes, limit, &count, e) < 0)
		return -1;
	*pruned += count;
	more = shrink(s, e);
	if (more < 0)
		return -1;
	return more || count == limit;
}
