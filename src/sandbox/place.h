/*
 * place.h: make places for mounts in a root that is being put together.
 *
 * Only for folders of the sandbox's own, where nobody else can put a symlink.
 */
#ifndef SANDBOX_PLACE_H
#define SANDBOX_PLACE_H

#include <stdbool.h>

#include "base/err.h"

struct places {
	int root;	  /* O_PATH; owned by the caller */
	const char *made; /* made last, "" before; borrowed */
};

/*
 * Make every folder on the way to `path`, and the last component as a folder
 * or an empty file, where they are missing; `path` has to last until the next
 * call, which starts where the two part.
 */
int place_make(struct places *p, const char *path, bool folder, struct err *e);

#endif
