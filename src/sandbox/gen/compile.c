#include "sandbox/gen/gen.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

/*
 * A conditional jump reaches 255 instructions forwards, so programs are
 * built from their end: when a jump is written, its targets are there, and
 * what is too far away is reached by an unconditional jump put between.
 * A target is an index into insns.
 */
#define REACH 254

#define NR_OFFSET offsetof(struct seccomp_data, nr)
#define ARCH_OFFSET offsetof(struct seccomp_data, arch)

#define FOREIGN SECCOMP_RET_KILL_PROCESS
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

#define MAX_LONE 4
#define MAX_CHAIN 64

struct treatment {
	uint32_t action; /* where no arguments count */
	uint16_t rule;	 /* the rules where they do, or NO_RULE */
};

/* System calls next to each other that are treated the same, but a few. */
struct run {
	size_t nr;
	struct treatment as;
	struct {
		size_t nr;
		struct treatment as;
	} lone[MAX_LONE];
	size_t n_lone;
};

/* Where a condition begins: with loading its argument, or after that. */
struct entry {
	size_t load, test;
};

static size_t
put(struct program *p, uint16_t code, uint32_t k, size_t jt, size_t jf)
{
	if (p->start == 0)
		die("a filter of more than %d instructions", MAX_INSNS);
	p->insns[--p->start] = (struct sock_filter){
		.code = code, .jt = (uint8_t)jt, .jf = (uint8_t)jf, .k = k
	};
	return p->start;
}

