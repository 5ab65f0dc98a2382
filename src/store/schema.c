/* The tables, as a list of migrations that only ever grows at its end. */
#include "store/parts.h"

#include <stdio.h>

/*
 * The i-th one brings version i to i + 1, in a transaction of its own.
 *
 * What is large comes last in a row, so that what is asked for often is
 * found without it. The owner says which process runs a job: all of it is
 * there while the job runs, and nothing of it else.
 */
static const char *const migrations[] = {
	/* 1: jobs and their logs */
	"CREATE TABLE meta ("
	"  key TEXT NOT NULL PRIMARY KEY,"
	"  value TEXT NOT NULL"
	") WITHOUT ROWID;"

	"CREATE TABLE job ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  name TEXT NOT NULL,"
	"  plugin TEXT NOT NULL,"
	"  state TEXT NOT NULL CHECK (state IN ('queued', 'running',"
	"    'succeeded', 'failed', 'timed_out', 'cancelled', 'denied',"
	"    'lost')),"
	"  \"trigger\" TEXT NOT NULL,"
	"  attempt INTEGER NOT NULL,"
	"  scheduled_ms INTEGER,"
	"  started_ms INTEGER,"
	"  finished_ms INTEGER,"
	"  duration_ms INTEGER,"
	"  owner_pid INTEGER,"
	"  owner_start INTEGER,"
	"  owner_boot TEXT,"
	"  \"exit\" TEXT,"
	"  usage TEXT,"
	"  agent TEXT,"
	"  sandbox TEXT,"
	"  error TEXT,"
	"  denials TEXT,"
	"  params TEXT,"
	"  metrics TEXT,"
	"  result TEXT,"
	"  CHECK ((state IN ('queued', 'running')) = (finished_ms IS NULL)),"
	"  CHECK ((state = 'running') = (owner_pid IS NOT NULL"
	"    AND owner_start IS NOT NULL AND owner_boot IS NOT NULL))"
	");"
	"CREATE INDEX job_name ON job (name);"
	"CREATE INDEX job_finished ON job (finished_ms)"
	"  WHERE finished_ms IS NOT NULL;"
	"CREATE INDEX job_running ON job (state) WHERE state = 'running';"

	"CREATE TABLE log ("
	"  job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,"
	"  seq INTEGER NOT NULL,"
	"  time_ms INTEGER NOT NULL,"
	"  level TEXT NOT NULL,"
	"  stream TEXT NOT NULL,"
	"  left_out INTEGER NOT NULL,"
	"  fields TEXT,"
	"  message TEXT NOT NULL,"
	"  PRIMARY KEY (job, seq)"
	") WITHOUT ROWID;",
};

#define VERSION ((int64_t)ARRAY_SIZE(migrations))

int
store_pragma_int(struct store *s, const char *sql, int64_t *value,
		 struct err *e)
{
	sqlite3_stmt *st = NULL;
	bool got = false;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		*value = sqlite3_column_int64(st, 0);
		got = true;
	}
	if (!got)
		store_fail(s, e, sql);
	sqlite3_finalize(st);
	return got ? 0 : -1;
}

static int
execute(struct store *s, const char *sql, struct err *e)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(s, e, "write its schema");
	return 0;
}

/* From version `from`, which is read within the transaction. */
static int
migrate_one(struct store *s, int64_t from, struct err *e)
{
	char number[64];

	snprintf(number, sizeof(number), "PRAGMA user_version = %lld",
		 (long long)from + 1);
	if (execute(s, migrations[from], e) < 0 || execute(s, number, e) < 0)
		return -1;
	return 0;
}

static int
version(struct store *s, int64_t *v, struct err *e)
{
	if (store_pragma_int(s, "PRAGMA user_version", v, e) < 0)
		return -1;
	if (*v >= 0 && *v <= VERSION)
		return 0;
	err_set(e, ERR_AGENT,
		"its schema has version %lld, and this program knows those "
		"up to %lld",
		(long long)*v, (long long)VERSION);
	return err_hint(e,
			"use the newer devops_agent that wrote it, or another "
			"storage.path");
}

int
store_migrate(struct store *s, struct err *e)
{
	int64_t v;

	if (version(s, &v, e) < 0)
		return -1;
	while (v < VERSION) {
		_change_ struct store_change change = { 0 };

		/* another process may have done it before this one began */
		if (store_change_begin(&change, s, "migrate", e) < 0 ||
		    version(s, &v, e) < 0)
			return -1;
		if (v == VERSION)
			return 0;
		if (migrate_one(s, v, e) < 0 ||
		    store_change_commit(&change, "migrate", e) < 0)
			return -1;
		v++;
	}
	return 0;
}

int
store_create_schema(struct store *s, struct err *e)
{
	_change_ struct store_change change = { 0 };
	char number[64];

	/* before the first table, and outside of a transaction */
	if (execute(s, "PRAGMA auto_vacuum = INCREMENTAL", e) < 0 ||
	    store_change_begin(&change, s, "create", e) < 0)
		return -1;
	snprintf(number, sizeof(number), "PRAGMA application_id = %d",
		 STORE_APPLICATION_ID);
	if (execute(s, number, e) < 0)
		return -1;
	for (int64_t v = 0; v < VERSION; v++)
		if (migrate_one(s, v, e) < 0)
			return -1;
	return store_change_commit(&change, "create", e);
}
