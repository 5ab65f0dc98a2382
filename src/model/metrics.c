#include "model/metrics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

const char *
metric_kind_name(enum metric_kind kind)
{
	static const char *const names[] = { [METRIC_COUNTER] = "counter",
					     [METRIC_GAUGE] = "gauge",
					     [METRIC_HISTOGRAM] = "histogram" };

	return names[kind];
}

#define TABLE_MIN 64

struct series {
	struct series *in_bucket, *in_row; /* the next ones */
	uint64_t hash;
	size_t row;
	char *labels[METRIC_LABELS];
	double value;
	uint64_t count;
	uint64_t buckets[]; /* of a histogram */
};

struct row {
	struct series *first, **last;
	size_t n;
};

struct metrics {
	const struct metric_row *rows;
	size_t n_rows;
	struct row *state; /* a row's series, in the order they came */
	struct series **table;
	size_t table_size; /* a power of two */
	size_t n_series;
	uint64_t overflow;
};

/* --- The table of metrics
 * ------------------------------------------------------ */

static bool
is_metric_name(const char *s)
{
	return s && *s >= 'a' && *s <= 'z' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

static size_t
n_labels(const struct metric_row *row)
{
	size_t n = 0;

	while (n < METRIC_LABELS && row->labels[n])
		n++;
	return n;
}

static const char *
what_is_wrong(const struct metric_row *row)
{
	if (!is_metric_name(row->name) || !row->help)
		return "it has no name or no help";
	if ((row->kind == METRIC_HISTOGRAM) != (row->n_bounds > 0) ||
	    row->n_bounds > METRIC_BOUNDS)
		return "bounds are what a histogram has";
	for (size_t i = 0; i < row->n_bounds; i++)
		if (!isfinite(row->bounds[i]) ||
		    (i && row->bounds[i] <= row->bounds[i - 1]))
			return "its bounds do not ascend";
	for (size_t i = 0; i < METRIC_LABELS; i++)
		if (row->labels[i] &&
		    (i >= n_labels(row) || !is_metric_name(row->labels[i])))
			return "its labels have a gap or a wrong name";
	return NULL;
}

static void
check_rows(const struct metric_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *wrong = what_is_wrong(&rows[i]);

		for (size_t k = 0; k < i && !wrong; k++)
			if (strcmp(rows[k].name, rows[i].name) == 0)
				wrong = "it is there twice";
		if (wrong)
			fatal("metric %zu (%s): %s", i,
			      rows[i].name ? rows[i].name : "", wrong);
	}
}

/* --- Series
 * --------------------------------------------------------------------- */

/* FNV-1a; a label's end is part of it. */
static uint64_t
hash_of(size_t row, const char *const labels[METRIC_LABELS], size_t n)
{
	uint64_t h = 0xcbf29ce484222325U ^ row;

	for (size_t i = 0; i < n; i++)
		for (const char *s = labels[i];; s++) {
			h = (h ^ (unsigned char)*s) * 0x100000001b3U;
			if (!*s)
				break;
		}
	return h;
}

static struct series **
bucket_of(const struct metrics *m, uint64_t hash)
{
	return &m->table[(hash ^ hash >> 32) & (m->table_size - 1)];
}

static bool
has_labels(const struct series *s, const char *const labels[METRIC_LABELS],
	   size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s->labels[i], labels[i]) != 0)
			return false;
	return true;
}

static struct series *
find(const struct metrics *m, size_t row, uint64_t hash,
     const char *const labels[METRIC_LABELS], size_t n)
{
	struct series *s = *bucket_of(m, hash);

	while (s &&
	       (s->hash != hash || s->row != row || !has_labels(s, labels, n)))
		s = s->in_bucket;
	return s;
}

static void
grow(struct metrics *m)
{
	struct series **old = m->table;
	size_t old_size = m->table_size;

	m->table_size = old_size ? old_size * 2 : TABLE_MIN;
	m->table = xcalloc(m->table_size, sizeof(struct series *));
	for (size_t i = 0; i < old_size; i++)
		while (old[i]) {
			struct series *s = old[i];
			struct series **bucket = bucket_of(m, s->hash);

			old[i] = s->in_bucket;
			s->in_bucket = *bucket;
			*bucket = s;
		}
	free(old);
}

static struct series *
new_series(struct metrics *m, size_t row, uint64_t hash,
	   const char *const labels[METRIC_LABELS], size_t n)
{
	size_t n_bounds = m->rows[row].n_bounds;
	struct row *state = &m->state[row];
	struct series **bucket, *s;

	if (m->n_series >= m->table_size)
		grow(m);
	s = xcalloc(1, sizeof(*s) + (n_bounds ? n_bounds + 1 : 0) *
					    sizeof(uint64_t));
	s->hash = hash;
	s->row = row;
	for (size_t i = 0; i < n; i++)
		s->labels[i] = xstrdup(labels[i]);
	bucket = bucket_of(m, hash);
	s->in_bucket = *bucket;
	*bucket = s;
	*state->last = s;
	state->last = &s->in_row;
	state->n++;
	m->n_series++;
	return s;
}

