/*
 * landlock.h: what may be read, written, started, connected to, signalled.
 *
 * The view already hides what was not granted; Landlock holds on where the
 * view is only shown for reading (starting programs), and limits TCP ports.
 * See landlock(7); the ABI of the running kernel decides how much of it there
 * is.  Landlock does not cover memory files and mappings: seccomp does.
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include "base/err.h"
#include "sandbox/sandbox.h"

/* The highest ABI of this kernel; 0 where there is no Landlock. */
int landlock_abi(void);

/*
 * Restrict the calling process for good, as `spec` says, to the paths as
 * they are now (call it after view_enter(), with the /proc that it gave).
 * `no_new_privs` must be set.
 * Sets *layers to the LAYER_LANDLOCK* bits that are enforced.
 */
int landlock_enter(const struct sandbox_spec *spec, int abi, int proc,
		   unsigned *layers, struct err *e);

/*
 * The same for a program of the agent's own: `readable` (NULL last, or NULL)
 * may be read, and nothing else may be done with files; TCP ports, abstract
 * sockets and signals as far as the kernel can: none without `network`.
 */
int landlock_confine(const char *const *readable, bool network, int abi,
		     unsigned *layers, struct err *e);

#endif
