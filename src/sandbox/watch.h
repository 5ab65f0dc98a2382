/*
 * watch.h: what all processes of a sandbox use together, read from /proc.
 *
 * Where no control group tells it, pid 1 looks every WATCH_INTERVAL_MS:
 *
 *	struct watch w = { .proc = FD_PROC, .memory = ..., .cpu = ... };
 *	watch_look(&w)		w.memory_bytes and w.cpu_us
 *	watch_end(&w)		once none is left: w.cpu_us
 *	watch_release(&w)
 *
 * No process is reaped between two reads of one look, but by others of the
 * sandbox.  Out of memory is fatal, as everywhere.
 *
 * Memory counted: private pages, also those in swap, and page tables of each
 * process.  Shared memory is counted as it is asked for (notify.h).
 *
 * CPU time counted: that of the living, of those that they waited for, of those
 * that pid 1 reaped; and what the kernel adds to no sum, that of children whose
 * parent ignores SIGCHLD.  These are estimated, as a statistic of the looks.
 * One that has gone had used what it was last seen with, and if it was
 *computing then, its share of the processor for half the time to the next look;
 *one that was seen but once stands for those that no look saw, and had its
 *share from one look to the next.  What all of them had, less what the sums
 *have grown by, is what nobody waited for: past the estimate's own error it
 *counts.
 */
#ifndef SANDBOX_WATCH_H
#define SANDBOX_WATCH_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WATCH_INTERVAL_MS 50

struct watch_seen {
	pid_t pid;
	bool here;  /* in the look that is being made */
	bool runs;  /* or waits for a processor */
	bool fresh; /* seen once so far */
	int64_t used_us;
	int64_t waited_us;  /* of children that it waited for */
	int64_t delayed_us; /* its first thread, by waiting for a processor */
	int64_t ran_us;	    /* ... and by running */
};

struct watch {
	int proc; /* the sandbox's /proc; not ours */
	bool memory, cpu;
	/* results */
	int64_t memory_bytes;
	int64_t cpu_us;
	/* what was seen last */
	struct watch_seen *seen;
	size_t n, size;
	int64_t look_us;   /* when; monotonic */
	int64_t reaped_us; /* by pid 1 */
	/* of those that have gone */
	int64_t gone_us;   /* what they had, less what shows in sums */
	int64_t summed_us; /* what the sums have grown by */
	int64_t guesses;   /* how many of them stand for others */
	int64_t excess_us; /* of the look before */
	int64_t lost_us;   /* counts */
};

/* What all have used, without any estimate; `proc` -1: none lives. */
int64_t watch_cpu_us(int proc);
int64_t watch_max_rss(int proc); /* bytes, of the largest */

/* Every process but pid 1. */
void watch_look(struct watch *w);
void watch_end(struct watch *w);
void watch_release(struct watch *w);

#endif
