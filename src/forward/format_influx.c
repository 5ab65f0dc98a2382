/*
 * InfluxDB's line protocol, as its v2 takes it: a point for the job, one for
 * each of its metrics, one for a line of its log. Points of one series at one
 * time replace each other: a job's times are whole milliseconds, so its number
 * stands below them.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "forward/fields.h"
#include "forward/format.h"

#define BELOW_MS 1000000
#define TEXT_MAX (60UL << 10) /* of a text; InfluxDB has a limit of 64 KiB */

/* Names and tag values: what ends one is escaped, what can't be is "_". */
static void
add_escaped(struct buf *out, const char *s, size_t len, const char *special)
{
	while (len && s[len - 1] == '\\')
		len--;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < 0x20) {
			buf_addc(out, '_');
			continue;
		}
		if (strchr(special, s[i]))
			buf_addc(out, '\\');
		buf_addc(out, s[i]);
	}
}

/* What a JSON scalar says. */
static void
add_plain(struct buf *out, struct json_text t)
{
	if (json_kind(t) == JSON_IS_STRING)
		json_add_string(out, t, TEXT_MAX);
	else
		buf_add(out, t.s, t.len);
}

static void
add_tag_text(struct buf *out, const char *name, size_t name_len,
	     const char *value, size_t len)
{
	size_t before = out->len, start;

	buf_addc(out, ',');
	add_escaped(out, name, name_len, ",= ");
	buf_addc(out, '=');
	start = out->len;
	add_escaped(out, value, len, ",= ");
	/* an empty value is no tag */
	if (out->len == start || start == before + 2)
		out->len = before;
}

static void
add_tag(struct buf *out, const char *name, struct json_text t)
{
	_buf_ struct buf value = { 0 };

	if (!t.s)
		return;
	add_plain(&value, t);
	if (value.len)
		add_tag_text(out, name, strlen(name), value.data, value.len);
}

static void
add_metric_label(void *arg, struct json_text key, struct json_text value)
{
	_buf_ struct buf name = { 0 };

	json_add_string(&name, key, 256);
	if (name.len && strlen(name.data) == name.len)
		add_tag(arg, name.data, value);
}

static void
add_agent(struct buf *out, const struct forward_agent *agent)
{
	const struct value *labels = agent->labels;

	add_tag_text(out, "host", 4, agent->host, strlen(agent->host));
	for (size_t i = 0;
	     labels && labels->type == VALUE_OBJECT && i < labels->u.object.n;
	     i++) {
		const struct value_member *m = &labels->u.object.members[i];

		if (m->value->type == VALUE_STRING)
			add_tag_text(out, m->key, strlen(m->key),
				     m->value->u.string.s,
				     m->value->u.string.len);
	}
}

static void
add_string(struct buf *out, struct json_text t)
{
	_buf_ struct buf text = { 0 };

	json_add_string(&text, t, TEXT_MAX);
	buf_addc(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '"' || c == '\\')
			buf_addc(out, '\\');
		buf_addc(out, c ? c : ' ');
	}
	buf_addc(out, '"');
}

static void
add_number(struct buf *out, const char *name, struct json_text t)
{
	if (!t.s || json_kind(t) != JSON_IS_NUMBER)
		return;
	buf_addf(out, ",%s=", name);
	buf_add(out, t.s, t.len);
}

static void
add_time(struct buf *out, int64_t ns, int64_t below)
{
	buf_addf(out, " %" PRId64 "\n", ns + below % BELOW_MS);
}

static void
add_log(struct encoder *c, const struct forward_record *r,
	const struct fields *f)
{
	struct buf *out = &c->out;

	buf_adds(out, "devops_agent_log");
	add_tag(out, "job", f->of[FIELD_NAME]);
	add_tag(out, "plugin", f->of[FIELD_PLUGIN]);
	add_tag(out, "level", f->of[FIELD_LEVEL]);
	add_tag(out, "stream", f->of[FIELD_STREAM]);
	add_agent(out, c->agent);
	buf_addf(out, " job_id=%lldi,message=",
		 (long long)fields_int(f->of[FIELD_ID], 0));
	if (f->of[FIELD_MESSAGE].s)
		add_string(out, f->of[FIELD_MESSAGE]);
	else
		buf_adds(out, "\"\"");
	add_time(out, fields_when_ns(f, r),
		 fields_int(f->of[FIELD_ID], 0) * 1000 +
			 fields_int(f->of[FIELD_SEQ], 0));
}

struct metric {
	struct encoder *c;
	const struct fields *f;
	int64_t ns, id;
};

static void
add_metric(void *arg, struct json_text key, struct json_text item)
{
	struct metric *m = arg;
	struct buf *out = &m->c->out;
	struct json_text name = fields_member(item, "name");
	struct json_text value = fields_member(item, "value");
	_buf_ struct buf text = { 0 };

	(void)key;
	if (!name.s || !value.s || json_kind(value) != JSON_IS_NUMBER)
		return;
	add_plain(&text, name);
	add_escaped(out, text.data, text.len, ", ");
	add_tag(out, "job", m->f->of[FIELD_NAME]);
	add_tag(out, "unit", fields_member(item, "unit"));
	fields_each(fields_member(item, "labels"), add_metric_label, out);
	add_agent(out, m->c->agent);
	buf_adds(out, " value=");
	buf_add(out, value.s, value.len);
	add_time(out, m->ns, m->id);
}

static void
add_job(struct encoder *c, const struct forward_record *r,
	const struct fields *f)
{
	struct buf *out = &c->out;
	struct metric m = { c, f, fields_when_ns(f, r),
			    fields_int(f->of[FIELD_ID], 0) };

	buf_adds(out, "devops_agent_job");
	add_tag(out, "job", f->of[FIELD_NAME]);
	add_tag(out, "plugin", f->of[FIELD_PLUGIN]);
	add_tag(out, "state", f->of[FIELD_STATE]);
	add_tag(out, "trigger", f->of[FIELD_TRIGGER]);
	add_agent(out, c->agent);
	buf_addf(out, " job_id=%lldi", (long long)m.id);
	add_number(out, "duration_ms", f->of[FIELD_DURATION]);
	add_number(out, "attempt", f->of[FIELD_ATTEMPT]);
	add_number(out, "cpu_ms", fields_member(f->of[FIELD_USAGE], "cpu_ms"));
	add_number(out, "max_rss_bytes",
		   fields_member(f->of[FIELD_USAGE], "max_rss_bytes"));
	add_number(out, "exit_code", fields_member(f->of[FIELD_EXIT], "code"));
	add_time(out, m.ns, m.id);
	fields_each(f->of[FIELD_METRICS], add_metric, &m);
}

static void
add(struct encoder *c, const struct forward_record *r)
{
	struct fields f = fields_of(r);

	if (r->kind == RECORD_LOG)
		add_log(c, r, &f);
	else
		add_job(c, r, &f);
}

const struct format format_influx = {
	.name = "influx",
	.content_type = "text/plain; charset=utf-8",
	.path = "/api/v2/write",
	.scheme = "Token",
	.no_zstd = true,
	.add = add,
};
