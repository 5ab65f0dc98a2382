#include "worker/look.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#define EACH_MS 500    /* without an answer, the path is hung */
#define ALL_MS 2000    /* then no more is asked */
#define LIFE_SECONDS 3 /* of a process that looks */

/* What the process that looks says of one path; hostile in nothing. */
struct answer {
	enum look_kind kind;
	mode_t mode;
	uid_t uid;
	char real[PATH_MAX];
};

/* --- The process that looks ----------------------------------------------- */

static enum look_kind
kind_of_file(const char *path, mode_t mode)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[4] = "";

	if (fd < 0 || read(fd, magic, sizeof(magic)) != sizeof(magic))
		return LOOK_FILE;
	if (memcmp(magic, "\177ELF", 4) == 0)
		return LOOK_PROGRAM;
	return (mode & 0111) && memcmp(magic, "#!", 2) == 0 ? LOOK_SCRIPT :
							      LOOK_FILE;
}

static void
look(const char *path, struct answer *a)
{
	struct stat st;

	memset(a, 0, sizeof(*a));
	if (stat(path, &st) < 0 || !realpath(path, a->real))
		return;
	a->mode = st.st_mode;
	a->uid = st.st_uid;
	a->kind = S_ISDIR(st.st_mode)  ? LOOK_FOLDER :
		  S_ISSOCK(st.st_mode) ? LOOK_SOCKET :
		  S_ISREG(st.st_mode)  ? kind_of_file(path, st.st_mode) :
					 LOOK_OTHER;
}

static _Noreturn void
look_at_all(char *const *paths, size_t n, int out)
{
	struct answer a;

	alarm(LIFE_SECONDS);
	if (out > 3)
		(void)syscall(SYS_close_range, 3, (unsigned)out - 1, 0);
	(void)syscall(SYS_close_range, (unsigned)out + 1, ~0U, 0);
	for (size_t i = 0; i < n; i++) {
		look(paths[i], &a);
		if (file_write_all(out, &a, sizeof(a)) < 0)
			break;
	}
	_exit(0);
}

/*
 * A grandchild, so that one that can't be ended leaves no zombie of ours.
 * The read end of what it says; -1 where it could not be started.
 */
static int
start(char *const *paths, size_t n)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			look_at_all(paths, n, ends[1]);
		_exit(pid < 0);
	}
	close(ends[1]);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	return ends[0];
}

/* --- Asking it ------------------------------------------------------------ */

/* false: no answer in time, or none any more. */
static bool
read_answer(int fd, struct answer *a, int64_t end_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t got = 0;

	while (got < sizeof(*a)) {
		int64_t left = end_ms - clock_mono_ms();
		ssize_t n;

		if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
			return false;
		if (!p.revents)
			continue;
		n = read(fd, (char *)a + got, sizeof(*a) - got);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* How many were answered. */
static size_t
ask(char *const *paths, size_t n, struct look *all, int64_t end_ms)
{
	_close_ int fd = start(paths, n);
	_free_ struct answer *a = xmalloc(sizeof(*a));
	size_t i;

	for (i = 0; fd >= 0 && i < n; i++) {
		int64_t each = clock_mono_ms() + EACH_MS;

		if (!read_answer(fd, a, each < end_ms ? each : end_ms))
			break;
		all[i].kind = a->kind;
		all[i].mode = a->mode;
		all[i].uid = a->uid;
		all[i].real = a->kind ? xstrndup(a->real, PATH_MAX - 1) : NULL;
	}
	return i;
}

void
look_at(char *const *paths, size_t n, struct look *all)
{
	int64_t end_ms = clock_mono_ms() + ALL_MS;

	memset(all, 0, n * sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		if (clock_mono_ms() < end_ms)
			i += ask(paths + i, n - i, all + i, end_ms);
		if (i < n)
			all[i].kind = LOOK_HUNG;
	}
}

void
look_free(struct look *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(all[i].real);
	free(all);
}
