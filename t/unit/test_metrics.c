/* model/metrics: counters, gauges, histograms; bounded, whatever is counted. */
#include "tap.h"

#include <sys/wait.h>

#include <math.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/metrics.h"

enum { JOBS, QUEUE, WAIT, START, ROWS };

static const double waits[] = { 0.1, 1, 10 };
static const struct metric_row rows[ROWS] = {
	[JOBS] = { .name = "jobs_total",
		   .help = "Jobs ended.",
		   .labels = { "plugin", "state" } },
	[QUEUE] = { .name = "queue_jobs",
		    .kind = METRIC_GAUGE,
		    .help = "Jobs that wait.",
		    .labels = { "plugin" },
		    .max_series = 3 },
	[WAIT] = { .name = "wait_seconds",
		   .kind = METRIC_HISTOGRAM,
		   .unit = "seconds",
		   .help = "Waits.",
		   .bounds = waits,
		   .n_bounds = ARRAY_SIZE(waits) },
	[START] = { .name = "start_seconds",
		    .kind = METRIC_GAUGE,
		    .unit = "seconds",
		    .help = "Start." },
};

static void
add_sample(void *arg, const struct metric_sample *s)
{
	struct buf *b = arg;

	buf_addf(b, "%s(", s->row->name);
	for (size_t i = 0; i < METRIC_LABELS && s->labels[i]; i++)
		buf_addf(b, "%s%s", i ? "," : "", s->labels[i]);
	buf_addf(b, ")=%g", s->value);
	for (size_t i = 0; s->buckets && i <= s->row->n_bounds; i++)
		buf_addf(b, "%c%llu", i ? ',' : '/',
			 (unsigned long long)s->buckets[i]);
	if (s->buckets)
		buf_addf(b, "/%llu", (unsigned long long)s->count);
	buf_addc(b, ' ');
}

/* All values, on one line. */
static const char *
all(const struct metrics *m)
{
	static struct buf b;

	buf_release(&b);
	metrics_each(m, add_sample, &b);
	buf_add(&b, "", 0);
	return b.data;
}

static void
test_values(void)
{
	static const double waits_seen[] = { 0.01, 0.1, 1, 10 };
	struct metrics *m = metrics_new(rows, ROWS);

	is_str(all(m), "wait_seconds()=0/0,0,0,0/0 start_seconds()=0 ",
	       "what has no labels is there from the start");
	metrics_add(m, JOBS, 1, "disk", "failed", NULL);
	metrics_add(m, JOBS, 2, "disk", "failed", NULL);
	metrics_add(m, JOBS, 1, "disk", "succeeded", NULL);
	metrics_add(m, JOBS, 5, "d", "iskfailed", NULL);
	metrics_set(m, QUEUE, 7, "disk", NULL, NULL);
	metrics_set(m, QUEUE, 3, "disk", NULL, NULL);
	metrics_add(m, QUEUE, -1, "disk", NULL, NULL);
	metrics_set(m, START, 1.5, NULL, NULL, NULL);
	for (size_t i = 0; i < TAP_COUNT(waits_seen); i++)
		metrics_observe(m, WAIT, waits_seen[i], NULL, NULL, NULL);
	metrics_observe(m, WAIT, 20, NULL, NULL, NULL);
	is_str(all(m),
	       "jobs_total(disk,failed)=3 jobs_total(disk,succeeded)=1 "
	       "jobs_total(d,iskfailed)=5 queue_jobs(disk)=2 "
	       "wait_seconds()=31.11/2,1,1,1/5 start_seconds()=1.5 ",
	       "counters add up, gauges are set, a histogram counts up to and "
	       "with its bounds");
	metrics_set(m, START, (double)NAN, NULL, NULL, NULL);
	metrics_add(m, JOBS, HUGE_VAL, "disk", "failed", NULL);
	metrics_observe(m, WAIT, (double)NAN, NULL, NULL, NULL);
	has_str(all(m), "start_seconds()=1.5",
		"what is not finite is left out of a gauge");
	has_str(all(m), "(disk,failed)=3", "... of a counter");
	has_str(all(m), "31.11/2,1,1,1/5", "... and of a histogram");
	metrics_forget(m, JOBS);
	ok(!strstr(all(m), "jobs_total"), "a row is forgotten");
	has_str(all(m), "queue_jobs(disk)=2", "... no other");
	metrics_add(m, JOBS, 1, "disk", "failed", NULL);
	has_str(all(m), "jobs_total(disk,failed)=1 ", "... and begins anew");
	metrics_free(m);
	metrics_free(NULL);
}

