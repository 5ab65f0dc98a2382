/*
 * session_parts.h: what session.c and session_messages.c share.
 */
#ifndef PROTO_SESSION_PARTS_H
#define PROTO_SESSION_PARTS_H

#include "proto/session.h"

/* One line, taken apart; `at` is its position in the stream. */
struct message {
	const char *s;
	size_t len;
	uint64_t at;
	struct json_text id, method, params, result, error;
};

/*
 * Readers of what a message carries. Each returns -1 with `e` filled where
 * it is wrong, and calls the handler otherwise.
 */
int session_take_log(struct session *s, const struct message *m, struct err *e);
int session_take_metric(struct session *s, const struct message *m,
			struct err *e);
int session_take_progress(struct session *s, const struct message *m,
			  struct err *e);

/* Fills s->methods and `sdk`; calls nothing. */
int session_read_ready(struct session *s, const struct message *m,
		       char sdk[SESSION_NAME_MAX + 1], struct err *e);

/* Fills *error, whose data is then the caller's; calls nothing. */
int session_read_error(struct session *s, const struct message *m,
		       struct session_error *error, struct err *e);

/* A warning of the session's own, to the log handler. */
void session_warn(struct session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
