#include "sandbox/gen/gen.h"

#include <errno.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct arch archs[] = {
	{ "x86_64", "__x86_64__", SCMP_ARCH_X86_64, true },
	{ "aarch64", "__aarch64__", SCMP_ARCH_AARCH64, false },
	{ "riscv64", "__riscv", SCMP_ARCH_RISCV64, false },
};

void
die(const char *format, ...)
{
	va_list ap;

	fputs("seccomp_gen: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

size_t
rule_chain(size_t first)
{
	size_t n = 1;

	while (first + n < seccomp_n_rules &&
	       strcmp(seccomp_rules[first + n].name,
		      seccomp_rules[first].name) == 0)
		n++;
	return n;
}

uint32_t
rule_action(const struct seccomp_rule *r, const struct variant *v)
{
	const struct seccomp_grant *g = &seccomp_grants[r->need];
	bool granted = g->nets >> v->net & 1;
	uint8_t act = r->act;

	if (!granted && !g->only_nets)
		return SECCOMP_OPEN(r->need, r->error);
	if (!granted)
		act = r->error ? ACT_SILENT : ACT_REFUSE;
	if (act == ACT_SILENT)
		return SECCOMP_RET_ERRNO | r->error;
	if (act == ACT_ALLOW || act == ACT_JUDGE ||
	    (act == ACT_TRACED && !v->trace))
		return SECCOMP_RET_ALLOW;
	/* the listener tells the rest apart */
	if (v->notify)
		return SECCOMP_RET_USER_NOTIF;
	if (act == ACT_KILL)
		return SECCOMP_RET_KILL_PROCESS;
	return act == ACT_REFUSE ? SECCOMP_RET_ERRNO | EPERM :
				   SECCOMP_RET_ALLOW;
}

/* How a listener has to treat a notification that this rule leads to. */
static unsigned
answer(const struct seccomp_rule *r)
{
	unsigned bits = 0;

	if (r->act == ACT_ASK || r->act == ACT_TRACED || r->act == ACT_JUDGE)
		bits |= 1u << ACT_ASK;
	if (r->act == ACT_KILL)
		bits |= 1u << ACT_KILL;
	if (r->act == ACT_REFUSE ||
	    (r->need && !r->error && r->act != ACT_JUDGE))
		bits |= 1u << ACT_REFUSE;
	return bits;
}

static void
check_chain(size_t first)
{
	const struct seccomp_rule *r = &seccomp_rules[first];
	size_t n = rule_chain(first);
	unsigned answers = 0;

	for (size_t i = 0; i < n; i++) {
		bool last = i + 1 == n;

		if (last != !r[i].when[0].mask)
			die("%s: %s", r->name,
			    last ? "the last rule has a condition" :
				   "a rule without condition is not the last");
		if (r[i].act == ACT_SILENT && !r[i].error)
			die("%s: fails without an errno", r->name);
		if (r[i].act != ACT_ALLOW && r[i].act != ACT_JUDGE && r[i].need)
			die("%s: only what is allowed can be granted", r->name);
		if (r[i].act == ACT_JUDGE && (!r[i].need || r[i].error))
			die("%s: judged without a need, or with an errno",
			    r->name);
		answers |= answer(&r[i]);
	}
	/* a listener decides by the number alone */
	if (answers & (answers - 1))
		die("%s: its rules want different answers", r->name);
}

/* Where the rules of each system call of the architecture begin. */
static void
find_numbers(const struct arch *arch, struct numbers *n)
{
	n->end = 0;
	memset(n->rule, 0xff, sizeof(n->rule));
	for (size_t i = 0; i < seccomp_n_rules; i += rule_chain(i)) {
		const struct seccomp_rule *r = &seccomp_rules[i];
		int nr =
			seccomp_syscall_resolve_name_arch(arch->audit, r->name);

		check_chain(i);
		if (nr == __NR_SCMP_ERROR && !r->recent)
			die("%s: no such system call", r->name);
		if (nr < 0)
			continue; /* of other architectures */
		if (nr >= MAX_CALLS)
			die("%s: number %d is too high", r->name, nr);
		if (n->rule[nr] != NO_RULE)
			die("%s: rules in two places", r->name);
		n->rule[nr] = (uint16_t)i;
		if ((size_t)nr >= n->end)
			n->end = (size_t)nr + 1;
	}
}

/* Calls that no kernel has any more, or never had; ENOSYS without a rule. */
static const char *const obsolete[] = {
	"_sysctl",	  "afs_syscall",     "create_module", "epoll_ctl_old",
	"epoll_wait_old", "get_kernel_syms", "getpmsg",	      "lookup_dcookie",
	"nfsservctl",	  "putpmsg",	     "query_module",  "security",
	"tuxcall",	  "vserver",	     "uretprobe",     "uprobe",
};

static bool
is_obsolete(const char *name)
{
	for (size_t i = 0; i < sizeof(obsolete) / sizeof(obsolete[0]); i++)
		if (strcmp(name, obsolete[i]) == 0)
			return true;
	return false;
}

/* What is newer than all rules gets ENOSYS; nothing older is forgotten. */
static void
check_complete(const struct arch *arch, const struct numbers *n)
{
	for (size_t nr = 0; nr < n->end; nr++) {
		char *name =
			seccomp_syscall_resolve_num_arch(arch->audit, (int)nr);

		if (name && n->rule[nr] == NO_RULE && !is_obsolete(name))
			die("%s: no rule for it", name);
		free(name);
	}
}

/* The filters one after another, those that are the same once. */
struct output {
	struct sock_filter insns[SECCOMP_NET_END * 4 * MAX_INSNS];
	struct seccomp_filter filters[SECCOMP_NET_END * 4];
	size_t n_insns, n_filters;
};

static void
add_filter(struct output *o, const struct program *p)
{
	size_t n = MAX_INSNS - p->start;
	struct seccomp_filter *f = &o->filters[o->n_filters++];

	f->n = (unsigned short)n;
	for (f->start = 0; f->start < o->n_insns; f->start++)
		if (f->start + n <= o->n_insns &&
		    memcmp(o->insns + f->start, p->insns + p->start,
			   n * sizeof(p->insns[0])) == 0)
			return;
	memcpy(o->insns + o->n_insns, p->insns + p->start,
	       n * sizeof(p->insns[0]));
	o->n_insns += n;
}

static void
print_filters(const struct output *o)
{
	puts("\nconst struct sock_filter seccomp_insns[] = {");
	for (size_t i = 0; i < o->n_insns; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", o->insns[i].code,
		       o->insns[i].jt, o->insns[i].jf, o->insns[i].k);
	puts("};\n\nconst struct seccomp_filter\n"
	     "seccomp_filters[SECCOMP_NET_END][2][2] = {");
	for (size_t i = 0; i < o->n_filters; i += 4) {
		const struct seccomp_filter *f = &o->filters[i];

		printf("\t{ { { %u, %u }, { %u, %u } },\n"
		       "\t  { { %u, %u }, { %u, %u } } },\n",
		       f[0].start, f[0].n, f[1].start, f[1].n, f[2].start,
		       f[2].n, f[3].start, f[3].n);
	}
	puts("};");
}

static void
print_calls(const struct numbers *n)
{
	size_t count = 0;

	puts("\nconst struct seccomp_call seccomp_calls[] = {");
	for (size_t nr = 0; nr < n->end; nr++)
		if (n->rule[nr] != NO_RULE) {
			printf("\t{ %zu, %u },\n", nr, n->rule[nr]);
			count++;
		}
	printf("};\nconst size_t seccomp_n_calls = %zu;\n", count);
}

static void
generate(const struct arch *arch)
{
	static struct program p;
	static struct output output;
	static struct numbers n;

	find_numbers(arch, &n);
	check_complete(arch, &n);
	for (unsigned i = 0; i < SECCOMP_NET_END * 4; i++) {
		struct variant v = { (enum seccomp_net)(i / 4), i & 2, i & 1 };

		compile(&p, arch, &n, &v);
		if (!check(&p, arch, &n, &v))
			exit(1);
		add_filter(&output, &p);
	}
	printf("/* Written by seccomp_gen from seccomp_rules.c, for %s. */\n"
	       "#include \"sandbox/seccomp_rules.h\"\n\n"
	       "#ifndef %s\n#error \"these filters are for another machine\"\n"
	       "#endif\n",
	       arch->name, arch->macro);
	print_filters(&output);
	print_calls(&n);
}

/* seccomp_gen [ARCHITECTURE]: for the machine that builds unless named. */
int
main(int argc, char **argv)
{
	uint32_t native = seccomp_arch_native();

	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
		if (argc > 1 ? strcmp(argv[1], archs[i].name) != 0 :
			       native != archs[i].audit)
			continue;
		generate(&archs[i]);
		return fflush(stdout) || ferror(stdout) ? 1 : 0;
	}
	die("no rules for this architecture");
}