static size_t
put_load(struct program *p, size_t offset)
{
	return put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static size_t
put_return(struct program *p, uint32_t action)
{
	/* one near enough will do, with room for a jump before the other */
	for (size_t at = p->start; at < MAX_INSNS && at < p->start + 200; at++)
		if (p->insns[at].code == (BPF_RET | BPF_K) &&
		    p->insns[at].k == action)
			return at;
	return put(p, BPF_RET | BPF_K, action, 0, 0);
}

static size_t
within_reach(struct program *p, size_t target)
{
	if (target - p->start <= REACH)
		return target;
	return put(p, BPF_JMP | BPF_JA, (uint32_t)(target - p->start), 0, 0);
}

static size_t
put_branch(struct program *p, uint16_t test, uint32_t k, size_t yes, size_t no)
{
	yes = within_reach(p, yes);
	no = within_reach(p, no);
	return put(p, BPF_JMP | test | BPF_K, k, yes - p->start, no - p->start);
}

/* Little-endian: the low half of an argument comes first. */
static size_t
half_offset(const struct seccomp_when *w)
{
	return offsetof(struct seccomp_data, args) + w->arg * sizeof(uint64_t) +
	       (w->high ? sizeof(uint32_t) : 0);
}

static bool
is_same(const struct seccomp_when *a, const struct seccomp_when *b)
{
	return a->arg == b->arg && a->high == b->high && a->mask == b->mask &&
	       a->value == b->value;
}

static size_t
count_conditions(const struct seccomp_rule *r)
{
	size_t n = 0;

	while (n < SECCOMP_MAX_WHEN && r->when[n].mask)
		n++;
	return n;
}

/*
 * Where to go on when condition `at` of rule r fails: to the rules behind it,
 * past the conditions that are known to hold, and past those that are known
 * to fail.  entries are those of the rules behind.
 */
static size_t
otherwise(const struct seccomp_rule *r, size_t at,
	  struct entry (*entries)[SECCOMP_MAX_WHEN + 1])
{
	const struct seccomp_when *failed = &r->when[at];
	const struct seccomp_rule *next = r;
	size_t same, n;

	do {
		next++;
		entries++;
		n = count_conditions(next);
		for (same = 0; same < at && same < n; same++)
			if (!is_same(&r->when[same], &next->when[same]))
				break;
	} while (same == at && at < n && is_same(failed, &next->when[at]));
	/* its argument is still loaded, if it was compared whole */
	if (same < n && failed->mask == UINT32_MAX &&
	    half_offset(failed) == half_offset(&next->when[same]))
		return (*entries)[same].test;
	return (*entries)[same].load;
}

static struct entry
put_condition(struct program *p, const struct seccomp_when *w, size_t yes,
	      size_t no)
{
	struct entry entry = { no, no };

	if (yes == no)
		return entry;
	entry.test = put_branch(p, BPF_JEQ, w->value, yes, no);
	if (w->mask != UINT32_MAX)
		entry.test = put(p, BPF_ALU | BPF_AND | BPF_K, w->mask, 0, 0);
	entry.load = put_load(p, half_offset(w));
	return entry;
}

static size_t
put_chain(struct program *p, size_t first, const struct variant *v)
{
	static struct entry entries[MAX_CHAIN][SECCOMP_MAX_WHEN + 1];
	size_t n = rule_chain(first);

	if (n > MAX_CHAIN)
		die("%s: too many rules", seccomp_rules[first].name);
	for (size_t i = n; i-- > 0;) {
		const struct seccomp_rule *r = &seccomp_rules[first + i];
		size_t c = count_conditions(r);
		size_t target = put_return(p, rule_action(r, v));

		entries[i][c] = (struct entry){ target, target };
		while (c-- > 0) {
			entries[i][c] =
				put_condition(p, &r->when[c], target,
					      otherwise(r, c, &entries[i]));
			target = entries[i][c].load;
		}
	}
	return entries[0][0].load;
}

static size_t
put_treatment(struct program *p, const struct treatment *t,
	      const struct variant *v)
{
	return t->rule == NO_RULE ? put_return(p, t->action) :
				    put_chain(p, t->rule, v);
}

/* A binary tree over the runs; those alone in another are tried there. */
static size_t
put_tree(struct program *p, const struct run *runs, size_t n,
	 const struct variant *v)
{
	size_t half = n / 2;
	size_t left, right;

	if (n == 1) {
		left = put_treatment(p, &runs->as, v);
		for (size_t i = 0; i < runs->n_lone; i++) {
			right = put_treatment(p, &runs->lone[i].as, v);
			left = put_branch(p, BPF_JEQ,
					  (uint32_t)runs->lone[i].nr, right,
					  left);
		}
		return left;
	}
	right = put_tree(p, runs + half, n - half, v);
	left = put_tree(p, runs, half, v);
	return put_branch(p, BPF_JGE, (uint32_t)runs[half].nr, right, left);
}

static struct treatment
treat(const struct numbers *n, size_t nr, const struct variant *v)
{
	uint16_t rule = nr < n->end ? n->rule[nr] : NO_RULE;
	struct treatment t = { UNKNOWN, NO_RULE };

	if (rule == NO_RULE)
		return t;
	t.action = rule_action(&seccomp_rules[rule], v);
	for (size_t i = 1; i < rule_chain(rule); i++)
		if (rule_action(&seccomp_rules[rule + i], v) != t.action)
			t.rule = rule;
	return t;
}

static bool
is_alike(const struct treatment *a, const struct treatment *b)
{
	return a->rule == NO_RULE && b->rule == NO_RULE &&
	       a->action == b->action;
}

/* runs[0] goes on as before after the single call that is runs[1]? */
static bool
take_lone(struct run *runs, size_t nr, const struct treatment *t)
{
	if (nr - runs[1].nr != 1 || runs[1].n_lone ||
	    runs[0].n_lone == MAX_LONE || !is_alike(&runs[0].as, t))
		return false;
	runs[0].lone[runs[0].n_lone].nr = runs[1].nr;
	runs[0].lone[runs[0].n_lone++].as = runs[1].as;
	return true;
}

static size_t
find_runs(const struct numbers *n, const struct variant *v, struct run *runs)
{
	size_t count = 0;

	for (size_t nr = 0; nr <= n->end; nr++) {
		struct treatment t = treat(n, nr, v);

		if (count && is_alike(&runs[count - 1].as, &t))
			continue;
		if (count > 1 && take_lone(&runs[count - 2], nr, &t))
			count--;
		else
			runs[count++] = (struct run){ .nr = nr, .as = t };
	}
	return count;
}

/* Leave out what no way leads to. */
static void
compact(struct program *p)
{
	static bool used[MAX_INSNS + 1];
	static size_t moved[MAX_INSNS + 1];
	size_t to = MAX_INSNS;

	memset(used, 0, sizeof(used));
	used[p->start] = true;
	for (size_t at = p->start; at < MAX_INSNS; at++) {
		const struct sock_filter *i = &p->insns[at];

		if (!used[at] || BPF_CLASS(i->code) == BPF_RET)
			continue;
		if (i->code == (BPF_JMP | BPF_JA)) {
			used[at + 1 + i->k] = true;
			continue;
		}
		/* other instructions jump nowhere: both are 0 */
		used[at + 1 + i->jt] = true;
		used[at + 1 + i->jf] = true;
	}
	for (size_t at = MAX_INSNS; at-- > p->start;) {
		struct sock_filter i = p->insns[at];

		if (!used[at])
			continue;
		moved[at] = --to;
		if (i.code == (BPF_JMP | BPF_JA)) {
			i.k = (uint32_t)(moved[at + 1 + i.k] - to - 1);
		} else if (BPF_CLASS(i.code) == BPF_JMP) {
			i.jt = (uint8_t)(moved[at + 1 + i.jt] - to - 1);
			i.jf = (uint8_t)(moved[at + 1 + i.jf] - to - 1);
		}
		p->insns[to] = i;
	}
	p->start = to;
}

void
compile(struct program *p, const struct arch *arch, const struct numbers *n,
	const struct variant *v)
{
	static struct run runs[MAX_CALLS + 1];
	size_t target;

	p->start = MAX_INSNS;
	target = put_tree(p, runs, find_runs(n, v, runs), v);
	if (arch->x32) {
		/* x32 is bit 30; bit 31 makes it no number at all */
		size_t none = put_return(p, UNKNOWN);
		size_t x32 = put_return(p, FOREIGN);

		x32 = put_branch(p, BPF_JGE, 0x80000000u, none, x32);
		target = put_branch(p, BPF_JGE, 0x40000000u, x32, target);
	}
	/* a load goes on with what follows it */
	if (target != p->start)
		put(p, BPF_JMP | BPF_JA, (uint32_t)(target - p->start), 0, 0);
	target = put_load(p, NR_OFFSET);
	put_branch(p, BPF_JEQ, arch->audit, target, put_return(p, FOREIGN));
	put_load(p, ARCH_OFFSET);
	compact(p);
}
