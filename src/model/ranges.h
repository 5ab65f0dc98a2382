/*
 * ranges.h: what of an ordered stream of jobs is still owed to somebody.
 *
 * The stream is numbered from 1 and goes on for ever; each job in it is its
 * log lines, numbered from 1, and then itself. A range begins after line
 * `line` of the job at `at` and ends before the job at `until`, which is
 * RANGE_OPEN for the one that has no end yet.
 *
 * A struct ranges is plain memory: its ranges are in order, apart from each
 * other, and never empty.
 */
#ifndef MODEL_RANGES_H
#define MODEL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGE_OPEN INT64_MAX
#define RANGES_MAX 32

struct position {
	int64_t at;   /* place of a job */
	int64_t line; /* those of its log up to this one are before it */
};

struct range {
	struct position from;
	int64_t until;
};

struct ranges {
	struct range items[RANGES_MAX];
	size_t n;
};

/* Below 0, 0 or above, as of memcmp(). */
int position_compare(struct position a, struct position b);

/*
 * What is from `from` to before `to` is owed no more. Where that would leave
 * more than RANGES_MAX ranges, false, and nothing has changed.
 */
bool ranges_take(struct ranges *r, struct position from, struct position to);

/* Everything from `at` on is owed, whatever was before. */
void ranges_add(struct ranges *r, int64_t at);

/* The job that is owed first; RANGE_OPEN where there is none. */
int64_t ranges_first(const struct ranges *r);

/* Jobs between `at` and `last`, both counted in, that are owed. */
int64_t ranges_count(const struct ranges *r, int64_t at, int64_t last);

#endif
