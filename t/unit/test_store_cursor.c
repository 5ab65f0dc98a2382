/* store/cursor: where destinations are, and what they are owed. */
#include "store_folder.h"

#include "store/cursor.h"

static struct err e;

/* --- Helpers -------------------------------------------------------------- */

struct lines {
	int n;
};

static int
give_lines(void *arg, store_log_fn *add, void *add_arg)
{
	int n = ((struct lines *)arg)->n;

	for (int i = 1; i <= n; i++) {
		char text[16];
		struct store_log log = {
			.time_ms = i,
			.level = "info",
			.stream = "log",
			.message = text,
		};

		log.len = (size_t)snprintf(text, sizeof(text), "l%d", i);
		if (add(add_arg, &log) < 0)
			return -1;
	}
	return 0;
}

/* One that ended at that time, with so many lines of log. */
static int64_t
add_job(struct store *s, const char *name, int64_t at_ms, int lines)
{
	struct store_job job = sample();
	struct lines l = { lines };

	job.name = name;
	store_job_add(s, &job, &e);
	store_job_begin(s, job.id, 1, at_ms, &e);
	job.state = JOB_SUCCEEDED;
	job.finished_ms = at_ms;
	job.result = "[1]";
	if (store_job_finish(s, &job, give_lines, &l, &e) < 0)
		diag("finish: %s", e.msg);
	return job.id;
}

/* What is read, as "j1 l2.1 l2.2 j2 "; `room` records, and then no more. */
struct reader {
	struct buf out;
	int room;
	const char *only;
	const struct store_cursor *cursor;
};

static int
take(void *arg, const struct store_job *job, const struct store_log *line)
{
	struct reader *r = arg;

	if (r->room-- <= 0)
		return 1;
	if (line)
		buf_addf(&r->out, "l%" PRId64 ".%" PRId64 " ", job->id,
			 line->seq);
	else
		buf_addf(&r->out, "j%" PRId64 " ", job->id);
	return 0;
}

static bool
only(void *arg, const char *name)
{
	struct reader *r = arg;

	return !r->only || strcmp(r->only, name) == 0;
}

static int64_t
ahead(void *arg, int64_t job)
{
	struct reader *r = arg;

	return r->cursor ? store_cursor_line(r->cursor, job) : 0;
}

static struct store_wanted
wanted(struct reader *r)
{
	return (struct store_wanted){
		.jobs = true,
		.logs = true,
		.job = only,
		.line = ahead,
		.take = take,
		.arg = r,
	};
}

/* Read on; "1: j1 j2 " where more is left. */
static const char *
read_on(struct store *s, struct range *at, struct reader *r,
	struct store_read *got)
{
	static char text[4096];
	const struct store_wanted w = wanted(r);
	int rc;

	rc = store_owed_read(s, at, &w, got, &e);
	if (rc < 0)
		diag("read: %s", e.msg);
	snprintf(text, sizeof(text), "%d: %s", rc,
		 r->out.data ? r->out.data : "");
	buf_release(&r->out);
	return text;
}

static struct range
from(int64_t at)
{
	return (struct range){ { at, 0 }, RANGE_OPEN };
}

/* --- Tests ---------------------------------------------------------------- */

static void
show_cursor(const struct store_cursor *c, struct buf *b)
{
	for (size_t i = 0; i < c->owed.n; i++)
		buf_addf(b, "%" PRId64 ".%" PRId64 "-%" PRId64 " ",
			 c->owed.items[i].from.at, c->owed.items[i].from.line,
			 c->owed.items[i].until == RANGE_OPEN ?
				 0 :
				 c->owed.items[i].until);
	for (size_t i = 0; i < c->n_lines; i++)
		buf_addf(b, "%" PRId64 ":%" PRId64 "/%" PRId64 " ",
			 c->lines[i].job, c->lines[i].line, c->lines[i].most);
	for (int i = 0; i < STORE_DROPS; i++)
		buf_addf(b, "%" PRId64 " ", c->dropped[i]);
	buf_addf(b, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
		 c->created_ms, c->accepted, c->aside, c->last_ms);
}

