/*
 * confine.h: a program of the agent's own shuts itself in.
 *
 *	static const char *const readable[] = { "/etc/ssl/certs", NULL };
 *
 *	confine_self(&(struct confine){
 *		.list = CONFINE_FORWARD, .readable = readable,
 *		.network = true, .files = 256, .memory_bytes = 256 << 20,
 *	}, &layers, &e)
 *
 * Called once, with one thread, after the program has what it needs open and
 * has read how it is configured, and before it reads anything from outside.
 * For good, in this order: no_new_privs; namespaces of its own, with a root
 * that holds `readable` and nothing else; Landlock; no capability, nor a way
 * to one; limits; not dumpable; the system call filter.
 *
 * Descriptors stay open, and sockets go on in the network that they were made
 * in.  What does not exist in `readable` is left out; a file of it that is
 * replaced later is not seen: name its folder.  /dev, /proc and /tmp are not
 * there.
 *
 * A layer that the kernel does not have is left out, and is missing in
 * *layers (LAYER_*, model/layer.h); so is the root, with `readable`, where user
 * id 0 without capabilities asks for it, which may not map itself.  Any other failure is an error, and the
 * program is to exit.
 *
 * In the filter, what a program of that kind never does kills it, and
 * anything else that is not in its list fails with EPERM, files with EACCES
 * (confine_rules.c).
 */
#ifndef SANDBOX_CONFINE_H
#define SANDBOX_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The allow list. */
enum confine_list {
	CONFINE_API,	 /* accepts on sockets that it has; no file, no other */
	CONFINE_FORWARD, /* reads files, makes TCP and UDP connections */
	CONFINE_LISTS,
};

#define CONFINE_READABLE_MAX 32

struct confine {
	enum confine_list list;
	const char *const *readable; /* absolute, NULL last; NULL: none */
	bool network;		     /* the host's; else an empty one */
	uint64_t files;		     /* open at once */
	uint64_t memory_bytes;	     /* of address space; 0: no limit */
};

int confine_self(const struct confine *c, unsigned *layers, struct err *e);

/* Their names, as in "namespaces, landlock": for the log.  Into `text`. */
const char *confine_layers(unsigned layers, char *text, unsigned long size);

#endif
