/* Checks a schema itself. */
#include "plugin/schema.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "model/units.h"
#include "plugin/at.h"
#include "plugin/schema_parts.h"

/* What a key word holds; `v` is not NULL. */
typedef int word_fn(const char *key, const struct value *v, struct err *e);

static int check_schema(const struct value *schema, struct err *e);

static int
expected(const char *key, const struct value *v, const char *what,
	 struct err *e)
{
	return at_value(e, v, "%s: expected %s, found %s", key, what,
			value_type_name(v));
}

/* --- The types of key words ---------------------------------------------- */

static int
word_any(const char *key, const struct value *v, struct err *e)
{
	(void)key, (void)v, (void)e;
	return 0;
}

static int
word_text(const char *key, const struct value *v, struct err *e)
{
	return v->type == VALUE_STRING ? 0 : expected(key, v, "a text", e);
}

static int
word_bool(const char *key, const struct value *v, struct err *e)
{
	return v->type == VALUE_BOOL ? 0 : expected(key, v, "true or false", e);
}

static int
word_number(const char *key, const struct value *v, struct err *e)
{
	return value_is_number(v) ? 0 : expected(key, v, "a number", e);
}

static int
word_count(const char *key, const struct value *v, struct err *e)
{
	if (v->type == VALUE_INT && v->u.integer >= 0)
		return 0;
	return expected(key, v, "a whole number from 0", e);
}

static int
word_list(const char *key, const struct value *v, struct err *e)
{
	return v->type == VALUE_ARRAY ? 0 : expected(key, v, "a list", e);
}

static int
word_schema(const char *key, const struct value *v, struct err *e)
{
	return v->type == VALUE_OBJECT ? check_schema(v, e) :
					 expected(key, v, "a schema", e);
}

static int
word_schema_or_bool(const char *key, const struct value *v, struct err *e)
{
	if (v->type == VALUE_BOOL || v->type == VALUE_OBJECT)
		return v->type == VALUE_BOOL ? 0 : check_schema(v, e);
	return expected(key, v, "true, false or a schema", e);
}

static int
word_pattern(const char *key, const struct value *v, struct err *e)
{
	if (word_text(key, v, e) < 0)
		return -1;
	if (pattern_check(v, e) == 0)
		return 0;
	err_wrap(e, "%s", key);
	return at_prefix(e, v->line, v->col);
}

static int
word_enum(const char *key, const struct value *v, struct err *e)
{
	if (word_list(key, v, e) < 0)
		return -1;
	return v->u.array.n ? 0 : at_value(e, v, "%s is empty", key);
}

static int
word_properties(const char *key, const struct value *v, struct err *e)
{
	if (v->type != VALUE_OBJECT)
		return expected(key, v, "names with their schemas", e);
	if (v->u.object.n > SCHEMA_MAX_PROPERTIES)
		return at_value(e, v, "%s: more than %zu", key,
				SCHEMA_MAX_PROPERTIES);
	for (size_t i = 0; i < v->u.object.n; i++) {
		const struct value_member *m = &v->u.object.members[i];

		if (word_schema(m->key, m->value, e) < 0)
			return -1;
	}
	return 0;
}

static int
word_required(const char *key, const struct value *v, struct err *e)
{
	if (word_list(key, v, e) < 0)
		return -1;
	for (size_t i = 0; i < v->u.array.n; i++)
		if (v->u.array.items[i]->type != VALUE_STRING)
			return expected(key, v->u.array.items[i],
					"the name of a property", e);
	return 0;
}

static int
check_type_name(const char *key, const struct value *v, struct err *e)
{
	size_t n = 0;

	if (word_text(key, v, e) < 0)
		return -1;
	for (; schema_type_names[n]; n++)
		if (strcmp(schema_type_names[n], v->u.string.s) == 0)
			return 0;
	return at_unknown(e, v->line, v->col, key, v->u.string.s,
			  (struct words){ schema_type_names, n });
}

static int
word_type(const char *key, const struct value *v, struct err *e)
{
	if (v->type != VALUE_ARRAY)
		return check_type_name(key, v, e);
	if (!v->u.array.n)
		return at_value(e, v, "%s is empty", key);
	for (size_t i = 0; i < v->u.array.n; i++)
		if (check_type_name(key, v->u.array.items[i], e) < 0)
			return -1;
	return 0;
}

static const struct key_word {
	const char *key;
	word_fn *check;
	unsigned types; /* of the values that it says something of */
} key_words[] = {
	{ "type", word_type, TYPE_ANY },
	{ "enum", word_enum, TYPE_ANY },
	{ "const", word_any, TYPE_ANY },
	{ "properties", word_properties, TYPE_OBJECT },
	{ "required", word_required, TYPE_OBJECT },
	{ "additionalProperties", word_schema_or_bool, TYPE_OBJECT },
	{ "items", word_schema, TYPE_ARRAY },
	{ "minItems", word_count, TYPE_ARRAY },
	{ "maxItems", word_count, TYPE_ARRAY },
	{ "uniqueItems", word_bool, TYPE_ARRAY },
	{ "minLength", word_count, TYPE_STRING },
	{ "maxLength", word_count, TYPE_STRING },
	{ "pattern", word_pattern, TYPE_STRING },
	{ "minimum", word_number, TYPE_INTEGER | TYPE_NUMBER },
	{ "maximum", word_number, TYPE_INTEGER | TYPE_NUMBER },
	{ "exclusiveMinimum", word_number, TYPE_INTEGER | TYPE_NUMBER },
	{ "exclusiveMaximum", word_number, TYPE_INTEGER | TYPE_NUMBER },
	{ "default", word_any, TYPE_ANY },
	{ "title", word_text, TYPE_ANY },
	{ "description", word_text, TYPE_ANY },
	{ "examples", word_list, TYPE_ANY },
};

