/* The agent's metrics as JSON: a series each, or by family. */
#include "master/master.h"
#include "master/metrics.h"
#include "master/plugin_metrics.h"

static struct value *
sample_labels(const struct metric_sample *s)
{
	struct value *v = value_object();

	for (size_t i = 0; i < METRIC_LABELS && s->row->labels[i]; i++)
		value_set(v, s->row->labels[i], value_string(s->labels[i]));
	return v;
}

static struct value *
sample_buckets(const struct metric_sample *s)
{
	struct value *v = value_array();

	for (size_t i = 0; i <= s->row->n_bounds; i++) {
		struct value *b = value_object();

		value_set(b, "le",
			  i < s->row->n_bounds ? value_real(s->row->bounds[i]) :
						 value_null());
		value_set(b, "count", value_int((int64_t)s->buckets[i]));
		value_append(v, b);
	}
	return v;
}

static void
add_sample(void *arg, const struct metric_sample *s)
{
	struct value *all = arg, *v = value_object();

	value_set(v, "name", value_string(s->row->name));
	value_set(v, "kind", value_string(metric_kind_name(s->row->kind)));
	value_set(v, "labels", sample_labels(s));
	if (s->row->kind == METRIC_HISTOGRAM) {
		value_set(v, "count", value_int((int64_t)s->count));
		value_set(v, "sum", value_real(s->value));
		value_set(v, "buckets", sample_buckets(s));
	} else {
		value_set(v, "value", value_real(s->value));
	}
	value_append(all, v);
}

struct value *
metrics_value(struct master *m)
{
	struct value *all = value_array();

	metrics_take(m);
	metrics_each(m->metrics, add_sample, all);
	return all;
}

/* --- As families ---------------------------------------------------------- */

struct families {
	struct value *all, *samples; /* of the row */
	const struct metric_row *row;
};

static struct value *
summed_buckets(const struct metric_sample *s)
{
	struct value *v = sample_buckets(s);
	int64_t sum = 0;

	for (size_t i = 0; i < v->u.array.n; i++) {
		struct value *b = v->u.array.items[i];

		sum += value_get_int(b, "count", 0);
		value_set(b, "count", value_int(sum));
	}
	return v;
}

static void
begin_family(struct families *f, const struct metric_row *row)
{
	struct value *v = value_object();

	f->row = row;
	value_set(v, "name", value_string(row->name));
	value_set(v, "kind", value_string(metric_kind_name(row->kind)));
	value_set(v, "unit",
		  row->unit ? value_string(row->unit) : value_null());
	value_set(v, "help", value_string(row->help));
	f->samples = value_set(v, "samples", value_array());
	value_append(f->all, v);
}

static void
add_to_family(void *arg, const struct metric_sample *s)
{
	struct families *f = arg;
	struct value *v = value_object();

	if (f->row != s->row)
		begin_family(f, s->row);
	value_set(v, "labels", sample_labels(s));
	if (s->row->kind == METRIC_HISTOGRAM) {
		value_set(v, "count", value_int((int64_t)s->count));
		value_set(v, "sum", value_real(s->value));
		value_set(v, "buckets", summed_buckets(s));
	} else {
		value_set(v, "value", value_real(s->value));
	}
	value_append(f->samples, v);
}

struct value *
metrics_families(struct master *m)
{
	struct families f = { .all = value_array() };

	metrics_take(m);
	metrics_each(m->metrics, add_to_family, &f);
	plugin_metrics_add(m, f.all);
	return f.all;
}
