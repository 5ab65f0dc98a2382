/*
 * trace.c: ptrace() of a process of its own, to make its calls in its stead.
 * The whole job is killed.
 */
#include "hostile.h"

#include <sys/ptrace.h>

int
main(void)
{
	tried("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	over();
	return 0;
}
