/* The master's side of the spawner. */
#include <sys/epoll.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/spawner_wire.h"
#include "worker/spec_wire.h"

/* A request that could not be sent yet. */
struct waiting {
	struct spawner_request request;
	int fd; /* its memory file, or -1 */
	struct waiting *next;
};

struct remote {
	struct starter base;
	struct spawner *spawner;
	struct loop_io io;
	struct waiting *first, **last;
	struct start *starts;	 /* asked for, and not gone */
	struct launch *launches; /* whose specs the spawner knows */
	uint64_t last_id, last_spec;
	bool lost;
	void (*on_lost)(void *arg);
	void *arg;
};

/* --- Requests
 * -------------------------------------------------------------------- */

static void
flush(struct remote *r)
{
	struct waiting *w;

	while (!r->lost && (w = r->first)) {
		if (spawner_send(r->spawner->fd, &w->request,
				 sizeof(w->request), &w->fd, w->fd >= 0) < 0) {
			/* its end is told by reading */
			loop_io_set(&r->io, errno == EAGAIN ?
						    EPOLLIN | EPOLLOUT :
						    EPOLLIN);
			return;
		}
		r->first = w->next;
		if (!r->first)
			r->last = &r->first;
		cleanup_fdp(&w->fd);
		free(w);
	}
	loop_io_set(&r->io, EPOLLIN);
}

static void
ask(struct remote *r, enum spawner_request_type type, uint64_t spec,
    uint64_t id, int fd)
{
	struct waiting *w = xcalloc(1, sizeof(*w));

	w->request = (struct spawner_request){ .type = type,
					       .spec = spec,
					       .id = id };
	w->fd = fd;
	*r->last = w;
	r->last = &w->next;
	flush(r);
}

