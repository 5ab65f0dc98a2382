/*
 * cgroup.h: one control group for one sandbox, where the host lets us.
 *
 * Version 2 where a group with memory and pids is delegated to the caller, or
 * the caller is root (where exactly: docs/sandbox.md); else the memory and pids
 * hierarchies of version 1, where the caller may make groups in them; else
 * none, and the memory watch of pid 1 is what bounds the processes together
 * (watch.h).
 */
#ifndef SANDBOX_CGROUP_H
#define SANDBOX_CGROUP_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct cgroup;

/* A group is one folder in version 2, one in each hierarchy in version 1. */
#define CGROUP_FOLDERS 3

struct cgroup_limits {
	int64_t memory_bytes;
	int64_t processes;
	bool count_cpu; /* wanted, though it may cost something */
};

/*
 * Is it to be expected that cgroup_new() makes one?  Nothing is made to tell;
 * only cgroup_new() knows.
 */
bool cgroup_possible(void);

/*
 * A new group with these limits.  NULL where none can be had; *why then says
 * it in one static line.  Never an error: other layers hold on.
 */
struct cgroup *cgroup_new(const struct cgroup_limits *limits, const char **why);

/*
 * The group of version 2 that we may do with as we like, being in it or below
 * it: its folder, to be freed; NULL: there is none.
 */
char *cgroup_delegated(void);

/* Move the caller, which has one thread, into it: 0, or -1 with errno. */
int cgroup_enter(const struct cgroup *cg);

/*
 * The descriptors by which cgroup_enter() does it, for a process that they are
 * sent to; returns how many.  They stay the group's.
 */
size_t cgroup_doors(const struct cgroup *cg, int fds[CGROUP_FOLDERS]);
/* As cgroup_enter(), by them. */
int cgroup_enter_by(const int *fds, size_t n);

/* "v2", "v1". */
const char *cgroup_kind(const struct cgroup *cg);

/*
 * A descriptor that becomes readable when the group runs out of memory, where
 * the kernel would not end all of it together (v1); -1 where there is none.
 */
int cgroup_memory_event(const struct cgroup *cg);

/*
 * Tells the CPU time of all that ran in the group, to cgroup_read_cpu_us();
 * -1: none.  The group's own.
 */
int cgroup_cpu_fd(const struct cgroup *cg);
/* Microseconds, or -1. */
int64_t cgroup_read_cpu_us(int fd);
/* A new descriptor that tells how many threads are in it; -1: none. */
int cgroup_open_tasks(const struct cgroup *cg);

/* Was a process of the group killed for memory? */
bool cgroup_out_of_memory(const struct cgroup *cg);

/* Kill every process of it at once where the kernel can (v2, 5.14). */
void cgroup_kill(const struct cgroup *cg);

/* Removes the group, which must have no process left.  NULL is fine. */
void cgroup_free(struct cgroup *cg);

#endif
