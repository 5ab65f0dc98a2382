/*
 * services.h: jobs that run as long as the agent (always: true).
 *
 * Each has one worker and one running job at a time.  When that ends, for
 * whatever reason, it is started again after a delay that doubles, and is
 * short again once it ran for long.  Its log lines go to the store as they
 * come, bounded; its metrics are kept at their newest value.
 */
#ifndef MASTER_SERVICES_H
#define MASTER_SERVICES_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct master;
struct service;

struct services {
	LIST_HEAD(, service) list;
	size_t running;
	uint64_t starts;
};

void services_init(struct master *m);
void services_release(struct master *m);

/* The job of that name in the configuration: start it, soon. */
void services_start(struct master *m, const char *name);
/* Stop it for good, and forget it.  Fine where there is none. */
void services_stop(struct master *m, const char *name);
void services_stop_all(struct master *m);
void services_kill(struct master *m);

struct live_job;
/* Called by jobs.c: its job is in the queue; is on disk as running; ended. */
void services_begin(struct master *m, struct live_job *j);
void services_hand_over(struct master *m, struct live_job *j);
void services_over(struct master *m, struct live_job *j);

/* Whether any of it still runs: the agent waits for that. */
bool services_busy(const struct master *m);

#endif
