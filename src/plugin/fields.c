#include "plugin/fields.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "model/units.h"
#include "plugin/at.h"

#define KEYS_MAX 32UL

static int
unknown_key(const struct value_member *m, const char *what,
	    const struct field *rows, size_t n, struct err *e)
{
	const char *keys[KEYS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < n && i < KEYS_MAX; i++)
		keys[count++] = rows[i].key;
	return at_unknown(e, m->line, m->col, what, m->key,
			  (struct words){ keys, count });
}

static int
read_member(const struct value_member *m, const char *what,
	    const struct field *rows, size_t n, void *base, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].key, m->key) != 0)
			continue;
		if (m->value->type == VALUE_NULL)
			return at_line(e, m->line, m->col,
				       "%s has no value; leave the key out",
				       m->key);
		return rows[i].read(&rows[i], m->value,
				    (char *)base + rows[i].offset, e);
	}
	return unknown_key(m, what, rows, n, e);
}

int
fields_read(const struct value *v, const char *what, const struct field *rows,
	    size_t n, void *base, struct err *e)
{
	if (v->type != VALUE_OBJECT)
		return at_value(e, v, "expected keys and values, found %s",
				value_type_name(v));
	for (size_t i = 0; i < v->u.object.n; i++)
		if (read_member(&v->u.object.members[i], what, rows, n, base,
				e) < 0)
			return -1;
	return 0;
}

int
field_section(const struct field *f, const struct value *v, void *to,
	      struct err *e)
{
	char what[64];

	snprintf(what, sizeof(what), "key of %s", f->key);
	return fields_read(v, what, f->rows, f->n, to, e);
}

/* --- Text ---------------------------------------------------------------- */

