/*
 * starter.h: who makes a worker's sandbox.
 *
 * starter_local() makes it right here, as `run --local` does; the starter of
 * spawner.h asks the process that kept the privileges to.  worker.c knows
 * this page and nothing of either.
 */
#ifndef WORKER_STARTER_H
#define WORKER_STARTER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/loop.h"
#include "sandbox/sandbox.h"
#include "worker/launch.h"

struct starter;

/* One sandbox, from start to end; embedded in whoever asks for it. */
struct start {
	/*
	 * The asker's, set before; called from the loop, but started() may
	 * be from within start().
	 */
	void (*started)(void *arg);			/* `box` is there */
	void (*failed)(void *arg, const struct err *e); /* the end of it */
	/*
	 * No process of it is left; `out_of_memory`: one of them was killed
	 * for the memory of all.
	 */
	void (*gone)(void *arg, bool out_of_memory);
	void *arg;

	/* without pidfd and cgroup where it is another process's child */
	struct sandbox box;

	/* private to the starter */
	struct loop_io io;
	struct loop_timer timer;
	struct start *next, *prev;
	uint64_t id;
	struct err error;
};

struct starter {
	/* Whatever goes wrong is told by failed(). */
	void (*start)(struct starter *s, struct start *start,
		      struct launch *launch);
	/* KILL to all of it; fine at any time. */
	void (*kill)(struct starter *s, struct start *start);
	/*
	 * Forget it: closes box.  After gone() or failed() there is nothing
	 * else to it; before, the process is left behind (one that can't be
	 * killed), and still looked after where the starter lives on.
	 */
	void (*release)(struct starter *s, struct start *start);
	void (*free)(struct starter *s);
	struct loop *loop;
};

/* Not started yet. */
void start_init(struct start *start);

struct starter *starter_local(struct loop *l);
void starter_free(struct starter *s); /* NULL is fine */

#endif
