/*
 * The privileged process.  It believes the master's requests only as far as
 * they are well formed, and ends where one is not.
 */
#include "worker/spawner.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/spawner_wire.h"
#include "worker/spec_wire.h"

/* For the sandboxes to end when the master has died. */
#define END_MS 5000

struct known {
	uint64_t id;
	struct sandbox_spec spec;
	struct known *next;
};

struct child {
	uint64_t id;
	struct sandbox box;
	struct loop_io io;
	struct child *next;
};

static struct server {
	int fd;
	struct loop *loop;
	struct loop_io io;
	struct loop_timer end;
	struct known *specs;
	struct child *children;
	bool orphaned; /* the master has died */
} server;

static _Noreturn void
malformed(const char *what)
{
	/* the kernel kills every sandbox with us */
	fatal("spawner: %s: the master sent what it never would", what);
}

/* --- Sandboxes
 * ----------------------------------------------------------------- */

static void
reply(const struct spawner_reply *r, const int *fds, size_t n)
{
	if (spawner_send(server.fd, r, sizeof(*r), fds, n) < 0 &&
	    errno != EPIPE && errno != ECONNRESET)
		fatal("spawner: answer the master: %s", strerror(errno));
}

static void
on_end(void *arg, unsigned events)
{
	struct child *c = arg;
	struct spawner_reply r = { .type = SPAWNER_GONE, .id = c->id };
	struct child **at = &server.children;

	(void)events;
	loop_io_del(&c->io);
	waitpid(c->box.pid, NULL, 0);
	c->box.waited = true;
	r.out_of_memory = sandbox_out_of_memory(&c->box);
	sandbox_release(&c->box);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	free(c);
	if (!server.orphaned)
		reply(&r, NULL, 0);
	else if (!server.children)
		loop_stop(server.loop);
}

/* Our copies would keep its streams open when the master closes its own. */
static void
hand_over(struct child *c)
{
	struct sandbox *box = &c->box;
	struct spawner_reply r = { .type = SPAWNER_STARTED,
				   .id = c->id,
				   .pid = box->pid };
	int *const streams[] = { &box->stdin_fd, &box->stdout_fd,
				 &box->stderr_fd, &box->report_fd };
	const struct meter *m = &box->meter;
	int fds[SPAWNER_FDS] = {
		[SPAWNER_FD_STDIN] = box->stdin_fd,
		[SPAWNER_FD_STDOUT] = box->stdout_fd,
		[SPAWNER_FD_STDERR] = box->stderr_fd,
		[SPAWNER_FD_REPORT] = box->report_fd,
	};
	size_t n = SPAWNER_STREAMS;

	r.metered = meter_is_there(m);
	if (r.metered) {
		fds[n++] = m->deadline;
		fds[n++] = m->cpu;
		fds[n++] = m->tasks;
	}
	if (box->memory_fd >= 0)
		fds[n++] = box->memory_fd;
	reply(&r, fds, n);
	meter_release(&box->meter);
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
		close(steal_fd(streams[i]));
}

static void
refuse(uint64_t id, const struct err *e)
{
	struct spawner_reply r = { .type = SPAWNER_FAILED,
				   .id = id,
				   .kind = (int32_t)e->kind,
				   .errnum = e->errnum };

	snprintf(r.msg, sizeof(r.msg), "%s", e->msg);
	snprintf(r.hint, sizeof(r.hint), "%s", e->hint);
	reply(&r, NULL, 0);
}

static struct known *
find_spec(uint64_t id)
{
	for (struct known *k = server.specs; k; k = k->next)
		if (k->id == id)
			return k;
	return NULL;
}

static struct child *
find_child(uint64_t id)
{
	for (struct child *c = server.children; c; c = c->next)
		if (c->id == id)
			return c;
	return NULL;
}

/* --- Requests
 * ------------------------------------------------------------------- */

/* Nobody can change it after the seals, nor make us wait for its bytes. */
static void
read_spec(int fd, struct sandbox_spec *spec)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	_buf_ struct buf bytes = { .max = SPEC_WIRE_MAX };
	struct err e = ERR_INIT;
	struct stat st;

	if ((fcntl(fd, F_GET_SEALS) & seals) != seals || fstat(fd, &st) < 0 ||
	    st.st_size < 1 || (size_t)st.st_size > SPEC_WIRE_MAX ||
	    !buf_reserve(&bytes, (size_t)st.st_size) ||
	    pread(fd, bytes.data, (size_t)st.st_size, 0) != st.st_size)
		malformed("a file of a spec");
	if (spec_decode(bytes.data, (size_t)st.st_size, spec, &e) < 0)
		malformed(e.msg);
}

static void
take_spec(const struct spawner_request *r, int fd)
{
	struct known *k;

	if (find_spec(r->spec))
		malformed("a spec twice");
	k = xcalloc(1, sizeof(*k));
	k->id = r->spec;
	sandbox_spec_init(&k->spec);
	read_spec(fd, &k->spec);
	k->next = server.specs;
	server.specs = k;
}

static void
take_forget(const struct spawner_request *r, int fd)
{
	struct known **at = &server.specs;
	struct known *k = find_spec(r->spec);

	(void)fd;
	if (!k)
		malformed("an unknown spec");
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	sandbox_spec_release(&k->spec);
	free(k);
}

