/*
 * value.h: a tree of data: what JSON and YAML text become.
 *
 * A value owns its children; value_free() frees the whole tree (NULL is
 * fine).  Depth is bounded by VALUE_MAX_DEPTH, which every reader enforces,
 * so the functions here may recurse.  Objects keep the order of their keys
 * and hold each key once.
 *
 * `line` and `col` (from 1; 0 where unknown) say where the value stood in its
 * file, so that an error can point at it.
 */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_MAX_DEPTH 64

enum value_type {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,    /* whole numbers that fit 64 bits */
	VALUE_REAL,   /* always finite */
	VALUE_STRING, /* UTF-8, may hold NUL: use len */
	VALUE_ARRAY,
	VALUE_OBJECT,
	VALUE_RAW, /* JSON text checked before, passed on unchanged */
};

struct value;

struct value_member {
	char *key;
	int line, col; /* of the key */
	struct value *value;
};

struct value {
	enum value_type type;
	int line, col;
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct {
			char *s; /* NUL-terminated as well */
			size_t len;
		} string; /* VALUE_STRING and VALUE_RAW */
		struct {
			struct value **items;
			size_t n;
		} array;
		struct {
			struct value_member *members;
			size_t n;
		} object;
	} u;
};

struct value *value_null(void);
struct value *value_bool(bool b);
struct value *value_int(int64_t i);
struct value *value_real(double d);
struct value *value_string(const char *s);
struct value *value_string_n(const char *s, size_t len);
struct value *value_raw(const char *json, size_t len);
struct value *value_array(void);
struct value *value_object(void);
void value_free(struct value *v);
void value_freep(struct value **v); /* cleanup function */
#define _value_ __attribute__((cleanup(value_freep)))

struct value *value_copy(const struct value *v);
bool value_equal(const struct value *a, const struct value *b); /* 1 == 1.0 */

/* Both take `v` over, and return it. */
struct value *value_append(struct value *array, struct value *v);
struct value *value_set(struct value *object, const char *key,
			struct value *v); /* replaces an older one */

/*
 * As value_set() for a key that is not there yet, which the caller knows:
 * without a search, which would make many members quadratic. The member is
 * good until the next one is added.
 */
struct value_member *value_add(struct value *object, const char *key,
			       struct value *v);

/* The member called `key`; NULL where there is none or `v` is no object. */
struct value *value_get(const struct value *v, const char *key);
/* Its index in u.object.members, -1 where there is none. */
int value_index(const struct value *v, const char *key);

/* A string member's text, or `fallback` where absent or no string. */
const char *value_get_string(const struct value *v, const char *key,
			     const char *fallback);
int64_t value_get_int(const struct value *v, const char *key, int64_t fallback);

bool value_is_number(const struct value *v);
double value_number(const struct value *v); /* of an INT or REAL */

/* "null", "boolean", "integer", "number", "string", "array", "object". */
const char *value_type_name(const struct value *v);

#endif
