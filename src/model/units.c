#include "model/units.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
	time_t seconds = (time_t)(unix_ms / 1000);
	char text[24];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, UNITS_TEXT, "%s.%03dZ", text, (int)(unix_ms % 1000));
	return buf;
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
	struct tm tm = { 0 }, same;
	int64_t ms, offset;
	time_t seconds;

	if (!take_digits(&s, 4, 9999, '-', &tm.tm_year) ||
	    !take_digits(&s, 2, 12, '-', &tm.tm_mon) ||
	    !take_digits(&s, 2, 31, '\0', &tm.tm_mday) || !*s ||
	    !strchr("Tt ", *s++) || !take_digits(&s, 2, 23, ':', &tm.tm_hour) ||
	    !take_digits(&s, 2, 59, ':', &tm.tm_min) ||
	    !take_digits(&s, 2, 59, '\0', &tm.tm_sec))
		return false;
	ms = take_fraction(&s);
	if (!take_offset(s, &offset) || tm.tm_year < 1970)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	same = tm;
	seconds = timegm(&same); /* moves 30 February to March */
	if (same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday)
		return false;
	ms += seconds * INT64_C(1000) - offset;
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

#define WORD_MAX 64

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned
units_distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return UINT_MAX;
	for (unsigned j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			row[j] = min3(up[j] + 1, row[j - 1] + 1,
				      up[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    rows[(i + 1) % 3][j - 2] + 1 < row[j])
				row[j] = rows[(i + 1) % 3][j - 2] + 1;
		}
	}
	return rows[la % 3][lb];
}

const char *
units_nearest(const char *word, const char *const *candidates, size_t count)
{
	unsigned best = (unsigned)strlen(word) / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		unsigned d = units_distance(word, candidates[i]);

		if (d <= best && (!found || d < best)) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