static void
is_cursor(struct store *s, const char *want, const char *title)
{
	_cleanup_(store_cursor_release) struct store_cursor c = { 0 };
	_buf_ struct buf b = { 0 };

	if (store_cursor_get(s, "central", &c, &e) < 0)
		buf_adds(&b, e.msg);
	else
		show_cursor(&c, &b);
	is_str(b.data, want, "%s", title);
}

static void
test_state(void)
{
	_cleanup_(store_cursor_release) struct store_cursor c = { 0 };
	struct store *s = new_store();
	int64_t a, b;

	is_cursor(s, "no destination central", "an unknown destination");
	a = add_job(s, "a", 10, 0);
	b = start(s);
	add_job(s, "a", 20, 0);
	store_cursor_start(s, "central", 99, 15, &c, &e);
	is_cursor(s, "no destination central", "one that was not put");
	is_int(store_cursor_put(s, &c, &e), 0, "it can be put");
	is_cursor(s, "2.0-0 0 0 0 0 99 0 0 0",
		  "a new one is owed what ended since that time");
	store_cursor_set_line(&c, b, 7);
	store_cursor_set_line(&c, a, 3);
	store_cursor_set_line(&c, b, 5);
	store_cursor_set_line(&c, 77, 5);
	ranges_take(&c.owed, (struct position){ 2, 0 },
		    (struct position){ 2, 4 });
	ranges_take(&c.owed, (struct position){ 9, 0 },
		    (struct position){ 12, 0 });
	c.accepted = 4;
	c.aside = 5;
	c.last_ms = 6;
	c.dropped[STORE_DROP_SIZE] = 8;
	store_cursor_put(s, &c, &e);
	is_cursor(s, "2.4-9 12.0-0 1:3/3 2:5/7 0 8 0 0 99 4 5 6",
		  "all of it is kept, but of a job that is not there");
	store_close(s);
	s = open_store();
	is_cursor(s, "2.4-9 12.0-0 1:3/3 2:5/7 0 8 0 0 99 4 5 6",
		  "... on disk");
	store_cursor_forget(&c, a);
	store_cursor_put(s, &c, &e);
	is_cursor(s, "2.4-9 12.0-0 2:5/7 0 8 0 0 99 4 5 6",
		  "what is over is forgotten");
	is_int(store_cursor_remove(s, "central", &e), 0, "it can be removed");
	is_cursor(s, "no destination central", "... and is gone");
	is_str(ask(s, "SELECT count(*) FROM cursor"), "0", "... all of it");
	store_close(s);
}

static int
show_aside(void *arg, const struct store_aside *a)
{
	buf_addf(arg, "%" PRId64 " %s %s %s %s\n", a->time_ms, a->record,
		 a->code, a->reason ? a->reason : "-",
		 a->excerpt ? a->excerpt : "-");
	return 0;
}

/* The cursor moves with what was put aside, or neither does. */
static void
test_aside(void)
{
	_cleanup_(store_cursor_release) struct store_cursor c = { 0 };
	struct store *s = new_store();
	_buf_ struct buf b = { 0 };

	store_cursor_start(s, "central", 1, 0, &c, &e);
	store_cursor_put(s, &c, &e);
	store_begin(s, &e);
	ranges_take(&c.owed, (struct position){ 1, 0 },
		    (struct position){ 4, 0 });
	store_cursor_put(s, &c, &e);
	store_aside_add(s, "central",
			&(struct store_aside){ 5, "x-1", "400", "bad", "no" },
			&e);
	store_rollback(s);
	is_cursor(s, "1.0-0 0 0 0 0 1 0 0 0", "a batch that was given up");
	is_str(ask(s, "SELECT count(*) FROM aside"), "0", "... with its rest");
	store_begin(s, &e);
	store_cursor_put(s, &c, &e);
	for (int i = 1; i <= STORE_ASIDE_MAX + 3; i++) {
		char id[16];

		snprintf(id, sizeof(id), "x-%d", i);
		store_aside_add(
			s, "central",
			&(struct store_aside){ i, id, "400", NULL, NULL }, &e);
	}
	store_aside_add(s, "other",
			&(struct store_aside){ 5, "y-1", "413", "big", "<x>" },
			&e);
	is_int(store_commit(s, &e), 0, "one that was not");
	is_cursor(s, "4.0-0 0 0 0 0 1 0 0 0", "... moved the cursor");
	is_str(ask(s, "SELECT count(*) FROM aside"), "1001",
	       "so much is kept of each destination");
	store_aside_list(s, "central", 2, show_aside, &b, &e);
	store_aside_list(s, "other", 2, show_aside, &b, &e);
	is_str(b.data,
	       "1003 x-1003 400 - -\n1002 x-1002 400 - -\n5 y-1 413 big <x>\n",
	       "... the newest, and lists begin with those");
	store_close(s);
}

