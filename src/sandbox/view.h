/*
 * view.h: the file system as the plugin sees it.
 *
 * A new root is put together from detached copies of what was granted, each
 * read-only (or writable), nosuid, nodev; then the private /tmp, /dev and
 * /proc; then the root is changed and the old one let go.  Everything happens
 * in the sandbox's own mount namespace, before any privilege is dropped.
 */
#ifndef SANDBOX_VIEW_H
#define SANDBOX_VIEW_H

#include "base/err.h"
#include "sandbox/sandbox.h"

struct view;

/* Whom the plugin runs as, where that is not the caller. */
struct view_user {
	uid_t uid;
	gid_t gid;
	bool maps; /* its id maps are written by the private /proc */
};

/*
 * Decide what will be shown.  Done before the fork, outside of any new user
 * namespace, where files still have their owners: a symlink is followed only
 * where it is to be trusted (walk.h).  A granted path that does not exist is
 * left out.  `user` is NULL where it is the caller; `counted`: a control group
 * counts memory.  Freed by view_free(), NULL is fine.
 */
int view_prepare(const struct sandbox_spec *spec, const struct view_user *user,
		 bool counted, struct view **v, struct err *e);
void view_free(struct view *v);

/*
 * Become the view.  The working folder afterwards is "/".  Needs the
 * capabilities of its mount namespace and the host's /proc at /proc.
 *
 * *proc becomes a descriptor of the sandbox's own /proc, which stays usable
 * where the host's /proc was granted and covers it; the caller closes it, and
 * every other descriptor above FD_ID_LOCK: they are the view's.  Frees nothing:
 * to free is to write, and what is written after a fork is copied.
 */
int view_enter(struct view *v, int *proc, struct err *e);

/* The private device nodes, for Landlock's rules. */
extern const char *const view_devices[]; /* absolute, NULL at the end */

#endif
