#include "base/zone_rule.h"

#include <string.h>

#include "base/date.h"

/*
 * The parser's steps move a pointer on and return false where the text is not
 * what they want.
 */

static bool
take(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

static bool
take_number(const char **p, unsigned min, unsigned max, unsigned *out)
{
	const char *start = *p;
	unsigned n = 0;

	for (; **p >= '0' && **p <= '9'; ++*p)
		if ((n = n * 10 + (unsigned)(**p - '0')) > max)
			return false;
	*out = n;
	return *p > start && n >= min;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "CET", or "<+03>": three characters or more */
static bool
take_abbreviation(const char **p)
{
	bool quoted = take(p, '<');
	const char *start = *p;
	size_t len;

	while (is_letter(**p) || (quoted && **p && strchr("0123456789+-", **p)))
		++*p;
	len = (size_t)(*p - start);
	return len >= 3 && (!quoted || take(p, '>'));
}

/* [+-]hh[:mm[:ss]], in seconds */
static bool
take_time(const char **p, unsigned max_hours, int32_t *out)
{
	bool negative = take(p, '-');
	unsigned h, m = 0, s = 0;
	int32_t seconds;

	if (!negative)
		take(p, '+');
	if (!take_number(p, 0, max_hours, &h) ||
	    (take(p, ':') && (!take_number(p, 0, 59, &m) ||
			      (take(p, ':') && !take_number(p, 0, 59, &s)))))
		return false;
	seconds = (int32_t)(h * 3600 + m * 60 + s);
	*out = negative ? -seconds : seconds;
	return true;
}

static bool
take_day(const char **p, struct zone_change *c)
{
	if (take(p, 'J')) {
		c->kind = ZONE_DAY_JULIAN;
		return take_number(p, 1, 365, &c->day);
	}
	if (take(p, 'M')) {
		c->kind = ZONE_DAY_WEEKDAY;
		return take_number(p, 1, 12, &c->month) && take(p, '.') &&
		       take_number(p, 1, 5, &c->week) && take(p, '.') &&
		       take_number(p, 0, 6, &c->day);
	}
	c->kind = ZONE_DAY_OF_YEAR;
	return take_number(p, 0, 365, &c->day);
}

static bool
take_change(const char **p, struct zone_change *c)
{
	c->time = 2 * 3600;
	return take(p, ',') && take_day(p, c) &&
	       (!take(p, '/') || take_time(p, 167, &c->time));
}

bool
zone_rule_parse(const char *text, struct zone_rule *r)
{
	struct zone_rule rule = { 0 };
	int32_t west;

	if (!take_abbreviation(&text) || !take_time(&text, 24, &west))
		return false;
	rule.standard = -west;
	if (*text) {
		rule.has_summer = true;
		rule.summer = rule.standard + 3600;
		if (!take_abbreviation(&text))
			return false;
		if (*text != ',') {
			if (!take_time(&text, 24, &west))
				return false;
			rule.summer = -west;
		}
		if (!take_change(&text, &rule.begin) ||
		    !take_change(&text, &rule.end))
			return false;
	}
	if (*text)
		return false;
	*r = rule;
	return true;
}

static int64_t
weekday_of_month(int64_t year, const struct zone_change *c)
{
	int64_t first = date_to_day(year, c->month, 1);
	unsigned ahead = (c->day + 7 - date_weekday(first)) % 7;
	unsigned at = ahead + 7 * (c->week - 1);

	while (at >= date_month_days(year, c->month))
		at -= 7;
	return first + at;
}

static int64_t
day_in_year(int64_t year, const struct zone_change *c)
{
	int64_t first = date_to_day(year, 1, 1);

	switch (c->kind) {
	case ZONE_DAY_JULIAN:
		return first + c->day - 1 +
		       (c->day >= 60 && date_month_days(year, 2) == 29);
	case ZONE_DAY_OF_YEAR:
		return first + c->day;
	case ZONE_DAY_WEEKDAY:
		break;
	}
	return weekday_of_month(year, c);
}

/* When it comes in that year, in local time as of before it. */
static int64_t
change_in_year(int64_t year, const struct zone_change *c)
{
	return day_in_year(year, c) * 86400 + c->time;
}

struct change {
	int64_t at;
	int32_t offset; /* from then on */
};

/* Summer that begins as it ends goes on, so its begin is the later of them. */
static void
insert(struct change *changes, size_t n, struct change c)
{
	for (; n > 0 && changes[n - 1].at > c.at; n--)
		changes[n] = changes[n - 1];
	changes[n] = c;
}

/* Far beyond all calendars: keeps the arithmetic within its types. */
#define FAR (INT64_C(1) << 48)

struct zone_span
zone_rule_span(const struct zone_rule *r, int64_t utc_s)
{
	struct zone_span span = { INT64_MIN, INT64_MAX, r->standard };
	struct change changes[10];
	size_t n = 0;
	int64_t year;

	if (!r->has_summer || utc_s > FAR || utc_s < -FAR)
		return span;
	year = date_from_day(date_div(utc_s, 86400)).year;
	for (int64_t y = year - 2; y <= year + 2; y++, n += 2) {
		insert(changes, n,
		       (struct change){ change_in_year(y, &r->end) - r->summer,
					r->standard });
		insert(changes, n + 1,
		       (struct change){ change_in_year(y, &r->begin) -
						r->standard,
					r->summer });
	}
	for (size_t i = 0; i < n && span.until == INT64_MAX; i++) {
		if (changes[i].at > utc_s) {
			span.until = changes[i].at;
		} else {
			span.from = changes[i].at;
			span.offset = changes[i].offset;
		}
	}
	return span;
}
