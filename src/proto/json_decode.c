/* Text to trees. The scanner has accepted the text before jansson sees it. */
#include <jansson.h>

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "proto/json_scan.h"

static struct value *from_jansson(json_t *j);

static struct value *
from_array(json_t *j)
{
	struct value *v = value_array();

	for (size_t i = 0; i < json_array_size(j); i++)
		value_append(v, from_jansson(json_array_get(j, i)));
	return v;
}

/* Not by value_set(), which looks for the key among all others. */
static struct value *
from_object(json_t *j)
{
	struct value *v = value_object();
	size_t room = 1;
	const char *key;
	json_t *member;

	while (room < json_object_size(j)) /* value.c grows by doubling */
		room *= 2;
	v->u.object.members = xcalloc(room, sizeof(*v->u.object.members));
	json_object_foreach(j, key, member)
	{
		struct value_member *m = &v->u.object.members[v->u.object.n++];

		m->key = xstrdup(key);
		m->value = from_jansson(member);
	}
	return v;
}

/* Recursion is bounded: the scanner refuses deeper than VALUE_MAX_DEPTH. */
static struct value *
from_jansson(json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return from_object(j);
	case JSON_ARRAY:
		return from_array(j);
	case JSON_STRING:
		return value_string_n(json_string_value(j),
				      json_string_length(j));
	case JSON_INTEGER:
		return value_int(json_integer_value(j));
	case JSON_REAL:
		return value_real(json_real_value(j));
	case JSON_TRUE:
	case JSON_FALSE:
		return value_bool(json_is_true(j));
	case JSON_NULL:
		break;
	}
	return value_null();
}

static int
refuse(const struct scan *s, size_t start, const char *what)
{
	char quoted[TEXT_EXCERPT];

	return err_set(s->e, ERR_USAGE, "at byte %zu: %s %s", start,
		       text_excerpt(s->text + start, s->at - start, quoted),
		       what);
}

/* What is right as JSON, but what a tree has no place for. */
static int
check_scalar(struct scan *s, size_t start, bool key)
{
	struct json_text t = { s->text + start, s->at - start };
	int64_t i;
	double d;

	if (key && memmem(t.s, t.len, "\\u0000", 6)) {
		_buf_ struct buf b = { 0 };

		json_add_string(&b, t, t.len);
		if (memchr(b.data, '\0', b.len))
			return refuse(s, start, "has a NUL, as a key");
	}
	if (json_kind(t) != JSON_IS_NUMBER)
		return 0;
	if (memchr(t.s, '.', t.len) || memchr(t.s, 'e', t.len) ||
	    memchr(t.s, 'E', t.len))
		return json_to_real(t, &d) ?
			       0 :
			       refuse(s, start, "is too large a number");
	return json_to_int(t, &i) ? 0 :
				    refuse(s, start, "does not fit 64 bits");
}

/* Whether what is wrong is the grammar, rather than a bound. */
enum outcome { DECODED = 0, NO_JSON = -1, OUT_OF_BOUNDS = -2 };

static enum outcome
decode(const char *text, size_t len, struct value **out, struct err *e)
{
	struct scan s = { .text = text, .len = len, .e = e };
	json_error_t error;
	json_t *j;

	if (scan_run(&s) < 0)
		return s.too_deep ? OUT_OF_BOUNDS : NO_JSON;
	s = (struct scan){
		.text = text, .len = len, .e = e, .scalar = check_scalar
	};
	if (scan_run(&s) < 0)
		return OUT_OF_BOUNDS;
	j = json_loadb(text, len,
		       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY |
			       JSON_ALLOW_NUL,
		       &error);
	if (!j) {
		err_set(e, ERR_USAGE, "at byte %d: %s", error.position,
			error.text);
		return OUT_OF_BOUNDS;
	}
	*out = from_jansson(j);
	json_decref(j);
	return DECODED;
}

int
json_decode(const char *text, size_t len, struct value **out, struct err *e)
{
	return decode(text, len, out, e) == DECODED ? 0 : -1;
}

/* Scalars must be bare: " 5" and "\"5\"" are strings. */
static bool
may_be_json(const char *text, size_t len)
{
	size_t start = strspn(text, " \t\r\n");

	if (text[start] == '{' || text[start] == '[')
		return true;
	return len && start == 0 && text[0] != '"' &&
	       !strchr(" \t\r\n", text[len - 1]);
}

int
json_parse_argument(const char *text, struct value **out, struct err *e)
{
	size_t len = strlen(text), at = 0, n;
	struct err ignored = ERR_INIT;
	enum outcome outcome = NO_JSON;

	for (; at < len; at += n) {
		n = text_utf8(text + at, len - at, NULL);
		if (!n)
			return err_set(
				e, ERR_USAGE,
				"at byte %zu: invalid UTF-8, byte 0x%02x", at,
				(unsigned char)text[at]);
	}
	if (may_be_json(text, len))
		outcome = decode(text, len, out, &ignored);
	if (outcome == OUT_OF_BOUNDS)
		*e = ignored;
	if (outcome == NO_JSON)
		*out = value_string_n(text, len);
	return outcome == OUT_OF_BOUNDS ? -1 : 0;
}
