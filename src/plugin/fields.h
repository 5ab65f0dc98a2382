/*
 * fields.h: reads an object of a header or a grant by a table, a row a key.
 *
 *	static const struct field limits[] = {
 *		{ "memory", field_size, offsetof(struct limits, memory_bytes),
 *		  .min = 1 << 20, .max = 1 << 30 },
 *	};
 *	fields_read(v, "limit", limits, ARRAY_SIZE(limits), &l, e)
 *
 * A key that no row has is an error that names the nearest one.  A key that
 * is absent leaves its member as it was.  All errors are "LINE:COL: text".
 */
#ifndef PLUGIN_FIELDS_H
#define PLUGIN_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/value.h"

#define FIELD_LIST_MAX 64UL   /* items of any list */
#define FIELD_TEXT_MAX 4096UL /* bytes of any item or path */

struct field;

/* Reads `v` into the member at `to`. */
typedef int field_read_fn(const struct field *f, const struct value *v,
			  void *to, struct err *e);

/*
 * Checks one text, which is neither empty nor longer than FIELD_TEXT_MAX and
 * holds nothing that can't be seen.  *normal is what is kept of it
 * (malloc'ed); the message says what is wrong, without a place.
 */
typedef int field_item_fn(const char *s, char **normal, struct err *e);

struct field {
	const char *key;
	field_read_fn *read;
	size_t offset;
	int64_t min, max;	  /* numbers; bytes of texts */
	field_item_fn *item;	  /* texts and lists; NULL: any text */
	const char *const *words; /* field_word: its index is stored */
	const struct field *rows; /* field_section */
	size_t n;		  /* of rows */
};

int fields_read(const struct value *v, const char *what,
		const struct field *rows, size_t n, void *base, struct err *e);

field_read_fn field_text;     /* char *: one line */
field_read_fn field_list;     /* struct strv: texts, none twice */
field_read_fn field_args;     /* struct strv: texts, also empty or twice */
field_read_fn field_count;    /* int64_t: a bare whole number */
field_read_fn field_duration; /* int64_t, ms: with its unit */
field_read_fn field_size;     /* int64_t, bytes: with or without a unit */
field_read_fn field_bool;     /* bool */
field_read_fn field_word;     /* int: the index in f->words */
field_read_fn field_section;  /* an object with rows of its own */
field_read_fn field_any;      /* struct value *: a copy */

/*
 * Whether `s` is UTF-8 without control characters, and without those that
 * hide or turn round other text when it is shown to whoever has to decide.
 */
bool field_is_plain(const char *s, size_t len);

#endif
