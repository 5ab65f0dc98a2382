#include "api/expose.h"

#include <stdio.h>
#include <string.h>

#include "api/accept.h"
#include "api/stats.h"
#include "base/mem.h"
#include "model/value.h"

#define NAME_MAX_BYTES 200

const char *const expose_types[EXPOSE_FORMS] = {
	[EXPOSE_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	[EXPOSE_OPENMETRICS] =
		"application/openmetrics-text; version=1.0.0; charset=utf-8",
};

int
expose_choose(const char *accept)
{
	static const char *const offers[] = {
		[EXPOSE_TEXT] = "text/plain",
		[EXPOSE_OPENMETRICS] = "application/openmetrics-text",
	};

	return accept_type(accept, offers, ARRAY_SIZE(offers));
}

/* --- Names, values ------------------------------------------------------- */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Letters, digits, and _ for what is neither; ":" in a metric's. */
static void
fit_name(const char *s, bool label, char out[NAME_MAX_BYTES])
{
	size_t n = 0;

	if (!is_letter(*s) && (label || *s != ':'))
		out[n++] = '_';
	for (; *s && n < NAME_MAX_BYTES - 1; s++)
		out[n++] = is_letter(*s) || (*s >= '0' && *s <= '9') ||
					   (*s == ':' && !label) ?
				   *s :
				   '_';
	out[n] = '\0';
}

static void
add_escaped(struct buf *out, const char *s, size_t len, bool quotes)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n')
			buf_adds(out, "\\n");
		else if (s[i] == '\\')
			buf_adds(out, "\\\\");
		else if (s[i] == '"' && quotes)
			buf_adds(out, "\\\"");
		else
			buf_addc(out, s[i]);
	}
}

static void
add_number(struct buf *out, double d)
{
	char text[32];

	for (int digits = 15; digits <= 17; digits++) {
		double back;

		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (sscanf(text, "%lf", &back) == 1 && back >= d && back <= d)
			break;
	}
	buf_adds(out, text);
}

/* --- A family ------------------------------------------------------------- */

struct family {
	struct buf *out;
	enum expose_form form;
	char name[NAME_MAX_BYTES]; /* without _total */
	enum metric_kind kind;
};

static bool
ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len > n && strcmp(s + len - n, end) == 0;
}

static void
add_comment(const struct family *f, const char *what, const char *text)
{
	buf_addf(f->out, "# %s %s%s ", what, f->name,
		 f->kind == METRIC_COUNTER && f->form == EXPOSE_TEXT ?
			 "_total" :
			 "");
	add_escaped(f->out, text, strlen(text), f->form == EXPOSE_OPENMETRICS);
	buf_addc(f->out, '\n');
}

static const char *const kind_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};

static void
begin_family(struct family *f, const char *name, enum metric_kind kind,
	     const char *unit, const char *help)
{
	char end[NAME_MAX_BYTES];

	f->kind = kind;
	fit_name(name, false, f->name);
	if (kind == METRIC_COUNTER && ends_with(f->name, "_total"))
		f->name[strlen(f->name) - strlen("_total")] = '\0';
	if (help && *help)
		add_comment(f, "HELP", help);
	add_comment(f, "TYPE", kind_names[kind]);
	if (!unit || f->form != EXPOSE_OPENMETRICS)
		return;
	snprintf(end, sizeof(end), "_%.64s", unit);
	if (ends_with(f->name, end))
		add_comment(f, "UNIT", unit);
}

/* The name of a sample, and its labels: "le" comes last, where given. */
struct labels {
	struct buf text; /* a="b",c="d" */
};

static void
labels_add(struct labels *l, const char *name, const char *value, size_t len)
{
	char fit[NAME_MAX_BYTES];

	fit_name(name, true, fit);
	if (strncmp(fit, "__", 2) == 0 || strcmp(fit, "le") == 0)
		return;
	buf_addf(&l->text, "%s%s=\"", l->text.len ? "," : "", fit);
	add_escaped(&l->text, value, len, true);
	buf_addc(&l->text, '"');
}

static void
labels_release(struct labels *l)
{
	buf_release(&l->text);
}

static void
add_sample(const struct family *f, const char *suffix,
	   const struct labels *labels, const char *le, double value)
{
	buf_addf(f->out, "%s%s", f->name, suffix);
	if (labels->text.len || le) {
		buf_addc(f->out, '{');
		buf_add(f->out, labels->text.data, labels->text.len);
		if (le)
			buf_addf(f->out, "%sle=\"%s\"",
				 labels->text.len ? "," : "", le);
		buf_addc(f->out, '}');
	}
	buf_addc(f->out, ' ');
	add_number(f->out, value);
	buf_addc(f->out, '\n');
}

static void
add_bucket(const struct family *f, const struct labels *labels, double bound,
	   double count)
{
	_buf_ struct buf le = { 0 };

	add_number(&le, bound);
	if (!strpbrk(le.data, ".e"))
		buf_adds(&le, ".0");
	add_sample(f, "_bucket", labels, le.data, count);
}

