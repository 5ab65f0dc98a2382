/*
 * pools.h: the workers of each plugin, and whose turn it is.
 *
 * A pool is what one plugin has: the jobs that wait for it, and its workers.
 * pools_dispatch() gives idle workers the jobs whose turn it is and starts the
 * workers that are missing: the highest priority first, then the plugin that
 * was served longest ago, then the oldest job.
 *
 * Counted against workers.max are workers that have a job or come up for one;
 * idle ones are not, and each plugin bounds its own by `workers:`.
 */
#ifndef MASTER_POOLS_H
#define MASTER_POOLS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/loop.h"
#include "master/plugins.h"
#include "worker/worker.h"

struct master;
struct live_job;
struct pool;

/* A worker, as its pool sees it. */
struct member {
	TAILQ_ENTRY(member) link;
	struct master *master;
	struct pool *pool;
	struct version *version;
	struct worker *worker;
	struct live_job *job;  /* NULL: has none */
	int64_t idle_since_ms; /* monotonic */
	bool idle, ending;
};

TAILQ_HEAD(members, member);

struct pool {
	TAILQ_ENTRY(pool) link;
	char *source;		 /* the plugin's name or path */
	struct version *version; /* what new workers are of; NULL: unknown */
	struct heap queue;	 /* of live_job.by_turn */
	struct members members;
	size_t workers, idle, starting, busy;
	uint64_t served;  /* the count of all when it was served last */
	int failures;	  /* starts in a row that failed */
	int64_t retry_ms; /* monotonic: no start ahead of need before */
	/* figures */
	uint64_t starts, start_failures, hits, misses;
};

struct pools {
	TAILQ_HEAD(, pool) list;
	size_t busy, starting; /* of all */
	uint64_t served;
	struct loop_timer timer; /* idle ones too many, starts that failed */
};

void pools_init(struct master *m);
void pools_release(struct master *m);

/* The pool of that plugin, made if need be. */
struct pool *pools_get(struct master *m, const char *source);

void pools_enqueue(struct master *m, struct live_job *j);
void pools_dequeue(struct master *m, struct live_job *j);

void pools_dispatch(struct master *m);
/* After the commit: the job that `member` was begun for. */
void pools_hand_over(struct master *m, struct member *member);
/* The commit failed: the member is free again. */
void pools_take_back(struct master *m, struct member *member);

/* Start the idle workers that plugins ask for. */
void pools_warm(struct master *m);
/* End idle workers: of a version, of all where it is NULL. */
void pools_retire(struct master *m, const struct version *version);
size_t pools_workers(const struct master *m);
void pools_kill(struct master *m);

#endif
