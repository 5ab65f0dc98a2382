/* The filter of confine.h, from its rules. */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/confine_parts.h"

/* A rule: its number, its conditions, what it returns, and the number anew. */
#define RULE_MAX (1 + 2 * 3 + 1 + 1)
#define HEAD_MAX 16

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "its filter's architecture is not known"
#endif

struct program {
	struct sock_filter *insns;
	unsigned short n;
};

static void
add(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	p->insns[p->n++] = (struct sock_filter){ code, jt, jf, k };
}

static void
load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
give(struct program *p, uint32_t what)
{
	add(p, BPF_RET | BPF_K, what, 0, 0);
}

static uint32_t
result_of(const struct confine_rule *r)
{
	switch (r->act) {
	case CONFINE_ALLOW:
		return SECCOMP_RET_ALLOW;
	case CONFINE_KILL:
		return SECCOMP_RET_KILL_PROCESS;
	case CONFINE_FAIL:
		break;
	}
	return SECCOMP_RET_ERRNO | (uint32_t)r->error;
}

static size_t
conditions(const struct confine_rule *r)
{
	size_t n = 0;

	while (n < ARRAY_SIZE(r->when) && r->when[n].mask)
		n++;
	return n;
}

static void
add_rule(struct program *p, const struct confine_rule *r)
{
	size_t n = conditions(r);

	/* to the next rule, which the number is loaded anew for if need be */
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0,
	    (uint8_t)(n * 3 + 1 + (n ? 1 : 0)));
	for (size_t i = 0; i < n; i++) {
		const struct confine_when *w = &r->when[i];

		load(p, offsetof(struct seccomp_data, args[0]) + w->arg * 8 +
				(w->high ? 4 : 0));
		add(p, BPF_ALU | BPF_AND | BPF_K, w->mask, 0, 0);
		add(p, BPF_JMP | BPF_JEQ | BPF_K,
		    w->own ? (uint32_t)getpid() : w->value, 0,
		    (uint8_t)((n - 1 - i) * 3 + 1));
	}
	give(p, result_of(r));
	if (n)
		load(p, offsetof(struct seccomp_data, nr));
}

static void
add_head(struct program *p)
{
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	give(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
	add(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	give(p, SECCOMP_RET_KILL_PROCESS);
#endif
	add(p, BPF_JMP | BPF_JGT | BPF_K, (uint32_t)confine_newest, 0, 1);
	give(p, SECCOMP_RET_ERRNO | ENOSYS);
}

int
confine_filter(enum confine_list list, struct err *e)
{
	_free_ struct sock_filter *insns =
		xcalloc(HEAD_MAX + confine_n_rules * RULE_MAX, sizeof(*insns));
	struct program p = { insns, 0 };
	struct sock_fprog prog;

	add_head(&p);
	for (size_t i = 0; i < confine_n_rules; i++)
		if (confine_rules[i].lists >> list & 1)
			add_rule(&p, &confine_rules[i]);
	give(&p, SECCOMP_RET_ERRNO | EPERM);
	prog = (struct sock_fprog){ .len = p.n, .filter = insns };
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return err_errno(e, "install the system call filter");
	return 0;
}
