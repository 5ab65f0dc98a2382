/*
 * proxy.h: connect and bind on the plugin's behalf, where its own call can't
 * be let go on.
 *
 * What a plugin's memory holds, and what its descriptors are, may change
 * between the look at them and the call (seccomp_unotify(2)).  Where no layer
 * of the kernel's looks again (unix sockets; TCP ports before Landlock's ABI
 * 4), pid 1 copies the address, decides, and makes the call on a copy of the
 * descriptor, in a process of its own that may block as the plugin would.
 */
#ifndef SANDBOX_PROXY_H
#define SANDBOX_PROXY_H

#include <sys/socket.h>

#include <linux/seccomp.h>
#include <stdbool.h>

#include "sandbox/sandbox.h"

/*
 * Whether the socket at this path, as process `pid` names it, is one that was
 * granted for writing.  Follows symlinks and decides by what they lead to:
 * *socket is then a descriptor (O_PATH) of it.
 */
bool proxy_granted(const struct sandbox_spec *spec, int proc, unsigned pid,
		   const char *path, int *socket);

/* A copy of a descriptor of that process, named by its first thread; or -1. */
int proxy_copy(unsigned process, int fd);

struct proxy_address {
	const void *bytes; /* copied from the plugin's memory */
	socklen_t len;
	int socket; /* O_PATH of a unix socket instead, or -1 */
	int type;   /* SOCK_*: what it was decided for */
};

/*
 * Answer the notification of a connect() or bind() with what it gives for a
 * copy of its descriptor (argument 0) and this address.  `process` is the one
 * that asks, by its first thread.  Returns at once; false where it could not
 * be begun, and the notification is still to be answered.
 */
bool proxy_call(int listener, const struct seccomp_notif *req, unsigned process,
		const struct proxy_address *address);

#endif
