/*
 * confine_parts.h: what the files of confine.h share.
 */
#ifndef SANDBOX_CONFINE_PARTS_H
#define SANDBOX_CONFINE_PARTS_H

#include <linux/filter.h>

#include <stddef.h>

#include "sandbox/confine.h"

/* --- confine_rules.c ---------------------------------------------------- */

enum confine_act {
	CONFINE_ALLOW,
	CONFINE_FAIL, /* with `error` */
	CONFINE_KILL,
};

/* (half of an argument & mask) == value, or != value where `differs` */
struct confine_when {
	uint8_t arg;
	bool high;     /* the upper half */
	bool own;      /* `value` is the program's own process id */
	uint32_t mask; /* 0: no condition */
	uint32_t value;
};

/* Rows of a call stand together; the first whose conditions hold decides. */
struct confine_rule {
	int nr;
	enum confine_act act;
	unsigned lists; /* set of 1 << enum confine_list */
	int error;
	struct confine_when when[2];
};

extern const struct confine_rule confine_rules[];
extern const size_t confine_n_rules;
/* Calls above it are newer than the rules: ENOSYS. */
extern const int confine_newest;

/* --- confine_filter.c --------------------------------------------------- */

int confine_filter(enum confine_list list, struct err *e);

/* --- confine_root.c ----------------------------------------------------- */

/* 0 and the LAYER_* that stand; none where user namespaces are not to be had.
 */
int confine_namespaces(const struct confine *c, unsigned *layers,
		       struct err *e);

#endif
