/* The descriptors of a worker: three streams, the reports, the memory event. */
#include <sys/epoll.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "worker/worker_parts.h"

#define CHUNK 65536
/* What is read of one stream while a job is counted up. */
#define DRAIN_CHUNKS 32
/* A buffer larger than this is not kept for the next job. */
#define KEEP 4096

/* One for all workers: the loop has one thread, and nobody keeps a piece. */
static char chunk[CHUNK];

static void
close_stream(struct loop_io *io, int *fd)
{
	loop_io_del(io);
	if (*fd >= 0)
		close(steal_fd(fd));
}

/* --- What the plugin writes --------------------------------------------------
 */

/* It said what must not be said: the end of its stream, and of itself. */
static void
spoil(struct worker *w, const struct err *e)
{
	close_stream(&w->out, &w->start.box.stdout_fd);
	if (w->run && !w->run->lives) {
		w->run->spoiled = true;
		w->run->broken = *e;
	} else {
		if (w->handlers->late_fault)
			w->handlers->late_fault(w->arg, w, w->job_id, e);
		worker_blame(w, e);
	}
	worker_abort(w);
}

/* Its output ended, so it can't answer: fine where it is to end. */
static void
end_stdout(struct worker *w)
{
	struct err e = ERR_INIT;
	int rc = job_output_stdout_end(w, &e);

	close_stream(&w->out, &w->start.box.stdout_fd);
	if (w->run && !w->run->lives) {
		if (rc < 0)
			w->run->broken = e;
	} else if (w->state == WORKER_IDLE) {
		worker_let_end(w);
		w->lost_output = true;
	}
}

/* Whether there may be more. */
static bool
read_stdout(struct worker *w)
{
	struct err e = ERR_INIT;
	ssize_t n = read(w->start.box.stdout_fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0)
		end_stdout(w);
	else if (job_output_stdout(w, chunk, (size_t)n, &e) < 0)
		spoil(w, &e);
	return w->start.box.stdout_fd >= 0;
}

static bool
read_stderr(struct worker *w)
{
	ssize_t n = read(w->start.box.stderr_fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0)
		close_stream(&w->err, &w->start.box.stderr_fd);
	else
		job_output_stderr(w, chunk, (size_t)n);
	return n > 0;
}

static void
on_stdout(void *arg, unsigned events)
{
	(void)events;
	read_stdout(arg);
	worker_io_write(arg);
	worker_advance(arg);
}

static void
on_stderr(void *arg, unsigned events)
{
	(void)events;
	read_stderr(arg);
	worker_advance(arg);
}

void
worker_io_drain(struct worker *w)
{
	const struct sandbox *box = &w->start.box;

	for (int i = 0; i < DRAIN_CHUNKS && box->stdout_fd >= 0; i++)
		if (!read_stdout(w))
			break;
	for (int i = 0; i < DRAIN_CHUNKS && box->stderr_fd >= 0; i++)
		if (!read_stderr(w))
			break;
}

/* --- What it reads
 * ------------------------------------------------------------
 */

static void
on_stdin(void *arg, unsigned events)
{
	(void)events;
	worker_io_write(arg);
	worker_advance(arg);
}

/* It would not take it now: wait for it, which is not our business else. */
static void
wait_to_write(struct worker *w)
{
	if (!loop_io_is_added(&w->in))
		(void)loop_io_add(w->loop, &w->in, w->start.box.stdin_fd,
				  EPOLLOUT, on_stdin, w);
}

void
worker_io_write(struct worker *w)
{
	int *fd = &w->start.box.stdin_fd;
	struct buf *pending;

	while (*fd >= 0 && (pending = job_output_pending(w))) {
		ssize_t n = write(*fd, pending->data, pending->len);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			wait_to_write(w);
			return;
		}
		if (n < 0) { /* it reads no more */
			close_stream(&w->in, fd);
			return;
		}
		buf_consume(pending, (size_t)n);
		if (!pending->len && pending->cap > KEEP)
			buf_release(pending);
	}
	loop_io_del(&w->in);
	if (*fd >= 0 && w->told_end)
		close_stream(&w->in, fd);
}

/* --- What pid 1 says
 * ---------------------------------------------------------- */

