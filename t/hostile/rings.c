/*
 * rings.c: calls made by the kernel itself, which no filter sees: io_uring,
 * and the older aio. Refused.
 */
#include "hostile.h"

int
main(void)
{
	char params[120] = { 0 };
	unsigned long context = 0;

	tried("setup", syscall(SYS_io_uring_setup, 8, params));
	tried("enter", syscall(SYS_io_uring_enter, 0, 1, 1, 0, NULL, 0));
	tried("register", syscall(SYS_io_uring_register, 0, 0, NULL, 0));
	tried("aio", syscall(SYS_io_setup, 8, &context));
	over();
	return 0;
}
