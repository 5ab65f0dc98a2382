/* Fills in defaults and checks values against a schema. */
#include "plugin/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/units.h"
#include "plugin/schema_parts.h"

__attribute__((format(printf, 3, 4))) static int
wrong(struct err *e, const struct place *at, const char *fmt, ...)
{
	_buf_ struct buf where = { 0 };
	char text[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	place_write(at, &where);
	if (!where.len)
		return err_set(e, ERR_USAGE, "parameters: %s", text);
	return err_set(e, ERR_USAGE, "parameter %s: %s", where.data, text);
}

/* What is shown of the value, and then "is more than", "is none of", ... */
__attribute__((format(printf, 4, 5))) static int
wrong_value(struct err *e, const struct place *at, const struct value *v,
	    const char *fmt, ...)
{
	_buf_ struct buf shown = { 0 };
	char text[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	schema_write_value(v, &shown);
	return wrong(e, at, "%s %s", shown.data, text);
}

/* --- Any value ----------------------------------------------------------- */

static int
check_type(const struct value *schema, const struct value *v,
	   const struct place *at, struct err *e)
{
	unsigned types = schema_types(schema);
	_buf_ struct buf expected = { 0 }, shown = { 0 };

	if (types & schema_types_of(v))
		return 0;
	schema_write_types(types, &expected);
	schema_write_value(v, &shown);
	if (v->type == VALUE_NULL)
		return wrong(e, at, "expected %s, found null", expected.data);
	return wrong(e, at, "expected %s, found the %s %s", expected.data,
		     value_type_name(v), shown.data);
}

static int
check_enum(const struct value *schema, const struct value *v,
	   const struct place *at, struct err *e)
{
	const struct value *list = value_get(schema, "enum");
	_buf_ struct buf known = { 0 };

	for (size_t i = 0; list && i < list->u.array.n; i++) {
		const struct value *item = list->u.array.items[i];

		if (value_equal(item, v))
			return 0;
		buf_adds(&known, i ? ", " : "");
		if (item->type == VALUE_STRING)
			buf_add(&known, item->u.string.s, item->u.string.len);
		else
			schema_write_value(item, &known);
	}
	return list ? wrong_value(e, at, v, "is none of %s", known.data) : 0;
}

static int
check_const(const struct value *schema, const struct value *v,
	    const struct place *at, struct err *e)
{
	const struct value *only = value_get(schema, "const");
	_buf_ struct buf shown = { 0 };

	if (!only || value_equal(only, v))
		return 0;
	schema_write_value(only, &shown);
	return wrong_value(e, at, v, "is not %s", shown.data);
}

/* --- Numbers, strings ---------------------------------------------------- */

/* A row a bound: it is broken where schema_compare() gives that sign. */
static const struct bound {
	const char *key;
	int least, most; /* what schema_compare(value, bound) may be */
	const char *text;
} bounds[] = {
	{ "minimum", 0, 1, "is less than" },
	{ "maximum", -1, 0, "is more than" },
	{ "exclusiveMinimum", 1, 1, "is not more than" },
	{ "exclusiveMaximum", -1, -1, "is not less than" },
};

static int
check_number(const struct value *schema, const struct value *v,
	     const struct place *at, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		const struct value *bound = value_get(schema, bounds[i].key);
		_buf_ struct buf shown = { 0 };
		int sign = bound ? schema_compare(v, bound) : 0;

		if (!bound ||
		    (sign >= bounds[i].least && sign <= bounds[i].most))
			continue;
		schema_write_value(bound, &shown);
		return wrong_value(e, at, v, "%s %s", bounds[i].text,
				   shown.data);
	}
	return 0;
}

/* A count against its least and most; `unit` in the plural. */
static int
check_count(const struct value *schema, size_t n, const char *least,
	    const char *most, const char *unit, const struct place *at,
	    struct err *e)
{
	int64_t count = (int64_t)n;
	int64_t min = value_get_int(schema, least, 0);
	int64_t max = value_get_int(schema, most, INT64_MAX);

	if (count < min)
		return wrong(e, at,
			     "%zu %s, of which there must be at least "
			     "%lld",
			     n, unit, (long long)min);
	if (count > max)
		return wrong(e, at,
			     "%zu %s, of which there may be at most "
			     "%lld",
			     n, unit, (long long)max);
	return 0;
}

static size_t
characters(const struct value *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->u.string.len; i++)
		n += ((unsigned char)v->u.string.s[i] & 0xc0) != 0x80;
	return n;
}

static int
check_string(const struct value *schema, const struct value *v,
	     const struct place *at, struct err *e)
{
	const struct value *pattern = value_get(schema, "pattern");
	struct err why = ERR_INIT;
	int r;

	if (check_count(schema, characters(v), "minLength", "maxLength",
			"characters", at, e) < 0)
		return -1;
	r = pattern ? pattern_match(pattern, v, &why) : 1;
	if (r < 0)
		return wrong_value(e, at, v, "%s", why.msg);
	return r ? 0 :
		   wrong_value(e, at, v, "does not match the pattern %.200s",
			       pattern->u.string.s);
}

/* --- Arrays -------------------------------------------------------------- */

#define UNIQUE_MAX 1000UL /* items that are compared each with each */

static int
check_unique(const struct value *v, const struct place *at, struct err *e)
{
	if (v->u.array.n > UNIQUE_MAX)
		return wrong(e, at, "more than %zu items can't be compared",
			     UNIQUE_MAX);
	for (size_t i = 0; i < v->u.array.n; i++)
		for (size_t j = 0; j < i; j++)
			if (value_equal(v->u.array.items[i],
					v->u.array.items[j]))
				return wrong_value(e, at, v->u.array.items[i],
						   "is there twice");
	return 0;
}

