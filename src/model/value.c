#include "model/value.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

static struct value *
value_new(enum value_type type)
{
	struct value *v = xcalloc(1, sizeof(*v));

	v->type = type;
	return v;
}

struct value *
value_null(void)
{
	return value_new(VALUE_NULL);
}

struct value *
value_bool(bool b)
{
	struct value *v = value_new(VALUE_BOOL);

	v->u.boolean = b;
	return v;
}

struct value *
value_int(int64_t i)
{
	struct value *v = value_new(VALUE_INT);

	v->u.integer = i;
	return v;
}

struct value *
value_real(double d)
{
	struct value *v = value_new(VALUE_REAL);

	v->u.real = d;
	return v;
}

struct value *
value_string(const char *s)
{
	return value_string_n(s, strlen(s));
}

static struct value *
text_value(enum value_type type, const char *s, size_t len)
{
	struct value *v = value_new(type);

	v->u.string.s = xmemdup(s, len);
	v->u.string.len = len;
	return v;
}

struct value *
value_string_n(const char *s, size_t len)
{
	return text_value(VALUE_STRING, s, len);
}

struct value *
value_raw(const char *json, size_t len)
{
	return text_value(VALUE_RAW, json, len);
}

struct value *
value_array(void)
{
	return value_new(VALUE_ARRAY);
}

struct value *
value_object(void)
{
	return value_new(VALUE_OBJECT);
}

static void
release_members(struct value *v)
{
	for (size_t i = 0; i < v->u.object.n; i++) {
		free(v->u.object.members[i].key);
		value_free(v->u.object.members[i].value);
	}
	free(v->u.object.members);
}

void
value_free(struct value *v)
{
	if (!v)
		return;
	if (v->type == VALUE_STRING || v->type == VALUE_RAW) {
		free(v->u.string.s);
	} else if (v->type == VALUE_ARRAY) {
		for (size_t i = 0; i < v->u.array.n; i++)
			value_free(v->u.array.items[i]);
		free(v->u.array.items);
	} else if (v->type == VALUE_OBJECT) {
		release_members(v);
	}
	free(v);
}

void
value_freep(struct value **v)
{
	value_free(*v);
}

static void
copy_children(struct value *copy, const struct value *v)
{
	if (v->type == VALUE_ARRAY)
		for (size_t i = 0; i < v->u.array.n; i++)
			value_append(copy, value_copy(v->u.array.items[i]));
	if (v->type != VALUE_OBJECT)
		return;
	for (size_t i = 0; i < v->u.object.n; i++) {
		const struct value_member *m = &v->u.object.members[i];

		struct value_member *added =
			value_add(copy, m->key, value_copy(m->value));

		added->line = m->line;
		added->col = m->col;
	}
}

struct value *
value_copy(const struct value *v)
{
	struct value *copy;

	if (v->type == VALUE_STRING || v->type == VALUE_RAW) {
		copy = text_value(v->type, v->u.string.s, v->u.string.len);
	} else {
		copy = value_new(v->type);
		if (v->type != VALUE_ARRAY && v->type != VALUE_OBJECT)
			copy->u = v->u;
	}
	copy->line = v->line;
	copy->col = v->col;
	copy_children(copy, v);
	return copy;
}

static bool
members_equal(const struct value *a, const struct value *b)
{
	if (a->u.object.n != b->u.object.n)
		return false;
	for (size_t i = 0; i < a->u.object.n; i++) {
		const struct value_member *m = &a->u.object.members[i];
		const struct value *other = value_get(b, m->key);

		if (!other || !value_equal(m->value, other))
			return false;
	}
	return true;
}

static bool
items_equal(const struct value *a, const struct value *b)
{
	if (a->u.array.n != b->u.array.n)
		return false;
	for (size_t i = 0; i < a->u.array.n; i++)
		if (!value_equal(a->u.array.items[i], b->u.array.items[i]))
			return false;
	return true;
}

bool
value_equal(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_INT && b->type == VALUE_INT)
		return a->u.integer == b->u.integer;
	if (value_is_number(a) && value_is_number(b))
		return !(value_number(a) < value_number(b)) &&
		       !(value_number(a) > value_number(b));
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_BOOL:
		return a->u.boolean == b->u.boolean;
	case VALUE_STRING:
	case VALUE_RAW:
		return a->u.string.len == b->u.string.len &&
		       memcmp(a->u.string.s, b->u.string.s, a->u.string.len) ==
			       0;
	case VALUE_ARRAY:
		return items_equal(a, b);
	case VALUE_OBJECT:
		return members_equal(a, b);
	case VALUE_NULL:
	case VALUE_INT:
	case VALUE_REAL:
		break;
	}
	return true;
}

/* Grow by doubling: true when index n is the first past the room. */
static bool
needs_room(size_t n)
{
	return (n & (n - 1)) == 0;
}

struct value *
value_append(struct value *array, struct value *v)
{
	size_t n = array->u.array.n;

	if (array->type != VALUE_ARRAY)
		fatal("value_append: not an array");
	if (needs_room(n))
		array->u.array.items = xrealloc(array->u.array.items,
						n ? 2 * n : 1, sizeof(v));
	array->u.array.items[array->u.array.n++] = v;
	return v;
}

int
value_index(const struct value *v, const char *key)
{
	if (!v || v->type != VALUE_OBJECT)
		return -1;
	for (size_t i = 0; i < v->u.object.n; i++)
		if (strcmp(v->u.object.members[i].key, key) == 0)
			return (int)i;
	return -1;
}

struct value_member *
value_add(struct value *object, const char *key, struct value *v)
{
	size_t n = object->u.object.n;
	struct value_member *m;

	if (object->type != VALUE_OBJECT)
		fatal("value_add: not an object");
	if (needs_room(n))
		object->u.object.members = xrealloc(object->u.object.members,
						    n ? 2 * n : 1, sizeof(*m));
	m = &object->u.object.members[object->u.object.n++];
	m->key = xstrdup(key);
	m->line = v->line;
	m->col = v->col;
	m->value = v;
	return m;
}

struct value *
value_set(struct value *object, const char *key, struct value *v)
{
	int i = value_index(object, key);
	struct value_member *m;

	if (i < 0)
		return value_add(object, key, v)->value;
	m = &object->u.object.members[i];
	value_free(m->value);
	m->value = v;
	return v;
}

struct value *
value_get(const struct value *v, const char *key)
{
	int i = value_index(v, key);

	return i < 0 ? NULL : v->u.object.members[i].value;
}

const char *
value_get_string(const struct value *v, const char *key, const char *fallback)
{
	const struct value *m = value_get(v, key);

	return m && m->type == VALUE_STRING ? m->u.string.s : fallback;
}

int64_t
value_get_int(const struct value *v, const char *key, int64_t fallback)
{
	const struct value *m = value_get(v, key);

	return m && m->type == VALUE_INT ? m->u.integer : fallback;
}

bool
value_is_number(const struct value *v)
{
	return v->type == VALUE_INT || v->type == VALUE_REAL;
}

double
value_number(const struct value *v)
{
	return v->type == VALUE_INT ? (double)v->u.integer : v->u.real;
}

const char *
value_type_name(const struct value *v)
{
	static const char *const names[] = {
		[VALUE_NULL] = "null",	   [VALUE_BOOL] = "boolean",
		[VALUE_INT] = "integer",   [VALUE_REAL] = "number",
		[VALUE_STRING] = "string", [VALUE_ARRAY] = "array",
		[VALUE_OBJECT] = "object", [VALUE_RAW] = "value",
	};

	return names[v->type];
}