static struct series *
find_or_new(struct metrics *m, size_t row,
	    const char *const labels[METRIC_LABELS], size_t n)
{
	static const char *const others[METRIC_LABELS] = { METRIC_OTHER,
							   METRIC_OTHER,
							   METRIC_OTHER };
	size_t max = m->rows[row].max_series;
	uint64_t hash = hash_of(row, labels, n);
	struct series *s = find(m, row, hash, labels, n);

	if (s)
		return s;
	if (m->state[row].n < (max ? max : METRIC_SERIES))
		return new_series(m, row, hash, labels, n);
	m->overflow++;
	hash = hash_of(row, others, n);
	s = find(m, row, hash, others, n);
	return s ? s : new_series(m, row, hash, others, n);
}

/* Counts what a series is for; its place is found by labels of bounded length.
 */
static struct series *
series_of(struct metrics *m, size_t row, const char *const given[METRIC_LABELS])
{
	char cut[METRIC_LABELS][METRIC_VALUE + 1];
	const char *labels[METRIC_LABELS] = { NULL };
	size_t n;

	if (row >= m->n_rows)
		fatal("metric %zu of %zu", row, m->n_rows);
	n = n_labels(&m->rows[row]);
	for (size_t i = 0; i < METRIC_LABELS; i++) {
		size_t len;

		if (!given[i] != (i >= n))
			fatal("metric %s: it has %zu labels", m->rows[row].name,
			      n);
		if (i >= n)
			break;
		len = text_cut(given[i], strnlen(given[i], METRIC_VALUE + 4),
			       METRIC_VALUE);
		memcpy(cut[i], given[i], len);
		cut[i][len] = '\0';
		labels[i] = cut[i];
	}
	return find_or_new(m, row, labels, n);
}

/* --- Life
 * ---------------------------------------------------------------------------
 */

struct metrics *
metrics_new(const struct metric_row *rows, size_t n)
{
	static const char *const none[METRIC_LABELS] = { NULL };
	struct metrics *m = xcalloc(1, sizeof(*m));

	check_rows(rows, n);
	m->rows = rows;
	m->n_rows = n;
	m->state = xcalloc(n, sizeof(*m->state));
	grow(m);
	for (size_t i = 0; i < n; i++) {
		m->state[i].last = &m->state[i].first;
		if (n_labels(&rows[i]) == 0)
			series_of(m, i, none);
	}
	return m;
}

static void
free_series(struct series *s)
{
	for (size_t i = 0; i < METRIC_LABELS; i++)
		free(s->labels[i]);
	free(s);
}

static void
unlink_series(struct metrics *m, const struct series *s)
{
	struct series **at = bucket_of(m, s->hash);

	while (*at != s)
		at = &(*at)->in_bucket;
	*at = s->in_bucket;
	m->n_series--;
}

void
metrics_forget(struct metrics *m, size_t row)
{
	struct row *state;

	if (row >= m->n_rows)
		fatal("metric %zu of %zu", row, m->n_rows);
	state = &m->state[row];
	while (state->first) {
		struct series *s = state->first;

		state->first = s->in_row;
		unlink_series(m, s);
		free_series(s);
	}
	state->last = &state->first;
	state->n = 0;
}

void
metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_rows; i++)
		metrics_forget(m, i);
	free(m->table);
	free(m->state);
	free(m);
}

/* --- Values
 * -------------------------------------------------------------------------- */

static void
want_kind(const struct metrics *m, size_t row, bool right)
{
	if (!right)
		fatal("metric %s: its kind is another", m->rows[row].name);
}

void
metrics_add(struct metrics *m, size_t row, double n, const char *a,
	    const char *b, const char *c)
{
	struct series *s = series_of(m, row, (const char *[]){ a, b, c });
	enum metric_kind kind = m->rows[row].kind;

	want_kind(m, row,
		  kind == METRIC_GAUGE || (kind == METRIC_COUNTER && !(n < 0)));
	if (isfinite(n))
		s->value += n;
}

void
metrics_set(struct metrics *m, size_t row, double value, const char *a,
	    const char *b, const char *c)
{
	struct series *s = series_of(m, row, (const char *[]){ a, b, c });

	want_kind(m, row, m->rows[row].kind == METRIC_GAUGE);
	if (isfinite(value))
		s->value = value;
}

void
metrics_observe(struct metrics *m, size_t row, double value, const char *a,
		const char *b, const char *c)
{
	struct series *s = series_of(m, row, (const char *[]){ a, b, c });
	const struct metric_row *r = &m->rows[row];
	size_t i = 0;

	want_kind(m, row, r->kind == METRIC_HISTOGRAM);
	if (!isfinite(value))
		return;
	while (i < r->n_bounds && value > r->bounds[i])
		i++;
	s->buckets[i]++;
	s->count++;
	s->value += value;
}

void
metrics_each(const struct metrics *m, metrics_each_fn *fn, void *arg)
{
	for (size_t i = 0; i < m->n_rows; i++)
		for (const struct series *s = m->state[i].first; s;
		     s = s->in_row) {
			struct metric_sample sample = { .row = &m->rows[i],
							.value = s->value,
							.count = s->count };

			for (size_t k = 0; k < METRIC_LABELS; k++)
				sample.labels[k] = s->labels[k];
			if (m->rows[i].n_bounds)
				sample.buckets = s->buckets;
			fn(arg, &sample);
		}
}

uint64_t
metrics_overflow(const struct metrics *m)
{
	return m->overflow;
}
