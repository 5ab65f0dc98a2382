/*
 * upstream.h: the api's side of the socket to the master: JSON-RPC lines, any
 * number of requests under way at once.
 *
 * 1. upstream_open() on the descriptor; hooks are called from the loop;
 * 2. upstream_ask() with a struct call of the caller's, which stays until it
 *    was answered or upstream_cancel() was called;
 * 3. upstream_flush() at the end of each turn of the loop sends what gathered.
 *
 * What the master says is passed on as checked JSON text, borrowed for the
 * call.  A master that says what is no message, or that has gone, is told by
 * hooks->gone, once; the process ends then.
 */
#ifndef API_UPSTREAM_H
#define API_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/problem.h"
#include "base/buf.h"
#include "base/loop.h"
#include "proto/json.h"
#include "proto/line.h"

#define UPSTREAM_LINE_MAX (64UL << 20) /* bytes of a line that comes */
#define UPSTREAM_ASK_MAX (1UL << 20)   /* bytes of a line that goes */
#define UPSTREAM_OUT_MAX (16UL << 20)  /* bytes that wait to go */
#define UPSTREAM_CALLS_MAX 16384       /* under way */

struct answer {
	struct json_text result; /* where problem.code is PROBLEM_NONE */
	struct problem problem;
	struct json_text members; /* the error's data; s may be NULL */
};

struct call {
	/* once; the call is over then */
	void (*answered)(void *arg, const struct answer *a);
	/* any time before; NULL: of no interest */
	void (*notified)(void *arg, const char *method,
			 struct json_text params);
	void *arg;
	/* private */
	int64_t id; /* 0: not under way */
};

struct upstream_hooks {
	/* a notification that belongs to no call */
	void (*notified)(void *arg, const char *method,
			 struct json_text params);
	void (*gone)(void *arg, const char *why);
	void *arg;
};

struct upstream_slot {
	struct call *call;
	int64_t id;
	size_t next; /* free one */
};

struct upstream {
	struct loop_io io;
	struct upstream_hooks hooks;
	struct line_splitter lines;
	struct buf out;
	struct upstream_slot *slots;
	size_t n_slots, free_slot, under_way;
	int64_t last_id;
	bool broken;
};

/* `fd` stays the caller's. */
void upstream_open(struct upstream *c, struct loop *l, int fd,
		   const struct upstream_hooks *hooks);
void upstream_release(struct upstream *c);

/*
 * `params` and `auth` are the texts of objects on one line; `auth` may be
 * NULL.  -1 with `pb`: it was not asked.
 */
int upstream_ask(struct upstream *c, struct call *call, const char *method,
		 const struct buf *params, const struct buf *auth,
		 struct problem *pb);
/* No answer is wanted any more; fine when not under way. */
void upstream_cancel(struct upstream *c, struct call *call);
/* A notification; dropped where too much waits to go. */
void upstream_say(struct upstream *c, const char *method,
		  const struct buf *params);
void upstream_flush(struct upstream *c);

static inline bool
call_is_under_way(const struct call *call)
{
	return call->id != 0;
}

#endif
