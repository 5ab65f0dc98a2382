/*
 * keys.c: keys in the kernel, which belong to a user and outlive a sandbox: a
 * letter box between jobs. All are refused.
 */
#include "hostile.h"

int
main(void)
{
	tried("add", syscall(SYS_add_key, "user", "x", "data", 4, -4));
	tried("request", syscall(SYS_request_key, "user", "x", NULL, -4));
	tried("session", syscall(SYS_keyctl, 0, -3, 0));
	tried("join", syscall(SYS_keyctl, 1, "shared"));
	tried("persistent", syscall(SYS_keyctl, 22, -1, -4));
	over();
	return 0;
}
