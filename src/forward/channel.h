/*
 * channel.h: the conversation with the master, over the socketpair: JSON-RPC
 * 2.0, an object a line (docs/architecture.md).
 *
 * The master is trusted more than we are: a line of it that makes no sense,
 * or the end of the stream, ends this process.
 */
#ifndef FORWARD_CHANNEL_H
#define FORWARD_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "model/value.h"

#define CHANNEL_LINE_MAX (16UL << 20)

/* What the master answered; all of it is borrowed, but `line`. */
struct channel_reply {
	const struct value *value; /* NULL: see `error`, or `line` */
	const struct err *error;   /* NULL: none */
	const char *kind;	   /* of the error */
	/* For channel_ask_raw(): the whole line, to be taken over, whose
	 * result begins at `at`. */
	struct buf *line;
	size_t at;
};

typedef void channel_reply_fn(void *arg, struct channel_reply *r);
typedef void channel_notice_fn(void *arg, const char *method,
			       const struct value *params);
typedef void channel_end_fn(void *arg, const struct err *e); /* NULL: ended */

struct channel *channel_new(struct loop *l, int fd, channel_notice_fn *notice,
			    channel_end_fn *end, void *arg);
void channel_free(struct channel *c); /* closes the descriptor */

/* `fn` is called once, unless channel_forget(arg) comes first. */
void channel_ask(struct channel *c, const char *method,
		 const struct value *params, channel_reply_fn *fn, void *arg);
void channel_ask_raw(struct channel *c, const char *method,
		     const struct value *params, channel_reply_fn *fn,
		     void *arg);
void channel_forget(struct channel *c, const void *arg);

void channel_tell(struct channel *c, const char *method,
		  const struct value *params);

#endif
