/*
 * json.h: JSON text, checked, taken apart, read and written.
 *
 * What a plugin sends is checked by a scanner that needs no memory, however
 * long or deep the text, and is then kept as text (VALUE_RAW): it never
 * becomes a tree, and its numbers pass unchanged. What operators give becomes
 * a tree by json_decode().
 *
 * The JSON is RFC 8259 to the letter: UTF-8 is validated, no lone surrogate
 * as \uD800, no NaN, no comment, no comma too many, and arrays and objects
 * nest no deeper than VALUE_MAX_DEPTH ("[]" has depth 1).
 *
 * Errors are of kind ERR_USAGE and read "at byte 17: expected a value, found
 * 'x'". Bytes are counted from 0.
 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/value.h"

/* Checked JSON text of one value, without white space around it; borrowed. */
struct json_text {
	const char *s; /* not NUL-terminated; NULL: absent */
	size_t len;
};

/* What a text is; bits, so that a set of them can be named. */
enum json_kind {
	JSON_IS_NULL = 1 << 0,
	JSON_IS_BOOL = 1 << 1,
	JSON_IS_NUMBER = 1 << 2,
	JSON_IS_STRING = 1 << 3,
	JSON_IS_ARRAY = 1 << 4,
	JSON_IS_OBJECT = 1 << 5,
};

#define JSON_IS_ANY 63U

enum json_kind json_kind(struct json_text t);

/* Whether all of `text` is one JSON value (white space around it is fine). */
int json_check(const char *text, size_t len, struct err *e);

/*
 * The same, and calls `fn` for each member of the outermost object, or each
 * item of the outermost array (then key.s is NULL), once it was checked; what
 * follows it may still be wrong. `key` is a string with its quotes: use
 * json_text_is() or json_add_string(). `fn` stops the scan by a negative
 * value, having filled `e`. `base` is added to the positions in messages.
 */
typedef int json_each_fn(void *arg, struct json_text key,
			 struct json_text value, struct err *e);
int json_each(const char *text, size_t len, uint64_t base, json_each_fn *fn,
	      void *arg, struct err *e);

/* A member that is looked for: fill the first two, the rest zero. */
struct json_field {
	const char *name;
	unsigned kinds;		/* set of enum json_kind that is allowed */
	struct json_text value; /* found; s is NULL where absent */
};

/*
 * Check `text`, an object, and find members of it. Other members are passed
 * over. It is an error if one of the fields is there twice or is of a kind
 * that is not allowed, or if `text` is no object.
 */
int json_pick(const char *text, size_t len, uint64_t base,
	      struct json_field *fields, size_t count, struct err *e);

/* --- Scalars of checked text -------------------------------------------- */

/* Whether it is the string `s`, however escaped. */
bool json_text_is(struct json_text t, const char *s);

/*
 * Add what a string says, at most `max` bytes of it and no part of a
 * character. Returns the count of bytes that were left out. May add NUL.
 */
size_t json_add_string(struct buf *out, struct json_text t, size_t max);

/* Whether it is a whole number, written as one, that fits 64 bits. */
bool json_to_int(struct json_text t, int64_t *i);

/* Whether it is a number that is finite as a double; digits are rounded. */
bool json_to_real(struct json_text t, double *d);

/* --- Trees --------------------------------------------------------------- */

/*
 * Read `text` into a tree. Beyond what json_check() refuses: integers that do
 * not fit 64 bits, reals that are not finite, a member given twice, a key
 * with a NUL. On success *out is the caller's to free.
 */
int json_decode(const char *text, size_t len, struct value **out,
		struct err *e);

/*
 * VALUE of KEY=VALUE on a command line: a string unless it is a JSON number,
 * boolean, null, array or object ("\"x\"" stays a string of three
 * characters). An error is only what is JSON but can't be taken (see
 * json_decode(), and too deep), and text that is no UTF-8.
 */
int json_parse_argument(const char *text, struct value **out, struct err *e);

/*
 * Add `v` as JSON: on one line without white space, or indented by two
 * spaces for people; no line feed at the end. VALUE_RAW is laid out the same
 * way, without a tree. In both, strings have controls, DEL, C1 and bidi
 * controls as \uXXXX (text_is_control()), so that they may go to a terminal.
 * A buffer that is too small overflows (buf.h).
 */
void json_encode(const struct value *v, struct buf *out);
void json_encode_pretty(const struct value *v, struct buf *out);

/* Add a JSON string with its quotes; what is no UTF-8 becomes U+FFFD. */
void json_encode_string(const char *s, size_t len, struct buf *out);

#endif
