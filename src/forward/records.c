#include "forward/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *const kinds[] = {
	[RECORD_JOB] = "job", [RECORD_LOG] = "log"
};

const char *
record_kind_name(enum record_kind kind)
{
	return kinds[kind];
}

/* What is left to be read; `bad` once it made no sense. */
struct cursor {
	const char *p, *end;
	bool bad;
};

/* Past a string, at its first quote. */
static void
skip_string(struct cursor *c)
{
	for (c->p++; c->p < c->end && *c->p != '"'; c->p++)
		if (*c->p == '\\')
			c->p++;
	if (c->p >= c->end) {
		c->p = c->end;
		c->bad = true;
	} else {
		c->p++;
	}
}

/* Past what nests, at its first bracket. */
static void
skip_nested(struct cursor *c)
{
	size_t depth = 0;

	while (c->p < c->end) {
		char ch = *c->p;

		if (ch == '"') {
			skip_string(c);
			continue;
		}
		c->p++;
		if (ch == '{' || ch == '[')
			depth++;
		else if ((ch == '}' || ch == ']') && --depth == 0)
			return;
	}
	c->bad = true;
}

static struct json_text
take_value(struct cursor *c)
{
	const char *start = c->p;

	if (c->p >= c->end)
		c->bad = true;
	else if (*c->p == '"')
		skip_string(c);
	else if (*c->p == '{' || *c->p == '[')
		skip_nested(c);
	else
		while (c->p < c->end && !strchr(",}]", *c->p))
			c->p++;
	c->bad |= c->p == start;
	return (struct json_text){ start, (size_t)(c->p - start) };
}

static bool
take_char(struct cursor *c, char want)
{
	if (c->p < c->end && *c->p == want) {
		c->p++;
		return true;
	}
	return false;
}

/* The next key of an object, at '{', ',' or '}'; false at its end. */
static bool
take_key(struct cursor *c, struct json_text *key)
{
	if (c->bad || take_char(c, '}'))
		return false;
	if (!take_char(c, '{') && !take_char(c, ',')) {
		c->bad = true;
		return false;
	}
	if (take_char(c, '}'))
		return false;
	if (c->p >= c->end || *c->p != '"') {
		c->bad = true;
		return false;
	}
	*key = take_value(c);
	if (!take_char(c, ':'))
		c->bad = true;
	return !c->bad;
}

static bool
key_is(struct json_text key, const char *name)
{
	size_t n = strlen(name);

	return key.len == n + 2 && memcmp(key.s + 1, name, n) == 0;
}

static void
take_record(struct cursor *c, struct forward_record *r)
{
	struct json_text key = { 0 }, kind = { 0 };

	while (take_key(c, &key)) {
		struct json_text value = take_value(c);

		if (key_is(key, "id"))
			r->id = value;
		else if (key_is(key, "at"))
			r->at = value;
		else if (key_is(key, "kind"))
			kind = value;
		else if (key_is(key, "record"))
			r->text = value;
	}
	r->kind = key_is(kind, "log") ? RECORD_LOG : RECORD_JOB;
	c->bad |= !r->id.s || r->id.s[0] != '"' || !r->at.s ||
		  r->at.s[0] != '"' || !r->text.s || r->text.s[0] != '{' ||
		  r->text.len < 2;
}

static struct forward_record *
add(struct records *r)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->items = xrealloc(r->items, r->cap, sizeof(*r->items));
	}
	r->items[r->n] = (struct forward_record){ 0 };
	return &r->items[r->n++];
}

static void
take_items(struct cursor *c, struct records *r)
{
	if (!take_char(c, '[')) {
		c->bad = true;
		return;
	}
	if (take_char(c, ']'))
		return;
	do
		take_record(c, add(r));
	while (!c->bad && take_char(c, ','));
	c->bad |= !take_char(c, ']');
}

int
records_take(struct records *r, struct buf *line, size_t at, struct err *e)
{
	struct cursor c = { 0 };
	struct json_text key = { 0 };

	*r = (struct records){ .line = *line };
	*line = (struct buf){ 0 };
	c.p = r->line.data + at;
	c.end = r->line.data + r->line.len;
	while (take_key(&c, &key)) {
		if (key_is(key, "records")) {
			take_items(&c, r);
			continue;
		}
		struct json_text value = take_value(&c);

		if (key_is(key, "batch"))
			r->after = value;
		else if (key_is(key, "more"))
			r->more = value.len == 4 && *value.s == 't';
	}
	if (!c.bad && r->after.s && r->after.s[0] == '"')
		return 0;
	return err_set(e, ERR_AGENT,
		       "the master's batch makes no sense at byte %zu",
		       (size_t)(c.p - r->line.data));
}

void
records_release(struct records *r)
{
	buf_release(&r->line);
	free(steal_ptr(&r->items));
	r->n = r->cap = 0;
}