static void
test_reading(void)
{
	struct store *s = new_store();
	struct range at = from(1);
	struct reader r = { .room = 3 };
	struct store_read got;

	is_str(read_on(s, &at, &r, &got), "0: ", "nothing of an empty store");
	is_int(at.from.at, 1, "... and it stays there");
	add_job(s, "a", 10, 2);
	add_job(s, "b", 20, 0);
	start(s); /* 3 does not end */
	add_job(s, "a", 30, 3);
	is_str(read_on(s, &at, &r, &got), "1: l1.1 l1.2 j1 ",
	       "a job's log comes before it, as far as there is room");
	ok(got.full, "... which is said");
	is_int(got.jobs, 1, "... and how many jobs are through");
	is_int(got.bytes, 170, "... and their bytes");
	r.room = 3;
	is_str(read_on(s, &at, &r, &got), "1: j2 l4.1 l4.2 ",
	       "the next go on from there");
	is_int(at.from.at * 100 + at.from.line, 302, "... into a log");
	is_int(got.jobs, 1, "... whose job is not through");
	r.room = 0;
	is_str(read_on(s, &at, &r, &got), "1: ", "no room, nothing read");
	r.room = 9;
	is_str(read_on(s, &at, &r, &got), "0: l4.3 j4 ", "the rest");
	is_str(read_on(s, &at, &r, &got), "0: ", "then there is no more");
	is_int(at.from.at, 4, "... until a job ends");
	finish(s, 3, JOB_FAILED, 40, &e);
	is_str(read_on(s, &at, &r, &got), "0: j3 ", "... which is next");
	at = (struct range){ { 1, 1 }, 3 };
	is_str(read_on(s, &at, &r, &got), "0: l1.2 j1 j2 ",
	       "a range has an end");
	is_int(at.from.at, 3, "... where it stops");
	at = from(1);
	r = (struct reader){ .room = 9, .only = "b" };
	is_str(read_on(s, &at, &r, &got), "0: j2 ", "jobs of a name only");
	is_int(at.from.at, 5, "... the others are passed");
	store_close(s);
}

/* Lines of a job that has not ended, and those that were sent before. */
static int
show_logged(void *arg, const struct store_job *job, int64_t last)
{
	buf_addf(arg, "%s%" PRId64 ":%" PRId64 " ", job->name, job->id, last);
	return 0;
}

static void
add_line(struct store *s, int64_t job, const struct store_log_bounds *bounds)
{
	if (store_log_add(s, job,
			  &(struct store_log){ .level = "info",
					       .stream = "log",
					       .time_ms = 5,
					       .message = "x",
					       .len = 1 },
			  bounds, &e) < 0)
		diag("%s", e.msg);
}