static const struct key_word *
find_key_word(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_words); i++)
		if (strcmp(key_words[i].key, key) == 0)
			return &key_words[i];
	return NULL;
}

static int
unknown_key_word(const struct value_member *m, struct err *e)
{
	const char *known[ARRAY_SIZE(key_words)];

	for (size_t i = 0; i < ARRAY_SIZE(key_words); i++)
		known[i] = key_words[i].key;
	return at_unknown(e, m->line, m->col, "key word", m->key,
			  (struct words){ known, ARRAY_SIZE(known) });
}

/* --- Key words that concern each other ----------------------------------- */

/* A word for values of another type would never do anything. */
static int
check_use(const struct value *schema, const struct value_member *m,
	  const struct key_word *word, struct err *e)
{
	_buf_ struct buf types = { 0 };

	if (word->types & schema_types(schema))
		return 0;
	schema_write_types(word->types, &types);
	return at_line(e, m->line, m->col,
		       "%s has no effect here: it is for %s", m->key,
		       types.data);
}

static int
check_bounds(const struct value *schema, struct err *e)
{
	static const char *const pairs[][2] = {
		{ "minItems", "maxItems" },
		{ "minLength", "maxLength" },
		{ "minimum", "maximum" },
		{ "exclusiveMinimum", "exclusiveMaximum" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		const struct value *min = value_get(schema, pairs[i][0]);
		const struct value *max = value_get(schema, pairs[i][1]);

		if (min && max && schema_compare(min, max) > 0)
			return at_value(e, max, "%s is less than %s",
					pairs[i][1], pairs[i][0]);
	}
	return 0;
}

static int
check_required_names(const struct value *schema, struct err *e)
{
	const struct value *list = value_get(schema, "required");
	const struct value *properties = value_get(schema, "properties");
	const char *names[SCHEMA_MAX_PROPERTIES] = { NULL };
	size_t n = 0;

	for (; properties && n < properties->u.object.n; n++)
		names[n] = properties->u.object.members[n].key;
	for (size_t i = 0; list && i < list->u.array.n; i++) {
		const struct value *name = list->u.array.items[i];

		if (!value_get(properties, name->u.string.s))
			return at_unknown(e, name->line, name->col,
					  "property in required",
					  name->u.string.s,
					  (struct words){ names, n });
	}
	return 0;
}

/* "parameter a.b: 7 is more than 5" without its first word. */
static int
check_default(const struct value *schema, struct err *e)
{
	const struct value *standard = value_get(schema, "default");
	_value_ struct value *copy = standard ? value_copy(standard) : NULL;
	static const struct place here = { .key = "default" };
	static const char prefix[] = "parameter ";

	if (!standard || schema_apply_at(schema, copy, &here, e) == 0)
		return 0;
	if (strncmp(e->msg, prefix, strlen(prefix)) == 0)
		memmove(e->msg, e->msg + strlen(prefix),
			strlen(e->msg + strlen(prefix)) + 1);
	return at_prefix(e, standard->line, standard->col);
}

static int
check_schema(const struct value *schema, struct err *e)
{
	const struct value *type = value_get(schema, "type");

	if (type && word_type("type", type, e) < 0)
		return -1;
	for (size_t i = 0; i < schema->u.object.n; i++) {
		const struct value_member *m = &schema->u.object.members[i];
		const struct key_word *word = find_key_word(m->key);

		if (!word)
			return unknown_key_word(m, e);
		if (word->check(m->key, m->value, e) < 0 ||
		    check_use(schema, m, word, e) < 0)
			return -1;
	}
	if (check_bounds(schema, e) < 0 || check_required_names(schema, e) < 0)
		return -1;
	return check_default(schema, e);
}

/* --- The outermost object ------------------------------------------------ */

bool
schema_is_name(const char *s)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				    "abcdefghijklmnopqrstuvwxyz";
	static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-"
				   "abcdefghijklmnopqrstuvwxyz";

	return *s && strchr(first, *s) && strlen(s) <= 64 &&
	       s[strspn(s, rest)] == '\0';
}

static bool
same_variable(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		int x = *a == '-' ? '_' : toupper((unsigned char)*a);
		int y = *b == '-' ? '_' : toupper((unsigned char)*b);

		if (x != y)
			return false;
	}
	return *a == *b;
}

static int
check_names(const struct value *properties, struct err *e)
{
	for (size_t i = 0; properties && i < properties->u.object.n; i++) {
		const struct value_member *m = &properties->u.object.members[i];

		if (!schema_is_name(m->key))
			return at_line(e, m->line, m->col,
				       "'%.64s' is no name of a parameter: "
				       "letters, digits, '_' and '-', a letter "
				       "or '_' first",
				       m->key);
		for (size_t j = 0; j < i; j++) {
			const char *other = properties->u.object.members[j].key;

			if (same_variable(other, m->key))
				return at_line(e, m->line, m->col,
					       "%s and %s would be the same "
					       "variable, PARAM_...",
					       other, m->key);
		}
	}
	return 0;
}

int
schema_check(const struct value *schema, struct err *e)
{
	const struct value *type = value_get(schema, "type");

	if (schema->type != VALUE_OBJECT)
		return expected("params", schema, "a JSON Schema", e);
	if (check_schema(schema, e) < 0)
		return -1;
	if (!type || type->type != VALUE_STRING ||
	    strcmp(type->u.string.s, "object") != 0)
		return at_value(e, type ? type : schema,
				"params: the outermost type must be object");
	return check_names(value_get(schema, "properties"), e);
}
