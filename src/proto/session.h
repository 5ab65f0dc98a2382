/*
 * session.h: the agent's side of the conversation with one worker.
 *
 * No I/O and no clock: the owner feeds the bytes that the worker wrote on its
 * standard output, and writes what gathers in `out` to its standard input.
 *
 *	session_init(&s, output_limit, &handlers, arg);
 *	session_request(&s, &request, &e);	before or after "ready"
 *	write(in, s.out.data, s.out.len), buf_consume(&s.out, written)
 *	session_feed(&s, bytes, n, &e);		calls the handlers
 *	session_end(&s, &e);			at the end of the stream
 *	session_release(&s);
 *
 * A worker is asked one thing at a time. What it says wrong ends the session:
 * session_feed() returns -1, the state is SESSION_DEAD, and the error says
 * what came at which byte ("standard output: at byte 57: ..."). The owner
 * then kills the worker and fails the job, even where an answer came before:
 * a second answer is such an error, so the job is over only when the next
 * request is made or the stream has ended.
 *
 * docs/protocol.md is the outside of this.
 */
#ifndef PROTO_SESSION_H
#define PROTO_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/strv.h"
#include "model/value.h"
#include "proto/json.h"
#include "proto/line.h"

#define SESSION_PROTOCOL 1
#define SESSION_ENVELOPE 4096	    /* of a line, beside its result */
#define SESSION_TEXT_MAX (64 << 10) /* log message, fields; error text */
#define SESSION_METRICS_MAX 1000    /* a job */
#define SESSION_WARNINGS_MAX 20	    /* a job */
#define SESSION_NAME_MAX 128	    /* metric, label, unit, method, sdk */
#define SESSION_PROGRESS_MAX 1024   /* of its message; the rest is cut */
#define SESSION_LABELS_MAX 16	    /* a metric */
#define SESSION_LABEL_MAX 256	    /* bytes of a label's value */
#define SESSION_METHODS_MAX 64
#define SESSION_DATA_MAX 64	/* members of an error's data */
#define SESSION_REPLIES_MAX 256 /* requests to the agent, a job */

enum session_state {
	SESSION_STARTING, /* "ready" has not come */
	SESSION_ASKED,	  /* neither, but a request was made already */
	SESSION_READY,	  /* waits for a request */
	SESSION_BUSY,	  /* has one */
	SESSION_DEAD,	  /* ended, or said something wrong */
	SESSION_STATES
};

const char *session_state_name(enum session_state state);

/* The error of an answer, or why the plugin could not be loaded. */
struct session_error {
	int64_t code;	     /* -32000: the plugin failed */
	const char *message; /* NUL-terminated, may hold more NULs */
	size_t message_len;
	int64_t retry_after_ms; /* -1: it asked for no retry */
	/*
	 * What else it said ("type", "errno", "filename", "filename2",
	 * "traceback", "code", ...): an object, seldom something else, NULL
	 * where nothing. Scalars are decoded; arrays, objects and numbers that
	 * no int64_t holds are VALUE_RAW. The handler takes it over.
	 */
	struct value *data;
};

struct session_metric {
	const char *name;	    /* [a-zA-Z_:][a-zA-Z0-9_:]* */
	double number;		    /* finite */
	struct json_text value;	    /* the same as it was written */
	const char *unit;	    /* "" where not given */
	const char *kind;	    /* "gauge" or "counter": static text */
	const struct value *labels; /* object of strings, maybe empty */
};

/*
 * Any may be NULL. Everything handed over is borrowed for the call, unless it
 * says otherwise. A handler must not feed or release the session, but may
 * make the next request.
 */
struct session_handlers {
	void (*ready)(void *arg, const char *sdk, const struct strv *methods);
	/* the session is dead then: "register" is missing, an import failed */
	void (*load_failed)(void *arg, struct session_error *error);
	void (*result)(void *arg, int64_t id, struct json_text result);
	void (*error)(void *arg, int64_t id, struct session_error *error);
	/*
	 * In any state, also of the session itself (a malformed message).
	 * The message is NUL-terminated UTF-8; left_out counts what was cut
	 * off it. `fields` is a JSON object, s is NULL where empty.
	 */
	void (*log)(void *arg, enum log_level level, const char *message,
		    size_t len, uint64_t left_out, struct json_text fields);
	void (*metric)(void *arg, const struct session_metric *metric);
	/* fraction is 0 to 1, message "" where not given */
	void (*progress)(void *arg, double fraction, const char *message);
};

/* What is asked; borrowed for the call. */
struct session_request {
	int64_t id;		   /* of the job, and so of the request */
	const char *method;	   /* "run" */
	const struct value *input; /* object; NULL: {} */
	const char *job_name;
	int64_t attempt;
	int64_t timeout_ms;
	const struct value *secrets; /* object of strings; NULL: {} */
	bool always; /* runs for ever: its metrics are not counted */
};

struct session {
	enum session_state state; /* to be read only */
	struct buf out;		  /* for the worker's standard input */
	struct strv methods;	  /* of "ready" */

	/* private */
	const struct session_handlers *handlers;
	void *arg;
	size_t output_limit;
	struct line_splitter lines;
	int64_t id;	/* asked last */
	bool asked;	/* whether there is such a one */
	bool always;	/* it runs for ever */
	size_t metrics; /* of this job, with those dropped */
	size_t warnings;
	size_t replies;
	struct buf scratch;
};

/* `output_limit` in bytes bounds a result; `handlers` must outlive it. */
void session_init(struct session *s, size_t output_limit,
		  const struct session_handlers *handlers, void *arg);
void session_release(struct session *s);

/*
 * Ask for something: adds a line to `out`. Fails in any other state than
 * SESSION_STARTING and SESSION_READY, and where the line would be longer than
 * BUF_MAX_DEFAULT.
 */
int session_request(struct session *s, const struct session_request *request,
		    struct err *e);

/* Ask to stop what was asked for, if it is under way. */
void session_cancel(struct session *s);

/* Whether "ready" named this method. */
bool session_has_method(const struct session *s, const char *method);

/*
 * The next bytes of the worker's standard output. Once the session is dead
 * they are discarded, and nothing is an error any more.
 */
int session_feed(struct session *s, const char *data, size_t len,
		 struct err *e);

/*
 * The worker's standard output ended: an error within a line, before "ready"
 * or before the answer; fine otherwise. The state is SESSION_DEAD then.
 */
int session_end(struct session *s, struct err *e);

/* A metric as the job record has it, as VALUE_RAW. */
struct value *session_metric_value(const struct session_metric *metric);

#endif
