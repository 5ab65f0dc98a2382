#include "worker/job.h"

#include <sys/epoll.h>

#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "worker/starter.h"
#include "worker/worker.h"

void
job_init(struct job *job)
{
	memset(job, 0, sizeof(*job));
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

/* --- One job, with nothing else to do meanwhile -----------------------------
 */

struct alone {
	struct loop *loop;
	struct starter *starter;
	struct launch *launch;
	struct worker *worker;
	struct loop_io cancel;
	struct err why;
};

static void
on_gone(void *arg, struct worker *w, const struct err *why)
{
	struct alone *a = arg;

	(void)w;
	a->why = *why;
	loop_stop(a->loop);
}

static const struct worker_handlers handlers = { .gone = on_gone };

static void
on_cancel(void *arg, unsigned events)
{
	struct alone *a = arg;

	(void)events;
	loop_io_del(&a->cancel);
	worker_cancel(a->worker);
}

static void
alone_release(struct alone *a)
{
	loop_io_del(&a->cancel);
	worker_free(a->worker);
	starter_free(a->starter);
	launch_unref(a->launch);
	loop_free(a->loop);
}

int
job_run(struct job *job, const struct program *program,
	const struct runtime *runtime, struct err *e)
{
	_cleanup_(alone_release) struct alone a = { .why = ERR_INIT };

	a.launch = launch_new(program, runtime, job->record.params, e);
	if (!a.launch)
		return -1;
	a.launch->spec.trace = job->trace;
	a.loop = loop_new();
	a.starter = starter_local(a.loop);
	a.worker = worker_new(a.loop, a.starter, a.launch, &handlers, &a);
	if (job->cancel_fd >= 0 &&
	    loop_io_add(a.loop, &a.cancel, job->cancel_fd, EPOLLIN, on_cancel,
			&a) < 0)
		return err_errno(e, "epoll_ctl");
	worker_start(a.worker);
	if (worker_run(a.worker, job, WORKER_LAST_WHOLE, e) < 0)
		worker_kill(a.worker);
	loop_run(a.loop);
	if (a.why.kind != ERR_NONE)
		*e = a.why;
	return e->kind == ERR_NONE ? 0 : -1;
}
