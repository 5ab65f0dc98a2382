#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sandbox/landlock.h"
#include "sandbox/try_parts.h"

/* Ports of 127.0.0.1 that are only ever connected to. */
#define PORT_GRANTED 9
#define PORT_OTHER 1

#define SHELL "/bin/sh"

/* What came with each version of Landlock's interface. */
static const struct {
	int abi;
	const char *what;
	const char *kernel;
} versions[] = {
	{ 1, "files and programs", "5.13" },
	{ 2, "moving files", "5.19" },
	{ 3, "truncating", "6.2" },
	{ 4, "TCP ports", "6.7" },
	{ 5, "device control", "6.10" },
	{ 6, "abstract sockets and signals", "6.12" },
};

/* The version, if it is at least `abi`; else the result is filled. */
static int
need_abi(int abi, struct try_result *r)
{
	int have = landlock_abi();
	int error = errno;

	if (have >= abi)
		return have;
	if (have > 0) {
		try_absent(r, 0,
			   "Landlock here is ABI %d, and this comes with %d",
			   have, abi);
		try_hint(r, "Linux %s or newer has it",
			 versions[abi - 1].kernel);
		return 0;
	}
	try_absent(r, error, "no Landlock");
	if (error == EOPNOTSUPP)
		try_hint(r, "it is built in but off: add landlock to the "
			    "kernel's lsm= list at boot");
	else if (try_filtered())
		try_hint(r, "the system call filter over this process (of a "
			    "container?) forbids or hides it; or the kernel "
			    "lacks it");
	else
		try_hint(r,
			 "Linux %s or newer, built with "
			 "CONFIG_SECURITY_LANDLOCK, has it",
			 versions[abi - 1].kernel);
	return 0;
}

/* For good, with the shell's file granted for reading: 0 or an errno. */
static int
restrict_self(void)
{
	_cleanup_(sandbox_spec_release) struct sandbox_spec spec;
	_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err e = ERR_INIT;
	unsigned layers = 0;

	sandbox_spec_init(&spec);
	strv_add(&spec.read, SHELL);
	spec.connect.port[spec.connect.n++] = PORT_GRANTED;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return errno;
	if (landlock_enter(&spec, landlock_abi(), proc, &layers, &e) < 0)
		return e.errnum ? e.errnum : TRY_OTHERWISE;
	return 0;
}

static int
open_error(const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

/* Returns where it fails, as it has to. */
static int
start_shell(void *arg)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
			       (char[]){ ":" }, NULL };

	(void)arg;
	execve(SHELL, argv, argv + 3);
	return errno;
}

static void
list_rights(int abi, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		if (versions[i].abi <= abi)
			buf_addf(out, "%s%s", out->len ? ", " : "",
				 versions[i].what);
}

static void
say_landlock(int abi, struct try_result *r)
{
	_buf_ struct buf rights = { 0 };

	list_rights(abi, &rights);
	if (abi >= 3) {
		try_enforced(r,
			     "what was not granted is out of reach "
			     "whatever the view shows; ABI %d: %s",
			     abi, rights.data);
		return;
	}
	try_weaker(r, true,
		   "only the view keeps files from being truncated; ABI %d: %s",
		   abi, rights.data);
	try_hint(r, "Linux 6.2 or newer has ABI 3");
}

/* Every sandbox may use /tmp, and with a root that is below it everything. */
static void
below_tmp(struct try_result *r)
{
	try_weaker(r, true,
		   "programs that were not granted do not start; for "
		   "files it can't be seen, if this root is below "
		   "/tmp");
	try_hint(r, "if this is a chroot, move it out of /tmp");
}

