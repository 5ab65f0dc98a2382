#include "sandbox/init.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/passfd.h"
#include "sandbox/notify.h"
#include "sandbox/watch.h"

#define FIRST_REALTIME 32
#define BIRTH_STACK 65536

enum phase {
	PHASE_RUNNING,
	PHASE_TERM, /* TERM was sent; KILL follows */
	PHASE_DEAD, /* the plugin has gone, or KILL was sent */
};

struct init {
	const struct sandbox_spec *spec;
	enum phase phase;
	pid_t plugin;
	int status; /* of the plugin, as from waitpid() */
	bool exited;
	enum report_reason reason;
	int64_t deadline_ms; /* monotonic; 0: none */
	int64_t watch_ms;    /* next look at memory and CPU; 0: never */
	int64_t base_us;     /* CPU time before the job that runs */
	int deadline_fd;     /* of a job that the agent times; -1: none */
	struct watch watch;
	bool group;	       /* its control group tells CPU time */
	int cpu;	       /* ... by this */
	int64_t cpu_before_us; /* pid 1's, not of that */
	int signals;	       /* signalfd */
	struct notify notify;
};

/* What the plugin's first process says before it becomes the plugin. */
struct hello {
	int failed;
	char text[REPORT_TEXT];
};

static _Noreturn void
fail(const struct err *e)
{
	struct report r = { .type = REPORT_FAILED };

	snprintf(r.text, sizeof(r.text), "%.700s%s%.300s", e->msg,
		 e->hint[0] ? "; " : "", e->hint);
	if (send(FD_REPORT, &r, sizeof(r), MSG_NOSIGNAL) < 0)
		_exit(124);
	_exit(125);
}

static int
send_hello(int channel, const struct hello *h, int listener)
{
	return passfd_send(channel, h, sizeof(*h), &listener, listener >= 0);
}

/* 1 a hello came, 0 the channel was closed (the program was started). */
static int
receive_hello(int channel, struct hello *h, int *listener)
{
	int fds[PASSFD_MAX];
	int n = passfd_receive(channel, h, sizeof(*h), fds);

	if (n == 1)
		*listener = fds[0];
	return n >= 0;
}

/* Before the plugin's program starts: it never runs with less. */
static int
check_required(const struct enter *x, unsigned layers, struct err *e)
{
	unsigned missing = x->spec->require & ~layers;

	for (unsigned bit = 1; bit < LAYER_END; bit <<= 1) {
		if (!(missing & bit))
			continue;
		err_set(e, ERR_AGENT,
			"the configuration requires the layer %s, which this "
			"host does not enforce",
			layer_name(bit));
		return err_hint(e, "devops_agent doctor says why");
	}
	return 0;
}

static unsigned
filter_layers(int listener)
{
	return LAYER_SECCOMP | (listener >= 0 ? LAYER_SECCOMP_NOTIFY : 0);
}

/* What the plugin's process is born with. */
struct birth {
	const struct enter *x;
	int channel;
};

/*
 * The plugin's process until it is the plugin.  Its memory is pid 1's, which
 * waits meanwhile, so it changes nothing there but its own stack.
 */
static int
become_plugin(void *arg)
{
	const struct birth *b = arg;
	const struct sandbox_spec *s = b->x->spec;
	struct hello h = { .failed = 0 };
	struct err e = ERR_INIT;
	int listener = -1;
	struct sigaction fresh = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&none);
	/* what is ignored would stay so; fails for KILL and STOP */
	for (int sig = 1; sig < FIRST_REALTIME; sig++)
		(void)sigaction(sig, &fresh, NULL);
	/* whoever traces reads the path that execve() is given */
	if (setsid() < 0 || enter_limit_data(b->x) < 0 ||
	    (s->trace && prctl(PR_SET_DUMPABLE, 1) < 0) ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		err_errno(&e, "prepare the plugin's process");
	else if (seccomp_install(b->x->filter, &listener, &e) == 0 &&
		 check_required(b->x, b->x->layers | filter_layers(listener),
				&e) == 0 &&
		 send_hello(b->channel, &h, listener) == 0) {
		if (listener >= 0)
			close(listener);
		execve(s->argv.items[0], s->argv.items, s->env.items);
		err_errno(&e, "start %s", s->argv.items[0]);
	}
	h.failed = 1;
	snprintf(h.text, sizeof(h.text), "%.700s%s%.300s", e.msg,
		 e.hint[0] ? "; " : "", e.hint);
	send_hello(b->channel, &h, -1);
	return 127;
}

