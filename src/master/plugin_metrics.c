#include "master/plugin_metrics.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "master/master.h"
#include "proto/json.h"

#define PREFIX "devops_agent_plugin_"
#define NAME_BYTES 128

struct series {
	char *name, *unit; /* the latter NULL: none */
	const char *kind;
	double value;
	struct value *labels;
};

struct plugin_job {
	char *name;
	struct series *series;
	size_t n;
};

/* --- One run's ----------------------------------------------------------- */

/* [a-z0-9_] after the prefix, as Prometheus wants names. */
static char *
clean_name(const char *name)
{
	_buf_ struct buf b = { .max = NAME_BYTES };

	buf_adds(&b, PREFIX);
	for (const char *c = name; *c && b.len < NAME_BYTES - 1; c++)
		buf_addc(&b, isalnum((unsigned char)*c) ? *c : '_');
	return buf_steal(&b);
}

static const char *
kind_of(const struct value *metric)
{
	return strcmp(value_get_string(metric, "kind", "gauge"), "counter") ==
			       0 ?
		       "counter" :
		       "gauge";
}

/* A label's name must not be one of ours, nor begin as theirs do. */
static char *
clean_label(const char *key)
{
	bool ours = strcmp(key, "job") == 0 || strcmp(key, "plugin") == 0 ||
		    strcmp(key, "le") == 0 || *key == '_' ||
		    isdigit((unsigned char)*key);
	_buf_ struct buf b = { .max = NAME_BYTES };

	buf_adds(&b, ours ? "plugin_" : "");
	for (const char *c = key; *c && b.len < NAME_BYTES - 1; c++)
		buf_addc(&b, isalnum((unsigned char)*c) ? *c : '_');
	return buf_steal(&b);
}

static struct value *
labels_of(const struct record *r, const struct value *metric)
{
	const struct value *own = value_get(metric, "labels");
	struct value *labels = value_object();

	value_set(labels, "job", value_string(r->name));
	value_set(labels, "plugin", value_string(r->plugin));
	for (size_t i = 0; own && own->type == VALUE_OBJECT &&
			   i < own->u.object.n && i < PLUGIN_METRIC_LABELS;
	     i++) {
		const struct value_member *m = &own->u.object.members[i];
		_free_ char *key = clean_label(m->key);

		if (m->value->type == VALUE_STRING && *key &&
		    m->value->u.string.len <= PLUGIN_METRIC_TEXT)
			value_set(labels, key, value_copy(m->value));
	}
	return labels;
}

static bool
take_series(struct series *s, const struct record *r,
	    const struct value *metric)
{
	const struct value *value = value_get(metric, "value");
	const char *unit = value_get_string(metric, "unit", NULL);

	if (!value || !value_is_number(value))
		return false;
	s->name = clean_name(value_get_string(metric, "name", ""));
	s->unit = unit && *unit ? xstrndup(unit, strnlen(unit, 32)) : NULL;
	s->kind = kind_of(metric);
	s->value = value_number(value);
	s->labels = labels_of(r, metric);
	return true;
}

static void
series_release(struct series *s)
{
	free(s->name);
	free(s->unit);
	value_free(s->labels);
}

/* What it said of the same before counts no more. */
static struct series *
find_series(const struct plugin_job *j, const struct series *s)
{
	for (size_t i = 0; i < j->n; i++)
		if (strcmp(j->series[i].name, s->name) == 0 &&
		    value_equal(j->series[i].labels, s->labels))
			return &j->series[i];
	return NULL;
}

/* --- By job --------------------------------------------------------------- */

