/*
 * bpf.c: a program in the kernel by bpf(). The whole job is killed.
 */
#include "hostile.h"

int
main(void)
{
	char attributes[120] = { 0 };

	tried("bpf", syscall(SYS_bpf, 0, attributes, sizeof(attributes)));
	over();
	return 0;
}
