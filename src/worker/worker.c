#include "worker/worker.h"

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/worker_parts.h"

/* To say "ready", where the plugin has no limit of time. */
#define LOAD_MS 60000
#define LINE_SHOWN 200

/* --- The states ------------------------------------------------------------
 */

static const char *const state_names[] = {
	[WORKER_NEW] = "new",	      [WORKER_STARTING] = "starting",
	[WORKER_LOADING] = "loading", [WORKER_IDLE] = "idle",
	[WORKER_BUSY] = "busy",	      [WORKER_ENDING] = "ending",
	[WORKER_GONE] = "gone",
};

/* Where an event leads; what has no row can't happen, and is a bug. */
struct transition {
	bool may;
	enum worker_state next;
};

#define TO(state)                    \
	{                            \
		true, WORKER_##state \
	}

static const struct transition transitions[WORKER_STATES][WORKER_EVENTS] = {
	[WORKER_NEW] = {
		[EVENT_START] = TO(STARTING),
	},
	[WORKER_STARTING] = {
		[EVENT_ENTERED] = TO(LOADING),
		[EVENT_OVER] = TO(ENDING),
		[EVENT_VANISHED] = TO(GONE),
	},
	[WORKER_LOADING] = {
		[EVENT_READY] = TO(IDLE),
		[EVENT_LOADED] = TO(BUSY),
		[EVENT_OVER] = TO(ENDING),
		[EVENT_VANISHED] = TO(GONE),
	},
	[WORKER_IDLE] = {
		[EVENT_HANDED] = TO(BUSY),
		[EVENT_OVER] = TO(ENDING),
		[EVENT_VANISHED] = TO(GONE),
	},
	[WORKER_BUSY] = {
		[EVENT_ANSWERED] = TO(IDLE),
		[EVENT_OVER] = TO(ENDING),
		[EVENT_VANISHED] = TO(GONE),
	},
	/* what it still says changes nothing */
	[WORKER_ENDING] = {
		[EVENT_ENTERED] = TO(ENDING),
		[EVENT_READY] = TO(ENDING),
		[EVENT_LOADED] = TO(ENDING),
		[EVENT_ANSWERED] = TO(ENDING),
		[EVENT_OVER] = TO(ENDING),
		[EVENT_VANISHED] = TO(GONE),
	},
};

const char *
worker_state_name(enum worker_state state)
{
	return state_names[state];
}

void
worker_step(struct worker *w, enum worker_event event)
{
	const struct transition *t = &transitions[w->state][event];

	if (!t->may)
		fatal("a worker that is %s met event %d",
		      worker_state_name(w->state), event);
	w->tell_idle = t->next == WORKER_IDLE;
	w->state = t->next;
}

/* --- What it is given -------------------------------------------------------
 */

void
worker_blame(struct worker *w, const struct err *e)
{
	if (w->why)
		return;
	w->why = xmalloc(sizeof(*w->why));
	*w->why = *e;
}

/* Pid 1 should have; what it can't kill can't be killed. */
static void
on_overdue(void *arg)
{
	struct worker *w = arg;
	struct err e = ERR_INIT;

	if (w->vanished) {
		/* somebody outside holds a stream of its */
		worker_io_stop(w);
	} else if (!w->overdue_killed) {
		w->overdue_killed = true;
		w->starter->kill(w->starter, &w->start);
		worker_set_overdue(w, OVERDUE_MS);
	} else {
		err_set(&e, ERR_AGENT,
			"a process of the sandbox can't be killed: pid %d of "
			"the host is in uninterruptible sleep or below it",
			(int)w->start.box.pid);
		free(steal_ptr(&w->why));
		worker_blame(w, &e);
		w->given_up = true;
	}
	worker_advance(w);
}

void
worker_set_overdue(struct worker *w, int64_t ms)
{
	if (ms)
		loop_timer_set(w->loop, &w->overdue, clock_mono_ms() + ms,
			       on_overdue, w);
	else
		loop_timer_cancel(&w->overdue);
}

void
worker_let_end(struct worker *w)
{
	if (w->lingers || w->has_exited)
		return;
	w->lingers = true;
	w->told_end = true;
	worker_step(w, EVENT_OVER);
	worker_io_write(w);
	sandbox_arm(&w->start.box, LINGER_MS);
	worker_set_overdue(w,
			   LINGER_MS + w->launch->spec.grace_ms + OVERDUE_MS);
}

