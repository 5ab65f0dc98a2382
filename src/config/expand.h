/*
 * expand.h: ${NAME} and ${file:PATH} in settings, and paths.
 *
 * ${NAME} is the environment's variable; ${file:PATH} is what is in a regular
 * file, without the line feed at its end, PATH being relative to the
 * configuration's folder. $${ stands for ${ itself. What was put in is not
 * looked at again.
 */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define EXPAND_MAX_FILE (64UL << 10) /* bytes, also of the whole result */

/* Whether there is a ${...} in it. */
bool expand_is_needed(const char *s);

/*
 * The text with everything put in; *out is the caller's to free. What was put
 * in is added to `put_in`, unless that is NULL.
 */
int expand(const char *s, const char *folder, struct strv *put_in, char **out,
	   struct err *e);

/* Add `s` so that expand() makes the same of it: $${ for ${. */
void expand_escape(const char *s, struct buf *out);

/*
 * `path` seen from `folder`, without "//", "." and ".."; `folder` is absolute
 * (NULL: the root). The caller frees.
 */
char *path_resolve(const char *folder, const char *path);

#endif