/* The spec as a file that nobody can change any more. */
static int
spec_file(const struct sandbox_spec *spec, struct err *e)
{
	_close_ int fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	_buf_ struct buf bytes = { .max = SPEC_WIRE_MAX };

	spec_encode(spec, &bytes);
	if (bytes.overflow)
		return err_set(e, ERR_USAGE,
			       "its command line and environment are too "
			       "large");
	if (fd < 0 || file_write_all(fd, bytes.data, bytes.len) < 0 ||
	    fcntl(fd, F_ADD_SEALS,
		  F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_errno(e, "write what the spawner is to start");
	return steal_fd(&fd);
}

static void
forget(struct launch *l)
{
	struct remote *r = l->keeper;
	struct launch **at = &r->launches;

	while (*at != l)
		at = &(*at)->next_kept;
	*at = l->next_kept;
	l->forget = NULL;
	ask(r, SPAWNER_FORGET, l->known, 0, -1);
}

/* Once for each launch: all its workers are started by a number. */
static int
make_known(struct remote *r, struct launch *l, struct err *e)
{
	int fd;

	if (l->forget && l->keeper == r)
		return 0;
	fd = spec_file(&l->spec, e);
	if (fd < 0)
		return -1;
	l->known = ++r->last_spec;
	l->keeper = r;
	l->forget = forget;
	l->next_kept = r->launches;
	r->launches = l;
	ask(r, SPAWNER_SPEC, l->known, 0, fd);
	return 0;
}

/* --- Starts
 * ----------------------------------------------------------------------- */

static void
add(struct remote *r, struct start *s)
{
	s->prev = NULL;
	s->next = r->starts;
	if (s->next)
		s->next->prev = s;
	r->starts = s;
}

static void
take_out(struct remote *r, struct start *s)
{
	if (!s->id)
		return;
	if (s->prev)
		s->prev->next = s->next;
	else
		r->starts = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->id = 0;
}

static struct start *
find(const struct remote *r, uint64_t id)
{
	for (struct start *s = r->starts; s; s = s->next)
		if (s->id == id)
			return s;
	return NULL;
}

static void
on_failed(void *arg)
{
	struct start *s = arg;

	s->failed(s->arg, &s->error);
}

static void
remote_start(struct starter *base, struct start *s, struct launch *l)
{
	struct remote *r = (struct remote *)base;

	if (r->lost)
		err_set(&s->error, ERR_AGENT, "the spawner has died");
	if (r->lost || make_known(r, l, &s->error) < 0) {
		loop_timer_set(base->loop, &s->timer, clock_mono_ms(),
			       on_failed, s);
		return;
	}
	s->id = ++r->last_id;
	add(r, s);
	ask(r, SPAWNER_START, l->known, s->id, -1);
}

static void
remote_kill(struct starter *base, struct start *s)
{
	struct remote *r = (struct remote *)base;

	if (s->id && !r->lost)
		ask(r, SPAWNER_KILL, 0, s->id, -1);
}

static void
remote_release(struct starter *base, struct start *s)
{
	struct remote *r = (struct remote *)base;

	take_out(r, s);
	loop_timer_cancel(&s->timer);
	cleanup_fdp(&s->box.memory_fd);
	s->box.waited = true;
	sandbox_release(&s->box);
}

/* --- Replies
 * ----------------------------------------------------------------------- */

static void
take_started(struct remote *r, const struct spawner_reply *m, int *fds,
	     size_t n)
{
	struct start *s = find(r, m->id);
	size_t memory = m->metered ? SPAWNER_FD_MEMORY : SPAWNER_STREAMS;

	if (!s || n < memory) {
		/* given up before it began */
		for (size_t i = 0; i < n; i++)
			close(fds[i]);
		return;
	}
	s->box.pid = m->pid;
	s->box.stdin_fd = fds[SPAWNER_FD_STDIN];
	s->box.stdout_fd = fds[SPAWNER_FD_STDOUT];
	s->box.stderr_fd = fds[SPAWNER_FD_STDERR];
	s->box.report_fd = fds[SPAWNER_FD_REPORT];
	if (m->metered) {
		s->box.meter.deadline = fds[SPAWNER_FD_DEADLINE];
		s->box.meter.cpu = fds[SPAWNER_FD_CPU];
		s->box.meter.tasks = fds[SPAWNER_FD_TASKS];
	}
	if (n > memory)
		s->box.memory_fd = fds[memory];
	s->started(s->arg);
}

static void
take_failed(struct remote *r, const struct spawner_reply *m)
{
	struct start *s = find(r, m->id);

	if (!s)
		return;
	take_out(r, s);
	s->error.kind = (enum err_kind)m->kind;
	s->error.errnum = m->errnum;
	snprintf(s->error.msg, sizeof(s->error.msg), "%s", m->msg);
	snprintf(s->error.hint, sizeof(s->error.hint), "%s", m->hint);
	s->failed(s->arg, &s->error);
}

static void
take_gone(struct remote *r, const struct spawner_reply *m)
{
	struct start *s = find(r, m->id);

	if (!s)
		return;
	take_out(r, s);
	s->gone(s->arg, m->out_of_memory);
}

/* With it the kernel killed, or kills, all that it had started. */
static void
lose(struct remote *r)
{
	struct start *s;

	r->lost = true;
	loop_io_del(&r->io);
	while ((s = r->starts)) {
		bool began = s->box.pid > 0;

		take_out(r, s);
		err_set(&s->error, ERR_AGENT, "the spawner has died");
		if (began)
			s->gone(s->arg, false);
		else
			s->failed(s->arg, &s->error);
	}
	if (r->on_lost)
		r->on_lost(r->arg);
}

static void
on_reply(void *arg, unsigned events)
{
	struct remote *r = arg;
	struct spawner_reply m = { 0 };
	int fds[SPAWNER_FDS];
	size_t n_fds;
	int n;

	if (events & EPOLLOUT)
		flush(r);
	if (!(events & ~(unsigned)EPOLLOUT))
		return;
	n = spawner_receive(r->spawner->fd, &m, sizeof(m), fds, &n_fds);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n != sizeof(m)) {
		lose(r);
		return;
	}
	m.msg[sizeof(m.msg) - 1] = m.hint[sizeof(m.hint) - 1] = '\0';
	if (m.type == SPAWNER_STARTED)
		take_started(r, &m, fds, n_fds);
	else if (m.type == SPAWNER_FAILED)
		take_failed(r, &m);
	else if (m.type == SPAWNER_GONE)
		take_gone(r, &m);
}

static void
remote_free(struct starter *base)
{
	struct remote *r = (struct remote *)base;
	struct waiting *w;

	for (struct launch *l = r->launches; l; l = l->next_kept)
		l->forget = NULL;
	while ((w = r->first)) {
		r->first = w->next;
		cleanup_fdp(&w->fd);
		free(w);
	}
	loop_io_del(&r->io);
	free(r);
}

struct starter *
starter_spawner(struct loop *l, struct spawner *s, void (*on_lost)(void *arg),
		void *arg)
{
	struct remote *r = xcalloc(1, sizeof(*r));

	r->base = (struct starter){ .start = remote_start,
				    .kill = remote_kill,
				    .release = remote_release,
				    .free = remote_free,
				    .loop = l };
	r->spawner = s;
	r->last = &r->first;
	r->on_lost = on_lost;
	r->arg = arg;
	if (fcntl(s->fd, F_SETFL, O_NONBLOCK) < 0 ||
	    loop_io_add(l, &r->io, s->fd, EPOLLIN, on_reply, r) < 0)
		fatal("watch the spawner: %s", strerror(errno));
	return &r->base;
}
