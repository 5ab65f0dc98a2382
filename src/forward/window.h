/*
 * window.h: which records of a batch are sent next, and what became of each.
 *
 *	window_init(&w, n, limit);
 *	while (window_next(&w, &from, &to))	what is to be sent
 *		switch (window_accepted(&w, ...), window_refused(&w, ...)) ...
 *
 * Records are sent in order. A batch that is refused is bisected; a record
 * that is refused alone becomes a suspect, and what follows is tried, a record
 * at a time; each time that one is refused too, the first suspect is tried
 * before it, so that a destination that recovers gets them in order. Once
 * something is accepted, the destination works and suspects are tried again:
 * what is refused still is put aside. As long as nothing is accepted, nothing
 * is put aside: it may be the destination that is wrong, so the window goes
 * back to the first suspect.
 *
 * No I/O, no clock.
 */
#ifndef FORWARD_WINDOW_H
#define FORWARD_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "forward/classify.h"

enum sent {
	SENT_PENDING, /* not yet, or again */
	SENT_DONE,
	SENT_SUSPECT,
	SENT_ASIDE,
};

/* What to do next. */
enum step {
	STEP_SEND,  /* window_next(), at once */
	STEP_WAIT,  /* the same after a while */
	STEP_HOLD,  /* after a long while: nothing is accepted */
	STEP_AGAIN, /* after a while, with more records behind it if there are
		     * any: whose fault it is can't be told from these */
	STEP_DONE,  /* every record is done or aside */
};

#define WINDOW_SUSPECTS 10 /* refused one after the other, then go back */
#define WINDOW_PATIENCE 5  /* rounds after which a plain refusal is believed */

struct window {
	unsigned char *sent; /* enum sent, a record each */
	size_t n, next;
	size_t limit; /* at most so many records at once, from the next range */

	/* private */
	bool chosen; /* the range that is sent, until that is answered */
	size_t from, to;
	unsigned long choice; /* its number */
	size_t ends[64]; /* of the range that is sent, last; before it those
			  * that it is a part of */
	unsigned depth;
	unsigned tries; /* of this range, refused the same way in a row */
	enum fate fate; /* that way */
	unsigned suspects;
	bool split;	 /* because it was refused */
	bool verify;	 /* suspects, now that something was accepted */
	bool recheck;	 /* the first suspect, before what follows */
	bool accepted;	 /* anything of this window */
	unsigned rounds; /* back to the first suspect since the last success */
};

void window_init(struct window *w, size_t n, size_t limit, unsigned rounds);
void window_release(struct window *w);

/*
 * Count record i, which needs nothing sent, as done. Before the first
 * window_next().
 */
void window_skip(struct window *w, size_t i);

/* Choose again, where nothing of this range was sent yet. */
void window_forget(struct window *w);

/*
 * The records to be sent: those of [*from, *to) that are SENT_PENDING or,
 * where it is one alone, SENT_SUSPECT; the same until they are answered. False
 * when there are none left.
 */
bool window_next(struct window *w, size_t *from, size_t *to);

static inline bool
window_sends(const struct window *w, size_t i)
{
	return w->sent[i] == SENT_PENDING || w->sent[i] == SENT_SUSPECT;
}

/* What was sent last was accepted, all of it. */
enum step window_accepted(struct window *w);

/*
 * It was judged a record at a time: the caller has set `sent` of those of the
 * range that are done or aside, and left the `again` others, which are to be
 * sent again.
 */
enum step window_judged(struct window *w, size_t again);

/*
 * It was refused: FATE_SUSPECT, FATE_HALVE or FATE_BISECT. *aside is the
 * record that is now put aside, or -1.
 */
enum step window_refused(struct window *w, enum fate fate, long *aside);

/* It was answered in another way, and is to be sent again. */
void window_waits(struct window *w);

/* How many records from the first on are done or aside. */
size_t window_settled(const struct window *w);

#endif
