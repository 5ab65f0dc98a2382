/*
 * try.h: which layers of the sandbox this kernel and host really enforce.
 *
 * The caller's steps:
 *
 *	for (int i = 0; i < TRY_LAYERS; i++)
 *		try_layer(1u << i, &results[i])	each layer by itself
 *	n = try_facts(facts)			what explains the rest
 *	try_whole(&spec, &whole)		all layers at once, timed
 *
 * A layer is not asked for but tried: in a process of its own the allowed act
 * has to work and the forbidden one has to fail in the way that the layer
 * makes it fail.  That process and all that it started are killed and reaped
 * after TRY_TIMEOUT_MS at the latest.  Nothing is left on the host but what
 * every sandbox leaves there (/run/devops_agent, where root starts them).
 *
 * Nothing here fails: what can't be tried is absent, with the reason.  The
 * caller has one thread and does not wait for children of its own meanwhile.
 */
#ifndef SANDBOX_TRY_H
#define SANDBOX_TRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/layer.h"
#include "sandbox/sandbox.h"

#define TRY_LAYERS 13
#define TRY_TIMEOUT_MS 5000

enum try_state {
	TRY_ABSENT,
	TRY_WEAKER, /* something of it holds, less than it is meant to */
	TRY_ENFORCED,
};

struct try_result {
	unsigned layer; /* LAYER_* */
	enum try_state state;
	bool counts;	  /* whoever requires the layer has it */
	char detail[400]; /* what that means here; one line, never empty */
	char hint[400];	  /* how to get more; "" where there is no more */
};

/* "absent", "weaker", "enforced". */
const char *try_state_name(enum try_state state);

void try_layer(unsigned layer, struct try_result *r);

/* --- The host ------------------------------------------------------------- */

#define TRY_MAX_FACTS 24

struct try_fact {
	char name[48];	 /* "kernel", "user.max_user_namespaces" */
	char value[200]; /* one line */
	char hint[400];	 /* what to do about it; "" where it is fine */
};

/* Fills what is known here, the most general first; returns how many. */
size_t try_facts(struct try_fact facts[TRY_MAX_FACTS]);

/* --- A whole sandbox ------------------------------------------------------ */

#define TRY_TIMES 5

struct try_whole {
	bool started; /* each time, and the program ended by itself */
	unsigned layers;
	int landlock_abi;
	int64_t entered_us; /* until every layer stood; medians */
	int64_t gone_us;    /* until no process of it was left */
	char error[1024];   /* why it did not start */
};

/*
 * Start this sandbox TRY_TIMES times.  Its program must need no input and end
 * at once by itself; spec->require is obeyed.
 */
void try_whole(const struct sandbox_spec *spec, struct try_whole *w);

#endif
