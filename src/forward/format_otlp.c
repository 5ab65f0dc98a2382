/*
 * OTLP over HTTP as JSON: the lines of logs go to /v1/logs, the metrics of
 * jobs to /v1/metrics, and each job is a span of its own trace in /v1/traces.
 * The ids of trace and span follow from the job's, so that the lines of a job
 * name its span, and a repeat is the same span.
 */
#include <string.h>

#include "base/mem.h"
#include "forward/fields.h"
#include "forward/format.h"

enum part { PART_LOGS, PART_METRICS, PART_TRACES, PARTS };

static const char *const paths[] = {
	[PART_LOGS] = "/v1/logs",
	[PART_METRICS] = "/v1/metrics",
	[PART_TRACES] = "/v1/traces",
};

/* What stands around the items of a request. */
static const struct {
	const char *resources, *scopes, *items;
} frames[] = {
	[PART_LOGS] = { "resourceLogs", "scopeLogs", "logRecords" },
	[PART_METRICS] = { "resourceMetrics", "scopeMetrics", "metrics" },
	[PART_TRACES] = { "resourceSpans", "scopeSpans", "spans" },
};

static bool
wants(unsigned part, const struct forward_record *r)
{
	struct fields f = fields_of(r);

	if (part == PART_LOGS || r->kind == RECORD_LOG)
		return part == PART_LOGS && r->kind == RECORD_LOG;
	if (part == PART_TRACES)
		return true;
	return f.of[FIELD_METRICS].s && f.of[FIELD_METRICS].len > 2;
}

/* --- Attributes ------------------------------------------------------------
 */

static void
add_any(struct buf *out, struct json_text t)
{
	int64_t i;

	if (json_kind(t) == JSON_IS_STRING) {
		buf_adds(out, "{\"stringValue\":");
		buf_add(out, t.s, t.len);
	} else if (json_kind(t) == JSON_IS_BOOL) {
		buf_adds(out, "{\"boolValue\":");
		buf_add(out, t.s, t.len);
	} else if (json_to_int(t, &i)) {
		buf_addf(out, "{\"intValue\":\"%lld\"", (long long)i);
	} else if (json_kind(t) == JSON_IS_NUMBER) {
		buf_adds(out, "{\"doubleValue\":");
		buf_add(out, t.s, t.len);
	} else {
		buf_adds(out, "{\"stringValue\":");
		json_encode_string(t.s, t.len, out);
	}
	buf_addc(out, '}');
}

/* `key` is a JSON string; a comma stands before all but the first. */
static void
add_pair(struct buf *out, struct json_text key, struct json_text value)
{
	if (!value.s)
		return;
	if (out->len && out->data[out->len - 1] != '[')
		buf_addc(out, ',');
	buf_adds(out, "{\"key\":");
	buf_add(out, key.s, key.len);
	buf_adds(out, ",\"value\":");
	add_any(out, value);
	buf_addc(out, '}');
}

static void
add_named(struct buf *out, const char *name, struct json_text value)
{
	_buf_ struct buf key = { 0 };

	json_encode_string(name, strlen(name), &key);
	add_pair(out, (struct json_text){ key.data, key.len }, value);
}

static void
add_text(struct buf *out, const char *name, const char *text)
{
	_buf_ struct buf value = { 0 };

	json_encode_string(text, strlen(text), &value);
	add_named(out, name, (struct json_text){ value.data, value.len });
}

static void
add_each(void *arg, struct json_text key, struct json_text value)
{
	add_pair(arg, key, value);
}

/* What both kinds of records have. */
static void
add_job(struct buf *out, const struct fields *f)
{
	add_named(out, "devops_agent.job.id", f->of[FIELD_ID]);
	add_named(out, "devops_agent.job.name", f->of[FIELD_NAME]);
	add_named(out, "devops_agent.plugin", f->of[FIELD_PLUGIN]);
}

static void
add_resource(struct buf *out, const struct forward_agent *agent)
{
	const struct value *labels = agent->labels;

	buf_adds(out, "\"resource\":{\"attributes\":[");
	add_text(out, "service.name", "devops_agent");
	add_text(out, "service.version", agent->version);
	add_text(out, "service.instance.id", agent->id);
	add_text(out, "host.name", agent->host);
	for (size_t i = 0;
	     labels && labels->type == VALUE_OBJECT && i < labels->u.object.n;
	     i++) {
		const struct value_member *m = &labels->u.object.members[i];
		_free_ char *name = xasprintf("devops_agent.label.%s", m->key);
		_buf_ struct buf value = { 0 };

		json_encode(m->value, &value);
		add_named(out, name,
			  (struct json_text){ value.data, value.len });
	}
	buf_adds(out, "]}");
}

