/*
 * main_forward.c: the program devops_agent-forward, which only the master
 * starts.
 */
#include <sys/prctl.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "forward/forward.h"

/* The master leaves us a socket there; a person who tries it has none. */
static int
is_channel(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_STREAM;
}

int
main(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (!is_channel(FORWARD_CHANNEL)) {
		fputs("devops_agent-forward: is started by devops_agent, to "
		      "send records to its forward: destinations\n",
		      stderr);
		return 2;
	}
	sigaction(SIGPIPE, &ignore, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fcntl(FORWARD_CHANNEL, F_SETFD, FD_CLOEXEC);
	return forward_main(FORWARD_CHANNEL);
}
