/* Statements that are prepared once, and transactions that undo themselves. */
#include "store/parts.h"

#include <string.h>

#include "base/log.h"

sqlite3_stmt *
store_statement(struct store *s, enum store_sql which, struct err *e)
{
	sqlite3_stmt **at = &s->statements[which];

	if (!*at && sqlite3_prepare_v3(s->db, store_sql[which], -1,
				       SQLITE_PREPARE_PERSISTENT, at,
				       NULL) != SQLITE_OK)
		store_fail(s, e, "prepare a statement");
	return *at;
}

void
store_reset(sqlite3_stmt **statement)
{
	if (*statement) {
		sqlite3_reset(*statement);
		sqlite3_clear_bindings(*statement);
	}
}

int
store_step(struct store *s, sqlite3_stmt *statement, const char *what,
	   struct err *e)
{
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return store_fail(s, e, what);
	}
}

int
store_run(struct store *s, enum store_sql which, const char *what,
	  struct err *e)
{
	_stmt_ sqlite3_stmt *statement = store_statement(s, which, e);
	int rc = 1;

	if (!statement)
		return -1;
	while (rc > 0)
		rc = store_step(s, statement, what, e);
	return rc;
}

int
store_check_text(const char *what, size_t len, struct err *e)
{
	if (len <= STORE_TEXT_MAX)
		return 0;
	return err_set(e, ERR_USAGE, "%s is longer than %d MiB", what,
		       STORE_TEXT_MAX >> 20);
}

/* Lengths were checked and numbers are right, so no failure is a caller's. */
static void
bound(int rc)
{
	if (rc != SQLITE_OK)
		fatal("bind a value: %s", sqlite3_errstr(rc));
}

void
store_bind_bytes(sqlite3_stmt *statement, int at, const char *text, size_t len)
{
	bound(sqlite3_bind_text64(statement, at, text, len, SQLITE_STATIC,
				  SQLITE_UTF8));
}

void
store_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	store_bind_bytes(statement, at, text, text ? strlen(text) : 0);
}

void
store_bind_int(sqlite3_stmt *statement, int at, int64_t value)
{
	bound(sqlite3_bind_int64(statement, at, value));
}

void
store_bind_time(sqlite3_stmt *statement, int at, int64_t ms)
{
	if (ms)
		store_bind_int(statement, at, ms);
	else
		bound(sqlite3_bind_null(statement, at));
}

int
store_change_begin(struct store_change *c, struct store *s, const char *what,
		   struct err *e)
{
	bool nested = !sqlite3_get_autocommit(s->db);

	if (s->batch && !nested)
		return err_set(e, ERR_AGENT,
			       "%s: %s: the changes before were undone",
			       s->path, what);
	if (store_run(s, nested ? SQL_SAVEPOINT : SQL_BEGIN, what, e) < 0)
		return -1;
	c->s = s;
	c->nested = nested;
	return 0;
}

int
store_change_commit(struct store_change *c, const char *what, struct err *e)
{
	if (store_run(c->s, c->nested ? SQL_RELEASE : SQL_COMMIT, what, e) < 0)
		return -1;
	c->s = NULL;
	return 0;
}

void
store_change_end(struct store_change *c)
{
	struct err ignored = ERR_INIT;

	/* a full disk and the like end a transaction by themselves */
	if (!c->s || sqlite3_get_autocommit(c->s->db))
		return;
	if (!c->nested) {
		store_run(c->s, SQL_ROLLBACK, "undo", &ignored);
	} else {
		store_run(c->s, SQL_UNDO, "undo", &ignored);
		store_run(c->s, SQL_RELEASE, "undo", &ignored);
	}
	c->s = NULL;
}

int
store_begin(struct store *s, struct err *e)
{
	if (s->batch)
		fatal("store: a batch within a batch");
	if (store_run(s, SQL_BEGIN, "begin", e) < 0)
		return -1;
	s->batch = true;
	return 0;
}

int
store_commit(struct store *s, struct err *e)
{
	struct store_change change = { .s = s };
	int rc;

	if (!s->batch)
		fatal("store: a commit without a batch");
	if (sqlite3_get_autocommit(s->db))
		rc = err_set(e, ERR_AGENT,
			     "%s: commit: the changes before were undone",
			     s->path);
	else
		rc = store_change_commit(&change, "commit", e);
	store_change_end(&change);
	s->batch = false;
	return rc;
}

void
store_rollback(struct store *s)
{
	struct store_change change = { .s = s };

	store_change_end(&change);
	s->batch = false;
}
