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
 * Memory counted: private pages, page tables and shared memory of each process,
 * the latter once for each that maps it (so the sum errs on the strict side).
 *
 * CPU time counted: that of the living, of those that they waited for, of those
 * that pid 1 reaped; and what the kernel adds to no sum, that of children whose
 * parent ignores SIGCHLD.  These are missed by balance: whatever a process had
 * used when it was last seen must show in somebody's sum once it has gone.
 * Where it does not, in two looks running, it counts as it was last seen; one
 * that was computing then as if it had for half the time to the next look, and
 * one that was never seen before, as if it had from one look to the next: it
 * stands for those that a look does not see.
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
	int64_t waited_us; /* of children that it waited for */
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
	int64_t missed_us;  /* shows in nobody's sum so far */
	int64_t pending_us; /* counts if that stays so */
	int64_t lost_us;    /* counts */
	bool doubted;	    /* it was so in the look before, too */
};

/* Every process but pid 1. */
void watch_look(struct watch *w);
void watch_end(struct watch *w);
void watch_release(struct watch *w);

#endif
