/* Schedules: how far each has come, and the whole of those made by hand. */
#include "store/parts.h"

#include <string.h>

int
store_schedule_put(struct store *s, const struct store_schedule *sc,
		   struct err *e)
{
	const char *const texts[] = { sc->name, sc->spec, sc->definition };
	_change_ struct store_change change = { 0 };
	_stmt_ sqlite3_stmt *st = NULL;
	int64_t bytes = 0;

	if (store_check_texts(texts, ARRAY_SIZE(texts), &bytes, e) < 0 ||
	    store_change_begin(&change, s, "keep a schedule", e) < 0)
		return -1;
	st = store_statement(s, SQL_SCHEDULE_PUT, e);
	if (!st)
		return -1;
	store_bind_text(st, 1, sc->name);
	store_bind_text(st, 2, sc->spec);
	store_bind_int(st, 3, sc->paused);
	store_bind_nonzero(st, 4, sc->last_due_ms);
	store_bind_nonzero(st, 5, sc->last_job);
	store_bind_int(st, 6, sc->runs);
	store_bind_int(st, 7, sc->missed);
	store_bind_int(st, 8, sc->skipped);
	store_bind_text(st, 9, sc->definition);
	change.writes = true;
	if (store_step(s, st, "keep a schedule", e) < 0)
		return -1;
	return store_change_commit(&change, e);
}

int
store_schedule_remove(struct store *s, const char *name, struct err *e)
{
	_change_ struct store_change change = { 0 };
	_stmt_ sqlite3_stmt *st = NULL;

	if (store_change_begin(&change, s, "remove a schedule", e) < 0)
		return -1;
	st = store_statement(s, SQL_SCHEDULE_REMOVE, e);
	if (!st)
		return -1;
	store_bind_text(st, 1, name);
	if (store_step(s, st, "remove a schedule", e) < 0)
		return -1;
	if (sqlite3_changes(s->db) == 0)
		return err_set(e, ERR_NOT_FOUND, "no schedule %s", name);
	return store_change_commit(&change, e);
}

int
store_schedule_each(struct store *s, store_schedule_fn *fn, void *arg,
		    struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_SCHEDULE_LIST, e);
	int rc = st ? 0 : -1;

	while (st && (rc = store_step(s, st, "read the schedules", e)) > 0) {
		struct store_schedule sc = {
			.name = (const char *)sqlite3_column_text(st, 0),
			.spec = (const char *)sqlite3_column_text(st, 1),
			.paused = sqlite3_column_int(st, 2) != 0,
			.last_due_ms = sqlite3_column_int64(st, 3),
			.last_job = sqlite3_column_int64(st, 4),
			.runs = sqlite3_column_int64(st, 5),
			.missed = sqlite3_column_int64(st, 6),
			.skipped = sqlite3_column_int64(st, 7),
			.definition = (const char *)sqlite3_column_text(st, 8),
		};

		rc = fn(arg, &sc);
		if (rc < 0)
			return rc;
	}
	return rc;
}
