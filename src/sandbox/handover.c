#include "sandbox/handover.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/passfd.h"

#define HELPER_STACK 16384

/* How many descriptors of each come with it, in this order. */
struct message {
	uint32_t groups;
	uint32_t cpus;
	uint32_t deadlines;
	uint32_t nets;
};

_Static_assert(CGROUP_FOLDERS + 3 <= PASSFD_MAX, "they go in one message");

void
handover_init(struct handover *h)
{
	*h = (struct handover){ .cpu = -1, .deadline = -1, .net = -1 };
}

void
handover_release(struct handover *h)
{
	for (size_t i = 0; i < h->n_groups; i++)
		close(h->groups[i]);
	cleanup_fdp(&h->cpu);
	cleanup_fdp(&h->deadline);
	cleanup_fdp(&h->net);
	handover_init(h);
}

/* In a namespace of its own, with the memory and descriptors of its maker. */
static int
open_own_net(void *fd)
{
	*(int *)fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return 0;
}

/*
 * The caller stays where it is: a process that shares all else with it, and
 * runs while it waits, is born into the namespace and leaves a descriptor.
 */
int
handover_make_net(struct err *e)
{
	char stack[HELPER_STACK] __attribute__((aligned(16)));
	sigset_t all, old;
	int fd = -1, error;
	pid_t pid;

	/* no handler runs twice in one memory */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = clone(open_own_net, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWNET, &fd);
	error = errno;
	if (pid > 0)
		waitpid(pid, NULL, __WCLONE);
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = error;
	if (fd >= 0)
		return fd;
	err_errno(e, "make a network namespace");
	return error == ENOSPC ? err_hint(e, "raise user.max_net_namespaces") :
				 -1;
}

/* One that is there joins the message. */
static uint32_t
add(int fd, int fds[PASSFD_MAX], size_t *n)
{
	if (fd < 0)
		return 0;
	fds[(*n)++] = fd;
	return 1;
}

int
handover_send(const struct handover *h, int channel)
{
	struct message m = { .groups = (uint32_t)h->n_groups };
	int fds[PASSFD_MAX];
	size_t n = 0;

	for (size_t i = 0; i < h->n_groups; i++)
		(void)add(h->groups[i], fds, &n);
	m.cpus = add(h->cpu, fds, &n);
	m.deadlines = add(h->deadline, fds, &n);
	m.nets = add(h->net, fds, &n);
	return passfd_send(channel, &m, sizeof(m), fds, n);
}

static bool
is_whole(const struct message *m, int n)
{
	return m->groups <= CGROUP_FOLDERS && m->cpus <= 1 &&
	       m->deadlines <= 1 && m->nets <= 1 &&
	       (uint32_t)n == m->groups + m->cpus + m->deadlines + m->nets;
}

int
handover_receive(struct handover *h, int channel, struct err *e)
{
	struct message m = { .groups = 0 };
	int fds[PASSFD_MAX];
	const int *next = fds;
	int n = passfd_receive(channel, &m, sizeof(m), fds);

	if (n < 0)
		return err_set(e, ERR_AGENT, "the agent has gone");
	if (!is_whole(&m, n)) {
		while (n > 0)
			close(fds[--n]);
		return err_set(e, ERR_AGENT,
			       "descriptors of the agent are "
			       "missing: too many are open");
	}
	h->n_groups = m.groups;
	for (size_t i = 0; i < h->n_groups; i++)
		h->groups[i] = *next++;
	h->cpu = m.cpus ? *next++ : -1;
	h->deadline = m.deadlines ? *next++ : -1;
	h->net = m.nets ? *next++ : -1;
	return 0;
}
