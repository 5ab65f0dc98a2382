/*
 * seccomp_rules.h: the system call filter as data.
 *
 * Shared by the program that compiles the rules into filters while building
 * (gen/) and by the agent, which completes a filter for what a plugin was
 * granted and explains refusals (seccomp.c).
 *
 * The rules of one system call stand together and are tried in their order:
 * the first whose conditions all hold decides, and the last has none.
 */
#ifndef SANDBOX_SECCOMP_RULES_H
#define SANDBOX_SECCOMP_RULES_H

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/seccomp.h"

enum seccomp_act {
	ACT_ALLOW,
	ACT_TRACED, /* names a path: allowed, asked for when tracing */
	ACT_ASK,    /* the listener is told and lets it go on */
	ACT_JUDGE,  /* allowed where its need is met; else the listener is told
		       and decides, and without one it is refused */
	ACT_REFUSE, /* the listener is told; EPERM */
	ACT_KILL,   /* the listener is told and kills */
	ACT_SILENT, /* told to nobody; errno is rule.error */
};

/* What must be granted for a rule to hold; refused where it is not. */
enum seccomp_need {
	NEED_NOTHING,
	NEED_TCP,
	NEED_UDP,
	NEED_LISTEN,
	NEED_COUNTED, /* a control group that counts memory */
	NEED_MEMORY_FILE,
	NEED_NET, /* a network that is not empty */
	NEED_HOST_NET,
	NEED_UNIX,
	NEED_INIT, /* being pid 1 of the sandbox */
	NEED_PERFMON,
	NEED_SYS_ADMIN,
	NEED_SYS_CHROOT,
	NEED_SYS_NICE,
	NEED_SYS_PACCT,
	NEED_SYS_TIME,
	NEED_SYS_TTY_CONFIG,
	NEED_SYSLOG,
};

/* (half of an argument & mask) == value; a mask of 0 ends the list. */
struct seccomp_when {
	uint8_t arg;
	uint8_t high; /* the upper half; else the lower one */
	uint32_t mask;
	uint32_t value;
};

#define SECCOMP_MAX_WHEN 3

/* Without pointers, so that the table costs nothing when a program starts. */
struct seccomp_rule {
	char name[28];
	uint8_t act;
	uint8_t need;
	uint8_t error;	/* where `need` is missing; 0: refused */
	uint8_t recent; /* an older libseccomp may not know it */
	struct seccomp_when when[SECCOMP_MAX_WHEN];
};

extern const struct seccomp_rule seccomp_rules[];
extern const size_t seccomp_n_rules;

/* What satisfies a need, and how a plugin's header asks for it. */
struct seccomp_grant {
	uint8_t nets;	    /* bit 1 << SECCOMP_NET_x: comes with these */
	bool only_nets;	    /* and by nothing else */
	uint8_t capability; /* CAP_x; 0: a feature of its own */
	char permission[32];
};

extern const struct seccomp_grant seccomp_grants[];

/*
 * Written by gen/: a filter for each network, without and with tracing,
 * without and with a listener; and where the rules of each system call of
 * this architecture begin, by number.
 */
struct seccomp_filter {
	uint32_t start; /* index into seccomp_insns */
	unsigned short n;
};

struct seccomp_call {
	uint16_t nr;
	uint16_t rule;
};

extern const struct sock_filter seccomp_insns[];
extern const struct seccomp_filter seccomp_filters[SECCOMP_NET_END][2][2];
extern const struct seccomp_call seccomp_calls[];
extern const size_t seccomp_n_calls;

/*
 * What a filter returns where the network alone does not decide: allowed if
 * the need is met.  The kernel's filters here never want a tracer.
 */
#define SECCOMP_OPEN(need, error) \
	(SECCOMP_RET_TRACE | (uint32_t)(need) << 8 | (uint32_t)(error))
#define SECCOMP_IS_OPEN(k) (((k)&SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE)
#define SECCOMP_OPEN_NEED(k) ((enum seccomp_need)((k) >> 8 & 0xff))
#define SECCOMP_OPEN_ERROR(k) ((k)&0xff)

/* Linux 5.0: the headers of older systems lack it. */
#ifndef SECCOMP_RET_USER_NOTIF
#define SECCOMP_RET_USER_NOTIF 0x7fc00000U
#endif

#endif
