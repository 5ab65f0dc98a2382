/*
 * hostile.h: how a hostile program tells what it achieved: one object, a
 * member for each attempt, "ok" or the name of its error.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <sys/syscall.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int said;

/* rc: what the call returned; -1 with errno where it failed. */
static inline void
tried(const char *what, long rc)
{
	const char *error = strerrorname_np(errno);

	printf("%s\"%s\":\"%s\"", said++ ? "," : "{", what,
	       rc >= 0 ? "ok" :
	       error   ? error :
			 "?");
}

static inline void
over(void)
{
	puts(said ? "}" : "{}");
}

#endif
