#include "sandbox/gen/gen.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#define MAX_VALUES 160

/* What the kernel would do with the instructions that compile.c writes. */
static uint32_t
run(const struct program *p, const struct seccomp_data *data)
{
	const struct sock_filter *i = &p->insns[p->start];
	uint32_t a = 0;

	for (;; i++) {
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			i += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			i += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			die("instruction %#x can't be checked", i->code);
		}
	}
}

static bool
holds(const struct seccomp_when *w, const struct seccomp_data *data)
{
	uint64_t half = data->args[w->arg] >> (w->high ? 32 : 0);

	return ((uint32_t)half & w->mask) == w->value;
}

/* The same decision, straight from the rules. */
static uint32_t
decide(const struct arch *arch, const struct numbers *n,
       const struct variant *v, const struct seccomp_data *data)
{
	uint32_t nr = (uint32_t)data->nr;
	const struct seccomp_rule *r;
	bool matches;

	if (data->arch != arch->audit ||
	    (arch->x32 && (nr & 0xc0000000u) == 0x40000000u))
		return SECCOMP_RET_KILL_PROCESS;
	if (nr >= n->end || n->rule[nr] == NO_RULE)
		return SECCOMP_RET_ERRNO | ENOSYS;
	for (r = &seccomp_rules[n->rule[nr]];; r++) {
		matches = true;
		for (size_t i = 0; i < SECCOMP_MAX_WHEN; i++)
			if (r->when[i].mask && !holds(&r->when[i], data))
				matches = false;
		if (matches)
			return rule_action(r, v);
	}
}

static bool
agree(const struct program *p, const struct arch *arch, const struct numbers *n,
      const struct variant *v, const struct seccomp_data *data)
{
	uint32_t got = run(p, data);
	uint32_t want = decide(arch, n, v, data);

	if (got == want)
		return true;
	fprintf(stderr,
		"system call %d, architecture %#x, %#llx %#llx %#llx %#llx "
		"%#llx %#llx: the filter returns %#x, the rules say %#x\n",
		data->nr, data->arch, (unsigned long long)data->args[0],
		(unsigned long long)data->args[1],
		(unsigned long long)data->args[2],
		(unsigned long long)data->args[3],
		(unsigned long long)data->args[4],
		(unsigned long long)data->args[5], got, want);
	return false;
}

struct values {
	uint64_t of[MAX_VALUES];
	size_t n;
};

static void
add_value(struct values *v, uint64_t value)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->of[i] == value)
			return;
	if (v->n == MAX_VALUES)
		die("too many conditions on one argument");
	v->of[v->n++] = value;
}

/* Condition `at` of the rules from `first` on; NULL: not on this argument. */
static const struct seccomp_when *
find_condition(size_t first, size_t at, size_t arg)
{
	const struct seccomp_rule *r = &seccomp_rules[first];
	const struct seccomp_when *w =
		&r[at / SECCOMP_MAX_WHEN].when[at % SECCOMP_MAX_WHEN];

	return w->mask && w->arg == arg ? w : NULL;
}

/*
 * Values of one argument on both sides of every condition on it; also those
 * that only the mask of another condition could take for it.
 */
static void
find_values(size_t first, size_t arg, struct values *v)
{
	size_t n = rule_chain(first) * SECCOMP_MAX_WHEN;

	v->n = 0;
	add_value(v, 0);
	for (size_t i = 0; i < n; i++) {
		const struct seccomp_when *w = find_condition(first, i, arg);

		if (!w)
			continue;
		add_value(v, w->value | UINT64_C(0x5a5a5a5a00000000));
		for (size_t j = 0; j < n; j++) {
			const struct seccomp_when *x =
				find_condition(first, j, arg);

			if (!x)
				continue;
			add_value(v, w->value | (uint32_t)~x->mask);
			add_value(v, w->value ^ (x->mask & -x->mask));
		}
	}
}

/* Every combination of such values for the arguments from `arg` on. */
static bool
check_arguments(const struct program *p, const struct arch *arch,
		const struct numbers *n, const struct variant *v,
		struct seccomp_data *data, size_t arg)
{
	struct values values;
	bool right = true;

	if (arg == 6)
		return agree(p, arch, n, v, data);
	find_values(n->rule[data->nr], arg, &values);
	for (size_t i = 0; right && i < values.n; i++) {
		data->args[arg] = values.of[i];
		right = check_arguments(p, arch, n, v, data, arg + 1);
	}
	return right;
}

bool
check(const struct program *p, const struct arch *arch, const struct numbers *n,
      const struct variant *v)
{
	static const uint32_t numbers[] = { 0, 0x40000000u, 0x80000000u,
					    0xc0000000u, 0xfffffc00u };
	static const uint32_t archs[] = { 0,	       1,	    3,
					  0x40000000u, 0x80000000u, 0xc0000000u,
					  0xffffffffu };
	struct seccomp_data data;
	bool right = true;

	memset(&data, 0, sizeof(data));
	for (uint32_t nr = 0; right && nr < MAX_CALLS; nr++) {
		data.nr = (int)nr;
		data.arch = arch->audit;
		if (nr < n->end && n->rule[nr] != NO_RULE)
			right = check_arguments(p, arch, n, v, &data, 0);
		for (size_t i = 0; right && i < 5 * 7; i++) {
			data.nr = (int)(nr | numbers[i % 5]);
			data.arch = arch->audit ^ archs[i / 5];
			right = agree(p, arch, n, v, &data);
		}
	}
	return right;
}
