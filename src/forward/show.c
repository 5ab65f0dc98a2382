/* What the master is told of a destination, so that people can see it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "forward/destination_parts.h"

#define SHOW_MS 1000 /* no more often */

static void
log_change(struct destination *d, const char *before)
{
	_value_ struct value *p = NULL;
	bool held = strcmp(d->shown, "held") == 0;
	_free_ char *text = NULL;

	if (!held && !(before && strcmp(before, "held") == 0))
		return;
	text = held ? xasprintf("destination %s takes nothing: %s", d->s.name,
				d->error) :
		      xasprintf("destination %s takes records again",
				d->s.name);
	p = value_object();
	value_set(p, "level", value_string(held ? "error" : "info"));
	value_set(p, "message", value_string(text));
	value_set(p, "destination", value_string(d->s.name));
	channel_tell(d->context->channel, "log", p);
}

static void
tell(void *arg)
{
	struct destination *d = arg;
	_value_ struct value *p = value_object();

	d->dirty = false;
	d->shown_at_ms = clock_mono_ms();
	value_set(p, "name", value_string(d->s.name));
	value_set(p, "state", value_string(d->shown));
	value_set(p, "error", value_string(d->error));
	value_set(p, "status", value_int(d->status));
	value_set(p, "since_ms", value_int(d->since_ms));
	value_set(p, "retry_at_ms", value_int(d->retry_at_ms));
	channel_tell(d->context->channel, "destination", p);
}

/*
 * Once it is known how long it waits; a destination that comes and goes is
 * told of once a second.
 */
static void
tell_soon(struct destination *d)
{
	int64_t at = d->shown_at_ms ? d->shown_at_ms + SHOW_MS : 0;

	if (d->dirty)
		return;
	d->dirty = true;
	loop_timer_set(d->context->loop, &d->show_timer, at, tell, d);
}

void
destination_show(struct destination *d, const char *state, int status,
		 const char *fmt, ...)
{
	const char *before = d->shown;
	char text[sizeof(d->error)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text[text_cut(text, strlen(text), sizeof(text) - 1)] = '\0';
	if (before && strcmp(before, state) == 0 && d->status == status &&
	    strcmp(d->error, text) == 0)
		return;
	if (!before || strcmp(before, state) != 0)
		d->since_ms = clock_real_ms();
	d->shown = state;
	d->retry_at_ms = 0;
	d->status = status;
	memcpy(d->error, text, sizeof(text));
	if (!before || strcmp(before, state) != 0)
		log_change(d, before);
	tell_soon(d);
}
