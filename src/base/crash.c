#include "base/crash.h"

#ifdef WITH_CRASH_POINTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

#endif
