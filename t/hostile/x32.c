/*
 * x32.c: a system call of the x32 table, whose numbers pass by careless
 * filters. The filter kills at once.
 */
#include "hostile.h"

int
main(void)
{
	tried("x32", syscall(0x40000000 + SYS_getpid));
	over();
	return 0;
}
