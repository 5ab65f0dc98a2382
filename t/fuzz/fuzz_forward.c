/*
 * What a collector may answer, and what the master sends: the first byte says
 * which format reads the answer, the second how many records were sent.
 */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "forward/fields.h"
#include "forward/format.h"
#include "forward/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "jsonl", "otlp",	    "elasticsearch",
				     "loki",  "splunk-hec", "influx" };

static size_t touched;

static void
on_verdict(void *arg, size_t i, enum verdict v, const char *code,
	   const char *reason)
{
	(void)arg;
	touched += i + (size_t)v + strlen(code) + strlen(reason);
}

static void
answer(const struct format *f, size_t records, const char *text, size_t len)
{
	struct answer a = {
		.status = 200, .body = text, .len = len, .records = records
	};
	const char *why = "";

	if (f->judge && f->judge(&a, on_verdict, NULL, &why) != FATE_ACCEPTED)
		touched += strlen(why);
}

/* Records are checked where they are stored: here they may be anything. */
static void
encode(const struct format *f, struct records *r)
{
	struct settings s = { .format = f };
	struct forward_agent agent = { "a", "h", "v", NULL, NULL };
	char text[] = "{}";

	agent.text = text;
	for (unsigned part = 0; part < (f->parts ? f->parts : 1); part++) {
		struct encoder c = { .to = &s, .agent = &agent, .part = part };

		if (f->begin)
			f->begin(&c);
		for (size_t i = 0; i < r->n; i++) {
			if (f->wants && !f->wants(part, &r->items[i]))
				continue;
			f->add(&c, &r->items[i]);
			c.n++;
		}
		if (f->end)
			f->end(&c);
		touched += c.out.len;
		buf_release(&c.out);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(records_release) struct records r = { 0 };
	_buf_ struct buf line = { 0 };
	struct err e = ERR_INIT;
	const struct format *f;
	_free_ char *text = NULL;

	if (size < 2)
		return 0;
	f = format_find(names[data[0] % ARRAY_SIZE(names)]);
	text = xmemdup(data + 2, size - 2);
	answer(f, data[1], text, strlen(text));
	buf_add(&line, data + 2, size - 2);
	if (records_take(&r, &line, 0, &e) == 0)
		encode(f, &r);
	return 0;
}
