/*
 * store/: lists of jobs, compared with what looking at every job gives: random
 * histories, random filters, page by page, a clock that is set back.
 */
#include "store_folder.h"

#define JOBS 600

struct known {
	int64_t id, seq, finished_ms;
	enum job_state state;
	char name[8], plugin[8];
};

static struct known jobs[JOBS];
static size_t count;

static uint64_t seed = 20261125;

/* Always the same ones (Numerical Recipes). */
static unsigned
pick(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) +
	       UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static void
add_one(struct store *s, int64_t *clock, int64_t *seq)
{
	struct known *k = &jobs[count];
	struct store_job job = { .name = k->name,
				 .plugin = k->plugin,
				 .trigger = "api",
				 .attempt = 1 };
	struct err e = ERR_INIT;

	snprintf(k->name, sizeof(k->name), "n%u", pick(6) * pick(3));
	snprintf(k->plugin, sizeof(k->plugin), "p%u", pick(4) * pick(2));
	if (store_job_add(s, &job, &e) != 0)
		diag("%s", e.msg);
	k->id = job.id;
	k->state = JOB_QUEUED;
	count++;
	/* one of the last few that have not ended goes on */
	for (int tries = 0; tries < 2; tries++) {
		size_t at = count - 1 - pick(count < 20 ? (unsigned)count : 20);

		k = &jobs[at];
		if (k->state == JOB_QUEUED) {
			store_job_begin(s, k->id, 1, 1, &e);
			k->state = JOB_RUNNING;
		} else if (k->state == JOB_RUNNING) {
			*clock += pick(50) == 0 ? -3000 : (int64_t)pick(100);
			k->state =
				pick(20) ? JOB_SUCCEEDED : JOB_FAILED + pick(5);
			k->finished_ms = *clock;
			k->seq = ++*seq;
			if (finish(s, k->id, k->state, *clock, &e) < 0)
				diag("%s", e.msg);
		}
	}
}

static struct store *
make_history(void)
{
	struct store *s = new_store();
	struct err e = ERR_INIT;
	int64_t clock = 100000, seq = 0;

	store_begin(s, &e);
	for (count = 0; count < JOBS;)
		add_one(s, &clock, &seq);
	if (store_commit(s, &e) < 0)
		diag("%s", e.msg);
	return s;
}

/* --- The same, by looking at each -------------------------------------------
 */

static int
newer_first(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (!x->seq != !y->seq)
		return x->seq ? 1 : -1;
	if (x->seq)
		return x->seq < y->seq ? 1 : -1;
	return x->id < y->id ? 1 : -1;
}

static bool
matches(const struct known *k, const struct store_filter *f)
{
	return (!f->states || f->states & 1U << k->state) &&
	       (!f->name || !strcmp(f->name, k->name)) &&
	       (!f->plugin || !strcmp(f->plugin, k->plugin)) &&
	       (!k->seq || k->finished_ms >= f->since_ms);
}

static void
expect(const struct store_filter *f, struct buf *b)
{
	bool on = f->before_id == 0;
	size_t left = f->limit ? f->limit : SIZE_MAX;

	for (size_t i = 0; i < count && left > 0; i++) {
		if (on && matches(&jobs[i], f)) {
			buf_addf(b, "%" PRId64 " ", jobs[i].id);
			left--;
		}
		on |= jobs[i].id == f->before_id;
	}
}

static struct store_filter
random_filter(char name[8], char plugin[8])
{
	struct store_filter f = { 0 };

	if (pick(2)) {
		snprintf(name, 8, "n%u", pick(12));
		f.name = name;
	}
	if (pick(2)) {
		snprintf(plugin, 8, "p%u", pick(5));
		f.plugin = plugin;
	}
	if (pick(2))
		f.states = pick(1U << JOB_STATES);
	if (pick(2))
		f.since_ms = 98000 + pick(30000);
	if (pick(2))
		f.before_id = 1 + pick(JOBS);
	if (pick(2))
		f.limit = 1 + pick(40);
	return f;
}

static void
test_random(struct store *s)
{
	int wrong = 0, empty = 0;

	for (int i = 0; i < 4000; i++) {
		_buf_ struct buf got = { 0 }, want = { 0 };
		char name[8], plugin[8];
		struct store_filter f = random_filter(name, plugin);
		struct err e = ERR_INIT;

		buf_adds(&got, "");
		buf_adds(&want, "");
		expect(&f, &want);
		if (store_job_list(s, &f, show_id, &got, &e) < 0)
			diag("%s", e.msg);
		empty += !want.len;
		if (strcmp(got.data, want.data) == 0 || wrong++ > 3)
			continue;
		diag("states %x name %s plugin %s since %" PRId64
		     " before %" PRId64 " limit %zu",
		     f.states, f.name, f.plugin, f.since_ms, f.before_id,
		     f.limit);
		diag(" got: %s\nwant: %s", got.data, want.data);
	}
	is_int(wrong, 0, "4000 random lists are what looking at each job says");
	ok(empty > 400 && empty < 3000, "... many empty, many not (%d empty)",
	   empty);
}

/* Rows of the history that a list read. */
static int
rows_read(struct store *s, const struct store_filter *f)
{
	sqlite3_stmt *st = s->statements[SQL_LIST_ENDED];
	_buf_ struct buf b = { 0 };
	struct err e = ERR_INIT;

	sqlite3_stmt_status(st, SQLITE_STMTSTATUS_RUN, 1);
	store_job_list(s, f, show_id, &b, &e);
	return sqlite3_stmt_status(st, SQLITE_STMTSTATUS_RUN, 1);
}

