/*
 * request.h: what somebody asked for, until it is answered.
 *
 * A channel is where requests come from and answers go to: a client of the
 * agent's socket (control.h), or a program of the agent's (peers.h).  Its
 * owner reads lines, calls request_take() or request_new(), and writes
 * channel.out once the turn was committed.
 *
 * Who asks is known for each request: a user of this host by the kernel, a
 * client of the HTTP API by its token (api.h).  What he may is a table
 * (messages.h).
 *
 * A handler answers at once, or keeps its struct request and answers later;
 * either frees it.  It is freed as well when its channel or its client goes.
 */
#ifndef MASTER_REQUEST_H
#define MASTER_REQUEST_H

#include <sys/queue.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "model/role.h"
#include "model/value.h"
#include "proto/rpc.h"

struct master;
struct live_job;
struct request;

#define CHANNEL_REQUESTS_MAX 10000	/* that wait for their answer */
#define CHANNEL_FOLLOW_MAX (32UL << 20) /* unread by it: no more of a log */
#define CALLER_NAME 128
#define CALLER_ADDRESS 64

struct caller {
	enum role role;
	uid_t uid;	  /* of this host; (uid_t)-1: comes from elsewhere */
	int64_t token;	  /* its id; 0: none */
	bool anonymous;	  /* he did not say who he is */
	bool certificate; /* who he is he said by one */
	char name[CALLER_NAME];	      /* "uid 0", "token deploy" */
	char address[CALLER_ADDRESS]; /* "" on this host's socket */
};

struct channel {
	struct master *master;
	struct buf out;
	size_t sent; /* of out, which is moved only now and then */
	LIST_HEAD(, request) requests;
	size_t n_requests;
	bool tagged; /* many speak by it: notifications name their request */
};

/* One that waits for its answer. */
struct request {
	LIST_ENTRY(request) by_channel;
	LIST_ENTRY(request) by_job;
	struct master *master;
	struct channel *channel;
	struct caller caller;
	struct rpc_id id;
	/* of one that waits for a job, or follows it */
	int64_t job_id;
	bool waits_job; /* it is in a job's list */
	bool wait, follow;
	uint64_t lines; /* of log that it was sent */
	bool behind;	/* there was no room for more */
	struct loop_timer timer;
	struct ticket *ticket; /* what others hold of it; NULL */
	/* called as it is freed, whyever; NULL: nothing to let go of */
	void (*release)(struct request *q);
	void *data;  /* of whoever set release() */
	char *audit; /* what he wants to change; NULL: nothing */
};

/* What is still to be sent. */
static inline size_t
channel_backlog(const struct channel *c)
{
	return c->out.len - c->sent;
}

/* So much more of it was sent. */
void channel_sent(struct channel *c, size_t n);

void channel_init(struct channel *c, struct master *m, size_t out_max);
/* Frees its requests, unanswered, and what was not sent. */
void channel_release(struct channel *c);
void channel_drop_requests(struct channel *c);

/* The request is the channel's until it is answered; `id` may be "". */
struct request *request_new(struct channel *c, const struct caller *caller,
			    const struct rpc_id *id);
/* That of this id, NULL where there is none. */
struct request *request_find(const struct channel *c, const char *id);

/*
 * Look for its message, check who asks and what, and call its handler.
 * `where` is one of enum message_where (messages.h).
 */
void request_take(struct channel *c, const struct caller *caller,
		  const struct rpc_request *r, unsigned where);

/* Answer, and free the request.  `v` and `data` are taken over. */
void request_answer(struct request *q, struct value *v);
void request_fail(struct request *q, const struct err *e, struct value *data);
/* Nobody waits for it any more: free it without an answer. */
void request_forget(struct request *q);
/* Something on the way to the answer; `params` is taken over. */
void request_notify(struct request *q, const char *method,
		    struct value *params);
/* Where many speak by its channel: what is on the way will come. */
void request_stream(struct request *q);

/*
 * What somebody holds who answers later, as the client may go meanwhile:
 * ticket_take() gives the request, or NULL where it has gone, and ends the
 * ticket; ticket_drop() ends it where nobody will.
 */
struct ticket *ticket_for(struct request *q);
struct request *ticket_take(struct ticket *t);
void ticket_drop(struct request *q);

#endif
