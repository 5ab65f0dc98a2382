/* Statements that are prepared once. */
#include "store/parts.h"

#include <string.h>

#include "base/log.h"

sqlite3_stmt *
store_statement(struct store *s, enum store_sql which, struct err *e)
{
	sqlite3_stmt **at = &s->statements[which];

	if (!s->db) {
		err_set(e, ERR_AGENT, "%s: there is no database", s->path);
		err_hint(e, "it was damaged, and no new one could be made");
		return NULL;
	}
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

int
store_check_texts(const char *const texts[], size_t n, int64_t *bytes,
		  struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = texts[i] ? strlen(texts[i]) : 0;

		if (store_check_text("a text of the job", len, e) < 0)
			return -1;
		*bytes += (int64_t)len;
	}
	return 0;
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
store_bind_nonzero(sqlite3_stmt *statement, int at, int64_t ms)
{
	if (ms)
		store_bind_int(statement, at, ms);
	else
		bound(sqlite3_bind_null(statement, at));
}
