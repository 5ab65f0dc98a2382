#include "proto/logbook.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/*
 * An entry in head or tail: this, then message and fields with a NUL each.
 * Copied in and out by memcpy, since it stands at any address.
 */
struct stored {
	int64_t time_ms;
	uint64_t left_out;
	uint32_t len, fields_len;
	uint8_t level, stream;
	bool has_fields;
};

_Static_assert(sizeof(struct stored) + 2 <= LOGBOOK_ENTRY_COST,
	       "an entry costs no more than it counts");

static const char *const stream_names[] = {
	[LOGBOOK_LOG] = "log",
	[LOGBOOK_STDERR] = "stderr",
	[LOGBOOK_STDOUT] = "stdout",
	[LOGBOOK_AGENT] = "agent",
};

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warning",
	[LOG_LEVEL_ERROR] = "error",
};

const char *
logbook_stream_name(enum logbook_stream stream)
{
	return stream_names[stream];
}

const char *
logbook_level_name(enum log_level level)
{
	return level_names[level];
}

void
logbook_init(struct logbook *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->half = max / 2;
	buf_init(&b->head, b->half + 1);
	/* room to append between two moves of the whole */
	buf_init(&b->tail, b->half + b->half / 2 + 1);
}

void
logbook_release(struct logbook *b)
{
	buf_release(&b->head);
	buf_release(&b->tail);
}

static size_t
stored_size(const struct stored *s)
{
	return LOGBOOK_ENTRY_COST + s->len + s->fields_len;
}

static void
put_stored(struct buf *to, const struct stored *s, const char *message,
	   const char *fields)
{
	static const char padding[LOGBOOK_ENTRY_COST];

	buf_add(to, s, sizeof(*s));
	buf_add(to, message, s->len);
	buf_addc(to, '\0');
	buf_add(to, fields, s->fields_len);
	buf_add(to, padding, LOGBOOK_ENTRY_COST - sizeof(*s) - 1);
}

/* Read the entry at `p` back; returns its size. */
static size_t
get_stored(const char *p, struct logbook_entry *entry)
{
	struct stored s;

	memcpy(&s, p, sizeof(s));
	p += sizeof(s);
	entry->time_ms = s.time_ms;
	entry->left_out = s.left_out;
	entry->level = s.level;
	entry->stream = s.stream;
	entry->message = p;
	entry->len = s.len;
	entry->fields = s.has_fields ? p + s.len + 1 : NULL;
	entry->fields_len = s.fields_len;
	return stored_size(&s);
}

static void
drop(struct logbook *b, const struct logbook_entry *entry)
{
	b->dropped_lines++;
	b->dropped_bytes += entry->len + entry->left_out;
}

/* Make the tail's lines few enough for `size` more bytes. */
static void
make_room(struct logbook *b, size_t size)
{
	struct logbook_entry oldest;

	while (b->tail.len - b->tail_start + size > b->half) {
		b->tail_start +=
			get_stored(b->tail.data + b->tail_start, &oldest);
		drop(b, &oldest);
	}
	if (b->tail.len + size < b->tail.max)
		return;
	buf_consume(&b->tail, b->tail_start);
	b->tail_start = 0;
}

/* What both text and fields may be: never more than half of the book. */
static size_t
line_max(const struct logbook *b)
{
	size_t room =
		b->half < LOGBOOK_ENTRY_COST ? 0 : b->half - LOGBOOK_ENTRY_COST;

	return room < LOGBOOK_LINE_MAX ? room : LOGBOOK_LINE_MAX;
}

static void
store(struct logbook *b, const struct stored *s, const char *message,
      const char *fields)
{
	size_t size = stored_size(s);

	if (!b->head_full && b->head.len + size <= b->half) {
		put_stored(&b->head, s, message, fields);
		return;
	}
	b->head_full = true;
	make_room(b, size);
	put_stored(&b->tail, s, message, fields);
}

void
logbook_add(struct logbook *b, const struct logbook_entry *entry)
{
	_buf_ struct buf text = { 0 };
	size_t max = line_max(b), cut;
	struct stored s = {
		.time_ms = entry->time_ms,
		.level = (uint8_t)entry->level,
		.stream = (uint8_t)entry->stream,
	};

	b->lines++;
	if (b->half < LOGBOOK_ENTRY_COST) {
		drop(b, entry);
		return;
	}
	/* it may grow when it is made UTF-8, and then is cut again */
	cut = text_cut(entry->message, entry->len, max);
	text_add_utf8(&text, entry->message, cut);
	s.len = (uint32_t)text_cut(text.data, text.len, max);
	s.left_out = entry->left_out + (entry->len - cut) + (text.len - s.len);
	if (entry->fields && entry->fields_len <= max - s.len) {
		s.has_fields = true;
		s.fields_len = (uint32_t)entry->fields_len;
	}
	store(b, &s, text.data, entry->fields);
}

static int
each_of(const struct buf *buf, size_t at, logbook_fn *fn, void *arg)
{
	int r = 0;

	while (at < buf->len && r >= 0) {
		struct logbook_entry entry;

		at += get_stored(buf->data + at, &entry);
		r = fn(arg, &entry);
	}
	return r < 0 ? r : 0;
}

static int
tell_gap(const struct logbook *b, logbook_fn *fn, void *arg)
{
	struct logbook_entry entry = { .level = LOG_LEVEL_WARN,
				       .stream = LOGBOOK_AGENT };
	char text[96];

	entry.message = text;
	entry.len = (size_t)snprintf(text, sizeof(text),
				     "%llu line%s (%llu bytes) dropped here",
				     (unsigned long long)b->dropped_lines,
				     b->dropped_lines == 1 ? "" : "s",
				     (unsigned long long)b->dropped_bytes);
	return fn(arg, &entry);
}

int
logbook_each(const struct logbook *b, logbook_fn *fn, void *arg)
{
	int r = each_of(&b->head, 0, fn, arg);

	if (r >= 0 && b->dropped_lines)
		r = tell_gap(b, fn, arg);
	if (r >= 0)
		r = each_of(&b->tail, b->tail_start, fn, arg);
	return r;
}
