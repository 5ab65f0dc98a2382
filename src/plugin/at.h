/*
 * at.h: errors that point into a file.
 *
 * Whoever reads a header or a grant says "LINE:COL: text"; whoever knows
 * which file that was adds "FILE:" in front.  All are of kind ERR_USAGE
 * unless said otherwise, and every function returns -1.
 */
#ifndef PLUGIN_AT_H
#define PLUGIN_AT_H

#include <stddef.h>

#include "base/err.h"
#include "model/value.h"

/* A line of 0 means that the place is not known: then it is left out. */
int at_line(struct err *e, int line, int col, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int at_value(struct err *e, const struct value *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "LINE:COL: " or "FILE:" before a message; kind and hint stay. */
int at_prefix(struct err *e, int line, int col);
int at_file(struct err *e, const char *file);

/* The words that are known at some place. */
struct words {
	const char *const *words;
	size_t n;
};

/*
 * "unknown WHAT 'WORD'; did you mean 'OTHER'?", or where no known word is
 * near enough, "...; known are A, B, C".
 */
int at_unknown(struct err *e, int line, int col, const char *what,
	       const char *word, struct words known);

#endif
