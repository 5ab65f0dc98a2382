#include "worker/hunt.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/json.h"
#include "worker/denial.h"

#define FOUND_MAX (1UL << 20)

struct hunt {
	struct record *record;
	void (*over)(void *arg);
	void *arg;
	int fd;
	struct loop_io io;
	struct loop_timer timer;
	struct buf found; /* JSON of the record's denials */
};

/* The process that hunts: it changes its own copy of the record. */
static _Noreturn void
hunt(struct record *r, const struct sandbox_spec *spec, const char *text,
     int out)
{
	_buf_ struct buf b = { 0 };

	alarm(HUNT_MS / 1000 + 1);
	if (out > 3)
		(void)syscall(SYS_close_range, 3, (unsigned)out - 1, 0);
	(void)syscall(SYS_close_range, (unsigned)out + 1, ~0U, 0);
	denial_from_paths(r, spec, text);
	if (r->denials)
		json_encode(r->denials, &b);
	if (b.len)
		(void)file_write_all(out, b.data, b.len);
	_exit(0);
}

/* A grandchild, so that one that can't be ended leaves no zombie of ours. */
static int
fork_hunter(struct record *r, const struct sandbox_spec *spec, const char *text)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			hunt(r, spec, text, ends[1]);
		_exit(pid < 0);
	}
	close(ends[1]);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		close(ends[0]);
		return -1;
	}
	return ends[0];
}

void
hunt_free(struct hunt *h)
{
	if (!h)
		return;
	loop_io_del(&h->io);
	loop_timer_cancel(&h->timer);
	close(h->fd);
	buf_release(&h->found);
	free(h);
}

static void
finish(struct hunt *h)
{
	void (*over)(void *) = h->over;
	void *arg = h->arg;
	struct value *found = NULL;
	struct err ignored = ERR_INIT;

	if (h->found.len &&
	    json_decode(h->found.data, h->found.len, &found, &ignored) == 0) {
		value_free(h->record->denials);
		h->record->denials = found;
	}
	hunt_free(h);
	over(arg);
}

static void
on_found(void *arg, unsigned events)
{
	struct hunt *h = arg;
	char chunk[4096];
	ssize_t n = read(h->fd, chunk, sizeof(chunk));

	(void)events;
	if (n > 0)
		buf_add(&h->found, chunk, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		finish(h);
}

/* What hangs will not tell; half a text is none. */
static void
on_timeout(void *arg)
{
	struct hunt *h = arg;

	h->found.len = 0;
	finish(h);
}

struct hunt *
hunt_start(struct loop *l, struct record *r, const struct sandbox_spec *spec,
	   const char *text, void (*over)(void *arg), void *arg)
{
	int fd = fork_hunter(r, spec, text);
	struct hunt *h;

	if (fd < 0)
		return NULL;
	h = xcalloc(1, sizeof(*h));
	h->record = r;
	h->over = over;
	h->arg = arg;
	h->fd = fd;
	buf_init(&h->found, FOUND_MAX);
	if (loop_io_add(l, &h->io, fd, EPOLLIN, on_found, h) < 0) {
		hunt_free(h);
		return NULL;
	}
	loop_timer_set(l, &h->timer, clock_mono_ms() + HUNT_MS, on_timeout, h);
	return h;
}