static void
test_bounds(void)
{
	struct metrics *m = metrics_new(rows, ROWS);
	char label[8 * METRIC_VALUE];
	uint64_t before;
	size_t n = 0;

	for (int i = 0; i < 6; i++) {
		snprintf(label, sizeof(label), "p%d", i);
		metrics_set(m, QUEUE, i, label, NULL, NULL);
	}
	is_str(all(m),
	       "queue_jobs(p0)=0 queue_jobs(p1)=1 queue_jobs(p2)=2 "
	       "queue_jobs(other)=5 wait_seconds()=0/0,0,0,0/0 "
	       "start_seconds()=0 ",
	       "past its bound a metric has one more series");
	is_int((intmax_t)metrics_overflow(m), 3, "... and that is counted");
	metrics_set(m, QUEUE, 9, "p1", NULL, NULL);
	has_str(all(m), "(p1)=9", "... and what is there is found");
	for (int i = 0; i < 20000; i++) {
		snprintf(label, sizeof(label), "%d", i);
		metrics_add(m, JOBS, 1, label, "failed", NULL);
	}
	for (const char *s = all(m); (s = strstr(s, "jobs_total(")); s++)
		n++;
	is_int((intmax_t)n, METRIC_SERIES + 1,
	       "20,000 plugins make no more than the bound and one");
	has_str(all(m), "jobs_total(other,other)=19800 ",
		"... and none is uncounted");
	metrics_forget(m, JOBS);
	before = metrics_overflow(m);
	memset(label, 'x', sizeof(label));
	memcpy(label + METRIC_VALUE - 1, "\xc3\xbc", 2);
	label[sizeof(label) - 1] = '\0';
	metrics_add(m, JOBS, 1, label, "s", NULL);
	label[METRIC_VALUE - 1] = '\0';
	metrics_add(m, JOBS, 1, label, "s", NULL);
	has_str(all(m), "x,s)=2", "a long label is cut, at a character");
	is_int((intmax_t)metrics_overflow(m), (intmax_t)before,
	       "... and forgotten rows have room again");
	metrics_free(m);
}

/* --- Broken invariants end the process --- */

static void
wrong_kind(struct metrics *m)
{
	metrics_set(m, JOBS, 1, "a", "b", NULL);
}

static void
wrong_sign(struct metrics *m)
{
	metrics_add(m, JOBS, -1, "a", "b", NULL);
}

static void
wrong_observation(struct metrics *m)
{
	metrics_observe(m, QUEUE, 1, "a", NULL, NULL);
}

static void
too_few_labels(struct metrics *m)
{
	metrics_add(m, JOBS, 1, "a", NULL, NULL);
}

static void
too_many_labels(struct metrics *m)
{
	metrics_set(m, START, 1, "a", NULL, NULL);
}

static void
no_row(struct metrics *m)
{
	metrics_forget(m, ROWS);
}

static void
no_row_either(struct metrics *m)
{
	metrics_set(m, ROWS, 1, NULL, NULL, NULL);
}

static void
table(const struct metric_row *row)
{
	struct metric_row two[] = { rows[START], *row };

	metrics_free(metrics_new(two, 2));
}

#define ROW(n, k, h) .name = (n), .kind = (k), .help = (h)
#define BOUNDS(...)                                \
	.bounds = (const double[]){ __VA_ARGS__ }, \
	.n_bounds = ARRAY_SIZE(((const double[]){ __VA_ARGS__ }))

static const struct {
	const char *title;
	void (*fn)(struct metrics *m);
	struct metric_row row;
} wrongs[] = {
	{ "to set a counter", wrong_kind, { 0 } },
	{ "to count down", wrong_sign, { 0 } },
	{ "to observe a gauge", wrong_observation, { 0 } },
	{ "to leave a label out", too_few_labels, { 0 } },
	{ "to give one label more", too_many_labels, { 0 } },
	{ "to forget what is no row", no_row, { 0 } },
	{ "to set what is no row", no_row_either, { 0 } },
	{ "a name twice", NULL, { ROW("start_seconds", METRIC_GAUGE, "h") } },
	{ "a name with a capital", NULL, { ROW("aB", METRIC_GAUGE, "h") } },
	{ "no name", NULL, { ROW(NULL, METRIC_GAUGE, "h") } },
	{ "no help", NULL, { ROW("a", METRIC_GAUGE, NULL) } },
	{ "a histogram without bounds",
	  NULL,
	  { ROW("a", METRIC_HISTOGRAM, "h") } },
	{ "a gauge with bounds",
	  NULL,
	  { ROW("a", METRIC_GAUGE, "h"), BOUNDS(1, 2) } },
	{ "bounds that descend",
	  NULL,
	  { ROW("a", METRIC_HISTOGRAM, "h"), BOUNDS(2, 1) } },
	{ "a bound that is none",
	  NULL,
	  { ROW("a", METRIC_HISTOGRAM, "h"), BOUNDS(1, HUGE_VAL) } },
	{ "a gap in the labels",
	  NULL,
	  { ROW("a", METRIC_GAUGE, "h"), .labels = { NULL, "x" } } },
	{ "a label that is no name",
	  NULL,
	  { ROW("a", METRIC_GAUGE, "h"), .labels = { "x-y" } } },
	{ "what is right", NULL, { ROW("a", METRIC_GAUGE, "h") } },
};

static void
test_wrongs(void)
{
	for (size_t i = 0; i < TAP_COUNT(wrongs); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			close(STDERR_FILENO);
			if (wrongs[i].fn)
				wrongs[i].fn(metrics_new(rows, ROWS));
			else
				table(&wrongs[i].row);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		is_int(WEXITSTATUS(status),
		       i == TAP_COUNT(wrongs) - 1 ? 0 : 125, "fatal or not: %s",
		       wrongs[i].title);
	}
}

int
main(void)
{
	test_values();
	test_bounds();
	test_wrongs();
	return tap_done();
}
