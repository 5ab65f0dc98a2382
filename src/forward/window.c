#include "forward/window.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

/* How often a range is refused before that is believed. */
static const struct {
	unsigned whole, part; /* more than one record, before and after a split */
	unsigned one, ahead;  /* one; one behind a suspect, or verified */
} tries[] = {
	[FATE_SUSPECT] = { 5, 2, 10, 10 },
	[FATE_HALVE] = { 1, 1, 3, 3 },
	[FATE_BISECT] = { 1, 1, 3, 3 },
};

void
window_init(struct window *w, size_t n, size_t limit, unsigned rounds)
{
	*w = (struct window){ .n = n, .limit = limit ? limit : 1,
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

bool
window_next(struct window *w, size_t *from, size_t *to)
{
	size_t most = w->suspects ? 1 : w->limit;

	if (w->verify) {
		*from = first_suspect(w);
		*to = *from + 1;
		return true;
	}
	advance(w);
	if (w->next == w->n)
		return false;
	if (w->ends[w->depth - 1] - w->next > most)
		push(w, w->next + most);
	*from = w->next;
	*to = w->ends[w->depth - 1];
	return true;
}

static enum step
go_on(struct window *w)
{
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
	w->suspects -= w->verify;
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
	w->next = first_suspect(w);
	for (size_t i = w->next; i < w->n; i++)
		if (w->sent[i] == SENT_SUSPECT)
			w->sent[i] = SENT_PENDING;
	w->depth = 1;
	w->suspects = 0;
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
	if (w->verify ||
	    (fate != FATE_SUSPECT && w->rounds >= WINDOW_PATIENCE))
		return put_aside(w, i, aside);
	w->tries = 0;
	w->sent[i] = SENT_SUSPECT;
	w->suspects++;
	/* what was accepted before it tells of the past only */
	w->accepted = false;
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
	push(w, end);
	return STEP_SEND;
}

enum step
window_refused(struct window *w, enum fate fate, long *aside)
{
	size_t from, to, n;
	unsigned enough;

	*aside = -1;
	if (!window_next(w, &from, &to))
		return STEP_DONE;
	n = w->verify ? 1 : pending(w, from, to);
	if (n > 1)
		enough = w->split ? tries[fate].part : tries[fate].whole;
	else if (w->verify || w->suspects)
		enough = tries[fate].ahead;
	else
		enough = w->rounds ? 1 : tries[fate].one;
	if (++w->tries < enough)
		return fate == FATE_SUSPECT && !w->verify && !w->suspects ?
			       STEP_WAIT :
			       STEP_SEND;
	if (n > 1)
		return halve(w, from, to, n);
	return suspect(w, from, fate, aside);
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