static void
take_entered(struct worker *w, const struct report *r)
{
	w->layers = r->layers;
	w->landlock_abi = r->detail;
	if (w->entered)
		return;
	w->entered = true;
	worker_step(w, EVENT_ENTERED);
	/* "ready" may have been read before this */
	if (w->launch->output != OUTPUT_RPC || w->ready)
		worker_loaded(w);
}

static void
take_failed(struct worker *w, const struct report *r)
{
	struct err e = ERR_INIT;

	err_set(&e, ERR_AGENT, "no sandbox could be made: %s", r->text);
	err_hint(&e, "devops_agent doctor tries each layer");
	worker_blame(w, &e);
	w->failed = true;
}

static void
take_denial(struct worker *w, const struct report *r)
{
	const struct job_watch *watch = w->run ? w->run->job->watch : NULL;
	struct denial d;

	explain_denial(&w->launch->spec, r, &d);
	if (!w->run) {
		if (w->handlers->late_denial)
			w->handlers->late_denial(w->arg, w, w->job_id, &d);
		return;
	}
	denial_add(&w->run->job->record, &d);
	if (watch && watch->denied)
		watch->denied(watch->arg, &d);
}

static void
take_access(struct worker *w, const struct report *r)
{
	const struct job_watch *watch = w->run ? w->run->job->watch : NULL;
	struct job_access a = { r->syscall, r->write != 0, r->text };

	if (watch && watch->accessed)
		watch->accessed(watch->arg, &a);
}

static void
take_exited(struct worker *w, const struct report *r)
{
	w->exited = *r;
	w->has_exited = true;
	worker_step(w, EVENT_OVER);
	worker_set_overdue(w, OVERDUE_MS);
}

static void (*const reports[])(struct worker *w, const struct report *r) = {
	[REPORT_ENTERED] = take_entered,  [REPORT_FAILED] = take_failed,
	[REPORT_DENIED] = take_denial,	  [REPORT_ACCESS] = take_access,
	[REPORT_USAGE] = worker_job_used, [REPORT_EXITED] = take_exited,
};

void
worker_io_reports(struct worker *w)
{
	struct report r;
	int rc = 0;

	while (w->start.box.report_fd >= 0 &&
	       (rc = sandbox_read_report(&w->start.box, &r)) > 0)
		if (r.type < ARRAY_SIZE(reports))
			reports[r.type](w, &r);
	if (rc < 0) /* pid 1 has gone; start.gone() follows */
		close_stream(&w->report, &w->start.box.report_fd);
}

static void
on_report(void *arg, unsigned events)
{
	(void)events;
	worker_io_reports(arg);
	worker_io_write(arg);
	worker_advance(arg);
}

/*
 * The kernel ends one process; a job dies as one.  It tells of the group's
 * removal in the same way: that follows the last report.
 */
static void
on_memory(void *arg, unsigned events)
{
	struct worker *w = arg;

	(void)events;
	loop_io_del(&w->memory);
	worker_io_reports(w);
	if (!w->has_exited) {
		if (w->run)
			w->run->memory_out = true;
		worker_abort(w);
	}
	worker_advance(w);
}

/* --- All of them
 * -------------------------------------------------------------- */

static void
listen_to(struct worker *w, struct loop_io *io, int fd, loop_io_fn *fn)
{
	if (fd >= 0 && loop_io_add(w->loop, io, fd, EPOLLIN, fn, w) < 0)
		fatal("epoll_ctl: %s", strerror(errno));
}

void
worker_io_start(struct worker *w)
{
	const struct sandbox *box = &w->start.box;

	listen_to(w, &w->report, box->report_fd, on_report);
	listen_to(w, &w->out, box->stdout_fd, on_stdout);
	listen_to(w, &w->err, box->stderr_fd, on_stderr);
	listen_to(w, &w->memory, box->memory_fd, on_memory);
}

/* The descriptors are the starter's to close, but for the streams. */
void
worker_io_stop(struct worker *w)
{
	close_stream(&w->in, &w->start.box.stdin_fd);
	close_stream(&w->out, &w->start.box.stdout_fd);
	close_stream(&w->err, &w->start.box.stderr_fd);
	loop_io_del(&w->report);
	loop_io_del(&w->memory);
}
