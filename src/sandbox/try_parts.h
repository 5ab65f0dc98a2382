/*
 * try_parts.h: what the trials of try.h share.
 *
 * A trial fills the result; it runs in a process of its own and may spoil
 * whatever belongs to that process.  What it must not spoil for itself it
 * does in a part, a further process.  The result is memory that all of them
 * share.
 */
#ifndef SANDBOX_TRY_PARTS_H
#define SANDBOX_TRY_PARTS_H

#include <sys/types.h>

#include "sandbox/try.h"

typedef void try_fn(struct try_result *r);

/* Beside the errnos: it ended, but not as the layer has to make it end. */
#define TRY_OTHERWISE 127

/* Run a trial; r->layer is kept. */
void try_run(try_fn *fn, int64_t timeout_ms, struct try_result *r);

/*
 * Run a part and wait for it.  Returns what it returned (0 to 127: 0 or an
 * errno), or 128 and the number of the signal that killed it.
 */
int try_part(int (*fn)(void *arg), void *arg);
/* Start one without waiting; the same by try_part_end(). */
pid_t try_part_start(int (*fn)(void *arg), void *arg);
int try_part_end(pid_t pid);

/*
 * These fill the result.  try_absent adds what an errno or what try_part()
 * returned means; nothing for 0 and TRY_OTHERWISE.
 */
void try_enforced(struct try_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void try_weaker(struct try_result *r, bool counts, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void try_absent(struct try_result *r, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void try_hint(struct try_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* --- Who we are (try_ids.c) ----------------------------------------------- */

/* Started by root with what that takes, by the rule of start.c. */
bool try_privileged(void);

/*
 * What an ordinary user needs before anything that takes privileges: a user
 * namespace.  Nothing to do for root.  -1: the result is filled.
 */
int try_enter_user(struct try_result *r);

/* Root takes a sandbox's user id, keeping its capabilities: 0 or an errno. */
int try_take_id(uid_t *id);
/* Give up every capability; 0 or an errno. */
int try_drop_capabilities(void);

/* --- What the host says (try_host.c) -------------------------------------- */

/* A setting of the kernel ("vm.panic_on_oom"); -1 where there is none. */
int64_t try_sysctl(const char *name);
/* Is this process under a system call filter of somebody else's? */
bool try_filtered(void);
/* Does the user namespace that we are in know our user id? */
bool try_id_is_mapped(void);
/* Why namespaces may be out of reach. */
void try_hint_namespaces(struct try_result *r, int errnum);

/* --- The trials, by file -------------------------------------------------- */

try_fn try_user_namespace, try_namespaces, try_root;	/* try_namespaces.c */
try_fn try_capabilities, try_no_new_privs, try_user_id; /* try_ids.c */
try_fn try_landlock, try_landlock_net, try_landlock_scope;
try_fn try_seccomp, try_seccomp_notify;
try_fn try_cgroup, try_limits; /* try_limits.c */

#endif
