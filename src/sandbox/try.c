#include "sandbox/try.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/try_parts.h"

#define SIGNALLED 128

const char *
try_state_name(enum try_state state)
{
	static const char *const names[] = {
		[TRY_ABSENT] = "absent",
		[TRY_WEAKER] = "weaker",
		[TRY_ENFORCED] = "enforced",
	};

	return names[state];
}

/* --- Filling a result ----------------------------------------------------- */

__attribute__((format(printf, 4, 0))) static void
set(struct try_result *r, enum try_state state, bool counts, const char *fmt,
    va_list ap)
{
	r->state = state;
	r->counts = counts;
	vsnprintf(r->detail, sizeof(r->detail), fmt, ap);
}

void
try_enforced(struct try_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(r, TRY_ENFORCED, true, fmt, ap);
	va_end(ap);
}

void
try_weaker(struct try_result *r, bool counts, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(r, TRY_WEAKER, counts, fmt, ap);
	va_end(ap);
}

void
try_absent(struct try_result *r, int errnum, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	set(r, TRY_ABSENT, false, fmt, ap);
	va_end(ap);
	len = strlen(r->detail);
	if (errnum > SIGNALLED)
		snprintf(r->detail + len, sizeof(r->detail) - len,
			 ": killed by signal %d (%s)", errnum - SIGNALLED,
			 strsignal(errnum - SIGNALLED));
	else if (errnum && errnum != TRY_OTHERWISE)
		snprintf(r->detail + len, sizeof(r->detail) - len, ": %s",
			 strerror(errnum));
}

void
try_hint(struct try_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->hint, sizeof(r->hint), fmt, ap);
	va_end(ap);
}

/* --- Processes ------------------------------------------------------------ */

/* In a trial: where it says that it is done, which no part holds open. */
static int done_fd = -1;

