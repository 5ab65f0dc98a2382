/*
 * manifest.h: reads what a header says into a struct manifest.
 */
#ifndef PLUGIN_MANIFEST_H
#define PLUGIN_MANIFEST_H

#include "base/err.h"
#include "base/strv.h"
#include "model/manifest.h"
#include "model/value.h"

/*
 * Read the tree of a header.  Everything is checked here: whoever gets a
 * manifest need not check again that a path is absolute, a port a port, or
 * the schema a schema.  `kind` decides the defaults: Python speaks rpc,
 * everything else json.  `m` need not be initialised; it is filled only on
 * success, and then released by manifest_release().  Errors are of kind
 * ERR_USAGE, "LINE:COL: text".  `advice` may be NULL; sentences on what is
 * not wrong but could be better are appended to it.
 */
int manifest_read(const struct value *tree, enum plugin_kind kind,
		  struct manifest *m, struct strv *advice, struct err *e);

#endif
