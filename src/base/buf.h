/*
 * buf.h: a byte string that grows up to a bound.
 *
 * Zero-initialise or buf_init(); buf_release() frees.  `data` is always
 * followed by a NUL once something was added, so that it can be used as a
 * C string.  Adding past `max` adds nothing and sets `overflow`, so that a
 * writer checks once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* bytes; 0 means BUF_MAX_DEFAULT */
	bool overflow;
};

#define BUF_MAX_DEFAULT (64UL << 20)

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* also the cleanup function */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Drop the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* Make room for n more bytes to be written at data + len; false if past max. */
bool buf_reserve(struct buf *b, size_t n);
/* Hand the string over (never NULL); the buffer is empty afterwards. */
char *buf_steal(struct buf *b);

#define _buf_ _cleanup_(buf_release)

#endif
