/*
 * enter.h: become the sandbox: its layers, in one function, in order.
 *
 * Runs in pid 1 of the new namespaces, forked by start.c; any failure is
 * final.  What it needs was prepared before the fork.
 */
#ifndef SANDBOX_ENTER_H
#define SANDBOX_ENTER_H

#include "base/err.h"
#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"
#include "sandbox/seccomp.h"

/* Descriptor numbers in pid 1, fixed so that everything above is closed. */
enum {
	FD_REPORT = 3,
	FD_ID_LOCK = 4,
	FD_END = 5,
};

struct enter {
	const struct sandbox_spec *spec;
	const struct seccomp_program *filter;	  /* of the plugin */
	const struct seccomp_program *own_filter; /* of pid 1 */
	const struct cgroup *cgroup;		  /* NULL: none */
	struct view *view;
	bool privileged; /* started by root */
	bool user_namespace;
	uid_t uid;
	gid_t gid;
	int landlock_abi;
	/* results */
	unsigned layers; /* LAYER_* that stand */
	int proc;	 /* the sandbox's own /proc */
};

int enter_sandbox(struct enter *x, struct err *e);

#endif
