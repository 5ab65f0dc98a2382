/* The life of a destination: one table. */
#include "forward/destination_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static void
on_due(void *arg)
{
	destination_event(arg, DEST_DUE);
}

static void
sleep_in(struct destination *d, enum dstate state, int64_t ms)
{
	d->state = state;
	loop_timer_set(d->context->loop, &d->timer, clock_mono_ms() + ms,
		       on_due, d);
}

/* --- Sending -------------------------------------------------------------- */

/* Where the collector is: a url without a path is given the format's. */
static char *
make_url(const struct destination *d)
{
	const struct format *f = d->s.format;
	const char *url = d->s.url, *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;
	size_t len = strcspn(url, "?#");
	const char *query = url + len;
	const char *path = f->path;

	while (len && url[len - 1] == '/')
		len--;
	if (f->part_paths)
		path = f->part_paths[d->now->part];
	else if (memchr(host, '/', len - (size_t)(host - url)) || !path)
		return xstrdup(url);
	return xasprintf("%.*s%s%s", (int)len, url, path, query);
}

static void
send_now(struct destination *d)
{
	_free_ char *url = make_url(d);
	struct body *body = &d->now->body;
	struct request r = {
		.to = &d->s,
		.url = url, /* libcurl keeps a copy */
		.content_type = d->s.format->content_type,
		.scheme = d->s.format->scheme,
		.key = body->key,
		.encoding = d->s.compression,
		.body = &body->data,
		.done = destination_answered,
		.arg = d,
	};

	d->state = DEST_SENDING;
	d->owed.requests++;
	d->owed.bytes += (int64_t)body->data.len;
	d->owed.retries += d->attempts > 0;
	transport_start(d->transport, &r);
	destination_fetch(d);
}

static void
use_change(struct destination *d)
{
	if (!d->changed)
		return;
	settings_release(&d->s);
	d->s = *d->changed;
	free(steal_ptr(&d->changed));
	transport_renew(d->transport);
	d->limit = (size_t)d->s.records;
	if (d->now)
		batch_stale(d->now);
	if (d->ahead)
		batch_stale(d->ahead);
}

/*
 * The records behind tell whose fault it is; where there are too many batches
 * to be put together, the master is asked for all of it anew.
 */
static void
decide(struct destination *d)
{
	if (batch_merge(d->now, d->ahead, d->s.format, d->limit)) {
		d->ahead = NULL;
		d->want_more = false;
		return;
	}
	if (d->acking || d->owed.due)
		return;
	d->rounds = d->now->window.rounds;
	batch_drop(steal_ptr(&d->now));
	destination_forget_fetched(d);
	d->want_more = false;
}

/* Send what is next, or wait for what stands in the way. */
static void
go(struct destination *d)
{
	int64_t ms;

	loop_timer_cancel(&d->timer);
	use_change(d);
	if (d->now && d->ahead && d->want_more)
		decide(d);
	if (!d->now)
		destination_take_ahead(d);
	if (!d->now) {
		d->state = DEST_EMPTY;
		destination_fetch(d);
		return;
	}
	if (d->unacked >= DESTINATION_BATCHES) {
		d->state = DEST_STALLED;
		return;
	}
	batch_encode(d->now, &d->s, &d->context->agent, d->context->compressor);
	ms = wait_rate_ms(d, d->now->body.records);
	if (ms > 0)
		sleep_in(d, DEST_PACED, ms);
	else
		send_now(d);
}

static void
retry(struct destination *d)
{
	int64_t ms = wait_retry_ms(d);

	d->retry_at_ms = clock_real_ms() + ms;
	sleep_in(d, DEST_RETRYING, ms);
	destination_fetch(d);
}

static void
hold(struct destination *d)
{
	int64_t ms = wait_probe_ms(d);

	d->retry_at_ms = clock_real_ms() + ms;
	sleep_in(d, DEST_HELD, ms);
}

