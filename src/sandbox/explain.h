/*
 * explain.h: what a refusal means to the author of a plugin.
 */
#ifndef SANDBOX_EXPLAIN_H
#define SANDBOX_EXPLAIN_H

#include <stdbool.h>

#include "sandbox/sandbox.h"

struct denial {
	char access[32];	  /* "connect", "socket", "ptrace" */
	char object[REPORT_TEXT]; /* what it was about; hostile text */
	/*
	 * Line of `permissions:`, or "".  PORT and SOCKET in it stand for a
	 * number and a path that the call does not tell.
	 */
	char allow[REPORT_TEXT + 64];
};

/* Fill *d from a REPORT_DENIED of a sandbox made by `spec`. */
void explain_denial(const struct sandbox_spec *spec, const struct report *r,
		    struct denial *d);

/* The number of a capability ("net_raw"), -1 where none is called so. */
int explain_capability(const char *name);

#endif
