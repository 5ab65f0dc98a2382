/*
 * memory_of_others.c: the memory and the descriptors of pid 1, which knows
 * more than a plugin: process_vm_readv(), process_vm_writev(), /proc/1/mem,
 * pidfd_getfd(), kcmp(). All are refused.
 */
#include "hostile.h"

#include <sys/uio.h>

#include <fcntl.h>

int
main(void)
{
	char byte = 0;
	struct iovec mine = { &byte, 1 };
	struct iovec theirs = { (void *)&main, 1 };
	int one = (int)syscall(SYS_pidfd_open, 1, 0);

	tried("readv", process_vm_readv(1, &mine, 1, &theirs, 1, 0));
	tried("writev", process_vm_writev(1, &mine, 1, &theirs, 1, 0));
	tried("own readv", process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0));
	tried("mem", open("/proc/1/mem", O_RDONLY | O_CLOEXEC));
	for (int fd = 0; fd < 16; fd++)
		if (syscall(SYS_pidfd_getfd, one, fd, 0) >= 0)
			tried("descriptor", fd);
	tried("getfd", syscall(SYS_pidfd_getfd, one, 3, 0));
	tried("kcmp", syscall(SYS_kcmp, getpid(), 1, 0, 0, 0));
	tried("madvise", syscall(SYS_process_madvise, one, &theirs, 1, 8, 0));
	over();
	return 0;
}
