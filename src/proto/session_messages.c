/* What messages carry: log, metric, progress, ready, error. */
#include "proto/session_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/units.h"

void
session_warn(struct session *s, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	if (!s->handlers->log)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(text))
		n = (int)sizeof(text) - 1;
	s->handlers->log(s->arg, LOG_LEVEL_WARN, text, (size_t)n, 0,
			 (struct json_text){ 0 });
}

/* The position of `part` in the stream. */
static unsigned long long
position(const struct message *m, struct json_text part)
{
	return m->at + (part.s ? (size_t)(part.s - m->s) : 0);
}

static int
pick(const struct message *m, struct json_text from, struct json_field *fields,
     size_t count, struct err *e)
{
	if (!from.s)
		return 0;
	return json_pick(from.s, from.len, position(m, from), fields, count, e);
}

static int
missing(const struct message *m, struct json_text in, const char *what,
	struct err *e)
{
	return err_set(e, ERR_USAGE, "at byte %llu: no \"%s\"", position(m, in),
		       what);
}

/* Null is as good as absent. */
static bool
given(struct json_text t)
{
	return t.s && json_kind(t) != JSON_IS_NULL;
}

/* Into s->scratch, NUL-terminated; returns the count of bytes left out. */
static size_t
text_of(struct session *s, struct json_text t, size_t max)
{
	s->scratch.len = 0;
	buf_add(&s->scratch, "", 0);
	return given(t) ? json_add_string(&s->scratch, t, max) : 0;
}

/* A short string without NUL; false where it is none. */
static bool
name_of(struct json_text t, char name[SESSION_NAME_MAX + 1])
{
	_buf_ struct buf b = { 0 };

	buf_add(&b, "", 0);
	if (given(t) && json_add_string(&b, t, SESSION_NAME_MAX) > 0)
		return false;
	if (strlen(b.data) != b.len)
		return false;
	memcpy(name, b.data, b.len + 1);
	return true;
}

/* --- log --------------------------------------------------------------------
 */

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "debug", LOG_LEVEL_DEBUG },  { "info", LOG_LEVEL_INFO },
	{ "warning", LOG_LEVEL_WARN }, { "warn", LOG_LEVEL_WARN },
	{ "error", LOG_LEVEL_ERROR },  { "critical", LOG_LEVEL_ERROR },
};

static enum log_level
level_of(struct json_text t)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (json_text_is(t, levels[i].name))
			return levels[i].level;
	return LOG_LEVEL_INFO;
}

/* {} is as good as absent. */
static bool
is_empty(struct json_text object)
{
	return !memchr(object.s, '"', object.len);
}

int
session_take_log(struct session *s, const struct message *m, struct err *e)
{
	struct json_field f[] = {
		{ "level", JSON_IS_STRING, { 0 } },
		{ "message", JSON_IS_STRING, { 0 } },
		{ "fields", JSON_IS_OBJECT | JSON_IS_NULL, { 0 } },
	};
	struct json_text fields;
	size_t left_out;

	if (pick(m, m->params, f, ARRAY_SIZE(f), e) < 0)
		return -1;
	if (!f[1].value.s)
		return missing(m, m->params, "message", e);
	fields = f[2].value;
	if (!given(fields) || is_empty(fields))
		fields = (struct json_text){ 0 };
	if (fields.len > SESSION_TEXT_MAX)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: \"fields\" of more "
			       "than %d bytes",
			       position(m, fields), SESSION_TEXT_MAX);
	if (!s->handlers->log)
		return 0;
	left_out = text_of(s, f[1].value, SESSION_TEXT_MAX);
	s->handlers->log(s->arg, level_of(f[0].value), s->scratch.data,
			 s->scratch.len, left_out, fields);
	return 0;
}

/* --- metric -----------------------------------------------------------------
 */

