#include "worker/job.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/job_run.h"

/* After the grace, for pid 1 to have taken everything with it. */
#define OVERDUE_MS 5000
/* After its answer, for a plugin to end by itself. */
#define LINGER_MS 2000
#define CHUNK 65536

void
job_init(struct job *job, const struct program *program,
	 const struct runtime *runtime)
{
	memset(job, 0, sizeof(*job));
	job->program = program;
	job->runtime = runtime;
	job->method = "run";
	job->cancel_fd = -1;
	record_init(&job->record);
}

void
job_release(struct job *job)
{
	record_release(&job->record);
	logbook_release(&job->logbook);
}

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
	if (w && w->log && !run->job->logbook.head_full)
		w->log(w->arg, &entry);
}

/* --- What pid 1 of the sandbox says --------------------------------------- */

static void
take_denial(struct job_run *run, const struct report *r)
{
	const struct job_watch *w = run->job->watch;
	struct denial d;

	explain_denial(&run->spec, r, &d);
	denial_add(&run->job->record, &d);
	if (w && w->denied)
		w->denied(w->arg, &d);
}

static void
take_access(struct job_run *run, const struct report *r)
{
	const struct job_watch *w = run->job->watch;
	struct job_access a = { r->syscall, r->write != 0, r->text };

	if (w && w->accessed)
		w->accessed(w->arg, &a);
}

static int
take_report(struct job_run *run, const struct report *r, struct err *e)
{
	switch (r->type) {
	case REPORT_ENTERED:
		run->entered = true;
		run->layers = r->layers;
		run->landlock_abi = r->detail;
		break;
	case REPORT_DENIED:
		take_denial(run, r);
		break;
	case REPORT_ACCESS:
		take_access(run, r);
		break;
	case REPORT_EXITED:
		run->exited = *r;
		run->has_exited = true;
		/* streams that somebody outside was given may stay open */
		run->give_up_ms = clock_mono_ms() + LINGER_MS;
		break;
	case REPORT_FAILED:
		err_set(e, ERR_AGENT, "no sandbox could be made: %s", r->text);
		return err_hint(e, "devops_agent doctor tries each layer");
	default:
		break;
	}
	return 0;
}

/* 0; -1 where there is no sandbox. */
static int
read_reports(struct job_run *run, struct err *e)
{
	struct report r;
	int rc;

	while ((rc = sandbox_read_report(&run->box, &r)) > 0)
		if (take_report(run, &r, e) < 0)
			return -1;
	if (rc == 0 || run->has_exited)
		return 0;
	/* killed from outside: nothing of the sandbox is left either */
	run->has_exited = true;
	run->exited = (struct report){
		.status = SIGKILL,
		.cpu_us = (uint64_t)sandbox_cpu_us(&run->box),
	};
	return 0;
}

/* --- The streams -----------------------------------------------------------
 */

/* A stream that has ended, or that broke a rule, is read no more. */
static void
read_stream(struct job_run *run, int *fd)
{
	char *chunk = run->chunk;
	ssize_t n = read(*fd, chunk, CHUNK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(steal_fd(fd));
		return;
	}
	if (fd == &run->box.stderr_fd) {
		job_output_stderr(run, chunk, (size_t)n);
	} else if (job_output_stdout(run, chunk, (size_t)n) < 0) {
		run->spoiled = true;
		close(steal_fd(fd));
		sandbox_abort(&run->box);
	}
}

