#include "base/systemd.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define SEND_WAIT_US 100000
#define TEXT_MAX 4096

static struct {
	struct sockaddr_un address;
	socklen_t address_len;
	int fd; /* -1: no manager to tell */
	int64_t watchdog_ms;
	struct systemd_socket sockets[SYSTEMD_SOCKETS_MAX];
	size_t n_sockets;
} manager = { .fd = -1 };

/* A decimal number and nothing else, from 1 to max; 0 for anything else. */
static uint64_t
parse_number(const char *s, uint64_t max)
{
	char *end;
	uint64_t n;

	if (*s < '0' || *s > '9')
		return 0;
	errno = 0;
	n = strtoumax(s, &end, 10);
	return errno || *end || n > max ? 0 : n;
}

static int
open_notify(const char *path, struct err *e)
{
	struct sockaddr_un *a = &manager.address;
	size_t len = strlen(path);
	struct timeval wait = { .tv_usec = SEND_WAIT_US };

	if ((*path != '/' && *path != '@') || len < 2 ||
	    len >= sizeof(a->sun_path))
		return err_set(e, ERR_AGENT,
			       "NOTIFY_SOCKET is neither a path nor an "
			       "abstract name: %s",
			       path);
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, path, len);
	if (*path == '@')
		a->sun_path[0] = '\0';
	/* an abstract name has no end but its length */
	manager.address_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
			    (*path == '/'));
	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager.fd < 0)
		return err_errno(e, "make a socket to notify the service "
				    "manager");
	setsockopt(manager.fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return 0;
}

static int
read_watchdog(const char *usec, const char *pid, struct err *e)
{
	uint64_t us = parse_number(usec, INT64_MAX);

	if (pid && parse_number(pid, INT_MAX) != (uint64_t)getpid())
		return 0; /* another process's */
	if (us < 1000)
		return err_set(e, ERR_AGENT, "WATCHDOG_USEC is not a time: %s",
			       usec);
	manager.watchdog_ms = (int64_t)(us / 1000);
	return 0;
}

/* Copy the next of names separated by colons. */
static void
next_name(const char **names, char out[SYSTEMD_NAME])
{
	size_t len = strcspn(*names, ":");
	bool shown = len < SYSTEMD_NAME;

	for (size_t i = 0; i < len; i++)
		shown = shown && (*names)[i] > ' ' && (*names)[i] < 0x7f;
	if (shown)
		memcpy(out, *names, len);
	*names += len;
	if (**names == ':')
		(*names)++;
}

static int
read_sockets(const char *count, const char *names, struct err *e)
{
	uint64_t n = parse_number(count, SYSTEMD_SOCKETS_MAX);

	if (n == 0)
		return err_set(e, ERR_AGENT,
			       "LISTEN_FDS is not a number from 1 to %d: %s",
			       SYSTEMD_SOCKETS_MAX, count);
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)n; fd++) {
		struct systemd_socket *s = &manager.sockets[manager.n_sockets];

		memset(s, 0, sizeof(*s));
		next_name(&names, s->name);
		/* the manager's are blocking ones, by default */
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
		    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			return err_errno(e, "take descriptor %d of LISTEN_FDS",
					 fd);
		s->fd = fd;
		manager.n_sockets++;
	}
	return 0;
}

static int
read_listen(struct err *e)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");

	if (!pid || !fds || parse_number(pid, INT_MAX) != (uint64_t)getpid())
		return 0;
	return read_sockets(fds, names ? names : "", e);
}

int
systemd_open(struct err *e)
{
	static const char *const names[] = {
		"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
		"LISTEN_PID",	 "LISTEN_FDS",	  "LISTEN_FDNAMES"
	};
	const char *notify = getenv("NOTIFY_SOCKET");
	const char *usec = getenv("WATCHDOG_USEC");
	int r = 0;

	systemd_close();
	if (notify && *notify && open_notify(notify, e) < 0)
		r = -1;
	if (usec && read_watchdog(usec, getenv("WATCHDOG_PID"), e) < 0)
		r = -1;
	if (read_listen(e) < 0)
		r = -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	return r;
}

void
systemd_close(void)
{
	if (manager.fd >= 0)
		close(manager.fd);
	for (size_t i = 0; i < manager.n_sockets; i++)
		close(manager.sockets[i].fd);
	memset(&manager, 0, sizeof(manager));
	manager.fd = -1;
}

int
systemd_notify(const char *fmt, ...)
{
	char text[TEXT_MAX];
	ssize_t sent;
	va_list ap;
	int n;

	if (manager.fd < 0)
		return 0;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text)) {
		errno = EMSGSIZE;
		return -1;
	}
	do
		sent = sendto(manager.fd, text, (size_t)n, MSG_NOSIGNAL,
			      (const struct sockaddr *)&manager.address,
			      manager.address_len);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 1;
}

int
systemd_reloading(void)
{
	struct timespec now;

	/* the manager compares it with its own: never a test's clock */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return systemd_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64,
			      (int64_t)now.tv_sec * 1000000 +
				      now.tv_nsec / 1000);
}

int64_t
systemd_watchdog_ms(void)
{
	return manager.watchdog_ms;
}

size_t
systemd_take_sockets(struct systemd_socket out[SYSTEMD_SOCKETS_MAX])
{
	size_t n = manager.n_sockets;

	memcpy(out, manager.sockets, n * sizeof(*out));
	manager.n_sockets = 0;
	return n;
}
