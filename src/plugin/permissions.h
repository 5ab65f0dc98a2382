/*
 * permissions.h: `permissions:`, read from a header or a grant, in words, and
 * as YAML.
 */
#ifndef PLUGIN_PERMISSIONS_H
#define PLUGIN_PERMISSIONS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "model/manifest.h"
#include "plugin/fields.h"

/* The rows of `permissions:`, for a field_section at struct permissions. */
#define PERMISSIONS_FIELDS 9
extern const struct field permissions_fields[PERMISSIONS_FIELDS];

/*
 * Append a sentence for each permission, for whoever has to decide: "may
 * connect to TCP port 443 of any host".  None for a plugin that asks nothing.
 */
void permissions_describe(const struct permissions *p, struct strv *lines);

/*
 * Append the block as YAML, "permissions:" first, at most 78 columns where
 * the items allow; "permissions: {}" where nothing is asked.
 */
void permissions_write(const struct permissions *p, struct buf *out);

/*
 * Append one line for each item that is asked and not granted, "+ read:
 * [/etc/shadow]".  Items are compared as they are written, but exec "*" and
 * network "host" cover all of their kind.  Returns how many.
 */
size_t permissions_beyond(const struct permissions *asked,
			  const struct permissions *granted,
			  struct strv *difference);

#endif
