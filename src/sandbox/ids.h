/*
 * ids.h: user ids that no two sandboxes share at a time.
 *
 * Started as root, each sandbox gets a user and group id of its own from
 * IDS_FIRST on, a range that no distribution hands out.  Which are taken is
 * said by locks on bytes of one file in /run/devops_agent: a lock lasts as
 * long as a descriptor of it is open in any process, so it can't outlive
 * the sandbox nor be lost while it runs (F_OFD_SETLK, fcntl(2)).
 */
#ifndef SANDBOX_IDS_H
#define SANDBOX_IDS_H

#include <sys/types.h>

#include "base/err.h"

#define IDS_FIRST 0x7a000000u
#define IDS_COUNT 0x10000u

/* Fills *id; returns the descriptor that holds it, or -1. */
int ids_take(uid_t *id, struct err *e);

#endif
