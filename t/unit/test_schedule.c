/* model/schedule: what is due, what was missed, clocks that jump. */
#include "tap.h"

#include "base/mem.h"
#include "base/zone_file.h"
#include "model/schedule.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 INT64_C(1782864000000) /* 2026-07-01 00:00 */

static struct schedule
every(int64_t ms, int64_t shift)
{
	return (struct schedule){ .kind = SCHEDULE_EVERY,
				  .every_ms = ms,
				  .shift_ms = shift };
}

static struct schedule
at(int64_t ms)
{
	return (struct schedule){ .kind = SCHEDULE_AT, .at_ms = ms };
}

static struct schedule
cron(const char *text, const struct zone *zone, int64_t shift)
{
	struct schedule s = { .kind = SCHEDULE_CRON,
			      .zone = zone,
			      .shift_ms = shift };
	struct err e = ERR_INIT;

	ok(cron_parse(text, &s.cron, &e) == 0, "'%s' is right", text);
	return s;
}

static void
test_next(void)
{
	struct schedule s = every(MINUTE, 0);

	is_int(schedule_next(&s, T0), T0 + MINUTE, "next is strictly after");
	is_int(schedule_next(&s, T0 - 1), T0, "a millisecond before");
	is_int(schedule_next(&s, -1), 0, "times before 1970 are times");
	s = every(7 * SECOND, 0);
	is_int(schedule_next(&s, 8 * SECOND), 14 * SECOND,
	       "every is aligned to the epoch");
	s = every(MINUTE, 10 * SECOND);
	is_int(schedule_next(&s, T0), T0 + 10 * SECOND, "the shift is added");
	is_int(schedule_next(&s, T0 + 10 * SECOND), T0 + MINUTE + 10 * SECOND,
	       "... each time");
	s = every(MINUTE, 90 * SECOND);
	is_int(schedule_next(&s, T0), T0 + 30 * SECOND,
	       "a shift that is longer than the interval");
	s = every(SECOND, 0);
	ok(schedule_next(&s, INT64_MAX) > 0 && schedule_next(&s, INT64_MIN) < 0,
	   "no time overflows");
	s = cron("30 4 * * *", NULL, 1500);
	is_int(schedule_next(&s, T0), T0 + 4 * HOUR + 30 * MINUTE + 1500,
	       "cron with a shift");
	is_int(schedule_next(&s, T0 + 4 * HOUR + 30 * MINUTE + 1499),
	       T0 + 4 * HOUR + 30 * MINUTE + 1500, "... just before");
	is_int(schedule_next(&s, T0 + 4 * HOUR + 30 * MINUTE + 1500),
	       T0 + DAY + 4 * HOUR + 30 * MINUTE + 1500, "... and just at it");
	s = cron("0 0 30 2 *", NULL, 0);
	is_int(schedule_next(&s, T0), SCHEDULE_NEVER, "30 February is never");
	s = at(T0);
	is_int(schedule_next(&s, T0 - 1), T0, "at comes");
	is_int(schedule_next(&s, T0), SCHEDULE_NEVER, "... once");
	is_int((intmax_t)schedule_count(&s, T0 - 5, T0), 1, "... counted once");
	is_int((intmax_t)schedule_count(&s, T0, T0 + DAY), 0, "... and not");
}

static void
test_shift(void)
{
	const char *id = "9f0c0b6e-3c1a-4c52-9a1e-2f6a5a8d7b10";
	unsigned in[10] = { 0 };
	bool bounded = true;

	is_int(schedule_shift(id, "x", 0), 0, "no jitter is no shift");
	/* Other implementations: fmix64(fnv1a64(ID "/" NAME)) % jitter. */
	is_int(schedule_shift("a", "b", 1000000), 94444,
	       "the shift is the documented hash");
	ok(schedule_shift(id, "x", DAY) != schedule_shift(id, "y", DAY) &&
		   schedule_shift(id, "x", DAY) !=
			   schedule_shift("z", "x", DAY),
	   "names and hosts differ in it");
	is_int(schedule_shift(id, "x", DAY), schedule_shift(id, "x", DAY),
	       "it is always the same");
	for (int i = 0; i < 10000; i++) {
		_free_ char *name = xasprintf("job-%d", i);
		int64_t shift = schedule_shift(id, name, 10000);

		bounded = bounded && shift >= 0 && shift < 10000;
		in[shift / 1000 % 10]++;
	}
	ok(bounded, "it is within the jitter");
	for (int i = 0; i < 10; i++)
		ok(in[i] > 850 && in[i] < 1150,
		   "10,000 jobs are spread: %u in tenth %d", in[i], i);
}

