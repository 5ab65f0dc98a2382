/*
 * init.h: pid 1 of a sandbox: starts the plugin and outlives nobody.
 *
 * It enters the sandbox, starts the program under the system call filter,
 * answers the filter's notifications, reaps orphans, watches memory where no
 * control group does, passes TERM on, enforces the deadline (TERM, grace,
 * KILL), and at the end takes every process of the job with it.
 */
#ifndef SANDBOX_INIT_H
#define SANDBOX_INIT_H

#include "sandbox/enter.h"

/*
 * The rest of pid 1's life: never returns.  Descriptors 0, 1 and 2 are the
 * plugin's, FD_REPORT the agent's.
 */
void init_run(struct enter *x) __attribute__((noreturn));

#endif
