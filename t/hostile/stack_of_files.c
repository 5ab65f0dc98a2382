/*
 * stack_of_files.c: file systems in files: quotas, swap, accounting, the
 * kernel's log, the clock. All are refused.
 */
#include "hostile.h"

#include <sys/klog.h>

#include <time.h>

int
main(void)
{
	struct timespec now = { 0, 0 };
	char text[16];

	tried("acct", acct("/tmp/x"));
	tried("quota", syscall(SYS_quotactl, 0x80000700, "/dev/vda", 0, text));
	tried("log", klogctl(3, text, sizeof(text)));
	tried("clear", klogctl(5, NULL, 0));
	tried("clock", clock_settime(CLOCK_REALTIME, &now));
	tried("day", syscall(SYS_settimeofday, &now, NULL));
	tried("hangup", vhangup());
	tried("nfs", syscall(SYS_nfsservctl, 0, 0, 0));
	tried("pages", syscall(SYS_move_pages, 1, 0, 0, 0, 0, 0));
	tried("cookie", syscall(SYS_lookup_dcookie, 0, text, sizeof(text)));
	over();
	return 0;
}
