/*
 * metrics.h: counters, gauges and histograms, in memory.
 *
 * What there is to measure is a table: a row a metric, its index (an enum of
 * the caller's) its name in the code.  Values are kept by labels, at most
 * `max_series` combinations a metric: what comes after that is counted under
 * METRIC_OTHER in every label, so that no input makes it grow.
 *
 *	enum { M_JOBS, M_WAIT };
 *	static const struct metric_row rows[] = {
 *		[M_JOBS] = { .name = "jobs_total", .kind = METRIC_COUNTER,
 *			     .help = "Jobs ended.",
 *			     .labels = { "plugin", "state" } },
 *		[M_WAIT] = { .name = "job_wait_seconds", .unit = "seconds",
 *			     .kind = METRIC_HISTOGRAM, .help = "Waits.",
 *			     .bounds = waits, .n_bounds = ARRAY_SIZE(waits) },
 *	};
 *	m = metrics_new(rows, ARRAY_SIZE(rows));
 *	metrics_add(m, M_JOBS, 1, "disk", "failed", NULL);
 *	metrics_observe(m, M_WAIT, 0.2, NULL, NULL, NULL);
 *
 * A wrong table, kind or number of labels is a broken invariant: fatal().
 */
#ifndef MODEL_METRICS_H
#define MODEL_METRICS_H

#include <stddef.h>
#include <stdint.h>

#define METRIC_LABELS 3
#define METRIC_VALUE 64 /* bytes of a label's value; longer ones are cut */
#define METRIC_SERIES 200
#define METRIC_BOUNDS 32
#define METRIC_OTHER "other"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
const char *metric_kind_name(enum metric_kind kind); /* "counter" */

struct metric_row {
	const char *name; /* [a-z][a-z0-9_]* */
	enum metric_kind kind;
	const char *unit;		   /* NULL: a plain number */
	const char *help;		   /* one sentence */
	const char *labels[METRIC_LABELS]; /* names, NULL after the last */
	const double *bounds; /* of a histogram: inclusive, ascending */
	size_t n_bounds;      /* the bucket above all of them is added */
	size_t max_series;    /* 0: METRIC_SERIES */
};

struct metrics;

/* `rows` is not copied and stays. */
struct metrics *metrics_new(const struct metric_row *rows, size_t n);
void metrics_free(struct metrics *m);

/*
 * One value for each label of the row, NULL for the others.  A counter only
 * grows: n >= 0.  What is not finite is left out.  metrics_add() also moves
 * a gauge, by n of either sign.
 */
void metrics_add(struct metrics *m, size_t row, double n, const char *a,
		 const char *b, const char *c);
void metrics_set(struct metrics *m, size_t row, double value, const char *a,
		 const char *b, const char *c);
void metrics_observe(struct metrics *m, size_t row, double value, const char *a,
		     const char *b, const char *c);

/* Drop every series of a row, such as a gauge before it is counted anew. */
void metrics_forget(struct metrics *m, size_t row);

/* One combination of labels; valid until the next call with `m`. */
struct metric_sample {
	const struct metric_row *row;
	const char *labels[METRIC_LABELS]; /* values */
	double value;	/* of a counter or a gauge; of a histogram the sum */
	uint64_t count; /* of a histogram: observations ... */
	const uint64_t
		*buckets; /* ... in each of n_bounds + 1, not summed up */
};

/*
 * Each series: rows in the table's order, a row's in the order they came.  A
 * row without labels is there from the start (with 0), unless forgotten.
 */
typedef void metrics_each_fn(void *arg, const struct metric_sample *s);
void metrics_each(const struct metrics *m, metrics_each_fn *fn, void *arg);

/* How many updates went to METRIC_OTHER for want of room, in all rows. */
uint64_t metrics_overflow(const struct metrics *m);

#endif
