#include "master/orphans.h"

#include <sys/wait.h>

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "master/master.h"

/* Those have owners who want to know how they ended. */
static bool
is_own(const struct master *m, pid_t pid)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->peers.items); i++)
		if (m->peers.items[i].pid == pid)
			return true;
	return m->spawner.pid == pid;
}

/* What stands behind one of our own waits until its owner has reaped that. */
void
orphans_reap(struct master *m)
{
	for (;;) {
		siginfo_t info = { 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    info.si_pid == 0 || is_own(m, info.si_pid))
			return;
		(void)waitid(P_PID, (id_t)info.si_pid, &info,
			     WEXITED | WNOHANG);
	}
}
