/* base/systemd: what a service manager is told, and what it hands over. */
#include "tap.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/systemd.h"

/* A manager: a socket by path or abstract name. */
static int
manager_open(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    strlen(name));

	memcpy(a.sun_path, name, strlen(name));
	if (*name == '@')
		a.sun_path[0] = '\0';
	else
		len++;
	if (bind(fd, (struct sockaddr *)&a, len) < 0)
		abort();
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *
take(int fd)
{
	static char text[8192];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
test_notify(const char *name)
{
	struct err e = ERR_INIT;
	int fd = manager_open(name);

	is_int(systemd_open(&e), 0, "a manager is found at %s", name);
	ok(!getenv("NOTIFY_SOCKET"), "... and hidden from children");
	is_int(systemd_notify("READY=1\nSTATUS=%d jobs", 7), 1,
	       "... and told something");
	is_str(take(fd), "READY=1\nSTATUS=7 jobs", "... in one datagram");
	systemd_close();
	is_int(systemd_notify("READY=1"), 0, "closed, nobody is told");
	close(fd);
}

static void
test_notify_fails(void)
{
	char path[] = "/tmp/test_systemd.XXXXXX", name[64];
	struct err e = ERR_INIT;
	struct timespec now;
	long long sent;
	int64_t start;
	int fd, full = 0;

	is_int(systemd_open(&e), 0, "without a manager opening is fine");
	is_int(systemd_notify("READY=1"), 0, "... and nobody is told");
	if (!mkdtemp(path))
		abort();
	snprintf(name, sizeof(name), "%s/notify", path);
	fd = manager_open(name);
	systemd_open(&e);
	is_int(systemd_notify("STATUS=%5000d", 1), -1,
	       "a text that is too long is refused");
	is_int(errno, EMSGSIZE, "... whole");
	clock_freeze_for_tests(1, 1);
	is_int(systemd_reloading(), 1, "a reload is told");
	clock_release_for_tests();
	clock_gettime(CLOCK_MONOTONIC, &now);
	sent = 0;
	sscanf(take(fd), "RELOADING=1\nMONOTONIC_USEC=%lld", &sent);
	ok(sent > 0 &&
		   sent <= (long long)now.tv_sec * 1000000 +
				   now.tv_nsec / 1000 &&
		   sent > (long long)(now.tv_sec - 5) * 1000000,
	   "... with the kernel's time, whatever a test's clock says");
	start = clock_mono_ms();
	for (int i = 0; i < 100000 && full == 0; i++)
		full = systemd_notify("WATCHDOG=1") < 0 ? errno : 0;
	is_int(full, EAGAIN, "a manager that does not read fails a datagram");
	ok(clock_mono_ms() - start < 5000, "... and does not stop the agent");
	take(fd);
	is_int(systemd_notify("WATCHDOG=1"), 1, "... until it reads");
	close(fd);
	is_int(systemd_notify("WATCHDOG=1"), -1, "one that has gone fails one");
	is_int(errno, ECONNREFUSED, "... as such");
	unlink(name);
	rmdir(path);
	systemd_close();
}

/* --- Variables --- */

static const struct {
	const char *title, *notify, *usec, *pid; /* pid "*": ours */
	int want;
	int64_t watchdog_ms;
	const char *error;
} cases[] = {
	{ "a relative path", "run/notify", NULL, NULL, -1, 0, "run/notify" },
	{ "a name of nothing", "@", NULL, NULL, -1, 0, "NOTIFY_SOCKET" },
	{ "an address of another kind", "vsock:2:1", NULL, NULL, -1, 0,
	  "NOTIFY_SOCKET" },
	{ "a path that is too long",
	  "/0123456789012345678901234567890123456789012345678901234567890123456"
	  "789012345678901234567890123456789012345678901",
	  NULL, NULL, -1, 0, "NOTIFY_SOCKET" },
	{ "an empty one", "", NULL, NULL, 0, 0, "" },
	{ "a watchdog", NULL, "30000000", NULL, 0, 30000, "" },
	{ "a watchdog for us", NULL, "30000000", "*", 0, 30000, "" },
	{ "another's watchdog", NULL, "30000000", "1", 0, 0, "" },
	{ "a watchdog for nobody", NULL, "30000000", "x", 0, 0, "" },
	{ "a watchdog of no time", NULL, "0", NULL, -1, 0, "WATCHDOG_USEC" },
	{ "a watchdog of too little", NULL, "999", NULL, -1, 0,
	  "WATCHDOG_USEC" },
	{ "a negative watchdog", NULL, "-1", NULL, -1, 0, "WATCHDOG_USEC" },
	{ "a watchdog that is no number", NULL, "1s", NULL, -1, 0,
	  "WATCHDOG_USEC" },
	{ "an endless watchdog", NULL, "18446744073709551616", NULL, -1, 0,
	  "WATCHDOG_USEC" },
	{ "a wrong address and a watchdog", "x", "5000000", NULL, -1, 5000,
	  "NOTIFY_SOCKET" },
};

static void
set_env(const char *name, const char *value)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (!value)
		unsetenv(name);
	else
		setenv(name, strcmp(value, "*") == 0 ? pid : value, 1);
}

