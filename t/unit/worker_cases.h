/*
 * worker_cases.h: plugins of every kind, hostile ones among them, and what a
 * worker makes of each; the same for a sandbox that is made here and for one
 * of the spawner's.
 */
#ifndef WORKER_CASES_H
#define WORKER_CASES_H

#include <sys/stat.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "model/manifest.h"
#include "worker/worker.h"
#include "worker/worker_parts.h"

#define PATIENCE_MS 30000

/* Before each script: a plugin of few words, without the SDK. */
static const char preface[] =
	"import sys, os, time, json, signal, socket\n"
	"def say(text):\n"
	"    os.write(1, (text + '\\n').encode())\n"
	"def ready(sdk='raw'):\n"
	"    say('{\"jsonrpc\":\"2.0\",\"method\":\"ready\",\"params\":"
	"{\"protocol\":1,\"sdk\":\"%s\"}}' % sdk)\n"
	"def answer(id, result='1'):\n"
	"    say('{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%s}'"
	" % (id, result))\n"
	"def metric(n):\n"
	"    say('{\"jsonrpc\":\"2.0\",\"method\":\"metric\",\"params\":"
	"{\"name\":\"n\",\"value\":%d}}' % n)\n"
	"def burn(seconds):\n"
	"    while time.process_time() < seconds: pass\n"
	"def jobs():\n"
	"    for line in sys.stdin:\n"
	"        m = json.loads(line)\n"
	"        if 'id' in m: yield m['id']\n"
	"def serve():\n"
	"    for id in jobs(): answer(id)\n";

struct bench {
	struct loop *loop;
	struct starter *starter;
	char folder[64];
	struct manifest manifest;
	struct permissions none;
	struct limits ceiling;
	struct runtime runtime;
	struct launch *launch;
	struct worker *worker;
	struct job job;
	struct job_watch watch;
	/* what was told */
	int idle, done, late_lines, late_faults, late_denials, metrics;
	bool gone;
	int64_t late_id;
	struct err why, fault;
};

static void
on_idle(void *arg, struct worker *w)
{
	(void)w;
	((struct bench *)arg)->idle++;
}

static void
on_done(void *arg, struct worker *w, struct job *job)
{
	struct bench *b = arg;

	(void)w;
	(void)job;
	b->done++;
}

static void
on_gone(void *arg, struct worker *w, const struct err *why)
{
	struct bench *b = arg;

	b->gone = true;
	b->why = *why;
	worker_free(w);
	b->worker = NULL;
}

static void
on_late_log(void *arg, struct worker *w, int64_t id,
	    const struct logbook_entry *entry)
{
	struct bench *b = arg;

	(void)w;
	(void)entry;
	b->late_lines++;
	b->late_id = id;
}

static void
on_late_fault(void *arg, struct worker *w, int64_t id, const struct err *what)
{
	struct bench *b = arg;

	(void)w;
	b->late_faults++;
	b->late_id = id;
	b->fault = *what;
}

static void
on_late_denial(void *arg, struct worker *w, int64_t id, const struct denial *d)
{
	(void)w;
	(void)id;
	(void)d;
	((struct bench *)arg)->late_denials++;
}

static void
on_metric_seen(void *arg, const struct session_metric *m)
{
	(void)m;
	((struct bench *)arg)->metrics++;
}

static const struct worker_handlers bench_handlers = {
	on_idle, on_done, on_gone, on_late_log, on_late_fault, on_late_denial,
};

/* Turn the loop until it holds: whether it did in time. */
#define WAIT_FOR(b, check)                                           \
	({                                                           \
		int64_t end_ = clock_mono_ms() + PATIENCE_MS;        \
		while (!(check) && clock_mono_ms() < end_)           \
			loop_turn((b)->loop, clock_mono_ms() + 200); \
		(check);                                             \
	})

static void
bench_pass(struct bench *b, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end)
		loop_turn(b->loop, end);
}

static void
bench_job(struct bench *b, int64_t id)
{
	job_release(&b->job);
	job_init(&b->job);
	b->job.record.id = id;
	b->job.record.attempt = 1;
	b->job.record.name = xstrdup("case");
	b->job.record.plugin = xstrdup("case");
	b->watch = (struct job_watch){ .metric = on_metric_seen, .arg = b };
	b->job.watch = &b->watch;
}