static void
end_histogram(const struct family *f, const struct labels *labels, double count,
	      double sum)
{
	add_sample(f, "_bucket", labels, "+Inf", count);
	add_sample(f, "_sum", labels, NULL, sum);
	add_sample(f, "_count", labels, NULL, count);
}

/* --- What the master told ------------------------------------------------ */

static double
number(const struct value *v, const char *key)
{
	const struct value *n = value_get(v, key);

	return n && value_is_number(n) ? value_number(n) : 0;
}

static void
told_labels(const struct value *sample, struct labels *out)
{
	const struct value *v = value_get(sample, "labels");

	if (!v || v->type != VALUE_OBJECT)
		return;
	for (size_t i = 0; i < v->u.object.n; i++) {
		const struct value *text = v->u.object.members[i].value;

		if (text->type == VALUE_STRING)
			labels_add(out, v->u.object.members[i].key,
				   text->u.string.s, text->u.string.len);
	}
}

static void
told_histogram(const struct family *f, const struct value *sample,
	       const struct labels *labels)
{
	const struct value *buckets = value_get(sample, "buckets");
	size_t n = buckets && buckets->type == VALUE_ARRAY ?
			   buckets->u.array.n :
			   0;

	for (size_t i = 0; i < n; i++) {
		const struct value *b = buckets->u.array.items[i];
		const struct value *le = value_get(b, "le");

		if (le && value_is_number(le))
			add_bucket(f, labels, value_number(le),
				   number(b, "count"));
	}
	end_histogram(f, labels, number(sample, "count"),
		      number(sample, "sum"));
}

static void
told_sample(const struct family *f, const struct value *sample)
{
	_cleanup_(labels_release) struct labels labels = { .text = { 0 } };

	if (sample->type != VALUE_OBJECT)
		return;
	told_labels(sample, &labels);
	if (f->kind == METRIC_HISTOGRAM)
		told_histogram(f, sample, &labels);
	else
		add_sample(f, f->kind == METRIC_COUNTER ? "_total" : "",
			   &labels, NULL, number(sample, "value"));
}

static void
told_family(struct buf *out, enum expose_form form, const struct value *v)
{
	struct family f = { .out = out, .form = form };
	const struct value *samples = value_get(v, "samples");
	const char *name = value_get_string(v, "name", "");
	const char *kind = value_get_string(v, "kind", "gauge");
	enum metric_kind k = METRIC_GAUGE;

	if (!*name || !samples || samples->type != VALUE_ARRAY ||
	    !samples->u.array.n)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(kind_names); i++)
		if (strcmp(kind, kind_names[i]) == 0)
			k = (enum metric_kind)i;
	begin_family(&f, name, k, value_get_string(v, "unit", NULL),
		     value_get_string(v, "help", NULL));
	for (size_t i = 0; i < samples->u.array.n; i++)
		told_sample(&f, samples->u.array.items[i]);
}

/* --- The api's own ------------------------------------------------------- */

struct own {
	struct family f;
	const struct metric_row *row;
};

static void
own_histogram(const struct family *f, const struct metric_sample *s,
	      const struct labels *labels)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->row->n_bounds; i++) {
		sum += s->buckets[i];
		add_bucket(f, labels, s->row->bounds[i], (double)sum);
	}
	end_histogram(f, labels, (double)s->count, s->value);
}

static void
own_sample(void *arg, const struct metric_sample *s)
{
	struct own *own = arg;
	_cleanup_(labels_release) struct labels labels = { .text = { 0 } };

	if (own->row != s->row)
		begin_family(&own->f, s->row->name, s->row->kind, s->row->unit,
			     s->row->help);
	own->row = s->row;
	for (size_t i = 0; i < METRIC_LABELS && s->row->labels[i]; i++)
		labels_add(&labels, s->row->labels[i], s->labels[i],
			   strlen(s->labels[i]));
	if (s->row->kind == METRIC_HISTOGRAM)
		own_histogram(&own->f, s, &labels);
	else
		add_sample(&own->f,
			   s->row->kind == METRIC_COUNTER ? "_total" : "",
			   &labels, NULL, s->value);
}

int
expose_write(struct json_text result, enum expose_form form, struct buf *out,
	     struct err *e)
{
	struct own own = { .f = { .out = out, .form = form } };
	_value_ struct value *v = NULL;
	const struct value *families;

	if (json_decode(result.s, result.len, &v, e) < 0)
		return -1;
	families = value_get(v, "families");
	if (!families || families->type != VALUE_ARRAY)
		return err_set(e, ERR_AGENT, "metrics without families");
	for (size_t i = 0; i < families->u.array.n; i++)
		told_family(out, form, families->u.array.items[i]);
	if (stats_metrics())
		metrics_each(stats_metrics(), own_sample, &own);
	if (form == EXPOSE_OPENMETRICS)
		buf_adds(out, "# EOF\n");
	return 0;
}
