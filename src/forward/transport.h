/*
 * transport.h: requests to one collector, one at a time, over libcurl.
 *
 *	t = transport_new(loop);
 *	transport_start(t, &request, &e);	... and later, once:
 *	request.done(request.arg, &outcome);	may start the next
 *	transport_free(t);
 *
 * The connection is kept for the next request. Files that the settings name
 * (certificate, key, CA) are looked at before a request: when one changed, a
 * new connection is made, which reads them. Redirects are not followed. Of an
 * answer TRANSPORT_ANSWER_KEPT bytes are kept, and one that goes on past
 * TRANSPORT_ANSWER_MAX is ended; so is whatever takes longer than the timeout.
 */
#ifndef FORWARD_TRANSPORT_H
#define FORWARD_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "forward/classify.h"
#include "forward/settings.h"

#define TRANSPORT_ANSWER_KEPT (2UL << 20)
#define TRANSPORT_ANSWER_MAX (16UL << 20)

struct outcome {
	struct reply reply;
	const char *error;	/* what libcurl says, "" where nothing */
	const char *error_name; /* a word for it, such as "curl-28" */
	int64_t retry_after_ms; /* 0: it did not say */
	const char *location;	/* of a redirect, or NULL */
	struct buf body;	/* borrowed, NUL-terminated, never NULL */
	bool cut;		/* there was more of it */
};

typedef void transport_fn(void *arg, const struct outcome *o);

/* All of it is borrowed until `done`. */
struct request {
	const struct settings *to;
	const char *url;
	const char *content_type;
	const char *scheme; /* before auth.bearer */
	const char *key;    /* for Idempotency-Key */
	enum compression encoding;
	const struct buf *body;
	transport_fn *done;
	void *arg;
};

/* Once a process, before and after all else. */
void transport_global_init(void);
void transport_global_release(void);

struct transport *transport_new(struct loop *l);
void transport_free(struct transport *t); /* `done` does not come any more */

void transport_start(struct transport *t, const struct request *r);
/* What is under way is dropped, with its connection. */
void transport_cancel(struct transport *t);
/* The settings changed: connections are made anew. Nothing is under way. */
void transport_renew(struct transport *t);

#endif
