/*
 * Splunk's HTTP Event Collector: an event a record, with what they are looked
 * for by as indexed fields.
 */
#include <string.h>

#include "base/mem.h"
#include "forward/fields.h"
#include "forward/format.h"

static void
add_member(struct buf *out, const char *name, struct json_text value)
{
	if (!value.s)
		return;
	buf_addf(out, ",\"%s\":", name);
	buf_add(out, value.s, value.len);
}

static void
add_labels(struct buf *out, const struct value *labels)
{
	for (size_t i = 0;
	     labels && labels->type == VALUE_OBJECT && i < labels->u.object.n;
	     i++) {
		const struct value_member *m = &labels->u.object.members[i];

		buf_addc(out, ',');
		json_encode_string(m->key, strlen(m->key), out);
		buf_addc(out, ':');
		json_encode(m->value, out);
	}
}

static void
add(struct encoder *c, const struct forward_record *r)
{
	struct buf *out = &c->out;
	struct fields f = fields_of(r);
	int64_t ms;

	ms = fields_when_ns(&f, r) / 1000000;
	buf_addc(out, '{');
	if (ms)
		buf_addf(out, "\"time\":%lld.%03lld,", (long long)ms / 1000,
			 (long long)ms % 1000);
	buf_adds(out, "\"host\":");
	json_encode_string(c->agent->host, strlen(c->agent->host), out);
	buf_addf(out,
		 ",\"source\":\"devops_agent\","
		 "\"sourcetype\":\"devops_agent:%s\",\"fields\":{"
		 "\"record_id\":",
		 record_kind_name(r->kind));
	buf_add(out, r->id.s, r->id.len);
	add_member(out, "job_name", f.of[FIELD_NAME]);
	add_member(out, "plugin", f.of[FIELD_PLUGIN]);
	add_member(out, "state", f.of[FIELD_STATE]);
	add_member(out, "level", f.of[FIELD_LEVEL]);
	add_labels(out, c->agent->labels);
	buf_adds(out, "},\"event\":");
	buf_add(out, r->text.s, r->text.len);
	buf_adds(out, "}\n");
}

static enum fate
judge(const struct answer *a, verdict_fn *fn, void *arg, const char **why)
{
	struct json_field code = { "code", JSON_IS_NUMBER, { NULL, 0 } };
	struct err e = ERR_INIT;

	(void)fn, (void)arg;
	if (!a->cut && json_pick(a->body, a->len, 0, &code, 1, &e) == 0 &&
	    code.value.s && fields_int(code.value, 0) == 0)
		return FATE_ACCEPTED;
	*why = "a success without its code 0; is it an HTTP Event Collector?";
	return FATE_HOLD;
}

static const struct rule rules[] = {
	{ 201, 299, FATE_HOLD, "a success that HEC does not give" },
	{ 0, 0, 0, NULL },
};

const struct format format_splunk = {
	.name = "splunk-hec",
	.content_type = "application/json",
	.path = "/services/collector/event",
	.scheme = "Splunk",
	.no_zstd = true,
	.add = add,
	.rules = rules,
	.judge = judge,
};
