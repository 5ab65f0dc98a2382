/*
 * control.h: the agent's socket, and who is on it.
 *
 * Clients are known by the user id that the kernel gives (SO_PEERCRED), and
 * speak JSON-RPC lines (proto/rpc.h).  What each may ask for is a table
 * (messages.c).  Nothing a client does delays another: lines are bounded,
 * output is bounded, one that does not read is not read from, and one that
 * begins a line has CLIENT_LINE_MS to end it.
 *
 * A message's handler answers at once, or keeps its struct request and
 * answers later; the answer leaves after the turn's commit.
 */
#ifndef MASTER_CONTROL_H
#define MASTER_CONTROL_H

#include <sys/queue.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "model/value.h"
#include "proto/line.h"
#include "proto/rpc.h"

struct master;
struct live_job;
struct client;

#define CLIENTS_MAX 1024
#define CLIENT_REQUESTS_MAX 10000 /* that wait for their answer */
#define CLIENT_LINE_MS 30000	  /* from the first byte of a line to its end */
#define CLIENT_OUT_PAUSE (1UL << 20) /* unread by it: nothing more is read */
#define CLIENT_OUT_MAX (64UL << 20)  /* unread by it: it is dropped */

enum role {
	ROLE_NONE,   /* may connect, and is told that it may not */
	ROLE_RUNNER, /* a member of agent.group: may run plugins and look */
	ROLE_ADMIN,  /* root, or the agent's own account */
};

/* One that waits for its answer. */
struct request {
	LIST_ENTRY(request) by_client;
	LIST_ENTRY(request) by_job;
	struct master *master;
	struct client *client;
	struct rpc_id id;
	/* of one that waits for a job, or follows it */
	int64_t job_id;
	bool waits_job; /* it is in a job's list */
	bool wait, follow;
	uint64_t lines; /* of log that it was sent */
	struct loop_timer timer;
	struct ticket *ticket; /* what others hold of it; NULL */
};

/*
 * What somebody holds who answers later, as the client may go meanwhile:
 * ticket_take() gives the request, or NULL where it has gone, and ends the
 * ticket; ticket_drop() ends it where nobody will.
 */
struct ticket *ticket_for(struct request *q);
struct request *ticket_take(struct ticket *t);
void ticket_drop(struct request *q);

TAILQ_HEAD(clients, client);

struct control {
	struct loop_io listener;
	int fd;
	char *path; /* NULL: the socket is not ours to remove */
	struct clients clients;
	size_t n;
	bool full; /* not listening until a client goes */
	uint64_t accepted, refused, requests, errors;
};

/* Listen at the configured place, or on what systemd handed over. */
int control_open(struct master *m, struct err *e);
void control_close(struct master *m);
/* Send what there is to send; the loop calls it after the commit. */
void control_flush(struct master *m);

enum role request_role(const struct request *q);
uid_t request_uid(const struct request *q);

/* Answer, and free the request.  `v` and `data` are taken over. */
void request_answer(struct request *q, struct value *v);
void request_fail(struct request *q, const struct err *e, struct value *data);
/* Something on the way to the answer; `params` is taken over. */
void request_notify(struct request *q, const char *method,
		    struct value *params);

#endif
