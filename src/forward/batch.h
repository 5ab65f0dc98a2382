/*
 * batch.h: the records of a destination that are under way, and the body of
 * the request that sends some of them.
 *
 * Where a format has several parts (format.h) each record is sent once for
 * each, a window of all records after the other.
 */
#ifndef FORWARD_BATCH_H
#define FORWARD_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "pack/compress.h"
#include "forward/format.h"
#include "forward/records.h"
#include "forward/window.h"

#define BATCH_LINES 2 /* merged, before the newest */
#define BATCH_KEY 160

struct body {
	bool ready;
	unsigned long choice; /* of the window, that it is for */
	struct buf data;
	size_t records;
	char key[BATCH_KEY]; /* the same for the same records, whenever sent */
};

struct batch {
	struct records r; /* its line is the newest of those merged */
	struct buf lines[BATCH_LINES];
	size_t n_lines;
	unsigned char *parts; /* those that a record is done with, bits */
	bool *aside;
	unsigned part;
	struct window window;
	struct body body;
};

/* Takes the records over. */
struct batch *batch_new(struct records *r, const struct format *f, size_t limit,
			unsigned rounds);
void batch_drop(struct batch *b);

/* All of the part was sent: on to the next. False: there is none left. */
bool batch_next_part(struct batch *b, const struct format *f, size_t limit);

/*
 * Put the records of `more` behind those of `b`, and drop those before the
 * first that is not settled. Takes `more` over; false, having done nothing,
 * where it is not known to help.
 */
bool batch_merge(struct batch *b, struct batch *more, const struct format *f,
		 size_t limit);

/* How many from the first on need nothing any more. */
size_t batch_settled(const struct batch *b, const struct format *f);

/*
 * What has to be sent now, written and compressed; kept as long as the window
 * is to send the same, and it is not told to be stale.
 */
void batch_encode(struct batch *b, const struct settings *to,
		  const struct forward_agent *agent, struct compressor *c);
void batch_stale(struct batch *b);

/* So much at once, from now on; nothing of it is under way. */
void batch_limit(struct batch *b, size_t limit);

#endif
