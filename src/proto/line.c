#include "proto/line.h"

#include <string.h>

/* A pending buffer larger than this is not kept for the next line. */
#define KEEP (64 << 10)

static void
reset(struct buf *pending)
{
	size_t max = pending->max;

	pending->len = 0;
	if (pending->cap > KEEP) {
		buf_release(pending);
		buf_init(pending, max);
	}
}

void
line_init(struct line_splitter *s, size_t max)
{
	memset(s, 0, sizeof(*s));
	s->max = max;
	buf_init(&s->pending, max);
}

void
line_release(struct line_splitter *s)
{
	buf_release(&s->pending);
}

static int
too_long(const struct line_splitter *s, struct err *e)
{
	return err_set(e, ERR_USAGE,
		       "at byte %llu: a line of more than %zu bytes",
		       (unsigned long long)s->at, s->max);
}

/* `data` ends the pending line; `at` moves on to the next. */
static int
whole_line(struct line_splitter *s, const char *data, size_t len, line_fn *fn,
	   void *arg, struct err *e)
{
	struct line line = { data, len, s->at, 0 };
	int r;

	if (len > s->max - s->pending.len)
		return too_long(s, e);
	if (s->pending.len) {
		buf_add(&s->pending, data, len);
		line.s = s->pending.data;
		line.len = s->pending.len;
	}
	s->at += line.len + 1;
	r = fn(arg, &line, e);
	reset(&s->pending);
	return r;
}

int
line_feed(struct line_splitter *s, const char *data, size_t len, line_fn *fn,
	  void *arg, struct err *e)
{
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		if (!end) {
			if (n > s->max - s->pending.len)
				return too_long(s, e);
			buf_add(&s->pending, data, n);
			return 0;
		}
		if (whole_line(s, data, n, fn, arg, e) < 0)
			return -1;
		data += n + 1;
		len -= n + 1;
	}
	return 0;
}

int
line_end(const struct line_splitter *s, struct err *e)
{
	if (s->pending.len == 0)
		return 0;
	return err_set(e, ERR_USAGE,
		       "at byte %llu: a line without its end (%zu bytes)",
		       (unsigned long long)s->at, s->pending.len);
}

void
line_cutter_init(struct line_cutter *c)
{
	memset(c, 0, sizeof(*c));
	buf_init(&c->pending, LINE_CUT);
}

void
line_cutter_release(struct line_cutter *c)
{
	buf_release(&c->pending);
}

/* Keep of the line what there is room for, count the rest. */
static void
keep(struct line_cutter *c, const char *data, size_t len)
{
	size_t room = LINE_CUT - c->pending.len;
	size_t n = len < room ? len : room;

	buf_add(&c->pending, data, n);
	c->left_out += len - n;
	c->within = true;
}

static int
cut_line(struct line_cutter *c, line_fn *fn, void *arg, struct err *e)
{
	struct line line = { c->pending.data, c->pending.len, c->at,
			     c->left_out };
	int r;

	c->at += line.len + line.left_out;
	if (line.left_out == 0 && line.len && line.s[line.len - 1] == '\r')
		line.len--;
	r = fn(arg, &line, e);
	c->left_out = 0;
	c->within = false;
	reset(&c->pending);
	return r;
}

int
line_cutter_feed(struct line_cutter *c, const char *data, size_t len,
		 line_fn *fn, void *arg, struct err *e)
{
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		keep(c, data, n);
		if (!end)
			return 0;
		if (cut_line(c, fn, arg, e) < 0)
			return -1;
		c->at++;
		data += n + 1;
		len -= n + 1;
	}
	return 0;
}

int
line_cutter_end(struct line_cutter *c, line_fn *fn, void *arg, struct err *e)
{
	return c->within ? cut_line(c, fn, arg, e) : 0;
}
