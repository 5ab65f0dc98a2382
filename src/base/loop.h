/*
 * loop.h: the events of one thread: descriptors, timers, signals.
 *
 * 1. loop_new(), loop_signals(), loop_on_turn(), loop_on_clock_set();
 * 2. loop_io_add(), loop_timer_set(), ... before and inside of callbacks;
 * 3. loop_run() until loop_stop(); loop_free() after everything was removed.
 *
 * A turn: sleep until something is ready or due; descriptors that are ready,
 * at most LOOP_IO_MAX; timers that are due, at most LOOP_TIMERS_MAX, earliest
 * first; then the hook of loop_on_turn().  What is left over comes in the
 * next turn, which does not sleep, so that neither kind starves the other.
 * Nothing ready and nothing due: no wake-up.  No timer is early.
 *
 * The loop allocates only for itself: struct loop_io and struct loop_timer
 * are the caller's (zeroed before their first use), and may be removed, freed
 * or used anew within any callback.  After a fork the child leaves the loop
 * alone: the kernel's side of it is shared.
 *
 * With frozen clocks (clock.h) a turn does not sleep for a timer but moves
 * the clocks to it, so that a test lives through a day in no time.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"

#define LOOP_IO_MAX 64	    /* descriptors served in a turn */
#define LOOP_TIMERS_MAX 256 /* timers run in a turn, of each clock */

struct loop;

struct loop *loop_new(void); /* fatal() without epoll */
void loop_free(struct loop *l);

/* --- Descriptors: level triggered, events as of epoll (EPOLLIN, ...) ------ */

typedef void loop_io_fn(void *arg, unsigned events);

struct loop_io {
	int fd; /* to be read by the caller, -1 once removed */
	/* private */
	bool added;
	unsigned events;
	loop_io_fn *fn;
	void *arg;
	struct loop *loop;
};

/*
 * Call fn(arg, events) while one of `events`, or EPOLLERR or EPOLLHUP, is
 * there.  With `events` 0 nothing is told, not even those.  0, or -1 with
 * errno (EPERM: a regular file, which is always ready; ENOSPC, ENOMEM);
 * `io` is as removed then.
 */
int loop_io_add(struct loop *l, struct loop_io *io, int fd, unsigned events,
		loop_io_fn *fn, void *arg);
/* Other events from now on; no system call where they are the same. */
void loop_io_set(struct loop_io *io, unsigned events);
/*
 * No call comes any more, even if it was ready in this turn.  Before the
 * descriptor is closed, which is the caller's to do.  Fine when not added.
 */
void loop_io_del(struct loop_io *io);

static inline bool
loop_io_is_added(const struct loop_io *io)
{
	return io->added;
}

/* --- Timers: one shot, O(log n) --------------------------------------------
 */

typedef void loop_timer_fn(void *arg);

struct loop_timer {
	int64_t at_ms; /* to be read by the caller */
	/* private */
	struct heap_node node;
	size_t due; /* called later in this turn: its place + 1 */
	int64_t since_ms;
	uint64_t order;
	loop_timer_fn *fn;
	void *arg;
	struct loop *loop;
	bool wall;
};

/*
 * Call fn(arg) once when clock_mono_ms() has reached mono_ms (>= 0); a time
 * that has passed is due in this turn or, within a timer, the next.  Moves a
 * timer that is set.
 */
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t mono_ms,
		    loop_timer_fn *fn, void *arg);
/*
 * The same when clock_real_ms() has reached unix_ms, by waiting or because
 * the clock was set: set forward past it, it is due; set back, it waits.
 */
void loop_wall_timer_set(struct loop *l, struct loop_timer *t, int64_t unix_ms,
			 loop_timer_fn *fn, void *arg);
void loop_timer_cancel(struct loop_timer *t); /* either; fine when not set */

static inline bool
loop_timer_is_set(const struct loop_timer *t)
{
	return heap_has(&t->node) || t->due;
}

/* --- The rest ---------------------------------------------------------------
 */

/*
 * Be told, before wall timers run, that the wall clock was set (or that the
 * host slept) and may have jumped either way.  Once.
 */
void loop_on_clock_set(struct loop *l, void (*fn)(void *arg), void *arg);

/*
 * Block these signals and call fn for each that comes.  Once.  The mask is
 * put back by loop_free(); a child that executes something resets its own.
 */
int loop_signals(struct loop *l, const int *signals, size_t n,
		 void (*fn)(void *arg, const struct signalfd_siginfo *),
		 void *arg);

/*
 * Called at the end of each turn, before the loop sleeps, and by loop_run()
 * once before its first turn: where a batch is committed and answers leave.
 * Timers it sets and descriptors it adds are looked at by the next turn.
 */
void loop_on_turn(struct loop *l, void (*fn)(void *arg), void *arg);

void loop_run(struct loop *l);	/* turns until loop_stop() */
void loop_stop(struct loop *l); /* after this turn; before a run: no turn */

/*
 * One turn, which ends at until_mono_ms at the latest (-1: no limit; a time
 * that has passed: don't sleep).  Returns how many callbacks were called.
 */
int loop_turn(struct loop *l, int64_t until_mono_ms);

/*
 * How well the loop keeps up.  The lag of an event is the time between its
 * being due (a timer), or ready as far as the loop can know (a descriptor: no
 * later than since the loop last looked), and its callback.
 */
#define LOOP_LAG_BUCKETS 12
extern const unsigned loop_lag_bounds_us[LOOP_LAG_BUCKETS - 1]; /* inclusive */

struct loop_stats {
	uint64_t turns;	      /* wake-ups and turns without sleep */
	uint64_t io_calls;    /* callbacks, of descriptors (signals too) ... */
	uint64_t timer_calls; /* ... and of timers */
	uint64_t clock_sets;
	size_t timers;			/* set now, of both clocks */
	uint64_t lag[LOOP_LAG_BUCKETS]; /* events by lag, last: above all */
	int64_t lag_us_sum;
	int64_t lag_us_max;  /* since loop_take_stats() */
	int64_t busy_us_max; /* the longest turn without its sleep, likewise */
};

/* Fills *out and starts the two maxima anew. */
void loop_take_stats(struct loop *l, struct loop_stats *out);

#endif
