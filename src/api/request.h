/*
 * request.h: from an HTTP request to what the master is asked.
 *
 * No I/O and no clock: what came in, or what is wrong with it, out.
 *
 * 1. map_head() once the header is there: checks it, finds the route, takes
 *    what path, query and header say;
 * 2. map_body() once the body is there (empty where there is none): m->params
 *    is the text of the message's params then;
 * 3. mapped_release(), also after a failure.
 *
 * Refused with the connection closed is whatever two readers could take for
 * different requests: several lengths, any transfer coding, what is no name
 * of a header.  The strings of `struct http_request` are to live as long as
 * the struct mapped.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/problem.h"
#include "api/route.h"
#include "base/buf.h"

#define REQUEST_TARGET_MAX 4096	      /* bytes of a URI */
#define REQUEST_HEADERS_MAX 64	      /* how many */
#define REQUEST_HEADER_BYTES_MAX 8192 /* of all of them */
#define REQUEST_TOKEN_MAX 512
#define REQUEST_DEPTH_MAX 60 /* of the JSON of a body */
#define REQUEST_PAGE 100     /* items of a list, where nobody says how many */

/* Both end with a NUL as well. */
struct http_header {
	const char *name, *value;
	size_t name_len, value_len;
};

struct http_request {
	const char *method;
	const char *target; /* as it came */
	const struct http_header *headers;
	size_t n_headers;
	bool broken; /* a line ended otherwise than by CR LF, or had a NUL */
};

struct map_rules {
	const char *const *hosts; /* names that Host may be, besides localhost
				   * and addresses */
	size_t n_hosts;
	uint64_t body_max;
	bool metrics; /* /metrics is there */
};

struct mapped {
	const struct route *route; /* NULL: OPTIONS */
	const char *ask;	   /* the master's method; NULL: none */
	bool head, stream;
	bool has_body, expects; /* Content-Length > 0; Expect: 100-continue */
	uint64_t body_len;
	struct buf params;
	char allow[ROUTE_ALLOW]; /* of OPTIONS */
	char cursor[72];	 /* of a list that the api cuts */
	int64_t limit, wait_ms;
	const char *token; /* NULL: none */
	const char *accept, *accept_encoding, *if_none_match;
	/* private */
	uint64_t seen;
};

int map_head(const struct http_request *q, const struct map_rules *rules,
	     struct mapped *m, struct problem *pb);
int map_body(struct mapped *m, const char *body, size_t len,
	     struct problem *pb);
void mapped_release(struct mapped *m);

/* A header's value; NULL where it is not there, or there more than once. */
const char *request_header(const struct http_request *q, const char *name,
			   size_t *count);

/* Whether a Host, or the authority of a URI, is one of ours (head.c). */
bool host_is_ours(const char *host, size_t len, const struct map_rules *rules);

/* head.c: what is checked of a header before anything is made of it. */
int head_check(const struct http_request *q, const struct map_rules *rules,
	       struct mapped *m, struct problem *pb);
/* And once the route is known. */
int head_check_route(const struct http_request *q, struct mapped *m,
		     const struct map_rules *rules, struct problem *pb);
/* The path and the query of a target, as they came. */
int head_split_target(const char *target, const struct map_rules *rules,
		      struct json_text *path, struct json_text *query,
		      struct problem *pb);

#endif
