/*
 * param.h: what a route takes: in its path, its query, a header, its body.
 *
 * A kind is a row in param.c: how it is read from text, how it is checked as
 * JSON, and its JSON Schema.
 */
#ifndef API_PARAM_H
#define API_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/problem.h"
#include "base/buf.h"
#include "proto/json.h"

enum param_in {
	IN_PATH,
	IN_QUERY,
	IN_HEADER,
	IN_BODY,
};

enum param_kind {
	PARAM_NAME,   /* of a job, a plugin, a schedule */
	PARAM_TEXT,   /* `most` bytes */
	PARAM_COUNT,  /* a whole number from `least` to `most` */
	PARAM_TIME,   /* RFC 3339 */
	PARAM_STATES, /* names of states, with commas between */
	PARAM_FLAG,   /* true, false, 1, 0 */
	PARAM_OBJECT, /* JSON, in a body alone */
	PARAM_KINDS,
};

struct param {
	const char *name; /* NULL after the last */
	const char *ask;  /* the message's member; NULL: kept by the api */
	const char *asks; /* the method that its presence asks for; NULL */
	const char *help;
	int64_t least, most;
	enum param_in in;
	enum param_kind kind;
	bool required;
	bool streams; /* where it is true, the answer is a stream */
};

#define PARAM_BYTES_MAX 1024 /* of one, as text, decoded */

/* Check one as it was written, decoded, and add it as JSON. */
int param_from_text(const struct param *p, const char *text, size_t len,
		    struct buf *out, struct problem *pb);
/* Check one that came as JSON. */
int param_check(const struct param *p, struct json_text v, struct problem *pb);

/* Its JSON Schema. */
void param_write_schema(const struct param *p, struct buf *out);
/* What it is, in words: "a whole number from 0 to 1000". */
void param_write_words(const struct param *p, struct buf *out);

/* Take what a URI holds as %41 and + apart; -1: it is none, or too long. */
int param_unescape(const char *text, size_t len, bool plus, char *out,
		   size_t size, size_t *out_len);

#endif