static size_t
place_of(const struct plugin_metrics *all, const char *name, bool *found)
{
	size_t low = 0, high = all->n_jobs;

	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(all->jobs[mid]->name, name);

		if (order == 0) {
			*found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
empty_job(struct plugin_metrics *all, struct plugin_job *j)
{
	for (size_t i = 0; i < j->n; i++)
		series_release(&j->series[i]);
	all->n_series -= j->n;
	free(j->series);
	j->series = NULL;
	j->n = 0;
}

static struct plugin_job *
get_job(struct plugin_metrics *all, const char *name)
{
	bool found;
	size_t at = place_of(all, name, &found);
	struct plugin_job *j;

	if (found)
		return all->jobs[at];
	if (all->n_jobs == all->room) {
		all->room = all->room ? all->room * 2 : 16;
		all->jobs =
			xrealloc(all->jobs, all->room, sizeof(all->jobs[0]));
	}
	memmove(&all->jobs[at + 1], &all->jobs[at],
		(all->n_jobs - at) * sizeof(all->jobs[0]));
	j = xcalloc(1, sizeof(*j));
	j->name = xstrdup(name);
	all->jobs[at] = j;
	all->n_jobs++;
	return j;
}

static void
add_one(struct plugin_metrics *all, struct plugin_job *j,
	const struct record *r, const struct value *metric)
{
	struct series s = { .name = NULL }, *same;

	if (!take_series(&s, r, metric))
		return;
	same = find_series(j, &s);
	if (same) {
		series_release(same);
		*same = s;
		return;
	}
	if (j->n == PLUGIN_JOB_SERIES || all->n_series == PLUGIN_SERIES) {
		all->left_out++;
		series_release(&s);
		return;
	}
	j->series = xrealloc(j->series, j->n + 1, sizeof(j->series[0]));
	j->series[j->n++] = s;
	all->n_series++;
}

void
plugin_metrics_take(struct master *m, const struct record *r)
{
	struct plugin_metrics *all = &m->plugin_metrics;
	struct plugin_job *j;
	bool found;

	if (!m->setup->config.metrics.prometheus)
		return;
	(void)place_of(all, r->name, &found);
	/* a run that failed before it measured says nothing new */
	if (!r->metrics || !r->metrics->u.array.n ||
	    (!found && all->n_series >= PLUGIN_SERIES))
		return;
	j = get_job(all, r->name);
	empty_job(all, j);
	for (size_t i = 0; i < r->metrics->u.array.n && i < PLUGIN_JOB_METRICS;
	     i++) {
		const struct value *raw = r->metrics->u.array.items[i];
		_value_ struct value *metric = NULL;

		if (raw->type == VALUE_RAW &&
		    json_decode(raw->u.string.s, raw->u.string.len, &metric,
				&(struct err)ERR_INIT) < 0)
			continue;
		add_one(all, j, r, metric ? metric : raw);
	}
}

void
plugin_metrics_release(struct master *m)
{
	struct plugin_metrics *all = &m->plugin_metrics;

	for (size_t i = 0; i < all->n_jobs; i++) {
		empty_job(all, all->jobs[i]);
		free(all->jobs[i]->name);
		free(all->jobs[i]);
	}
	free(all->jobs);
	*all = (struct plugin_metrics){ .jobs = NULL };
}

/* --- Showing them --------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct series *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	/* as they stand, where they are of one family */
	return order ? order : (*x > *y) - (*x < *y);
}

static struct value *
family_value(const struct series *s)
{
	struct value *v = value_object();

	value_set(v, "name", value_string(s->name));
	value_set(v, "kind", value_string(s->kind));
	value_set(v, "unit", s->unit ? value_string(s->unit) : value_null());
	value_set(v, "help", value_string("Measured by a plugin."));
	value_set(v, "samples", value_array());
	return v;
}

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct value *
sample_value(const struct series *s)
{
	struct value *v = value_object();

	value_set(v, "labels", value_copy(s->labels));
	value_set(v, "value", value_real(s->value));
	return v;
}

void
plugin_metrics_add(const struct master *m, struct value *families)
{
	const struct plugin_metrics *all = &m->plugin_metrics;
	_free_ const struct series **sorted =
		xcalloc(all->n_series + 1, sizeof(*sorted));
	const struct series *head = NULL;
	struct value *samples = NULL;
	size_t n = 0;

	for (size_t i = 0; i < all->n_jobs; i++)
		for (size_t k = 0; k < all->jobs[i]->n; k++)
			sorted[n++] = &all->jobs[i]->series[k];
	qsort(sorted, n, sizeof(sorted[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		if (!head || strcmp(head->name, sorted[i]->name) != 0) {
			struct value *family = family_value(sorted[i]);

			head = sorted[i];
			value_append(families, family);
			samples = value_get(family, "samples");
		}
		/* another plugin means something else by it */
		if (strcmp(head->kind, sorted[i]->kind) == 0 &&
		    same_text(head->unit, sorted[i]->unit))
			value_append(samples, sample_value(sorted[i]));
	}
}
