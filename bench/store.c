/*
 * store.c: what a job's life costs in the store: added, begun, finished.
 *
 *	store FOLDER [JOBS]		groups of 1, 10, 100 at both
 *durabilities store FOLDER fill JOBS		make FOLDER/history.db with a
 *history store FOLDER ask		ask that history, prune it
 *
 * "turns" has one commit for the additions, beginnings and ends of a group
 * each, as a loop's turn has; "steps" has a commit for each of the three.
 * "bare" sends SQLite the same statements without the store around: the floor.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/parts.h"

#define AGENT                                                        \
	"{\"id\":\"9f0c8a52-5d3c-4a4e-9d7e-0f1e2d3c4b5a\",\"host\":" \
	"\"web-1\",\"version\":\"0.1.0\",\"labels\":{\"role\":\"web\"}}"
#define SANDBOX                                                              \
	"{\"layers\":[\"namespaces\",\"private-root\",\"capabilities\","     \
	"\"no-new-privs\",\"landlock\",\"landlock-net\",\"landlock-scope\"," \
	"\"seccomp\",\"seccomp-notify\",\"limits\",\"user-id\"],"            \
	"\"landlock_abi\":7}"

static int64_t now_ms = INT64_C(1795000000000);

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this thread alone: what a busy machine can't spoil. */
static double
thread_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
check(int rc, const struct err *e)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "store: %s\n", e->msg);
	exit(1);
}

static struct store *
open_at(const char *folder, const char *name, bool fresh)
{
	_free_ char *path = xasprintf("%s/%s", folder, name);
	_free_ char *wal = xasprintf("%s-wal", path);
	_free_ char *shm = xasprintf("%s-shm", path);
	struct err e = ERR_INIT;
	struct store *s = NULL;
	char *aside = NULL;

	if (fresh) {
		unlink(path);
		unlink(wal);
		unlink(shm);
	}
	check(store_open(path, &s, &aside, &e), &e);
	return s;
}

/* --- A job's life ----------------------------------------------------------
 */

static int64_t
add(struct store *s, const char *name)
{
	struct err e = ERR_INIT;
	struct store_job job = {
		.name = name,
		.plugin = name,
		.trigger = "api",
		.attempt = 1,
		.added_ms = now_ms,
		.scheduled_ms = now_ms,
		.max_attempts = 1,
		.params = "{}",
		.agent = AGENT,
		.policy = "{\"timeout_ms\":60000,\"on_crash\":\"fail\"}",
	};

	check(store_job_add(s, &job, &e), &e);
	return job.id;
}

static void
begin(struct store *s, int64_t id)
{
	struct err e = ERR_INIT;

	check(store_job_begin(s, id, 1, now_ms, &e), &e);
}

static void
finish(struct store *s, int64_t id, enum job_state state)
{
	struct err e = ERR_INIT;
	struct store_job job = {
		.id = id,
		.state = state,
		.finished_ms = now_ms,
		.duration_ms = 1,
		.result = "{\"ok\":true}",
		.exit = "{\"code\":0,\"signal\":null}",
		.usage = "{\"cpu_ms\":1,\"max_rss_bytes\":9437184}",
		.metrics = "[]",
		.denials = "[]",
		.sandbox = SANDBOX,
	};

	check(store_job_finish(s, &job, NULL, NULL, &e), &e);
}

static void
batch(struct store *s)
{
	struct err e = ERR_INIT;

	check(store_begin(s, &e), &e);
}

static void
commit(struct store *s)
{
	struct err e = ERR_INIT;

	check(store_commit(s, &e), &e);
}

static void
run_steps(struct store *s, int jobs, int group)
{
	static int64_t ids[1000];

	for (int done = 0; done < jobs; done += group) {
		batch(s);
		for (int i = 0; i < group; i++)
			ids[i] = add(s, "noop");
		commit(s);
		batch(s);
		for (int i = 0; i < group; i++)
			begin(s, ids[i]);
		commit(s);
		batch(s);
		for (int i = 0; i < group; i++)
			finish(s, ids[i], JOB_SUCCEEDED);
		commit(s);
		now_ms++;
	}
}