/* The code point at *s, which moves behind it; 0 where it is no UTF-8. */
static unsigned
next_char(const unsigned char **s, const unsigned char *end)
{
	unsigned c = *(*s)++, least = 0x80;
	int more = c < 0x80 ? 0 :
		   c < 0xc2 ? -1 :
		   c < 0xe0 ? 1 :
		   c < 0xf0 ? 2 :
		   c < 0xf5 ? 3 :
			      -1;

	if (more <= 0)
		return more ? 0 : c;
	c &= 0x3fU >> more;
	if (more > end - *s)
		return 0;
	for (int i = 0; i < more; i++, (*s)++) {
		if ((**s & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (**s & 0x3f);
	}
	least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
	return c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : c;
}

static const struct {
	unsigned first, last;
} hidden[] = {
	{ 0x00, 0x1f },	    { 0x7f, 0x9f },	  { 0xad, 0xad },
	{ 0x61c, 0x61c },   { 0x180e, 0x180e },	  { 0x200b, 0x200f },
	{ 0x2028, 0x202e }, { 0x2060, 0x206f },	  { 0xfeff, 0xfeff },
	{ 0xfff0, 0xffff }, { 0xe0000, 0xe0fff },
};

bool
field_is_plain(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;

	while (p < end) {
		unsigned c = next_char(&p, end);

		for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
			if (c >= hidden[i].first && c <= hidden[i].last)
				return false;
	}
	return true;
}

static int
check_text(const struct field *f, const struct value *v, size_t max,
	   struct err *e)
{
	if (v->type != VALUE_STRING) {
		at_value(e, v, "%s: expected a text, found %s", f->key,
			 value_type_name(v));
		return v->type == VALUE_ARRAY || v->type == VALUE_OBJECT ?
			       -1 :
			       err_hint(e, "put it in quotes");
	}
	if (v->u.string.len > max)
		return at_value(e, v, "%s: longer than %zu bytes", f->key, max);
	if (!field_is_plain(v->u.string.s, v->u.string.len))
		return at_value(e, v,
				"%s: holds a line break, a control character "
				"or one that can't be seen",
				f->key);
	return 0;
}

static int
check_item(const struct field *f, const struct value *v, char **normal,
	   struct err *e)
{
	const char *s = v->u.string.s;

	if (!f->item) {
		*normal = xstrdup(s);
		return 0;
	}
	if (f->item(s, normal, e) == 0)
		return 0;
	err_wrap(e, "%s", f->key);
	return at_prefix(e, v->line, v->col);
}

int
field_text(const struct field *f, const struct value *v, void *to,
	   struct err *e)
{
	size_t max = f->max ? (size_t)f->max : FIELD_TEXT_MAX;
	char **member = to;
	char *s;

	if (check_text(f, v, max, e) < 0)
		return -1;
	if (!v->u.string.len)
		return at_value(e, v, "%s is empty", f->key);
	if (check_item(f, v, &s, e) < 0)
		return -1;
	free(*member);
	*member = s;
	return 0;
}

static int
check_list(const struct field *f, const struct value *v, struct err *e)
{
	if (v->type != VALUE_ARRAY) {
		at_value(e, v, "%s: expected a list, found %s", f->key,
			 value_type_name(v));
		return v->type == VALUE_STRING ?
			       err_hint(e, "write %s: [%.64s]", f->key,
					v->u.string.s) :
			       -1;
	}
	if (v->u.array.n > FIELD_LIST_MAX)
		return at_value(e, v, "%s: more than %zu items", f->key,
				FIELD_LIST_MAX);
	return 0;
}

int
field_list(const struct field *f, const struct value *v, void *to,
	   struct err *e)
{
	struct strv *list = to;

	if (check_list(f, v, e) < 0)
		return -1;
	for (size_t i = 0; i < v->u.array.n; i++) {
		const struct value *item = v->u.array.items[i];
		_free_ char *s = NULL;

		if (field_text(f, item, &s, e) < 0)
			return -1;
		if (strv_has(list, s))
			return at_value(e, item, "%s: %s is there twice",
					f->key, s);
		strv_add(list, s);
	}
	return 0;
}

int
field_args(const struct field *f, const struct value *v, void *to,
	   struct err *e)
{
	struct strv *list = to;

	if (check_list(f, v, e) < 0)
		return -1;
	for (size_t i = 0; i < v->u.array.n; i++) {
		const struct value *item = v->u.array.items[i];
		_free_ char *s = NULL;

		if (check_text(f, item, FIELD_TEXT_MAX, e) < 0 ||
		    check_item(f, item, &s, e) < 0)
			return -1;
		strv_add(list, s);
	}
	return 0;
}

/* --- Numbers ------------------------------------------------------------- */

typedef char *format_fn(int64_t n, char text[UNITS_TEXT]);

static char *
format_count(int64_t n, char text[UNITS_TEXT])
{
	snprintf(text, UNITS_TEXT, "%lld", (long long)n);
	return text;
}

static int
store(const struct field *f, const struct value *v, int64_t n,
      format_fn *format, void *to, struct err *e)
{
	char min[UNITS_TEXT], max[UNITS_TEXT];

	if (n < f->min || n > f->max)
		return at_value(e, v, "%s: must be from %s to %s", f->key,
				format(f->min, min), format(f->max, max));
	*(int64_t *)to = n;
	return 0;
}

int
field_count(const struct field *f, const struct value *v, void *to,
	    struct err *e)
{
	if (v->type != VALUE_INT)
		return at_value(e, v, "%s: expected a whole number, found %s",
				f->key, value_type_name(v));
	return store(f, v, v->u.integer, format_count, to, e);
}

int
field_duration(const struct field *f, const struct value *v, void *to,
	       struct err *e)
{
	int64_t ms;

	if (value_is_number(v)) {
		at_value(e, v, "%s: a duration needs its unit", f->key);
		return err_hint(e,
				"write %.15gs for seconds; units are ms, "
				"s, m, h and d",
				value_number(v));
	}
	if (v->type != VALUE_STRING ||
	    !units_parse_duration(v->u.string.s, &ms))
		return at_value(e, v,
				"%s: expected a duration such as 500ms, 10s, "
				"5m or 2h",
				f->key);
	return store(f, v, ms, units_format_duration, to, e);
}

int
field_size(const struct field *f, const struct value *v, void *to,
	   struct err *e)
{
	int64_t bytes;

	if (v->type == VALUE_INT)
		return store(f, v, v->u.integer, units_format_size, to, e);
	if (v->type != VALUE_STRING || !units_parse_size(v->u.string.s, &bytes))
		return at_value(e, v,
				"%s: expected a size such as 64KiB, 128MiB "
				"or 1GiB",
				f->key);
	return store(f, v, bytes, units_format_size, to, e);
}

/* --- Other --------------------------------------------------------------- */

int
field_bool(const struct field *f, const struct value *v, void *to,
	   struct err *e)
{
	if (v->type != VALUE_BOOL)
		return at_value(e, v, "%s: expected true or false, found %s",
				f->key, value_type_name(v));
	*(bool *)to = v->u.boolean;
	return 0;
}

int
field_word(const struct field *f, const struct value *v, void *to,
	   struct err *e)
{
	size_t n = 0;

	if (check_text(f, v, FIELD_TEXT_MAX, e) < 0)
		return -1;
	for (; f->words[n]; n++) {
		if (strcmp(f->words[n], v->u.string.s) != 0)
			continue;
		*(int *)to = (int)n;
		return 0;
	}
	return at_unknown(e, v->line, v->col, f->key, v->u.string.s,
			  (struct words){ f->words, n });
}

int
field_any(const struct field *f, const struct value *v, void *to, struct err *e)
{
	struct value **member = to;

	(void)f, (void)e;
	value_free(*member);
	*member = value_copy(v);
	return 0;
}
