#include "forward/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FLUSH (32UL << 10) /* into the compressor */

static unsigned
part_count(const struct format *f)
{
	return f->parts ? f->parts : 1;
}

static bool
wants(const struct format *f, unsigned part, const struct forward_record *r)
{
	return !f->wants || f->wants(part, r);
}

/* What of `part` was not sent yet is the window. */
static void
open_window(struct batch *b, const struct format *f, size_t limit,
	    unsigned rounds)
{
	window_release(&b->window);
	window_init(&b->window, b->r.n, limit, rounds);
	for (size_t i = 0; i < b->r.n; i++)
		if (b->aside[i] || (b->parts[i] >> b->part & 1) ||
		    !wants(f, b->part, &b->r.items[i]))
			window_skip(&b->window, i);
	batch_stale(b);
}

struct batch *
batch_new(struct records *r, const struct format *f, size_t limit,
	  unsigned rounds)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	b->r = *r;
	*r = (struct records){ 0 };
	b->parts = xcalloc(b->r.n + 1, 1);
	b->aside = xcalloc(b->r.n + 1, sizeof(*b->aside));
	open_window(b, f, limit, rounds);
	return b;
}

void
batch_drop(struct batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n_lines; i++)
		buf_release(&b->lines[i]);
	records_release(&b->r);
	window_release(&b->window);
	buf_release(&b->body.data);
	free(b->parts);
	free(b->aside);
	free(b);
}

static void
note_window(struct batch *b)
{
	for (size_t i = 0; i < b->r.n; i++) {
		if (b->window.sent[i] == SENT_ASIDE)
			b->aside[i] = true;
		else if (b->window.sent[i] == SENT_DONE)
			b->parts[i] |= (unsigned char)(1U << b->part);
	}
}

bool
batch_next_part(struct batch *b, const struct format *f, size_t limit)
{
	size_t from, to;

	note_window(b);
	for (unsigned i = 0; i < part_count(f); i++) {
		b->part = (b->part + 1) % part_count(f);
		open_window(b, f, limit, b->window.rounds);
		if (window_next(&b->window, &from, &to))
			return true;
	}
	return false;
}

size_t
batch_settled(const struct batch *b, const struct format *f)
{
	unsigned all = (1U << part_count(f)) - 1;
	size_t i = 0;

	for (; i < b->r.n; i++) {
		unsigned char sent = b->window.sent[i];
		unsigned parts = b->parts[i];

		if (sent == SENT_DONE)
			parts |= 1U << b->part;
		if (!b->aside[i] && sent != SENT_ASIDE && parts != all)
			break;
	}
	return i;
}

static void
append(struct batch *b, const struct batch *more, size_t drop)
{
	size_t keep = b->r.n - drop, n = keep + more->r.n;

	memmove(b->r.items, b->r.items + drop, keep * sizeof(*b->r.items));
	memmove(b->parts, b->parts + drop, keep);
	memmove(b->aside, b->aside + drop, keep * sizeof(*b->aside));
	b->r.items = xrealloc(b->r.items, n + 1, sizeof(*b->r.items));
	b->parts = xrealloc(b->parts, n + 1, 1);
	b->aside = xrealloc(b->aside, n + 1, sizeof(*b->aside));
	memcpy(b->r.items + keep, more->r.items,
	       more->r.n * sizeof(*b->r.items));
	memset(b->parts + keep, 0, more->r.n);
	memset(b->aside + keep, 0, more->r.n * sizeof(*b->aside));
	b->r.n = b->r.cap = n;
	b->r.after = more->r.after;
	b->r.more = more->r.more;
}

bool
batch_merge(struct batch *b, struct batch *more, const struct format *f,
	    size_t limit)
{
	unsigned rounds = b->window.rounds;

	if (b->n_lines == BATCH_LINES)
		return false;
	note_window(b);
	append(b, more, batch_settled(b, f));
	b->lines[b->n_lines++] = b->r.line;
	b->r.line = more->r.line;
	more->r.line = (struct buf){ 0 };
	batch_drop(more);
	open_window(b, f, limit, rounds);
	return true;
}

/* --- The body of a request -------------------------------------------------
 */

/* FNV-1a, of the ids: with their count and the first of them a name for it. */
static uint64_t
hash(uint64_t h, struct json_text t)
{
	for (size_t i = 0; i < t.len; i++)
		h = (h ^ (unsigned char)t.s[i]) * UINT64_C(0x100000001b3);
	return h;
}

static void
name_body(struct body *body, unsigned part, struct json_text first, uint64_t h)
{
	int n = first.len > 82 ? 80 : (int)first.len - 2;

	snprintf(body->key, sizeof(body->key), "%.*s.%u.%zu.%016llx", n,
		 first.s + 1, part, body->records, (unsigned long long)h);
}

void
batch_encode(struct batch *b, const struct settings *to,
	     const struct forward_agent *agent, struct compressor *c)
{
	const struct format *f = to->format;
	struct encoder encoder = { .to = to, .agent = agent, .part = b->part };
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t from, to_record, first = SIZE_MAX;

	if (!window_next(&b->window, &from, &to_record) ||
	    (b->body.ready && b->body.choice == b->window.choice))
		return;
	b->body.data.len = 0;
	compressor_begin(c, to->compression, &b->body.data);
	if (f->begin)
		f->begin(&encoder);
	for (size_t i = from; i < to_record; i++) {
		if (!window_sends(&b->window, i))
			continue;
		first = first == SIZE_MAX ? i : first;
		f->add(&encoder, &b->r.items[i]);
		h = hash(h, b->r.items[i].id);
		encoder.n++;
		if (encoder.out.len < FLUSH)
			continue;
		compressor_add(c, encoder.out.data, encoder.out.len);
		encoder.out.len = 0;
	}
	if (f->end)
		f->end(&encoder);
	compressor_add(c, encoder.out.data, encoder.out.len);
	compressor_end(c);
	buf_release(&encoder.out);
	b->body.records = encoder.n;
	name_body(&b->body, b->part, b->r.items[first].id, h);
	b->body.choice = b->window.choice;
	b->body.ready = true;
}

void
batch_stale(struct batch *b)
{
	b->body.ready = false;
}

void
batch_limit(struct batch *b, size_t limit)
{
	b->window.limit = limit;
	if (b->body.records > limit)
		window_forget(&b->window);
}