static void
run_turns(struct store *s, int jobs, int group)
{
	static int64_t ids[3][1000];

	memset(ids, 0, sizeof(ids));
	for (int turn = 0; turn < jobs / group; turn++) {
		batch(s);
		for (int i = 0; i < group; i++) {
			if (ids[(turn + 1) % 3][i])
				finish(s, ids[(turn + 1) % 3][i],
				       JOB_SUCCEEDED);
			if (ids[(turn + 2) % 3][i])
				begin(s, ids[(turn + 2) % 3][i]);
			ids[turn % 3][i] = add(s, "noop");
		}
		commit(s);
		now_ms++;
	}
}

/* --- The floor -------------------------------------------------------------
 */

static void
bare_step(struct store *s, enum store_sql which)
{
	struct err e = ERR_INIT;
	sqlite3_stmt *st = store_statement(s, which, &e);

	if (!st || sqlite3_step(st) == SQLITE_ERROR)
		exit(1);
	sqlite3_reset(st);
}

static sqlite3_stmt *
bare_bind(struct store *s, enum store_sql which, int64_t id)
{
	struct err e = ERR_INIT;
	sqlite3_stmt *st = store_statement(s, which, &e);

	check(st ? 0 : -1, &e);
	sqlite3_bind_int64(st, 1, id);
	return st;
}

static void
bare_add(struct store *s, int64_t id)
{
	sqlite3_stmt *st = bare_bind(s, SQL_JOB_ADD, id);

	for (int i = 2; i <= 13; i++)
		sqlite3_bind_int64(st, i, now_ms);
	sqlite3_bind_text(st, 2, "noop", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, "noop", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, "api", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 11,
			  "{\"timeout_ms\":60000,\"on_crash\":\"fail\"}", -1,
			  SQLITE_STATIC);
	sqlite3_bind_text(st, 12, AGENT, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 13, "{}", -1, SQLITE_STATIC);
	bare_step(s, SQL_JOB_ADD);
	st = bare_bind(s, SQL_ACTIVE_ADD, id);
	sqlite3_bind_int(st, 2, JOB_QUEUED);
	sqlite3_bind_int(st, 3, 1);
	sqlite3_bind_int(st, 7, 300);
	sqlite3_bind_text(st, 11, "noop", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 12, "noop", -1, SQLITE_STATIC);
	bare_step(s, SQL_ACTIVE_ADD);
}

static void
bare_begin(struct store *s, int64_t id)
{
	sqlite3_stmt *st = bare_bind(s, SQL_ACTIVE_BEGIN, id);

	sqlite3_bind_int64(st, 2, 1);
	sqlite3_bind_int64(st, 3, now_ms);
	bare_step(s, SQL_ACTIVE_BEGIN);
}

static void
bare_finish(struct store *s, int64_t id)
{
	sqlite3_stmt *st = bare_bind(s, SQL_ENDED_ADD, id);

	for (int i = 2; i <= 9; i++)
		sqlite3_bind_int64(st, i, now_ms);
	sqlite3_bind_int64(st, 2, id);
	sqlite3_bind_int64(st, 3, JOB_SUCCEEDED);
	sqlite3_bind_text(st, 10, "noop", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 11, "noop", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 12, "{\"code\":0,\"signal\":null}", -1,
			  SQLITE_STATIC);
	sqlite3_bind_text(st, 13, "{\"cpu_ms\":1,\"max_rss_bytes\":9437184}",
			  -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 14, SANDBOX, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 16, "[]", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 17, "[]", -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 18, "{\"ok\":true}", -1, SQLITE_STATIC);
	bare_step(s, SQL_ENDED_ADD);
	bare_bind(s, SQL_ACTIVE_DELETE, id);
	bare_step(s, SQL_ACTIVE_DELETE);
}

static void
run_bare(struct store *s, int jobs, int group)
{
	for (int turn = 0; turn < jobs / group; turn++) {
		int64_t first = (int64_t)turn * group + 1;

		bare_step(s, SQL_BEGIN);
		for (int i = 0; i < group; i++) {
			if (turn > 1)
				bare_finish(s, first + i - 2 * group);
			if (turn > 0)
				bare_begin(s, first + i - group);
			bare_add(s, first + i);
		}
		bare_step(s, SQL_COMMIT);
		now_ms++;
	}
}

