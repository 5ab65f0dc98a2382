/*
 * notify.h: answer the system calls that the filter hands to pid 1.
 *
 * Refused calls are recorded and refused, whatever their arguments; those of
 * the kill class end the job.  connect, bind and sendto are looked at to
 * say which address was out of reach; where they are let through, the
 * kernel's own layers decide again (seccomp_unotify(2) says why they must).
 * listen is made on the plugin's behalf, and mmap counted by its arguments.
 */
#ifndef SANDBOX_NOTIFY_H
#define SANDBOX_NOTIFY_H

#include "sandbox/sandbox.h"

#define NOTIFY_SEEN 4096

struct notify {
	const struct sandbox_spec *spec;
	int listener;
	int proc;
	bool ports_held;	    /* by Landlock as well */
	uint64_t seen[NOTIFY_SEEN]; /* what was reported, by hash */
	uint64_t dropped;	    /* reports that could not be sent */
	/* shared memory without a file that was ever asked for, all together */
	int64_t shared_bytes;
};

/*
 * Receive one notification and answer it.  Returns true when the job is to
 * be killed for it.
 */
bool notify_answer(struct notify *n);

/* Send a report to the agent without ever waiting; counts what it drops. */
void notify_send(struct notify *n, const struct report *r);

#endif
