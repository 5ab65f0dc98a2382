#include "sandbox/proxy.h"

#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "sandbox/tracepath.h"

/* What a descriptor's file is called, without symlinks. */
static bool
real_path(int fd, char path[PATH_MAX])
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = '\0';
	return n > 0 && path[0] == '/';
}

/* Is this the path of a grant, or below it, once its symlinks are followed? */
static bool
grant_covers(const char *grant, const char *path)
{
	_close_ int fd = open(grant, O_PATH | O_CLOEXEC);
	char real[PATH_MAX];

	return fd >= 0 && real_path(fd, real) && path_is_below(path, real);
}

/*
 * What it made itself, in its private /tmp.  A folder of the host's below that
 * one, or in its place, is shown for reading or is a grant for writing.
 */
static bool
is_own(int fd, const char *path)
{
	struct statvfs st;

	return path_is_below(path, "/tmp") && fstatvfs(fd, &st) == 0 &&
	       !(st.f_flag & ST_RDONLY);
}

bool
proxy_granted(const struct sandbox_spec *spec, int proc, unsigned pid,
	      const char *path, int *socket)
{
	char absolute[PATH_MAX], real[PATH_MAX];
	_close_ int fd = -1;

	if (!tracepath_resolve(proc, pid, AT_FDCWD, path, absolute,
			       sizeof(absolute)))
		return false;
	fd = open(absolute, O_PATH | O_CLOEXEC);
	if (fd < 0 || !real_path(fd, real))
		return false;
	if (is_own(fd, real)) {
		*socket = steal_fd(&fd);
		return true;
	}
	for (size_t i = 0; i < spec->write.n; i++) {
		if (grant_covers(spec->write.items[i], real)) {
			*socket = steal_fd(&fd);
			return true;
		}
	}
	return false;
}

int
proxy_copy(unsigned process, int fd)
{
	_close_ int pidfd = (int)syscall(SYS_pidfd_open, process, 0);

	return pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

/* In the process of its own: 0, or an errno. */
static int
call_copy(const struct seccomp_notif *req, unsigned process,
	  const struct proxy_address *a)
{
	_close_ int copy = proxy_copy(process, (int)req->data.args[0]);
	struct sockaddr_un by_fd = { .sun_family = AF_UNIX };
	const void *address = a->bytes;
	socklen_t len = a->len;
	int type = 0;

	if (copy < 0 || getsockopt(copy, SOL_SOCKET, SO_TYPE, &type,
				   &(socklen_t){ sizeof(type) }) < 0)
		return errno;
	/* the descriptor may be another socket by now */
	if (type != a->type)
		return EACCES;
	if (a->socket >= 0) {
		/* by the descriptor, so that no path is walked again */
		snprintf(by_fd.sun_path, sizeof(by_fd.sun_path),
			 "/proc/self/fd/%d", a->socket);
		address = &by_fd;
		len = sizeof(by_fd);
	}
	return syscall(req->data.nr, copy, address, len) < 0 ? errno : 0;
}

bool
proxy_call(int listener, const struct seccomp_notif *req, unsigned process,
	   const struct proxy_address *address)
{
	struct seccomp_notif_resp answer;
	pid_t pid = fork();

	if (pid != 0)
		return pid > 0;
	memset(&answer, 0, sizeof(answer));
	answer.id = req->id;
	answer.error = -call_copy(req, process, address);
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	_exit(0);
}
