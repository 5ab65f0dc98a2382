#include "model/cron.h"

#include <stddef.h>

#include "base/date.h"

/*
 * Local times are counted as if they were UTC: seconds of the local calendar
 * since 1970-01-01 00:00. A search goes through the zone's spans, in each of
 * which local time runs without a jump.
 */

#define DAY 86400
#define HOUR 3600
#define MINUTE 60

#define ALL_HOURS 0xffffff

/* Years 0 to 9999; a 29 February on a given weekday may take 40 years. */
#define TIME_MIN INT64_C(-62167219200)
#define TIME_MAX INT64_C(253402300799)
#define SEARCH (INT64_C(40) * 366 * DAY)

static bool
has(uint64_t set, unsigned bit)
{
	return set >> bit & 1;
}

static bool
names_hour(const struct cron *c)
{
	return c->hours != ALL_HOURS;
}

static int64_t
up_to_minute(int64_t s)
{
	return date_div(s + MINUTE - 1, MINUTE) * MINUTE;
}

static bool
matches_day(const struct cron *c, struct date date, int64_t day)
{
	bool of_month = has(c->days, date.day);
	bool of_week = has(c->weekdays, date_weekday(day));

	if (!has(c->months, date.month))
		return false;
	return c->day_star || c->weekday_star ? of_month && of_week :
						of_month || of_week;
}

/* The first match of a day from a second of it on, -1 where there is none. */
static int
first_of_day(const struct cron *c, int from)
{
	unsigned hour = (unsigned)from / HOUR;
	unsigned minute = ((unsigned)from % HOUR + MINUTE - 1) / MINUTE;
	uint64_t later = minute < 60 ? c->minutes >> minute << minute : 0;

	if (has(c->hours, hour) && later)
		return (int)(hour * HOUR) + __builtin_ctzll(later) * MINUTE;
	if (!(c->hours >> hour >> 1))
		return -1;
	hour += 1 + (unsigned)__builtin_ctz(c->hours >> hour >> 1);
	return (int)(hour * HOUR) + __builtin_ctzll(c->minutes) * MINUTE;
}

/* The day after, or where its month does not match the next month's first. */
static int64_t
next_day(const struct cron *c, struct date date, int64_t day)
{
	if (has(c->months, date.month))
		return day + 1;
	return day + date_month_days(date.year, date.month) - date.day + 1;
}

/* The first match with low <= local < high; CRON_NEVER where there is none. */
static int64_t
first_match(const struct cron *c, int64_t low, int64_t high)
{
	int64_t day = date_div(low, DAY);
	int from = (int)date_mod(low, DAY);

	while (day * DAY < high) {
		struct date date = date_from_day(day);
		int at = matches_day(c, date, day) ? first_of_day(c, from) : -1;

		if (at >= 0)
			return day * DAY + at < high ? day * DAY + at :
						       CRON_NEVER;
		day = next_day(c, date, day);
		from = 0;
	}
	return CRON_NEVER;
}

/* A span in local time: what it holds that is not repeated, and its gap. */
struct stretch {
	int64_t begin;	   /* the first whole minute that counts */
	int64_t end;	   /* the first second after it */
	int64_t gap_begin; /* the times skipped before it, up to gap_end; */
	int64_t gap_end;   /* the same where none were */
	int32_t offset;
};

static struct stretch
stretch_of(const struct cron *c, const struct zone *zone, struct zone_span span)
{
	struct stretch s = { .begin = TIME_MIN - DAY, .end = TIME_MAX + DAY };
	int64_t before;

	s.offset = span.offset;
	if (span.until < TIME_MAX)
		s.end = span.until + span.offset;
	s.gap_begin = s.gap_end = s.begin;
	if (span.from <= TIME_MIN)
		return s;
	s.begin = s.gap_begin = s.gap_end =
		up_to_minute(span.from + span.offset);
	before = up_to_minute(span.from + zone_offset(zone, span.from - 1));
	if (!names_hour(c))
		return s;
	if (before > s.begin)
		s.begin = before; /* was there already */
	else
		s.gap_begin = before;
	return s;
}

/* Whether what was skipped before the stretch comes at its begin. */
static bool
makes_up(const struct cron *c, const struct stretch *s)
{
	return s->begin < s->end &&
	       first_match(c, s->gap_begin, s->gap_end) != CRON_NEVER;
}

int64_t
cron_next(const struct cron *c, int64_t after_s, const struct zone *zone)
{
	int64_t after = after_s < TIME_MIN ? TIME_MIN : after_s;
	int64_t last = after > TIME_MAX - SEARCH ? TIME_MAX : after + SEARCH;

	for (int64_t t = after; t <= last;) {
		struct zone_span span = zone_span(zone, t);
		struct stretch s = stretch_of(c, zone, span);
		int64_t low = up_to_minute(after + 1 + s.offset), at;

		if (low <= s.begin && makes_up(c, &s))
			return s.begin - s.offset;
		if (low < s.begin)
			low = s.begin;
		at = last + s.offset + 1;
		at = first_match(c, low, s.end < at ? s.end : at);
		if (at != CRON_NEVER)
			return at - s.offset;
		if (span.until > last)
			return CRON_NEVER;
		t = span.until;
	}
	return CRON_NEVER;
}

/* How many matches a day that matches has before a second of it. */
static unsigned
count_before(const struct cron *c, int64_t second)
{
	unsigned hour = (unsigned)(second / HOUR);
	unsigned minute = (unsigned)(second % HOUR + MINUTE - 1) / MINUTE;
	uint32_t hours = c->hours & ((UINT32_C(1) << hour) - 1);
	uint64_t minutes = c->minutes & ((UINT64_C(1) << minute) - 1);
	int n = __builtin_popcount(hours) * __builtin_popcountll(c->minutes);

	if (has(c->hours, hour))
		n += __builtin_popcountll(minutes);
	return (unsigned)n;
}

/* How many matches there are with low <= local < high. */
static uint64_t
count_matches(const struct cron *c, int64_t low, int64_t high)
{
	int64_t day = date_div(low, DAY);
	uint64_t n = 0;

	while (low < high && day * DAY < high) {
		struct date date = date_from_day(day);
		int64_t from = low > day * DAY ? low - day * DAY : 0;
		int64_t to = high < (day + 1) * DAY ? high - day * DAY : DAY;

		if (matches_day(c, date, day))
			n += count_before(c, to) - count_before(c, from);
		day = next_day(c, date, day);
	}
	return n;
}

uint64_t
cron_count(const struct cron *c, int64_t after_s, int64_t until_s,
	   const struct zone *zone)
{
	int64_t after = after_s < TIME_MIN ? TIME_MIN : after_s;
	int64_t last = until_s > TIME_MAX ? TIME_MAX : until_s;
	uint64_t n = 0;

	for (int64_t t = after; t <= last;) {
		struct zone_span span = zone_span(zone, t);
		struct stretch s = stretch_of(c, zone, span);
		int64_t low = up_to_minute(after + 1 + s.offset);
		int64_t high = last + s.offset + 1;

		if (low <= s.begin && s.begin < high && makes_up(c, &s) &&
		    first_match(c, s.begin, s.begin + MINUTE) == CRON_NEVER)
			n++;
		if (low < s.begin)
			low = s.begin;
		n += count_matches(c, low, s.end < high ? s.end : high);
		t = span.until;
	}
	return n;
}