/*
 * As posix_spawn(3) does it: no page is copied, and pid 1 sleeps until the
 * program has memory of its own, or failed to start.  Traced, it is asked
 * about that start itself and can't sleep, so that the memory is a copy.
 */
static pid_t
give_birth(const struct birth *b)
{
	static char stack[BIRTH_STACK] __attribute__((aligned(16)));
	int flags = b->x->spec->trace ? 0 : CLONE_VM | CLONE_VFORK;

	return clone(become_plugin, stack + sizeof(stack), flags | SIGCHLD,
		     (void *)(uintptr_t)b);
}

/* Nothing of the plugin's stays open in pid 1. */
static int
drop_stdio(struct err *e)
{
	_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_errno(e, "open /dev/null");
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null, fd) < 0)
			return err_errno(e, "dup2");
	return 0;
}

/*
 * Start the plugin.  The filter is installed by the plugin's own process,
 * because pid 1 answers for it and must not wait for itself; its listener
 * comes over `channel`, which the program's start closes.
 */
static int
start_plugin(struct init *in, struct enter *x, int *channel, struct err *e)
{
	_close_ int theirs = -1;
	struct birth birth = { .x = x };
	struct hello h;
	int pair[2];
	int listener = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "socketpair");
	*channel = pair[0];
	theirs = birth.channel = pair[1];
	in->plugin = give_birth(&birth);
	if (in->plugin < 0)
		return err_errno(e, "fork");
	close(steal_fd(&theirs));
	if (drop_stdio(e) < 0 || seccomp_install(x->own_filter, NULL, e) < 0)
		return -1;
	if (!receive_hello(*channel, &h, &listener) || h.failed)
		return err_set(e, ERR_AGENT, "%s",
			       h.failed ? h.text :
					  "the plugin's process died at once");
	in->notify.listener = listener;
	x->layers |= filter_layers(listener);
	return 0;
}

static void
report_entered(struct init *in, const struct enter *x)
{
	struct report r = { .type = REPORT_ENTERED,
			    .layers = x->layers,
			    .detail = x->landlock_abi };

	notify_send(&in->notify, &r);
}

static void
kill_all(struct init *in, enum report_reason reason)
{
	if (in->reason == REASON_NONE)
		in->reason = reason;
	in->phase = PHASE_DEAD;
	kill(-1, SIGKILL);
}

/* Ask everything to end, and be ready to insist. */
static void
stop_all(struct init *in, enum report_reason reason)
{
	if (in->phase != PHASE_RUNNING)
		return;
	if (in->reason == REASON_NONE)
		in->reason = reason;
	in->phase = PHASE_TERM;
	in->deadline_ms = clock_mono_ms() + in->spec->grace_ms;
	kill(-1, SIGTERM);
	/* one that was stopped would not notice */
	kill(-1, SIGCONT);
}

static void
reap(struct init *in)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != in->plugin)
			continue;
		in->exited = true;
		in->status = status;
		in->phase = PHASE_DEAD;
	}
}

