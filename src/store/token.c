/* Tokens of the HTTP API's clients, as hashes. */
#include "store/parts.h"

int
store_token_add(struct store *s, struct store_token *t, struct err *e)
{
	_change_ struct store_change change = { 0 };
	_stmt_ sqlite3_stmt *st = NULL;

	if (store_change_begin(&change, s, "keep a token", e) < 0)
		return -1;
	st = store_statement(s, SQL_TOKEN_ADD, e);
	if (!st)
		return -1;
	store_bind_text(st, 1, t->name);
	store_bind_text(st, 2, t->role);
	store_bind_text(st, 3, t->hash);
	store_bind_int(st, 4, t->created_ms);
	store_bind_nonzero(st, 5, t->expires_ms);
	if (store_step(s, st, "keep a token", e) < 0)
		return -1;
	if (sqlite3_changes(s->db) == 0) {
		err_set(e, ERR_CONFLICT, "there is a token %s already",
			t->name);
		return err_hint(e, "revoke it first, or choose another name");
	}
	t->id = sqlite3_last_insert_rowid(s->db);
	return store_change_commit(&change, e);
}

int
store_token_used(struct store *s, const struct store_token *t, struct err *e)
{
	_change_ struct store_change change = { 0 };
	_stmt_ sqlite3_stmt *st = NULL;

	if (store_change_begin(&change, s, "note a token's use", e) < 0)
		return -1;
	st = store_statement(s, SQL_TOKEN_USED, e);
	if (!st)
		return -1;
	store_bind_int(st, 1, t->id);
	store_bind_int(st, 2, t->used_ms);
	store_bind_text(st, 3, t->used_from);
	if (store_step(s, st, "note a token's use", e) < 0)
		return -1;
	return store_change_commit(&change, e);
}

int
store_token_remove(struct store *s, const char *name, struct err *e)
{
	_change_ struct store_change change = { 0 };
	_stmt_ sqlite3_stmt *st = NULL;

	if (store_change_begin(&change, s, "remove a token", e) < 0)
		return -1;
	st = store_statement(s, SQL_TOKEN_REMOVE, e);
	if (!st)
		return -1;
	store_bind_text(st, 1, name);
	if (store_step(s, st, "remove a token", e) < 0)
		return -1;
	if (sqlite3_changes(s->db) == 0)
		return err_set(e, ERR_NOT_FOUND, "no token %s", name);
	return store_change_commit(&change, e);
}

int
store_token_each(struct store *s, store_token_fn *fn, void *arg, struct err *e)
{
	_stmt_ sqlite3_stmt *st = store_statement(s, SQL_TOKEN_LIST, e);
	int rc = st ? 0 : -1;

	while (st && (rc = store_step(s, st, "read the tokens", e)) > 0) {
		struct store_token t = {
			.id = sqlite3_column_int64(st, 0),
			.name = (const char *)sqlite3_column_text(st, 1),
			.role = (const char *)sqlite3_column_text(st, 2),
			.hash = (const char *)sqlite3_column_text(st, 3),
			.created_ms = sqlite3_column_int64(st, 4),
			.expires_ms = sqlite3_column_int64(st, 5),
			.used_ms = sqlite3_column_int64(st, 6),
			.used_from = (const char *)sqlite3_column_text(st, 7),
		};

		rc = fn(arg, &t);
		if (rc < 0)
			return rc;
	}
	return rc;
}
