/*
 * view_parts.h: what view_plan.c decides and view.c carries out.
 */
#ifndef SANDBOX_VIEW_PARTS_H
#define SANDBOX_VIEW_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/place.h"
#include "sandbox/view.h"

#define MAX_ENTRIES 256

/* One path of the host that the plugin sees. */
struct entry {
	char *path;
	const char *source; /* shown there; NULL: what `path` is on the host */
	int tree;	    /* a detached mount; -1: not yet */
	uint64_t attributes;
	bool folder;
	bool cover; /* an empty folder of the sandbox's own */
};

struct view {
	const struct sandbox_spec *spec;
	struct entry entries[MAX_ENTRIES];
	size_t n;
	char *links[MAX_ENTRIES][2]; /* path, target */
	char *folders[MAX_ENTRIES];  /* that the link is in; NULL: "/" */
	size_t n_links;
	bool writable_proc;
	bool old_kernel;      /* no mount_setattr */
	char tmp_options[64]; /* of the private /tmp */
	struct places places; /* of the new root */
	int base;	      /* O_PATH of the new root */
	int proc;	      /* the sandbox's own /proc */
};

/* The first `n` entries are sorted: what is above comes first. */

#endif