static void
bench_open(struct bench *b, struct loop *l, struct starter *s)
{
	static char sdk[4096];

	memset(b, 0, sizeof(*b));
	b->loop = l;
	b->starter = s;
	strcpy(b->folder, "/var/tmp/worker-XXXXXX");
	if (!mkdtemp(b->folder) || chmod(b->folder, 0755) < 0 ||
	    !getcwd(sdk, sizeof(sdk) - 16))
		abort();
	strcat(sdk, "/sdk/python");
	manifest_init(&b->manifest);
	b->manifest.workers.max_jobs = 100;
	b->manifest.limits.timeout_ms = 20000;
	b->runtime = (struct runtime){ .sdk = sdk,
				       .python = "/usr/bin/python3",
				       .shell = "/bin/sh",
				       .ceiling = &b->ceiling };
	job_init(&b->job);
}

static void
bench_close(struct bench *b)
{
	_free_ char *command = xasprintf("rm -rf '%s'", b->folder);

	if (b->worker) {
		worker_kill(b->worker);
		WAIT_FOR(b, b->gone);
	}
	launch_unref(b->launch);
	job_release(&b->job);
	manifest_release(&b->manifest);
	if (system(command) != 0)
		diag("%s failed", command);
}

/* Start a worker of this script; `python`: by the SDK, as it is. */
static void
bench_start(struct bench *b, const char *script, bool python)
{
	_free_ char *path = xasprintf("%s/case.py", b->folder);
	struct program p = { .kind = python ? PLUGIN_PYTHON : PLUGIN_EXECUTABLE,
			     .path = path,
			     .entry = path,
			     .manifest = &b->manifest,
			     .granted = &b->none };
	struct err e = ERR_INIT;
	FILE *f = fopen(path, "w");

	if (!f)
		abort();
	fprintf(f, "%s%s\n%s\n", python ? "" : "#!/usr/bin/python3 -IS\n",
		python ? "" : preface, script);
	if (fclose(f) != 0 || chmod(path, 0755) < 0)
		abort();
	b->idle = b->done = b->late_lines = b->late_faults = 0;
	b->late_denials = b->metrics = 0;
	b->gone = false;
	b->why = (struct err)ERR_INIT;
	launch_unref(b->launch);
	b->launch = launch_new(&p, &b->runtime, NULL, &e);
	if (!b->launch) {
		diag("%s", e.msg);
		abort();
	}
	b->worker =
		worker_new(b->loop, b->starter, b->launch, &bench_handlers, b);
	worker_start(b->worker);
}

static void
bench_run(struct bench *b, int64_t id, enum worker_after after)
{
	struct err e = ERR_INIT;
	int done = b->done;

	bench_job(b, id);
	is_int(worker_run(b->worker, &b->job, after, &e), 0,
	       "the worker takes job %d", (int)id);
	ok(WAIT_FOR(b, b->done > done), "job %d is done", (int)id);
}

static void
state_is(struct bench *b, enum job_state want, const char *title)
{
	if (!is_str(job_state_name(b->job.record.state), job_state_name(want),
		    "%s", title))
		diag("error: %s", b->job.record.error_message ?
					  b->job.record.error_message :
					  "none");
}

/* --- Cases ------------------------------------------------------------------
 */

static void
reused(struct bench *b)
{
	bench_start(b, "ready()\nserve()", false);
	ok(WAIT_FOR(b, b->idle == 1), "a worker that is ready is idle");
	bench_run(b, 1, WORKER_REUSE);
	state_is(b, JOB_SUCCEEDED, "a job of a reused worker succeeds");
	is_int(b->job.record.exit_code, -1, "it has no exit code");
	ok(b->job.record.max_rss_bytes > 1 << 20, "its memory is known");
	if (!ok(WAIT_FOR(b, b->idle == 2), "the worker is idle again")) {
		diag("it is gone: %s", b->why.msg);
		return;
	}
	bench_run(b, 2, WORKER_REUSE);
	state_is(b, JOB_SUCCEEDED, "and so does the next one");
	worker_end(b->worker);
	ok(WAIT_FOR(b, b->gone), "it ends when it is told to");
	is_int(b->why.kind, ERR_NONE, "which is no fault");
}