/* every: 1m, and what a call takes. Times are minutes after T0. */
static const struct {
	const char *title;
	enum schedule_missed policy;
	size_t cap;
	int last, now_s;
	int64_t want_run, want_first, want_newest, want_missed;
	int64_t want_last, want_next;
} takes[] = {
	{ "nothing is due", MISSED_ONCE, 100, 5, 359, 0, 0, 0, 0, 5, 6 },
	{ "one is due", MISSED_ONCE, 100, 5, 360, 1, 6, 6, 0, 6, 7 },
	{ "one is due, a bit late", MISSED_NONE, 100, 5, 389, 1, 6, 6, 0, 6,
	  7 },
	{ "one is due, all", MISSED_ALL, 100, 5, 361, 1, 6, 6, 0, 6, 7 },
	{ "an hour down, once", MISSED_ONCE, 100, 0, 3630, 1, 60, 60, 59, 60,
	  61 },
	{ "an hour down, none, the newest on time", MISSED_NONE, 100, 0, 3630,
	  1, 60, 60, 59, 60, 61 },
	{ "an hour down, none, the newest late", MISSED_NONE, 100, 0, 3631, 0,
	  0, 0, 60, 60, 61 },
	{ "an hour down, all", MISSED_ALL, 100, 0, 3630, 60, 1, 60, 0, 60, 61 },
	{ "an hour down, all, capped: one is on time", MISSED_ALL, 10, 0, 3630,
	  11, 50, 60, 49, 60, 61 },
	{ "an hour down, all, capped: none is on time", MISSED_ALL, 10, 0, 3631,
	  10, 51, 60, 50, 60, 61 },
	{ "all with a cap of 0", MISSED_ALL, 0, 0, 3631, 0, 0, 0, 60, 60, 61 },
	{ "an hour back", MISSED_ALL, 100, 60, 0, 0, 0, 0, 0, 60, 61 },
	{ "an hour back, later", MISSED_ONCE, 100, 60, 1800, 0, 0, 0, 0, 60,
	  61 },
	{ "an hour back, caught up", MISSED_ONCE, 100, 60, 3660, 1, 61, 61, 0,
	  61, 62 },
	{ "a day back", MISSED_ONCE, 100, 1440, 0, 0, 0, 0, 0, 1440, 1441 },
	{ "more than a day back: time starts anew", MISSED_ONCE, 100, 1441, 0,
	  0, 0, 0, 0, 0, 1 },
	{ "years down, once", MISSED_ONCE, 100, 0, 315360000, 1, 5256000,
	  5256000, 5255999, 5256000, 5256001 },
	{ "years down, all", MISSED_ALL, 5000, 0, 315360000, 1001, 5255000,
	  5256000, 5254999, 5256000, 5256001 },
};

static void
test_take(void)
{
	struct schedule s = every(MINUTE, 0);
	struct schedule_due due;

	for (size_t i = 0; i < TAP_COUNT(takes); i++) {
		schedule_take(&s, takes[i].policy, takes[i].cap,
			      T0 + takes[i].last * MINUTE,
			      T0 + takes[i].now_s * SECOND, 30 * SECOND, &due);
		is_int((intmax_t)due.run, takes[i].want_run, "%s: runs",
		       takes[i].title);
		is_int((intmax_t)due.missed, takes[i].want_missed,
		       "... missed");
		is_int(due.last_ms, T0 + takes[i].want_last * MINUTE,
		       "... taken up to");
		is_int(due.next_ms, T0 + takes[i].want_next * MINUTE,
		       "... to be called again");
		if (due.run > 0)
			ok(due.times[0] == T0 + takes[i].want_first * MINUTE &&
				   due.times[due.run - 1] ==
					   T0 + takes[i].want_newest * MINUTE,
			   "... the first and the newest run");
		if (due.missed > 0)
			ok(due.missed_first ==
					   T0 + (takes[i].last + 1) * MINUTE &&
				   due.missed_last ==
					   due.missed_first +
						   ((int64_t)due.missed - 1) *
							   MINUTE,
			   "... the ends of what was missed");
		else
			ok(!due.missed_first && !due.missed_last,
			   "... and no ends where nothing was");
	}
	s = at(T0);
	schedule_take(&s, MISSED_ONCE, 100, T0 - DAY, T0 + DAY, MINUTE, &due);
	ok(due.run == 1 && due.times[0] == T0 && due.missed == 0 &&
		   due.next_ms == SCHEDULE_NEVER,
	   "at, a day late, once: it runs");
	schedule_take(&s, MISSED_NONE, 100, T0 - DAY, T0 + DAY, MINUTE, &due);
	ok(due.run == 0 && due.missed == 1 && due.last_ms == T0,
	   "at, a day late, none: it is missed");
	schedule_take(&s, MISSED_ALL, 100, INT64_MIN, INT64_MAX, MINUTE, &due);
	ok(due.run == 1, "all of time is no problem");
}

