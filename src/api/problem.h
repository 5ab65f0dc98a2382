/*
 * problem.h: what is answered where something is wrong (RFC 9457): a row each
 * in problem.c.
 *
 * A `type` is promised to stay: clients compare it, or `code`, its last part.
 * PROBLEM_KIND is what the master's errors are known by, as data.kind.
 */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum problem_code {
	PROBLEM_NONE,
	/* of the request */
	PROBLEM_INVALID_REQUEST,
	PROBLEM_MALFORMED_HTTP,
	PROBLEM_HEADERS_TOO_LARGE,
	PROBLEM_LENGTH_REQUIRED,
	PROBLEM_TOO_LARGE,
	PROBLEM_URI_TOO_LONG,
	PROBLEM_MEDIA_TYPE,
	PROBLEM_NOT_ACCEPTABLE,
	PROBLEM_METHOD,
	PROBLEM_NO_ROUTE,
	PROBLEM_HOST,
	PROBLEM_CROSS_ORIGIN,
	PROBLEM_TIMEOUT,
	/* of who asks */
	PROBLEM_UNAUTHORIZED,
	PROBLEM_CERTIFICATE,
	PROBLEM_FORBIDDEN,
	/* of what was asked for */
	PROBLEM_DENIED,
	PROBLEM_NOT_FOUND,
	PROBLEM_CONFLICT,
	PROBLEM_TOO_MANY,
	/* of the agent */
	PROBLEM_NOT_IMPLEMENTED,
	PROBLEM_AGENT,
	PROBLEM_UNAVAILABLE,
	PROBLEM_NOT_READY,
	PROBLEM_AGENT_SLOW,
	PROBLEM_COUNT,
};

struct problem_type {
	const char *name; /* the last part of `type` */
	int status;
	const char *title;
	const char *kind; /* the master's data.kind; NULL: never from there */
};

#define PROBLEM_TYPE "urn:devops-agent:problem:"

extern const struct problem_type problem_types[PROBLEM_COUNT];

/* One that was met.  Plain memory: zero it, or PROBLEM_INIT. */
struct problem {
	enum problem_code code;
	char detail[1024];
	char hint[512];
	int64_t retry_after_ms; /* 0: nothing is said of it */
	bool close;		/* the connection can't go on after it */
};

#define PROBLEM_INIT      \
	{                 \
		.code = 0 \
	}

/* Fill `p`; returns -1 so that a failing function may return it. */
int problem_set(struct problem *p, enum problem_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int problem_hint(struct problem *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What came is no HTTP that can be trusted: nothing more is read. */
int problem_close(struct problem *p);

/* By the master's data.kind; PROBLEM_AGENT where it is none we know. */
enum problem_code problem_by_kind(const char *kind);

/*
 * Add it as JSON.  `members` is the text of an object whose members are added
 * too, but those that a problem has itself; NULL: none.
 */
void problem_write(const struct problem *p, const char *members, size_t len,
		   struct buf *out);

#endif