void
worker_abort(struct worker *w)
{
	worker_step(w, EVENT_OVER);
	sandbox_abort(&w->start.box);
	worker_set_overdue(w, OVERDUE_MS);
}

void
worker_loaded(struct worker *w)
{
	if (w->state != WORKER_LOADING)
		return;
	if (!w->run) {
		sandbox_arm(&w->start.box, 0);
		worker_set_overdue(w, 0);
		worker_step(w, EVENT_READY);
		return;
	}
	if (w->run->job->always) {
		sandbox_arm(&w->start.box, 0);
		worker_set_overdue(w, 0);
	}
	worker_step(w, EVENT_LOADED);
}

void
worker_stray_line(struct worker *w, enum log_level level,
		  enum logbook_stream stream, const char *message, size_t len,
		  uint64_t left_out, struct json_text fields)
{
	struct logbook_entry entry = {
		.time_ms = clock_real_ms(),
		.level = level,
		.stream = stream,
		.message = message,
		.len = len,
		.fields = fields.s,
		.fields_len = fields.len,
		.left_out = left_out,
	};

	if (stream == LOGBOOK_STDERR && len) {
		free(w->last_line);
		w->last_line =
			xstrndup(message, len > LINE_SHOWN ? LINE_SHOWN : len);
	}
	if (w->handlers->late_log)
		w->handlers->late_log(w->arg, w, w->job_id, &entry);
}

/* --- From start to end ------------------------------------------------------
 */

static void
on_started(void *arg)
{
	struct worker *w = arg;
	const struct job_run *run = w->run;
	int64_t limit = w->launch->spec.timeout_ms;

	w->placed = true;
	worker_io_start(w);
	if (run && run->cancelled)
		sandbox_stop(&w->start.box);
	else if (run && !run->job->always && run->timeout_ms != limit)
		sandbox_arm(&w->start.box, run->timeout_ms);
	else if (!run && !limit)
		sandbox_arm(&w->start.box, LOAD_MS);
	worker_io_write(w);
}

static void
on_failed(void *arg, const struct err *e)
{
	struct worker *w = arg;

	w->vanished = true;
	w->failed = true;
	worker_blame(w, e);
	worker_advance(w);
}

static void
on_gone(void *arg, bool out_of_memory)
{
	struct worker *w = arg;

	w->vanished = true;
	worker_io_reports(w);
	if (!w->has_exited) {
		/* killed from outside: nothing of the sandbox is left either */
		w->has_exited = true;
		w->exited = (struct report){
			.status = SIGKILL,
			.cpu_us = (uint64_t)sandbox_cpu_us(&w->start.box),
		};
	}
	if (w->run)
		w->run->out_of_memory = out_of_memory;
	/* streams that somebody outside was given may stay open */
	worker_set_overdue(w, LINGER_MS);
	worker_advance(w);
}

struct worker *
worker_new(struct loop *l, struct starter *s, struct launch *launch,
	   const struct worker_handlers *h, void *arg)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->loop = l;
	w->starter = s;
	w->launch = launch_ref(launch);
	w->handlers = h;
	w->arg = arg;
	start_init(&w->start);
	w->start.started = on_started;
	w->start.failed = on_failed;
	w->start.gone = on_gone;
	w->start.arg = w;
	job_output_init(w);
	return w;
}

void
worker_start(struct worker *w)
{
	int64_t limit = w->launch->spec.timeout_ms;

	worker_step(w, EVENT_START);
	worker_set_overdue(w, (limit ? limit : LOAD_MS) +
				      w->launch->spec.grace_ms + OVERDUE_MS);
	w->starter->start(w->starter, &w->start, w->launch);
}

void
worker_end(struct worker *w)
{
	w->ended = true;
	if (w->run) {
		if (w->run->after == WORKER_REUSE)
			w->run->after = WORKER_LAST;
	} else if (w->state == WORKER_IDLE) {
		worker_let_end(w);
	} else if (w->state < WORKER_IDLE) {
		worker_kill(w);
	}
}

void
worker_kill(struct worker *w)
{
	if (w->state == WORKER_NEW || w->state == WORKER_GONE)
		return;
	w->ended = true;
	worker_step(w, EVENT_OVER);
	w->starter->kill(w->starter, &w->start);
	worker_set_overdue(w, OVERDUE_MS);
	w->overdue_killed = true;
}

