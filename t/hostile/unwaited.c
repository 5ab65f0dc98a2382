/*
 * unwaited.c: computes in children that nobody waits for, as it ignores
 * SIGCHLD: what they used is in no sum of the kernel's. Two at a time, each for
 * PARAM_LIFE_US, and a third that is waited for, so that the sums go up. What
 * was burnt is said on standard error, in milliseconds.
 */
#include "hostile.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

static int64_t
now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void
burn(atomic_llong *burnt, int64_t us)
{
	int64_t used;

	while ((used = now_us(CLOCK_PROCESS_CPUTIME_ID)) < us)
		;
	atomic_fetch_add(burnt, used);
}

/* Children one after the other; one that has ended leaves no zombie. */
static void
unwaited(atomic_llong *burnt, int64_t us)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGCHLD, &ignore, NULL);
	for (;;) {
		if (fork() == 0) {
			burn(burnt, us);
			_exit(0);
		}
		/* until there are none */
		while (wait(NULL) >= 0)
			;
	}
}

int
main(void)
{
	const char *life = getenv("PARAM_LIFE_US");
	int64_t us = life ? strtoll(life, NULL, 10) : 200000;
	int64_t end = now_us(CLOCK_MONOTONIC) + INT64_C(10000000);
	atomic_llong *burnt = mmap(NULL, sizeof(*burnt), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			unwaited(burnt, us);
	while (now_us(CLOCK_MONOTONIC) < end) {
		struct timespec pause = { 0, 20000000 };
		pid_t pid = fork();

		if (pid == 0) {
			burn(burnt, 1000);
			_exit(0);
		}
		nanosleep(&pause, NULL);
		waitpid(pid, NULL, 0);
		fprintf(stderr, "burnt %lld\n", atomic_load(burnt) / 1000);
	}
	return 0;
}
