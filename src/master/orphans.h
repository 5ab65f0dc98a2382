/*
 * orphans.h: reaping those that nobody else does.
 *
 * A process whose parent ends becomes a child of process 1, which in a
 * container is the agent: what people leave behind by `exec`, and the helpers
 * that the agent itself starts as grandchildren (worker/look.h, worker/hunt.h).
 * Until it is reaped each of them counts among the container's processes.
 */
#ifndef MASTER_ORPHANS_H
#define MASTER_ORPHANS_H

struct master;

/* At each turn, where the agent is process 1: those that have ended. */
void orphans_reap(struct master *m);

#endif
