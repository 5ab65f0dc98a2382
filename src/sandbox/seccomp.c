#include "sandbox/seccomp.h"

#include <sys/syscall.h>

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/seccomp_rules.h"

/* Linux 5.0 and 5.19: the headers of older systems lack them. */
#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static bool
granted(const struct seccomp_features *f, enum seccomp_need need, bool notify)
{
	const struct seccomp_grant *g = &seccomp_grants[need];

	if (g->nets >> f->net & 1)
		return true;
	switch (need) {
	case NEED_LISTEN:
		/* a listener looks at the port that it would be */
		return f->listen && !notify;
	case NEED_UNIX:
		return f->unix_sockets;
	case NEED_COUNTED:
		return f->counted;
	case NEED_MEMORY_FILE:
		return f->exec_any && f->counted;
	case NEED_INIT:
		return f->init;
	default:
		return g->capability && f->capabilities >> g->capability & 1;
	}
}

/* Decide what the filter leaves open. */
static uint32_t
decide(uint32_t k, const struct seccomp_features *f, bool notify)
{
	if (granted(f, SECCOMP_OPEN_NEED(k), notify))
		return SECCOMP_RET_ALLOW;
	if (SECCOMP_OPEN_ERROR(k))
		return SECCOMP_RET_ERRNO | SECCOMP_OPEN_ERROR(k);
	return notify ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO | EPERM;
}

static struct sock_fprog
complete(const struct seccomp_features *f, bool notify)
{
	const struct seccomp_filter *from =
		&seccomp_filters[f->net][f->trace][notify];
	struct sock_fprog prog = { .len = from->n };

	prog.filter = xcalloc(from->n, sizeof(prog.filter[0]));
	for (size_t i = 0; i < from->n; i++) {
		prog.filter[i] = seccomp_insns[from->start + i];
		if (prog.filter[i].code == (BPF_RET | BPF_K) &&
		    SECCOMP_IS_OPEN(prog.filter[i].k))
			prog.filter[i].k = decide(prog.filter[i].k, f, notify);
	}
	return prog;
}

int
seccomp_prepare(const struct seccomp_features *f, struct seccomp_program *prog,
		struct err *e)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		return err_errno(e, "this kernel has no system call filter "
				    "that kills a process");
	prog->notify = complete(f, true);
	prog->plain = complete(f, false);
	return 0;
}

static long
install(const struct sock_fprog *prog, unsigned long flags)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
}

int
seccomp_install(const struct seccomp_program *prog, int *listener,
		struct err *e)
{
	const unsigned long flag = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long fd = -1;

	if (listener) {
		/* a caller waiting for an answer then only dies by KILL */
		fd = install(&prog->notify,
			     flag | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
		if (fd < 0 && errno == EINVAL)
			fd = install(&prog->notify, flag);
		/* EINVAL: the kernel is too old; EBUSY: there is one */
		if (fd < 0 && errno != EINVAL && errno != EBUSY)
			return err_errno(e, "install the system call filter");
		*listener = (int)fd;
	}
	if (fd < 0 && install(&prog->plain, 0) < 0)
		return err_errno(e, "install the system call filter");
	return 0;
}

void
seccomp_program_release(struct seccomp_program *prog)
{
	free(prog->notify.filter);
	free(prog->plain.filter);
	*prog = (struct seccomp_program){ .notify.len = 0 };
}

static int
compare_calls(const void *key, const void *entry)
{
	const struct seccomp_call *call = entry;
	int nr = *(const int *)key;

	return nr < call->nr ? -1 : nr > call->nr;
}

/* The first rule of a system call; NULL where there is none. */
static const struct seccomp_rule *
find_rules(int nr)
{
	const struct seccomp_call *call =
		bsearch(&nr, seccomp_calls, seccomp_n_calls,
			sizeof(seccomp_calls[0]), compare_calls);

	return call ? &seccomp_rules[call->rule] : NULL;
}

enum seccomp_class
seccomp_classify(int nr)
{
	const struct seccomp_rule *r = find_rules(nr);

	/* the generator made sure that the rules of a call agree in this */
	for (; r; r++) {
		if (r->act == ACT_KILL)
			return SECCOMP_CLASS_KILL;
		if (r->act == ACT_ASK || r->act == ACT_TRACED ||
		    r->act == ACT_JUDGE)
			return SECCOMP_CLASS_ASK;
		if (!r->when[0].mask)
			break;
	}
	return SECCOMP_CLASS_REFUSE;
}

const char *
seccomp_name(int nr)
{
	const struct seccomp_rule *r = find_rules(nr);

	return r ? r->name : "unknown";
}

static bool
matches(const struct seccomp_rule *r, const uint64_t args[6])
{
	for (size_t i = 0; i < SECCOMP_MAX_WHEN && r->when[i].mask; i++) {
		const struct seccomp_when *w = &r->when[i];
		uint64_t half = args[w->arg] >> (w->high ? 32 : 0);

		if (((uint32_t)half & w->mask) != w->value)
			return false;
	}
	return true;
}

const char *
seccomp_permission(int nr, const uint64_t args[6],
		   const struct seccomp_features *f)
{
	const struct seccomp_rule *r = find_rules(nr);
	const char *permission;

	if (!r)
		return NULL;
	while (!matches(r, args))
		r++; /* the last one has no conditions */
	permission = seccomp_grants[r->need].permission;
	return permission[0] && !granted(f, r->need, false) ? permission : NULL;
}
