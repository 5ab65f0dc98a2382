/*
 * asked.h: what the commands on the agent have in common: its configuration,
 * its connection, and one answer.
 */
#ifndef CLI_ASKED_H
#define CLI_ASKED_H

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/context.h"
#include "model/value.h"

struct asked {
	struct context context;
	struct client client;
};

/* asked_release() also after a failure. */
int asked_open(struct asked *a, const struct cli *c, struct err *e);
void asked_release(struct asked *a); /* cleanup function */

/*
 * The whole of it: one call; `params` is taken over. Prints what went wrong,
 * and returns the exit status.
 */
int asked_call(const struct cli *c, const char *method, struct value *params,
	       struct value **answer);

/* The job's id that the command's first argument is. */
int asked_id(const struct cli *c, int64_t *id, struct err *e);

/* {"id": ...}, {"name": ...}: of the command's first argument. */
struct value *asked_id_params(int64_t id);
struct value *asked_name_params(const struct cli *c);

/* The items of a list's answer; NULL where it has none. */
const struct value *asked_items(const struct value *answer, size_t *n);

/*
 * Print those items, --limit at most: by --json each a line, else as a table
 * to which `add` adds one.
 */
struct table;
struct column;
void asked_print(const struct cli *c, const struct value *answer,
		 const struct column *columns,
		 void (*add)(struct table *t, const struct value *item));

#endif
