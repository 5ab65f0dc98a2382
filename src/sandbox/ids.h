/*
 * ids.h: user ids that no two sandboxes share at a time.
 *
 * Started as root, each sandbox gets a user and group id of its own, of a range
 * that no distribution hands out, as far as the user namespace that we are in
 * (a container's) has those ids; else of one that it has.  Which are taken is
 * said by locks on bytes of one file in /run/devops_agent: a lock lasts as
 * long as a descriptor of it is open in any process, so it can't outlive
 * the sandbox nor be lost while it runs (F_OFD_SETLK, fcntl(2)).
 */
#ifndef SANDBOX_IDS_H
#define SANDBOX_IDS_H

#include <sys/types.h>

#include <stdint.h>

#include "base/err.h"

struct ids {
	uint32_t first, count;
};

/* Those that a sandbox may get here; -1 and a hint where there are none. */
int ids_range(struct ids *ids, struct err *e);

/* Fills *id; returns the descriptor that holds it, or -1. */
int ids_take(uid_t *id, struct err *e);

#endif
