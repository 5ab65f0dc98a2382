/*
 * probe.c: a program for plugins to start.  It prints its words and what it
 * is: its ids, its capabilities, whether no_new_privs holds.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };
	struct __user_cap_data_struct caps[2] = { { 0 } };

	syscall(SYS_capget, &head, caps);
	printf("{\"uid\":%u,\"euid\":%u,\"egid\":%u,\"caps\":%u,\"nnp\":%d",
	       getuid(), geteuid(), getegid(),
	       caps[0].effective | caps[0].permitted | caps[1].effective |
		       caps[1].permitted,
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf(",\"words\":%d", argc - 1);
	if (argc > 1)
		printf(",\"first\":\"%s\"", argv[1]);
	puts("}");
	return 0;
}
