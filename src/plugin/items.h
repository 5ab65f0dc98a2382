/*
 * items.h: what a single text in a header may be: a path, a port, a name.
 *
 * Each is a field_item_fn (fields.h): it gives the text as it is kept, or a
 * message without a place that says what is wrong and what to write.
 */
#ifndef PLUGIN_ITEMS_H
#define PLUGIN_ITEMS_H

#include "plugin/fields.h"

field_item_fn item_name;       /* of a plugin */
field_item_fn item_path;       /* absolute, without "." and ".." */
field_item_fn item_program;    /* a name, an absolute path, or "*" */
field_item_fn item_network;    /* tcp:PORT, listen:PORT, udp, host */
field_item_fn item_capability; /* kept in lower case, without "cap_" */
field_item_fn item_env;	       /* no variable that steers an interpreter */
field_item_fn item_secret;
field_item_fn item_user; /* anyone but root */
field_item_fn item_sha256;

#endif
