/*
 * spawner.h: the agent's privileged half: makes the sandboxes of workers.
 *
 *	spawner_fork(&s, keep_fd, &e)	first thing, before a secret is read
 *	... give up every privilege ...
 *	st = starter_spawner(loop, &s, on_lost, arg);
 *	worker_new(loop, st, ...)
 *	starter_free(st), spawner_release(&s)
 *
 * The two ends talk in fixed-size messages over a SOCK_SEQPACKET pair.  What
 * is to be started (struct sandbox_spec) goes once, as a sealed memory file
 * that spec_decode() takes apart and distrusts, and is then known by a
 * number.  Descriptors come back by SCM_RIGHTS.  Anything malformed ends the
 * spawner, and with it every sandbox.
 *
 * When the master dies, by whatever means, the spawner kills every sandbox,
 * waits for them, removes their control groups and exits.  When the spawner
 * dies, the kernel kills every sandbox, and the master is told by on_lost().
 */
#ifndef WORKER_SPAWNER_H
#define WORKER_SPAWNER_H

#include <sys/types.h>

#include "base/err.h"
#include "base/loop.h"
#include "worker/starter.h"

struct spawner {
	pid_t pid;
	int fd; /* the master's end */
};

/*
 * Returns in the master; the child never does.  It is "devops_agent: spawner"
 * to ps, has /dev/null as its input and output, the caller's standard error,
 * and no other descriptor than `keep_fd` (the lock of data_dir; -1: none),
 * and ignores SIGTERM, SIGINT and SIGHUP: it ends with the master.
 */
int spawner_fork(struct spawner *s, int keep_fd, struct err *e);

/*
 * It keeps a copy of this descriptor as long as it lives: the lock of
 * data_dir, which is not known before the configuration was read.
 */
int spawner_keep(struct spawner *s, int fd, struct err *e);

/* Close the channel, which ends it, and wait `timeout_ms` for that. */
int spawner_release(struct spawner *s, int64_t timeout_ms, struct err *e);

/*
 * A starter that asks it; one a spawner.  on_lost() is called once, from the
 * loop, when the spawner has died: every worker is gone or about to be, and
 * none can be started.
 */
struct starter *starter_spawner(struct loop *l, struct spawner *s,
				void (*on_lost)(void *arg), void *arg);

#endif
