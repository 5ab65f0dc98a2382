/*
 * history.h: where runs are kept: the database that the configuration names.
 *
 * Without a configuration file nothing is kept: a run then has the time in
 * microseconds as its id, which grows and does not come again.
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "base/err.h"
#include "cli/context.h"
#include "model/record.h"
#include "proto/logbook.h"
#include "store/store.h"

struct history {
	struct store *store; /* NULL: nothing is kept */
	struct agent_id agent;
};

/* Opens it where there is one, and fills h->agent. */
int history_open(struct history *h, const struct context *x, struct err *e);
void history_release(struct history *h); /* cleanup function */

/* Sets r->id and r->agent; on disk, where it is kept, before it returns. */
int history_start(struct history *h, struct record *r, struct err *e);
int history_finish(struct history *h, const struct record *r,
		   const struct logbook *logs, struct err *e);

/* Retention: removes some of what is too old or too much. */
int history_prune(struct history *h, const struct config *config,
		  struct err *e);

#endif
