/*
 * meter.h: the time and what is used of one job of many, without pid 1.
 *
 * To be told of a job's beginning and asked for its usage, pid 1 has to wake
 * up twice a job, which costs as much as all else of a job that does nothing.
 * Where a control group counts CPU time and no limit of it has to be watched,
 * the agent reads the same by itself, and the deadline is a timer that both
 * hold: the agent sets it, pid 1 wakes up where it fires, even when the agent
 * stands still.
 */
#ifndef SANDBOX_METER_H
#define SANDBOX_METER_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct cgroup;

/* Descriptors, -1: none; all of the first three or none of them. */
struct meter {
	int deadline; /* timerfd_create(2), CLOCK_MONOTONIC */
	int cpu;      /* for cgroup_read_cpu_us() */
	int tasks;    /* pids.current of the group */
	int status;   /* of the plugin's first process, once it was found */
	bool runs;    /* a job that meter_begin() began */
	int64_t base_us;
};

void meter_init(struct meter *m);
/* Not there where the group can't count. */
void meter_open(struct meter *m, const struct cgroup *cg);
void meter_release(struct meter *m);
bool meter_is_there(const struct meter *m);

/* `timeout_ms` 0: no deadline. */
void meter_begin(struct meter *m, int64_t timeout_ms);
/* The deadline holds no more. */
void meter_stop(struct meter *m);
/*
 * Since meter_begin(); microseconds.  `total_us` is what pid 1 told of all
 * jobs, for when the group is gone already.
 */
int64_t meter_cpu_us(const struct meter *m, int64_t total_us);
/*
 * The most that the plugin ever held, bytes; -1 where it is not one process
 * of one thread, and pid 1, whose pid is `init`, has to be asked.
 */
int64_t meter_max_rss(struct meter *m, pid_t init);

#endif