static bool
is_word(const char *s, const char *more)
{
	if (!*s || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s; s++)
		if (!((*s | 32) >= 'a' && (*s | 32) <= 'z') &&
		    !(*s >= '0' && *s <= '9') && !strchr(more, *s))
			return false;
	return true;
}

struct label_reader {
	const struct message *m;
	struct value *labels;
};

static int
add_label(void *arg, struct json_text key, struct json_text value,
	  struct err *e)
{
	struct label_reader *r = arg;
	_buf_ struct buf text = { 0 };
	char name[SESSION_NAME_MAX + 1];

	if (r->labels->u.object.n == SESSION_LABELS_MAX)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: more than %d labels",
			       position(r->m, key), SESSION_LABELS_MAX);
	if (!name_of(key, name) || !is_word(name, "_"))
		return err_set(e, ERR_USAGE,
			       "at byte %llu: a label's name must "
			       "be [a-zA-Z_][a-zA-Z0-9_]* and of at most %d "
			       "bytes",
			       position(r->m, key), SESSION_NAME_MAX);
	if (json_kind(value) != JSON_IS_STRING ||
	    json_add_string(&text, value, SESSION_LABEL_MAX) > 0)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: label \"%s\" must be "
			       "a string of at most %d bytes",
			       position(r->m, value), name, SESSION_LABEL_MAX);
	value_set(r->labels, name,
		  value_string_n(text.data ? text.data : "", text.len));
	return 0;
}

static const char *
kind_of(struct json_text t)
{
	if (!given(t) || json_text_is(t, "gauge"))
		return "gauge";
	return json_text_is(t, "counter") ? "counter" : NULL;
}

/* The fields of a metric, in this order. */
enum { NAME, VALUE, UNIT, KIND, LABELS };

static int
check_metric(const struct message *m, const struct json_field *f,
	     struct session_metric *metric, char *name, char *unit,
	     struct err *e)
{
	if (!f[NAME].value.s || !f[VALUE].value.s)
		return missing(m, m->params, f[NAME].value.s ? "value" : "name",
			       e);
	if (!name_of(f[NAME].value, name) || !is_word(name, "_:"))
		return err_set(e, ERR_USAGE,
			       "at byte %llu: \"name\" must be "
			       "[a-zA-Z_:][a-zA-Z0-9_:]* and of at most %d "
			       "bytes",
			       position(m, f[NAME].value), SESSION_NAME_MAX);
	if (!json_to_real(f[VALUE].value, &metric->number))
		return err_set(e, ERR_USAGE,
			       "at byte %llu: \"value\" is too "
			       "large a number",
			       position(m, f[VALUE].value));
	if (!name_of(f[UNIT].value, unit))
		return err_set(e, ERR_USAGE,
			       "at byte %llu: \"unit\" must be of "
			       "at most %d bytes",
			       position(m, f[UNIT].value), SESSION_NAME_MAX);
	metric->kind = kind_of(f[KIND].value);
	if (!metric->kind)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: \"kind\" must be "
			       "\"gauge\" or \"counter\"",
			       position(m, f[KIND].value));
	metric->value = f[VALUE].value;
	return 0;
}

int
session_take_metric(struct session *s, const struct message *m, struct err *e)
{
	struct json_field f[] = {
		[NAME] = { "name", JSON_IS_STRING, { 0 } },
		[VALUE] = { "value", JSON_IS_NUMBER, { 0 } },
		[UNIT] = { "unit", JSON_IS_STRING | JSON_IS_NULL, { 0 } },
		[KIND] = { "kind", JSON_IS_STRING | JSON_IS_NULL, { 0 } },
		[LABELS] = { "labels", JSON_IS_OBJECT | JSON_IS_NULL, { 0 } },
	};
	char name[SESSION_NAME_MAX + 1], unit[SESSION_NAME_MAX + 1];
	_value_ struct value *labels = NULL;
	struct session_metric metric = { .name = name, .unit = unit };
	struct json_text l;

	if (s->state != SESSION_BUSY)
		return err_set(e, ERR_USAGE, "outside of a job");
	if (!s->always && ++s->metrics > SESSION_METRICS_MAX)
		return 0;
	if (pick(m, m->params, f, ARRAY_SIZE(f), e) < 0 ||
	    check_metric(m, f, &metric, name, unit, e) < 0)
		return -1;
	metric.labels = labels = value_object();
	l = f[LABELS].value;
	if (given(l) && json_each(l.s, l.len, position(m, l), add_label,
				  &(struct label_reader){ m, labels }, e) < 0)
		return -1;
	if (s->handlers->metric)
		s->handlers->metric(s->arg, &metric);
	return 0;
}

