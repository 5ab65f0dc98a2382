/*
 * schedule.h: when a recurring job is due, and what to do about it now.
 *
 *	s = (struct schedule){ .kind = SCHEDULE_CRON, .cron = ..., .zone = ...,
 *			       .shift_ms = schedule_shift(id, name, jitter) };
 *	last = (stored, or now for a new or a changed schedule);
 *	loop:
 *		schedule_take(&s, policy, cap, last, now, tolerance, &due);
 *		(in one transaction: a job for each of due.times, a record for
 *		due.missed, due.last_ms stored)
 *		last = due.last_ms; (wait until due.next_ms, or until the clock
 *		was set)
 *
 * Times are milliseconds since 1970 in UTC.  All of it is arithmetic: the clock
 * is the caller's.
 */
#ifndef MODEL_SCHEDULE_H
#define MODEL_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "model/cron.h"

enum schedule_kind { SCHEDULE_EVERY, SCHEDULE_CRON, SCHEDULE_AT };
enum schedule_missed { MISSED_ONCE, MISSED_ALL, MISSED_NONE };
enum schedule_overlap { OVERLAP_SKIP, OVERLAP_QUEUE, OVERLAP_REPLACE };

#define SCHEDULE_EVERY_MIN_MS 1000

struct schedule {
	enum schedule_kind kind;
	int64_t every_ms; /* > 0; due at its multiples since 1970 in UTC */
	struct cron cron;
	int64_t at_ms;
	const struct zone *zone; /* for cron; NULL is UTC */
	int64_t shift_ms;	 /* added to each due time: schedule_shift() */
};

/*
 * By how much this host runs this schedule later, 0 <= shift < jitter_ms (0
 * without jitter).  The same at each turn, restart and version: FNV-1a (64 bit)
 * of "AGENT_ID/NAME", finished by MurmurHash3's fmix64, modulo jitter_ms.
 */
int64_t schedule_shift(const char *agent_id, const char *name,
		       int64_t jitter_ms);

#define SCHEDULE_NEVER INT64_MAX

/* The first due time after after_ms (strictly), shift included. */
int64_t schedule_next(const struct schedule *s, int64_t after_ms);

/* How many due times there are after after_ms up to and with until_ms. */
uint64_t schedule_count(const struct schedule *s, int64_t after_ms,
			int64_t until_ms);

#define SCHEDULE_CAP 100 /* the default for MISSED_ALL */
#define SCHEDULE_CAP_MAX 1000
#define SCHEDULE_TOLERANCE_MS 60000

/*
 * Set back by up to this, the clock catches up with what was handled before
 * anything is due again; by more, it was wrong before and time starts anew.
 */
#define SCHEDULE_BACK_MAX_MS INT64_C(86400000)

struct schedule_due {
	size_t run;			     /* jobs to make, in order: */
	int64_t times[SCHEDULE_CAP_MAX + 1]; /* the due time of each */
	uint64_t missed;		     /* due times that get none: */
	int64_t missed_first, missed_last;   /* their ends, 0 where none */
	int64_t last_ms;		     /* the next call's last_ms */
	int64_t next_ms; /* when to call again, SCHEDULE_NEVER where never */
};

/*
 * What became due after last_ms, up to and with now_ms.
 *
 * Everything due up to last_ms is handled: it is the last_ms of the call before
 * (which is the last due time that was taken), or the time at which the
 * schedule was made, changed or resumed.  Of the due times since then the
 * newest is on time if it is no more than tolerance_ms ago; all others are
 * late.
 *
 * MISSED_ONCE  runs the newest, late or not; one run stands for all.
 * MISSED_NONE  runs the newest if it is on time.
 * MISSED_ALL   runs the newest if it is on time, and the newest `cap` of the
 *		late ones (cap is cut at SCHEDULE_CAP_MAX).
 *
 * What is not run is counted as missed, exactly, in bounded time: a downtime
 * of years costs no more than a millisecond or a few.  So there are never more
 * than cap + 1 runs, and without MISSED_ALL never more than one.
 *
 * A clock that was set forward is a downtime.  One that was set back, now_ms <
 * last_ms: nothing is due until it passes last_ms again, so no due time is
 * taken twice; next_ms is after last_ms.  Set back by more than
 * SCHEDULE_BACK_MAX_MS: the clock that said last_ms is taken for wrong, nothing
 * is due now, last_ms becomes now_ms.
 */
void schedule_take(const struct schedule *s, enum schedule_missed policy,
		   size_t cap, int64_t last_ms, int64_t now_ms,
		   int64_t tolerance_ms, struct schedule_due *out);

#endif
