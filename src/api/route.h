/*
 * route.h: what can be asked for over HTTP: a row each in route.c.
 *
 * /openapi.json and docs/api.md are made from the rows.  Who may is said here
 * for the reader; the master decides it.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/param.h"
#include "api/problem.h"
#include "base/buf.h"
#include "proto/json.h"

enum route_verb {
	VERB_GET, /* and HEAD */
	VERB_POST,
};

enum route_role {
	FOR_ALL, /* without a token */
	FOR_READER,
	FOR_OPERATOR,
	FOR_ADMIN,
};

struct mapped;
struct reply;

/*
 * Make the reply of what the master answered (`result` is absent where
 * nothing was asked): fill `r`, or `pb` and return -1.
 */
typedef int reply_fn(const struct mapped *m, struct json_text result,
		     struct reply *r, struct problem *pb);

struct route {
	enum route_verb verb;
	enum route_role role;
	const char *path; /* "/v1/jobs/{id}" */
	const char *id;	  /* operationId, and the label of its metrics */
	const char *ask;  /* the master's method; NULL: the api knows */
	const struct param *takes;
	reply_fn *reply;
	const char *schema; /* of the answer, in schema.c; NULL: no JSON */
	const char *type;   /* of the answer; NULL: application/json */
	int status;
	bool streams; /* always */
	bool etag;    /* polled: answered by 304 where nothing changed */
	const char *summary;
	const char *details; /* NULL: nothing more to say */
};

extern const struct route routes[];
extern const size_t routes_count;

/*
 * The route of a method ("HEAD" is "GET") and a path.  *captured is the part
 * of the path that stands for {x}, as it came.  NULL with `pb`: there is
 * none, or it has other methods (PROBLEM_METHOD).
 */
const struct route *route_find(const char *method, const char *path, size_t len,
			       struct json_text *captured, struct problem *pb);
/* The methods of a path, "GET, HEAD, OPTIONS"; "" where there are none. */
#define ROUTE_ALLOW 64
void route_allow(const char *path, size_t len, char allow[ROUTE_ALLOW]);

const char *route_verb_name(enum route_verb verb);
const char *route_role_name(enum route_role role);

/* A parameter of a route; NULL where it takes none of that name there. */
const struct param *route_param(const struct route *r, enum param_in in,
				const char *name, size_t len);

reply_fn reply_plain, reply_created, reply_jobs, reply_logs, reply_named;
reply_fn reply_metrics, reply_alive, reply_ready, reply_openapi;

#endif