static int
check_array(const struct value *schema, struct value *v, const struct place *at,
	    struct err *e)
{
	const struct value *items = value_get(schema, "items");
	const struct value *unique = value_get(schema, "uniqueItems");

	if (check_count(schema, v->u.array.n, "minItems", "maxItems", "items",
			at, e) < 0)
		return -1;
	for (size_t i = 0; items && i < v->u.array.n; i++) {
		struct place here = { .up = at, .index = i };

		if (schema_apply_at(items, v->u.array.items[i], &here, e) < 0)
			return -1;
	}
	return unique && unique->u.boolean ? check_unique(v, at, e) : 0;
}

/* --- Objects ------------------------------------------------------------- */

static void
fill_defaults(const struct value *properties, struct value *v)
{
	for (size_t i = 0; properties && i < properties->u.object.n; i++) {
		const struct value_member *m = &properties->u.object.members[i];
		const struct value *standard = value_get(m->value, "default");

		if (standard && value_index(v, m->key) < 0)
			value_set(v, m->key, value_copy(standard));
	}
}

static int
check_required(const struct value *schema, const struct value *v,
	       const struct place *at, struct err *e)
{
	const struct value *list = value_get(schema, "required");
	const struct value *properties = value_get(schema, "properties");

	for (size_t i = 0; list && i < list->u.array.n; i++) {
		const char *key = list->u.array.items[i]->u.string.s;
		const char *what = value_get_string(value_get(properties, key),
						    "description", NULL);
		struct place here = { .up = at, .key = key };
		_buf_ struct buf where = { 0 };

		if (value_get(v, key))
			continue;
		place_write(&here, &where);
		return err_set(e, ERR_USAGE, "parameter %s is required%s%.300s",
			       where.data, what ? ": " : "", what ? what : "");
	}
	return 0;
}

static int
unknown(const struct value *properties, const struct place *at, struct err *e)
{
	const char *names[SCHEMA_MAX_PROPERTIES] = { NULL }, *near;
	_buf_ struct buf list = { 0 };
	size_t n = 0;

	for (; properties && n < properties->u.object.n; n++) {
		names[n] = properties->u.object.members[n].key;
		buf_addf(&list, "%s%s", n ? ", " : "", names[n]);
	}
	near = units_nearest(at->key, names, n);
	if (near)
		return wrong(e, at, "unknown; did you mean %s?", near);
	if (!n)
		return wrong(e, at, "unknown; there are none");
	return wrong(e, at, "unknown; known are %s", list.data);
}

static int
check_member(const struct value *schema, struct value_member *m,
	     const struct place *at, struct err *e)
{
	const struct value *properties = value_get(schema, "properties");
	const struct value *known = value_get(properties, m->key);
	const struct value *more = value_get(schema, "additionalProperties");

	if (known)
		return schema_apply_at(known, m->value, at, e);
	if (!more || (more->type == VALUE_BOOL && more->u.boolean))
		return 0;
	if (more->type == VALUE_BOOL)
		return unknown(properties, at, e);
	return schema_apply_at(more, m->value, at, e);
}

/* Unknown members first: a misspelt one is why a required one is missing. */
static int
check_object(const struct value *schema, struct value *v,
	     const struct place *at, struct err *e)
{
	fill_defaults(value_get(schema, "properties"), v);
	for (size_t i = 0; i < v->u.object.n; i++) {
		struct value_member *m = &v->u.object.members[i];
		struct place here = { .up = at, .key = m->key };

		if (check_member(schema, m, &here, e) < 0)
			return -1;
	}
	return check_required(schema, v, at, e);
}

int
schema_apply_at(const struct value *schema, struct value *v,
		const struct place *at, struct err *e)
{
	if (check_type(schema, v, at, e) < 0 ||
	    check_enum(schema, v, at, e) < 0 ||
	    check_const(schema, v, at, e) < 0)
		return -1;
	if (value_is_number(v))
		return check_number(schema, v, at, e);
	if (v->type == VALUE_STRING)
		return check_string(schema, v, at, e);
	if (v->type == VALUE_ARRAY)
		return check_array(schema, v, at, e);
	if (v->type == VALUE_OBJECT)
		return check_object(schema, v, at, e);
	return 0;
}

/* Names become those of variables, so all of them are as plain. */
static int
check_names(const struct value *params, struct err *e)
{
	for (size_t i = 0; i < params->u.object.n; i++) {
		const char *key = params->u.object.members[i].key;
		struct place here = { .key = key };

		if (!schema_is_name(key))
			return wrong(e, &here,
				     "no name of a parameter: letters, digits, "
				     "'_' and '-', a letter or '_' first");
	}
	return 0;
}

int
schema_apply(const struct value *schema, struct value *params, struct err *e)
{
	if (params->type != VALUE_OBJECT)
		return err_set(e, ERR_USAGE,
			       "parameters must be an object, not %s",
			       value_type_name(params));
	if (!schema && params->u.object.n)
		return err_set(e, ERR_USAGE,
			       "parameter %.64s: unknown; this plugin takes "
			       "none",
			       params->u.object.members[0].key);
	if (!schema)
		return 0;
	if (check_names(params, e) < 0)
		return -1;
	return schema_apply_at(schema, params, NULL, e);
}