void
worker_free(struct worker *w)
{
	if (!w)
		return;
	if (w->state != WORKER_NEW && w->state != WORKER_GONE)
		fatal("a worker that is %s was to be freed",
		      worker_state_name(w->state));
	worker_io_stop(w);
	loop_timer_cancel(&w->overdue);
	hunt_free(w->hunt);
	job_run_free(w->run);
	job_output_release(w);
	launch_unref(w->launch);
	free(w->why);
	free(w->last_line);
	free(w->sdk);
	free(w);
}

/* --- What has become possible ------------------------------------------------
 */

static void
describe_exit(const struct worker *w, struct err *e)
{
	int status = w->exited.status;
	const char *when =
		w->jobs ? "while it had no job" : "before it said \"ready\"";

	if (w->exited.reason == REASON_DEADLINE)
		err_set(e, ERR_USAGE, "%s",
			w->lost_output ? "closed its standard output" :
					 "not ready in time");
	else if (w->exited.reason == REASON_MEMORY)
		err_set(e, ERR_USAGE, "killed for memory %s", when);
	else if (w->exited.reason == REASON_CPU)
		err_set(e, ERR_USAGE, "killed for CPU time %s", when);
	else if (w->exited.reason == REASON_SYSCALL)
		err_set(e, ERR_DENIED,
			"killed for a system call that no plugin may make, %s",
			when);
	else if (WIFSIGNALED(status))
		err_set(e, ERR_USAGE, "killed by signal %d (SIG%s) %s",
			WTERMSIG(status),
			sigabbrev_np(WTERMSIG(status)) ?
				sigabbrev_np(WTERMSIG(status)) :
				"?",
			when);
	else
		err_set(e, ERR_USAGE, "exited with status %d %s",
			WEXITSTATUS(status), when);
	if (w->last_line)
		err_hint(e, "its last line: %s", w->last_line);
}

/* It ended by itself, which nobody had asked for. */
static void
blame_exit(struct worker *w)
{
	struct err e = ERR_INIT;

	if (w->ended || w->done_whole || (w->lingers && !w->lost_output))
		return;
	describe_exit(w, &e);
	worker_blame(w, &e);
}

static void
vanish(struct worker *w)
{
	static const struct err nothing = ERR_INIT;

	worker_io_stop(w);
	loop_timer_cancel(&w->overdue);
	w->starter->release(w->starter, &w->start);
	worker_step(w, EVENT_VANISHED);
	if (w->handlers->gone)
		w->handlers->gone(w->arg, w, w->why ? w->why : &nothing);
}

/* No process of it is left, nor anything that one wrote. */
static bool
is_over(const struct worker *w)
{
	return w->given_up || (w->vanished && w->start.box.stdout_fd < 0 &&
			       w->start.box.stderr_fd < 0);
}

static void
finish(struct worker *w)
{
	struct job_run *run = w->run;

	if (w->state != WORKER_ENDING)
		worker_step(w, EVENT_OVER);
	if (!run) {
		blame_exit(w);
	} else if (w->failed || w->given_up) {
		worker_job_fail(w, w->why);
	} else {
		run->exited = w->exited;
		w->done_whole = true;
		worker_job_finish(w);
	}
}

void
worker_advance(struct worker *w)
{
	if (w->hunt || w->state == WORKER_GONE)
		return;
	worker_job_answered(w);
	if (is_over(w)) {
		if (!w->over_seen) {
			w->over_seen = true;
			finish(w);
		}
		if (!w->run)
			vanish(w);
		return;
	}
	if (!w->tell_idle || w->run)
		return;
	w->tell_idle = false;
	if (w->ended)
		worker_let_end(w);
	else if (w->handlers->idle)
		w->handlers->idle(w->arg, w);
}

/* --- What is known of it -----------------------------------------------------
 */

enum worker_state
worker_state(const struct worker *w)
{
	return w->state;
}

struct job *
worker_job(const struct worker *w)
{
	return w->run ? w->run->job : NULL;
}

struct launch *
worker_launch(const struct worker *w)
{
	return w->launch;
}

pid_t
worker_pid(const struct worker *w)
{
	return w->placed ? w->start.box.pid : 0;
}

uint64_t
worker_jobs(const struct worker *w)
{
	return w->jobs;
}

const char *
worker_sdk(const struct worker *w)
{
	return w->sdk ? w->sdk : "";
}
