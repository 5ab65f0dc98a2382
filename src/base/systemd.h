/*
 * systemd.h: what a service manager is told and asked; no library.
 *
 * systemd_open() once, early, in the process that the manager started, and
 * before any fork.  It reads the variables and takes them out of the
 * environment, so that no child believes they are meant for it.  Without a
 * manager everything else does nothing.
 */
#ifndef BASE_SYSTEMD_H
#define BASE_SYSTEMD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SYSTEMD_SOCKETS_MAX 16
#define SYSTEMD_NAME 64

/* A socket that the manager listens on for us: close-on-exec, non-blocking. */
struct systemd_socket {
	int fd;
	char name[SYSTEMD_NAME]; /* FileDescriptorName=, "" where unknown */
};

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_PID, LISTEN_FDS
 * and LISTEN_FDNAMES.  0, or -1 where one is malformed: then what it says is
 * not used, and the rest is.
 */
int systemd_open(struct err *e);
void systemd_close(void); /* sockets that were not taken are closed */

/*
 * One datagram of lines: "READY=1\nSTATUS=%s", "STOPPING=1",
 * "EXTEND_TIMEOUT_USEC=%lld", "WATCHDOG=1".  Returns 1 when the manager has
 * it, 0 when there is none, -1 with errno.  Waits 100 ms at most.
 */
int systemd_notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* RELOADING=1 with the time, to be followed by READY=1 when done. */
int systemd_reloading(void);

/* WATCHDOG=1 is wanted within this time, so send it every half; 0: is not. */
int64_t systemd_watchdog_ms(void);

/* The sockets passed; they are the caller's from then on. Returns the count. */
size_t systemd_take_sockets(struct systemd_socket out[SYSTEMD_SOCKETS_MAX]);

#endif
