/* Idempotency keys: which job a request made that may come again. */
#include "store/parts.h"

#include <string.h>

static bool
same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int
drop(struct store *s, const char *key, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_KEY_DROP, e);

	if (!st)
		return -1;
	store_bind_text(st, 1, key);
	return store_step(s, st, "forget a key", e);
}

/* 1 and the id, 0 free, 2 free once the old one is dropped. */
static int
look(struct store *s, const struct store_job *job, int64_t *id, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_KEY_GET, e);
	int rc;

	if (!st)
		return -1;
	store_bind_text(st, 1, job->key);
	rc = store_step(s, st, "look for a key", e);
	if (rc <= 0)
		return rc;
	if (sqlite3_column_int64(st, 1) <= job->added_ms - STORE_KEY_MS)
		return 2;
	if (!same((const char *)sqlite3_column_text(st, 2), job->digest)) {
		err_set(e, ERR_CONFLICT,
			"this key was used for another request, by job %lld",
			(long long)sqlite3_column_int64(st, 0));
		return err_hint(e, "a key of its own for each request");
	}
	*id = sqlite3_column_int64(st, 0);
	return STORE_EXISTS;
}

int
store_key_check(struct store *s, const struct store_job *job, int64_t *id,
		struct err *e)
{
	int rc = look(s, job, id, e);

	/* harmless where the job is refused after all: it counts no more */
	return rc == 2 ? drop(s, job->key, e) : rc;
}

int
store_key_add(struct store *s, const struct store_job *job, int64_t id,
	      struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_KEY_ADD, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, id);
	store_bind_int(st, 2, job->added_ms);
	store_bind_text(st, 3, job->key);
	store_bind_text(st, 4, job->digest);
	return store_step(s, st, "keep a key", e);
}

/* 1 and the job of the oldest, where it is old enough. */
static int
oldest(struct store *s, int64_t now_ms, int64_t *job, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_KEY_OLDEST, e);
	int rc = st ? store_step(s, st, "look for old keys", e) : -1;

	if (rc <= 0)
		return rc;
	*job = sqlite3_column_int64(st, 0);
	return sqlite3_column_int64(st, 1) <= now_ms - STORE_KEY_MS;
}

static int delete (struct store *s, int64_t job, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_KEY_DELETE, e);

	if (!st)
		return -1;
	store_bind_int(st, 1, job);
	return store_step(s, st, "forget a key", e);
}

int
store_key_prune(struct store *s, int64_t now_ms, size_t limit, struct err *e)
{
	int64_t job = 0;
	int rc;

	while ((rc = oldest(s, now_ms, &job, e)) > 0) {
		if (limit-- == 0)
			return 1;
		if (delete (s, job, e) < 0)
			return -1;
	}
	return rc;
}
