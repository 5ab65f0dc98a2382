/* Executing a program of the agent's own. */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "master/master.h"
#include "master/peers_parts.h"

/* Above every number that the program is given. */
#define FREE_FD (PEER_SOCKETS + PEER_SOCKETS_MAX)
#define AGENT "devops_agent"

/* "/usr/bin/devops_agent" is there; "" where it can't be told. */
static char *
own_path(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[n > 0 ? n : 0] = '\0';
	return xstrdup(path);
}

/*
 * Whoever may put a program there may put another agent there as well.  As it
 * is held open, what runs later is of the agent's own version, whatever was
 * installed meanwhile.
 */
static int
open_program(const char *path, struct err *e)
{
	_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return err_set(e, ERR_UNAVAILABLE, "%s: is no program", path);
	/* out of the way of what place() puts there */
	return fcntl(fd, F_DUPFD_CLOEXEC, FREE_FD);
}

void
peer_find_program(struct peer *p)
{
	static const char *const folders[] = { "", "../libexec/" AGENT "/" };
	_free_ char *own = own_path();
	char *slash = strrchr(own, '/');
	const char *base = slash ? slash + 1 : own, *variant = "";

	if (strncmp(base, AGENT "-", strlen(AGENT "-")) == 0)
		variant = base + strlen(AGENT);
	for (size_t i = 0; p->program < 0 && i < ARRAY_SIZE(folders); i++) {
		free(p->path);
		p->path =
			xasprintf("%.*s/%s%s%s", slash ? (int)(slash - own) : 0,
				  own, folders[i], p->kind->program, variant);
		p->trouble = (struct err)ERR_INIT;
		p->program = open_program(p->path, &p->trouble);
	}
}

/* --- In the child, between fork and exec: nothing that allocates --------- */

static _Noreturn void
refuse(const char *what)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "devops_agent: %s: %s\n", what,
			 strerror(errno));

	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(126);
	_exit(127);
}

/* fds[i] becomes descriptor i of the program, where it is not -1. */
static void
place(int *fds, int n)
{
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0 &&
		    (fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FREE_FD)) < 0)
			refuse("copy a descriptor");
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0 && dup2(fds[i], i) < 0)
			refuse("place a descriptor");
}

static void
reset_signals(void)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &normal, NULL); /* EINVAL: not ours to set */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void
become(const struct peer *p, int *fds, int n, pid_t parent)
{
	char *const argv[] = { (char *)p->kind->program, NULL };
	char *const environment[] = { NULL };

	fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[1] = fds[0];
	fds[2] = -1;
	place(fds, n);
	reset_signals();
	if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL) < 0)
		refuse("tie it to the agent");
	if (getppid() != parent)
		_exit(127);
	/* what is above closes itself, and this is for what might not */
	syscall(SYS_close_range, n, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
	syscall(SYS_execveat, p->program, "", argv, environment, AT_EMPTY_PATH);
	refuse(p->path);
}

/* --- In the master ------------------------------------------------------ */

static int
sockets_of(struct peer *p, int *fds, struct err *e)
{
	return p->kind->sockets ? p->kind->sockets(p->master, fds, e) : 0;
}

int
peer_exec(struct peer *p, struct err *e)
{
	int fds[FREE_FD], pair[2], n;
	pid_t parent = getpid();

	n = sockets_of(p, fds + PEER_SOCKETS, e);
	if (n < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "make its channel");
	fds[PEER_CHANNEL] = pair[1];
	p->pid = fork();
	if (p->pid == 0)
		become(p, fds, PEER_SOCKETS + n, parent);
	close(pair[1]);
	p->fd = pair[0];
	if (p->pid < 0) {
		p->pid = 0;
		err_errno(e, "fork");
		close(steal_fd(&p->fd));
		return -1;
	}
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pidfd < 0) {
		err_errno(e, "watch it");
		kill(p->pid, SIGKILL);
		peer_reap(p, &(struct err)ERR_INIT);
		return -1;
	}
	return 0;
}

void
peer_reap(struct peer *p, struct err *e)
{
	int status = 0;

	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		err_set(e, ERR_UNAVAILABLE, "it was ended by signal %d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		err_set(e, ERR_UNAVAILABLE, "it ended with status %d",
			WEXITSTATUS(status));
	p->pid = 0;
	if (p->pidfd >= 0)
		close(steal_fd(&p->pidfd));
	if (p->fd >= 0)
		close(steal_fd(&p->fd));
}
