#include "base/lock.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* How often a lock file that is replaced under our hands is opened again. */
#define TRIES 10

static void
on_alarm(int signal)
{
	(void)signal; /* it is enough that flock() ends */
}

/* flock() that waits; the timer goes on, so that an alarm that comes before
 * flock() does is not the last. */
static int
lock_by(int fd, int wait_ms)
{
	struct sigaction act = { .sa_handler = on_alarm }, old_act;
	struct itimerval timer = { .it_interval = { .tv_usec = 20000 } };
	struct itimerval off = { 0 };
	sigset_t set, old_set;
	int r, saved;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK || wait_ms <= 0)
		return -1;
	timer.it_value.tv_sec = wait_ms / 1000;
	timer.it_value.tv_usec = wait_ms % 1000 * 1000;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaction(SIGALRM, &act, &old_act);
	sigprocmask(SIG_UNBLOCK, &set, &old_set);
	setitimer(ITIMER_REAL, &timer, NULL);
	r = flock(fd, LOCK_EX);
	saved = errno;
	setitimer(ITIMER_REAL, &off, NULL);
	sigprocmask(SIG_SETMASK, &old_set, NULL);
	sigaction(SIGALRM, &old_act, NULL);
	errno = saved == EINTR ? EWOULDBLOCK : saved;
	return r;
}

/*
 * The file is written to, so it has to be what it seems: no second name of
 * somebody's file, and nobody else's to lock us out with.
 */
static int
check_file(int fd, const char *path, const char *folder, struct err *e)
{
	struct stat st, dir;

	if (fstat(fd, &st) < 0 || stat(folder, &dir) < 0)
		return err_errno(e, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_AGENT, "%s is not a regular file", path);
	if (st.st_nlink > 1)
		return err_set(e, ERR_DENIED, "%s has a second name", path);
	if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != dir.st_uid)
		return err_set(e, ERR_DENIED, "%s belongs to user id %u", path,
			       (unsigned)st.st_uid);
	if (st.st_mode & 077 && fchmod(fd, 0600) < 0)
		return err_errno(e, "chmod %s", path);
	return 0;
}

/* The pid in the file; 0 where it holds none. */
static pid_t
read_pid(int fd)
{
	char text[16] = "", *end;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid;

	if (n <= 0 || text[0] < '1' || text[0] > '9')
		return 0;
	errno = 0;
	pid = strtol(text, &end, 10);
	return errno || *end != '\n' || pid > INT_MAX ? 0 : (pid_t)pid;
}

static int
say_held(int fd, const char *folder, struct err *e)
{
	pid_t pid = read_pid(fd);

	if (!pid)
		err_set(e, ERR_AGENT, "another agent runs on %s", folder);
	else if (kill(pid, 0) < 0 && errno == ESRCH)
		err_set(e, ERR_AGENT,
			"processes of an agent that has ended (pid %d) still "
			"run on %s",
			(int)pid, folder);
	else
		err_set(e, ERR_AGENT, "another agent (pid %d) runs on %s",
			(int)pid, folder);
	return err_hint(e, "stop it, or give this one a data_dir of its own");
}

static int
write_pid(int fd, const char *path, struct err *e)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return err_errno(e, "write %s", path);
	return 0;
}

/* Whether the path still names what was opened. */
static bool
is_current(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* 1: locked, but the file has gone from its path meanwhile. */
static int
try_lock(const char *path, const char *folder, int wait_ms, int *out,
	 struct err *e)
{
	_close_ int fd = -1;

	fd = open(path,
		  O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			  O_CLOEXEC,
		  0600);
	if (fd < 0)
		return err_errno(e, "open %s", path);
	if (check_file(fd, path, folder, e) < 0)
		return -1;
	if (lock_by(fd, wait_ms) < 0)
		return errno == EWOULDBLOCK ? say_held(fd, folder, e) :
					      err_errno(e, "lock %s", path);
	if (!is_current(fd, path))
		return 1;
	if (write_pid(fd, path, e) < 0)
		return -1;
	*out = steal_fd(&fd);
	return 0;
}

int
lock_folder(const char *folder, int wait_ms, struct err *e)
{
	_free_ char *path = xasprintf("%s/" LOCK_FILE, folder);

	for (int i = 0; i < TRIES; i++) {
		int fd = -1;
		int r = try_lock(path, folder, wait_ms, &fd, e);

		if (r <= 0)
			return r < 0 ? -1 : fd;
	}
	return err_set(e, ERR_AGENT, "%s is replaced all the time", path);
}
