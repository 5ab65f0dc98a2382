/*
 * submit.h: handing the agent a job, by a message of job.submit's kind.
 *
 * `params` is the message's object, to which the functions add.
 */
#ifndef CLI_SUBMIT_H
#define CLI_SUBMIT_H

#include "cli/cli.h"
#include "cli/client.h"
#include "model/value.h"

/*
 * What runs: the plugin of that name or, where `plugin` is NULL, the file at
 * `path`, which the agent is given as an absolute one.
 */
int submit_source(struct value *params, const char *plugin, const char *path,
		  struct err *e);

/* --params, the KEY=VALUE words, --secrets, --method. */
int submit_input(struct value *params, const struct cli *c, char **words, int n,
		 struct err *e);

/*
 * Send it; *answer is the job's record as it begins.  On failure the reason is
 * printed, and the exit status returned; else 0.  `params` is taken over.
 */
int submit_send(const struct cli *c, struct client *client, const char *method,
		struct value *params, struct value **answer);

/* The same, and stay with the job to its end; the exit status. */
int submit_and_wait(const struct cli *c, struct client *client,
		    const char *method, struct value *params);

#endif
