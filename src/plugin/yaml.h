/*
 * yaml.h: how YAML text becomes a tree, as the caller provides it.
 *
 * The reader of YAML is a service of the same layer, so it is handed in.
 * `first_line` is the line that the text's first line has in its file and
 * `left_cols` how many columns were cut off before each of its lines: places
 * in the tree and in errors are the file's.  On success *out is the caller's
 * (NULL or VALUE_NULL where the text holds nothing); errors are of the form
 * "LINE:COL: text".
 */
#ifndef PLUGIN_YAML_H
#define PLUGIN_YAML_H

#include <stddef.h>

#include "base/err.h"
#include "model/value.h"

typedef int plugin_yaml_fn(const char *text, size_t len, int first_line,
			   int left_cols, struct value **out, struct err *e);

#endif
