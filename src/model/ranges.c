#include "model/ranges.h"

int
position_compare(struct position a, struct position b)
{
	if (a.at != b.at)
		return a.at < b.at ? -1 : 1;
	return (a.line > b.line) - (a.line < b.line);
}

/* An empty one is left out. */
static bool
append(struct ranges *r, struct position from, int64_t until)
{
	if (from.at >= until)
		return true;
	if (r->n == RANGES_MAX)
		return false;
	r->items[r->n++] = (struct range){ from, until };
	return true;
}

/*
 * A range ends between jobs: what is taken from the middle of one leaves all
 * of that job before it, as doing something twice is better than never.
 */
static bool
append_before(struct ranges *r, const struct range *old, struct position end)
{
	int64_t until = end.line ? end.at + 1 : end.at;

	if (position_compare(old->from, end) >= 0)
		return true;
	return append(r, old->from, until < old->until ? until : old->until);
}

static bool
append_after(struct ranges *r, const struct range *old, struct position from)
{
	return append(r,
		      position_compare(old->from, from) > 0 ? old->from : from,
		      old->until);
}

bool
ranges_take(struct ranges *r, struct position from, struct position to)
{
	struct ranges left = { .n = 0 };

	if (position_compare(from, to) >= 0)
		return true;
	for (size_t i = 0; i < r->n; i++) {
		const struct range *old = &r->items[i];

		if (!append_before(&left, old, from) ||
		    !append_after(&left, old, to))
			return false;
	}
	*r = left;
	return true;
}

void
ranges_add(struct ranges *r, int64_t at)
{
	struct position from = { at, 0 };
	size_t n = 0;

	/* the first that reaches there is where it begins */
	while (n < r->n && r->items[n].until < at)
		n++;
	if (n < r->n && position_compare(r->items[n].from, from) < 0)
		from = r->items[n].from;
	if (n == RANGES_MAX)
		from = r->items[--n].from;
	r->items[n] = (struct range){ from, RANGE_OPEN };
	r->n = n + 1;
}

int64_t
ranges_first(const struct ranges *r)
{
	return r->n ? r->items[0].from.at : RANGE_OPEN;
}

int64_t
ranges_count(const struct ranges *r, int64_t at, int64_t last)
{
	int64_t count = 0;

	for (size_t i = 0; i < r->n; i++) {
		int64_t from = r->items[i].from.at, until = r->items[i].until;

		if (from < at)
			from = at;
		if (until > last)
			until = last + 1;
		if (from < until)
			count += until - from;
	}
	return count;
}
