/* base/lock: one agent a data folder. */
#include "tap.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/mem.h"

static char folder[] = "/tmp/test_lock.XXXXXX";
static char path[sizeof(folder) + 32];

static int
lock(int wait_ms, struct err *e)
{
	*e = (struct err)ERR_INIT;
	return lock_folder(folder, wait_ms, e);
}

static const char *
content(void)
{
	static char text[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	close(fd);
	return text;
}

static void
write_text(const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

/*
 * An agent: a child with the lock.  With `spawner` it forks one more that
 * inherits the descriptor and ends itself.  Its last process ends when the
 * descriptor that is returned is closed.
 */
static int
agent(bool spawner, pid_t *pid)
{
	struct err e;
	int go[2], ready[2];
	char c;

	if (pipe2(go, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0)
		abort();
	*pid = fork();
	if (*pid == 0) {
		close(go[1]);
		if (lock(0, &e) < 0)
			_exit(1);
		if (spawner && fork() > 0)
			_exit(0);
		/* a spawner tells when its parent has gone */
		if (!spawner && write(ready[1], "", 1) < 0)
			_exit(1);
		close(ready[1]);
		_exit(read(go[0], &c, 1) != 0);
	}
	close(go[0]);
	close(ready[1]);
	if (spawner)
		waitpid(*pid, NULL, 0);
	if (read(ready[0], &c, 1) < 0)
		abort();
	close(ready[0]);
	return go[1];
}

static void
test_one(void)
{
	char want[64];
	struct stat st;
	struct err e;
	int64_t start;
	pid_t pid;
	int fd, go;

	fd = lock(0, &e);
	ok(fd >= 0, "a folder is locked");
	snprintf(want, sizeof(want), "%d\n", (int)getpid());
	is_str(content(), want, "... the file says by whom");
	stat(path, &st);
	is_int(st.st_mode & 07777, 0600, "... and is its owner's alone");
	is_int(fcntl(fd, F_GETFD), FD_CLOEXEC,
	       "... and no program inherits the descriptor");
	snprintf(want, sizeof(want), "another agent (pid %d) runs on %s",
		 (int)getpid(), folder);
	is_int(lock(0, &e), -1, "a second lock is refused");
	is_str(e.msg, want, "... and says who holds it");
	has_str(e.hint, "data_dir", "... and what to do");
	write_text("123456789012345678901234\n");
	lock(0, &e);
	has_str(e.msg, "another agent runs on /tmp",
		"a file that holds no pid names none");
	close(fd);
	fd = lock(0, &e);
	ok(fd >= 0, "closed, the lock is free");
	close(fd);

	go = agent(false, &pid);
	start = clock_mono_ms();
	is_int(lock(100, &e), -1, "another process's lock is waited for");
	ok(clock_mono_ms() - start >= 100, "... as long as was said");
	ok(clock_mono_ms() - start < 2000, "... and not much longer");
	snprintf(want, sizeof(want), "(pid %d)", (int)pid);
	has_str(e.msg, want, "... and says whose it is");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fd = lock(0, &e);
	ok(fd >= 0, "killed, it has no lock");
	close(go);
	close(fd);
}

/* Close a descriptor after a while, from another process's end. */
static pid_t
close_soon(int go)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* the time is the test's: poll for nothing */
		fd_set none;

		FD_ZERO(&none);
		select(0, &none, NULL, NULL,
		       &(struct timeval){ .tv_usec = 150000 });
		_exit(0);
	}
	close(go);
	return pid;
}

static void
test_inherited(void)
{
	struct sigaction after;
	struct err e;
	int64_t start;
	pid_t pid, closer;
	int go = agent(true, &pid), fd;

	is_int(lock(0, &e), -1,
	       "a process that inherited the descriptor keeps the lock");
	has_str(e.msg, "processes of an agent that has ended (pid ",
		"... and the message says that its agent has ended");
	start = clock_mono_ms();
	closer = close_soon(go);
	fd = lock(20000, &e);
	ok(fd >= 0, "when the last such process ends, who waits has the lock");
	ok(clock_mono_ms() - start < 10000, "... at once");
	waitpid(closer, NULL, 0);
	sigaction(SIGALRM, NULL, &after);
	ok(after.sa_handler == SIG_DFL, "... and SIGALRM is as before");
	close(fd);
}

/* --- Files that are not what they should be --- */

static void
refused(const char *title, const char *why)
{
	struct err e;
	int fd = lock(0, &e);

	is_int(fd, -1, "%s is refused", title);
	has_str(e.msg, why, "... as such");
	if (fd >= 0)
		close(fd);
	unlink(path);
}

static void
test_files(void)
{
	char other[sizeof(path)];
	struct stat st;
	struct err e;
	int fd;

	snprintf(other, sizeof(other), "%s/other", folder);
	close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	unlink(path);
	if (symlink(other, path) < 0)
		abort();
	refused("a symbolic link", "open ");
	if (link(other, path) < 0)
		abort();
	refused("a second name of another file", "second name");
	stat(other, &st);
	is_int(st.st_size, 0, "... which is not written to");
	if (mkfifo(path, 0600) < 0)
		abort();
	refused("a FIFO", "not a regular file");
	if (mkdir(path, 0700) < 0)
		abort();
	refused("a folder", "open ");
	rmdir(path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	if (chmod(path, 0666) < 0)
		abort();
	fd = lock(0, &e);
	ok(fd >= 0, "a file that others could open is taken back");
	stat(path, &st);
	is_int(st.st_mode & 07777, 0600, "... from them");
	unlink(path);
	close(fd);
	if (geteuid() == 0) {
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		if (chown(path, 61234, 61234) < 0)
			abort();
		refused("a stranger's file", "belongs to user id 61234");
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		if (chown(path, 61234, 61234) < 0 ||
		    chown(folder, 61234, 61234) < 0)
			abort();
		fd = lock(0, &e);
		ok(fd >= 0, "that of the folder's owner is not");
		close(fd);
	} else {
		skip("needs root", "a stranger's file is refused");
	}
	unlink(path);
	unlink(other);
}

/* The file is replaced while its lock is waited for. */
static void
test_replaced(void)
{
	struct err e;
	int first = lock(0, &e), second;
	pid_t closer;

	closer = fork();
	if (closer == 0) {
		fd_set none;

		FD_ZERO(&none);
		select(0, &none, NULL, NULL,
		       &(struct timeval){ .tv_usec = 100000 });
		unlink(path);
		_exit(0); /* with it goes its copy of the descriptor */
	}
	close(first);
	first = lock(20000, &e);
	ok(first >= 0, "a file that was replaced meanwhile is locked anew");
	second = lock(0, &e);
	is_int(second, -1, "... so that nobody else locks the new one");
	waitpid(closer, NULL, 0);
	close(first);
}

int
main(void)
{
	struct err e = ERR_INIT;

	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/" LOCK_FILE, folder);
	alarm(0);
	test_one();
	test_inherited();
	test_files();
	test_replaced();
	unlink(path);
	rmdir(folder);
	is_int(lock_folder(folder, 0, &e), -1, "without a folder it fails");
	has_str(e.msg, "No such file", "... and says why");
	return tap_done();
}
