#include "base/crash.h"

#ifdef WITH_CRASH_POINTS

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

void
crash_point(const char *name)
{
	static unsigned long passed;
	const char *at = getenv("DEVOPS_AGENT_CRASH");
	const char *colon = at ? strchr(at, ':') : NULL;
	size_t len = colon ? (size_t)(colon - at) : at ? strlen(at) : 0;
	unsigned long nth = colon ? strtoul(colon + 1, NULL, 10) : 1;

	if (!at || strlen(name) != len || memcmp(at, name, len) != 0)
		return;
	if (++passed == nth)
		kill(getpid(), SIGKILL);
}

void
crash_transition(const char *when, const char *from, const char *to)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%s-%s", when, from, to);
	crash_point(name);
}

void
crash_time(void)
{
	static long long set_by_ms;
	const char *path = getenv("DEVOPS_AGENT_CLOCK");
	_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char text[32] = "";
	long long by_ms;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return;
	by_ms = strtoll(text, NULL, 10);
	if (by_ms != set_by_ms)
		clock_shift_for_tests(0, by_ms - set_by_ms);
	set_by_ms = by_ms;
}

#endif
