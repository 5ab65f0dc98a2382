/*
 * rpc.h: JSON-RPC 2.0 lines between the agent and its clients.
 *
 * The agent reads requests, whose params are an object and may be absent, and
 * adds answers to a client's buffer. A client does the reverse. One object a
 * line, no batches. docs/protocol.md has the messages.
 *
 * An error travels as {"code": RPC_*, "message": "...", "data": {"kind":
 * "not_found", "hint": "...", ...}}, so that a struct err arrives as it left.
 */
#ifndef PROTO_RPC_H
#define PROTO_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/value.h"

#define RPC_LINE_MAX (8UL << 20) /* bytes of a request */
#define RPC_ANSWER_MAX (BUF_MAX_DEFAULT * 2)
#define RPC_ID_MAX 128 /* bytes of an id as it is written */
#define RPC_METHOD_MAX 64

enum rpc_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_NO_METHOD = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_FAILED = -32000, /* what was asked for could not be done */
};

/* Who asked: a number or a string, as JSON text; "" in a notification. */
struct rpc_id {
	char text[RPC_ID_MAX + 1];
};

struct rpc_request {
	struct rpc_id id;
	char method[RPC_METHOD_MAX + 1];
	struct value *params; /* an object, never NULL */
	/* who asks, where somebody else passes it on; NULL: absent */
	struct value *auth;
};

/*
 * Read a line. On failure *code says what kind it is of, and r->id is set if
 * it could be read ("null" else), so that it can be answered.
 */
int rpc_request_parse(const char *line, size_t len, struct rpc_request *r,
		      enum rpc_code *code, struct err *e);
void rpc_request_release(struct rpc_request *r); /* cleanup function */

/* A line each, with its line feed. `data` of the error may be NULL. */
void rpc_add_request(struct buf *out, int64_t id, const char *method,
		     const struct value *params);
void rpc_add_result(struct buf *out, const struct rpc_id *id,
		    const struct value *result);
void rpc_add_error(struct buf *out, const struct rpc_id *id, enum rpc_code code,
		   const struct err *e, const struct value *data);
void rpc_add_notification(struct buf *out, const char *method,
			  const struct value *params);

/* What the agent said: an answer, or a notification. */
struct rpc_answer {
	int64_t id; /* of the request; -1: a notification */
	char method[RPC_METHOD_MAX + 1];
	struct value *value; /* the result, or the params; NULL: an error */
	enum rpc_code code;
	struct err error;
	struct value *data; /* of the error; may be NULL */
};

/* Fails where the line is no such thing. */
int rpc_answer_parse(const char *line, size_t len, struct rpc_answer *a,
		     struct err *e);
void rpc_answer_release(struct rpc_answer *a); /* cleanup function */

#endif