/* --- Any clock ------------------------------------------------------------ */

struct walker {
	const struct schedule *s;
	unsigned seed;
	int64_t last, now;
	int64_t newest; /* of all that were taken since time began anew */
};

/* Mostly on, at times by hours, and back by hours; rarely back by days. */
static int64_t
jump(unsigned *seed)
{
	int64_t r = rand_r(seed);

	switch (rand_r(seed) % 16) {
	case 0:
		return r % (3 * DAY);
	case 1:
	case 2:
		return -(r % (5 * HOUR));
	case 3:
		return -(r % (DAY / 2));
	case 4:
		return rand_r(seed) % 8 ? 0 : -DAY - r % (40 * DAY);
	case 5:
		return r % (20 * MINUTE);
	default:
		return r % (2 * MINUTE);
	}
}

static const char *
check(struct walker *w, const struct schedule_due *due, size_t most)
{
	uint64_t n = 0;
	int64_t t, newest = w->last;

	for (t = schedule_next(w->s, w->last); t <= w->now;
	     t = schedule_next(w->s, t), n++)
		newest = t;
	if (due->run > most)
		return "more runs than allowed";
	if (due->run + due->missed != n)
		return "missed is counted wrong";
	for (size_t i = 0; i < due->run; i++) {
		if (due->times[i] <= w->newest)
			return "a due time is taken twice";
		if (schedule_next(w->s, due->times[i] - 1) != due->times[i])
			return "a run at no due time";
		w->newest = due->times[i];
	}
	if (due->run > 0 && due->times[due->run - 1] != newest)
		return "the newest is not among the runs";
	if (due->missed > 0 &&
	    (due->missed_first != schedule_next(w->s, w->last) ||
	     (due->run > 0 &&
	      schedule_next(w->s, due->missed_last) != due->times[0])))
		return "the ends of what was missed are wrong";
	if (w->now < w->last - SCHEDULE_BACK_MAX_MS)
		newest = w->newest = w->now;
	if (due->last_ms != newest)
		return "last is wrong";
	if (due->next_ms <= w->now || due->next_ms <= due->last_ms ||
	    schedule_count(w->s, due->last_ms > w->now ? due->last_ms : w->now,
			   due->next_ms - 1) != 0)
		return "next is wrong";
	return NULL;
}

static void
walk(const struct schedule *s, enum schedule_missed policy, size_t cap,
     const char *title)
{
	struct walker w = { .s = s, .last = T0, .now = T0, .newest = T0 };
	struct schedule_due due;
	const char *wrong = NULL;
	int step = 0;

	w.seed = (unsigned)cap + policy + 1;
	for (; step < 2000 && !wrong; step++) {
		w.now += jump(&w.seed);
		schedule_take(s, policy, cap, w.last, w.now, MINUTE, &due);
		wrong = check(&w, &due, policy == MISSED_ALL ? cap + 1 : 1);
		w.last = due.last_ms;
	}
	if (!ok(!wrong, "%s: 2,000 turns of any clock", title))
		diag("   at turn %d, now %jd: %s", step, (intmax_t)w.now,
		     wrong);
}

static void
test_walks(void)
{
	static const char *const names[] = { "once", "all", "none" };
	struct zone_rule r;
	_zone_ struct zone *zone = NULL;

	ok(zone_rule_parse("CET-1CEST,M3.5.0,M10.5.0/3", &r), "a zone");
	zone = zone_of_rule("x", &r);
	for (enum schedule_missed p = MISSED_ONCE; p <= MISSED_NONE; p++) {
		struct schedule s = every(MINUTE, 12345);

		walk(&s, p, 7, names[p]);
		s = every(25 * HOUR, 0);
		walk(&s, p, 3, names[p]);
		s = cron("*/5 * * * *", zone, 0);
		walk(&s, p, 100, names[p]);
		s = cron("30 2 * * *", zone, 99999);
		walk(&s, p, 2, names[p]);
	}
}

int
main(void)
{
	test_next();
	test_shift();
	test_take();
	test_walks();
	return tap_done();
}
