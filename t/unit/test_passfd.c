/*
 * base/passfd: what comes over is what was sent, and nothing stays open that
 * nobody asked for.
 */
#include "tap.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/passfd.h"

static const struct {
	const char *title;
	size_t sent, wanted; /* bytes of the message */
	size_t n;	     /* descriptors sent */
	int want;
} cases[] = {
	{ "a message alone comes over", 8, 8, 0, 0 },
	{ "a descriptor comes with its message", 8, 8, 1, 1 },
	{ "as many as fit come in one message", 8, 8, PASSFD_MAX, PASSFD_MAX },
	{ "a message that is too short is refused", 4, 8, 2, -1 },
	{ "a message that is too long is refused", 16, 8, 2, -1 },
};

static int
count_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static bool
same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static void
test_case(size_t i, const int channel[2], const int files[PASSFD_MAX])
{
	const char sent[16] = "0123456789abcde";
	char got[16] = "";
	int fds[PASSFD_MAX];
	int before = count_open();
	int n;

	is_int(passfd_send(channel[0], sent, cases[i].sent, files, cases[i].n),
	       0, "%s: it is sent", cases[i].title);
	n = passfd_receive(channel[1], got, cases[i].wanted, fds);
	is_int(n, cases[i].want, "%s", cases[i].title);
	for (int k = 0; k < n; k++) {
		ok(same_file(fds[k], files[k]), "... descriptor %d", k);
		ok(fcntl(fds[k], F_GETFD) & FD_CLOEXEC,
		   "... which no program that is started gets");
		close(fds[k]);
	}
	if (n >= 0)
		ok(memcmp(sent, got, cases[i].wanted) == 0, "... its bytes");
	is_int(count_open(), before, "... and nothing else stays open");
}

int
main(void)
{
	static const char *const names[PASSFD_MAX] = {
		"/",	     "/dev",	   "/proc", "/dev/null",
		"/dev/zero", "/proc/self", "/etc",  "/usr",
	};
	char byte = 0;
	int channel[2], files[PASSFD_MAX], fds[PASSFD_MAX];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return 1;
	for (size_t i = 0; i < PASSFD_MAX; i++)
		files[i] = open(names[i], O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < TAP_COUNT(cases); i++)
		test_case(i, channel, files);
	is_int(passfd_send(channel[0], &byte, 1, files, PASSFD_MAX + 1), -1,
	       "more descriptors than fit are refused");
	close(channel[0]);
	is_int(passfd_receive(channel[1], &byte, 1, fds), -1,
	       "the end of the channel is told");
	return tap_done();
}
