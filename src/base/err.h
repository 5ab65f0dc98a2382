/*
 * err.h: how a function says what went wrong.
 *
 * A function that input can make fail returns a negative int and fills its
 * last argument; callers add context outwards with err_wrap(), so that a
 * message reads from the outside in ("read config: config.yaml:3:5: unknown
 * key 'intervall'").  Broken invariants call fatal() instead (log.h).
 *
 * A struct err is plain memory: initialise it with ERR_INIT, nothing to free.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* What kind of failure: decides the exit status and the record's code. */
enum err_kind {
	ERR_NONE,
	ERR_AGENT,     /* the agent or its host failed (exit 125) */
	ERR_USAGE,     /* wrong usage, configuration, header, parameters (2) */
	ERR_DENIED,    /* a permission was not granted (3) */
	ERR_NOT_FOUND, /* no such plugin, job or schedule (4) */
	/* what the HTTP API tells apart; on the command line as those above */
	ERR_CONFLICT,	  /* it is not in a state for that (2) */
	ERR_TOO_MANY,	  /* of what is bounded: later (2) */
	ERR_UNAVAILABLE,  /* the agent can't now: later (125) */
	ERR_UNAUTHORIZED, /* who asks is not known (3) */
	ERR_FORBIDDEN,	  /* who asks is known, and may not (3) */
	ERR_KINDS,
};

struct err {
	enum err_kind kind;
	int errnum;	/* errno behind it, 0 where there is none */
	char msg[1024]; /* one line, no full stop, never empty */
	char hint[512]; /* what to do about it, "" where unknown */
};

#define ERR_INIT                    \
	{                           \
		ERR_NONE, 0, "", "" \
	}

/* Fill `e`; returns -1 so that a failing function may return it. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with ": <strerror(errno)>" added; keeps errno in e->errnum. */
int err_errno(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Put "<text>: " before the message; returns -1. */
int err_wrap(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Say what the user can do about it; returns -1. */
int err_hint(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The exit status of the command line for this kind of failure. */
int err_exit_status(const struct err *e);

#endif
