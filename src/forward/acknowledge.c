/* Telling the master what is settled: it moves the cursor. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "forward/destination_parts.h"

#define EXCERPT_MAX 1024
#define AGAIN_MS 1000 /* after the master failed to record it */

void
owed_release(struct owed *o)
{
	free(o->at);
	value_free(o->aside);
	*o = (struct owed){ 0 };
}

/* What was told was not recorded: it is owed still. */
static void
take_back(struct owed *owed, struct owed *sent)
{
	owed->due = true;
	if (!owed->at)
		owed->at = steal_ptr(&sent->at);
	owed->finished += sent->finished;
	owed->accepted += sent->accepted;
	owed->requests += sent->requests;
	owed->bytes += sent->bytes;
	owed->retries += sent->retries;
	for (size_t i = 0; owed->aside && i < owed->aside->u.array.n; i++)
		value_append(sent->aside ? sent->aside :
					   (sent->aside = value_array()),
			     value_copy(owed->aside->u.array.items[i]));
	if (sent->aside) {
		value_free(owed->aside);
		owed->aside = steal_ptr(&sent->aside);
	}
	owed_release(sent);
}

static void tell(struct destination *d);

static void
on_again(void *arg)
{
	tell(arg);
}

static void
on_done(void *arg, struct channel_reply *r)
{
	struct destination *d = arg;

	d->acking = false;
	if (r->error && strcmp(r->kind, "conflict") == 0) {
		owed_release(&d->sent);
		owed_release(&d->owed);
		d->unacked = 0;
		destination_event(d, DEST_DROP);
		return;
	}
	if (r->error) {
		take_back(&d->owed, &d->sent);
		loop_timer_set(d->context->loop, &d->ack_timer,
			       clock_mono_ms() + AGAIN_MS, on_again, d);
		return;
	}
	d->unacked -= d->sent.finished;
	owed_release(&d->sent);
	if (d->owed.due)
		tell(d);
	destination_event(d, DEST_SETTLED);
	destination_fetch(d);
}

static void
tell(struct destination *d)
{
	_value_ struct value *p = value_object();
	struct value *stats = value_object();

	if (d->acking || !d->owed.due)
		return;
	d->sent = d->owed;
	d->owed = (struct owed){ 0 };
	value_set(p, "destination", value_string(d->s.name));
	value_set(p, "batch", value_raw(d->sent.at, strlen(d->sent.at)));
	value_set(p, "accepted", value_int(d->sent.accepted));
	value_set(p, "aside",
		  d->sent.aside ? value_copy(d->sent.aside) : value_array());
	value_set(stats, "requests", value_int(d->sent.requests));
	value_set(stats, "bytes", value_int(d->sent.bytes));
	value_set(stats, "retries", value_int(d->sent.retries));
	value_set(p, "stats", stats);
	d->acking = true;
	channel_ask(d->context->channel, "batch.done", p, on_done, d);
}

void
destination_ack(struct destination *d, bool finished)
{
	const struct batch *b = d->now;
	size_t n = finished ? b->r.n : batch_settled(b, d->s.format);
	struct json_text at;

	if (n == 0)
		return;
	at = finished ? b->r.after : b->r.items[n - 1].at;
	free(d->owed.at);
	d->owed.at = xstrndup(at.s, at.len);
	d->owed.due = true;
	if (finished)
		d->owed.finished += 1 + (unsigned)b->n_lines;
	if (finished)
		d->unacked += 1 + (unsigned)b->n_lines;
	/* later than a failure's retry, in one message */
	if (!loop_timer_is_set(&d->ack_timer))
		tell(d);
}

static struct value *
excerpt(const char *s, size_t len)
{
	_buf_ struct buf text = { 0 };

	text_add_utf8(&text, s, text_cut(s, len, EXCERPT_MAX));
	return value_string_n(text.data ? text.data : "", text.len);
}

void
destination_put_aside(struct destination *d, size_t i, const char *code,
		      const char *reason, const struct buf *body)
{
	const struct forward_record *r = &d->now->r.items[i];
	struct value *v = value_object();

	value_set(v, "id", value_raw(r->id.s, r->id.len));
	value_set(v, "code", excerpt(code, strlen(code)));
	value_set(v, "reason", excerpt(reason, strlen(reason)));
	value_set(v, "excerpt",
		  excerpt(body->data ? body->data : "", body->len));
	if (!d->owed.aside)
		d->owed.aside = value_array();
	value_append(d->owed.aside, v);
}
