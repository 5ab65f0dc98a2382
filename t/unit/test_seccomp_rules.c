/*
 * The system call filter: every rule of every call, in many variants, as the
 * kernel sees it.  Nothing is executed: a second filter stands below ours.
 */
#include "seccomp_run.h"

#include <linux/capability.h>

#include "sandbox/seccomp_rules.h"

/* A call that a rule decides about; NULL: no rule knows the number. */
struct target {
	const struct seccomp_rule *rule;
	struct probe probe;
};

static struct target targets[MAX_PROBES];
static size_t n_targets;

static bool
holds(const struct seccomp_rule *r, const uint64_t *args)
{
	for (size_t i = 0; i < SECCOMP_MAX_WHEN; i++) {
		const struct seccomp_when *w = &r->when[i];
		uint64_t half = args[w->arg] >> (w->high ? 32 : 0);

		if (w->mask && (half & w->mask) != w->value)
			return false;
	}
	return true;
}

/* Arguments for which the rule's own conditions hold, the rest is `filler`. */
static void
fill(const struct seccomp_rule *r, uint64_t filler, uint64_t *args)
{
	for (size_t i = 0; i < 6; i++)
		args[i] = filler;
	for (size_t i = 0; i < SECCOMP_MAX_WHEN; i++) {
		const struct seccomp_when *w = &r->when[i];
		unsigned shift = w->high ? 32 : 0;

		args[w->arg] &= ~((uint64_t)w->mask << shift);
		args[w->arg] |= (uint64_t)w->value << shift;
	}
}

/* Garbage wherever the kernel must not look, or the next best. */
static void
add_target(const struct seccomp_call *call, const struct seccomp_rule *r)
{
	static const uint64_t fillers[] = { 0x5a5a5a5a5a5a5a5a, HIGH | 0xa5,
					    HIGH, 0xa5a5, 0 };
	const struct seccomp_rule *first = &seccomp_rules[call->rule];
	struct target *t = &targets[n_targets];

	t->rule = r;
	t->probe.nr = call->nr;
	for (size_t i = 0; i < TAP_COUNT(fillers); i++) {
		const struct seccomp_rule *hit = first;

		fill(r, fillers[i], t->probe.args);
		while (!holds(hit, t->probe.args))
			hit++;
		if (hit == r) {
			n_targets++;
			return;
		}
	}
	ok(false, "rule %zu of %s can be reached", (size_t)(r - first) + 1,
	   r->name);
}

/* Calls that the sweep can't make: they would end it. */
static bool
is_left_out(long nr)
{
#ifdef __x86_64__
	/* uretprobe and uprobe: the kernel asks no filter for them */
	if (nr == 335 || nr == 336)
		return true;
#endif
	/* the second filter lets these through */
	return nr == SYS_exit_group || nr == SYS_seccomp;
}

/* Numbers that no rule knows. */
static void
add_unknown(long nr, long end)
{
	for (; nr < end; nr++)
		if (!is_left_out(nr))
			targets[n_targets++] =
				(struct target){ .probe.nr = nr };
}

static void
find_targets(void)
{
	long nr = 0;

	for (size_t i = 0; i < seccomp_n_calls; i++) {
		const struct seccomp_call *call = &seccomp_calls[i];
		const struct seccomp_rule *r = &seccomp_rules[call->rule];

		add_unknown(nr, call->nr);
		nr = call->nr + 1;
		if (is_left_out(call->nr))
			continue;
		add_target(call, r);
		for (; r->when[0].mask; r++)
			add_target(call, r + 1);
	}
	add_unknown(nr, 600);
}

