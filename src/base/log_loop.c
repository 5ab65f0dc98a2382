#include "base/log_parts.h"
#include "base/loop.h"

static struct loop *loop;
static struct loop_io io;
static struct loop_timer timer;

static void
on_writable(void *arg, unsigned events)
{
	(void)arg, (void)events;
	log_write();
}

static void
on_due(void *arg)
{
	(void)arg;
	log_flush(false);
}

static void
follow(void)
{
	int fd = log_pending_fd();
	int64_t at_ms = log_next_flush_ms();

	if (io.added && io.fd != fd)
		loop_io_del(&io);
	/* without room for one more descriptor, the next line writes it */
	if (!io.added && fd >= 0)
		loop_io_add(loop, &io, fd, EPOLLOUT, on_writable, NULL);
	if (at_ms < 0)
		loop_timer_cancel(&timer);
	else if (!loop_timer_is_set(&timer) || timer.at_ms != at_ms)
		loop_timer_set(loop, &timer, at_ms, on_due, NULL);
}

void
log_attach(struct loop *l)
{
	loop_io_del(&io);
	loop_timer_cancel(&timer);
	loop = l;
	log_changed = l ? follow : NULL;
	if (l)
		follow();
}
