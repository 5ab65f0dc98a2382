#include "plugin/schema_parts.h"

#include <string.h>

#include "base/mem.h"

#define SHOWN_MAX 60UL /* bytes of a value in a message */

const char *const schema_type_names[] = {
	"null",	  "boolean", "integer", "number",
	"string", "array",   "object",	NULL,
};

static unsigned
type_bit(const struct value *name)
{
	for (unsigned i = 0; schema_type_names[i]; i++)
		if (name->type == VALUE_STRING &&
		    strcmp(name->u.string.s, schema_type_names[i]) == 0)
			return 1U << i;
	return 0;
}

unsigned
schema_types(const struct value *schema)
{
	const struct value *type = value_get(schema, "type");
	unsigned types = 0;

	if (!type)
		return TYPE_ANY;
	if (type->type != VALUE_ARRAY)
		return type_bit(type);
	for (size_t i = 0; i < type->u.array.n; i++)
		types |= type_bit(type->u.array.items[i]);
	return types;
}

/* From 2^53 on, a double has no digits left behind its point. */
static bool
is_whole(double d)
{
	const double limit = 9007199254740992.0;
	double whole;

	if (d <= -limit || d >= limit)
		return true;
	whole = (double)(int64_t)d;
	return !(whole < d) && !(whole > d);
}

unsigned
schema_types_of(const struct value *v)
{
	switch (v->type) {
	case VALUE_NULL:
		return TYPE_NULL;
	case VALUE_BOOL:
		return TYPE_BOOLEAN;
	case VALUE_INT:
		return TYPE_INTEGER | TYPE_NUMBER;
	case VALUE_REAL:
		return is_whole(v->u.real) ? TYPE_INTEGER | TYPE_NUMBER :
					     TYPE_NUMBER;
	case VALUE_STRING:
		return TYPE_STRING;
	case VALUE_ARRAY:
		return TYPE_ARRAY;
	case VALUE_OBJECT:
		return TYPE_OBJECT;
	case VALUE_RAW:
		break;
	}
	return 0;
}

void
schema_write_types(unsigned types, struct buf *out)
{
	bool first = true;

	if (types & TYPE_NUMBER)
		types &= ~(unsigned)TYPE_INTEGER;
	for (unsigned i = 0; schema_type_names[i]; i++) {
		const char *name = schema_type_names[i];

		if (!(types & 1U << i))
			continue;
		buf_addf(out, "%s%s%s", first ? "" : " or ",
			 1U << i == TYPE_NULL	? "" :
			 strchr("aio", name[0]) ? "an " :
						  "a ",
			 name);
		first = false;
	}
}

/* Not in the middle of a character. */
static void
add_cut(struct buf *out, const char *s, size_t len)
{
	size_t n = len < SHOWN_MAX ? len : SHOWN_MAX;

	while (n < len && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	buf_addc(out, '"');
	for (size_t i = 0; i < n; i++)
		buf_addf(out, s[i] == '"' || s[i] == '\\' ? "\\%c" : "%c",
			 s[i] ? s[i] : '?');
	buf_adds(out, n < len ? "...\"" : "\"");
}

static void
add_children(struct buf *out, const struct value *v)
{
	bool object = v->type == VALUE_OBJECT;
	size_t n = object ? v->u.object.n : v->u.array.n;
	size_t start = out->len;

	buf_addc(out, object ? '{' : '[');
	for (size_t i = 0; i < n; i++) {
		if (out->len - start > SHOWN_MAX) {
			buf_adds(out, ", ...");
			break;
		}
		buf_adds(out, i ? ", " : "");
		if (object) {
			const char *key = v->u.object.members[i].key;

			add_cut(out, key, strlen(key));
			buf_adds(out, ": ");
		}
		schema_write_value(object ? v->u.object.members[i].value :
					    v->u.array.items[i],
				   out);
	}
	buf_addc(out, object ? '}' : ']');
}

void
schema_write_value(const struct value *v, struct buf *out)
{
	switch (v->type) {
	case VALUE_NULL:
		buf_adds(out, "null");
		break;
	case VALUE_BOOL:
		buf_adds(out, v->u.boolean ? "true" : "false");
		break;
	case VALUE_INT:
		buf_addf(out, "%lld", (long long)v->u.integer);
		break;
	case VALUE_REAL:
		buf_addf(out, "%.15g", v->u.real);
		break;
	case VALUE_STRING:
	case VALUE_RAW:
		add_cut(out, v->u.string.s, v->u.string.len);
		break;
	case VALUE_ARRAY:
	case VALUE_OBJECT:
		add_children(out, v);
		break;
	}
}

int
schema_compare(const struct value *a, const struct value *b)
{
	double x, y;

	if (a->type == VALUE_INT && b->type == VALUE_INT)
		return (a->u.integer > b->u.integer) -
		       (a->u.integer < b->u.integer);
	x = value_number(a);
	y = value_number(b);
	return (x > y) - (x < y);
}

void
place_write(const struct place *at, struct buf *out)
{
	if (!at)
		return;
	place_write(at->up, out);
	if (!at->key)
		buf_addf(out, "[%zu]", at->index);
	else
		buf_addf(out, "%s%.64s", at->up ? "." : "", at->key);
}
