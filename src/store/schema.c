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

	/*
	 * 2: the agent's queue. What is known of a job from the start is in
	 * `job` and never changes; `active` is narrow, as a job's life until
	 * its end is spent in it; its end is one row of `ended`, numbered in
	 * the order of ends, which is that of retention and of destinations.
	 * States are the numbers of enum job_state.
	 *
	 * Two indexes cost every job something. With states below the name
	 * and the plugin, every filter of store_job_list() is a few ranges of
	 * them that hold nothing else (list.c). latest_ms never falls as seq
	 * grows, whatever the clock did: what ended since some time is a range
	 * as well. `tally` has what would have to be counted.
	 */
	"CREATE TABLE job_2 ("
	"  id INTEGER PRIMARY KEY,"
	"  name TEXT NOT NULL,"
	"  plugin TEXT NOT NULL,"
	"  \"trigger\" TEXT NOT NULL,"
	"  added_ms INTEGER,"
	"  scheduled_ms INTEGER,"
	"  priority INTEGER,"
	"  max_attempts INTEGER,"
	"  retry_of INTEGER,"
	"  schedule TEXT,"
	"  policy TEXT,"
	"  agent TEXT,"
	"  params TEXT"
	");"
	"CREATE TABLE active ("
	"  job INTEGER PRIMARY KEY REFERENCES job (id),"
	"  state INTEGER NOT NULL CHECK (state IN (0, 1)),"
	"  attempt INTEGER NOT NULL,"
	"  started_ms INTEGER,"
	"  not_before_ms INTEGER,"
	"  expires_ms INTEGER,"
	"  bytes INTEGER NOT NULL,"
	"  log_seq INTEGER NOT NULL DEFAULT 0,"
	"  log_first INTEGER,"
	"  log_first_bytes INTEGER,"
	"  log_newest_bytes INTEGER,"
	"  owner_pid INTEGER,"
	"  owner_start INTEGER,"
	"  owner_boot TEXT,"
	"  name TEXT NOT NULL,"
	"  plugin TEXT NOT NULL,"
	"  single TEXT,"
	"  serial TEXT,"
	"  CHECK ((owner_pid IS NULL) = (owner_start IS NULL)"
	"    AND (owner_pid IS NULL) = (owner_boot IS NULL)"
	"    AND (owner_pid IS NULL OR state = 1))"
	");"
	"CREATE UNIQUE INDEX active_single ON active (single)"
	"  WHERE single IS NOT NULL;"
	"CREATE UNIQUE INDEX active_serial ON active (serial)"
	"  WHERE serial IS NOT NULL AND state = 1;"
	"CREATE TABLE ended ("
	"  seq INTEGER PRIMARY KEY,"
	"  job INTEGER NOT NULL UNIQUE REFERENCES job (id)"
	"    ON DELETE CASCADE,"
	"  state INTEGER NOT NULL CHECK (state BETWEEN 2 AND 7),"
	"  attempt INTEGER NOT NULL,"
	"  finished_ms INTEGER NOT NULL,"
	"  latest_ms INTEGER NOT NULL,"
	"  started_ms INTEGER,"
	"  duration_ms INTEGER,"
	"  bytes INTEGER NOT NULL,"
	"  name TEXT NOT NULL,"
	"  plugin TEXT NOT NULL,"
	"  \"exit\" TEXT,"
	"  usage TEXT,"
	"  sandbox TEXT,"
	"  error TEXT,"
	"  denials TEXT,"
	"  metrics TEXT,"
	"  result TEXT"
	");"
	"CREATE TABLE attempt ("
	"  job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,"
	"  attempt INTEGER NOT NULL,"
	"  state INTEGER NOT NULL CHECK (state BETWEEN 2 AND 7),"
	"  started_ms INTEGER,"
	"  finished_ms INTEGER NOT NULL,"
	"  duration_ms INTEGER,"
	"  \"exit\" TEXT,"
	"  usage TEXT,"
	"  error TEXT,"
	"  denials TEXT,"
	"  PRIMARY KEY (job, attempt)"
	") WITHOUT ROWID;"
	"CREATE TABLE key ("
	"  job INTEGER PRIMARY KEY,"
	"  time_ms INTEGER NOT NULL,"
	"  key TEXT NOT NULL UNIQUE,"
	"  digest TEXT"
	");"
	"CREATE TABLE schedule ("
	"  name TEXT NOT NULL PRIMARY KEY,"
	"  spec TEXT,"
	"  paused INTEGER NOT NULL,"
	"  last_due_ms INTEGER,"
	"  last_job INTEGER,"
	"  runs INTEGER NOT NULL,"
	"  missed INTEGER NOT NULL,"
	"  skipped INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE tally ("
	"  one INTEGER PRIMARY KEY CHECK (one = 1),"
	"  queued INTEGER NOT NULL,"
	"  running INTEGER NOT NULL,"
	"  succeeded INTEGER NOT NULL,"
	"  failed INTEGER NOT NULL,"
	"  timed_out INTEGER NOT NULL,"
	"  cancelled INTEGER NOT NULL,"
	"  denied INTEGER NOT NULL,"
	"  lost INTEGER NOT NULL,"
	"  last_id INTEGER NOT NULL,"
	"  last_seq INTEGER NOT NULL,"
	"  latest_ms INTEGER NOT NULL"
	");"

	"INSERT INTO job_2 (id, name, plugin, \"trigger\", scheduled_ms,"
	"    agent, params)"
	"  SELECT id, name, plugin, \"trigger\", scheduled_ms, agent,"
	"    params FROM job;"
	"INSERT INTO active (job, state, attempt, started_ms, bytes, log_seq,"
	"    owner_pid, owner_start, owner_boot, name, plugin)"
	"  SELECT id, state = 'running', attempt, started_ms,"
	"    ifnull(length(CAST(params AS BLOB)), 0),"
	"    (SELECT ifnull(max(seq), 0) FROM log WHERE log.job = id),"
	"    owner_pid, owner_start, owner_boot, name, plugin"
	"  FROM job WHERE finished_ms IS NULL ORDER BY id;"
	"INSERT INTO ended (job, state, attempt, finished_ms, latest_ms,"
	"    started_ms, duration_ms, bytes, name, plugin, \"exit\", usage,"
	"    sandbox, error, denials, metrics, result)"
	"  SELECT id, CASE state WHEN 'succeeded' THEN 2 WHEN 'failed' THEN 3"
	"      WHEN 'timed_out' THEN 4 WHEN 'cancelled' THEN 5"
	"      WHEN 'denied' THEN 6 ELSE 7 END,"
	"    attempt, finished_ms, finished_ms, started_ms, duration_ms,"
	"    ifnull(length(CAST(params AS BLOB)), 0) +"
	"    ifnull(length(CAST(result AS BLOB)), 0) +"
	"    ifnull(length(CAST(metrics AS BLOB)), 0) +"
	"    (SELECT ifnull(sum(length(CAST(message AS BLOB)) + 64), 0)"
	"      FROM log WHERE log.job = id),"
	"    name, plugin, \"exit\", usage, sandbox, error, denials,"
	"    metrics, result"
	"  FROM job WHERE finished_ms IS NOT NULL ORDER BY finished_ms, id;"
	"INSERT INTO tally SELECT 1,"
	"    (SELECT count(*) FROM active WHERE state = 0),"
	"    (SELECT count(*) FROM active WHERE state = 1),"
	"    ifnull(sum(state = 2), 0), ifnull(sum(state = 3), 0),"
	"    ifnull(sum(state = 4), 0), ifnull(sum(state = 5), 0),"
	"    ifnull(sum(state = 6), 0), ifnull(sum(state = 7), 0),"
	"    ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'job'), 0),"
	"    ifnull(max(seq), 0), ifnull(max(latest_ms), 0)"
	"  FROM ended;"
	"CREATE INDEX ended_name ON ended (name, plugin, state);"
	"CREATE INDEX ended_plugin ON ended (plugin, state);"
	/* the log's reference goes by the name */
	"DROP TABLE job;"
	"ALTER TABLE job_2 RENAME TO job;",

	/* 3: what a schedule's last_due_ms belongs to */
	"ALTER TABLE schedule ADD COLUMN definition TEXT;",

	/* 4: what the HTTP API's clients are known by; hashes alone */
	"CREATE TABLE token ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  name TEXT NOT NULL UNIQUE,"
	"  role TEXT NOT NULL,"
	"  hash TEXT NOT NULL,"
	"  created_ms INTEGER NOT NULL,"
	"  expires_ms INTEGER,"
	"  used_ms INTEGER,"
	"  used_from TEXT"
	");",

	/*
	 * 5: how far destinations have come. A row of `cursor` is a part of the
	 * order of ends that is still owed, from line `line` of the log of
	 * the job at `at` on, to before `until`; NULL: whatever ends. A row of
	 * `cursor_line` is a job that has not ended and whose log goes ahead
	 * of its end: `line` is done, and gaps up to `most` are counted.
	 */
	"CREATE TABLE destination ("
	"  name TEXT NOT NULL PRIMARY KEY,"
	"  created_ms INTEGER NOT NULL,"
	"  accepted INTEGER NOT NULL,"
	"  aside INTEGER NOT NULL,"
	"  last_ms INTEGER"
	") WITHOUT ROWID;"
	"CREATE TABLE cursor ("
	"  destination TEXT NOT NULL,"
	"  at INTEGER NOT NULL,"
	"  line INTEGER NOT NULL,"
	"  until INTEGER,"
	"  PRIMARY KEY (destination, at)"
	") WITHOUT ROWID;"
	"CREATE TABLE cursor_line ("
	"  destination TEXT NOT NULL,"
	"  job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,"
	"  line INTEGER NOT NULL,"
	"  most INTEGER NOT NULL,"
	"  PRIMARY KEY (destination, job)"
	") WITHOUT ROWID;"
	"CREATE INDEX cursor_line_job ON cursor_line (job);"
	"CREATE TABLE dropped ("
	"  destination TEXT NOT NULL,"
	"  reason TEXT NOT NULL,"
	"  records INTEGER NOT NULL,"
	"  PRIMARY KEY (destination, reason)"
	") WITHOUT ROWID;"
	"CREATE TABLE aside ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  destination TEXT NOT NULL,"
	"  time_ms INTEGER NOT NULL,"
	"  record TEXT NOT NULL,"
	"  code TEXT NOT NULL,"
	"  reason TEXT,"
	"  excerpt TEXT"
	");"
	"CREATE INDEX aside_destination ON aside (destination, id);"
	"CREATE INDEX active_logged ON active (job) WHERE log_seq > 0;",
};

_Static_assert(JOB_QUEUED == 0 && JOB_RUNNING == 1 && JOB_SUCCEEDED == 2 &&
		       JOB_FAILED == 3 && JOB_TIMED_OUT == 4 &&
		       JOB_CANCELLED == 5 && JOB_DENIED == 6 && JOB_LOST == 7,
	       "states are numbers in the database");

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

static int
migrate_all(struct store *s, struct err *e)
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
		    store_change_commit(&change, e) < 0)
			return -1;
		v++;
	}
	return 0;
}

/*
 * A table that makes room for its better would take the children of its rows
 * along.
 */
static int
without_references(struct store *s, int (*fn)(struct store *, struct err *),
		   struct err *e)
{
	int rc;

	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
	rc = fn(s, e);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	return rc;
}

int
store_migrate(struct store *s, struct err *e)
{
	int64_t v;

	if (version(s, &v, e) < 0)
		return -1;
	return v == VERSION ? 0 : without_references(s, migrate_all, e);
}

static int
create_all(struct store *s, struct err *e)
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
	return store_change_commit(&change, e);
}

int
store_create_schema(struct store *s, struct err *e)
{
	return without_references(s, create_all, e);
}
