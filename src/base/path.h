/*
 * path.h: paths as text; nothing is looked up.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>

/*
 * Whether `path` is `folder` or something in it, at any depth.  Both are
 * absolute, without "." and "..", and end in no slash but that of "/".
 */
bool path_is_below(const char *path, const char *folder);

#endif