static void
test_variables(void)
{
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct err e = ERR_INIT;

		set_env("NOTIFY_SOCKET", cases[i].notify);
		set_env("WATCHDOG_USEC", cases[i].usec);
		set_env("WATCHDOG_PID", cases[i].pid);
		is_int(systemd_open(&e), cases[i].want, "%s", cases[i].title);
		has_str(e.msg, cases[i].error, "... says so");
		is_int(systemd_watchdog_ms(), cases[i].watchdog_ms,
		       "... and the watchdog");
		ok(!getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"),
		   "... and children know nothing of it");
		systemd_close();
	}
}

/* --- Sockets: in a child, whose descriptors 3 and up are the test's --- */

static const struct {
	const char *title, *pid, *fds, *names;
	int open; /* descriptors from 3 that there are */
	int want;
	size_t count;
	const char *joined; /* names that come out */
} socket_cases[] = {
	{ "two with names", "*", "2", "api:agent.sock", 2, 0, 2,
	  "api,agent.sock," },
	{ "more sockets than names", "*", "2", "api", 2, 0, 2, "api,," },
	{ "more names than sockets", "*", "1", "a:b:c", 1, 0, 1, "a," },
	{ "no names", "*", "2", NULL, 2, 0, 2, ",," },
	{ "names that are none", "*", "2", "a\tb:\xff", 2, 0, 2, ",," },
	{ "a name that is too long", "*", "2",
	  "0123456789012345678901234567890123456789012345678901234567890123:b",
	  2, 0, 2, ",b," },
	{ "sockets of another process", "1", "2", NULL, 2, 0, 0, "" },
	{ "no process", NULL, "2", NULL, 2, 0, 0, "" },
	{ "no count", "*", NULL, NULL, 2, 0, 0, "" },
	{ "a count of none", "*", "0", NULL, 2, -1, 0, "" },
	{ "a count that is no number", "*", "2x", NULL, 2, -1, 0, "" },
	{ "too many", "*", "17", NULL, 2, -1, 0, "" },
	{ "a descriptor that is not there", "*", "3", "a:b:c", 2, -1, 2,
	  "a,b," },
};

/* A descriptor of that number, which blocks as a manager's sockets do. */
static void
open_as(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, fd) < 0)
		abort();
	if (null != fd)
		close(null);
}

static void
test_sockets(void)
{
	for (int fd = 3; fd < 30; fd++)
		close(fd);
	for (size_t i = 0; i < TAP_COUNT(socket_cases); i++) {
		struct systemd_socket got[SYSTEMD_SOCKETS_MAX];
		char joined[256] = "";
		struct err e = ERR_INIT;
		bool cloexec = true, waits = false;
		size_t n;

		for (int k = 0; k < socket_cases[i].open; k++)
			open_as(3 + k);
		set_env("LISTEN_PID", socket_cases[i].pid);
		set_env("LISTEN_FDS", socket_cases[i].fds);
		set_env("LISTEN_FDNAMES", socket_cases[i].names);
		is_int(systemd_open(&e), socket_cases[i].want, "sockets: %s",
		       socket_cases[i].title);
		n = systemd_take_sockets(got);
		is_int((intmax_t)n, (intmax_t)socket_cases[i].count,
		       "... come as many");
		for (size_t k = 0; k < n; k++) {
			size_t at = strlen(joined);

			snprintf(joined + at, sizeof(joined) - at, "%s,",
				 got[k].name);
			cloexec = cloexec && got[k].fd == 3 + (int)k &&
				  fcntl(got[k].fd, F_GETFD) == FD_CLOEXEC;
			waits = waits ||
				!(fcntl(got[k].fd, F_GETFL) & O_NONBLOCK);
		}
		is_str(joined, socket_cases[i].joined, "... with their names");
		ok(cloexec, "... and are not inherited further");
		ok(!waits, "... nor waited for");
		ok(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS") &&
			   !getenv("LISTEN_FDNAMES"),
		   "... nor are the variables");
		is_int((intmax_t)systemd_take_sockets(got), 0,
		       "... and are taken once");
		for (int k = 0; k < socket_cases[i].open; k++)
			close(3 + k);
	}
	open_as(3);
	set_env("LISTEN_PID", "*");
	set_env("LISTEN_FDS", "1");
	systemd_open(&(struct err)ERR_INIT);
	systemd_close();
	is_int(fcntl(3, F_GETFD), -1, "a socket that nobody took is closed");
}

int
main(void)
{
	char name[64];

	unsetenv("NOTIFY_SOCKET");
	snprintf(name, sizeof(name), "@test_systemd/%d", (int)getpid());
	test_notify(name);
	snprintf(name, sizeof(name), "/tmp/test_systemd.%d", (int)getpid());
	test_notify(name);
	unlink(name);
	test_notify_fails();
	test_variables();
	test_sockets();
	return tap_done();
}
