#include "plugin/header.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "plugin/at.h"

#define OPENING "/// devops_agent"
#define CLOSING "///"

struct text {
	const char *s;
	size_t len;
};

struct scan {
	struct text rest;
	struct text line; /* without its line feed */
	int number;	  /* of that line, from 1 */
	struct text leader;
	int opened; /* the number of the opening line */
};

static bool
next_line(struct scan *s)
{
	const char *end;

	if (!s->rest.len)
		return false;
	end = memchr(s->rest.s, '\n', s->rest.len);
	s->line.s = s->rest.s;
	s->line.len = end ? (size_t)(end - s->rest.s) : s->rest.len;
	s->rest.s += s->line.len + (end ? 1 : 0);
	s->rest.len -= s->line.len + (end ? 1 : 0);
	s->number++;
	return true;
}

/* Without blanks and carriage returns at its end. */
static struct text
trimmed(struct text t)
{
	while (t.len && strchr(" \t\r", t.s[t.len - 1]) && t.s[t.len - 1])
		t.len--;
	return t;
}

static bool
text_is(struct text t, const char *s)
{
	return t.len == strlen(s) && memcmp(t.s, s, t.len) == 0;
}

static bool
begins_with(struct text t, struct text start)
{
	return !start.len ||
	       (t.len >= start.len && memcmp(t.s, start.s, start.len) == 0);
}

/* Does the line open a header?  Then *leader is what precedes it. */
static bool
opens(struct text line, struct text *leader)
{
	struct text t = trimmed(line);
	size_t n = strlen(OPENING);

	if (t.len < n || t.len - n > HEADER_LEADER_MAX ||
	    memcmp(t.s + t.len - n, OPENING, n) != 0)
		return false;
	t.len -= n;
	for (size_t i = 0; i < t.len; i++)
		if (!isascii((unsigned char)t.s[i]) ||
		    isalnum((unsigned char)t.s[i]) || !t.s[i])
			return false;
	*leader = t;
	return true;
}

/* What no line of a header may hold: a NUL, and the CR of CR LF. */
static int
check_bytes(const struct scan *s, struct err *e)
{
	const char *nul = memchr(s->line.s, '\0', s->line.len);

	if (nul) {
		at_line(e, s->number, (int)(nul - s->line.s) + 1,
			"a NUL byte, so this is no text");
		return err_hint(e, "write the header of a binary into a file "
				   "beside it, called like it and "
				   ".plugin.yaml");
	}
	if (s->line.len && s->line.s[s->line.len - 1] == '\r') {
		at_line(e, s->number, (int)s->line.len,
			"the lines end in CR LF");
		return err_hint(e, "end them in LF alone: sed -i 's/\\r$//'");
	}
	return 0;
}

static int
check_leader(const struct scan *s, struct err *e)
{
	if (trimmed(s->leader).len)
		return 0;
	return at_line(e, s->number, 1,
		       "a header stands in comment lines; put '# ', or what "
		       "begins a comment here, before each of its lines");
}

/* 1 with the next header opened, 0 where none is, -1. */
static int
find_opening(struct scan *s, struct err *e)
{
	while (s->number < HEADER_LINES && next_line(s)) {
		if (memchr(s->line.s, '\0', s->line.len))
			return check_bytes(s, e);
		if (!opens(s->line, &s->leader))
			continue;
		s->opened = s->number;
		if (check_bytes(s, e) < 0 || check_leader(s, e) < 0)
			return -1;
		return 1;
	}
	return 0;
}

static int
wrong_leader(const struct scan *s, struct err *e)
{
	at_line(e, s->number, 1,
		"this line of the header does not begin with '%.*s', as its "
		"first one in line %d does",
		(int)s->leader.len, s->leader.s, s->opened);
	return err_hint(e, "'%.*s" CLOSING "' ends the header",
			(int)s->leader.len, s->leader.s);
}

/* Read up to the closing line. */
static int
read_block(struct scan *s, struct buf *yaml, struct err *e)
{
	struct text bare = trimmed(s->leader);

	while (next_line(s)) {
		struct text line = s->line;

		if (check_bytes(s, e) < 0)
			return -1;
		if (begins_with(line, s->leader)) {
			line.s += s->leader.len;
			line.len -= s->leader.len;
			if (text_is(trimmed(line), CLOSING))
				return 0;
			buf_add(yaml, line.s, line.len);
		} else if (trimmed(line).len != bare.len ||
			   !begins_with(line, bare)) {
			return wrong_leader(s, e);
		}
		buf_addc(yaml, '\n');
	}
	return at_line(e, s->opened, 1,
		       "the header that begins here never ends; end it with "
		       "'%.*s" CLOSING "'",
		       (int)s->leader.len, s->leader.s);
}

/* A second header would leave it open which one holds. */
static int
check_alone(struct scan *s, struct err *e)
{
	struct text leader;

	while (s->number < HEADER_LINES && next_line(s))
		if (opens(s->line, &leader))
			return at_line(e, s->number, 1,
				       "a second header; the first one is in "
				       "line %d",
				       s->opened);
	return 0;
}

int
header_find(const char *text, size_t len, struct header *h, struct err *e)
{
	struct scan s = { .rest = { text, len } };
	_buf_ struct buf yaml = { .max = HEADER_READ };
	struct header found;
	int r;

	if (s.rest.len > HEADER_READ)
		s.rest.len = HEADER_READ;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		at_line(e, 1, 1, "the file begins with a byte order mark");
		return err_hint(e, "remove it: sed -i '1s/^\\xef\\xbb\\xbf//'");
	}
	r = find_opening(&s, e);
	if (r <= 0)
		return r;
	found.first_line = s.number + 1;
	found.left_cols = (int)s.leader.len;
	if (read_block(&s, &yaml, e) < 0 || check_alone(&s, e) < 0)
		return -1;
	found.len = yaml.len;
	found.yaml = buf_steal(&yaml);
	*h = found;
	return 1;
}

void
header_release(struct header *h)
{
	free(h->yaml);
	h->yaml = NULL;
	h->len = 0;
}
