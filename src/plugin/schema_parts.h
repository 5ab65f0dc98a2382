/*
 * schema_parts.h: what the schema_*.c files share; for them only.
 */
#ifndef PLUGIN_SCHEMA_PARTS_H
#define PLUGIN_SCHEMA_PARTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/value.h"

/* Where in the parameters: members and items from the outermost on. */
struct place {
	const struct place *up;
	const char *key; /* NULL: an item */
	size_t index;
};

/* "a.b[2]", "" at the top. */
void place_write(const struct place *at, struct buf *out);

/* Check `v`, filling in defaults; `schema` was checked before. */
int schema_apply_at(const struct value *schema, struct value *v,
		    const struct place *at, struct err *e);

/* The types by name, as bits, to hold a list of them. */
enum schema_type {
	TYPE_NULL = 1 << 0,
	TYPE_BOOLEAN = 1 << 1,
	TYPE_INTEGER = 1 << 2,
	TYPE_NUMBER = 1 << 3,
	TYPE_STRING = 1 << 4,
	TYPE_ARRAY = 1 << 5,
	TYPE_OBJECT = 1 << 6,
	TYPE_ANY = (1 << 7) - 1,
};

extern const char *const schema_type_names[]; /* by bit; NULL at the end */

/* What a checked schema allows, TYPE_ANY where it has no type. */
unsigned schema_types(const struct value *schema);

/* Every type that the value is of: 1 is an integer and a number. */
unsigned schema_types_of(const struct value *v);

/* "a string", "a string or an integer". */
void schema_write_types(unsigned types, struct buf *out);

/* A short form of any value, as JSON, cut where it is long. */
void schema_write_value(const struct value *v, struct buf *out);

/* -1, 0, 1: exact for two integers. */
int schema_compare(const struct value *a, const struct value *b);

/* Whether a parameter may be called so. */
bool schema_is_name(const char *s);

/* Does the expression compile?  The message has no place. */
int pattern_check(const struct value *pattern, struct err *e);

/* 1: it matches, 0: it does not, -1: it can't be told. */
int pattern_match(const struct value *pattern, const struct value *s,
		  struct err *e);

#endif
