#include "forward/window.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

/* How often a range is refused before that is believed. */
static const struct {
	unsigned whole,
		part; /* more than one record, before and after a split */
	unsigned one, ahead; /* one; one behind a suspect, or verified */
} tries[] = {
	[FATE_SUSPECT] = { 5, 2, 10, 10 },
	[FATE_HALVE] = { 1, 1, 3, 3 },
	[FATE_BISECT] = { 1, 1, 3, 3 },
};

void
window_init(struct window *w, size_t n, size_t limit, unsigned rounds)
{
	*w = (struct window){ .n = n,
			      .limit = limit ? limit : 1,
			      .rounds = rounds };
	w->sent = xcalloc(n ? n : 1, 1);
	w->ends[0] = n;
	w->depth = 1;
}

void
window_release(struct window *w)
{
	free(steal_ptr(&w->sent));
	w->n = 0;
}

void
window_skip(struct window *w, size_t i)
{
	w->sent[i] = SENT_DONE;
}

static size_t
pending(const struct window *w, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		n += w->sent[i] == SENT_PENDING;
	return n;
}

static void
push(struct window *w, size_t end)
{
	if (w->depth == ARRAY_SIZE(w->ends))
		fatal("a batch was split too deep");
	w->ends[w->depth++] = end;
}

/* Past what is settled, and out of the ranges that are. */
static void
advance(struct window *w)
{
	while (w->next < w->n && w->sent[w->next] != SENT_PENDING)
		w->next++;
	while (w->depth > 1 && w->ends[w->depth - 1] <= w->next)
		w->depth--;
	w->ends[0] = w->n;
}

static size_t
first_suspect(const struct window *w)
{
	size_t i = 0;

	while (i < w->n && w->sent[i] != SENT_SUSPECT)
		i++;
	return i;
}

static void
choose(struct window *w)
{
	size_t most = w->suspects ? 1 : w->limit;

	if (w->verify || w->recheck) {
		w->from = first_suspect(w);
		w->to = w->from + 1;
		return;
	}
	advance(w);
	if (w->next < w->n && w->ends[w->depth - 1] - w->next > most)
		push(w, w->next + most);
	w->from = w->next;
	w->to = w->ends[w->depth - 1];
}

void
window_forget(struct window *w)
{
	w->chosen = false;
}

bool
window_next(struct window *w, size_t *from, size_t *to)
{
	if (!w->chosen) {
		choose(w);
		w->choice++;
	}
	w->chosen = true;
	*from = w->from;
	*to = w->to;
	return w->from < w->n;
}

/* There are no suspects any more: they are sent as if they were new. */
static void
acquit(struct window *w)
{
	window_forget(w);
	w->next = first_suspect(w);
	for (size_t i = w->next; i < w->n; i++)
		if (w->sent[i] == SENT_SUSPECT)
			w->sent[i] = SENT_PENDING;
	w->depth = 1;
	w->suspects = 0;
	w->recheck = false;
	w->tries = 0;
}

static enum step
go_on(struct window *w)
{
	window_forget(w);
	w->verify = w->suspects > 0 && w->accepted;
	if (w->verify)
		return STEP_SEND;
	advance(w);
	if (w->next < w->n)
		return STEP_SEND;
	return STEP_DONE;
}

/* The destination takes something: what it refused is tried again. */
static void
believe(struct window *w)
{
	if (w->recheck)
		acquit(w);
	w->tries = 0;
	w->rounds = 0;
	w->accepted = true;
}

enum step
window_accepted(struct window *w)
{
	size_t from, to;

	if (!window_next(w, &from, &to))
		return STEP_DONE;
	w->suspects -= w->verify || w->recheck;
	for (size_t i = from; i < to; i++)
		if (window_sends(w, i))
			w->sent[i] = SENT_DONE;
	believe(w);
	return go_on(w);
}

enum step
window_judged(struct window *w, size_t again)
{
	enum step step;

	w->suspects = 0;
	for (size_t i = 0; i < w->n; i++)
		w->suspects += w->sent[i] == SENT_SUSPECT;
	believe(w);
	step = go_on(w);
	return again ? STEP_WAIT : step;
}

/* Nothing was accepted: from the first suspect on, once more. */
static enum step
go_back(struct window *w, enum step step)
{
	acquit(w);
	w->rounds++;
	return step;
}

static enum step
put_aside(struct window *w, size_t i, long *aside)
{
	w->suspects -= w->sent[i] == SENT_SUSPECT;
	w->sent[i] = SENT_ASIDE;
	*aside = (long)i;
	w->tries = 0;
	return go_on(w);
}

/* One record, refused for good as far as one can tell. */
static enum step
suspect(struct window *w, size_t i, enum fate fate, long *aside)
{
	if (w->verify || (fate != FATE_SUSPECT && w->rounds >= WINDOW_PATIENCE))
		return put_aside(w, i, aside);
	w->tries = 0;
	w->sent[i] = SENT_SUSPECT;
	w->suspects++;
	/* what was accepted before it tells of the past only */
	w->accepted = false;
	window_forget(w);
	advance(w);
	if (w->suspects >= WINDOW_SUSPECTS)
		return go_back(w, fate == FATE_SUSPECT ? STEP_WAIT : STEP_HOLD);
	if (w->next == w->n)
		return go_back(w, STEP_AGAIN);
	return STEP_SEND;
}

static enum step
halve(struct window *w, size_t from, size_t to, size_t n)
{
	size_t end = from;

	for (size_t half = n / 2; half > 0 && end < to; end++)
		half -= w->sent[end] == SENT_PENDING;
	w->tries = 0;
	w->split = true;
	window_forget(w);
	push(w, end);
	return STEP_SEND;
}

/* How often this range is refused before that is believed. */
static unsigned
enough(const struct window *w, enum fate fate, size_t n)
{
	if (n > 1)
		return w->split ? tries[fate].part : tries[fate].whole;
	if (w->verify || w->suspects)
		return tries[fate].ahead;
	return w->rounds ? 1 : tries[fate].one;
}

/* The same once more, or first what it depends on. */
static enum step
once_more(struct window *w, enum fate fate)
{
	if (w->suspects && !w->verify) {
		w->recheck = true;
		window_forget(w);
	}
	return fate == FATE_SUSPECT && !w->verify ? STEP_WAIT : STEP_SEND;
}

enum step
window_refused(struct window *w, enum fate fate, long *aside)
{
	size_t from, to, n;

	*aside = -1;
	if (!window_next(w, &from, &to))
		return STEP_DONE;
	if (w->recheck) {
		w->recheck = false;
		window_forget(w);
		return STEP_SEND;
	}
	n = w->verify ? 1 : pending(w, from, to);
	if (fate != w->fate)
		w->tries = 0;
	w->fate = fate;
	if (++w->tries < enough(w, fate, n))
		return once_more(w, fate);
	if (n > 1)
		return halve(w, from, to, n);
	return suspect(w, from, fate, aside);
}

void
window_waits(struct window *w)
{
	w->tries = 0;
}

size_t
window_settled(const struct window *w)
{
	size_t i = 0;

	while (i < w->n &&
	       (w->sent[i] == SENT_DONE || w->sent[i] == SENT_ASIDE))
		i++;
	return i;
}
