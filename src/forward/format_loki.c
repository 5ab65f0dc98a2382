/*
 * Loki: records that have their labels in common, one after the other, are a
 * stream; the line is the record as JSON, for `| json`. The same line at the
 * same time is kept once.
 */
#include <string.h>

#include "base/mem.h"
#include "forward/fields.h"
#include "forward/format.h"

static void
begin(struct encoder *c)
{
	buf_adds(&c->out, "{\"streams\":[");
}

static void
add_label(struct buf *out, const char *name, struct json_text value)
{
	if (!value.s || json_kind(value) != JSON_IS_STRING || value.len == 2)
		return;
	buf_addf(out, ",\"%s\":", name);
	buf_add(out, value.s, value.len);
}

/* The agent's labels, by names that Loki takes. */
static void
add_agent(struct buf *out, const struct forward_agent *agent)
{
	const struct value *labels = agent->labels;

	buf_adds(out, ",\"host\":");
	json_encode_string(agent->host, strlen(agent->host), out);
	for (size_t i = 0;
	     labels && labels->type == VALUE_OBJECT && i < labels->u.object.n;
	     i++) {
		const struct value_member *m = &labels->u.object.members[i];

		if (m->value->type != VALUE_STRING || !m->value->u.string.len)
			continue;
		buf_adds(out, ",\"label_");
		for (const char *s = m->key; *s; s++)
			buf_addc(out, strchr("abcdefghijklmnopqrstuvwxyz"
					     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					     "0123456789_",
					     *s) ?
					      *s :
					      '_');
		buf_adds(out, "\":");
		json_encode(m->value, out);
	}
}

static void
add_stream(struct buf *out, const struct encoder *c, const struct fields *f,
	   enum record_kind kind)
{
	buf_addf(out,
		 "{\"stream\":{\"service_name\":\"devops_agent\","
		 "\"kind\":\"%s\"",
		 record_kind_name(kind));
	add_label(out, "job", f->of[FIELD_NAME]);
	add_label(out, "plugin", f->of[FIELD_PLUGIN]);
	add_label(out, "level", f->of[FIELD_LEVEL]);
	add_label(out, "state", f->of[FIELD_STATE]);
	add_agent(out, c->agent);
	buf_adds(out, "},\"values\":[");
}

static void
add_line(struct buf *out, const struct forward_record *r, int64_t ns)
{
	_buf_ struct buf line = { 0 };

	buf_adds(&line, "{\"record_id\":");
	buf_add(&line, r->id.s, r->id.len);
	buf_addc(&line, ',');
	buf_add(&line, r->text.s + 1, r->text.len - 1);
	buf_addf(out, "[\"%lld\",", (long long)ns);
	json_encode_string(line.data, line.len, out);
	buf_addc(out, ']');
}

static void
add(struct encoder *c, const struct forward_record *r)
{
	_buf_ struct buf stream = { 0 };
	struct fields f = fields_of(r);

	add_stream(&stream, c, &f, r->kind);
	if (c->n && stream.len == strlen(c->group) &&
	    strcmp(stream.data, c->group) == 0) {
		buf_addc(&c->out, ',');
	} else {
		buf_adds(&c->out, c->n ? "]}," : "");
		buf_add(&c->out, stream.data, stream.len);
		c->group[0] = '\0';
		if (stream.len < sizeof(c->group))
			memcpy(c->group, stream.data, stream.len + 1);
	}
	add_line(&c->out, r, fields_when_ns(&f, r));
}

static void
end(struct encoder *c)
{
	buf_adds(&c->out, c->n ? "]}]}" : "]}");
}

static const struct rule rules[] = {
	{ 200, 200, FATE_ACCEPTED, "accepted" },
	{ 204, 204, FATE_ACCEPTED, "accepted" },
	{ 260, 260, FATE_HOLD,
	  "it says yes and keeps nothing: ingestion is blocked for this "
	  "tenant" },
	{ 201, 299, FATE_HOLD, "a success that Loki does not give" },
	{ 0, 0, 0, NULL },
};

const struct format format_loki = {
	.name = "loki",
	.content_type = "application/json",
	.path = "/loki/api/v1/push",
	.scheme = "Bearer",
	.no_zstd = true,
	.begin = begin,
	.add = add,
	.end = end,
	.rules = rules,
};
