/*
 * descriptors.c: descriptors sent through sockets: in a circle, so that no
 * process holds them, and more than a process may have. There is a bound, and
 * they are gone with the job.
 */
#include "hostile.h"

#include <sys/socket.h>
#include <sys/uio.h>

static int
send_fd(int through, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)(size_t) "x", 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return (int)sendmsg(through, &msg, MSG_DONTWAIT);
}

int
main(void)
{
	long sent = 0;
	int pair[2], rc = 0;

	for (int i = 0; i < 4000 && rc >= 0; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) <
		    0)
			return 1;
		rc = send_fd(pair[0], pair[1]);
		if (rc >= 0)
			rc = send_fd(pair[1], pair[0]);
		close(pair[0]);
		close(pair[1]);
		sent++;
	}
	tried("circle", rc);
	tried("many", sent > 1000 ? 0 : -1);
	over();
	return 0;
}
