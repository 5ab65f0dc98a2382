/*
 * faults.c: userfaultfd(), by which the kernel can be halted in the midst of a
 * call, and other aids of those who attack it. Refused.
 */
#include "hostile.h"

int
main(void)
{
	char entry[16] = { 0 };

	tried("userfaultfd", syscall(SYS_userfaultfd, 1));
	tried("ldt", syscall(SYS_modify_ldt, 1, entry, sizeof(entry)));
	tried("remap", syscall(SYS_remap_file_pages, 0, 0, 0, 0, 0));
	tried("secret", syscall(447, 0));
	over();
	return 0;
}
