#include "model/units.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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
	time_t seconds = (time_t)(unix_ms / 1000);
	char text[24];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, UNITS_TEXT, "%s.%03dZ", text, (int)(unix_ms % 1000));
	return buf;
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
