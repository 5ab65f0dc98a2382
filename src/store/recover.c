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
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_JOB_RUNNING, e);
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

static int
lose(struct store *s, const struct left *l, int64_t now_ms, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_JOB_LOSE, e);
	_free_ char *error = NULL;

	if (!st)
		return -1;
	error = xasprintf("{\"code\":\"lost\",\"message\":\"the agent that ran "
			  "it (process %" PRId64 ") ended before the job did\","
			  "\"hint\":null}",
			  l->pid);
	store_bind_int(st, 1, l->id);
	store_bind_int(st, 2, l->pid);
	store_bind_int(st, 3, now_ms);
	store_bind_text(st, 4, error);
	if (store_step(s, st, "mark a job as lost", e) < 0)
		return -1;
	return sqlite3_changes(s->db);
}

int
store_recover(struct store *s, int64_t now_ms, size_t *lost, struct err *e)
{
	_cleanup_(release) struct left_list left = { 0 };
	_change_ struct store_change change = { 0 };
	size_t count = 0;

	if (s->self.pid == 0 && store_owner_self(&s->self, e) < 0)
		return err_wrap(e, "%s: look for running jobs", s->path);
	if (find(s, &left, e) < 0)
		return -1;
	if (left.n > 0) {
		if (store_change_begin(&change, s, "recover", e) < 0)
			return -1;
		for (size_t i = 0; i < left.n; i++) {
			int changed = lose(s, &left.items[i], now_ms, e);

			if (changed < 0)
				return -1;
			count += (size_t)changed;
		}
		if (store_change_commit(&change, "recover", e) < 0)
			return -1;
	}
	*lost = count;
	return 0;
}
