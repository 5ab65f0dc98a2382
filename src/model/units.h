/*
 * units.h: durations, sizes, times and names as people write them.
 */
#ifndef MODEL_UNITS_H
#define MODEL_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "500ms", "10s", "5m", "2h", "7d": a whole number and a unit, no spaces.
 * Fills *ms (milliseconds, 0 to UNITS_MAX_MS); false if it is no duration.
 */
#define UNITS_MAX_MS (INT64_C(10) * 365 * 86400 * 1000)
bool units_parse_duration(const char *s, int64_t *ms);

/* "4096", "64KiB", "128MiB", "1GiB", "2TiB": bytes, up to 2^53. */
bool units_parse_size(const char *s, int64_t *bytes);

/* The shortest text that parses back to the same; buf is returned. */
#define UNITS_TEXT 32
char *units_format_duration(int64_t ms, char buf[UNITS_TEXT]);
char *units_format_size(int64_t bytes, char buf[UNITS_TEXT]);

/* RFC 3339 in UTC with milliseconds, "2026-01-31T23:59:59.123Z". */
char *units_format_time(int64_t unix_ms, char buf[UNITS_TEXT]);

/*
 * RFC 3339 with any offset, "2026-01-31T23:59:59.123+01:00", the fraction
 * being optional and cut to milliseconds; from 1970 to 9999. False if it is no
 * such time.
 */
bool units_parse_time(const char *s, int64_t *unix_ms);

/* [a-z0-9][a-z0-9-]{0,63}: plugins, jobs, destinations. */
bool units_is_name(const char *s);

/*
 * The candidate nearest to `word`, NULL where none is near enough to be
 * meant (a third of its length).  `count` entries.
 */
const char *units_nearest(const char *word, const char *const *candidates,
			  size_t count);

#endif
