/*
 * records.h: the records of one batch, where they stand in the master's line.
 *
 * The text of a record is never copied nor decoded here: a batch owns the
 * line, and each record points into it. What a record holds was checked when
 * it was stored, so this looks for its ends only, in one pass, however deep
 * it nests; what it can't make sense of is an error, never a read past the
 * end.
 */
#ifndef FORWARD_RECORDS_H
#define FORWARD_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "proto/json.h"

enum record_kind { RECORD_JOB, RECORD_LOG };

const char *record_kind_name(enum record_kind kind); /* "job", "log" */

struct forward_record {
	struct json_text id;   /* a JSON string, with its quotes */
	struct json_text at;   /* the position after it, likewise */
	struct json_text text; /* the record, a JSON object */
	enum record_kind kind;
};

struct records {
	struct buf line; /* what the records point into */
	struct forward_record *items;
	size_t n, cap;
	struct json_text after; /* the position after all of them */
	bool more;		/* there were more than were asked for */
};

/*
 * Take the answer to a batch.next, whose result begins at line->data + at. The
 * line is taken over, also on failure.
 */
int records_take(struct records *r, struct buf *line, size_t at, struct err *e);
void records_release(struct records *r); /* also the cleanup function */

#endif
