/* Sandboxes that are this process's own children. */
#include <sys/epoll.h>
#include <sys/wait.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/starter.h"

void
start_init(struct start *start)
{
	*start = (struct start){ .id = 0 };
	sandbox_init(&start->box);
}

static void
on_failed(void *arg)
{
	struct start *start = arg;

	start->failed(start->arg, &start->error);
}

/* The kernel reaped every process of the namespace. */
static void
on_end(void *arg, unsigned events)
{
	struct start *start = arg;
	struct sandbox *box = &start->box;

	(void)events;
	loop_io_del(&start->io);
	waitpid(box->pid, NULL, 0);
	box->waited = true;
	start->gone(start->arg, sandbox_out_of_memory(box));
}

static void
local_start(struct starter *s, struct start *start, struct launch *launch)
{
	struct err *e = &start->error;

	if (sandbox_start(&launch->spec, &start->box, e) < 0 ||
	    loop_io_add(s->loop, &start->io, start->box.pidfd, EPOLLIN, on_end,
			start) < 0) {
		if (e->kind == ERR_NONE)
			err_errno(e, "epoll_ctl");
		sandbox_release(&start->box);
		loop_timer_set(s->loop, &start->timer, clock_mono_ms(),
			       on_failed, start);
		return;
	}
	start->started(start->arg);
}

static void
local_kill(struct starter *s, struct start *start)
{
	(void)s;
	sandbox_kill(&start->box);
}

/* Whoever is left can't be killed, and is not waited for. */
static void
local_release(struct starter *s, struct start *start)
{
	(void)s;
	loop_io_del(&start->io);
	loop_timer_cancel(&start->timer);
	start->box.waited = true;
	sandbox_release(&start->box);
}

static void
local_free(struct starter *s)
{
	free(s);
}

struct starter *
starter_local(struct loop *l)
{
	struct starter *s = xcalloc(1, sizeof(*s));

	*s = (struct starter){ .start = local_start,
			       .kill = local_kill,
			       .release = local_release,
			       .free = local_free,
			       .loop = l };
	return s;
}

void
starter_free(struct starter *s)
{
	if (s)
		s->free(s);
}
