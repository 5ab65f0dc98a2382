/*
 * walk.h: find what a granted path names, so that a symlink can't widen it.
 *
 * A path is walked a component at a time with O_NOFOLLOW.  A symlink is
 * followed only where root or the caller made it and nobody else could have
 * put it there (/bin -> usr/bin, /etc/localtime, /var/run -> /run); any other
 * is an error that names it.  Links that were followed are kept, because the
 * sandbox makes them again: the path must work inside as it does outside.
 */
#ifndef SANDBOX_WALK_H
#define SANDBOX_WALK_H

#include <stdbool.h>

#include "base/err.h"

#define WALK_MAX_LINKS 16

struct walk {
	int fd;	    /* O_PATH of what was found */
	char *path; /* its absolute path without symlinks */
	bool folder;
	struct {
		char *path;   /* canonical place of the link */
		char *target; /* what it says */
		bool callers; /* made by the caller, not by root */
	} links[WALK_MAX_LINKS];
	int n_links;
};

/*
 * `path` is absolute.  Returns 0, or -1 with e->errnum ENOENT where there is
 * no such file, EACCES where the caller may not look; ERR_DENIED where a
 * symlink is not to be trusted.  walk_release() after success only.
 */
int walk_open(const char *path, struct walk *w, struct err *e);
void walk_release(struct walk *w);

#endif
