/*
 * grant.h: what the operator granted to a plugin: grants.d/NAME.yaml.
 *
 * A grant holds the permissions that were asked for when it was given, and
 * the digest of the plugin's files.  Neither may have changed since.  The
 * file is the operator's: it may be written by hand, and is read like a
 * header, every key checked.
 */
#ifndef PLUGIN_GRANT_H
#define PLUGIN_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "model/manifest.h"
#include "plugin/library.h"
#include "plugin/yaml.h"

#define GRANT_MAX_BYTES (256UL << 10)

struct grant {
	char *name;
	char sha256[DIGEST_HEX]; /* "": none given */
	struct permissions permissions;
	bool denied;	    /* never runs, whatever it asks for */
	int64_t granted_ms; /* unix; 0: not known */
	char *file;	    /* where the grant stands */
};

void grant_release(struct grant *g); /* also the cleanup function */

/*
 * Read the grant of the plugin `name` in a folder.  1: `g` is filled; 0:
 * there is none, or no such folder; -1: it is wrong ("FILE:LINE:COL: text"),
 * or somebody other than root or the caller could change it (ERR_DENIED).
 */
int grant_read(const char *folder, const char *name, plugin_yaml_fn *yaml,
	       struct grant *g, struct err *e);

/*
 * Grant to a plugin what it asks for, pinned to its files as they are.  The
 * folder is made if need be; an older grant is replaced.
 */
int grant_write(const char *folder, const struct plugin *p, struct err *e);

/* Deny a plugin everything: this overrules grants in folders read later. */
int grant_deny(const char *folder, const char *name, struct err *e);

/*
 * May the plugin run?  `granted` is NULL where there is no grant; a plugin
 * that asks for nothing needs none, but if there is one it holds.  -1 with
 * ERR_DENIED, the reason and the command that would allow it; `difference`
 * (may be NULL) gets a line for each thing that is not granted, "+ read:
 * [/etc/shadow]", or has changed.
 */
int grant_check(const struct plugin *p, const struct grant *granted,
		struct strv *difference, struct err *e);

#endif
