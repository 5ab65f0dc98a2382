/*
 * start.h: what start.c shares with the rest of sandbox/.
 */
#ifndef SANDBOX_START_H
#define SANDBOX_START_H

#include "sandbox/sandbox.h"
#include "sandbox/seccomp.h"

/* What the system call filter of such a sandbox has to let through. */
void start_features(const struct sandbox_spec *spec,
		    struct seccomp_features *f);

#endif