/* All of a batch is settled, for this part of the format at least. */
static void
finished(struct destination *d)
{
	if (batch_next_part(d->now, d->s.format, d->limit)) {
		go(d);
		return;
	}
	destination_ack(d, true);
	batch_drop(steal_ptr(&d->now));
	go(d);
}

/* More came: it decides what could not be told, or is compressed ahead. */
static void
more(struct destination *d)
{
	if (d->want_more)
		go(d);
}

static void
prepare(struct destination *d)
{
	if (d->ahead && !d->changed)
		batch_encode(d->ahead, &d->s, &d->context->agent,
			     d->context->compressor);
}

static void
drop(struct destination *d)
{
	transport_cancel(d->transport);
	loop_timer_cancel(&d->timer);
	batch_drop(steal_ptr(&d->now));
	destination_forget_fetched(d);
	d->want_more = false;
	d->state = DEST_EMPTY;
	go(d);
}

typedef void event_fn(struct destination *d);

/* What is not here changes nothing. */
static event_fn *const table[DEST_STATES][DEST_EVENTS] = {
	[DEST_EMPTY] = {
		[DEST_BATCH] = go,
		[DEST_CHANGED] = go,
		[DEST_DROP] = drop,
	},
	[DEST_PACED] = {
		[DEST_DUE] = go,
		[DEST_CHANGED] = go,
		[DEST_DROP] = drop,
	},
	[DEST_SENDING] = {
		[DEST_BATCH] = prepare,
		[DEST_NEXT] = go,
		[DEST_WAIT] = retry,
		[DEST_HOLD] = hold,
		[DEST_FINISHED] = finished,
		[DEST_DROP] = drop,
	},
	[DEST_RETRYING] = {
		[DEST_BATCH] = more,
		[DEST_DUE] = go,
		[DEST_CHANGED] = go,
		[DEST_DROP] = drop,
	},
	[DEST_HELD] = {
		[DEST_DUE] = go,
		[DEST_CHANGED] = go,
		[DEST_DROP] = drop,
	},
	[DEST_STALLED] = {
		[DEST_SETTLED] = go,
		[DEST_DROP] = drop,
	},
};

bool
destination_expects(enum dstate state, enum devent event)
{
	return table[state][event] != NULL;
}

void
destination_event(struct destination *d, enum devent event)
{
	event_fn *fn = table[d->state][event];

	if (fn)
		fn(d);
}

/* --- Beginning and end -----------------------------------------------------
 */

struct destination *
destination_new(const struct forward_context *context, struct settings *s)
{
	struct destination *d = xcalloc(1, sizeof(*d));

	d->context = context;
	d->s = *s;
	*s = (struct settings){ 0 };
	d->limit = (size_t)d->s.records;
	d->transport = transport_new(context->loop);
	d->since_ms = clock_real_ms();
	destination_fetch(d);
	return d;
}

void
destination_free(struct destination *d)
{
	if (!d)
		return;
	channel_forget(d->context->channel, d);
	transport_free(d->transport);
	loop_timer_cancel(&d->timer);
	loop_timer_cancel(&d->ask_timer);
	loop_timer_cancel(&d->ack_timer);
	loop_timer_cancel(&d->show_timer);
	batch_drop(d->now);
	batch_drop(d->ahead);
	owed_release(&d->owed);
	owed_release(&d->sent);
	settings_release(&d->s);
	if (d->changed)
		settings_release(d->changed);
	free(d->changed);
	free(d->after);
	free(d);
}

const struct settings *
destination_wanted(const struct destination *d)
{
	return d->changed ? d->changed : &d->s;
}

void
destination_change(struct destination *d, struct settings *s)
{
	if (d->changed)
		settings_release(d->changed);
	else
		d->changed = xcalloc(1, sizeof(*d->changed));
	*d->changed = *s;
	*s = (struct settings){ 0 };
	d->attempts = 0;
	destination_event(d, DEST_CHANGED);
}