struct value *
session_metric_value(const struct session_metric *metric)
{
	_buf_ struct buf b = { 0 };

	buf_adds(&b, "{\"name\":");
	json_encode_string(metric->name, strlen(metric->name), &b);
	buf_adds(&b, ",\"value\":");
	buf_add(&b, metric->value.s, metric->value.len);
	buf_adds(&b, ",\"unit\":");
	if (*metric->unit)
		json_encode_string(metric->unit, strlen(metric->unit), &b);
	else
		buf_adds(&b, "null");
	buf_addf(&b, ",\"kind\":\"%s\",\"labels\":", metric->kind);
	json_encode(metric->labels, &b);
	buf_addc(&b, '}');
	return value_raw(b.data, b.len);
}

/* --- progress ----------------------------------------------------------------
 */

int
session_take_progress(struct session *s, const struct message *m, struct err *e)
{
	struct json_field f[] = {
		{ "fraction", JSON_IS_NUMBER, { 0 } },
		{ "message", JSON_IS_STRING | JSON_IS_NULL, { 0 } },
	};
	double fraction;

	if (s->state != SESSION_BUSY)
		return err_set(e, ERR_USAGE, "outside of a job");
	if (pick(m, m->params, f, ARRAY_SIZE(f), e) < 0)
		return -1;
	if (!f[0].value.s)
		return missing(m, m->params, "fraction", e);
	if (!json_to_real(f[0].value, &fraction))
		return err_set(e, ERR_USAGE,
			       "at byte %llu: \"fraction\" is too "
			       "large a number",
			       position(m, f[0].value));
	fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
	text_of(s, f[1].value, SESSION_PROGRESS_MAX);
	if (s->handlers->progress)
		s->handlers->progress(s->arg, fraction, s->scratch.data);
	return 0;
}

/* --- ready -------------------------------------------------------------------
 */

struct method_reader {
	const struct message *m;
	struct strv *methods;
};

static int
add_method(void *arg, struct json_text key, struct json_text value,
	   struct err *e)
{
	struct method_reader *r = arg;
	char name[SESSION_NAME_MAX + 1];

	(void)key;
	if (r->methods->n == SESSION_METHODS_MAX)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: more than %d methods",
			       position(r->m, value), SESSION_METHODS_MAX);
	if (json_kind(value) != JSON_IS_STRING || !name_of(value, name) ||
	    !*name)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: a method's name must "
			       "be a string of 1 to %d bytes",
			       position(r->m, value), SESSION_NAME_MAX);
	strv_add_once(r->methods, name);
	return 0;
}

int
session_read_ready(struct session *s, const struct message *m,
		   char sdk[SESSION_NAME_MAX + 1], struct err *e)
{
	struct json_field f[] = {
		{ "protocol", JSON_IS_NUMBER, { 0 } },
		{ "sdk", JSON_IS_STRING | JSON_IS_NULL, { 0 } },
		{ "methods", JSON_IS_ARRAY, { 0 } },
	};
	struct method_reader r = { m, &s->methods };
	int64_t protocol;

	if (pick(m, m->params, f, ARRAY_SIZE(f), e) < 0)
		return -1;
	if (!f[0].value.s)
		return missing(m, m->params, "protocol", e);
	if (!json_to_int(f[0].value, &protocol) || protocol != SESSION_PROTOCOL)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: protocol version %.*s; the agent "
			       "speaks %d",
			       position(m, f[0].value),
			       f[0].value.len > 20 ? 20 : (int)f[0].value.len,
			       f[0].value.s, SESSION_PROTOCOL);
	if (!name_of(f[1].value, sdk))
		return err_set(e, ERR_USAGE,
			       "at byte %llu: \"sdk\" must be of at "
			       "most %d bytes",
			       position(m, f[1].value), SESSION_NAME_MAX);
	if (!f[2].value.s)
		strv_add(&s->methods, "run");
	else if (json_each(f[2].value.s, f[2].value.len,
			   position(m, f[2].value), add_method, &r, e) < 0)
		return -1;
	return 0;
}

