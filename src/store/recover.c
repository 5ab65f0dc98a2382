/* Jobs that were left running by a process that is gone. */
#include "store/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct left {
	int64_t id;
	int64_t pid;
};

struct left_list {
	struct left *items;
	size_t n;
};

static void
release(struct left_list *l)
{
	free(l->items);
}

static int
find(struct store *s, struct left_list *l, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_ACTIVE_OWNED, e);
	int rc;

	if (!st)
		return -1;
	while ((rc = store_step(s, st, "look for running jobs", e)) > 0) {
		struct store_owner o = {
			.pid = sqlite3_column_int64(st, 1),
			.start = sqlite3_column_int64(st, 2),
		};

		snprintf(o.boot, sizeof(o.boot), "%s",
			 (const char *)sqlite3_column_text(st, 3));
		if (!store_owner_gone(&o, &s->self))
			continue;
		l->items = xrealloc(l->items, l->n + 1, sizeof(*l->items));
		l->items[l->n++] = (struct left){
			.id = sqlite3_column_int64(st, 0),
			.pid = o.pid,
		};
	}
	return rc;
}

/* 1: lost, 0: another process was faster. */
static int
lose(struct store *s, const struct left *l, int64_t now_ms, struct err *e)
{
	struct err mine = ERR_INIT;
	_free_ char *error =
		xasprintf("{\"code\":\"lost\",\"message\":\"the agent that ran "
			  "it (process %" PRId64 ") ended before the job did\","
			  "\"hint\":null}",
			  l->pid);
	struct store_job job = {
		.id = l->id,
		.state = JOB_LOST,
		.finished_ms = now_ms,
		.error = error,
	};

	if (store_job_finish(s, &job, NULL, NULL, &mine) == 0)
		return 1;
	if (mine.kind == ERR_USAGE || mine.kind == ERR_NOT_FOUND)
		return 0;
	*e = mine;
	return -1;
}

/* In one batch, of the caller's or of its own. */
static int
lose_all(struct store *s, const struct left_list *left, int64_t now_ms,
	 size_t *count, struct err *e)
{
	for (size_t i = 0; i < left->n; i++) {
		int rc = lose(s, &left->items[i], now_ms, e);

		if (rc < 0)
			return -1;
		*count += (size_t)rc;
	}
	return 0;
}

int
store_recover(struct store *s, int64_t now_ms, size_t *lost, struct err *e)
{
	_cleanup_(release) struct left_list left = { 0 };
	bool own = !s->batch;
	size_t count = 0;

	if (s->self.pid == 0 && store_owner_self(&s->self, e) < 0)
		return err_wrap(e, "%s: look for running jobs", s->path);
	if (find(s, &left, e) < 0)
		return -1;
	if (left.n > 0) {
		if (own && store_begin(s, e) < 0)
			return -1;
		if (lose_all(s, &left, now_ms, &count, e) < 0) {
			if (own)
				store_rollback(s);
			return -1;
		}
		if (own && store_commit(s, e) < 0)
			return -1;
	}
	*lost = count;
	return 0;
}
