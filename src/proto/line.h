/*
 * line.h: a stream of bytes, cut into lines, whatever pieces it comes in.
 *
 * The work is linear in the bytes, however small the pieces; no more than one
 * line is kept, and none where a piece holds it whole.
 */
#ifndef PROTO_LINE_H
#define PROTO_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A line without its line feed; borrowed for the call. `at` is the position
 * of its first byte in the stream, from 0. `left_out` is 0 but where a
 * line_cutter cut it. A negative value ends line_feed(), with `e` filled.
 */
struct line {
	const char *s;
	size_t len;
	uint64_t at;
	uint64_t left_out;
};

typedef int line_fn(void *arg, const struct line *line, struct err *e);

/* --- Lines that must not be longer than `max` ----------------------------- */

struct line_splitter {
	size_t max;  /* bytes of a line without its line feed */
	uint64_t at; /* where the pending line began */
	struct buf pending;
};

void line_init(struct line_splitter *s, size_t max);
void line_release(struct line_splitter *s);

/*
 * Take the next bytes; calls `fn` for each line that they complete. A line
 * over `max` is an error as soon as it is known to be, and so before it is
 * whole. After an error the splitter is to be released, not fed.
 */
int line_feed(struct line_splitter *s, const char *data, size_t len,
	      line_fn *fn, void *arg, struct err *e);

/* At the end of the stream: an error if it ended within a line. */
int line_end(const struct line_splitter *s, struct err *e);

/* --- Free text, whose long lines are cut -----------------------------------
 */

#define LINE_CUT (64 << 10)

/*
 * Lines longer than LINE_CUT bytes become that long, with the count of the
 * rest in left_out; a carriage return before the line feed is taken off.
 */
struct line_cutter {
	uint64_t at;
	uint64_t left_out;
	bool within; /* a line has begun */
	struct buf pending;
};

void line_cutter_init(struct line_cutter *c);
void line_cutter_release(struct line_cutter *c);

/* Fails only where `fn` does. */
int line_cutter_feed(struct line_cutter *c, const char *data, size_t len,
		     line_fn *fn, void *arg, struct err *e);

/* At the end of the stream: what there is of a last line is a line. */
int line_cutter_end(struct line_cutter *c, line_fn *fn, void *arg,
		    struct err *e);

#endif
