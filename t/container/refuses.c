/*
 * refuses.c: runs a program where system calls fail with EPERM, as the filter
 * of a container lets them.
 *
 *	refuses CALL... -- PROGRAM [ARG...]
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST 16

static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	{ "chroot", SYS_chroot },   { "mount", SYS_mount },
	{ "seccomp", SYS_seccomp }, { "sethostname", SYS_sethostname },
	{ "setns", SYS_setns },	    { "unshare", SYS_unshare },
};

static int
number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return (int)calls[i].number;
	fprintf(stderr, "refuses: %s is not in its table\n", name);
	return -1;
}

/* Two instructions a call: is it that?  Then it fails. */
static int
refuse(int n, const int *numbers)
{
	struct sock_filter code[2 + 2 * MOST];
	struct sock_fprog prog = { 0, code };

	code[prog.len++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < n; i++) {
		code[prog.len++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1);
		code[prog.len++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	}
	code[prog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							SECCOMP_RET_ALLOW);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ?
		       -1 :
		       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

int
main(int argc, char **argv)
{
	int numbers[MOST], n = 0, i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (n == MOST || (numbers[n++] = number_of(argv[i])) < 0)
			return 125;
	}
	if (i + 1 >= argc) {
		fprintf(stderr, "usage: refuses CALL... -- PROGRAM [ARG...]\n");
		return 125;
	}
	if (refuse(n, numbers) < 0) {
		perror("refuses");
		return 125;
	}
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 127;
}
