/*
 * seccomp_run.h: run system calls or programs under the filter, and answer
 * for pid 1 of a sandbox.
 */
#ifndef SECCOMP_RUN_H
#define SECCOMP_RUN_H

#include "tap.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "sandbox/seccomp.h"

#define NOBODY 65534
#define HIGH UINT64_C(0x5a5a5a5a00000000)
#define AT(object) ((uint64_t)(uintptr_t)(object))
#define NO_LISTENER "no seccomp listener can be had here"

struct probe {
	long nr;
	uint64_t args[6];
};

struct result {
	int error; /* errno, 0: the call succeeded */
	bool notified;
};

enum mode {
	PLAIN,	      /* without a listener */
	NOTIFY,	      /* answered as pid 1 would */
	SWEEP_PLAIN,  /* no call is executed: what is allowed fails ... */
	SWEEP_NOTIFY, /* ... by a second filter, what is notified by us */
};

/* What sweeps make of calls; no call that is refused otherwise fails so. */
enum {
	SWEPT = EXFULL,
	SWEPT_REFUSE = EL2HLT,
	SWEPT_KILL = EL3HLT,
	SWEPT_ASK = ELNRNG
};

#define MAX_PROBES 2048

/* Between the test and its child; both write. */
static struct shared {
	volatile size_t now;
	struct result results[MAX_PROBES];
	bool listener; /* could be had */
	unsigned refused;
	int last_refused;
} * shared;

static bool have_listener;

/* A filter that lets a process end and makes all else return `action`. */
static void
install_backing(uint32_t action, int also)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)also, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, action),
	};
	struct sock_fprog prog = { TAP_COUNT(insns), insns };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		_exit(99);
}

static void
send_listener(int channel, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = "" };
	struct iovec iov = { (char[]){ 'x' }, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	if (sendmsg(channel, &msg, 0) < 0)
		_exit(99);
	close(channel);
	if (fd >= 0)
		close(fd);
}

static int
receive_listener(int channel)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(channel, &msg, MSG_CMSG_CLOEXEC) == 1) {
		c = CMSG_FIRSTHDR(&msg);
		if (c)
			memcpy(&fd, CMSG_DATA(c), sizeof(int));
	}
	return fd;
}

static void
become_nobody(void)
{
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	     setresuid(NOBODY, NOBODY, NOBODY) < 0))
		_exit(99);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(99);
}

/* In the child: without capabilities, under the filter. */
static void
enter(const struct seccomp_program *prog, enum mode mode, int channel)
{
	struct err e = ERR_INIT;
	int listener = -1;
	bool notify = mode == NOTIFY || mode == SWEEP_NOTIFY;

	become_nobody();
	/* of two filters that say errno, the younger one is heard */
	if (mode == SWEEP_PLAIN)
		install_backing(SECCOMP_RET_ERRNO | SWEPT, SYS_seccomp);
	if (seccomp_install(prog, notify ? &listener : NULL, &e) < 0)
		_exit(98);
	shared->listener = listener >= 0;
	if (notify)
		send_listener(channel, listener);
	/* without a tracer that is ENOSYS, and weaker than a notification */
	if (mode == SWEEP_NOTIFY)
		install_backing(SECCOMP_RET_TRACE, SYS_exit_group);
}

static void
answer(int listener, enum mode mode)
{
	struct seccomp_notif req;
	struct seccomp_notif_resp resp;
	enum seccomp_class class;

	memset(&req, 0, sizeof(req));
	memset(&resp, 0, sizeof(resp));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
		return;
	class = seccomp_classify(req.data.nr);
	shared->results[shared->now].notified = true;
	resp.id = req.id;
	if (mode == SWEEP_NOTIFY)
		resp.error = class == SECCOMP_CLASS_KILL ? -SWEPT_KILL :
			     class == SECCOMP_CLASS_ASK	 ? -SWEPT_ASK :
							   -SWEPT_REFUSE;
	else if (class == SECCOMP_CLASS_ASK)
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		resp.error = -EPERM;
	if (class != SECCOMP_CLASS_ASK) {
		shared->refused++;
		shared->last_refused = req.data.nr;
	}
	if (class == SECCOMP_CLASS_KILL && mode != SWEEP_NOTIFY)
		kill((pid_t)req.pid, SIGKILL);
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

/* Answer until the child ends; what it writes to `output` goes to `text`. */
static int
supervise(pid_t pid, int listener, enum mode mode, int output, char *text,
	  size_t size)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fds[] = { { .fd = pidfd, .events = POLLIN },
				{ .fd = listener, .events = POLLIN },
				{ .fd = output, .events = POLLIN } };
	size_t len = 0;
	int status = -1;

	while (poll(fds, 3, 60000) > 0) {
		ssize_t n = 0;

		if (fds[1].revents & POLLIN)
			answer(listener, mode);
		else if (fds[1].revents)
			fds[1].fd = -1;
		if (fds[2].revents)
			n = read(output, text + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		if (fds[2].revents && n <= 0)
			fds[2].fd = -1;
		if (fds[0].revents && fds[2].fd < 0)
			break;
	}
	if (size)
		text[len] = '\0';
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(pidfd);
	if (listener >= 0)
		close(listener);
	return status;
}

/*
 * Run child(context), which does not return, under a filter with these
 * features; what it writes to standard output goes to `text`.  Returns its
 * status, as from waitpid().
 */
static int
run_child(const struct seccomp_features *f, enum mode mode,
	  void (*child)(const void *), const void *context, char *text,
	  size_t size)
{
	struct seccomp_program prog = { .notify.len = 0 };
	struct err e = ERR_INIT;
	int channel[2], output[2];
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	if (seccomp_prepare(f, &prog, &e) < 0 || pipe2(output, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) <
		    0) {
		diag("prepare: %s", e.msg);
		exit(1);
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (size)
			dup2(output[1], 1);
		enter(&prog, mode, channel[1]);
		child(context);
		_exit(97);
	}
	close(channel[1]);
	close(output[1]);
	status = supervise(pid, receive_listener(channel[0]), mode,
			   size ? output[0] : -1, text, size);
	close(channel[0]);
	close(output[0]);
	seccomp_program_release(&prog);
	return status;
}

struct probes {
	const struct probe *list;
	size_t n;
};

static void
make_calls(const void *context)
{
	const struct probes *probes = context;

	for (size_t i = 0; i < probes->n; i++) {
		const uint64_t *a = probes->list[i].args;
		long rc;

		shared->now = i;
		rc = syscall(probes->list[i].nr, a[0], a[1], a[2], a[3], a[4],
			     a[5]);
		shared->results[i].error = rc < 0 ? errno : 0;
	}
	/* a sanitizer would want calls that fail now */
	syscall(SYS_exit_group, 0);
}

/* Make these calls; what came of them is in shared->results. */
__attribute__((unused)) static int
run_probes(const struct seccomp_features *f, enum mode mode,
	   const struct probe *list, size_t n)
{
	struct probes probes = { list, n };

	return run_child(f, mode, make_calls, &probes, NULL, 0);
}

static void
do_nothing(const void *context)
{
	(void)context;
	_exit(0);
}

/* Call it first: finds out whether this host lets us have a listener. */
static void
start(void)
{
	static const struct seccomp_features none;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		exit(1);
	run_child(&none, NOTIFY, do_nothing, NULL, NULL, 0);
	have_listener = shared->listener;
}

#endif
