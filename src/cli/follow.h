/*
 * follow.h: staying with a job of the agent until its end.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"
#include "cli/client.h"

struct follow {
	int64_t job;
	bool lines;	/* show its log; otherwise only wait */
	bool to_stdout; /* the log is what was asked for; as JSON: */
	bool json;
	bool cancels;	    /* the first ^C cancels it, a second one leaves */
	int64_t timeout_ms; /* 0: none */
	/* set meanwhile */
	struct client *client;
	bool interrupted;
	int stop_fd;
};

/*
 * The job's record, once it has ended; where the time is up before, as it is.
 * Without `cancels` SIGINT, SIGTERM and SIGHUP end this process as usual.
 */
int follow_job(struct follow *f, struct client *client, struct value **record,
	       struct err *e);

/*
 * Readable when the user, or who stops us, wants the run to end: blocks the
 * three signals.
 */
int follow_catch_signals(struct err *e);

/* A line of log as the agent gives it; as JSON on standard output. */
void follow_print_line(const struct value *line, bool to_stdout, bool json);

/*
 * Follow it and show what it came to; the exit status.  As `run` does: the
 * first ^C cancels the job.
 */
int follow_to_end(const struct cli *c, struct client *client, int64_t id);

#endif