/* How often pid 1 of the worker's sandbox has waited. */
static long
init_waits(const struct bench *b)
{
	_free_ char *path =
		xasprintf("/proc/%d/status", (int)worker_pid(b->worker));
	_buf_ struct buf text = { 0 };
	struct err e = ERR_INIT;
	const char *at = NULL;

	if (file_read(path, &text, &e) == 0)
		at = strstr(text.data, "\nvoluntary_ctxt_switches:");
	return at ? strtol(strchr(at, ':') + 1, NULL, 10) : -1;
}

/* Where a group counts, pid 1 sleeps from the second job on. */
static void
metered(struct bench *b)
{
	struct err e = ERR_INIT;
	long waits = -1;

	b->manifest.limits.timeout_ms = 3000;
	bench_start(b,
		    "ready()\nfor id in jobs():\n    burn(0.3 * id)\n"
		    "    if id == 4:\n"
		    "        if os.fork() == 0: time.sleep(99)\n"
		    "    if id == 6: time.sleep(99)\n    answer(id)",
		    false);
	WAIT_FOR(b, b->idle == 1);
	bench_run(b, 1, WORKER_REUSE);
	WAIT_FOR(b, b->idle == 2);
	for (int i = 2; i <= 5; i++) {
		bench_run(b, i, WORKER_REUSE);
		state_is(b, JOB_SUCCEEDED, "a job that is counted succeeds");
		if (!ok(b->job.record.cpu_ms >= 200 &&
				b->job.record.cpu_ms < 900,
			"its CPU time is its own"))
			diag("%d ms", (int)b->job.record.cpu_ms);
		ok(b->job.record.max_rss_bytes > 1 << 20,
		   "its memory is known");
		WAIT_FOR(b, b->idle == i + 1);
		/* asleep since the first, which it was asked about */
		if (i == 2)
			waits = init_waits(b);
		if (i == 3 && b->worker->start.box.counted &&
		    meter_is_there(&b->worker->start.box.meter))
			is_int(init_waits(b), waits,
			       "pid 1 was not woken for it");
	}
	/* the agent stands still until all is over, and the group removed */
	bench_job(b, 6);
	worker_run(b->worker, &b->job, WORKER_REUSE, &e);
	sleep(4);
	ok(WAIT_FOR(b, b->done == 6), "the last is done");
	state_is(b, JOB_TIMED_OUT, "pid 1 keeps its deadline");
	if (!ok(b->job.record.cpu_ms >= 200 && b->job.record.cpu_ms < 900,
		"its CPU time is its own, too"))
		diag("%d ms", (int)b->job.record.cpu_ms);
	ok(WAIT_FOR(b, b->gone), "the worker goes with it");
}

static void
counted(struct bench *b)
{
	b->manifest.limits.cpu_ms = 900;
	bench_start(b,
		    "ready()\n"
		    "for i, id in enumerate(jobs()):\n"
		    "    burn(0.6 * (i + 1))\n    answer(id)",
		    false);
	ok(WAIT_FOR(b, b->idle == 1), "it is ready");
	for (int i = 1; i <= 3; i++) {
		bench_run(b, i, WORKER_REUSE);
		state_is(b, JOB_SUCCEEDED, "the limit of CPU time is a job's");
		ok(b->job.record.cpu_ms >= 300 && b->job.record.cpu_ms < 900,
		   "and so is what it used");
		if (!b->worker)
			return;
	}
	worker_end(b->worker);
	WAIT_FOR(b, b->gone);
}

static void
last_sdk(struct bench *b)
{
	bench_start(b,
		    "import sys\n"
		    "def register():\n    return lambda job: print('x')",
		    true);
	ok(WAIT_FOR(b, b->idle == 1), "a plugin of the SDK is idle");
	bench_run(b, 5, WORKER_LAST);
	state_is(b, JOB_SUCCEEDED, "its last job succeeds");
	is_int(b->job.record.exit_code, -1, "... before the process ends");
	is_int((intmax_t)b->job.logbook.lines, 1, "... with all it printed");
	ok(!b->gone, "the worker is still there");
	ok(WAIT_FOR(b, b->gone), "and ends by itself");
	is_int(b->why.kind, ERR_NONE, "which is no fault");
}

static void
last_raw(struct bench *b)
{
	bench_start(b, "ready()\nfor id in jobs(): answer(id)\nsys.exit(7)",
		    false);
	WAIT_FOR(b, b->idle == 1);
	bench_run(b, 6, WORKER_LAST);
	state_is(b, JOB_SUCCEEDED, "a raw plugin's last job succeeds");
	is_int(b->job.record.exit_code, 7, "... at its exit");
	ok(WAIT_FOR(b, b->gone), "the worker is gone");
	is_int(b->why.kind, ERR_NONE, "which is no fault");
}

