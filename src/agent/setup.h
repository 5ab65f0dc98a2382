/*
 * setup.h: from the configuration to what plugins are run with: where they,
 * their grants and the SDK are.
 *
 * The caller's steps: setup_load() with the file of the configuration, then
 * setup_find() and setup_check_grant() for each plugin that is to run, with
 * s.runtime and setup_program() for worker/; setup_release() at the end, also
 * after a failure.
 */
#ifndef AGENT_SETUP_H
#define AGENT_SETUP_H

#include "base/strv.h"
#include "config/config.h"
#include "plugin/grant.h"
#include "plugin/library.h"
#include "worker/launch.h"

struct setup {
	struct config config;
	struct strv warnings; /* of what is in its file and not obeyed */
	char *plugins;	      /* folder of the library */
	char *sdk;	      /* folder that holds devops_agent/ */
	char *grants;	      /* the operator's grants; may not exist */
	char *shipped_grants; /* those that came with the program */
	struct limits ceiling;
	struct library library;
	struct runtime runtime;
};

/* `file` NULL: the built-in defaults. */
int setup_load(struct setup *s, const char *file, struct err *e);
void setup_release(struct setup *s); /* cleanup function */

/* A plugin by name, or by the path of its file if that has a slash. */
int setup_find(const struct setup *s, const char *name, struct plugin *p,
	       struct err *e);

/*
 * May it run with what it asks for?  The operator's grant counts first, then
 * that which came with the program.  `difference` as in grant_check().
 */
int setup_check_grant(const struct setup *s, const struct plugin *p,
		      struct strv *difference, struct err *e);

/* What worker/ is told about a plugin; borrows it. */
struct program setup_program(const struct plugin *p);

#endif
