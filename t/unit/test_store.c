/* store/: the jobs and their logs on disk, whatever happens to the disk. */
#include "store_folder.h"

/* --- Opening ---------------------------------------------------------------
 */

static void
test_new(void)
{
	static const struct {
		const char *pragma, *want;
	} settings[] = {
		{ "PRAGMA journal_mode", "wal" },
		{ "PRAGMA synchronous", "2" },
		{ "PRAGMA foreign_keys", "1" },
		{ "PRAGMA trusted_schema", "0" },
		{ "PRAGMA cell_size_check", "1" },
		{ "PRAGMA auto_vacuum", "2" },
		{ "PRAGMA busy_timeout", "5000" },
		{ "PRAGMA temp_store", "2" },
		{ "PRAGMA application_id", "1684105076" },
		{ "PRAGMA user_version", "5" },
		{ "PRAGMA integrity_check", "ok" },
	};
	char deep[128], id[STORE_AGENT_ID] = "", again[STORE_AGENT_ID] = "";
	char parent[160];
	struct err e = ERR_INIT;
	char *aside = NULL;
	struct store *s = NULL;
	_buf_ struct buf b = { 0 };

	snprintf(deep, sizeof(deep), "%s/a/b/agent.db", folder);
	is_int(store_open(deep, &s, &aside, &e), 0,
	       "a database is made where there is none");
	is_str(e.msg, "", "... without an error");
	is_str(aside, NULL, "... and nothing is set aside");
	is_int(mode_of(deep), 0600, "... its file is its owner's");
	snprintf(parent, sizeof(parent), "%s/a/b", folder);
	is_int(mode_of(parent), 0700, "... and so is its folder");
	for (size_t i = 0; i < TAP_COUNT(settings); i++)
		is_str(ask(s, settings[i].pragma), settings[i].want, "%s is %s",
		       settings[i].pragma, settings[i].want);
	is_int(store_agent_id(s, id, &e), 0, "the agent has an id");
	is_int((intmax_t)strspn(id, "0123456789abcdef-"), 36, "... a UUID");
	is_int(id[14], '4', "... of version 4");
	ok(strchr("89ab", id[19]), "... of the right variant");
	start(s);
	snprintf(parent, sizeof(parent), "%s-wal", deep);
	is_int(mode_of(parent), 0600, "the log beside is its owner's too");
	store_close(s);
	is_int(access(parent, F_OK), 0, "... and stays while it is small");
	is_int(store_open(deep, &s, &aside, &e), 0, "it opens again");
	store_agent_id(s, again, &e);
	is_str(again, id, "... with the same id");
	is_str(state_of(s, 1), "running", "... and the same jobs");
	is_int(store_job_get(s, 2, show, &b, &e), -1, "what is not there");
	is_int(e.kind, ERR_NOT_FOUND, "... is not found");
	is_str(e.msg, "no job 2", "... by its number");
	store_close(s);
	store_close(NULL);
	unlink(deep);
	unlink(parent);
	snprintf(parent, sizeof(parent), "%s-shm", deep);
	unlink(parent);
	snprintf(deep, sizeof(deep), "%s/a/b", folder);
	rmdir(deep);
	snprintf(deep, sizeof(deep), "%s/a", folder);
	rmdir(deep);
}

/* What may be found in the place of a database. */
static const struct {
	const char *title;
	size_t bytes;	 /* of garbage; 0: a sound database */
	const char *sql; /* done to that */
	off_t cut;	 /* its file is cut to that; 0: not */
	off_t spoil;	 /* garbage is written there; 0: not */
	bool suspect;	 /* an earlier process met damage */
	bool set_aside;
	const char *want_error;
} places[] = {
	{ .title = "a sound database" },
	{ .title = "one byte", .bytes = 1, .set_aside = true },
	{ .title = "500 bytes of text", .bytes = 500, .set_aside = true },
	{ .title = "a page of text", .bytes = 4096, .set_aside = true },
	{ .title = "much text", .bytes = 100000, .set_aside = true },
	{ .title = "a database cut short", .cut = 6000, .set_aside = true },
	{ .title = "one cut in its header", .cut = 50, .set_aside = true },
	{ .title = "an empty file", .cut = -1, .set_aside = true },
	{ .title = "one with a spoilt header", .spoil = 1, .set_aside = true },
	{ .title = "one with a spoilt schema",
	  .spoil = 101,
	  .set_aside = true },
	{ .title = "one with a spoilt page that nobody met", .spoil = 4097 },
	{ .title = "one with a spoilt page that somebody met",
	  .spoil = 4097,
	  .suspect = true,
	  .set_aside = true },
	{ .title = "one that only seemed damaged", .suspect = true },
	{ .title = "another program's database",
	  .sql = "PRAGMA application_id = 7",
	  .set_aside = true },
	{ .title = "one of nobody",
	  .sql = "PRAGMA application_id = 0",
	  .set_aside = true },
	{ .title = "a newer schema",
	  .sql = "PRAGMA user_version = 99",
	  .want_error = "its schema has version 99, and this program knows "
			"those up to 5" },
	{ .title = "a negative schema",
	  .sql = "PRAGMA user_version = -1",
	  .want_error = "its schema has version -1" },
};