static void
write_stdin(struct job_run *run)
{
	struct buf *pending = job_output_pending(run);
	ssize_t n;

	if (run->box.stdin_fd < 0)
		return;
	if (pending) {
		n = write(run->box.stdin_fd, pending->data, pending->len);
		if (n > 0)
			buf_consume(pending, (size_t)n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			close(steal_fd(&run->box.stdin_fd));
		return;
	}
	if (job_output_asked(run))
		close(steal_fd(&run->box.stdin_fd));
}

static void
cancel(struct job_run *run)
{
	run->cancelled = true;
	run->job->cancel_fd = -1;
	if (run->session.state != SESSION_DEAD)
		session_cancel(&run->session);
	sandbox_stop(&run->box);
	run->give_up_ms = clock_mono_ms() + run->spec.grace_ms + OVERDUE_MS;
}

static bool
is_over(const struct job_run *run)
{
	return run->has_exited && run->box.stdout_fd < 0 &&
	       run->box.stderr_fd < 0;
}

/* An answer was given, and the plugin does not end: it is ended. */
static void
end_lingering(struct job_run *run, bool *armed)
{
	if (run->answered && !*armed) {
		*armed = true;
		sandbox_arm(&run->box, LINGER_MS);
	}
}

static int
time_left(const struct job_run *run)
{
	int64_t left = run->give_up_ms - clock_mono_ms();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* One turn of waiting; -1: no sandbox. */
static int
turn(struct job_run *run, struct err *e)
{
	bool writes = job_output_pending(run) != NULL;
	struct pollfd fds[] = {
		{ run->box.report_fd, POLLIN, 0 },
		{ run->box.stdout_fd, POLLIN, 0 },
		{ run->box.stderr_fd, POLLIN, 0 },
		{ writes ? run->box.stdin_fd : -1, POLLOUT, 0 },
		{ run->job->cancel_fd, POLLIN, 0 },
		{ run->out_of_memory ? -1 : run->box.memory_fd, POLLIN, 0 },
	};

	if (run->has_exited)
		fds[0].fd = -1;
	if (poll(fds, ARRAY_SIZE(fds), time_left(run)) < 0 && errno != EINTR)
		return err_errno(e, "poll");
	if (fds[1].revents)
		read_stream(run, &run->box.stdout_fd);
	if (fds[2].revents)
		read_stream(run, &run->box.stderr_fd);
	if (fds[0].revents && read_reports(run, e) < 0)
		return -1;
	if (fds[4].revents)
		cancel(run);
	if (fds[5].revents) {
		/* the kernel ends one process; a job dies as one */
		run->out_of_memory = true;
		sandbox_abort(&run->box);
	}
	write_stdin(run);
	return 0;
}

static int
follow(struct job_run *run, struct err *e)
{
	bool armed = false;

	while (!is_over(run)) {
		if (turn(run, e) < 0)
			return -1;
		end_lingering(run, &armed);
		if (clock_mono_ms() >= run->give_up_ms) {
			/* pid 1 should have; a process that can't be killed */
			sandbox_kill(&run->box);
			break;
		}
	}
	return sandbox_wait(&run->box, OVERDUE_MS, e);
}

/* --- From start to end -----------------------------------------------------
 */

static void
run_release(struct job_run *run)
{
	free(run->chunk);
	job_output_release(run);
	sandbox_release(&run->box);
	sandbox_spec_release(&run->spec);
}

static int
start(struct job_run *run, struct err *e)
{
	struct job *job = run->job;
	int64_t life;

	run->spec.trace = job->trace;
	launch_limits(job->program->manifest, job->runtime, &run->limits);
	logbook_init(&job->logbook, (size_t)run->limits.output_bytes);
	if (launch_prepare(job->program, job->runtime, job->record.params,
			   &run->spec, e) < 0 ||
	    job_output_start(run, e) < 0)
		return -1;
	job->record.started_ms = clock_real_ms();
	run->started_ms = clock_mono_ms();
	life = run->spec.timeout_ms ? run->spec.timeout_ms : INT_MAX;
	run->give_up_ms =
		run->started_ms + life + run->spec.grace_ms + OVERDUE_MS;
	return sandbox_start(&run->spec, &run->box, e);
}

int
job_run(struct job *job, struct err *e)
{
	_cleanup_(run_release) struct job_run run = { .job = job };

	job->record.state = JOB_RUNNING;
	sandbox_spec_init(&run.spec);
	sandbox_init(&run.box);
	/* not on the stack, where every page of it would be touched */
	run.chunk = xmalloc(CHUNK);
	if (start(&run, e) < 0)
		return -1;
	write_stdin(&run);
	if (follow(&run, e) < 0)
		return -1;
	job_output_end(&run);
	job_record_finish(&run);
	return 0;
}