static void
answers_twice(struct bench *b)
{
	bench_start(b,
		    "ready()\nfor id in jobs():\n"
		    "    answer(id)\n    time.sleep(0.3)\n    answer(id)",
		    false);
	WAIT_FOR(b, b->idle == 1);
	bench_run(b, 7, WORKER_LAST);
	state_is(b, JOB_FAILED, "a second answer fails a raw plugin's job");
	ok(WAIT_FOR(b, b->gone), "the worker is gone");

	bench_start(b,
		    "ready('python/x')\nfor id in jobs():\n"
		    "    answer(id)\n    time.sleep(0.3)\n"
		    "    sys.stderr.write('late\\n')\n    answer(id)",
		    false);
	WAIT_FOR(b, b->idle == 1);
	bench_run(b, 8, WORKER_LAST);
	state_is(b, JOB_SUCCEEDED, "the SDK's first answer is its last");
	ok(WAIT_FOR(b, b->gone), "the worker is gone");
	is_int(b->late_faults, 1, "a second one is told to the owner");
	is_int(b->late_lines, 1, "and so is a late line");
	is_int(b->late_id, 8, "both with the job's id");
}

static void
cases_of_the_idle(struct bench *b)
{
	static const struct {
		const char *title, *script, *why, *hint;
	} cases[] = {
		{ "ready twice", "ready()\nready()\nserve()",
		  "a second \"ready\"", NULL },
		{ "an answer while idle", "ready()\nanswer(3)\nserve()",
		  "an answer to no request", NULL },
		{ "no JSON while idle", "ready()\nsay('hello')\nserve()",
		  "no JSON object", NULL },
		{ "death while loading",
		  "sys.stderr.write('bad day\\n')\nsys.exit(3)",
		  "exited with status 3 before it said \"ready\"", "bad day" },
		{ "death while idle", "ready()\nos.kill(os.getpid(), 9)",
		  "killed by signal 9", NULL },
		{ "a load that hangs", "time.sleep(99)", "not ready in time",
		  NULL },
		{ "an output that is closed",
		  "ready()\nos.close(1)\ntime.sleep(99)",
		  "closed its standard output", NULL },
		{ "a load error of the SDK's",
		  "say('{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":"
		  "{\"code\":-32000,\"message\":\"no module\"}}')",
		  "could not be loaded: no module", NULL },
	};

	b->manifest.limits.timeout_ms = 1500;
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		bench_start(b, cases[i].script, false);
		ok(WAIT_FOR(b, b->gone), "%s ends the worker", cases[i].title);
		is_int(b->why.kind, ERR_USAGE, "it is the plugin's fault");
		has_str(b->why.msg, cases[i].why, "and the reason is told");
		if (cases[i].hint)
			has_str(b->why.hint, cases[i].hint, "with its words");
	}
}

static void
endings(struct bench *b)
{
	static const struct {
		const char *title, *script;
	} cases[] = {
		{ "one that floods its log",
		  "ready()\nwhile True: sys.stderr.write('x' * 99 + '\\n')" },
		{ "one that left children",
		  "ready()\nfor i in range(5):\n"
		  "    if os.fork() == 0:\n        time.sleep(99)\nserve()" },
		{ "one that stopped itself",
		  "ready()\nos.kill(os.getpid(), signal.SIGSTOP)" },
		{ "one that ignores everything",
		  "signal.signal(15, signal.SIG_IGN)\nready()\n"
		  "while True: time.sleep(9)" },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		pid_t pid;

		bench_start(b, cases[i].script, false);
		ok(WAIT_FOR(b, b->idle == 1), "%s is idle", cases[i].title);
		pid = worker_pid(b->worker);
		worker_end(b->worker);
		ok(WAIT_FOR(b, b->gone), "%s can be ended", cases[i].title);
		is_int(b->why.kind, ERR_NONE, "which is no fault");
		ok(kill(pid, 0) < 0, "no process of it is left");
	}
}