static void
make_place(size_t i)
{
	static const char text[100001] =
		"This is no database, it only stands where one should. ";
	struct store *s;
	char mark[128];
	int fd;

	if (places[i].bytes) {
		empty_folder();
		write_file(path, text, places[i].bytes);
		return;
	}
	s = new_store();
	start(s);
	if (places[i].sql)
		sql(s, places[i].sql);
	/* else the log could make good what is done to the file */
	sql(s, "PRAGMA wal_checkpoint(TRUNCATE)");
	store_close(s);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (places[i].cut &&
	    ftruncate(fd, places[i].cut > 0 ? places[i].cut : 0) < 0)
		diag("cut: %s", strerror(errno));
	if (places[i].spoil && pwrite(fd, "\xde\xad\xbe\xef\xde\xad\xbe\xef", 8,
				      places[i].spoil - 1) != 8)
		diag("spoil: %s", strerror(errno));
	close(fd);
	snprintf(mark, sizeof(mark), "%s.suspect", path);
	if (places[i].suspect)
		write_file(mark, "", 0);
}

static void
check_aside(const char *title, struct store *s, const char *aside)
{
	const char *date = "";

	has_str(aside, ".damaged-", "%s: it has another name", title);
	if (aside && strstr(aside, ".damaged-"))
		date = strstr(aside, ".damaged-") + strlen(".damaged-");
	ok(strlen(date) >= 16 && date[8] == 'T' && date[15] == 'Z' &&
		   strspn(date, "0123456789TZ-") == strlen(date),
	   "%s: ... with the date", title);
	ok(aside && access(aside, F_OK) == 0, "%s: ... and is there", title);
	is_int(start(s), 1, "%s: the new one counts from 1", title);
	is_str(ask(s, "PRAGMA integrity_check"), "ok", "%s: ... and is sound",
	       title);
}

static void
test_places(void)
{
	for (size_t i = 0; i < TAP_COUNT(places); i++) {
		const char *title = places[i].title;
		struct store *s = NULL;
		struct err e = ERR_INIT;
		char *aside = NULL;
		int rc;

		make_place(i);
		rc = store_open(path, &s, &aside, &e);
		if (places[i].want_error) {
			is_int(rc, -1, "%s is refused", title);
			has_str(e.msg, places[i].want_error,
				"%s: the error says why", title);
			is_int(count_files("damaged"), 0,
			       "%s: it is left in its place", title);
			continue;
		}
		if (!is_int(rc, 0, "%s: a database is there", title)) {
			diag("%s", e.msg);
			continue;
		}
		is_int(aside != NULL, places[i].set_aside, "%s is %sset aside",
		       title, places[i].set_aside ? "" : "not ");
		if (aside)
			check_aside(title, s, aside);
		is_int(count_files("suspect"), 0,
		       "%s: nothing is suspected now", title);
		is_int(count_files(".new"), 0, "%s: nothing is left over",
		       title);
		free(aside);
		store_close(s);
	}
}

/* Damage that shows in the middle of work is found at the next start. */
static void
test_later_damage(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;
	_buf_ struct buf b = { 0 };
	char *aside = NULL;
	char junk[4096];
	int fd, rc;

	store_begin(s, &e);
	for (int i = 0; i < 2000; i++)
		start(s);
	is_int(store_commit(s, &e), 0, "(a database of some size)");
	sql(s, "PRAGMA wal_checkpoint(TRUNCATE)");
	store_close(s);
	memset(junk, 0x5a, sizeof(junk));
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (off_t page = 30; page < 60; page++)
		if (lseek(fd, 0, SEEK_END) > (page + 1) * 4096 &&
		    pwrite(fd, junk, sizeof(junk), page * 4096) < 0)
			diag("spoil: %s", strerror(errno));
	close(fd);
	s = open_store();
	rc = store_job_list(s, &(struct store_filter){ 0 }, show_id, &b, &e);
	is_int(rc, -1, "damage that is met is an error");
	has_str(e.msg, "damaged", "... that says so");
	has_str(e.hint, "start again", "... and what to do");
	is_int(count_files("suspect"), 1, "... and is noted");
	store_close(s);
	is_int(store_open(path, &s, &aside, &e), 0, "the next start goes on");
	ok(aside, "... with a new database");
	free(aside);
	store_close(s);
}