/* As pid 1 of a namespace a process ends with that, whoever its parent is. */
static void
tie_to_parent(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

pid_t
try_part_start(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	tie_to_parent();
	if (done_fd >= 0)
		close(done_fd);
	_exit(fn(arg));
}

int
try_part_end(pid_t pid)
{
	int status;

	if (pid < 0)
		return errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

int
try_part(int (*fn)(void *arg), void *arg)
{
	return try_part_end(try_part_start(fn, arg));
}

static _Noreturn void
trial(try_fn *fn, struct try_result *r)
{
	struct sigaction fresh = { .sa_handler = SIG_DFL };

	tie_to_parent();
	setpgid(0, 0);
	sigaction(SIGCHLD, &fresh, NULL);
	sigaction(SIGPIPE, &fresh, NULL);
	fn(r);
	_exit(write(done_fd, "", 1) != 1);
}

/* Until the trial is done, dead, or out of time: was it done? */
static bool
await(int fd, int64_t timeout_ms, bool *late)
{
	int64_t end = clock_mono_ms() + timeout_ms;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char done;

	for (;;) {
		int64_t left = end - clock_mono_ms();
		int n = poll(&p, 1, left < 0 ? 0 : (int)left);

		if (n < 0 && errno == EINTR)
			continue;
		*late = n == 0;
		return n > 0 && read(fd, &done, 1) == 1;
	}
}

/* Its group, too: what it started and did not wait for. */
static int
end_trial(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	return try_part_end(pid);
}

static void
supervise(pid_t pid, int fd, int64_t timeout_ms, struct try_result *r)
{
	bool late = false;
	bool done = await(fd, timeout_ms, &late);
	int status;

	/* it may not have come to do so itself */
	setpgid(pid, pid);
	status = end_trial(pid);
	if (done) {
		if (r->state != TRY_ENFORCED && !*r->hint)
			try_hint(r, "strace -f devops_agent doctor shows which "
				    "call fails");
		return;
	}
	if (late)
		try_absent(r, 0, "the trial did not end within %lld ms",
			   (long long)timeout_ms);
	else if (status > SIGNALLED)
		try_absent(r, status, "the trial died");
	else
		try_absent(r, 0, "the trial died with status %d", status);
	try_hint(r, "please report this as a fault of devops_agent");
}

void
try_run(try_fn *fn, int64_t timeout_ms, struct try_result *r)
{
	struct try_result *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ends[2];
	pid_t pid;

	*r = (struct try_result){ .layer = r->layer };
	if (shared == MAP_FAILED || pipe2(ends, O_CLOEXEC) < 0) {
		try_absent(r, errno, "prepare the trial");
		return;
	}
	*shared = *r;
	pid = fork();
	if (pid == 0) {
		done_fd = ends[1];
		trial(fn, shared);
	}
	close(ends[1]);
	if (pid < 0)
		try_absent(shared, errno, "start the trial");
	else
		supervise(pid, ends[0], timeout_ms, shared);
	close(ends[0]);
	*r = *shared;
	munmap(shared, sizeof(*shared));
}

void
try_layer(unsigned layer, struct try_result *r)
{
	static const struct {
		unsigned layer;
		try_fn *fn;
	} trials[] = {
		{ LAYER_USER_NS, try_user_namespace },
		{ LAYER_NAMESPACES, try_namespaces },
		{ LAYER_ROOT, try_root },
		{ LAYER_CAPABILITIES, try_capabilities },
		{ LAYER_NO_NEW_PRIVS, try_no_new_privs },
		{ LAYER_LANDLOCK, try_landlock },
		{ LAYER_LANDLOCK_NET, try_landlock_net },
		{ LAYER_LANDLOCK_SCOPE, try_landlock_scope },
		{ LAYER_SECCOMP, try_seccomp },
		{ LAYER_SECCOMP_NOTIFY, try_seccomp_notify },
		{ LAYER_CGROUP, try_cgroup },
		{ LAYER_LIMITS, try_limits },
		{ LAYER_USER_ID, try_user_id },
	};
	_Static_assert(ARRAY_SIZE(trials) == TRY_LAYERS &&
			       1 << TRY_LAYERS == LAYER_END,
		       "a trial for each layer");

	r->layer = layer;
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++)
		if (trials[i].layer == layer)
			try_run(trials[i].fn, TRY_TIMEOUT_MS, r);
}

/* --- A whole sandbox ------------------------------------------------------ */

/* The next report, before `end`: 0, or -1. */
static int
next_report(struct sandbox *box, int64_t end_ms, struct report *r,
	    struct err *e)
{
	struct pollfd p = { .fd = box->report_fd, .events = POLLIN };

	for (;;) {
		int64_t left = end_ms - clock_mono_ms();
		int rc = sandbox_read_report(box, r);

		if (rc > 0)
			return 0;
		if (rc < 0)
			return err_set(e, ERR_AGENT,
				       "pid 1 of the sandbox died");
		if (left <= 0)
			return err_set(e, ERR_AGENT,
				       "the sandbox did not end in time");
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return err_errno(e, "poll");
	}
}

/* To its end, which has to be a good one; fills the layers. */
static int
follow(struct sandbox *box, struct try_whole *w, int64_t *entered_us,
       struct err *e)
{
	int64_t end = clock_mono_ms() + TRY_TIMEOUT_MS;
	struct report r = { .type = REPORT_DENIED };

	while (r.type != REPORT_EXITED) {
		if (next_report(box, end, &r, e) < 0)
			return -1;
		if (r.type == REPORT_FAILED)
			return err_set(e, ERR_AGENT, "%s", r.text);
		if (r.type != REPORT_ENTERED)
			continue;
		*entered_us = clock_us(CLOCK_MONOTONIC);
		w->layers = r.layers;
		w->landlock_abi = r.detail;
	}
	if (r.status != 0)
		return err_set(e, ERR_AGENT,
			       "the program in it ended with status %d",
			       r.status);
	return sandbox_wait(box, TRY_TIMEOUT_MS, e);
}

static int
start_once(const struct sandbox_spec *spec, struct try_whole *w,
	   int64_t *entered_us, int64_t *gone_us, struct err *e)
{
	_cleanup_(sandbox_release) struct sandbox box;
	int64_t start = clock_us(CLOCK_MONOTONIC);

	sandbox_init(&box);
	if (sandbox_start(spec, &box, e) < 0 ||
	    follow(&box, w, entered_us, e) < 0)
		return -1;
	*gone_us = clock_us(CLOCK_MONOTONIC) - start;
	*entered_us -= start;
	return 0;
}

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int64_t
median(int64_t times[TRY_TIMES])
{
	qsort(times, TRY_TIMES, sizeof(times[0]), by_size);
	return times[TRY_TIMES / 2];
}

void
try_whole(const struct sandbox_spec *spec, struct try_whole *w)
{
	int64_t entered[TRY_TIMES] = { 0 }, gone[TRY_TIMES] = { 0 };
	struct err e = ERR_INIT;

	*w = (struct try_whole){ .started = false };
	for (int i = 0; i < TRY_TIMES; i++) {
		if (start_once(spec, w, &entered[i], &gone[i], &e) < 0) {
			w->layers = 0;
			snprintf(w->error, sizeof(w->error), "%s", e.msg);
			return;
		}
	}
	w->started = true;
	w->entered_us = median(entered);
	w->gone_us = median(gone);
}
