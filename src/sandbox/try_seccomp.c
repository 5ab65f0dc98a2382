#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/seccomp.h"
#include "sandbox/try_parts.h"

/* What the listener answers: nothing else in the kernel says this here. */
#define ANSWER EXFULL

/* The program's own filter with nothing granted; -1: the result is filled. */
static int
prepare(struct seccomp_program *prog, struct try_result *r)
{
	static const struct seccomp_features none = { .net = SECCOMP_NET_NONE };
	struct err e = ERR_INIT;

	if (seccomp_prepare(&none, prog, &e) == 0)
		return 0;
	try_absent(r, 0, "%s", e.msg);
	try_hint(
		r, "%s",
		try_filtered() ?
			"the system call filter over this process (of a "
			"container?) forbids filters of its own" :
			"Linux 4.14 or newer, built with CONFIG_SECCOMP_FILTER, "
			"has it");
	return -1;
}

static int
install(const struct seccomp_program *prog, int *listener)
{
	struct err e = ERR_INIT;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return errno;
	if (seccomp_install(prog, listener, &e) < 0)
		return e.errnum ? e.errnum : TRY_OTHERWISE;
	return 0;
}

/* Of the refused class; without a filter the size alone is wrong. */
static int
refused_call(void)
{
	return syscall(SYS_shmget, 0, 0, 0) < 0 ? errno : 0;
}

static int
call_refused(void *arg)
{
	int error = install(arg, NULL);

	return error ? error : refused_call() == EPERM ? 0 : TRY_OTHERWISE;
}

/* Of the class that kills; without a filter no such request exists. */
static int
call_killing(void *arg)
{
	int error = install(arg, NULL);

	return error ? error : (syscall(SYS_ptrace, -1, 0, 0, 0), 0);
}

void
try_seccomp(struct try_result *r)
{
	_cleanup_(seccomp_program_release) struct seccomp_program prog = {
		.notify.len = 0
	};
	int rc;

	if (prepare(&prog, r) < 0)
		return;
	rc = try_part(call_refused, &prog);
	if (rc) {
		try_absent(r, rc,
			   "a system call that was not granted is not refused");
		return;
	}
	rc = try_part(call_killing, &prog);
	if (rc != 128 + SIGSYS) {
		try_absent(r, 0, "a hostile system call does not kill");
		return;
	}
	try_enforced(r, "system calls that were not granted are refused, "
			"hostile ones kill");
}

/* --- The listener --------------------------------------------------------- */

struct listening {
	const struct seccomp_program *prog;
	int say; /* write end: which descriptor is the listener */
};

static _Noreturn void
ask(const struct listening *l)
{
	int listener = -1;
	int error = install(l->prog, &listener);

	if (error)
		listener = -error - 1;
	if (write(l->say, &listener, sizeof(listener)) != sizeof(listener))
		_exit(EPIPE);
	_exit(listener < 0 ? 0 : refused_call());
}

static int
answer(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	struct seccomp_notif req;
	struct seccomp_notif_resp resp;

	memset(&req, 0, sizeof(req));
	memset(&resp, 0, sizeof(resp));
	if (poll(&p, 1, TRY_TIMEOUT_MS / 2) <= 0)
		return ETIMEDOUT;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
		return errno;
	if (req.data.nr != SYS_shmget)
		return TRY_OTHERWISE;
	resp.id = req.id;
	resp.error = -ANSWER;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) < 0 ? errno : 0;
}

static void
say_no_listener(int listener, struct try_result *r)
{
	int error = listener < -1 ? -listener - 1 : 0;

	try_absent(r, error,
		   "no listener can be had; refusals are not "
		   "explained, nor tcp:PORT grants without Landlock");
	try_hint(r, "%s",
		 try_filtered() ?
			 "the system call filter over this process (of a "
			 "container?) has a listener already: the kernel "
			 "allows one; or Linux is older than 5.0" :
			 "Linux 5.0 or newer has it");
}

void
try_seccomp_notify(struct try_result *r)
{
	_cleanup_(seccomp_program_release) struct seccomp_program prog = {
		.notify.len = 0
	};
	struct listening l = { .prog = &prog };
	int ends[2], listener = -1, error = 0;
	pid_t pid;

	if (prepare(&prog, r) < 0)
		return;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		try_absent(r, errno, "make a pipe");
		return;
	}
	l.say = ends[1];
	/* the two share their descriptors, and so the listener */
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL,
			     0);
	if (pid == 0)
		ask(&l);
	if (pid < 0) {
		try_absent(r, errno, "start a process");
		return;
	}
	if (read(ends[0], &listener, sizeof(listener)) != sizeof(listener))
		error = EPIPE;
	else if (listener >= 0)
		error = answer(listener);
	if (error)
		kill(pid, SIGKILL);
	if (try_part_end(pid) != ANSWER && !error && listener >= 0)
		error = TRY_OTHERWISE;
	if (error)
		try_absent(r, error, "the listener's answer is not obeyed");
	else if (listener < 0)
		say_no_listener(listener, r);
	else
		try_enforced(r, "a refusal says what was refused, and what "
				"would allow it");
}