/* Two names in the same second, and what SQLite keeps beside. */
static void
test_aside_names(void)
{
	char *first = NULL, *second = NULL, wal[160];
	struct err e = ERR_INIT;
	struct store *s = NULL;

	for (int i = 0; i < 20 && !(second && strstr(second, "Z-2")); i++) {
		free(first);
		free(second);
		empty_folder();
		write_file(path, "junk", 4);
		snprintf(wal, sizeof(wal), "%s-wal", path);
		write_file(wal, "log", 3);
		store_open(path, &s, &first, &e);
		store_close(s);
		write_file(path, "junk", 4);
		store_open(path, &s, &second, &e);
		store_close(s);
	}
	has_str(second, "Z-2", "a second one in that second gets a number");
	snprintf(wal, sizeof(wal), "%s-wal", first);
	is_int(access(wal, F_OK), 0, "the log beside moves with it");
	free(first);
	free(second);
	empty_folder();
	snprintf(wal, sizeof(wal), "%s-wal", path);
	write_file(wal, "log", 3);
	first = NULL;
	is_int(store_open(path, &s, &first, &e), 0,
	       "a log without its database does no harm");
	ok(first, "... and is set aside");
	free(first);
	store_close(s);
}

static void
test_not_damage(void)
{
	struct store *s = new_store(), *other = NULL;
	struct err e = ERR_INIT;
	char *aside = NULL;
	pid_t child;
	int status;

	sqlite3_busy_timeout(s->db, 50);
	other = open_store();
	sqlite3_busy_timeout(other->db, 50);
	store_begin(other, &e);
	is_int(store_job_start(s,
			       &(struct store_job){ .name = "a",
						    .plugin = "a",
						    .trigger = "run" },
			       &e),
	       -1, "a locked database is an error");
	has_str(e.msg, "locked", "... that says so");
	ok(e.hint[0], "... with a hint");
	is_int(count_files("suspect"), 0, "... and no suspicion");
	store_rollback(other);
	is_int(start(s), 1, "... and works once it is free");
	store_close(other);
	store_close(s);

	child = fork();
	if (child == 0) {
		if (geteuid() ? chmod(path, 0) : setuid(65534))
			_exit(9);
		if (store_open(path, &s, &aside, &e) == 0)
			_exit(1);
		_exit(!strstr(e.msg, "denied") + 2 * (aside != NULL));
	}
	waitpid(child, &status, 0);
	chmod(path, 0600);
	is_int(status, 0, "a database of somebody else is refused");
	s = new_store();
	s->kept = false;
	store_close(s);
	is_int(count_files("-wal"), 0, "(a database without a log)");
	chmod(path, 0444);
	chmod(folder, 0777);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(9);
		if (store_open(path, &s, &aside, &e) == 0)
			_exit(1);
		_exit(!strstr(e.msg, "may not be written") + !e.hint[0] +
		      4 * (aside != NULL));
	}
	waitpid(child, &status, 0);
	is_int(status, 0, "a read-only database is refused, with a hint");
	chmod(path, 0600);
	chmod(folder, 0700);
	is_int(count_files("damaged"), 0, "... and none is set aside");
	is_int(store_open(folder, &s, &aside, &e), -1, "nor is a folder");
	has_str(e.msg, "not a regular file", "... which is refused");
}

/* --- Several processes ------------------------------------------------------
 */

#define CHILDREN 8
#define JOBS 10

static int
open_and_work(int out)
{
	struct {
		char id[STORE_AGENT_ID];
		int aside;
		int64_t jobs[JOBS];
	} r;
	struct store *s = NULL;
	struct err e = ERR_INIT;
	char *aside = NULL;

	memset(&r, 0, sizeof(r));
	if (store_open(path, &s, &aside, &e) < 0 ||
	    store_agent_id(s, r.id, &e) < 0) {
		diag("%s", e.msg);
		return 1;
	}
	r.aside = aside != NULL;
	for (int i = 0; i < JOBS; i++) {
		struct store_job job = sample();

		if (store_job_start(s, &job, &e) < 0 ||
		    finish(s, job.id, JOB_SUCCEEDED, 5, &e) < 0) {
			diag("%s", e.msg);
			return 2;
		}
		r.jobs[i] = job.id;
	}
	store_close(s);
	free(aside);
	return write(out, &r, sizeof(r)) == (ssize_t)sizeof(r) ? 0 : 3;
}

