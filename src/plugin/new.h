/*
 * new.h: writes the first version of a plugin, and a test for it.
 */
#ifndef PLUGIN_NEW_H
#define PLUGIN_NEW_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"

/*
 * Write a plugin that works, and a test of it, into a folder, which is made
 * if need be: NAME.py and test_NAME.py, or NAME.sh and NAME_test.sh, with '_'
 * for '-'.  The paths are appended to `written`.  No file is overwritten: if
 * there is one already, nothing is written.
 */
int plugin_new(const char *folder, const char *name, bool shell,
	       struct strv *written, struct err *e);

#endif
