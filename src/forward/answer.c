/* What becomes of the records that were sent, by what came back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "forward/destination_parts.h"

#define LIMIT_GOOD 32 /* requests taken before more is sent at once */
#define ITEM_TEXT 512

/* What the format's reader said of one record. */
struct item {
	bool told;
	enum verdict verdict;
	char *code, *reason;
};

struct items {
	struct item *of;
	size_t n;
};

static void
items_release(struct items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		free(items->of[i].code);
		free(items->of[i].reason);
	}
	free(steal_ptr(&items->of));
}

static void
on_verdict(void *arg, size_t i, enum verdict verdict, const char *code,
	   const char *reason)
{
	struct items *items = arg;

	if (i >= items->n || items->of[i].told)
		return;
	items->of[i] = (struct item){ true, verdict, xstrndup(code, ITEM_TEXT),
				      xstrndup(reason, ITEM_TEXT) };
}

/* --- What is shown -------------------------------------------------------- */

/* A part of the answer that a person can read, on one line. */
static const char *
quote(const struct outcome *o, char buf[TEXT_EXCERPT])
{
	size_t len = o->body.len;

	while (len && strchr("\r\n\t ", o->body.data[len - 1]))
		len--;
	return text_excerpt(o->body.data, len, buf);
}

static void
show_trouble(struct destination *d, const char *state, const struct outcome *o,
	     const char *why)
{
	char text[TEXT_EXCERPT];

	if (o->reply.curl)
		destination_show(d, state, 0, "%s: %s", why, o->error);
	else if (o->location)
		destination_show(d, state, o->reply.status,
				 "it answered %d, %s: %s", o->reply.status, why,
				 text_excerpt(o->location, strlen(o->location),
					      text));
	else
		destination_show(d, state, o->reply.status,
				 "it answered %d, %s%s%s", o->reply.status, why,
				 o->body.len ? ": " : "", quote(o, text));
}

static void
aside(struct destination *d, size_t i, const struct outcome *o,
      const char *code, const char *reason)
{
	_value_ struct value *p = value_object();
	const struct forward_record *r = &d->now->r.items[i];
	_free_ char *text = xasprintf("destination %s refused a record, which "
				      "is put aside: %s",
				      d->s.name, reason);

	destination_put_aside(d, i, code, reason, &o->body);
	value_set(p, "level", value_string("warn"));
	value_set(p, "message", value_string(text));
	value_set(p, "destination", value_string(d->s.name));
	value_set(p, "record", value_raw(r->id.s, r->id.len));
	channel_tell(d->context->channel, "log", p);
}

/* --- What is next --------------------------------------------------------- */

static void
do_step(struct destination *d, enum step step)
{
	static const enum devent events[] = {
		[STEP_SEND] = DEST_NEXT,     [STEP_WAIT] = DEST_WAIT,
		[STEP_HOLD] = DEST_HOLD,     [STEP_AGAIN] = DEST_WAIT,
		[STEP_DONE] = DEST_FINISHED,
	};

	d->want_more = step == STEP_AGAIN;
	if (step != STEP_DONE)
		destination_ack(d, false);
	destination_event(d, events[step]);
}

/* Some collectors take less at once than is configured: that is learned. */
static void
learn_limit(struct destination *d, enum fate fate)
{
	size_t n = d->now->body.records;

	if (fate == FATE_HALVE && n > 1) {
		d->limit = n / 2;
		d->limit_good = 0;
	} else if (fate == FATE_ACCEPTED && ++d->limit_good >= LIMIT_GOOD) {
		d->limit_good = 0;
		d->limit *= 2;
	}
	if (d->limit > (size_t)d->s.records)
		d->limit = (size_t)d->s.records;
	d->now->window.limit = d->limit;
}

static void
accepted(struct destination *d, const struct outcome *o,
	 const struct items *items)
{
	struct window *w = &d->now->window;
	size_t from, to, at = 0, again = 0, n = d->now->body.records;
	enum step step;

	window_next(w, &from, &to);
	for (size_t i = from; i < to; i++) {
		const struct item *item = &items->of[at];

		if (!window_sends(w, i))
			continue;
		at++;
		if (!item->told) {
			w->sent[i] = SENT_DONE;
		} else if (item->verdict == VERDICT_AGAIN) {
			again++;
		} else {
			w->sent[i] = SENT_ASIDE;
			aside(d, i, o, item->code, item->reason);
			n--;
		}
	}
	d->owed.accepted += (int64_t)(n - again);
	learn_limit(d, FATE_ACCEPTED);
	if (again == d->now->body.records) {
		d->attempts++;
		show_trouble(d, "retrying", o, "it asks for each record again");
	} else {
		d->attempts = again > 0;
		destination_show(d, "ok", o->reply.status, "%s", "");
	}
	step = window_judged(w, again);
	do_step(d, step);
}

static void
refused(struct destination *d, const struct outcome *o, enum fate fate,
	const char *why)
{
	struct window *w = &d->now->window;
	bool vague = fate == FATE_SUSPECT;
	enum step step;
	char code[32];
	long gone;

	d->attempts++;
	learn_limit(d, fate);
	step = window_refused(w, fate, &gone);
	/* something else is tried: soon, but for one who failed at all */
	if (step == STEP_SEND)
		d->attempts = 2 * w->rounds;
	snprintf(code, sizeof(code), "%d", o->reply.status);
	if (gone >= 0)
		aside(d, (size_t)gone, o, o->reply.curl ? o->error_name : code,
		      why);
	if (step == STEP_HOLD || vague)
		show_trouble(d, step == STEP_HOLD ? "held" : "retrying", o,
			     why);
	do_step(d, step);
}

static void
waits(struct destination *d, const struct outcome *o, enum fate fate,
      const char *why)
{
	bool held = fate == FATE_HOLD;

	d->attempts++;
	window_waits(&d->now->window);
	show_trouble(d, held ? "held" : "retrying", o, why);
	destination_event(d, held ? DEST_HOLD : DEST_WAIT);
}

void
destination_answered(void *arg, const struct outcome *o)
{
	_cleanup_(items_release) struct items items = { 0 };
	struct destination *d = arg;
	const struct format *f = d->s.format;
	const struct rule *rule = classify(f->rules, o->reply);
	struct answer a = { .status = o->reply.status,
			    .body = o->body.data,
			    .len = o->body.len,
			    .cut = o->cut,
			    .records = d->now->body.records };
	enum fate fate = rule->fate;
	const char *why = rule->why;

	d->retry_after_ms = o->retry_after_ms;
	items.n = a.records;
	items.of = xcalloc(a.records + 1, sizeof(*items.of));
	if (fate == FATE_ACCEPTED && f->judge)
		fate = f->judge(&a, on_verdict, &items, &why);
	if (fate == FATE_ACCEPTED)
		accepted(d, o, &items);
	else if (fate == FATE_RETRY || fate == FATE_HOLD)
		waits(d, o, fate, why);
	else
		refused(d, o, fate, why);
}
