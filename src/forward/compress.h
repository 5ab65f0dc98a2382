/*
 * compress.h: the body of a request, compressed as it is written.
 *
 * One compressor serves the whole process: a body is finished before the next
 * is begun, and its memory does not grow with their number or size.
 */
#ifndef FORWARD_COMPRESS_H
#define FORWARD_COMPRESS_H

#include "base/buf.h"

enum compression { COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZSTD };

/* "none", "gzip", "zstd": Content-Encoding as well; -1 where unknown. */
const char *compression_name(enum compression c);
int compression_parse(const char *name);

struct compressor; /* made when first used */

struct compressor *compressor_new(void);
void compressor_free(struct compressor *c);

/* Add what is compressed to `out`, from now to compressor_end(). */
void compressor_begin(struct compressor *c, enum compression how,
		      struct buf *out);
void compressor_add(struct compressor *c, const void *data, size_t len);
void compressor_end(struct compressor *c);

#endif
