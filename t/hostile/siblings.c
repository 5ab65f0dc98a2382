/*
 * siblings.c: children that are not its own but those of pid 1, by
 * CLONE_PARENT, with signals of another kind than pid 1 expects when they end.
 * All are reaped and ended.
 */
#include "hostile.h"

#include <sched.h>
#include <signal.h>

int
main(void)
{
	for (int sig = 1; sig < 32; sig += 6)
		if (syscall(SYS_clone, CLONE_PARENT | sig, 0, 0, 0, 0) == 0) {
			setsid();
			for (;;)
				pause();
		}
	tried("parent", 0);
	over();
	return 0;
}