static void
test_running(void)
{
	_cleanup_(store_cursor_release) struct store_cursor c = { 0 };
	struct store *s = new_store();
	struct store_job job = sample();
	_buf_ struct buf b = { 0 };
	struct reader r = { .room = 9, .cursor = &c };
	struct range at = from(1);
	struct store_read got;
	int64_t line = 0;

	store_cursor_start(s, "central", 1, 0, &c, &e);
	add_job(s, "a", 10, 2);
	store_job_add(s, &job, &e);
	store_job_add(s, &job, &e);
	store_job_begin(s, 3, 1, 1, &e);
	for (int i = 0; i < 4; i++)
		add_line(s, 3, NULL);
	store_logged_each(s, 0, show_logged, &b, &e);
	is_str(b.data, "disks3:4 ", "jobs that log before they end");
	b.len = 0;
	buf_adds(&b, "");
	store_logged_each(s, 3, show_logged, &b, &e);
	is_str(b.data, "", "... after one of them");
	is_int(store_line_before(s, 3, 3, 6, &line, &e), 0, "a line by time");
	is_int(line, 3, "... the last one that is older");
	store_line_before(s, 3, 3, 5, &line, &e);
	is_int(line, 0, "... or none");
	store_cursor_set_line(&c, 3, 2);
	store_cursor_put(s, &c, &e);
	finish(s, 3, JOB_SUCCEEDED, 20, &e);
	is_str(read_on(s, &at, &r, &got), "0: l1.1 l1.2 j1 l3.3 l3.4 j3 ",
	       "what went ahead does not come again");
	is_str(ask(s, "SELECT count(*) FROM cursor_line"), "1", "(is kept)");
	store_prune(s, &(struct store_retention){ .before_ms = 99, .limit = 9 },
		    &(size_t){ 0 }, &e);
	is_str(ask(s, "SELECT count(*) FROM cursor_line"), "0",
	       "with its job goes what was known of its lines");
	at = from(1);
	is_str(read_on(s, &at, &r, &got), "0: ", "there is nothing left");
	is_int(got.missing, 2, "... and how many are missing is said");
	store_close(s);
}

static void
test_measuring(void)
{
	static const struct {
		const char *title, *only;
		struct range at;
		struct store_measure until;
		int64_t rc, ends, jobs, lines;
	} cases[] = {
		{ "all", NULL, { { 1, 0 }, RANGE_OPEN }, { 0 }, 0, 6, 5, 0 },
		{ "lines",
		  NULL,
		  { { 1, 0 }, RANGE_OPEN },
		  { .lines = true },
		  0,
		  6,
		  5,
		  6 },
		{ "what is not done",
		  NULL,
		  { { 1, 1 }, RANGE_OPEN },
		  { .lines = true },
		  0,
		  6,
		  5,
		  5 },
		{ "a range",
		  NULL,
		  { { 2, 0 }, 4 },
		  { .lines = true },
		  0,
		  4,
		  2,
		  4 },
		{ "a name",
		  "a",
		  { { 1, 0 }, RANGE_OPEN },
		  { .lines = true },
		  0,
		  6,
		  3,
		  6 },
		{ "what is old",
		  NULL,
		  { { 1, 0 }, RANGE_OPEN },
		  { .before_ms = 30 },
		  1,
		  3,
		  2,
		  0 },
		{ "so many bytes",
		  NULL,
		  { { 1, 0 }, RANGE_OPEN },
		  { .bytes = 220 },
		  1,
		  3,
		  2,
		  0 },
		{ "less than one",
		  NULL,
		  { { 1, 0 }, RANGE_OPEN },
		  { .bytes = 1 },
		  1,
		  1,
		  0,
		  0 },
	};
	struct store *s = new_store();
	int64_t at = 0, ms = 0;

	add_job(s, "a", 10, 2);
	add_job(s, "b", 20, 0);
	add_job(s, "a", 30, 4);
	add_job(s, "b", 40, 0);
	add_job(s, "a", 50, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reader r = { .only = cases[i].only };
		const struct store_wanted w = wanted(&r);
		struct range range = cases[i].at;
		struct store_owed owed = { 0 };

		is_int(store_owed_measure(s, &range, &w, &cases[i].until, &owed,
					  &e),
		       cases[i].rc, "measure %s", cases[i].title);
		is_int(range.from.at, cases[i].ends, "... up to there");
		is_int(owed.jobs, cases[i].jobs, "... so many jobs");
		is_int(owed.lines, cases[i].lines, "... so many lines");
	}
	store_owed_since(s, 30, &at, &e);
	is_int(at, 3, "a place by time");
	store_owed_since(s, 51, &at, &e);
	is_int(at, 6, "... behind the last");
	store_owed_time(s, 4, &ms, &e);
	is_int(ms, 40, "a time by place");
	store_owed_time(s, 6, &ms, &e);
	is_int(ms, 0, "... of none");
	store_close(s);
}

/* --- However much is stored ------------------------------------------------
 */