static void
test_together(bool damaged)
{
	struct {
		char id[STORE_AGENT_ID];
		int aside;
		int64_t jobs[JOBS];
	} r;
	const char *what = damaged ? "damaged" : "missing";
	int fds[2], status, failed = 0, asides = 0, ids = 0, seen = 0;
	bool used[CHILDREN * JOBS + 1] = { false };
	char first[STORE_AGENT_ID] = "";

	empty_folder();
	if (damaged)
		write_file(path, "junk", 4);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	for (int i = 0; i < CHILDREN; i++)
		if (fork() == 0)
			_exit(open_and_work(fds[1]));
	close(fds[1]);
	for (int i = 0; i < CHILDREN; i++) {
		wait(&status);
		failed += status != 0;
	}
	while (read(fds[0], &r, sizeof(r)) == (ssize_t)sizeof(r)) {
		if (!first[0])
			memcpy(first, r.id, sizeof(first));
		ids += !strcmp(first, r.id);
		asides += r.aside;
		for (int i = 0; i < JOBS; i++)
			if (r.jobs[i] > 0 && r.jobs[i] <= CHILDREN * JOBS &&
			    !used[r.jobs[i]])
				seen += used[r.jobs[i]] = true;
	}
	close(fds[0]);
	is_int(failed, 0, "%d processes open one %s database at once", CHILDREN,
	       what);
	is_int(ids, CHILDREN, "... all as the same agent");
	is_int(seen, CHILDREN * JOBS, "... each job has a number of its own");
	is_int(asides, damaged, "... set aside: %d time", damaged);
	is_int(count_files("damaged"), damaged, "... set aside: %d file",
	       damaged);
}

/* --- Jobs -------------------------------------------------------------------
 */

