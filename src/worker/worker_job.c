/* One job of a worker, from its request to its record. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/worker_parts.h"

/* Of a job that runs for ever, what is kept for its last words. */
#define ALWAYS_LOG (64 << 10)

void
job_log(struct job_run *run, enum log_level level, enum logbook_stream stream,
	const char *message, size_t len, uint64_t left_out,
	struct json_text fields)
{
	const struct job_watch *w = run->job->watch;
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

	logbook_add(&run->job->logbook, &entry);
	/* past the bound the end is shown when it is known */
	if (w && w->log && (run->job->always || !run->job->logbook.head_full))
		w->log(w->arg, &entry);
}

/* --- The beginning ---------------------------------------------------------
 */

/*
 * The limit of time is kept by pid 1.  One that is still to come up, or to
 * load, has begun with its launch's own.
 */
static void
set_deadline(struct worker *w, struct job_run *run)
{
	bool own = run->timeout_ms == w->launch->spec.timeout_ms;

	if (run->job->always && w->state != WORKER_IDLE)
		return; /* none once it is loaded */
	if (w->state == WORKER_IDLE || w->state == WORKER_LOADING)
		sandbox_begin(&w->start.box, run->timeout_ms);
	else if (w->placed && !own)
		sandbox_arm(&w->start.box, run->timeout_ms);
	worker_set_overdue(w, run->timeout_ms ?
				      run->timeout_ms +
					      w->launch->spec.grace_ms +
					      OVERDUE_MS :
				      0);
}

static struct job_run *
new_run(struct worker *w, struct job *job, enum worker_after after)
{
	struct job_run *run = xcalloc(1, sizeof(*run));

	run->job = job;
	run->launch = w->launch;
	run->worker = w;
	run->after = after;
	run->timeout_ms = job->always	  ? 0 :
			  job->timeout_ms ? job->timeout_ms :
					    w->launch->spec.timeout_ms;
	return run;
}

int
worker_run(struct worker *w, struct job *job, enum worker_after after,
	   struct err *e)
{
	struct job_run *run;

	if (w->run || w->state < WORKER_STARTING || w->state > WORKER_IDLE)
		return err_set(e, ERR_AGENT, "a worker that is %s takes no job",
			       w->run ? "busy" : worker_state_name(w->state));
	run = new_run(w, job, after);
	if (job_output_start(run, job, e) < 0) {
		job_run_free(run);
		return -1;
	}
	logbook_init(&job->logbook,
		     job->always ? ALWAYS_LOG :
				   (size_t)w->launch->limits.output_bytes);
	job->record.state = JOB_RUNNING;
	job->record.started_ms = clock_real_ms();
	run->started_ms = clock_mono_ms();
	w->run = run;
	w->job_id = job->record.id;
	w->jobs++;
	set_deadline(w, run);
	if (w->state == WORKER_IDLE)
		worker_step(w, EVENT_HANDED);
	worker_io_write(w);
	return 0;
}

void
worker_cancel(struct worker *w)
{
	struct job_run *run = w->run;

	if (!run) {
		worker_end(w);
		return;
	}
	if (run->cancelled || run->counting || run->lives || w->vanished)
		return;
	run->cancelled = true;
	if (w->session.state != SESSION_DEAD)
		session_cancel(&w->session);
	w->told_end = true;
	worker_step(w, EVENT_OVER);
	worker_set_overdue(w, w->launch->spec.grace_ms + OVERDUE_MS);
	if (!w->placed)
		return; /* on_started() sees to it */
	sandbox_stop(&w->start.box);
	worker_io_write(w);
}

/* --- The end ----------------------------------------------------------------
 */

/* Whether its last word has been said, with the process still there. */
static bool
ends_at_answer(const struct worker *w)
{
	const struct job_run *run = w->run;

	return w->session.state == SESSION_READY && !run->cancelled &&
	       (run->after == WORKER_REUSE ||
		(run->after == WORKER_LAST && w->spoke_sdk));
}

void
worker_job_answered(struct worker *w)
{
	struct job_run *run = w->run;
	struct report r;

	if (!run || !run->answered || run->counting || w->has_exited)
		return;
	if (!ends_at_answer(w)) {
		worker_let_end(w);
		return;
	}
	run->counting = true;
	if (!sandbox_usage(&w->start.box, &r))
		return;
	/* denials from before the answer */
	worker_io_reports(w);
	if (!w->has_exited)
		worker_job_used(w, &r);
}

/* REPORT_USAGE; a reason means that it is being ended, and why. */
void
worker_job_used(struct worker *w, const struct report *r)
{
	struct job_run *run = w->run;

	if (!run || !run->counting || w->state < WORKER_BUSY)
		return;
	/* what it wrote before its answer is there by now */
	worker_io_drain(w);
	run->counting = false;
	if (r->reason != REASON_NONE || run->spoiled ||
	    w->session.state != SESSION_READY) {
		run->after = WORKER_LAST_WHOLE;
		worker_let_end(w);
		return;
	}
	run->lives = true;
	run->exited = *r;
	worker_step(w,
		    run->after == WORKER_REUSE ? EVENT_ANSWERED : EVENT_OVER);
	if (run->after != WORKER_REUSE)
		worker_let_end(w);
	else
		worker_set_overdue(w, 0);
	worker_job_finish(w);
}

static void
deliver(struct worker *w)
{
	struct job_run *run = steal_ptr(&w->run);
	struct job *job = run->job;

	job_run_free(run);
	if (w->handlers->done)
		w->handlers->done(w->arg, w, job);
}

static void
hunt_over(void *arg)
{
	struct worker *w = arg;

	w->hunt = NULL;
	job_record_hint(w->run);
	deliver(w);
	worker_advance(w);
}

void
worker_job_finish(struct worker *w)
{
	struct job_run *run = w->run;
	_buf_ struct buf tail = { 0 };

	job_output_end(run, !run->lives);
	if (job_record_finish(run)) {
		job_record_tail(run, &tail);
		w->hunt = hunt_start(w->loop, &run->job->record,
				     &w->launch->spec, tail.data, hunt_over, w);
		if (w->hunt)
			return;
	}
	job_record_hint(run);
	deliver(w);
}

void
worker_job_fail(struct worker *w, const struct err *e)
{
	struct record *r = &w->run->job->record;

	r->state = e->kind == ERR_DENIED ? JOB_DENIED : JOB_FAILED;
	r->finished_ms = clock_real_ms();
	r->duration_ms = clock_mono_ms() - w->run->started_ms;
	record_set_error(r, e->kind == ERR_DENIED ? "denied" : "agent", e->msg,
			 e->hint);
	deliver(w);
}
