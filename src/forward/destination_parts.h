/*
 * destination_parts.h: what the files of a destination share.
 */
#ifndef FORWARD_DESTINATION_PARTS_H
#define FORWARD_DESTINATION_PARTS_H

#include <stdint.h>

#include "forward/batch.h"
#include "forward/destination.h"
#include "forward/transport.h"

enum dstate {
	DEST_EMPTY,    /* nothing to send */
	DEST_PACED,    /* waits for its rate */
	DEST_SENDING,  /* a request is under way */
	DEST_RETRYING, /* waits, then sends again */
	DEST_HELD,     /* the same for long: it refuses everything */
	DEST_STALLED,  /* waits for the master to acknowledge */
	DEST_STATES,
};

enum devent {
	DEST_BATCH,    /* there is a batch that was not sent yet */
	DEST_DUE,      /* the wait is over */
	DEST_NEXT,     /* answered: send what is next */
	DEST_WAIT,     /* answered: try again later */
	DEST_HOLD,     /* answered: it takes nothing */
	DEST_FINISHED, /* answered: all of the batch is settled */
	DEST_SETTLED,  /* the master has acknowledged */
	DEST_CHANGED,  /* the settings */
	DEST_DROP,     /* what was fetched is stale */
	DEST_EVENTS,
};

/* What is to be told of positions, cumulative. */
struct owed {
	bool due;
	char *at;	   /* a JSON string */
	unsigned finished; /* batches */
	int64_t accepted, requests, bytes, retries;
	struct value *aside; /* array, NULL: none */
};

struct destination {
	const struct forward_context *context;
	struct settings s;
	struct settings *changed; /* to be used next; NULL: none */
	enum dstate state;
	struct transport *transport;
	struct loop_timer timer; /* of the state */

	struct batch *now, *ahead;
	bool want_more;	 /* `ahead` is to be merged into `now` */
	unsigned rounds; /* of the window that the next goes on from */
	size_t limit;	 /* records at once; what the collector takes */
	unsigned limit_good;
	unsigned attempts; /* in a row that were not accepted */
	int64_t retry_after_ms;
	int64_t tokens_us, paced_us; /* the rate: owed time, as of then */

	/* fetching */
	bool asking, drop_asked;
	char *after; /* a JSON string: ask for what follows; NULL: cursor */
	int64_t ask_at_ms;
	struct loop_timer ask_timer;

	/* acknowledging */
	bool acking;
	unsigned unacked;	/* batches that are finished */
	struct owed owed, sent; /* to be told; told, not answered yet */
	struct loop_timer ack_timer;

	/* what is published */
	const char *shown;
	char error[512];
	int status;
	int64_t since_ms, retry_at_ms;
	bool dirty;
	struct loop_timer show_timer;
	int64_t shown_at_ms;
};

void destination_event(struct destination *d, enum devent event);
/* Whether the event does anything in that state. */
bool destination_expects(enum dstate state, enum devent event);

/* fetch.c: */
void destination_fetch(struct destination *d);
void destination_forget_fetched(struct destination *d);
/* The batch that is ahead is now the one that is sent. */
void destination_take_ahead(struct destination *d);

/* acknowledge.c: */
void destination_ack(struct destination *d, bool finished);
void destination_put_aside(struct destination *d, size_t i, const char *code,
			   const char *reason, const struct buf *body);
void owed_release(struct owed *o);

/* answer.c: what became of a request; ends in destination_event(). */
void destination_answered(void *arg, const struct outcome *o);

/* show.c: */
void destination_show(struct destination *d, const char *state, int status,
		      const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* wait.c: how long. */
int64_t wait_retry_ms(const struct destination *d);
int64_t wait_probe_ms(const struct destination *d);
int64_t wait_rate_ms(struct destination *d, size_t records);

#endif
