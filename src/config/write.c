/* What settings hold and expect, as text. */
#include "config/settings.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "config/expand.h"
#include "model/layer.h"
#include "model/units.h"

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const void *
field(const struct setting *s, const void *base)
{
	return (const char *)base + s->offset;
}

char *
setting_expects(const struct setting *s)
{
	static const char *const expects[] = {
		[SETTING_PATH] = "a path",
		[SETTING_PROGRAM] = "a program's path, with a / in it",
		[SETTING_ADDRESS] = "HOST:PORT such as 127.0.0.1:8080, or \"\"",
		[SETTING_NAME] = "a name: lower case letters, digits and -",
		[SETTING_ACCOUNT] = "an account's name",
		[SETTING_TEXT] = "",
		[SETTING_SECRET] = "",
		[SETTING_URL] = "a URL such as https://host.example/path",
		[SETTING_BOOL] = "true or false",
		[SETTING_INTEGER] = "a whole number",
		[SETTING_DURATION] = "a duration such as 10s",
		[SETTING_SIZE] = "a size such as 64MiB",
		[SETTING_TIME] = "a time such as 2026-01-31T08:00:00Z",
		[SETTING_ENUM] = "one of ",
		[SETTING_LAYERS] = "a list of layers: ",
		[SETTING_FLAGS] = "a list of: ",
		[SETTING_PATTERNS] = "a list of names, which may have * and ?",
		[SETTING_LABELS] = "a map of names to strings",
		[SETTING_HOSTS] = "a list of host names",
		[SETTING_ROLES] = "a map of names to roles",
		[SETTING_PARAMS] = "a map",
		[SETTING_SECRETS] = "a map of names to strings",
		[SETTING_JOBS] = "a map of names to jobs",
		[SETTING_DESTINATIONS] = "a list of destinations",
	};
	const char *const *names = NULL;
	_buf_ struct buf b = { 0 };

	buf_adds(&b, s->expects ? s->expects : expects[s->type]);
	if (s->type == SETTING_ENUM || s->type == SETTING_FLAGS)
		names = s->names;
	if (s->type == SETTING_LAYERS)
		names = layer_names;
	for (size_t i = 0; names && names[i]; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", names[i]);
	return buf_steal(&b);
}

/* In the setting's unit, as in a file. */
static char *
format_number(const struct setting *s, int64_t n, char text[UNITS_TEXT])
{
	if (s->type == SETTING_DURATION)
		return units_format_duration(n, text);
	return units_format_size(n, text);
}

bool
setting_may_be_none(const struct setting *s)
{
	return s->or_none || (s->min > 0 && s->fallback && *s->fallback == '0');
}

char *
setting_range(const struct setting *s)
{
	char least[UNITS_TEXT], most[UNITS_TEXT];
	bool may_be_none = setting_may_be_none(s);
	const char *none = s->type == SETTING_DURATION ? "0ms" : "0";

	if (!s->max || s->type == SETTING_PATH)
		return NULL;
	if (s->type == SETTING_INTEGER)
		return xasprintf("%lld to %lld%s", (long long)s->min,
				 (long long)s->max,
				 may_be_none ? ", or 0 for no bound" : "");
	return xasprintf("%s to %s%s%s%s", format_number(s, s->min, least),
			 format_number(s, s->max, most),
			 may_be_none ? ", or " : "", may_be_none ? none : "",
			 may_be_none ? " for no bound" : "");
}

static struct value *
layers_value(unsigned set)
{
	struct value *list = value_array();

	for (unsigned bit = 1; bit < LAYER_END; bit <<= 1)
		if (set & bit)
			value_append(list, value_string(layer_name(bit)));
	return list;
}

/*
 * Bytes are a number, as they are where they are read. A number that has no
 * default is not set while it is 0.
 */
static struct value *
number_value(const struct setting *s, int64_t n)
{
	char text[UNITS_TEXT];

	if (!s->fallback && n == 0)
		return NULL;
	if (s->type == SETTING_INTEGER)
		return value_int(n);
	if (s->type == SETTING_TIME)
		return value_string(units_format_time(n, text));
	format_number(s, n, text);
	return text[strspn(text, DIGITS)] ? value_string(text) : value_int(n);
}

static struct value *
flags_value(const struct setting *s, unsigned set)
{
	struct value *list = value_array();

	for (unsigned i = 0; s->names[i]; i++)
		if (set & 1U << i)
			value_append(list, value_string(s->names[i]));
	return list;
}

static struct value *
text_value(const char *text)
{
	return text ? value_string(text) : NULL;
}

static struct value *
tree_value(const struct value *v)
{
	return v ? value_copy(v) : NULL;
}

struct value *
setting_value(const struct setting *s, const void *base)
{
	const void *at = field(s, base);

	switch (s->type) {
	case SETTING_PATH:
	case SETTING_PROGRAM:
	case SETTING_ADDRESS:
	case SETTING_NAME:
	case SETTING_ACCOUNT:
	case SETTING_TEXT:
	case SETTING_SECRET:
	case SETTING_URL:
		return text_value(*(char *const *)at);
	case SETTING_BOOL:
		return value_bool(*(const bool *)at);
	case SETTING_INTEGER:
	case SETTING_DURATION:
	case SETTING_SIZE:
	case SETTING_TIME:
		return number_value(s, *(const int64_t *)at);
	case SETTING_ENUM:
		return value_string(s->names[*(const int *)at]);
	case SETTING_LAYERS:
		return layers_value(*(const unsigned *)at);
	case SETTING_FLAGS:
		return flags_value(s, *(const unsigned *)at);
	case SETTING_PATTERNS:
	case SETTING_LABELS:
	case SETTING_HOSTS:
	case SETTING_ROLES:
	case SETTING_PARAMS:
	case SETTING_SECRETS:
		return tree_value(*(struct value *const *)at);
	case SETTING_JOBS:
	case SETTING_DESTINATIONS:
	case SETTING_TYPES:
		break;
	}
	return NULL;
}

/* --- YAML --------------------------------------------------------------- */

/* What any reader of YAML, old or new, takes for something else than text. */
static bool
is_word(const char *s)
{
	static const char *const words[] = { "true", "false", "null",
					     "yes",  "no",    "on",
					     "off",  "y",     "n" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

/* Names, paths, durations and sizes need no quotes: "a", "/a", "10s". */
static bool
is_plain_text(const char *s, size_t len)
{
	const char *unit = s + strspn(s, DIGITS);

	if (!len || is_word(s) || strspn(s, LETTERS DIGITS "/._-") != len)
		return false;
	return *unit && strchr(unit > s ? "hdmsKMGT" : LETTERS "/", *unit);
}

/* The character at s, which is UTF-8, and how many bytes it has. */
static unsigned
character(const unsigned char *s, size_t left, size_t *n)
{
	unsigned c = *s;
	size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	*n = 1;
	if (more >= left)
		return c;
	c &= more ? 0x3fU >> more : 0x7fU;
	for (; more; more--)
		c = c << 6 | (s[(*n)++] & 0x3f);
	return c;
}

/* Controls, line ends, marks and changes of direction: never as they are. */
static bool
is_special(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff0 && c <= 0xffff);
}

static void
add_quoted(const char *s, size_t len, struct buf *out)
{
	size_t n;

	buf_addc(out, '"');
	for (size_t i = 0; i < len; i += n) {
		unsigned c =
			character((const unsigned char *)s + i, len - i, &n);

		if (is_special(c))
			buf_addf(out, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", (char)c);
		else
			buf_add(out, s + i, n);
	}
	buf_addc(out, '"');
}

static void
add_text(const char *s, size_t len, struct buf *out)
{
	if (is_plain_text(s, len))
		buf_adds(out, s);
	else
		add_quoted(s, len, out);
}

static void
add_items(const struct value *v, struct buf *out)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < v->u.array.n; i++) {
		buf_adds(out, i ? ", " : "");
		setting_add_yaml(v->u.array.items[i], out);
	}
	buf_addc(out, ']');
}

static void
add_members(const struct value *v, struct buf *out)
{
	buf_addc(out, '{');
	for (size_t i = 0; i < v->u.object.n; i++) {
		const struct value_member *m = &v->u.object.members[i];

		buf_adds(out, i ? ", " : "");
		add_text(m->key, strlen(m->key), out);
		buf_adds(out, ": ");
		setting_add_yaml(m->value, out);
	}
	buf_addc(out, '}');
}

/* With a point or an exponent, so that it is read as the same type. */
static void
add_real(double d, struct buf *out)
{
	char text[64];

	snprintf(text, sizeof(text), "%.17g", d);
	buf_addf(out, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

void
setting_add_text(const char *s, struct buf *out)
{
	add_text(s, strlen(s), out);
}

void
setting_add_yaml(const struct value *v, struct buf *out)
{
	switch (v->type) {
	case VALUE_BOOL:
		buf_adds(out, v->u.boolean ? "true" : "false");
		break;
	case VALUE_INT:
		buf_addf(out, "%lld", (long long)v->u.integer);
		break;
	case VALUE_REAL:
		add_real(v->u.real, out);
		break;
	case VALUE_STRING:
	case VALUE_RAW:
		add_text(v->u.string.s, v->u.string.len, out);
		break;
	case VALUE_ARRAY:
		add_items(v, out);
		break;
	case VALUE_OBJECT:
		add_members(v, out);
		break;
	case VALUE_NULL:
		buf_adds(out, "null");
		break;
	}
}
