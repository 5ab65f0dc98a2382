/*
 * context.h: what every command needs: the configuration, and where the
 * plugins, their grants and the SDK are.
 */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include "base/strv.h"
#include "cli/cli.h"
#include "config/config.h"
#include "plugin/grant.h"
#include "plugin/library.h"
#include "worker/launch.h"

struct context {
	struct config config;
	bool config_found;    /* where it usually is; nobody named it */
	struct strv warnings; /* of what is in it and not obeyed */
	char *plugins;	      /* folder of the library */
	char *sdk;	      /* folder that holds devops_agent/ */
	char *grants;	      /* the operator's grants; may not exist */
	char *shipped_grants; /* those that came with the program */
	struct limits ceiling;
	struct library library;
	struct runtime runtime;
};

/*
 * Load the configuration that the command line names, or the usual one, and
 * find everything.  A ./config.yaml that can't be trusted is passed over, and
 * that is said.  context_release() also after
 * failure.
 */
int context_open(struct context *x, const struct cli *c, struct err *e);
void context_release(struct context *x); /* cleanup function */

/* A plugin by name, or by the path of its file if that has a slash. */
int context_find(const struct context *x, const char *name, struct plugin *p,
		 struct err *e);

/*
 * May it run with what it asks for?  The operator's grant counts first, then
 * that which came with the program.  `difference` as in grant_check().
 */
int context_check_grant(const struct context *x, const struct plugin *p,
			struct strv *difference, struct err *e);

/* What worker/ is told about a plugin; borrows it. */
struct program context_program(const struct plugin *p);

#endif
