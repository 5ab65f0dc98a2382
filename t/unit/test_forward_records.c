/* forward/records: a batch's line, cut into its records. */
#include "tap.h"

#include "forward/records.h"

#define R "\"id\":\"i\",\"at\":\"1\",\"kind\":\"job\",\"record\":{}"

static const struct {
	const char *title, *text;
	int want; /* records, -1: an error */
	bool more;
} cases[] = {
	{ "no records", "{\"batch\":\"0\",\"records\":[],\"more\":false}", 0,
	  false },
	{ "one", "{\"batch\":\"1\",\"records\":[{" R "}],\"more\":true}", 1,
	  true },
	{ "two, members in any order",
	  "{\"more\":true,\"records\":[{" R "},{" R "}],\"batch\":\"1\"}", 2,
	  true },
	{ "brackets and escapes in strings",
	  "{\"batch\":\"1\",\"records\":[{\"id\":\"}]\\\"{\",\"at\":\"\\\\\","
	  "\"kind\":\"log\",\"record\":{\"a\":[\"]}\",{}]}}]}",
	  1, false },
	{ "members that nobody knows",
	  "{\"x\":[1,{}],\"batch\":\"1\",\"records\":[{\"y\":1e9," R "}]}", 1,
	  false },
	{ "no position", "{\"records\":[]}", -1, false },
	{ "a position that is no text", "{\"batch\":1,\"records\":[]}", -1,
	  false },
	{ "a record without its id",
	  "{\"batch\":\"1\",\"records\":[{\"at\":\"1\",\"record\":{}}]}", -1,
	  false },
	{ "a record without a position",
	  "{\"batch\":\"1\",\"records\":[{\"id\":\"1\",\"record\":{}}]}", -1,
	  false },
	{ "a record that is no object",
	  "{\"batch\":\"1\",\"records\":[{\"id\":\"1\",\"at\":\"1\","
	  "\"record\":1}]}",
	  -1, false },
	{ "records that are no array", "{\"batch\":\"1\",\"records\":{}}", -1,
	  false },
	{ "no object", "[]", -1, false },
	{ "nothing", "", -1, false },
};

static int
take(const char *text, size_t len, struct records *r)
{
	struct buf line = { 0 };
	struct err e = ERR_INIT;

	/* what stands before the result is not looked at */
	buf_adds(&line, "{{{");
	buf_add(&line, text, len);
	return records_take(r, &line, 3, &e) < 0 ? -1 : (int)r->n;
}

int
main(void)
{
	struct records r;

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		const char *text = cases[i].text;

		is_int(take(text, strlen(text), &r), cases[i].want, "%s",
		       cases[i].title);
		if (cases[i].want >= 0)
			is_int(r.more, cases[i].more, "... and whether more");
		records_release(&r);
		for (size_t len = 0; cases[i].want >= 0 && len < strlen(text);
		     len++) {
			if (take(text, len, &r) >= 0 && r.n > 2)
				ok(false, "cut short at %zu", len);
			records_release(&r);
		}
	}
	take(cases[3].text, strlen(cases[3].text), &r);
	is_mem(r.items[0].id.s, "\"}]\\\"{\"", r.items[0].id.len, "an id");
	is_mem(r.items[0].text.s, "{\"a\":[\"]}\",{}]}", r.items[0].text.len,
	       "a record");
	is_int(r.items[0].kind, RECORD_LOG, "a log line");
	records_release(&r);
	return tap_done();
}
