/* store/: databases of earlier versions. */
#include "store_folder.h"

/* What version 0.1.0 wrote. */
static const char version_1[] =
	"PRAGMA auto_vacuum = INCREMENTAL;"
	"PRAGMA journal_mode = WAL;"
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
	") WITHOUT ROWID;"
	"PRAGMA application_id = 1684105076;"
	"PRAGMA user_version = 1;"
	"INSERT INTO meta VALUES"
	"  ('agent_id', '01234567-89ab-4def-8123-456789abcdef');";

/* Ends in the order 3, 1, 4 and then as they come; 2 and 9 run; 10 is gone. */
static const char jobs_1[] =
	"INSERT INTO job (id, name, plugin, state, \"trigger\", attempt,"
	"  scheduled_ms, started_ms, finished_ms, duration_ms, owner_pid,"
	"  owner_start, owner_boot, \"exit\", usage, agent, sandbox, error,"
	"  denials, params, metrics, result) VALUES"
	"(1,'a','p','succeeded','run',1,10,11,50,39,NULL,NULL,NULL,'{e}',"
	"  '{u}','{a}','{s}','{r}','[d]','{p}','[m]','[1]'),"
	"(2,'b','p','running','run',1,12,13,NULL,NULL,0,5,'boot',NULL,NULL,"
	"  '{a}',NULL,NULL,NULL,'{p}',NULL,NULL),"
	"(3,'a','q','failed','run',2,14,15,40,25,NULL,NULL,NULL,NULL,NULL,"
	"  NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
	"(4,'a','q','timed_out','run',1,14,15,60,25,NULL,NULL,NULL,NULL,NULL,"
	"  NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
	"(5,'a','q','cancelled','run',1,14,15,61,25,NULL,NULL,NULL,NULL,NULL,"
	"  NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
	"(6,'a','q','denied','run',1,14,NULL,62,25,NULL,NULL,NULL,NULL,NULL,"
	"  NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
	"(7,'a','q','lost','run',1,14,15,63,25,NULL,NULL,NULL,NULL,NULL,"
	"  NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
	"(8,'a','q','queued','run',1,14,NULL,NULL,NULL,NULL,NULL,NULL,NULL,"
	"  NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
	"(9,'a','q','running','run',1,14,15,NULL,NULL,1,1,'b',NULL,NULL,"
	"  NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
	"(10,'a','q','failed','run',1,14,15,63,25,NULL,NULL,NULL,NULL,NULL,"
	"  NULL,NULL,NULL,NULL,NULL,NULL,NULL);"
	"DELETE FROM job WHERE id = 10;"
	"INSERT INTO log VALUES (1, 1, 7, 'info', 'log', 0, '{f}', 'one'),"
	"  (1, 2, 8, 'error', 'stderr', 9, NULL, 'two'),"
	"  (2, 1, 8, 'info', 'log', 0, NULL, 'three');";

static void
make_old(const char *more)
{
	sqlite3 *db = NULL;
	char *message = NULL;

	empty_folder();
	write_file(path, "", 0);
	sqlite3_open(path, &db);
	if (sqlite3_exec(db, version_1, NULL, NULL, &message) != SQLITE_OK ||
	    sqlite3_exec(db, more, NULL, NULL, &message) != SQLITE_OK)
		diag("%s", message);
	sqlite3_close(db);
}

static int
show_seq(void *arg, const struct store_job *j)
{
	buf_addf(arg, "%" PRId64 "=%s/%" PRId64 " ", j->id,
		 job_state_name(j->state), j->seq);
	return 0;
}