/* --- Ids -------------------------------------------------------------------
 */

static uint64_t
hash(uint64_t h, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
	/* FNV's high bits hardly depend on the last bytes */
	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 32 ? h ^ h >> 32 : 1;
}

static void
add_ids(struct buf *out, const struct encoder *c, const struct fields *f)
{
	_free_ char *name =
		xasprintf("%s-%lld", c->agent->id,
			  (long long)fields_int(f->of[FIELD_ID], 0));
	size_t len = strlen(name);

	buf_addf(out, "\"traceId\":\"%016llx%016llx\",\"spanId\":\"%016llx\"",
		 (unsigned long long)hash(1, name, len),
		 (unsigned long long)hash(2, name, len),
		 (unsigned long long)hash(3, name, len));
}

/* --- Records ---------------------------------------------------------------
 */

/* Severity as the data model has it, the first of its four. */
static const struct {
	const char *name;
	int number;
} severities[] = {
	{ "debug", 5 },
	{ "info", 9 },
	{ "warning", 13 },
	{ "error", 17 },
};

static int
severity(struct json_text level)
{
	for (size_t i = 0; level.s && i < ARRAY_SIZE(severities); i++)
		if (json_text_is(level, severities[i].name))
			return severities[i].number;
	return severities[1].number;
}

static void
add_log(struct encoder *c, const struct forward_record *r,
	const struct fields *f)
{
	struct buf *out = &c->out;
	struct json_text level = f->of[FIELD_LEVEL];

	buf_addf(out, "{\"timeUnixNano\":\"%lld\",\"severityNumber\":%d",
		 (long long)fields_when_ns(f, r), severity(level));
	if (level.s) {
		buf_adds(out, ",\"severityText\":");
		buf_add(out, level.s, level.len);
	}
	buf_adds(out, ",\"body\":");
	if (f->of[FIELD_MESSAGE].s)
		add_any(out, f->of[FIELD_MESSAGE]);
	else
		buf_adds(out, "{\"stringValue\":\"\"}");
	buf_addc(out, ',');
	add_ids(out, c, f);
	buf_adds(out, ",\"attributes\":[");
	add_named(out, "devops_agent.record.id", r->id);
	add_job(out, f);
	add_named(out, "devops_agent.stream", f->of[FIELD_STREAM]);
	fields_each(f->of[FIELD_FIELDS], add_each, out);
	buf_adds(out, "]}");
}

struct metric {
	struct encoder *c;
	const struct fields *f;
	int64_t ns;
	bool any;
};

static void
add_value(struct buf *out, struct json_text value)
{
	int64_t i;

	if (json_to_int(value, &i)) {
		buf_addf(out, "\"asInt\":\"%lld\"", (long long)i);
	} else {
		buf_adds(out, "\"asDouble\":");
		buf_add(out, value.s, value.len);
	}
}

static void
add_metric(void *arg, struct json_text key, struct json_text item)
{
	struct metric *m = arg;
	struct buf *out = &m->c->out;
	struct json_text name = fields_member(item, "name");
	struct json_text unit = fields_member(item, "unit");
	struct json_text kind = fields_member(item, "kind");
	struct json_text value = fields_member(item, "value");
	bool sum = kind.s && json_text_is(kind, "counter");

	(void)key;
	if (!name.s || !value.s || json_kind(value) != JSON_IS_NUMBER)
		return;
	buf_adds(out, m->any ? ",{\"name\":" : "{\"name\":");
	m->any = true;
	buf_add(out, name.s, name.len);
	if (unit.s) {
		buf_adds(out, ",\"unit\":");
		buf_add(out, unit.s, unit.len);
	}
	buf_adds(out, sum ? ",\"sum\":{\"aggregationTemporality\":2,"
			    "\"isMonotonic\":true,\"dataPoints\":[{" :
			    ",\"gauge\":{\"dataPoints\":[{");
	buf_addf(out, "\"timeUnixNano\":\"%lld\",", (long long)m->ns);
	add_value(out, value);
	buf_adds(out, ",\"attributes\":[");
	add_named(out, "devops_agent.job.name", m->f->of[FIELD_NAME]);
	add_named(out, "devops_agent.plugin", m->f->of[FIELD_PLUGIN]);
	fields_each(fields_member(item, "labels"), add_each, out);
	buf_adds(out, "]}]}}");
}

static void
add_status(struct buf *out, const struct fields *f)
{
	struct json_text message = fields_member(f->of[FIELD_ERROR], "message");
	bool good = f->of[FIELD_STATE].s &&
		    json_text_is(f->of[FIELD_STATE], "succeeded");

	buf_addf(out, ",\"status\":{\"code\":%d", good ? 1 : 2);
	if (message.s && json_kind(message) == JSON_IS_STRING) {
		buf_adds(out, ",\"message\":");
		buf_add(out, message.s, message.len);
	}
	buf_addc(out, '}');
}

