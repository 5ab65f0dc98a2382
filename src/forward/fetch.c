/* Asking the master for records, one batch ahead. */
#include "forward/destination_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define PARK_MS 600000	  /* the master answers at once when there is one */
#define ASK_AGAIN_MS 1000 /* after it failed to answer */
#define LINE_SPARE 4096	  /* of a batch's line, beside its records */

static void
on_ask_timer(void *arg)
{
	destination_fetch(arg);
}

/* What a JSON string that the master wrote says. */
static struct value *
position(const char *json)
{
	return value_raw(json, strlen(json));
}

static char *
copy(struct json_text t)
{
	return xstrndup(t.s, t.len);
}

/* A batch that was not full: the next is asked for when `wait` has passed. */
static void
linger(struct destination *d, const struct records *r)
{
	if (!r->more && r->n < (size_t)d->s.records)
		d->ask_at_ms = clock_mono_ms() + d->s.wait_ms;
}

static void
take(struct destination *d, struct records *r)
{
	free(d->after);
	d->after = copy(r->after);
	if (r->n == 0) {
		destination_fetch(d);
		return;
	}
	linger(d, r);
	d->ahead = batch_new(r, d->s.format, d->limit, d->rounds);
	d->rounds = 0;
	destination_event(d, DEST_BATCH);
}

static void
failed(struct destination *d, const struct channel_reply *r)
{
	d->ask_at_ms = clock_mono_ms() + ASK_AGAIN_MS;
	if (strcmp(r->kind, "conflict") == 0) {
		d->ask_at_ms = 0;
		destination_event(d, DEST_DROP);
		return;
	}
	destination_fetch(d);
}

static void
on_batch(void *arg, struct channel_reply *reply)
{
	_cleanup_(records_release) struct records r = { 0 };
	struct destination *d = arg;
	struct err e = ERR_INIT;
	bool stale = d->drop_asked;

	d->asking = d->drop_asked = false;
	if (stale) {
		destination_fetch(d);
		return;
	}
	if (reply->error) {
		failed(d, reply);
		return;
	}
	if (records_take(&r, reply->line, reply->at, &e) < 0)
		fatal("%s", e.msg);
	take(d, &r);
}

static void
ask(struct destination *d)
{
	_value_ struct value *p = value_object();
	int64_t bytes = d->s.bytes;

	if (bytes > (int64_t)d->context->batch_bytes)
		bytes = (int64_t)d->context->batch_bytes;
	value_set(p, "destination", value_string(d->s.name));
	if (d->after)
		value_set(p, "after", position(d->after));
	value_set(p, "records", value_int(d->s.records));
	value_set(p, "bytes", value_int(bytes));
	value_set(p, "wait_ms", value_int(PARK_MS));
	d->asking = true;
	channel_ask_raw(d->context->channel, "batch.next", p, on_batch, d);
}

/* What the master has given and was not told to be done, whole. */
static unsigned
under_way(const struct destination *d)
{
	return d->unacked + (d->now ? 1 + (unsigned)d->now->n_lines : 0);
}

void
destination_fetch(struct destination *d)
{
	if (d->asking || d->ahead || under_way(d) >= DESTINATION_BATCHES)
		return;
	if (clock_mono_ms() < d->ask_at_ms)
		loop_timer_set(d->context->loop, &d->ask_timer, d->ask_at_ms,
			       on_ask_timer, d);
	else
		ask(d);
}

void
destination_forget_fetched(struct destination *d)
{
	batch_drop(steal_ptr(&d->ahead));
	free(steal_ptr(&d->after));
	d->drop_asked = d->asking;
}

void
destination_take_ahead(struct destination *d)
{
	d->now = steal_ptr(&d->ahead);
	d->want_more = false;
	if (d->now)
		batch_limit(d->now, d->limit);
}
