/*
 * text.h: bytes that may be UTF-8, and what a terminal may be shown.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The length (1 to 4) of the UTF-8 sequence at `s`, of which `len` bytes can
 * be read; 0 where none is: overlong, surrogate, past U+10FFFF, cut short.
 * Fills *code (may be NULL) with its code point.
 */
size_t text_utf8(const char *s, size_t len, uint32_t *code);

/* Write a code point as UTF-8; returns its length. */
size_t text_encode(uint32_t code, char out[4]);

/*
 * Whether a terminal could do something other than show it: C0 (tab and line
 * feed too), DEL, C1, and the controls that turn the direction of writing
 * (U+061C, U+200E/F, U+202A to E, U+2066 to 9).
 */
bool text_is_control(uint32_t code);

/* Add `s` with each byte that is no UTF-8 replaced by U+FFFD. */
void text_add_utf8(struct buf *out, const char *s, size_t len);

/* The most bytes, up to `max`, that do not end within a UTF-8 sequence. */
size_t text_cut(const char *s, size_t len, size_t max);

/*
 * Add `s` in a form that no terminal is harmed by and nobody is fooled by:
 * controls become \x1b or \u202e, bytes that are no UTF-8 \xff; tabs stay. A
 * line feed becomes `newline` (such as "\n    "), or \x0a where that is NULL.
 */
void text_add_terminal(struct buf *out, const char *s, size_t len,
		       const char *newline);

/*
 * A short quotation for a message: at most 60 bytes of `s` as above, then
 * "..." if there was more. buf is returned.
 */
#define TEXT_EXCERPT 320
char *text_excerpt(const char *s, size_t len, char buf[TEXT_EXCERPT]);

#endif
