/*
 * forward/window: batches through destinations that are played here: each
 * takes what holds none of its poison, or nothing at all for a while.
 */
#include "tap.h"

#include "forward/window.h"

#define N_MAX 64
#define ANY ((enum step)99)

struct play {
	const char *title;
	size_t n, limit;
	const char *poison; /* "a" is record 0 */
	enum fate fate;	    /* of poison */
	size_t too_many;    /* more at once are FATE_HALVE; 0: never */
	int broken;	    /* so many requests at first fail: `how` */
	enum fate how;
	const char *want_aside;
	enum step want; /* at the end */
	int most;	/* requests */
};

static const struct play plays[] = {
	{ "a batch is sent whole", 10, 100, "", 0, 0, 0, 0, "", STEP_DONE, 1 },
	{ "an empty one is not sent", 0, 9, "", 0, 0, 0, 0, "", STEP_DONE, 0 },
	{ "a limit cuts it", 10, 4, "", 0, 0, 0, 0, "", STEP_DONE, 3 },
	{ "poison at the start is found", 16, 99, "a", FATE_BISECT, 0, 0, 0,
	  "a", STEP_DONE, 20 },
	{ "... in the middle", 16, 99, "h", FATE_BISECT, 0, 0, 0, "h",
	  STEP_DONE, 20 },
	{ "... two side by side", 16, 99, "hi", FATE_BISECT, 0, 0, 0, "hi",
	  STEP_DONE, 40 },
	{ "... some", 26, 99, "bcdmnx", FATE_BISECT, 0, 0, 0, "bcdmnx",
	  STEP_DONE, 99 },
	{ "... when it breaks the destination", 16, 99, "h", FATE_SUSPECT, 0, 0,
	  0, "h", STEP_DONE, 60 },
	{ "... beside another one", 16, 99, "hi", FATE_SUSPECT, 0, 0, 0, "hi",
	  STEP_DONE, 99 },
	{ "the last record may need those behind it", 16, 99, "p", FATE_BISECT,
	  0, 0, 0, "", STEP_AGAIN, 20 },
	{ "so may one alone", 1, 99, "a", FATE_BISECT, 0, 0, 0, "", STEP_AGAIN,
	  3 },
	{ "what is too much at once is halved", 16, 99, "", 0, 4, 0, 0, "",
	  STEP_DONE, 9 },
	{ "a record that is too large alone is put aside", 16, 99, "c",
	  FATE_HALVE, 0, 0, 0, "c", STEP_DONE, 30 },
	{ "who refuses everything gets nothing put aside", 26, 99, "", 0, 0,
	  9999, FATE_BISECT, "", STEP_HOLD, 99 },
	{ "... nor who is broken", 26, 99, "", 0, 0, 9999, FATE_SUSPECT, "",
	  ANY, 999 },
	{ "... and all of it comes once it is not", 26, 99, "", 0, 0, 100,
	  FATE_SUSPECT, "", STEP_DONE, 999 },
	{ "... poison as well found then", 26, 99, "k", FATE_SUSPECT, 0, 60,
	  FATE_SUSPECT, "k", STEP_DONE, 999 },
};

static bool
refuses(const struct play *p, const struct window *w, size_t from, size_t to,
	int requests, enum fate *fate)
{
	size_t n = 0;

	if (requests <= p->broken) {
		*fate = p->how;
		return true;
	}
	for (size_t i = from; i < to; i++) {
		if (!window_sends(w, i))
			continue;
		n++;
		*fate = p->fate;
		if (strchr(p->poison, (int)('a' + i)))
			return true;
	}
	*fate = FATE_HALVE;
	return p->too_many && n > p->too_many;
}

struct seen {
	char aside[N_MAX + 1], took[N_MAX + 1];
	size_t n_took;
	int requests;
	enum step last;
};

/* Until it is done, held, or asks for more; a wait is no end before `most`. */
static void
play(const struct play *p, struct window *w, struct seen *seen)
{
	size_t from, to;
	enum fate fate;
	long aside;

	while (window_next(w, &from, &to) && seen->requests < p->most) {
		seen->requests++;
		if (!refuses(p, w, from, to, seen->requests, &fate)) {
			for (size_t i = from; i < to; i++)
				if (window_sends(w, i))
					seen->took[seen->n_took++] =
						(char)('a' + i);
			seen->last = window_accepted(w);
			continue;
		}
		seen->last = window_refused(w, fate, &aside);
		if (aside >= 0)
			seen->aside[strlen(seen->aside)] = (char)('a' + aside);
		if (seen->last == STEP_HOLD || seen->last == STEP_AGAIN)
			return;
	}
}

static void
check(const struct play *p)
{
	struct seen seen = { .last = STEP_DONE };
	struct window w;
	bool ordered = true;

	window_init(&w, p->n, p->limit, 0);
	play(p, &w, &seen);
	is_int(p->want == ANY ? ANY : seen.last, p->want, "%s", p->title);
	is_str(seen.aside, p->want_aside, "... what is aside");
	for (size_t i = 1; i < seen.n_took; i++)
		ordered &= seen.took[i - 1] < seen.took[i];
	ok(ordered, "... each once and in order: %s", seen.took);
	if (p->want == STEP_DONE)
		is_int((long)(seen.n_took + strlen(seen.aside)), (long)p->n,
		       "... and none is missing");
	ok(seen.requests <= p->most, "... in %d requests", seen.requests);
	window_release(&w);
}

/* After rounds in which nothing was accepted, a plain refusal is believed. */
static void
check_patience(void)
{
	struct window w;
	long aside = -1;
	enum step step = STEP_AGAIN;
	size_t from, to;
	unsigned rounds = 0;

	window_init(&w, 1, 9, 0);
	while (step != STEP_DONE && rounds < 99 &&
	       window_next(&w, &from, &to)) {
		step = window_refused(&w, FATE_BISECT, &aside);
		rounds += step == STEP_AGAIN;
	}
	is_int(rounds, WINDOW_PATIENCE,
	       "one refused alone is not believed soon");
	is_int(aside, 0, "... but then");
	is_int((long)window_settled(&w), 1, "... and is settled");
	window_release(&w);
}

/* Items judged one by one; one of a kind that changes is no proof. */
static void
check_judged(void)
{
	struct window w;
	size_t from, to;
	long aside;

	window_init(&w, 4, 9, 0);
	window_next(&w, &from, &to);
	w.sent[0] = SENT_DONE;
	w.sent[2] = SENT_ASIDE;
	is_int(window_judged(&w, 2), STEP_WAIT, "items are sent again");
	ok(window_next(&w, &from, &to) && window_sends(&w, 1) &&
		   !window_sends(&w, 2) && window_sends(&w, 3),
	   "... only those that have to be");
	is_int((long)window_settled(&w), 1, "... the first is settled");
	is_int(window_accepted(&w), STEP_DONE, "... then it is done");
	window_release(&w);

	window_init(&w, 1, 9, 0);
	for (int i = 0; i < 30; i++) {
		window_next(&w, &from, &to);
		if (i % 2 ? window_refused(&w, FATE_BISECT, &aside) :
			    window_refused(&w, FATE_HALVE, &aside))
			continue;
	}
	is_int(w.rounds, 0,
	       "refused for one reason and another, it is no suspect");
	window_release(&w);
}

int
main(void)
{
	for (size_t i = 0; i < TAP_COUNT(plays); i++)
		check(&plays[i]);
	check_patience();
	check_judged();
	return tap_done();
}
