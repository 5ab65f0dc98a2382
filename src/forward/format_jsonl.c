/*
 * A record a line, as the agent has it, with the id that never changes and
 * the kind before it. The answer may say which were refused:
 * {"accepted":n,"rejected":[{"index":i,"code":"...","retryable":false}]}.
 */
#include <string.h>

#include "base/mem.h"
#include "forward/format.h"

static void
add(struct encoder *c, const struct forward_record *r)
{
	struct buf *out = &c->out;

	buf_adds(out, "{\"record_id\":");
	buf_add(out, r->id.s, r->id.len);
	buf_adds(out, r->kind == RECORD_LOG ? ",\"kind\":\"log\"" :
					      ",\"kind\":\"job\"");
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
	int64_t rejected;
	bool wrong;
};

static int
judge_item(void *arg, struct json_text key, struct json_text item,
	   struct err *e)
{
	struct judging *j = arg;
	struct json_field f[] = {
		{ "index", JSON_IS_NUMBER, { NULL, 0 } },
		{ "code", JSON_IS_ANY, { NULL, 0 } },
		{ "retryable", JSON_IS_ANY, { NULL, 0 } },
		{ "message", JSON_IS_ANY, { NULL, 0 } },
	};
	_buf_ struct buf code = { 0 }, message = { 0 };
	struct err ignored = ERR_INIT;
	int64_t i;

	(void)key, (void)e;
	if (json_pick(item.s, item.len, 0, f, ARRAY_SIZE(f), &ignored) < 0 ||
	    !f[0].value.s || !json_to_int(f[0].value, &i) || i < 0 ||
	    (size_t)i >= j->a->records) {
		j->wrong = true;
		return 0;
	}
	if (f[1].value.s && json_kind(f[1].value) == JSON_IS_STRING)
		json_add_string(&code, f[1].value, 64);
	if (f[3].value.s && json_kind(f[3].value) == JSON_IS_STRING)
		json_add_string(&message, f[3].value, 512);
	j->rejected++;
	j->fn(j->arg, (size_t)i,
	      f[2].value.s && json_kind(f[2].value) == JSON_IS_BOOL &&
			      f[2].value.s[0] == 't' ?
		      VERDICT_AGAIN :
		      VERDICT_ASIDE,
	      code.len ? code.data : "rejected",
	      message.len ? message.data : "the collector rejected it");
	return 0;
}

/* What is no such object leaves what the status says. */
static enum fate
judge(const struct answer *a, verdict_fn *fn, void *arg, const char **why)
{
	struct json_field f[] = {
		{ "accepted", JSON_IS_NUMBER, { NULL, 0 } },
		{ "rejected", JSON_IS_ARRAY, { NULL, 0 } },
	};
	struct judging j = { .a = a, .fn = fn, .arg = arg };
	struct err e = ERR_INIT;
	int64_t accepted;

	if (a->cut || json_pick(a->body, a->len, 0, f, ARRAY_SIZE(f), &e) < 0)
		return FATE_ACCEPTED;
	if (f[1].value.s)
		json_each(f[1].value.s, f[1].value.len, 0, judge_item, &j, &e);
	if (j.wrong) {
		*why = "it rejected records by numbers that were not sent";
		return FATE_HOLD;
	}
	if (f[0].value.s && json_to_int(f[0].value, &accepted) &&
	    accepted >= 0 && (uint64_t)accepted < a->records &&
	    (uint64_t)accepted + (uint64_t)j.rejected < a->records) {
		*why = "it accepted fewer records than were sent, and did not "
		       "say which";
		return FATE_SUSPECT;
	}
	return FATE_ACCEPTED;
}

const struct format format_jsonl = {
	.name = "jsonl",
	.content_type = "application/x-ndjson",
	.scheme = "Bearer",
	.add = add,
	.judge = judge,
};
