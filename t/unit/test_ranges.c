/* model/ranges: what is owed. */
#include "tap.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/ranges.h"

/* "5 9.2-12 20-": from line 2 of 9 to before 12. */
static void
read_ranges(const char *text, struct ranges *r)
{
	int used;

	r->n = 0;
	for (; *text; text += used + (text[used] == ' ')) {
		struct range *x = &r->items[r->n++];
		char *end;

		*x = (struct range){ { strtoll(text, &end, 10), 0 },
				     RANGE_OPEN };
		if (*end == '.')
			x->from.line = strtoll(end + 1, &end, 10);
		if (*end == '-' && end[1] && end[1] != ' ')
			x->until = strtoll(end + 1, &end, 10);
		else
			end++;
		used = (int)(end - text);
	}
}

static const char *
show(const struct ranges *r)
{
	static struct buf b;

	b.len = 0;
	buf_adds(&b, "");
	for (size_t i = 0; i < r->n; i++) {
		const struct range *x = &r->items[i];

		buf_addf(&b, "%s%" PRId64, i ? " " : "", x->from.at);
		if (x->from.line)
			buf_addf(&b, ".%" PRId64, x->from.line);
		buf_adds(&b, "-");
		if (x->until != RANGE_OPEN)
			buf_addf(&b, "%" PRId64, x->until);
	}
	return b.data ? b.data : "";
}

static const struct {
	const char *title, *before;
	struct position from, to;
	const char *after;
} takes[] = {
	{ "from its start", "1-", { 1, 0 }, { 5, 0 }, "5-" },
	{ "into a job's log", "1-", { 1, 0 }, { 5, 3 }, "5.3-" },
	{ "on from there", "5.3-", { 5, 3 }, { 6, 0 }, "6-" },
	{ "out of the middle", "1-", { 8, 0 }, { 9, 0 }, "1-8 9-" },
	{ "into a job of the middle", "1-", { 8, 0 }, { 9, 2 }, "1-8 9.2-" },
	{ "all of a closed one", "1-8 9-", { 1, 0 }, { 8, 0 }, "9-" },
	{ "more than there is", "3-8 9-", { 1, 0 }, { 8, 5 }, "9-" },
	{ "over two", "3-8 12-", { 5, 0 }, { 15, 0 }, "3-5 15-" },
	{ "between two", "3-8 12-", { 8, 0 }, { 12, 0 }, "3-8 12-" },
	{ "before all", "3-8 12-", { 1, 0 }, { 3, 0 }, "3-8 12-" },
	{ "what begins within a log",
	  "3.4-8 12-",
	  { 3, 4 },
	  { 3, 9 },
	  "3.9-8 12-" },
	{ "what begins before it", "3.4-8 12-", { 3, 0 }, { 4, 0 }, "4-8 12-" },
	{ "from within a job that is not begun: it comes again",
	  "3-8",
	  { 5, 2 },
	  { 6, 0 },
	  "3-6 6-8" },
	{ "nothing", "3-", { 5, 2 }, { 5, 2 }, "3-" },
	{ "of nothing", "", { 5, 2 }, { 6, 2 }, "" },
};

static const struct {
	const char *before;
	int64_t at;
	const char *after;
} adds[] = {
	{ "9-", 3, "3-" },
	{ "3-", 9, "3-" },
	{ "3.2-", 3, "3-" },
	{ "3.2-", 4, "3.2-" },
	{ "3-5 9-", 7, "3-5 7-" },
	{ "3-5 9-", 5, "3-" },
	{ "3-5 9-", 4, "3-" },
	{ "3-5 9-", 1, "1-" },
	{ "3-5 7-8 9-", 6, "3-5 6-" },
	{ "", 6, "6-" },
	{ "3-5 9.4-", 10, "3-5 9.4-" },
};

static void
test_full(void)
{
	struct ranges r = { .n = 0 };

	ranges_add(&r, 1);
	for (int64_t i = 1; i < RANGES_MAX; i++)
		ok(ranges_take(&r, (struct position){ 10 * i, 0 },
			       (struct position){ 10 * i + 5, 0 }),
		   "a hole in it: %zu ranges", r.n);
	ok(!ranges_take(&r, (struct position){ 1000, 0 },
			(struct position){ 1001, 0 }),
	   "no more ranges than there is room for");
	is_int((intmax_t)r.n, RANGES_MAX, "... and it is as it was");
	ok(ranges_take(&r, (struct position){ 1, 0 },
		       (struct position){ 10, 0 }),
	   "what makes one less is taken");
	is_int(ranges_first(&r), 15, "... and the first is the next");
	is_int(ranges_count(&r, 1, 30), 5 + 5, "what is owed is counted");
	ranges_add(&r, 1);
	is_str(show(&r), "1-", "all of it can be owed again");
}

int
main(void)
{
	struct ranges r;

	for (size_t i = 0; i < ARRAY_SIZE(takes); i++) {
		read_ranges(takes[i].before, &r);
		ok(ranges_take(&r, takes[i].from, takes[i].to), "take %s",
		   takes[i].title);
		is_str(show(&r), takes[i].after, "... leaves what it should");
	}
	for (size_t i = 0; i < ARRAY_SIZE(adds); i++) {
		read_ranges(adds[i].before, &r);
		ranges_add(&r, adds[i].at);
		is_str(show(&r), adds[i].after, "%s and all from %d on",
		       adds[i].before, (int)adds[i].at);
	}
	test_full();
	return tap_done();
}
