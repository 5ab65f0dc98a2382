/* Retention: what is too old, or too much, in steps that are bounded. */
#include "store/parts.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"

/* Free pages that stay in the file, so that daily life needs no growing. */
#define SLACK_PAGES 64
/* A log that is larger goes in pieces. */
#define LOG_BYTES (256 << 10)

struct pruning {
	struct store *s;
	const struct store_retention *r;
	size_t deleted;
	int64_t bytes;
	int64_t deadline_ms;
};

/* Of the jobs that have ended, the first to have done so. */
struct oldest {
	int64_t seq, id, finished_ms, bytes;
	enum job_state state;
};

static bool
over(const struct pruning *p)
{
	return p->deleted >= p->r->limit || p->bytes >= STORE_PRUNE_BYTES ||
	       clock_mono_ms() >= p->deadline_ms;
}

/* Bytes that are in use. */
static int
used(struct store *s, int64_t *bytes, struct err *e)
{
	int64_t size = 0, pages = 0, unused = 0;

	if (store_number(s, SQL_PAGE_SIZE, &size, e) < 0 ||
	    store_number(s, SQL_PAGE_COUNT, &pages, e) < 0 ||
	    store_number(s, SQL_FREE_COUNT, &unused, e) < 0)
		return -1;
	*bytes = (pages - unused) * size;
	return 0;
}

static int
find_oldest(struct store *s, struct oldest *o, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ENDED_OLDEST, e);
	int rc = st ? store_step(s, st, "look for old jobs", e) : -1;

	if (rc > 0) {
		o->seq = sqlite3_column_int64(st, 0);
		o->id = sqlite3_column_int64(st, 1);
		o->finished_ms = sqlite3_column_int64(st, 2);
		o->bytes = sqlite3_column_int64(st, 3);
		o->state = (enum job_state)sqlite3_column_int(st, 4);
	}
	return rc;
}

/* 1 and the job that is to go next, 0 where there is none. */
static int
find(struct pruning *p, struct oldest *o, struct err *e)
{
	int64_t bytes = 0;
	int rc = find_oldest(p->s, o, e);

	if (rc <= 0)
		return rc;
	if (p->r->keep_seq && o->seq >= p->r->keep_seq)
		return 0;
	if (o->finished_ms < p->r->before_ms)
		return 1;
	if (p->r->size_bytes == 0)
		return 0;
	if (used(p->s, &bytes, e) < 0)
		return -1;
	return bytes > p->r->size_bytes;
}

/* 1 and the first line of the log. */
static int
first_line(struct store *s, int64_t id, int64_t *seq, int64_t *size,
	   struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LOG_AFTER, e);
	int rc;

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	store_bind_int(st, 2, 0);
	rc = store_step(s, st, "look for old lines", e);
	if (rc > 0) {
		*seq = sqlite3_column_int64(st, 0);
		*size = sqlite3_column_int64(st, 1);
	}
	return rc;
}

static int
delete_line(struct store *s, int64_t id, int64_t seq, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_LOG_DELETE, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	store_bind_int(st, 2, seq);
	return store_step(s, st, "delete an old line", e);
}

/* 1 once a large log is gone, 0 where the step was over before. */
static int
delete_log(struct pruning *p, int64_t id, struct err *e)
{
	int64_t seq = 0, size = 0;
	int rc;

	while ((rc = first_line(p->s, id, &seq, &size, e)) > 0) {
		if (over(p))
			return 0;
		if (delete_line(p->s, id, seq, e) < 0)
			return -1;
		p->bytes += size;
	}
	return rc < 0 ? -1 : 1;
}

/* Its end, its attempts and what is left of its log go with it. */
static int
delete_job(struct pruning *p, const struct oldest *o, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(p->s, SQL_JOB_DELETE, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, o->id);
	return store_step(p->s, st, "delete an old job", e);
}

/* 1: deleted one, 0: the step was over before. */
static int
delete_one(struct pruning *p, const struct oldest *o, struct err *e)
{
	struct store_tally *tally = store_tally(p->s, e);
	int rc = 1;

	if (!tally)
		return -1;
	if (o->bytes > LOG_BYTES)
		rc = delete_log(p, o->id, e);
	if (rc <= 0)
		return rc;
	if (delete_job(p, o, e) < 0)
		return -1;
	tally->jobs[o->state]--;
	tally->changed = true;
	p->bytes += o->bytes;
	p->deleted++;
	return 1;
}

/* 1 where there may be more to delete. */
static int
delete_some(struct pruning *p, struct err *e)
{
	_change_ struct store_change change = { 0 };
	struct oldest o = { 0 };
	int more = 1, keys = 0, rc;

	if (store_change_begin(&change, p->s, "prune", e) < 0)
		return -1;
	change.writes = true;
	if (p->r->now_ms)
		keys = store_key_prune(p->s, p->r->now_ms, p->r->limit, e);
	if (keys < 0)
		return -1;
	while (!over(p) && (more = find(p, &o, e)) > 0) {
		rc = delete_one(p, &o, e);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
	}
	CRASH_POINT("prune-deleted");
	if (more < 0 || store_change_commit(&change, e) < 0)
		return -1;
	CRASH_POINT("prune-done");
	return more || keys;
}

/* 1 while more pages can be given back. */
static int
shrink(struct store *s, struct err *e)
{
	int64_t before = 0, after = 0;

	if (store_number(s, SQL_FREE_COUNT, &before, e) < 0)
		return -1;
	if (before <= SLACK_PAGES)
		return 0;
	if (store_run(s, SQL_VACUUM, "shrink the database", e) < 0 ||
	    store_number(s, SQL_FREE_COUNT, &after, e) < 0)
		return -1;
	if (after > SLACK_PAGES && after < before)
		return 1;
	CRASH_POINT("prune-shrunk");
	/* the file itself shrinks when the log is copied back */
	return store_run(s, SQL_CHECKPOINT, "shrink the database", e);
}

static int
step(struct pruning *p, struct err *e)
{
	int more = delete_some(p, e);

	return more == 0 ? shrink(p->s, e) : more;
}

int
store_prune(struct store *s, const struct store_retention *r, size_t *pruned,
	    struct err *e)
{
	struct pruning p = {
		.s = s,
		.r = r,
		.deadline_ms = clock_mono_ms() + STORE_PRUNE_MS,
	};
	enum store_durability durability = s->durability;
	int more;

	if (s->batch)
		fatal("store: pruned within a batch");
	if (store_set_durability(s, STORE_NORMAL, e) < 0)
		return -1;
	more = step(&p, e);
	if (store_set_durability(s, durability, e) < 0)
		return -1;
	*pruned += p.deleted;
	return more;
}
