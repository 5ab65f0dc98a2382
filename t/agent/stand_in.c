/*
 * Stands where a program of the agent's would: hands its channel and what
 * else it was given to the test, at peer.sock beside itself, with a line that
 * tells how it was started, and does as the test says: 'q' and a byte: exits
 * with that status; end of file: exits.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

#define FDS_MAX 32

static void
find_socket(struct sockaddr_un *a)
{
	ssize_t n = readlink("/proc/self/exe", a->sun_path,
			     sizeof(a->sun_path) - 1);
	char *slash;

	if (n < 0)
		exit(41);
	a->sun_path[n] = '\0';
	slash = strrchr(a->sun_path, '/');
	snprintf(slash + 1,
		 sizeof(a->sun_path) - (size_t)(slash + 1 - a->sun_path),
		 "peer.sock");
}

/* Every descriptor that was inherited, but the first three. */
static int
inherited(int *fds)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;
	int n = 0;

	while (d && (entry = readdir(d))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd > 2 && fd != dirfd(d) &&
		    n < FDS_MAX)
			fds[n++] = fd;
	}
	if (d)
		closedir(d);
	return n;
}

static void
hand_over(int s, const int *fds, int n, const char *text)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control = { 0 };
	struct iovec io = { (char *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen =
				    CMSG_SPACE(sizeof(int) * (size_t)n) };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
	memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * (size_t)n);
	if (sendmsg(s, &m, 0) < 0)
		exit(43);
}

int
main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fds[FDS_MAX], n = inherited(fds), s, death = 0;
	char text[512], order[2];

	find_socket(&a);
	prctl(PR_GET_PDEATHSIG, &death);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)) < 0)
		exit(42);
	snprintf(text, sizeof(text),
		 "{\"pid\":%d,\"argc\":%d,\"argv0\":\"%s\",\"env\":%d,"
		 "\"death\":%d,\"fds\":%d,\"last\":%d}\n",
		 (int)getpid(), argc, argv[0], environ[0] != NULL, death, n,
		 n ? fds[n - 1] : -1);
	hand_over(s, fds, n, text);
	if (read(s, order, 1) == 1 && order[0] == 'q' && read(s, order, 1) == 1)
		return order[0];
	return 0;
}
