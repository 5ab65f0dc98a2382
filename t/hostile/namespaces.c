/*
 * namespaces.c: new namespaces, in which it would be root, by unshare(),
 * clone(), clone3(); those of pid 1 by setns(). All are refused, clone3() as
 * if there were none.
 */
#include "hostile.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>

static const struct kind {
	const char *name;
	int flag;
} kinds[] = {
	{ "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS },
	{ "pid", CLONE_NEWPID },   { "net", CLONE_NEWNET },
	{ "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },
	{ "time", 0x80 },	   { "cgroup", CLONE_NEWCGROUP },
};

static const char *
named(const char *call, const char *kind)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s %s", call, kind);
	return text;
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unsigned long long args[11] = { (unsigned)kinds[i].flag };
		char path[64];
		int fd;

		tried(named("unshare", kinds[i].name), unshare(kinds[i].flag));
		/* 0x80 is a signal's number to clone() */
		if (kinds[i].flag != 0x80)
			tried(named("clone", kinds[i].name),
			      syscall(SYS_clone, kinds[i].flag | SIGCHLD, 0, 0,
				      0, 0));
		tried(named("clone3", kinds[i].name),
		      syscall(SYS_clone3, args, sizeof(args)));
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		tried(named("setns", kinds[i].name), setns(fd, 0));
	}
	over();
	return 0;
}
