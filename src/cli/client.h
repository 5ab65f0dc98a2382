/*
 * client.h: talking to the running agent.
 *
 *	if (client_open(&c, config, e) < 0 ||
 *	    client_call(&c, "job.get", params, &v, e) < 0)
 *		return cli_fail(e);
 *
 * An error that the agent answers arrives as it left (proto/rpc.h): its kind
 * gives the exit status.  What the agent says is as hostile as anything: lines
 * are bounded, and a wrong one ends the connection with ERR_AGENT.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "config/config.h"
#include "model/value.h"

#define CLIENT_ANSWER_MS 15000 /* what needs no waiting is answered by then */

struct client {
	int fd;
	char *path;	    /* of the socket */
	int64_t last;	    /* the newest request's id */
	struct buf in;	    /* what came, from `start` on not yet read */
	size_t start, seen; /* up to `seen` there is no line feed */
	struct value *data; /* of the last error; NULL */
};

/*
 * Connect to the agent of this configuration.  Fails with ERR_AGENT where none
 * answers, with ERR_DENIED where there is one and this user may not connect.
 * client_release() also after a failure.
 */
int client_open(struct client *c, const struct config *config, struct err *e);
void client_release(struct client *c); /* cleanup function */

/*
 * Ask, and wait for the answer, CLIENT_ANSWER_MS at most.  `params` is taken
 * over; NULL: none.  *out is the caller's.
 */
int client_call(struct client *c, const char *method, struct value *params,
		struct value **out, struct err *e);

/* Ask; the answer is for client_answer(), or for nobody. */
int client_send(struct client *c, const char *method, struct value *params,
		int64_t *id, struct err *e);

/* What happens until the answer comes. */
struct client_watch {
	/* a notification; may be NULL */
	void (*note)(void *arg, const char *method, const struct value *params);
	/* somebody wants it to end; a negative value does, with `e` filled */
	int (*stop)(void *arg, struct err *e);
	int stop_fd;   /* readable then; -1: never */
	int64_t until; /* of clock_mono_ms(); 0: for ever */
	void *arg;
};

int client_answer(struct client *c, int64_t id, const struct client_watch *w,
		  struct value **out, struct err *e);

/* After a refusal: whether this user may ask for nothing at all. */
bool client_is_stranger(struct client *c);

#endif
