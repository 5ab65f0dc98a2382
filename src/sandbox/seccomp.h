/*
 * seccomp.h: the system call filter of a sandbox.
 *
 * The caller's steps:
 *
 *	seccomp_prepare(&features, &prog, &e)	before the fork
 *	seccomp_install(&prog, &listener, &e)	after it, last of all layers
 *	seccomp_program_release(&prog)		in the parent
 *
 * What is decided, first match first (the rules: seccomp_rules.c):
 *
 *	another architecture, x32	the process is killed
 *	allowed				the kernel carries on
 *	ask				the listener is told and lets it go on;
 *					without a listener it is allowed
 *	judge				the listener is told and decides;
 *					without a listener it is refused
 *	refused				the listener is told and answers EPERM;
 *					without a listener the kernel does
 *	kill				the listener is told and kills the job;
 *					without a listener the kernel kills the
 *					process
 *	silent				told to nobody; an errno, not EPERM
 *	unknown, newer than the rules	ENOSYS
 *
 * Integer arguments are compared as 32 bits, as the kernel reads them;
 * pointers as 64.  A pointer is only ever compared with NULL.
 */
#ifndef SANDBOX_SECCOMP_H
#define SANDBOX_SECCOMP_H

#include <linux/filter.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Which network the process is in, and which sockets it may make there. */
enum seccomp_net {
	SECCOMP_NET_NONE, /* an empty namespace: inet, going nowhere */
	SECCOMP_NET_TCP,
	SECCOMP_NET_UDP,
	SECCOMP_NET_TCP_UDP,
	SECCOMP_NET_HOST, /* inet, unix, netlink, packet; raw sockets */
	SECCOMP_NET_END,
};

/* All zero grants nothing. */
struct seccomp_features {
	enum seccomp_net net;
	bool listen;	       /* with TCP and TCP_UDP; all others may */
	bool counted;	       /* a control group counts all memory */
	bool unix_sockets;     /* AF_UNIX by socket(); always with HOST */
	bool exec_any;	       /* memory files, which may be executed */
	bool trace;	       /* ask for every call that names a path */
	bool init;	       /* pid 1 itself: may copy descriptors */
	uint64_t capabilities; /* bit 1 << CAP_x: calls that need it */
};

/* Zero-initialise; seccomp_program_release() frees. */
struct seccomp_program {
	struct sock_fprog notify; /* for a process with a listener */
	struct sock_fprog plain;  /* for one without */
};

/*
 * Choose and complete the filter.  Fails on a kernel that can't kill a
 * process by a filter (before Linux 4.14).
 */
int seccomp_prepare(const struct seccomp_features *f,
		    struct seccomp_program *prog, struct err *e);

/*
 * Put the calling thread under the filter.  Needs no_new_privs.  Allocates
 * nothing, so it may stand between fork and exec.
 *
 * listener: NULL where none is wanted; otherwise set to the descriptor
 * (close-on-exec) of seccomp_unotify(2), or to -1 where none can be had: the
 * kernel is older than 5.0, or an outer container has one already.  A caller
 * that is itself under the filter must hand it to another process at once
 * (sendmsg without an address asks nobody).
 */
int seccomp_install(const struct seccomp_program *prog, int *listener,
		    struct err *e);

void seccomp_program_release(struct seccomp_program *prog);

/* What to do with a notification; by its number alone, so nothing races. */
enum seccomp_class {
	SECCOMP_CLASS_REFUSE, /* answer EPERM; any number not below */
	SECCOMP_CLASS_KILL,   /* kill the job */
	SECCOMP_CLASS_ASK,    /* look at it, and let it continue or not */
};

enum seccomp_class seccomp_classify(int nr);

/* The name of a system call that the rules know, "unknown" otherwise. */
const char *seccomp_name(int nr);

/*
 * The line of `permissions:` that would allow this refused call, such as
 * "network: [udp]"; NULL where none would.  PORT in it stands for a number
 * that the call does not tell.
 */
const char *seccomp_permission(int nr, const uint64_t args[6],
			       const struct seccomp_features *f);

#endif