static void
handle_signals(struct init *in)
{
	struct signalfd_siginfo info;

	while (read(in->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(in);
		/*
		 * From outside, where its sender has no number here.  Inside,
		 * a made-up number (rt_sigqueueinfo) or none (SIGIO) comes
		 * with another code.
		 */
		else if (info.ssi_code == SI_USER && info.ssi_pid == 0)
			stop_all(in, REASON_STOPPED);
	}
}

/* What all have used, without what pid 1 itself did. */
static int64_t
group_cpu_us(const struct init *in)
{
	int64_t all = cgroup_read_cpu_us(in->cpu);
	int64_t own = clock_us(CLOCK_PROCESS_CPUTIME_ID) - in->cpu_before_us;

	return all > own ? all - own : 0;
}

/* What all have used since the plugin's start, as exactly as can be told. */
static int64_t
read_cpu_us(struct init *in, int proc)
{
	if (in->group)
		return group_cpu_us(in);
	if (!in->watch.cpu)
		return watch_cpu_us(proc);
	if (proc >= 0)
		watch_look(&in->watch);
	return in->watch.cpu_us;
}

/* Of the job that runs; ticks are rounded, so that it may seem negative. */
static void
report_cpu(struct init *in, int proc, struct report *r)
{
	int64_t total = read_cpu_us(in, proc), job = total - in->base_us;

	r->total_us = (uint64_t)total;
	r->cpu_us = job > 0 ? (uint64_t)job : 0;
}

static void
order_arm(struct init *in, int64_t ms)
{
	if (in->phase == PHASE_RUNNING)
		in->deadline_ms = ms ? clock_mono_ms() + ms : 0;
}

static void
order_begin(struct init *in, int64_t ms)
{
	in->base_us = read_cpu_us(in, in->notify.proc);
	order_arm(in, ms);
}

static void
order_usage(struct init *in, int64_t ms)
{
	struct report r = { .type = REPORT_USAGE };

	order_arm(in, ms);
	r.reason = in->reason;
	report_cpu(in, in->notify.proc, &r);
	r.max_rss_bytes = (uint64_t)watch_max_rss(in->notify.proc);
	notify_send(&in->notify, &r);
}

static void
order_stop(struct init *in, int64_t ms)
{
	(void)ms;
	stop_all(in, REASON_STOPPED);
}

static void
order_kill(struct init *in, int64_t ms)
{
	(void)ms;
	kill_all(in, REASON_STOPPED);
}

static void (*const orders[])(struct init *in, int64_t ms) = {
	[ORDER_ARM] = order_arm,     [ORDER_BEGIN] = order_begin,
	[ORDER_USAGE] = order_usage, [ORDER_STOP] = order_stop,
	[ORDER_KILL] = order_kill,
};

static void
handle_order(struct init *in)
{
	struct order o;

	if (recv(FD_REPORT, &o, sizeof(o), MSG_DONTWAIT) == sizeof(o) &&
	    o.type < ARRAY_SIZE(orders))
		orders[o.type](in, o.ms);
}

static void
look(struct init *in)
{
	struct watch *w = &in->watch;
	int64_t cpu_us;

	if (w->memory || w->cpu)
		watch_look(w);
	cpu_us = in->group ? group_cpu_us(in) : w->cpu_us;
	if (w->memory &&
	    w->memory_bytes + in->notify.shared_bytes > in->spec->memory_bytes)
		kill_all(in, REASON_MEMORY);
	else if (in->spec->cpu_ms &&
		 cpu_us - in->base_us > in->spec->cpu_ms * 1000)
		kill_all(in, REASON_CPU);
}

static void
handle_time(struct init *in)
{
	int64_t now = clock_mono_ms();

	if (in->deadline_ms && now >= in->deadline_ms) {
		if (in->phase == PHASE_TERM)
			kill_all(in, in->reason);
		else
			stop_all(in, REASON_DEADLINE);
	}
	if (in->notify.shared_bytes > in->spec->memory_bytes)
		kill_all(in, REASON_MEMORY);
	if (!in->watch_ms || now < in->watch_ms)
		return;
	in->watch_ms = now + WATCH_INTERVAL_MS;
	look(in);
}

/* The agent's timer; set anew meanwhile, it has nothing to be read. */
static void
handle_deadline(struct init *in)
{
	uint64_t times;

	if (read(in->deadline_fd, &times, sizeof(times)) == sizeof(times))
		stop_all(in, REASON_DEADLINE);
}

/* Milliseconds until something is due, for poll(). */
static int
time_left(const struct init *in)
{
	int64_t now = clock_mono_ms();
	int64_t due = in->deadline_ms;

	if (in->watch_ms && (!due || in->watch_ms < due))
		due = in->watch_ms;
	if (!due)
		return -1;
	if (due <= now)
		return 0;
	return due - now > INT_MAX ? INT_MAX : (int)(due - now);
}

static void
turn(struct init *in)
{
	struct pollfd fds[] = {
		{ .fd = in->signals, .events = POLLIN },
		{ .fd = FD_REPORT, .events = POLLIN },
		{ .fd = in->notify.listener, .events = POLLIN },
		{ .fd = in->deadline_fd, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), time_left(in)) < 0 && errno != EINTR)
		_exit(125);
	if (fds[2].revents & POLLIN) {
		if (notify_answer(&in->notify))
			kill_all(in, REASON_SYSCALL);
	} else if (fds[2].revents) {
		in->notify.listener = -1; /* nobody is left under it */
	}
	if (fds[1].revents & (POLLHUP | POLLERR))
		_exit(125); /* the agent has gone: so do we, and all */
	if (fds[1].revents & POLLIN)
		handle_order(in);
	if (fds[0].revents)
		handle_signals(in);
	if (fds[3].revents & POLLIN)
		handle_deadline(in);
	handle_time(in);
}