static void
measure(const char *folder, const char *how,
	void (*run)(struct store *s, int jobs, int group), int jobs, int group,
	enum store_durability durability)
{
	struct store *s = open_at(folder, "bench.db", true);
	struct err e = ERR_INIT;
	double wall, cpu;

	check(store_set_durability(s, durability, &e), &e);
	run(s, group * 10, group);
	store_close(s);
	s = open_at(folder, "bench.db", true);
	check(store_set_durability(s, durability, &e), &e);
	wall = seconds();
	cpu = cpu_seconds();
	run(s, jobs, group);
	wall = seconds() - wall;
	cpu = cpu_seconds() - cpu;
	printf("%-6s  %-6s  %5d  %8.0f  %8.1f\n", how,
	       durability == STORE_FULL ? "full" : "normal", group, jobs / wall,
	       cpu * 1e6 / jobs);
	store_close(s);
}

static void
measure_all(const char *folder, int jobs)
{
	static const int groups[] = { 1, 10, 100 };

	printf("commits durability group jobs/s CPU us/job\n");
	for (int d = STORE_FULL; d <= STORE_NORMAL; d++) {
		for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
			int n = groups[g] == 1 ? jobs / 4 : jobs;

			measure(folder, "steps", run_steps, n, groups[g],
				(enum store_durability)d);
			measure(folder, "turns", run_turns, n, groups[g],
				(enum store_durability)d);
			measure(folder, "bare", run_bare, n, groups[g],
				(enum store_durability)d);
		}
	}
}

/* --- A long history --------------------------------------------------------
 */

/* 40 names of 10 plugins; one in 100 failed, one in 100,000 was denied. */
static void
fill(const char *folder, int jobs)
{
	struct store *s = open_at(folder, "history.db", true);
	struct err e = ERR_INIT;

	check(store_set_durability(s, STORE_NORMAL, &e), &e);
	for (int done = 0; done < jobs;) {
		batch(s);
		for (int i = 0; i < 1000 && done < jobs; i++, done++) {
			char name[32], plugin[32];
			struct store_job job = {
				.name = name,
				.plugin = plugin,
				.trigger = "schedule",
				.attempt = 1,
				.scheduled_ms = now_ms,
				.params = "{}",
				.agent = AGENT,
			};

			snprintf(name, sizeof(name), "job-%d", done % 40);
			snprintf(plugin, sizeof(plugin), "plugin-%d",
				 done % 10);
			check(store_job_add(s, &job, &e), &e);
			begin(s, job.id);
			finish(s, job.id,
			       done % 100000 == 5 ? JOB_DENIED :
			       done % 100 == 7	  ? JOB_FAILED :
						    JOB_SUCCEEDED);
			now_ms += 1000;
		}
		commit(s);
	}
	store_close(s);
}

