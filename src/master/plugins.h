/*
 * plugins.h: the plugins that jobs ask for, as they are on disk now.
 *
 *	plugins_get(&ps, "collect-disk", &version, &e)
 *	version_ref(), version_unref()
 *
 * A plugin is read, hashed and checked against its grant once; after that a
 * look at its files' and its grant's status (stat(2)) tells whether any of it
 * has changed.  What was read while it might have been changing is not kept.
 */
#ifndef MASTER_PLUGINS_H
#define MASTER_PLUGINS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "agent/setup.h"
#include "base/err.h"

/* A plugin as it was when it was read; counted references. */
struct version {
	struct plugin plugin;
	struct program program;
	struct err refused;	/* kind ERR_NONE: it may run */
	struct strv difference; /* what is not granted, a line each */
	struct launch *launch;	/* NULL: not asked for, or not ahead of need */
	unsigned refs;
};

struct version *version_ref(struct version *v);
void version_unref(struct version *v); /* NULL is fine */
void version_unrefp(struct version **v);
#define _version_ _cleanup_(version_unrefp)

/*
 * What its workers are started with.  One for all of them where they can be
 * started ahead of need, else one for these parameters, which the caller
 * drops (launch_unref()) in any case.
 */
struct launch *version_launch(struct version *v, const struct setup *s,
			      const struct value *params, struct err *e);

struct known;
TAILQ_HEAD(known_list, known);

struct plugins {
	const struct setup *setup; /* borrowed */
	struct known_list known;
	size_t n;
	const uint64_t *turn; /* within one, a plugin is looked at once */
	/* told of a version that is no longer what is on disk */
	void (*replaced)(void *arg, const char *source,
			 const struct version *old);
	void *arg;
};

void plugins_init(struct plugins *ps, const struct setup *setup,
		  const uint64_t *turn);
void plugins_release(struct plugins *ps);
/* Forget what was read, as after a change of the configuration. */
void plugins_forget(struct plugins *ps, const struct setup *setup);

/*
 * The plugin of that name, or the one that is the file of that path if
 * `source` has a slash.  *out is a reference of the caller's.  ERR_NOT_FOUND,
 * ERR_USAGE, ERR_DENIED as library_find() and plugin_load() have them; that a
 * plugin may not run is no error here, but (*out)->refused.
 */
int plugins_get(struct plugins *ps, const char *source, struct version **out,
		struct err *e);

#endif
