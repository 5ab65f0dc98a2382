/*
 * passfd.h: a message with descriptors, over a Unix SOCK_SEQPACKET socket.
 */
#ifndef BASE_PASSFD_H
#define BASE_PASSFD_H

#include <stddef.h>

#define PASSFD_MAX 8

/* Waits until there is room: 0, or -1 with errno.  The caller keeps `fds`. */
int passfd_send(int channel, const void *data, size_t len, const int *fds,
		size_t n_fds);

/*
 * The next message, which must be of `len` bytes: the number of descriptors
 * that came with it (close-on-exec, the caller's to close), -1 at the end of
 * the channel and where the message was another.
 */
int passfd_receive(int channel, void *data, size_t len, int fds[PASSFD_MAX]);

#endif