static void
take_start(const struct spawner_request *r, int fd)
{
	const struct known *k = find_spec(r->spec);
	struct err e = ERR_INIT;
	struct child *c;

	(void)fd;
	if (!k || find_child(r->id))
		malformed("a start of nothing");
	c = xcalloc(1, sizeof(*c));
	c->id = r->id;
	sandbox_init(&c->box);
	if (sandbox_start(&k->spec, &c->box, &e) < 0) {
		refuse(c->id, &e);
		free(c);
		return;
	}
	if (loop_io_add(server.loop, &c->io, c->box.pidfd, EPOLLIN, on_end, c) <
	    0)
		fatal("spawner: epoll_ctl: %s", strerror(errno));
	c->next = server.children;
	server.children = c;
	hand_over(c);
}

/* One that has gone may be named: that it has may be under way. */
static void
take_kill(const struct spawner_request *r, int fd)
{
	struct child *c = find_child(r->id);

	(void)fd;
	if (c)
		sandbox_kill(&c->box);
}

static void
take_keep(const struct spawner_request *r, int fd)
{
	(void)r;
	if (fcntl(fd, F_DUPFD_CLOEXEC, 3) < 0)
		fatal("spawner: keep a descriptor: %s", strerror(errno));
}

static const struct {
	void (*take)(const struct spawner_request *r, int fd);
	size_t fds;
} requests[] = {
	[SPAWNER_SPEC] = { take_spec, 1 },
	[SPAWNER_FORGET] = { take_forget, 0 },
	[SPAWNER_START] = { take_start, 0 },
	[SPAWNER_KILL] = { take_kill, 0 },
	[SPAWNER_KEEP] = { take_keep, 1 },
};

/* --- Its life ----------------------------------------------------------- */

static void
on_overdue(void *arg)
{
	loop_stop(arg);
}

static void
on_orphaned(void)
{
	server.orphaned = true;
	loop_io_del(&server.io);
	for (struct child *c = server.children; c; c = c->next)
		sandbox_kill(&c->box);
	if (!server.children)
		loop_stop(server.loop);
	loop_timer_set(server.loop, &server.end, clock_mono_ms() + END_MS,
		       on_overdue, server.loop);
}

static void
on_request(void *arg, unsigned events)
{
	struct spawner_request r = { 0 };
	int fds[SPAWNER_FDS];
	size_t n_fds;
	int n = spawner_receive(server.fd, &r, sizeof(r), fds, &n_fds);

	(void)arg;
	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		on_orphaned();
		return;
	}
	if (n != sizeof(r) || r.zero || r.type >= ARRAY_SIZE(requests) ||
	    n_fds != requests[r.type].fds)
		malformed("a request");
	requests[r.type].take(&r, n_fds ? fds[0] : -1);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
}

_Noreturn void
spawner_serve(int fd)
{
	server.fd = fd;
	server.loop = loop_new();
	if (loop_io_add(server.loop, &server.io, fd, EPOLLIN, on_request,
			NULL) < 0)
		fatal("spawner: epoll_ctl: %s", strerror(errno));
	loop_run(server.loop);
	exit(0);
}

/* Nothing of the master's but the two that were named. */
static void
close_others(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	if (low > 3)
		syscall(SYS_close_range, 3, (unsigned)low - 1, 0);
	if (low >= 3 && high > low + 1)
		syscall(SYS_close_range, (unsigned)low + 1, (unsigned)high - 1,
			0);
	syscall(SYS_close_range, (unsigned)(high < 2 ? 2 : high) + 1, ~0U, 0);
}

static _Noreturn void
become_spawner(int channel, int keep_fd)
{
	static const int ends_with_master[] = { SIGTERM, SIGINT, SIGHUP,
						SIGQUIT, SIGPIPE };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		fatal("spawner: /dev/null: %s", strerror(errno));
	close_others(channel, keep_fd);
	for (size_t i = 0; i < ARRAY_SIZE(ends_with_master); i++)
		sigaction(ends_with_master[i], &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sandbox_set_title("devops_agent: spawner");
	prctl(PR_SET_NAME, "agent-spawner");
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		fatal("spawner: prctl: %s", strerror(errno));
	spawner_serve(channel);
}

int
spawner_fork(struct spawner *s, int keep_fd, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "make the spawner's channel");
	s->pid = fork();
	if (s->pid == 0) {
		close(pair[0]);
		become_spawner(pair[1], keep_fd);
	}
	close(pair[1]);
	s->fd = pair[0];
	if (s->pid > 0)
		return 0;
	err_errno(e, "fork the spawner");
	close(steal_fd(&s->fd));
	return -1;
}

int
spawner_keep(struct spawner *s, int fd, struct err *e)
{
	const struct spawner_request r = { .type = SPAWNER_KEEP };

	return spawner_send(s->fd, &r, sizeof(r), &fd, 1) < 0 ?
		       err_errno(e, "tell the spawner") :
		       0;
}

int
spawner_release(struct spawner *s, int64_t timeout_ms, struct err *e)
{
	_close_ int pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (s->fd >= 0)
		close(steal_fd(&s->fd));
	if (pidfd >= 0 && poll(&p, 1, (int)timeout_ms) == 0)
		return err_set(e, ERR_AGENT,
			       "the spawner, pid %d, has not ended", s->pid);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