void
try_landlock(struct try_result *r)
{
	int abi = need_abi(1, r);
	int error;

	if (!abi)
		return;
	/* without it all of this works */
	if (open_error("/") != 0 || try_part(start_shell, NULL) != 0) {
		try_absent(r, 0,
			   "can't be tried: / or " SHELL
			   " is out of reach anyway");
		try_hint(r, "let this process read / and start " SHELL);
		return;
	}
	error = restrict_self();
	if (error)
		try_absent(r, error, "no Landlock domain can be entered");
	else if (open_error(SHELL) != 0 || open_error("/proc") != 0)
		try_absent(r, 0, "what was granted is out of reach");
	else if (try_part(start_shell, NULL) != EACCES)
		try_absent(r, 0, "a program that was not granted starts");
	else if (open_error("/") == 0)
		below_tmp(r);
	else if (open_error("/") != EACCES)
		try_absent(r, 0, "a file is out of reach for another reason");
	else
		say_landlock(abi, r);
}

/* Never waits; nobody is thought to listen there. */
static int
connect_error(uint16_t port)
{
	_close_ int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return errno;
	return connect(fd, (void *)&to, sizeof(to)) < 0 ? errno : 0;
}

static int
bind_error(void)
{
	_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET };

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return errno;
	return bind(fd, (void *)&at, sizeof(at)) < 0 ? errno : 0;
}

void
try_landlock_net(struct try_result *r)
{
	int error;

	if (!need_abi(4, r)) {
		size_t len = strlen(r->detail);

		snprintf(r->detail + len, sizeof(r->detail) - len,
			 "; tcp:PORT keeps other ports from mistakes, not from "
			 "malice");
		return;
	}
	if (connect_error(PORT_OTHER) == EACCES || bind_error() == EACCES) {
		try_absent(r, 0,
			   "can't be tried: connecting is forbidden "
			   "anyway");
		return;
	}
	error = restrict_self();
	if (error)
		try_absent(r, error, "no Landlock domain can be entered");
	else if (connect_error(PORT_GRANTED) == EACCES)
		try_absent(r, 0, "a port that was granted is out of reach");
	else if (connect_error(PORT_OTHER) != EACCES)
		try_absent(r, 0, "a port that was not granted is in reach");
	else if (bind_error() != EACCES)
		try_absent(r, 0, "a port that was not granted can be bound");
	else
		try_enforced(r, "TCP only to and at the ports that were "
				"granted");
}

/* --- Scope ---------------------------------------------------------------- */

struct outside {
	struct sockaddr_un at;
	socklen_t len;
};

static int
listen_abstract(struct outside *o)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	o->at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(o->at.sun_path + 1, sizeof(o->at.sun_path) - 1,
		 "devops_agent/try/%d", (int)getpid());
	o->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			     strlen(o->at.sun_path + 1));
	if (fd >= 0 && bind(fd, (void *)&o->at, o->len) == 0 &&
	    listen(fd, 4) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
reach(void *arg)
{
	const struct outside *o = arg;
	_close_ int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 || connect(fd, (const void *)&o->at, o->len) < 0 ? errno :
									 0;
}

static int
reach_restricted(void *arg)
{
	int error = restrict_self();

	return error ? error : reach(arg);
}

static int
signal_restricted(void *arg)
{
	int error = restrict_self();

	(void)arg;
	if (error)
		return error;
	return kill(getppid(), 0) < 0 ? errno : 0;
}

void
try_landlock_scope(struct try_result *r)
{
	_close_ int fd = -1;
	struct outside o;

	if (!need_abi(6, r))
		return;
	fd = listen_abstract(&o);
	if (fd < 0 || try_part(reach, &o) != 0)
		try_absent(r, 0,
			   "can't be tried: abstract sockets are "
			   "forbidden anyway");
	else if (try_part(reach_restricted, &o) != EPERM)
		try_absent(r, 0, "an abstract socket outside is in reach");
	else if (try_part(signal_restricted, NULL) != EPERM)
		try_absent(r, 0, "a process outside can be signalled");
	else
		try_enforced(r, "abstract sockets and signals end at the "
				"sandbox");
}
