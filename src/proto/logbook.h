/*
 * logbook.h: the log of one job, bounded: its first and its last lines.
 *
 * Up to `max` bytes everything is kept; past that the first half stays, the
 * second half is the newest lines, and what was dropped between is counted.
 * A line counts its text and LOGBOOK_ENTRY_COST, so that empty ones are
 * bounded too. Memory is at most twice `max`, and little for few lines.
 *
 * Text is kept as UTF-8: what is none becomes U+FFFD. Nothing here escapes
 * for a terminal: text_add_terminal() does.
 */
#ifndef PROTO_LOGBOOK_H
#define PROTO_LOGBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "model/value.h"

#define LOGBOOK_LINE_MAX (64 << 10) /* message, and fields */
#define LOGBOOK_ENTRY_COST 48

enum logbook_stream {
	LOGBOOK_LOG, /* a log message of the protocol */
	LOGBOOK_STDERR,
	LOGBOOK_STDOUT, /* of a plugin that does not speak it */
	LOGBOOK_AGENT,	/* what the agent adds */
};

/* "log", "stderr", "stdout", "agent"; "debug", "info", "warning", "error". */
const char *logbook_stream_name(enum logbook_stream stream);
const char *logbook_level_name(enum log_level level);

struct logbook_entry {
	int64_t time_ms; /* unix */
	enum log_level level;
	enum logbook_stream stream;
	const char *message;
	size_t len;
	const char *fields; /* JSON text of an object; NULL: none */
	size_t fields_len;
	uint64_t left_out; /* bytes cut off the message's end */
};

struct logbook {
	size_t half;
	bool head_full;
	struct buf head;
	struct buf tail; /* the newest, from tail_start */
	size_t tail_start;
	uint64_t lines; /* all that were ever added */
	uint64_t dropped_lines;
	uint64_t dropped_bytes; /* of their text */
};

void logbook_init(struct logbook *b, size_t max);
void logbook_release(struct logbook *b);

/*
 * Copies the entry. A message longer than LOGBOOK_LINE_MAX is cut, adding to
 * its left_out; fields that do not fit beside it in that length are dropped.
 */
void logbook_add(struct logbook *b, const struct logbook_entry *entry);

/*
 * Calls `fn` for each entry that was kept, oldest first; where lines were
 * dropped, for one of LOGBOOK_AGENT that says how many ("12 lines (3456
 * bytes) were dropped here"). A negative value of `fn` stops it, and is
 * returned; else 0. Entries are borrowed for the call; their texts are
 * NUL-terminated as well.
 */
typedef int logbook_fn(void *arg, const struct logbook_entry *entry);
int logbook_each(const struct logbook *b, logbook_fn *fn, void *arg);

#endif