/* The plugin has ended: so does what it left behind. */
static _Noreturn void
finish(struct init *in, int channel)
{
	struct report r = { .type = REPORT_EXITED };
	struct err e = ERR_INIT;
	struct hello h = { .failed = 0 };
	int status;
	pid_t pid;

	if (in->watch.cpu)
		watch_look(&in->watch);
	kill(-1, SIGKILL);
	while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
		if (pid == in->plugin)
			in->status = status;
	/* closed by the program's start, unless that failed */
	if (receive_hello(channel, &h, &(int){ -1 })) {
		err_set(&e, ERR_AGENT, "%s", h.text);
		fail(&e);
	}
	watch_end(&in->watch);
	r.status = in->status;
	r.reason = in->reason;
	report_cpu(in, -1, &r);
	r.max_rss_bytes = (uint64_t)watch_max_rss(-1);
	r.dropped = in->notify.dropped;
	send(FD_REPORT, &r, sizeof(r), MSG_NOSIGNAL);
	_exit(0);
}

static int
open_signals(struct init *in, struct err *e)
{
	sigset_t all;

	sigfillset(&all);
	in->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return in->signals < 0 ? err_errno(e, "signalfd") : 0;
}

/* What the control group does not tell, where it stands. */
static void
start_watch(struct init *in, const struct enter *x)
{
	in->cpu_before_us = x->cpu_before_us;
	in->cpu = x->cpu;
	in->group = x->cpu >= 0 && cgroup_read_cpu_us(x->cpu) >= 0;
	in->watch.proc = FD_PROC;
	in->deadline_fd = x->deadline;
	in->watch.memory = !(x->layers & LAYER_CGROUP);
	in->watch.cpu = !in->group && x->spec->cpu_ms;
	if (in->watch.memory || x->spec->cpu_ms)
		in->watch_ms = clock_mono_ms() + WATCH_INTERVAL_MS;
}

void
init_run(struct enter *x)
{
	static struct init in;
	struct err e = ERR_INIT;
	int channel = -1;

	in.spec = x->spec;
	in.notify.spec = x->spec;
	in.notify.listener = -1;
	if (enter_sandbox(x, &e) < 0 || open_signals(&in, &e) < 0)
		fail(&e);
	in.notify.proc = FD_PROC;
	in.notify.ports_held = x->layers & LAYER_LANDLOCK_NET;
	if (start_plugin(&in, x, &channel, &e) < 0)
		fail(&e);
	report_entered(&in, x);
	if (x->spec->timeout_ms)
		in.deadline_ms = clock_mono_ms() + x->spec->timeout_ms;
	start_watch(&in, x);
	while (in.phase != PHASE_DEAD)
		turn(&in);
	finish(&in, channel);
}