/* The limit of time is the job's, however long the worker was idle. */
static void
deadlines(struct bench *b)
{
	b->manifest.limits.timeout_ms = 3000;
	bench_start(b,
		    "ready()\nfor id in jobs():\n"
		    "    if id == 2: time.sleep(99)\n    answer(id)",
		    false);
	WAIT_FOR(b, b->idle == 1);
	bench_pass(b, 3500);
	is_int(worker_state(b->worker), WORKER_IDLE, "idle has no deadline");
	bench_run(b, 1, WORKER_REUSE);
	state_is(b, JOB_SUCCEEDED, "a job after that is in time");
	WAIT_FOR(b, b->idle == 2);
	bench_run(b, 2, WORKER_REUSE);
	state_is(b, JOB_TIMED_OUT, "one that hangs is timed out");
	ok(WAIT_FOR(b, b->gone), "and its worker with it");
}

static void
deaf(struct bench *b)
{
	_free_ char *big = xmalloc(1 << 20);
	struct err e = ERR_INIT;
	int64_t before;

	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = '\0';
	bench_start(b, "ready()\ntime.sleep(99)", false);
	WAIT_FOR(b, b->idle == 1);
	bench_job(b, 9);
	b->job.record.params = value_object();
	value_set(b->job.record.params, "big", value_string(big));
	before = clock_mono_ms();
	worker_run(b->worker, &b->job, WORKER_REUSE, &e);
	loop_turn(b->loop, clock_mono_ms() + 10);
	ok(clock_mono_ms() - before < 2000, "a worker that does not read does "
					    "not hold up anybody");
	worker_cancel(b->worker);
	ok(WAIT_FOR(b, b->done == 1), "its job can be cancelled");
	state_is(b, JOB_CANCELLED, "and is");
	ok(WAIT_FOR(b, b->gone), "the worker is gone");
}

static void
always(struct bench *b)
{
	struct err e = ERR_INIT;

	b->manifest.limits.timeout_ms = 1500;
	bench_start(b,
		    "ready()\nfor id in jobs():\n"
		    "    for n in range(3000): metric(n)\n    time.sleep(99)",
		    false);
	bench_job(b, 10);
	b->job.always = true;
	is_int(worker_run(b->worker, &b->job, WORKER_LAST, &e), 0,
	       "a job may be handed before the worker is ready");
	ok(WAIT_FOR(b, b->metrics == 3000), "every metric of one that runs "
					    "for ever is told");
	ok(!b->job.record.metrics, "and none is kept");
	bench_pass(b, 2000);
	is_int(b->done, 0, "it has no deadline");
	worker_cancel(b->worker);
	ok(WAIT_FOR(b, b->done == 1), "it can be cancelled");
	state_is(b, JOB_CANCELLED, "and is");
	WAIT_FOR(b, b->gone);
}

static void
refused_idle(struct bench *b)
{
	bench_start(b,
		    "ready()\n"
		    "try: socket.socket(socket.AF_UNIX)\nexcept OSError: pass\n"
		    "serve()",
		    false);
	WAIT_FOR(b, b->idle == 1);
	ok(WAIT_FOR(b, b->late_denials > 0), "a denial while idle is told");
	bench_run(b, 11, WORKER_REUSE);
	ok(!b->job.record.denials || !b->job.record.denials->u.array.n,
	   "and is no denial of the next job");
}

static void
killed(struct bench *b)
{
	struct err e = ERR_INIT;

	bench_start(b, "ready()\nfor id in jobs(): time.sleep(99)", false);
	WAIT_FOR(b, b->idle == 1);
	bench_job(b, 12);
	worker_run(b->worker, &b->job, WORKER_REUSE, &e);
	worker_kill(b->worker);
	ok(WAIT_FOR(b, b->done == 1), "a job whose worker is killed is done");
	state_is(b, JOB_FAILED, "and failed");
	WAIT_FOR(b, b->gone);

	bench_start(b, "ready()\nserve()", false);
	worker_kill(b->worker);
	ok(WAIT_FOR(b, b->gone), "one that only starts can be killed");
}

static void
worker_cases(struct loop *l, struct starter *s)
{
	static void (*const cases[])(struct bench *) = {
		reused,	       metered,		  counted, last_sdk,  last_raw,
		answers_twice, cases_of_the_idle, endings, deadlines, deaf,
		always,	       refused_idle,	  killed,
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct bench b;

		bench_open(&b, l, s);
		cases[i](&b);
		bench_close(&b);
	}
}

#endif
