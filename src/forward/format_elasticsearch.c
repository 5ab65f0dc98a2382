/*
 * Elasticsearch and OpenSearch: _bulk, each record created under the id that
 * never changes, so that what is there already (409) is a success. The answer
 * judges each record by itself.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "forward/fields.h"
#include "forward/format.h"

static void
add(struct encoder *c, const struct forward_record *r)
{
	struct buf *out = &c->out;
	struct fields f = fields_of(r);
	struct json_text when;

	when = f.of[r->kind == RECORD_LOG ? FIELD_TIME : FIELD_FINISHED];
	buf_adds(out, "{\"create\":{\"_id\":");
	buf_add(out, r->id.s, r->id.len);
	buf_adds(out, "}}\n{\"record_id\":");
	buf_add(out, r->id.s, r->id.len);
	buf_addf(out, ",\"kind\":\"%s\"", record_kind_name(r->kind));
	if (when.s) {
		buf_adds(out, ",\"@timestamp\":");
		buf_add(out, when.s, when.len);
	}
	if (r->text.len > 2)
		buf_addc(out, ',');
	buf_add(out, r->text.s + 1, r->text.len - 2);
	if (r->kind == RECORD_LOG) {
		buf_adds(out, ",\"agent\":");
		buf_adds(out, c->agent->text);
	}
	buf_adds(out, "}\n");
}

struct judging {
	const struct answer *a;
	verdict_fn *fn;
	void *arg;
	size_t i;
	bool wrong;
};

/* What passes by itself, of one item. */
static bool
is_busy(int64_t status)
{
	return status == 429 || status == 500 ||
	       (status >= 502 && status <= 504);
}

static void
judge_one(void *arg, struct json_text key, struct json_text item)
{
	struct judging *j = arg;
	struct json_text create = fields_member(item, "create");
	int64_t status = fields_int(fields_member(create, "status"), 0);
	struct json_text error = fields_member(create, "error");
	struct json_text type = fields_member(error, "type");
	struct json_text reason = fields_member(error, "reason");
	_buf_ struct buf code = { 0 }, text = { 0 };
	size_t i = j->i++;

	(void)key;
	j->wrong |= status == 0;
	if (status == 409 || (status >= 200 && status < 300) || !status)
		return;
	buf_addf(&code, "%lld ", (long long)status);
	if (type.s && json_kind(type) == JSON_IS_STRING)
		json_add_string(&code, type, 64);
	if (reason.s && json_kind(reason) == JSON_IS_STRING)
		json_add_string(&text, reason, 512);
	j->fn(j->arg, i, is_busy(status) ? VERDICT_AGAIN : VERDICT_ASIDE,
	      code.data, text.len ? text.data : "it was refused");
}

static enum fate
judge(const struct answer *a, verdict_fn *fn, void *arg, const char **why)
{
	struct json_field items = { "items", JSON_IS_ARRAY, { NULL, 0 } };
	struct judging j = { .a = a, .fn = fn, .arg = arg };
	struct err e = ERR_INIT;

	if (!a->cut && json_pick(a->body, a->len, 0, &items, 1, &e) == 0)
		fields_each(items.value, judge_one, &j);
	if (j.i == a->records && !j.wrong)
		return FATE_ACCEPTED;
	*why = a->cut ? "its answer is too large; make batch.records smaller" :
			"its answer does not say what became of each record";
	return a->cut ? FATE_HOLD : FATE_SUSPECT;
}

static const struct rule rules[] = {
	{ 201, 299, FATE_HOLD, "a success that _bulk does not give" },
	{ 0, 0, 0, NULL },
};

const struct format format_elasticsearch = {
	.name = "elasticsearch",
	.content_type = "application/x-ndjson",
	.path = "/devops_agent/_bulk",
	.scheme = "ApiKey",
	.no_zstd = true,
	.add = add,
	.rules = rules,
	.judge = judge,
};