static void
add_span(struct encoder *c, const struct forward_record *r,
	 const struct fields *f)
{
	struct buf *out = &c->out;
	int64_t end = fields_when_ns(f, r);
	int64_t start = fields_time_ns(f->of[FIELD_STARTED]);
	struct json_text usage = f->of[FIELD_USAGE];

	buf_addc(out, '{');
	add_ids(out, c, f);
	buf_adds(out, ",\"name\":");
	if (f->of[FIELD_NAME].s)
		buf_add(out, f->of[FIELD_NAME].s, f->of[FIELD_NAME].len);
	else
		buf_adds(out, "\"job\"");
	buf_addf(out,
		 ",\"kind\":1,\"startTimeUnixNano\":\"%lld\","
		 "\"endTimeUnixNano\":\"%lld\",\"attributes\":[",
		 (long long)(start ? start : end), (long long)end);
	add_named(out, "devops_agent.record.id", r->id);
	add_job(out, f);
	add_named(out, "devops_agent.state", f->of[FIELD_STATE]);
	add_named(out, "devops_agent.trigger", f->of[FIELD_TRIGGER]);
	add_named(out, "devops_agent.attempt", f->of[FIELD_ATTEMPT]);
	add_named(out, "process.exit.code",
		  fields_member(f->of[FIELD_EXIT], "code"));
	add_named(out, "devops_agent.cpu_ms", fields_member(usage, "cpu_ms"));
	add_named(out, "devops_agent.max_rss_bytes",
		  fields_member(usage, "max_rss_bytes"));
	add_named(out, "error.type", fields_member(f->of[FIELD_ERROR], "code"));
	buf_addc(out, ']');
	add_status(out, f);
	buf_addc(out, '}');
}

/* --- Requests --------------------------------------------------------------
 */

static void
begin(struct encoder *c)
{
	struct buf *out = &c->out;

	buf_addf(out, "{\"%s\":[{", frames[c->part].resources);
	add_resource(out, c->agent);
	buf_addf(out,
		 ",\"%s\":[{\"scope\":{\"name\":\"devops_agent\"},\"%s\":[",
		 frames[c->part].scopes, frames[c->part].items);
}

static void
add(struct encoder *c, const struct forward_record *r)
{
	struct fields f = fields_of(r);
	struct metric m = { .c = c, .f = &f, .any = c->n > 0 };

	m.ns = fields_when_ns(&f, r);
	if (c->part == PART_METRICS) {
		/* a record may hold several, or none that is one */
		m.any = c->group[0];
		fields_each(f.of[FIELD_METRICS], add_metric, &m);
		c->group[0] = m.any ? ',' : '\0';
		return;
	}
	if (m.any)
		buf_addc(&c->out, ',');
	if (c->part == PART_LOGS)
		add_log(c, r, &f);
	else
		add_span(c, r, &f);
}

static void
end(struct encoder *c)
{
	buf_adds(&c->out, "]}]}]}");
}

/* A part was rejected, and not said which: found by sending less at once. */
static enum fate
judge(const struct answer *a, verdict_fn *fn, void *arg, const char **why)
{
	static const char *const counts[] = { "rejectedLogRecords",
					      "rejectedDataPoints",
					      "rejectedSpans" };
	struct json_field f = { "partialSuccess", JSON_IS_ANY, { NULL, 0 } };
	struct err e = ERR_INIT;
	int64_t rejected = 0;

	(void)fn, (void)arg;
	if (a->cut || json_pick(a->body, a->len, 0, &f, 1, &e) < 0)
		return FATE_ACCEPTED;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct json_text t = fields_member(f.value, counts[i]);
		_buf_ struct buf digits = { 0 };

		/* 64-bit numbers are strings in the JSON of protobuf */
		if (t.s && json_kind(t) == JSON_IS_STRING) {
			json_add_string(&digits, t, 32);
			t = (struct json_text){ digits.data, digits.len };
		}
		if (t.s && t.len)
			rejected += fields_int(t, 0);
	}
	if (rejected <= 0)
		return FATE_ACCEPTED;
	*why = "it rejected a part of it";
	return FATE_BISECT;
}

const struct format format_otlp = {
	.name = "otlp",
	.content_type = "application/json",
	.scheme = "Bearer",
	.no_zstd = true,
	.parts = PARTS,
	.part_paths = paths,
	.wants = wants,
	.begin = begin,
	.add = add,
	.end = end,
	.judge = judge,
};
