/*
 * filters.c: filters of its own: a listener that would answer for the agent's,
 * one that makes a forbidden call look as if it had worked. The first is
 * refused; the second only fools itself.
 */
#include "hostile.h"

#include <sys/utsname.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

static int
install(unsigned flags, unsigned act)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sethostname, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, act),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, code };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

int
main(void)
{
	struct utsname name;

	tried("listener", install(1 << 3, SECCOMP_RET_USER_NOTIF));
	tried("killable", install(1 << 3 | 1 << 5, SECCOMP_RET_USER_NOTIF));
	tried("spectre", install(1 << 2, SECCOMP_RET_ALLOW));
	tried("before", sethostname("mine", 4));
	tried("allow", install(0, SECCOMP_RET_ALLOW));
	tried("allowed", sethostname("mine", 4));
	tried("trace", install(0, SECCOMP_RET_TRACE));
	tried("traced", sethostname("mine", 4));
	tried("errno", install(1, SECCOMP_RET_ERRNO));
	tried("pretended", sethostname("mine", 4));
	uname(&name);
	tried("changed", strcmp(name.nodename, "mine") == 0 ? 0 : -1);
	over();
	return 0;
}
