/*
 * encode.h: the body of an answer, compressed where the client takes that.
 */
#ifndef API_ENCODE_H
#define API_ENCODE_H

#include <stdbool.h>

#include "base/buf.h"

#define ENCODE_LEAST 1024 /* bytes; fewer are not worth it */

/* By preference; what is sent as it is comes last (accept.h). */
enum coding {
	CODING_ZSTD,
	CODING_GZIP,
	CODING_IDENTITY,
	CODINGS,
};

extern const char *const coding_names[CODINGS];

/* Replace *body by itself, encoded; false: it stays as it is. */
bool encode_body(enum coding coding, struct buf *body);

#endif
