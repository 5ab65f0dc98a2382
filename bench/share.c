/*
 * share.c: what the sandbox itself adds: the same program started bare and
 * sandboxed, in turn, by one small process.
 *
 *	share RUNS PROGRAM [ARGUMENT ...]
 *
 * Prints the medians in milliseconds, their ratio, and when in a sandboxed
 * run each step was over.
 */
#include <sys/wait.h>

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/sandbox.h"
#include "worker/program.h"

#define MAX_RUNS 10000

enum step { FORKED, ENTERED, EXITED, GONE, RELEASED, STEPS };

static const char *const step_names[] = { "forked", "entered", "exited", "gone",
					  "released" };

static double bare_ms[MAX_RUNS], boxed_ms[STEPS][MAX_RUNS];

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *list, int n)
{
	qsort(list, (size_t)n, sizeof(*list), by_size);
	return list[n / 2];
}

/*
 * A program that is started bare stays where its parent is, one in a sandbox
 * goes to another processor, which may be slower: each has its turn.
 */
static void
start_on(int i)
{
	static cpu_set_t all;
	cpu_set_t one;
	int n, cpu = 0;

	if (CPU_COUNT(&all) == 0 && sched_getaffinity(0, sizeof(all), &all) < 0)
		return;
	n = i % CPU_COUNT(&all);
	while (!CPU_ISSET(cpu, &all) || n-- > 0)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	/* there now, and free to leave */
	sched_setaffinity(0, sizeof(one), &one);
	sched_setaffinity(0, sizeof(all), &all);
}

static void
run_bare(char **argv, int i)
{
	double start = now_ms();
	pid_t pid = vfork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	bare_ms[i] = now_ms() - start;
}

static void
wait_for(struct sandbox *box, uint32_t type)
{
	struct pollfd p = { .fd = box->report_fd, .events = POLLIN };
	struct report r = { .type = REPORT_EXITED };
	int rc = 0;

	while (rc >= 0) {
		poll(&p, 1, -1);
		while ((rc = sandbox_read_report(box, &r)) > 0) {
			if (r.type == REPORT_FAILED) {
				fprintf(stderr, "share: %s\n", r.text);
				exit(1);
			}
			if (r.type == type)
				return;
		}
	}
}

static void
run_boxed(const struct sandbox_spec *spec, int i)
{
	struct err e = ERR_INIT;
	struct sandbox box;
	double start = now_ms();

	if (sandbox_start(spec, &box, &e) < 0) {
		fprintf(stderr, "share: %s\n", e.msg);
		exit(1);
	}
	boxed_ms[FORKED][i] = now_ms() - start;
	wait_for(&box, REPORT_ENTERED);
	boxed_ms[ENTERED][i] = now_ms() - start;
	wait_for(&box, REPORT_EXITED);
	boxed_ms[EXITED][i] = now_ms() - start;
	sandbox_wait(&box, 5000, &e);
	boxed_ms[GONE][i] = now_ms() - start;
	sandbox_release(&box);
	boxed_ms[RELEASED][i] = now_ms() - start;
}

int
main(int argc, char **argv)
{
	struct sandbox_spec spec;
	int runs = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	double bare, boxed;

	if (runs < 1 || runs > MAX_RUNS) {
		fprintf(stderr, "usage: share RUNS PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	sandbox_spec_init(&spec);
	for (int i = 2; i < argc; i++)
		strv_add(&spec.argv, argv[i]);
	strv_add(&spec.env, "PATH=/usr/bin:/bin");
	program_needs(argv[2], &spec.exec, &spec.libraries);
	for (int i = -3; i < runs; i++) { /* the first ones warm up */
		start_on(i + 3);
		run_bare(argv + 2, i < 0 ? 0 : i);
		start_on(i + 3);
		run_boxed(&spec, i < 0 ? 0 : i);
	}
	bare = median(bare_ms, runs);
	for (int s = 0; s < STEPS; s++)
		printf("%-9s %6.2f ms\n", step_names[s],
		       median(boxed_ms[s], runs));
	boxed = median(boxed_ms[RELEASED], runs);
	printf("bare %.2f ms, sandboxed %.2f ms, added %.2f ms, ratio %.3f\n",
	       bare, boxed, boxed - bare, boxed / bare);
	sandbox_spec_release(&spec);
	return 0;
}