static void
test_reads(struct store *s)
{
	static const struct {
		const char *title;
		struct store_filter filter;
		int want;
	} cases[] = {
		{ "nobody's name", { .name = "nobody" }, 0 },
		{ "a name and another's plugin",
		  { .name = "n1", .plugin = "none" },
		  0 },
		{ "a time to come", { .since_ms = 999999999 }, 0 },
		{ "a time to come, of a state",
		  { .since_ms = 999999999, .states = 1U << JOB_FAILED },
		  0 },
		{ "so many", { .limit = 5, .states = 1U << JOB_SUCCEEDED }, 5 },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++)
		is_int(rows_read(s, &cases[i].filter), cases[i].want,
		       "only what matches is read: %s", cases[i].title);
}

static int
last_id(void *arg, const struct store_job *job)
{
	*(int64_t *)arg = job->id;
	return 0;
}

static void
test_pages(struct store *s)
{
	_buf_ struct buf got = { 0 }, want = { 0 };
	struct store_filter f = { .limit = 7 };
	struct err e = ERR_INIT;
	int pages = 0;

	expect(&(struct store_filter){ 0 }, &want);
	do {
		int64_t last = 0;

		store_job_list(s, &f, show_id, &got, &e);
		store_job_list(s, &f, last_id, &last, &e);
		f.before_id = last;
	} while (f.before_id && ++pages < JOBS);
	is_str(got.data, want.data, "page after page, every job comes once");
	is_int(pages, (JOBS + 6) / 7, "... so many pages");
}

static void
test_pruned(struct store *s)
{
	const struct store_retention r = { .before_ms = INT64_MAX,
					   .keep_seq = 100,
					   .limit = 1000 };
	_buf_ struct buf b = { 0 }, want = { 0 };
	int64_t oldest = 0, seq = INT64_MAX;
	struct err e = ERR_INIT;
	size_t pruned = 0;

	while (store_prune(s, &r, &pruned, &e) > 0)
		;
	is_int((intmax_t)pruned, 99, "what is still owed is kept");
	is_str(ask(s, "SELECT min(seq) FROM ended"), "100",
	       "... from there on");
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].seq >= 100 && jobs[i].seq < seq) {
			seq = jobs[i].seq;
			oldest = jobs[i].id;
		}
	}
	buf_adds(&b, "");
	store_job_list(s, &(struct store_filter){ .before_id = oldest },
		       show_id, &b, &e);
	is_str(b.data, "", "nothing comes after the oldest one");
	b.len = 0;
	store_job_list(
		s, &(struct store_filter){ .before_id = INT64_MAX, .limit = 5 },
		show_id, &b, &e);
	expect(&(struct store_filter){ .limit = 5 }, &want);
	is_str(b.data, want.data, "before no job at all, all are listed");
}

/* --- By which index ---------------------------------------------------------
 */

static void
test_plans(struct store *s)
{
	static const struct {
		enum store_sql which;
		const char *want;
	} cases[] = {
		{ SQL_NEXT,
		  "SEARCH ended USING INTEGER PRIMARY KEY (rowid<?)" },
		{ SQL_NEXT_NAME,
		  "SEARCH ended USING COVERING INDEX ended_name "
		  "(name=? AND plugin=? AND state=? AND rowid<?)" },
		{ SQL_NEXT_PLUGIN,
		  "SEARCH ended USING COVERING INDEX ended_plugin "
		  "(plugin=? AND state=? AND rowid<?)" },
		{ SQL_PLUGIN_AFTER,
		  "SEARCH ended USING COVERING INDEX ended_plugin (plugin>?)" },
		{ SQL_PLUGIN_OF_NAME_AFTER,
		  "SEARCH ended USING COVERING INDEX ended_name "
		  "(name=? AND plugin>?)" },
		{ SQL_LIST_SINCE,
		  "SEARCH ended USING INTEGER PRIMARY KEY (rowid>?)" },
		{ SQL_LIST_PLACE, "SEARCH ended USING " },
		{ SQL_ENDED_OLDEST, "SCAN ended" }, /* its first row */
		{ SQL_ENDED_STATE, "SEARCH ended USING INDEX" },
		{ SQL_GET_ENDED, "SEARCH ended USING INDEX" },
		{ SQL_ACTIVE_SINGLE,
		  "SEARCH active USING COVERING INDEX active_single" },
		{ SQL_ACTIVE_SERIAL,
		  "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)" },
		{ SQL_EACH_ACTIVE, "SCAN active" },
		{ SQL_LIST_ACTIVE,
		  "SEARCH active USING INTEGER PRIMARY KEY (rowid<?)" },
		{ SQL_KEY_OLDEST, "SCAN key" }, /* its first row */
		{ SQL_LOG_AFTER, "SEARCH log USING PRIMARY KEY "
				 "(job=? AND seq>?)" },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++)
		has_str(explain(s, cases[i].which), cases[i].want,
			"%s: by an index", store_sql[cases[i].which]);
}

int
main(void)
{
	struct store *s;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/agent.db", folder);
	s = make_history();
	qsort(jobs, count, sizeof(jobs[0]), newer_first);
	ok(jobs[0].seq == 0 && jobs[count - 1].seq == 1,
	   "a history with jobs of all kinds");
	test_random(s);
	test_pages(s);
	test_reads(s);
	test_plans(s);
	test_pruned(s);
	store_close(s);
	empty_folder();
	rmdir(folder);
	return tap_done();
}
