/*
 * timers.c: signals without end to pid 1: by kill(), by queues of real-time
 * signals, and a clock of its own that stops. The deadline holds.
 */
#include "hostile.h"

#include <signal.h>

int
main(void)
{
	union sigval value = { .sival_int = 0 };

	for (int i = 0; i < 4; i++)
		if (fork() == 0)
			for (;;) {
				kill(1, SIGTERM);
				kill(1, SIGCHLD);
				kill(1, SIGALRM);
				sigqueue(1, SIGRTMIN + 1, value);
				sigqueue(1, SIGRTMAX, value);
			}
	for (;;)
		pause();
}