/* --- error -------------------------------------------------------------------
 */

static struct value *
string_value(struct json_text t)
{
	_buf_ struct buf b = { 0 };

	json_add_string(&b, t, t.len);
	return value_string_n(b.data ? b.data : "", b.len);
}

/* Never a tree: what is not one plain value stays text. */
static struct value *
shallow_value(struct json_text t)
{
	int64_t i;

	switch (json_kind(t)) {
	case JSON_IS_NULL:
		return value_null();
	case JSON_IS_BOOL:
		return value_bool(*t.s == 't');
	case JSON_IS_STRING:
		return string_value(t);
	case JSON_IS_NUMBER:
		if (json_to_int(t, &i))
			return value_int(i);
		break;
	case JSON_IS_ARRAY:
	case JSON_IS_OBJECT:
		break;
	}
	return value_raw(t.s, t.len);
}

/* Members past the bound, or whose keys no value can have, are left out. */
static int
add_data(void *arg, struct json_text key, struct json_text value, struct err *e)
{
	struct value *data = arg;
	char name[SESSION_NAME_MAX + 1];

	(void)e;
	if (data->u.object.n < SESSION_DATA_MAX && name_of(key, name))
		value_set(data, name, shallow_value(value));
	return 0;
}

static struct value *
read_data(struct json_text t, struct err *e)
{
	struct value *data;

	if (!given(t))
		return NULL;
	if (json_kind(t) != JSON_IS_OBJECT)
		return shallow_value(t);
	data = value_object();
	json_each(t.s, t.len, 0, add_data, data, e); /* checked: can't fail */
	return data;
}

static int64_t
retry_after(const struct value *data)
{
	const struct value *v = value_get(data, "retry_after_ms");
	double ms;

	if (!v)
		return -1;
	if (v->type == VALUE_INT)
		ms = (double)v->u.integer;
	else if (v->type != VALUE_RAW ||
		 !json_to_real((struct json_text){ v->u.string.s,
						   v->u.string.len },
			       &ms))
		return -1;
	if (ms < 0)
		return -1;
	return ms > (double)UNITS_MAX_MS ? UNITS_MAX_MS : (int64_t)ms;
}

int
session_read_error(struct session *s, const struct message *m,
		   struct session_error *error, struct err *e)
{
	struct json_field f[] = {
		{ "code", JSON_IS_NUMBER, { 0 } },
		{ "message", JSON_IS_STRING, { 0 } },
		{ "data", JSON_IS_ANY, { 0 } },
	};

	if (pick(m, m->error, f, ARRAY_SIZE(f), e) < 0)
		return -1;
	if (!f[0].value.s || !f[1].value.s)
		return missing(m, m->error, f[0].value.s ? "message" : "code",
			       e);
	if (!json_to_int(f[0].value, &error->code))
		return err_set(e, ERR_USAGE,
			       "at byte %llu: \"code\" must be a "
			       "whole number",
			       position(m, f[0].value));
	text_of(s, f[1].value, SESSION_TEXT_MAX);
	error->message = s->scratch.data;
	error->message_len = s->scratch.len;
	error->data = read_data(f[2].value, e);
	error->retry_after_ms = retry_after(error->data);
	return 0;
}
