/*
 * context.h: what every command needs: the configuration, and what follows
 * from it (agent/setup.h).
 */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include "agent/setup.h"
#include "cli/cli.h"

struct context {
	struct setup setup;
	bool config_found; /* where it usually is; nobody named it */
};

/*
 * Load the configuration that the command line names, or the usual one, and
 * find everything.  A ./config.yaml that can't be trusted is passed over, and
 * that is said.  context_release() also after failure.
 */
int context_open(struct context *x, const struct cli *c, struct err *e);
void context_release(struct context *x); /* cleanup function */

#endif
