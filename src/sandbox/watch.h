/*
 * watch.h: what all processes of a sandbox use together, read from /proc.
 *
 * Where no control group bounds them, pid 1 looks every WATCH_INTERVAL_MS.
 * Memory counted: private pages, also those in swap, and page tables of each
 * process.  Shared memory is counted as it is asked for (notify.h).
 */
#ifndef SANDBOX_WATCH_H
#define SANDBOX_WATCH_H

#include <stdint.h>

#define WATCH_INTERVAL_MS 50

struct watch_sum {
	int64_t memory_bytes;
	int64_t cpu_us; /* of the living; the reaped are not in it */
};

/* Sums over every process of `proc` (the sandbox's /proc) but pid 1. */
void watch_read(int proc, struct watch_sum *sum);

#endif