/* The features that each need stands for, said once more. */
static bool
granted(const struct seccomp_features *f, unsigned need, bool notify)
{
	static const struct {
		const char *nets; /* by enum seccomp_net */
		int capability;
	} table[] = {
		[NEED_NOTHING] = { "11111", 0 },
		[NEED_TCP] = { "11011", 0 },
		[NEED_UDP] = { "10111", 0 },
		[NEED_LISTEN] = { "10101", 0 },
		[NEED_NET] = { "01111", 0 },
		[NEED_HOST_NET] = { "00001", 0 },
		[NEED_UNIX] = { "00001", 0 },
		[NEED_COUNTED] = { "00000", 0 },
		[NEED_MEMORY_FILE] = { "00000", 0 },
		[NEED_INIT] = { "00000", 0 },
		[NEED_PERFMON] = { "00000", 38 },
		[NEED_SYS_ADMIN] = { "00000", CAP_SYS_ADMIN },
		[NEED_SYS_CHROOT] = { "00000", CAP_SYS_CHROOT },
		[NEED_SYS_NICE] = { "00000", CAP_SYS_NICE },
		[NEED_SYS_PACCT] = { "00000", CAP_SYS_PACCT },
		[NEED_SYS_TIME] = { "00000", CAP_SYS_TIME },
		[NEED_SYS_TTY_CONFIG] = { "00000", CAP_SYS_TTY_CONFIG },
		[NEED_SYSLOG] = { "00000", CAP_SYSLOG },
	};

	return table[need].nets[f->net] == '1' ||
	       (need == NEED_LISTEN && f->listen && !notify) ||
	       (need == NEED_UNIX && f->unix_sockets) ||
	       (need == NEED_COUNTED && f->counted) ||
	       (need == NEED_MEMORY_FILE && f->counted && f->exec_any) ||
	       (need == NEED_INIT && f->init) ||
	       (table[need].capability &&
		(f->capabilities & 1ull << table[need].capability));
}

/* The errno that must come of it, plus 1000 if it must be told. */
static int
expect(const struct target *t, const struct seccomp_features *f, bool notify)
{
	const struct seccomp_rule *r = t->rule;
	enum seccomp_act act;

	if (!r)
		return ENOSYS;
	act = (enum seccomp_act)r->act;
	if (act == ACT_JUDGE)
		act = granted(f, r->need, notify) ? ACT_ALLOW :
		      notify			  ? ACT_ASK :
						    ACT_REFUSE;
	else if (!granted(f, r->need, notify))
		act = r->error ? ACT_SILENT : ACT_REFUSE;
	if (act == ACT_TRACED)
		act = f->trace ? ACT_ASK : ACT_ALLOW;
	switch (act) {
	case ACT_SILENT:
		return r->error;
	case ACT_REFUSE:
		return notify ? 1000 + SWEPT_REFUSE : EPERM;
	case ACT_KILL:
		return 1000 + SWEPT_KILL;
	case ACT_ASK:
		if (notify)
			return 1000 + SWEPT_ASK;
		break;
	default:
		break;
	}
	return notify ? ENOSYS : SWEPT;
}

static void
sweep(const struct seccomp_features *f, bool notify, const char *title)
{
	static struct probe probes[MAX_PROBES];
	static const struct target *of[MAX_PROBES];
	size_t n = 0;
	int wrong = 0;
	int status;

	for (size_t i = 0; i < n_targets; i++) {
		const struct seccomp_rule *r = targets[i].rule;

		/* would end the sweep; test_seccomp.c has them all */
		if (!notify && r && r->act == ACT_KILL)
			continue;
		of[n] = &targets[i];
		probes[n++] = targets[i].probe;
	}
	status = run_probes(f, notify ? SWEEP_NOTIFY : SWEEP_PLAIN, probes, n);
	for (size_t i = 0; i < n; i++) {
		const struct result *r = &shared->results[i];
		int got = r->error + (r->notified ? 1000 : 0);
		int want = expect(of[i], f, notify);

		if (got == want)
			continue;
		if (wrong++ >= 5)
			continue;
		diag("%s %ld %#lx %#lx %#lx: got %d, want %d",
		     of[i]->rule ? of[i]->rule->name : "unknown", probes[i].nr,
		     probes[i].args[0], probes[i].args[1], probes[i].args[2],
		     got, want);
	}
	ok(status == 0 && wrong == 0, "%zu calls are %s by the rules: %s", n,
	   notify ? "told" : "decided", title);
}

/* Each network, with every other grant or none, tracing or not. */
int
main(void)
{
	static const char *const nets[] = { "no network", "TCP", "UDP",
					    "TCP and UDP",
					    "the host's network" };

	start();
	find_targets();
	ok(n_targets > 600, "%zu calls reach every rule", n_targets);
	for (unsigned i = 0; i < 20; i++) {
		bool all = i / 5 & 1;
		struct seccomp_features f = {
			.net = (enum seccomp_net)(i % 5),
			.listen = all,
			.unix_sockets = all,
			.counted = all,
			.exec_any = all,
			.init = all,
			.trace = i >= 10,
			.capabilities = all ? ~UINT64_C(0) : 0,
		};
		char title[128];

		snprintf(title, sizeof(title), "%s%s%s", nets[f.net],
			 all ? ", everything granted" : "",
			 f.trace ? ", tracing" : "");
		sweep(&f, false, title);
		if (have_listener)
			sweep(&f, true, title);
		else
			skip(NO_LISTENER, "%s", title);
	}
	return tap_done();
}
