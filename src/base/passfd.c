#include "base/passfd.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

union control {
	char bytes[CMSG_SPACE(PASSFD_MAX * sizeof(int))];
	struct cmsghdr align;
};

int
passfd_send(int channel, const void *data, size_t len, const int *fds,
	    size_t n_fds)
{
	union control control;
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n_fds > PASSFD_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (n_fds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	return sendmsg(channel, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int
passfd_receive(int channel, void *data, size_t len, int fds[PASSFD_MAX])
{
	union control control;
	struct iovec iov = { data, len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t got = recvmsg(channel, &msg, MSG_CMSG_CLOEXEC);
	size_t n = 0;

	if (got < 0)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	}
	if ((size_t)got == len && !(msg.msg_flags & MSG_TRUNC))
		return (int)n;
	while (n > 0)
		close(fds[--n]);
	return -1;
}
