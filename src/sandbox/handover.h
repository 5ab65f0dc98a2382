/*
 * handover.h: what the agent makes while pid 1 comes up, and then gives it.
 *
 * A forked process takes a while until it runs, and some more to build its
 * view; on another core the control group and the network namespace are made
 * meanwhile.  They come as the first message on the report channel, before any
 * order.
 */
#ifndef SANDBOX_HANDOVER_H
#define SANDBOX_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "sandbox/cgroup.h"

struct handover {
	int groups[CGROUP_FOLDERS]; /* see cgroup_doors() */
	size_t n_groups;	    /* 0: no control group */
	int cpu;		    /* see cgroup_cpu_fd(); -1: none */
	int deadline;		    /* see meter.h; -1: none */
	int net;		    /* a network namespace; -1: none */
};

void handover_init(struct handover *h);
void handover_release(struct handover *h); /* closes; cleanup function */

/*
 * A network namespace of the caller's user namespace, in which nothing is: its
 * descriptor, or -1.
 */
int handover_make_net(struct err *e);

/* 0, or -1 with errno.  Nothing is closed. */
int handover_send(const struct handover *h, int channel);
/*
 * Waits for it: 0 with what came, the caller's to release; fails where the
 * agent has gone.
 */
int handover_receive(struct handover *h, int channel, struct err *e);

#endif