static int
give_logs(void *arg, store_log_fn *add, void *add_arg)
{
	const struct store_log lines[] = {
		{ .time_ms = 7,
		  .level = "info",
		  .stream = "log",
		  .message = "a\0b",
		  .len = 3,
		  .fields = "{\"x\":1}",
		  .left_out = 9 },
		{ .time_ms = 8,
		  .level = "error",
		  .stream = "stderr",
		  .message = "",
		  .len = 0 },
	};

	(void)arg;
	for (size_t i = 0; i < TAP_COUNT(lines); i++) {
		int rc = add(add_arg, &lines[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
fail_logs(void *arg, store_log_fn *add, void *add_arg)
{
	give_logs(arg, add, add_arg);
	return -3;
}

static void
test_whole_job(void)
{
	struct store *s = new_store();
	struct store_job job = sample();
	struct err e = ERR_INIT;
	_buf_ struct buf started = { 0 }, ended = { 0 }, log = { 0 };
	_buf_ struct buf rest = { 0 };
	static const char want_log[] = "1 7 info log 3 a\0b {\"x\":1} +9\n"
				       "2 8 error stderr 0  - +0\n";

	is_int(store_job_start(s, &job, &e), 0, "a job starts");
	is_int(job.id, 1, "... as number 1");
	is_int(job.state, JOB_RUNNING, "... and runs");
	store_job_get(s, 1, show, &started, &e);
	is_str(started.data,
	       "disks collect-disk running run 1 1000/1001/0 0 "
	       "params={\"a\":1} agent={\"host\":\"h\"}",
	       "what was said of it is kept");
	job = (struct store_job){
		.id = 1,
		.state = JOB_FAILED,
		.finished_ms = 1013,
		.duration_ms = 12,
		.result = "[\"\xc3\xa9\"]",
		.error = "{1}",
		.exit = "{2}",
		.usage = "{3}",
		.metrics = "[4]",
		.denials = "[5]",
		.sandbox = "{6}",
	};
	is_int(store_job_finish(s, &job, fail_logs, NULL, &e), -1,
	       "a log that can't be read is an error");
	is_str(state_of(s, 1), "running", "... and nothing has changed");
	is_int(store_job_finish(s, &job, give_logs, NULL, &e), 0,
	       "the job ends, with its log");
	store_job_get(s, 1, show, &ended, &e);
	is_str(ended.data,
	       "disks collect-disk failed run 1 1000/1001/1013 12 "
	       "params={\"a\":1} result=[\"\xc3\xa9\"] error={1} exit={2} "
	       "usage={3} metrics=[4] denials=[5] sandbox={6} "
	       "agent={\"host\":\"h\"}",
	       "all of it is kept");
	store_log_list(s, 1, 0, 0, show_log, &log, &e);
	is_int((intmax_t)log.len, sizeof(want_log) - 1, "and so is its log");
	is_mem(log.data, want_log, log.len, "... to the byte");
	store_log_list(s, 1, 1, 1, show_log, &rest, &e);
	is_str(rest.data, "2 8 error stderr 0  - +0\n",
	       "a log can be read from some line on");
	store_close(s);
}

static void
test_refused(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;
	const struct store_log line = {
		.level = "info", .stream = "log", .message = "x", .len = 1
	};
	int64_t id = start(s);
	int right = 0;
	struct store_job big = sample();

	for (enum job_state to = JOB_QUEUED; to <= JOB_RUNNING; to++)
		right += finish(s, id, to, 1, &e) < 0 && e.kind == ERR_USAGE;
	is_int(right, 2, "a job can't end as queued or running");
	is_int(store_log_add(s, id, &line, NULL, &e), 0, "a running job logs");
	is_int(store_log_add(s, id + 1, &line, NULL, &e), -1,
	       "another does not");
	is_int(e.kind, ERR_NOT_FOUND, "... since it is not there");
	is_int(finish(s, id + 1, JOB_FAILED, 1, &e), -1, "nor does it end");
	is_int(e.kind, ERR_NOT_FOUND, "... since it is not there");
	for (enum job_state from = JOB_SUCCEEDED; from <= JOB_LOST; from++) {
		id = start(s);
		finish(s, id, from, 5, &e);
		is_str(state_of(s, id), job_state_name(from),
		       "a job ends as %s", job_state_name(from));
		for (enum job_state to = 0; to <= JOB_LOST; to++) {
			e.kind = ERR_NONE;
			right += finish(s, id, to, 6, &e) < 0 &&
				 e.kind == ERR_USAGE;
		}
	}
	is_int(right, 2 + 6 * 8, "what has ended does not end again");
	has_str(e.msg, "is lost and can't become lost", "... the error says");
	is_int(store_log_add(s, id, &line, NULL, &e), -1, "nor does it log");
	has_str(e.msg, "logs no more", "... the error says");
	big.params =
		memset(xcalloc(STORE_TEXT_MAX + 2, 1), ' ', STORE_TEXT_MAX + 1);
	is_int(store_job_start(s, &big, &e), -1, "a text may be too long");
	is_int(e.kind, ERR_USAGE, "... which is refused");
	free((char *)big.params);
	is_int(start(s), id + 1, "and nothing of it took a number");
	store_close(s);
}

static void
test_list(void)
{
	static const struct {
		const char *title;
		struct store_filter filter;
		const char *want;
	} cases[] = {
		{ "all, newest first", { 0 }, "7 6 5 4 3 2 1 " },
		{ "so many", { .limit = 3 }, "7 6 5 " },
		{ "the page after", { .limit = 3, .before_id = 5 }, "4 3 2 " },
		{ "the last page", { .before_id = 2 }, "1 " },
		{ "nothing before the first", { .before_id = 1 }, "" },
		{ "of a name", { .name = "a" }, "7 4 1 " },
		{ "of a name, so many", { .name = "a", .limit = 2 }, "7 4 " },
		{ "of a name, the page after",
		  { .name = "a", .before_id = 4 },
		  "1 " },
		{ "of no such name", { .name = "a' OR 1 --" }, "" },
		{ "of a plugin", { .plugin = "q" }, "6 4 2 " },
		{ "of a name and a plugin",
		  { .name = "a", .plugin = "q" },
		  "4 " },
		{ "in a state", { .states = 1U << JOB_RUNNING }, "7 " },
		{ "in one of two",
		  { .states = 1U << JOB_RUNNING | 1U << JOB_FAILED },
		  "7 6 4 2 " },
		{ "in a state, so many",
		  { .states = 1U << JOB_FAILED, .limit = 2 },
		  "6 4 " },
		{ "in no such state", { .states = 1U << JOB_LOST }, "" },
		{ "not over before", { .since_ms = 105 }, "7 6 5 " },
	};
	struct store *s = new_store();
	struct err e = ERR_INIT;

	for (int i = 1; i <= 7; i++) {
		const char name[] = { (char)('a' + (i - 1) % 3), '\0' };
		struct store_job job = { .name = name,
					 .plugin = i % 2 ? "p" : "q",
					 .trigger = "run" };

		store_job_start(s, &job, &e);
		if (i < 7)
			finish(s, i, i % 2 ? JOB_SUCCEEDED : JOB_FAILED,
			       100 + i, &e);
	}
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_buf_ struct buf b = { 0 };

		buf_adds(&b, "");
		is_int(store_job_list(s, &cases[i].filter, show_id, &b, &e), 0,
		       "jobs can be listed: %s", cases[i].title);
		is_str(b.data, cases[i].want, "jobs: %s", cases[i].title);
	}
	store_close(s);
}

static int
stop_at_once(void *arg, const struct store_job *job)
{
	(void)job;
	++*(int *)arg;
	return -7;
}

static void
test_batch(void)
{
	struct store *s = new_store(), *other = open_store();
	struct store_job job;
	struct err e = ERR_INIT;
	int calls = 0;

	is_int(store_begin(s, &e), 0, "a batch begins");
	start(s);
	start(s);
	is_str(state_of(other, 1), "", "nobody sees it before its end");
	is_int(finish(s, 1, JOB_SUCCEEDED, 5, &e), 0, "a job of it may end");
	is_int(finish(s, 1, JOB_SUCCEEDED, 5, &e), -1, "... but once");
	is_int(store_commit(s, &e), 0, "what was refused spoils nothing");
	is_str(state_of(other, 1), "succeeded", "everybody sees it after");
	is_str(state_of(other, 2), "running", "... all of it");
	store_begin(s, &e);
	start(s);
	finish(s, 2, JOB_FAILED, 5, &e);
	store_rollback(s);
	is_str(state_of(s, 3), "", "what is given up was never there");
	is_str(state_of(s, 2), "running", "... nor changed");
	store_rollback(s);
	is_int(start(s), 3, "giving up nothing is harmless");
	store_begin(s, &e);
	is_int(store_job_finish(
		       s, &(struct store_job){ .id = 3, .state = JOB_FAILED },
		       fail_logs, NULL, &e),
	       -1, "what fails in a batch");
	is_int(store_commit(s, &e), 0, "... leaves the rest");
	is_str(state_of(s, 3), "running", "... and is undone");
	is_str(ask(s, "SELECT count(*) FROM log"), "0", "... all of it");
	store_begin(s, &e);
	start(s);
	sql(s, "ROLLBACK");
	job = sample();
	is_int(store_job_start(s, &job, &e), -1,
	       "where SQLite undid a batch, nothing follows");
	is_int(store_commit(s, &e), -1, "... and it fails");
	has_str(e.msg, "were undone", "... the error says why");
	is_str(state_of(s, 4), "", "... nothing of it is there");
	store_begin(s, &e);
	start(s);
	store_close(s);
	is_str(state_of(other, 4), "", "a batch that is left is undone");
	is_int(store_job_list(other, &(struct store_filter){ 0 }, stop_at_once,
			      &calls, &e),
	       -7, "a reader may stop");
	is_int(calls, 1, "... at once");
	store_close(other);
}

/* --- Processes that are gone ------------------------------------------------
 */

static pid_t
run_elsewhere(void)
{
	int fds[2];
	char c;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		struct store *s = open_store();

		start(s);
		if (write(fds[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(fds[1]);
	if (read(fds[0], &c, 1) != 1)
		diag("the child did not start its job");
	close(fds[0]);
	return child;
}

static size_t
recover(struct store *s)
{
	struct err e = ERR_INIT;
	size_t lost = 99;

	if (store_recover(s, 777, &lost, &e) < 0)
		diag("recover: %s", e.msg);
	return lost;
}

static void
test_killed(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;
	siginfo_t info;
	_buf_ struct buf b = { 0 };
	pid_t child;
	char want[256];

	is_int((intmax_t)recover(s), 0, "with no job, none is lost");
	start(s);
	child = run_elsewhere();
	is_int((intmax_t)recover(s), 0, "jobs of living processes are not");
	is_str(state_of(s, 2), "running", "... they run");
	kill(child, SIGKILL);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	is_int((intmax_t)recover(s), 1,
	       "one of a killed process is lost, "
	       "though it is not reaped");
	waitpid(child, NULL, 0);
	store_job_get(s, 2, show, &b, &e);
	snprintf(want, sizeof(want),
		 "disks collect-disk lost run 1 1000/1001/777 0 "
		 "params={\"a\":1} error={\"code\":\"lost\",\"message\":\"the "
		 "agent that ran it (process %d) ended before the job did\","
		 "\"hint\":null} agent={\"host\":\"h\"}",
		 (int)child);
	is_str(b.data, want, "... and says of whom");
	is_str(state_of(s, 1), "running", "... nobody else's");
	is_int((intmax_t)recover(s), 0, "... only once");
	is_int(finish(s, 2, JOB_SUCCEEDED, 5, &e), -1, "... and for good");
	child = run_elsewhere();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	is_int((intmax_t)recover(s), 1, "so is one of a process that is gone");
	is_int(finish(s, 1, JOB_SUCCEEDED, 5, &e), 0, "a living one ends");
	store_close(s);
}

static void
test_owners(void)
{
	static const struct {
		const char *title, *change;
		int lost;
	} cases[] = {
		{ "this process", "owner_pid = owner_pid", 0 },
		{ "an earlier process of that number",
		  "owner_start = owner_start - 1", 1 },
		{ "this process in an earlier boot", "owner_boot = 'b'", 1 },
		{ "process 1 of another start",
		  "owner_pid = 1, owner_start = 1", 1 },
		{ "a number that is none", "owner_pid = 0", 1 },
		{ "a negative number", "owner_pid = -1", 1 },
		{ "a number beyond all", "owner_pid = 1073741824", 1 },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct store *s = new_store();
		char change[256];

		start(s);
		snprintf(change, sizeof(change), "UPDATE active SET %s",
			 cases[i].change);
		sql(s, change);
		is_int((intmax_t)recover(s), cases[i].lost,
		       "a job of %s is %slost", cases[i].title,
		       cases[i].lost ? "" : "not ");
		store_close(s);
	}
}

/* --- Retention --------------------------------------------------------------
 */

static int
one_big_line(void *arg, store_log_fn *add, void *add_arg)
{
	static char line[20000];

	(void)arg;
	memset(line, 'x', sizeof(line));
	return add(add_arg, &(struct store_log){ .level = "info",
						 .stream = "log",
						 .message = line,
						 .len = sizeof(line) });
}

static int
prune(struct store *s, int64_t before_ms, int64_t size_bytes, size_t limit,
      size_t *pruned, struct err *e)
{
	const struct store_retention r = {
		.before_ms = before_ms,
		.size_bytes = size_bytes,
		.limit = limit,
	};

	return store_prune(s, &r, pruned, e);
}

/* Jobs 1 to n end at 1 to n, but every tenth, which runs. */
static struct store *
fill(int n)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;

	store_begin(s, &e);
	for (int i = 1; i <= n; i++) {
		struct store_job job = sample();

		store_job_start(s, &job, &e);
		job.state = JOB_SUCCEEDED;
		job.finished_ms = i;
		if (i % 10)
			store_job_finish(s, &job, one_big_line, NULL, &e);
	}
	if (store_commit(s, &e) < 0)
		diag("%s", e.msg);
	return s;
}

static void
test_prune_age(void)
{
	struct store *s = fill(50);
	struct err e = ERR_INIT;
	_buf_ struct buf b = { 0 };
	size_t pruned = 0;

	is_int(prune(s, 1, 0, 100, &pruned, &e), 0, "nothing is old: done");
	is_int((intmax_t)pruned, 0, "... and none is deleted");
	is_int(prune(s, 26, 0, 10, &pruned, &e), 1,
	       "a step leaves work for the next");
	ok(pruned > 0 && pruned <= 10, "... having done so much at most");
	while (pruned < 10 && prune(s, 26, 0, 10 - pruned, &pruned, &e) == 1)
		;
	is_int((intmax_t)pruned, 10, "... and the next ones the rest");
	is_str(state_of(s, 11), "", "the oldest go first");
	is_str(state_of(s, 12), "succeeded", "... and no others yet");
	is_str(state_of(s, 10), "running", "... and none that runs");
	while (prune(s, 26, 0, 10, &pruned, &e) == 1)
		;
	is_int((intmax_t)pruned, 23, "in the end all that are old are gone");
	is_str(ask(s, "SELECT count(*) FROM log"), "22",
	       "... their logs too, and no others");
	is_str(ask(s, "SELECT count(*) FROM job"), "27", "... as it should be");
	is_str(ask(s, "PRAGMA foreign_key_check"), "?", "... and consistent");
	while (prune(s, INT64_MAX, 0, 100, &pruned, &e) == 1)
		;
	is_int(start(s), 51, "numbers of deleted jobs are not used again");
	finish(s, 50, JOB_FAILED, 1, &e);
	finish(s, 51, JOB_FAILED, 1, &e);
	while (prune(s, INT64_MAX, 0, 100, &pruned, &e) == 1)
		;
	is_int(start(s), 52, "... not even the highest");
	store_job_list(s, &(struct store_filter){ 0 }, show_id, &b, &e);
	is_str(b.data, "52 40 30 20 10 ", "what runs stays for ever");
	store_close(s);
}

static int64_t
file_size(void)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

static void
test_prune_size(void)
{
	struct store *s = fill(500);
	struct err e = ERR_INIT;
	size_t pruned = 0, last = 0, most = 0;
	int steps = 0;
	int64_t before, after;

	sql(s, "PRAGMA wal_checkpoint(PASSIVE)");
	before = file_size();
	ok(before > 8 << 20, "a database is large");
	store_close(s);
	is_int(count_files("-wal"), 0, "its log, which was too, is gone");
	s = open_store();
	while (prune(s, 0, 2 << 20, 20, &pruned, &e) == 1 && ++steps < 1000) {
		if (pruned - last > most)
			most = pruned - last;
		last = pruned;
	}
	after = file_size();
	ok(steps > 10 && steps < 1000 && most <= 20,
	   "it is pruned in small steps");
	ok(after < (2 << 20) + (1 << 20), "the file is as small as asked for");
	ok(after > 1 << 20, "... and not smaller");
	diag("%" PRId64 " bytes, %zu jobs and %d steps later %" PRId64, before,
	     pruned, steps, after);
	is_str(state_of(s, 499), "succeeded", "the newest job stays");
	is_str(state_of(s, 1), "", "the oldest does not");
	is_str(state_of(s, 10), "running", "one that runs does");
	pruned = 0;
	is_int(prune(s, 0, 2 << 20, 20, &pruned, &e), 0,
	       "then there is nothing to do");
	is_int((intmax_t)pruned, 0, "... and none is deleted");
	is_str(ask(s, "PRAGMA integrity_check"), "ok", "all of it is sound");
	store_close(s);
}

/* --- Full disks -------------------------------------------------------------
 */

/* Starts and ends jobs until it fails; how many ended. */
static int
fill_up(struct store *s, struct err *e)
{
	for (int n = 0; n < 1000; n++) {
		struct store_job job = sample();

		if (store_job_start(s, &job, e) < 0)
			return n;
		job.state = JOB_SUCCEEDED;
		job.finished_ms = 1;
		if (store_job_finish(s, &job, one_big_line, NULL, e) < 0)
			return n;
	}
	return -1;
}

static void
check_full(struct store *s, const char *what, const char *ballast)
{
	struct err e = ERR_INIT, after = ERR_INIT;
	int ended = fill_up(s, &e);
	size_t pruned = 0;
	char count[32];

	ok(ended > 3, "%s: some jobs fit", what);
	has_str(e.msg, "the disk is full", "%s: then the error says why", what);
	is_int(e.errnum, ENOSPC, "%s: ... also as errno", what);
	has_str(e.hint, "free space", "%s: ... with a hint", what);
	is_int(count_files("suspect"), 0, "%s: ... and no suspicion", what);
	snprintf(count, sizeof(count), "%d", ended);
	is_str(ask(s, "SELECT count(*) FROM ended WHERE state = 2"), count,
	       "%s: every job that was acknowledged is there", what);
	is_str(ask(s, "SELECT count(*) FROM log"), count,
	       "%s: ... and each with its log", what);
	is_str(ask(s, "PRAGMA integrity_check"), "ok", "%s: all is sound",
	       what);
	unlink(ballast);
	while (prune(s, INT64_MAX, 0, 2, &pruned, &after) == 1)
		;
	is_str(after.msg, "", "%s: with a little room, old jobs can be pruned",
	       what);
	ok(fill_up(s, &after) > 0, "%s: ... and then there is room again",
	   what);
}

static void
test_page_limit(void)
{
	struct store *s = new_store();

	sql(s, "PRAGMA max_page_count = 200");
	check_full(s, "no more pages", "");
	store_close(s);
}

/* A small file system of its own; false where this account may not. */
static bool
small_disk(const char *size)
{
	char options[64];

	snprintf(options, sizeof(options), "size=%s,mode=0700", size);
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("test", folder, "tmpfs", MS_NOSUID | MS_NODEV, options) ==
		       0;
}

static void
test_full_disk(void)
{
	struct err e = ERR_INIT;
	struct store *s = NULL;
	char *aside = NULL, ballast[64];
	static char zeros[1 << 20];

	if (!small_disk("12m")) {
		test_page_limit();
		return;
	}
	snprintf(ballast, sizeof(ballast), "%s/ballast", folder);
	write_file(ballast, zeros, sizeof(zeros));
	s = open_store();
	check_full(s, "a full disk", ballast);
	store_close(s);
	umount(folder);
	mount("test", folder, "tmpfs", 0, "size=16k");
	is_int(store_open(path, &s, &aside, &e), -1,
	       "where no database fits, none is made");
	has_str(e.msg, "full", "... the error says why");
	has_str(e.hint, "free space", "... and what to do");
	is_int(count_files("agent.db"), 0, "... nothing is left of it");
	write_file(path, "junk", 4);
	is_int(store_open(path, &s, &aside, &e), -1,
	       "where no new one fits, a damaged one");
	is_int(count_files("damaged"), 0, "... stays in its place");
	umount(folder);
}

/* Root looks first into what is an agent's. */
static void
test_folder_of_another(void)
{
	const uid_t owner = 61234;
	struct stat st = { 0 };
	char wal[80];

	if (geteuid() != 0) {
		skip("not root",
		     "root makes a database for its folder's owner");
		return;
	}
	empty_folder();
	if (chown(folder, owner, owner) < 0)
		diag("chown: %m");
	store_close(open_store());
	is_int(stat(path, &st) == 0 ? st.st_uid : 0, owner,
	       "what root makes in another's folder is that other's");
	struct store *s = open_store();
	snprintf(wal, sizeof(wal), "%s-wal", path);
	is_int(stat(wal, &st) == 0 ? st.st_uid : 0, owner,
	       "... and so is what SQLite makes beside it");
	store_close(s);
	if (chown(folder, 0, 0) < 0)
		diag("chown: %m");
}

int
main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/agent.db", folder);
	test_new();
	test_places();
	test_later_damage();
	test_aside_names();
	test_not_damage();
	test_together(false);
	test_together(true);
	test_whole_job();
	test_refused();
	test_list();
	test_batch();
	test_killed();
	test_owners();
	test_prune_age();
	test_prune_size();
	test_page_limit();
	test_full_disk();
	test_folder_of_another();
	empty_folder();
	rmdir(folder);
	return tap_done();
}
