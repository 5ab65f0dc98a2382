/*
 * gen.h: compile the system call rules into filters.
 *
 * A program that runs while building: it links libseccomp, only to learn the
 * numbers of system calls, and writes a C file to standard output.  Anything
 * wrong with the rules ends it with 1, and so the build.
 *
 *	main.c		numbers, checks of the rules, output
 *	compile.c	rules to BPF
 *	check.c		runs the BPF against the rules
 */
#ifndef SANDBOX_GEN_GEN_H
#define SANDBOX_GEN_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/seccomp_rules.h"

#define MAX_CALLS 1024 /* numbers of system calls are below */
#define MAX_INSNS 4096 /* BPF_MAXINSNS */
#define NO_RULE UINT16_MAX

struct arch {
	const char *name;
	const char *macro; /* what its compilers define */
	uint32_t audit;	   /* AUDIT_ARCH_* */
	bool x32;	   /* has a second set of numbers */
};

/* The rules by number: index of the first, or NO_RULE; `end` is past all. */
struct numbers {
	uint16_t rule[MAX_CALLS];
	size_t end;
};

/* Written backwards: the instructions from `start` on are there. */
struct program {
	struct sock_filter insns[MAX_INSNS];
	size_t start;
};

/* The rules of one system call: how many stand together from `first` on. */
size_t rule_chain(size_t first);

/* What a filter is made for; all else is left open, see SECCOMP_OPEN. */
struct variant {
	enum seccomp_net net;
	bool trace;
	bool notify;
};

/* What a rule makes the filter return. */
uint32_t rule_action(const struct seccomp_rule *r, const struct variant *v);

void compile(struct program *p, const struct arch *arch,
	     const struct numbers *n, const struct variant *v);

/*
 * Interpret the program for every number, for arguments around every
 * condition, for other architectures and x32: the rules, read one by one,
 * must say the same.  Prints the first difference and returns false.
 */
bool check(const struct program *p, const struct arch *arch,
	   const struct numbers *n, const struct variant *v);

void die(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#endif
