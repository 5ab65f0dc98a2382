#include "model/schedule.h"

#include <stdbool.h>

#include "base/date.h"

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t
fnv1a(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * FNV_PRIME;
	return h;
}

/* FNV's low bits alone depend on few of the input's: mix them. */
static uint64_t
fmix64(uint64_t h)
{
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

int64_t
schedule_shift(const char *agent_id, const char *name, int64_t jitter_ms)
{
	uint64_t h = fnv1a(fnv1a(fnv1a(FNV_BASIS, agent_id), "/"), name);

	return jitter_ms > 0 ? (int64_t)(fmix64(h) % (uint64_t)jitter_ms) : 0;
}

/*
 * Callers' times are anything; within these, which hold all years that cron
 * knows, sums of a time, a shift and an interval stay far from overflow.
 */
#define TIME_LIMIT (INT64_C(1) << 60)

static int64_t
within_limits(int64_t ms)
{
	return ms > TIME_LIMIT	? TIME_LIMIT :
	       ms < -TIME_LIMIT ? -TIME_LIMIT :
				  ms;
}

/* Due times without the shift, at or before `ms` by number. */
static int64_t
turns_until(const struct schedule *s, int64_t ms)
{
	return date_div(ms, s->every_ms);
}

int64_t
schedule_next(const struct schedule *s, int64_t after_ms)
{
	int64_t after = within_limits(after_ms) - s->shift_ms;
	int64_t due = SCHEDULE_NEVER;

	switch (s->kind) {
	case SCHEDULE_EVERY:
		due = (turns_until(s, after) + 1) * s->every_ms;
		break;
	case SCHEDULE_CRON:
		due = cron_next(&s->cron, date_div(after, 1000), s->zone);
		due = due == CRON_NEVER ? SCHEDULE_NEVER : due * 1000;
		break;
	case SCHEDULE_AT:
		due = s->at_ms > after ? s->at_ms : SCHEDULE_NEVER;
		break;
	}
	return due == SCHEDULE_NEVER ? due : due + s->shift_ms;
}

uint64_t
schedule_count(const struct schedule *s, int64_t after_ms, int64_t until_ms)
{
	int64_t after = within_limits(after_ms) - s->shift_ms;
	int64_t until = within_limits(until_ms) - s->shift_ms;

	if (until <= after)
		return 0;
	switch (s->kind) {
	case SCHEDULE_EVERY:
		return (uint64_t)(turns_until(s, until) -
				  turns_until(s, after));
	case SCHEDULE_CRON:
		return cron_count(&s->cron, date_div(after, 1000),
				  date_div(until, 1000), s->zone);
	case SCHEDULE_AT:
		return s->at_ms > after && s->at_ms <= until;
	}
	return 0;
}

/* The latest time from which on no more than `most` are due until `until`. */
static int64_t
start_of_newest(const struct schedule *s, int64_t after, int64_t until,
		uint64_t most)
{
	int64_t low = after, high = until;

	if (schedule_count(s, after, until) <= most)
		return after;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;

		if (schedule_count(s, middle, until) <= most)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* What is taken of the due times, newest last. */
static uint64_t
most_runs(enum schedule_missed policy, size_t cap, bool on_time)
{
	switch (policy) {
	case MISSED_ONCE:
		return 1;
	case MISSED_NONE:
		return on_time;
	case MISSED_ALL:
		break;
	}
	return (cap < SCHEDULE_CAP_MAX ? cap : SCHEDULE_CAP_MAX) + on_time;
}

static void
take_newest(const struct schedule *s, int64_t start, int64_t now,
	    struct schedule_due *out)
{
	int64_t due = schedule_next(s, start);

	for (; due <= now && out->run <= SCHEDULE_CAP_MAX;
	     due = schedule_next(s, due))
		out->times[out->run++] = due;
}

static int64_t
newest_until(const struct schedule *s, int64_t after, int64_t until)
{
	return schedule_next(s, start_of_newest(s, after, until, 1));
}

void
schedule_take(const struct schedule *s, enum schedule_missed policy, size_t cap,
	      int64_t last_ms, int64_t now_ms, int64_t tolerance_ms,
	      struct schedule_due *out)
{
	int64_t last = within_limits(last_ms), now = within_limits(now_ms);
	uint64_t due = schedule_count(s, last, now), most;
	int64_t newest, start;

	out->run = 0;
	out->missed = 0;
	out->missed_first = out->missed_last = 0;
	out->last_ms = now < last - SCHEDULE_BACK_MAX_MS ? now : last;
	if (due > 0) {
		newest = newest_until(s, last, now);
		most = most_runs(policy, cap, newest >= now - tolerance_ms);
		start = start_of_newest(s, last, now, most);
		take_newest(s, start, now, out);
		out->missed = due - out->run;
		out->last_ms = newest;
		if (out->missed > 0) {
			out->missed_first = schedule_next(s, last);
			out->missed_last = newest_until(s, last, start);
		}
	}
	out->next_ms =
		schedule_next(s, out->last_ms > now ? out->last_ms : now);
}