static void
test_kept(void)
{
	static const int64_t want[JOB_STATES] = { 1, 2, 1, 1, 1, 1, 1, 1 };
	struct store_stats stats = { 0 };
	char id[STORE_AGENT_ID] = "";
	struct err e = ERR_INIT;
	_buf_ struct buf b = { 0 };
	struct store *s;
	size_t lost = 0;

	make_old(jobs_1);
	s = open_store();
	is_str(ask(s, "PRAGMA user_version"), "5",
	       "a database of version 1 is brought up to date");
	is_str(ask(s, "SELECT count(*) FROM token"), "0",
	       "... with room for tokens");
	is_str(ask(s, "PRAGMA foreign_keys"), "1", "... and keeps references");
	is_str(ask(s, "PRAGMA foreign_key_check"), "?", "... all are right");
	is_str(ask(s, "PRAGMA integrity_check"), "ok", "... it is sound");
	store_agent_id(s, id, &e);
	is_str(id, "01234567-89ab-4def-8123-456789abcdef",
	       "... the agent's id is the same");
	store_job_list(s, &(struct store_filter){ 0 }, show_seq, &b, &e);
	is_str(b.data,
	       "9=running/0 8=queued/0 2=running/0 7=lost/6 6=denied/5 "
	       "5=cancelled/4 4=timed_out/3 1=succeeded/2 3=failed/1 ",
	       "... every job is there, in the order of their ends");
	b.len = 0;
	store_job_get(s, 1, show, &b, &e);
	is_str(b.data,
	       "a p succeeded run 1 10/11/50 39 params={p} result=[1] "
	       "error={r} exit={e} usage={u} metrics=[m] denials=[d] "
	       "sandbox={s} agent={a}",
	       "... as it was");
	b.len = 0;
	store_log_list(s, 1, 0, 0, show_log, &b, &e);
	is_str(b.data,
	       "1 7 info log 3 one {f} +0\n2 8 error stderr 3 two - +9\n",
	       "... so is its log");
	store_stats(s, &stats, &e);
	is_mem(stats.jobs, want, sizeof(want), "... they are counted");
	is_int(start(s), 11, "numbers go on, also after one that is gone");
	is_int(store_recover(s, 70, &lost, &e), 0, "runs can be recovered");
	is_int((intmax_t)lost, 2, "... both that were left");
	b.len = 0;
	store_job_list(s, &(struct store_filter){ .since_ms = 62 }, show_seq,
		       &b, &e);
	is_str(b.data,
	       "11=running/0 8=queued/0 9=lost/8 2=lost/7 7=lost/6 6=denied/5 ",
	       "lists go by the time of the end");
	is_int(store_log_add(s, 8,
			     &(struct store_log){ .level = "info",
						  .stream = "log",
						  .message = "" },
			     NULL, &e),
	       -1, "(a queued job does not log)");
	store_job_begin(s, 8, 1, 71, &e);
	is_int(finish(s, 8, JOB_SUCCEEDED, 72, &e), 0,
	       "one that was queued can run");
	store_close(s);
}

static void
test_pruned(void)
{
	const struct store_retention r = { .before_ms = 60, .limit = 100 };
	struct err e = ERR_INIT;
	size_t pruned = 0;
	struct store *s;

	make_old(jobs_1);
	s = open_store();
	is_int(store_prune(s, &r, &pruned, &e), 0, "what is old can go");
	is_int((intmax_t)pruned, 2, "... by its end");
	is_str(ask(s, "SELECT count(*) FROM log"), "1",
	       "... with its log, and no other");
	store_close(s);
}

static void
test_empty(void)
{
	struct store *s;

	make_old("");
	s = open_store();
	is_int(start(s), 1, "an empty old one counts from 1");
	store_close(s);
}

static void
test_at_once(void)
{
	int failed = 0, status;
	struct store *s;

	make_old(jobs_1);
	for (int i = 0; i < 6; i++) {
		if (fork() == 0) {
			s = open_store();
			_exit(start(s) < 11);
		}
	}
	for (int i = 0; i < 6; i++) {
		wait(&status);
		failed += status != 0;
	}
	is_int(failed, 0, "six processes bring one up to date at once");
	s = open_store();
	is_int(start(s), 17, "... it was done once");
	store_close(s);
}

/* Where it can't be done, the old one stays as it is. */
static void
test_no_room(void)
{
	struct err e = ERR_INIT;
	struct store *s = NULL;
	char *aside = NULL;
	sqlite3 *db = NULL;
	_buf_ struct buf b = { 0 };

	make_old(jobs_1);
	sqlite3_open(path, &db);
	sqlite3_exec(db, "CREATE TABLE active (x)", NULL, NULL, NULL);
	sqlite3_close(db);
	is_int(store_open(path, &s, &aside, &e), -1,
	       "one that can't be brought up to date is refused");
	ok(!aside, "... and not set aside");
	sqlite3_open(path, &db);
	sqlite3_exec(db, "DROP TABLE active", NULL, NULL, NULL);
	sqlite3_close(db);
	s = open_store();
	store_job_list(s, &(struct store_filter){ .limit = 1 }, show_seq, &b,
		       &e);
	is_str(b.data, "9=running/0 ", "... nor changed");
	store_close(s);
}

int
main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/agent.db", folder);
	test_kept();
	test_pruned();
	test_empty();
	test_at_once();
	test_no_room();
	empty_folder();
	rmdir(folder);
	return tap_done();
}
