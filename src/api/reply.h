/*
 * reply.h: what is sent back: made of the master's answer by the route's
 * reply_fn (route.h), or of a problem.
 */
#ifndef API_REPLY_H
#define API_REPLY_H

#include <stdbool.h>

#include "api/problem.h"
#include "api/request.h"
#include "base/buf.h"

#define REPLY_MAX (80UL << 20) /* bytes of a body */

#define TYPE_JSON "application/json"
#define TYPE_PROBLEM "application/problem+json"

struct reply {
	int status;
	const char *type;
	struct buf body;
	char location[64]; /* "": none */
	bool etag;	   /* of its body, where nothing changed a 304 */
	bool close;
	int64_t retry_after_s; /* 0: none */
	bool challenge;	       /* 401: with WWW-Authenticate */
	char allow[ROUTE_ALLOW];
};

void reply_init(struct reply *r);
void reply_release(struct reply *r);

/* `m` may be NULL; `members` as of problem_write(). */
void reply_problem(struct reply *r, const struct problem *p,
		   const struct mapped *m, const char *members, size_t len);
/* To OPTIONS. */
void reply_options(struct reply *r, const struct mapped *m);

#endif
