/*
 * library_parts.h: what load.c, scan.c and library.c share; for them only.
 */
#ifndef PLUGIN_LIBRARY_PARTS_H
#define PLUGIN_LIBRARY_PARTS_H

#include "plugin/library.h"

/*
 * Read the plugin at `rel` below the folder `root`, an absolute path without
 * symlinks.  *no_header is set where that is all that is wrong.
 */
int library_load(const struct library *l, const char *root, const char *rel,
		 struct plugin *p, bool *no_header, struct err *e);

/* Append the path, relative to `root`, of each file that may be a plugin. */
int library_scan(const char *root, struct strv *found, struct err *e);

/* The same of files that are likely to be the plugin called `name`. */
int library_likely(const char *root, const char *name, struct strv *found,
		   struct err *e);

/* Whether the file is called as tests are, which need no header. */
bool library_is_test(const char *rel);

/* The folder of the library, absolute and without symlinks; NULL and `e`. */
char *library_root(const struct library *l, struct err *e);

#endif