static const char *
plan_of(struct store *s, enum store_sql which)
{
	static char plan[1024];
	_buf_ struct buf b = { 0 };
	_buf_ struct buf all = { 0 };
	sqlite3_stmt *st = NULL;

	buf_addf(&b, "EXPLAIN QUERY PLAN %s", store_sql[which]);
	sqlite3_prepare_v2(s->db, b.data, -1, &st, NULL);
	while (sqlite3_step(st) == SQLITE_ROW)
		buf_addf(&all, "%s; ",
			 (const char *)sqlite3_column_text(st, 3));
	sqlite3_finalize(st);
	snprintf(plan, sizeof(plan), "%s", all.data ? all.data : "?");
	return plan;
}

static void
test_plans(void)
{
	static const struct {
		enum store_sql which;
		const char *plan;
	} cases[] = {
		{ SQL_OWED_READ,
		  "SEARCH ended USING INTEGER PRIMARY KEY (rowid>? AND "
		  "rowid<?); SEARCH job USING INTEGER PRIMARY KEY (rowid=?); " },
		{ SQL_OWED_MEASURE,
		  "SEARCH ended USING INTEGER PRIMARY KEY (rowid>? AND "
		  "rowid<?); " },
		{ SQL_OWED_LINES,
		  "SEARCH log USING PRIMARY KEY (job=? AND seq>?); " },
		{ SQL_OWED_LOGGED,
		  "SEARCH active USING INDEX active_logged (job>?); SEARCH "
		  "job USING INTEGER PRIMARY KEY (rowid=?); " },
		{ SQL_LINE_BEFORE,
		  "SEARCH log USING PRIMARY KEY (job=? AND seq<?); " },
		{ SQL_CURSOR_LIST,
		  "SEARCH cursor USING PRIMARY KEY (destination=?); " },
		{ SQL_ASIDE_LIST, "SEARCH aside USING INDEX aside_destination "
				  "(destination=?); " },
		{ SQL_LIST_SINCE,
		  "SEARCH ended USING INTEGER PRIMARY KEY (rowid>?); " },
	};
	struct store *s = new_store();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_str(plan_of(s, cases[i].which), cases[i].plan,
		       "statement %zu goes by an index", i);
	store_close(s);
}

static void
test_million(void)
{
	struct store *s = new_store();
	struct reader r = { .room = 500 };
	struct range at = from(500000);
	struct store_read got;
	struct store_wanted w = wanted(&r);
	int64_t place = 0;
	sqlite3_stmt *st;

	sql(s, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
	       "WHERE i < 1000000) INSERT INTO job (id, name, plugin, "
	       "\"trigger\", params) SELECT i, 'a', 'p', 'run', '{}' FROM n;"
	       "INSERT INTO ended (seq, job, state, attempt, finished_ms, "
	       "latest_ms, bytes, name, plugin, result) SELECT id, id, 2, 1, "
	       "id, id, 100, 'a', 'p', '[1]' FROM job;"
	       "UPDATE tally SET last_id = 1000000, last_seq = 1000000;");
	is_int(store_owed_read(s, &at, &w, &got, &e), 1,
	       "500 are read from the middle of 1,000,000");
	is_int(at.from.at, 500500, "... no more and no less");
	st = s->statements[SQL_OWED_READ];
	is_int(sqlite3_stmt_status(st, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0), 0,
	       "... without scanning");
	ok(sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0) < 30000,
	   "... in less than 60 steps of SQLite's each");
	buf_release(&r.out);
	store_owed_since(s, 750000, &place, &e);
	is_int(place, 750000, "a time is found in it");
	ok(sqlite3_stmt_status(s->statements[SQL_LIST_SINCE],
			       SQLITE_STMTSTATUS_RUN, 0) < 25,
	   "... in less than 25 steps");
	w.deadline_us = 1;
	at = from(1);
	r.room = 1000000;
	is_int(store_owed_read(s, &at, &w, &got, &e), 1,
	       "a reading ends when its time is up");
	ok(at.from.at > 1 && at.from.at < 100, "... having got on");
	buf_release(&r.out);
	store_close(s);
}

int
main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/agent.db", folder);
	test_state();
	test_aside();
	test_reading();
	test_running();
	test_measuring();
	test_plans();
	test_million();
	empty_folder();
	rmdir(folder);
	return tap_done();
}
