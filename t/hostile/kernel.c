/*
 * kernel.c: calls that change the kernel itself: modules, kexec, reboot,
 * ports; PARAM_CALL says which. The whole job is killed.
 */
#include "hostile.h"

int
main(void)
{
	const char *which = getenv("PARAM_CALL");

	tried("call", syscall(strtol(which ? which : "175", NULL, 10), 0, 0, 0,
			      0, 0, 0));
	over();
	return 0;
}
