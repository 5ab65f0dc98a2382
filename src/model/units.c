#include "model/units.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/clock.h"

_Static_assert(UNITS_TEXT >= CLOCK_TEXT, "a time has room");

#include "base/word.h"

struct unit {
	const char *suffix;
	int64_t factor;
};

/* largest first: formatting takes the first that divides */
static const struct unit durations[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 },
	{ "s", 1000 },	   { "ms", 1 },	     { NULL, 0 },
};

static const struct unit sizes[] = {
	{ "TiB", INT64_C(1) << 40 }, { "GiB", 1 << 30 }, { "MiB", 1 << 20 },
	{ "KiB", 1 << 10 },	     { "", 1 },		 { NULL, 0 },
};

#define MAX_SIZE (INT64_C(1) << 53)

static bool
parse_with_unit(const char *s, const struct unit *units, int64_t max,
		int64_t *out)
{
	int64_t n = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (*s - '0');
		if (n > max)
			return false;
	}
	for (; units->suffix; units++) {
		if (strcmp(s, units->suffix) != 0)
			continue;
		if (n > max / units->factor)
			return false;
		*out = n * units->factor;
		return true;
	}
	return false;
}

static char *
format_with_unit(int64_t n, const struct unit *units, char *buf)
{
	while (units[1].suffix && (n == 0 || n % units->factor != 0))
		units++;
	snprintf(buf, UNITS_TEXT, "%lld%s", (long long)(n / units->factor),
		 units->suffix);
	return buf;
}

bool
units_parse_duration(const char *s, int64_t *ms)
{
	return parse_with_unit(s, durations, UNITS_MAX_MS, ms);
}

bool
units_parse_size(const char *s, int64_t *bytes)
{
	return parse_with_unit(s, sizes, MAX_SIZE, bytes);
}

char *
units_format_duration(int64_t ms, char buf[UNITS_TEXT])
{
	return format_with_unit(ms, durations, buf);
}

char *
units_format_size(int64_t bytes, char buf[UNITS_TEXT])
{
	return format_with_unit(bytes, sizes, buf);
}

char *
units_format_time(int64_t unix_ms, char buf[UNITS_TEXT])
{
	return clock_format(unix_ms, buf);
}

/* `count` digits at *s as a number up to `max`, and what follows them. */
static bool
take_digits(const char **s, int count, int max, char then, int *out)
{
	int n = 0;

	for (; count > 0; count--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		n = n * 10 + (**s - '0');
	}
	if (then && *(*s)++ != then)
		return false;
	*out = n;
	return n <= max;
}

static int64_t
take_fraction(const char **s)
{
	int64_t ms = 0, digit = 100;

	if (**s != '.')
		return 0;
	if ((*s)[1] < '0' || (*s)[1] > '9')
		return 0; /* the '.' is left, and wrong */
	for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, digit /= 10)
		ms += (**s - '0') * digit;
	return ms;
}

/* "Z" or "+HH:MM", the last of the text. */
static bool
take_offset(const char *s, int64_t *ms)
{
	int hours, minutes, sign = *s == '-' ? -1 : 1;

	*ms = 0;
	if (*s == 'Z' || *s == 'z')
		return s[1] == '\0';
	if (*s != '+' && *s != '-')
		return false;
	s++;
	if (!take_digits(&s, 2, 23, ':', &hours) ||
	    !take_digits(&s, 2, 59, '\0', &minutes) || *s)
		return false;
	*ms = sign * (hours * INT64_C(3600000) + minutes * INT64_C(60000));
	return true;
}

bool
units_parse_time(const char *s, int64_t *unix_ms)
{
	int year, month, day, hour, minute, second;
	int64_t ms, offset;

	if (!take_digits(&s, 4, 9999, '-', &year) ||
	    !take_digits(&s, 2, 12, '-', &month) ||
	    !take_digits(&s, 2, 31, '\0', &day) || !*s ||
	    !strchr("Tt ", *s++) || !take_digits(&s, 2, 23, ':', &hour) ||
	    !take_digits(&s, 2, 59, ':', &minute) ||
	    !take_digits(&s, 2, 59, '\0', &second))
		return false;
	ms = take_fraction(&s);
	if (!take_offset(s, &offset) || year < 1970 || month < 1 || day < 1 ||
	    (unsigned)day > date_month_days(year, (unsigned)month))
		return false;
	ms += date_to_day(year, (unsigned)month, (unsigned)day) *
		      INT64_C(86400000) +
	      ((hour * 60 + minute) * INT64_C(60) + second) * 1000 - offset;
	if (ms < 0)
		return false;
	*unix_ms = ms;
	return true;
}

bool
units_is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n >= 1 && n <= 64 && s[n] == '\0' && s[0] != '-';
}

const char *
units_nearest(const char *word, const char *const *candidates, size_t count)
{
	unsigned best = (unsigned)strlen(word) / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		unsigned d = word_distance(word, candidates[i]);

		if (d <= best && (!found || d < best)) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