static int
nothing(void *arg, const struct store_job *job)
{
	(void)job;
	++*(int *)arg;
	return 0;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* How long one call took, many times over. */
struct times {
	double wall[10000], cpu[10000];
	int n;
	double wall_start, cpu_start;
};

static void
start(struct times *t)
{
	t->wall_start = seconds();
	t->cpu_start = thread_seconds();
}

static void
stop(struct times *t)
{
	t->wall[t->n] = (seconds() - t->wall_start) * 1e3;
	t->cpu[t->n] = (thread_seconds() - t->cpu_start) * 1e3;
	if (t->n < (int)ARRAY_SIZE(t->wall) - 1)
		t->n++;
}

static void
report(const char *title, struct times *t, int found)
{
	qsort(t->wall, (size_t)t->n, sizeof(double), by_size);
	qsort(t->cpu, (size_t)t->n, sizeof(double), by_size);
	printf("%-36s %6d %8.3f %8.3f %8.3f %8.3f %8.3f\n", title, found,
	       t->wall[t->n / 2], t->wall[t->n * 99 / 100], t->wall[t->n - 1],
	       t->cpu[t->n / 2], t->cpu[t->n * 99 / 100]);
	t->n = 0;
}

static struct times times;

#define TIMES 500

static void
ask_lists(struct store *s, int64_t last)
{
	const struct {
		const char *title;
		struct store_filter f;
	} cases[] = {
		{ "list", { .limit = 50 } },
		{ "list state=failed",
		  { .limit = 50, .states = 1U << JOB_FAILED } },
		{ "list state=denied",
		  { .limit = 50, .states = 1U << JOB_DENIED } },
		{ "list state=lost (none)",
		  { .limit = 50, .states = 1U << JOB_LOST } },
		{ "list state=queued (none)",
		  { .limit = 50, .states = 1U << JOB_QUEUED } },
		{ "list name", { .limit = 50, .name = "job-7" } },
		{ "list name (none)", { .limit = 50, .name = "nobody" } },
		{ "list name+state (none)",
		  { .limit = 50,
		    .name = "job-8",
		    .states = 1U << JOB_TIMED_OUT } },
		{ "list name+plugin (none)",
		  { .limit = 50, .name = "job-8", .plugin = "plugin-3" } },
		{ "list plugin", { .limit = 50, .plugin = "plugin-3" } },
		{ "list plugin+state (none)",
		  { .limit = 50,
		    .plugin = "plugin-3",
		    .states = 1U << JOB_FAILED } },
		{ "list since (half)",
		  { .limit = 50,
		    .since_ms = INT64_C(1795000000000) + last * 500 } },
		{ "list since+state=denied",
		  { .limit = 50,
		    .states = 1U << JOB_DENIED,
		    .since_ms = INT64_C(1795000000000) + last * 900 } },
		{ "list since (none)",
		  { .limit = 50,
		    .since_ms = INT64_C(1795000000000) + last * 2000 } },
		{ "list all but the state, limit 1000",
		  { .limit = 1000, .states = 1U << JOB_SUCCEEDED } },
	};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int found = 0;

		for (int n = 0; n < TIMES; n++) {
			struct store_filter f = cases[i].f;

			/* pages from anywhere */
			if (n % 2)
				f.before_id = random() % last + 1;
			found = 0;
			start(&times);
			check(store_job_list(s, &f, nothing, &found, &e), &e);
			stop(&times);
		}
		report(cases[i].title, &times, found);
	}
}

static void
ask_jobs(struct store *s, int64_t last)
{
	struct err e = ERR_INIT;
	int found = 0;

	for (int n = 0; n < TIMES * 4; n++) {
		start(&times);
		check(store_job_get(s, random() % last + 1, nothing, &found,
				    &e),
		      &e);
		stop(&times);
	}
	report("show", &times, found);
}

static void
prune_half(struct store *s, int64_t last)
{
	const struct store_retention r = {
		.now_ms = now_ms,
		.before_ms = INT64_C(1795000000000) + last * 500,
		.limit = 1000,
	};
	struct err e = ERR_INIT;
	size_t pruned = 0;
	int more = 1;

	while (more) {
		start(&times);
		more = store_prune(s, &r, &pruned, &e);
		check(more, &e);
		stop(&times);
	}
	report("a step of retention", &times, (int)pruned);
}

static void
ask(const char *folder, bool prune)
{
	double start = seconds();
	struct store *s = open_at(folder, "history.db", false);
	struct store_stats stats;
	struct err e = ERR_INIT;
	int found = 0;

	check(store_job_active_each(s, nothing, &found, &e), &e);
	check(store_stats(s, &stats, &e), &e);
	printf("opened in %.1f ms: %" PRId64 " jobs, %" PRId64 " MiB\n",
	       (seconds() - start) * 1e3, stats.jobs[JOB_SUCCEEDED],
	       stats.file_bytes >> 20);
	printf("%-40s %6s  %8s %8s %8s ms\n", "", "found", "p50", "p99", "max");
	ask_jobs(s, stats.last_id);
	ask_lists(s, stats.last_id);
	if (prune)
		prune_half(s, stats.last_id);
	store_close(s);
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[2], "fill") == 0)
		fill(argv[1], (int)strtol(argv[3], NULL, 10));
	else if (argc == 3 && strcmp(argv[2], "ask") == 0)
		ask(argv[1], false);
	else if (argc == 3 && strcmp(argv[2], "prune") == 0)
		ask(argv[1], true);
	else if (argc == 2 || argc == 3)
		measure_all(argv[1],
			    argc == 3 ? (int)strtol(argv[2], NULL, 10) : 20000);
	else
		return 2;
	return 0;
}
