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
	FD_PROC = 4, /* the sandbox's own /proc */
	FD_ID_LOCK = 5,
	FD_END = 6,
};

struct enter {
	const struct sandbox_spec *spec;
	const struct seccomp_program *filter;	  /* of the plugin */
	const struct seccomp_program *own_filter; /* of pid 1 */
	struct view *view;
	bool privileged; /* started by root */
	bool user_namespace;
	bool id_locked; /* FD_ID_LOCK is there */
	/* to be handed over: */
	bool counted; /* a control group */
	bool net;     /* a network namespace */
	uid_t uid;
	gid_t gid;
	int landlock_abi;
	/* by enter_prepare() */
	void *caps; /* cap_t: what is kept */
	uint64_t max_processes;
	char uid_map[32], gid_map[32];
	/* results */
	unsigned layers;       /* LAYER_* that stand */
	int cpu;	       /* what the group tells of that; -1: none */
	int deadline;	       /* of one job of many: meter.h; -1: none */
	int64_t cpu_before_us; /* our own, before the group counted it */
};

/*
 * Before the fork, with all that is known filled in: what a forked process
 * touches is copied, so that the less it has to do the sooner it is done.
 */
int enter_prepare(struct enter *x, struct err *e);
void enter_release(struct enter *x);

/* After it. */
int enter_sandbox(struct enter *x, struct err *e);

/*
 * Where no control group bounds memory, a fast process is bounded by this.
 * Called by the plugin's own process alone: a watch that has to count what
 * others hold can't do without memory itself.  Returns -1 with errno set.
 */
int enter_limit_data(const struct enter *x);

#endif
