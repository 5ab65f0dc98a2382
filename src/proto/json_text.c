/* What pieces of checked text say. */
#include "proto/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* No number that a double was printed as is longer. */
#define NUMBER_MAX 400

enum json_kind
json_kind(struct json_text t)
{
	switch (*t.s) {
	case '{':
		return JSON_IS_OBJECT;
	case '[':
		return JSON_IS_ARRAY;
	case '"':
		return JSON_IS_STRING;
	case 't':
	case 'f':
		return JSON_IS_BOOL;
	case 'n':
		return JSON_IS_NULL;
	default:
		return JSON_IS_NUMBER;
	}
}

static uint32_t
hex4(const char *s)
{
	uint32_t code = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)s[i];

		code = code << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	return code;
}

/* The escape at `s`: its code point; *len is its length. */
static uint32_t
unescape(const char *s, size_t *len)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *found;
	uint32_t code;

	*len = 2;
	if (s[1] != 'u') {
		found = strchr(from, s[1]);
		return (unsigned char)(found ? to[found - from] : s[1]);
	}
	*len = 6;
	code = hex4(s + 2);
	if (code < 0xd800 || code > 0xdfff)
		return code;
	*len = 12;
	return 0x10000 + ((code - 0xd800) << 10) + (hex4(s + 8) - 0xdc00);
}

/* The character at `s`, as it is meant; *step is its length as written. */
static size_t
one_character(const char *s, size_t len, size_t *step, char out[4])
{
	if (*s == '\\')
		return text_encode(unescape(s, step), out);
	*step = text_utf8(s, len, NULL);
	memcpy(out, s, *step);
	return *step;
}

/* Add the start that has no escape, if there is room for all of it. */
static size_t
add_plain(struct buf *out, const char *s, size_t len, size_t max)
{
	const char *slash = memchr(s, '\\', len);
	size_t run = slash ? (size_t)(slash - s) : len;

	if (run > max)
		return 0;
	buf_add(out, s, run);
	return run;
}

size_t
json_add_string(struct buf *out, struct json_text t, size_t max)
{
	const char *s = t.s + 1, *end = t.s + t.len - 1;
	size_t step, n, left_out = 0;
	char c[4];

	while (s < end) {
		step = left_out ? 0 : add_plain(out, s, (size_t)(end - s), max);
		max -= step;
		s += step;
		if (s == end)
			break;
		n = one_character(s, (size_t)(end - s), &step, c);
		s += step;
		if (n > max || left_out) {
			left_out += n;
			continue;
		}
		buf_add(out, c, n);
		max -= n;
	}
	return left_out;
}

bool
json_text_is(struct json_text t, const char *want)
{
	_buf_ struct buf b;
	size_t len = strlen(want);

	buf_init(&b, len);
	if (!t.s || json_kind(t) != JSON_IS_STRING)
		return false;
	if (!memchr(t.s, '\\', t.len))
		return t.len == len + 2 && memcmp(t.s + 1, want, len) == 0;
	return json_add_string(&b, t, len) == 0 && b.len == len &&
	       (len == 0 || memcmp(b.data, want, len) == 0);
}

/* A NUL-terminated copy of a number; false where it is too long for one. */
static bool
copy_number(struct json_text t, char buf[NUMBER_MAX])
{
	if (json_kind(t) != JSON_IS_NUMBER || t.len >= NUMBER_MAX)
		return false;
	memcpy(buf, t.s, t.len);
	buf[t.len] = '\0';
	return true;
}

bool
json_to_int(struct json_text t, int64_t *i)
{
	char buf[NUMBER_MAX];
	long long n;

	if (!copy_number(t, buf) || strpbrk(buf, ".eE"))
		return false;
	errno = 0;
	n = strtoll(buf, NULL, 10);
	if (errno)
		return false;
	*i = n;
	return true;
}

bool
json_to_real(struct json_text t, double *d)
{
	char buf[NUMBER_MAX];
	double r;

	if (!copy_number(t, buf))
		return false;
	r = strtod(buf, NULL);
	if (!isfinite(r))
		return false;
	*d = r;
	return true;
}

/* --- Members that are looked for -------------------------------------------
 */

static const char *const kind_names[] = {
	"null", "a boolean", "a number", "a string", "an array", "an object",
};

/* "a number, a string or null" */
static void
name_kinds(unsigned kinds, struct buf *out)
{
	for (size_t i = ARRAY_SIZE(kind_names); i-- > 0;) {
		if (!(kinds >> i & 1))
			continue;
		kinds &= ~(1U << i);
		buf_adds(out, kind_names[i]);
		if (kinds)
			buf_adds(out, kinds & (kinds - 1) ? ", " : " or ");
	}
}

static const char *
kind_name(struct json_text t)
{
	return kind_names[__builtin_ctz(json_kind(t))];
}

struct pick {
	const char *text;
	uint64_t base;
	struct json_field *fields;
	size_t count;
};

static int
pick_field(const struct pick *p, struct json_field *field,
	   struct json_text value, struct err *e)
{
	_buf_ struct buf allowed = { 0 };
	unsigned long long at = p->base + (size_t)(value.s - p->text);

	if (field->value.s)
		return err_set(e, ERR_USAGE,
			       "at byte %llu: \"%s\" is there twice", at,
			       field->name);
	field->value = value;
	if (field->kinds & json_kind(value))
		return 0;
	name_kinds(field->kinds, &allowed);
	return err_set(e, ERR_USAGE, "at byte %llu: \"%s\" must be %s, not %s",
		       at, field->name, allowed.data, kind_name(value));
}

static int
pick_member(void *arg, struct json_text key, struct json_text value,
	    struct err *e)
{
	const struct pick *p = arg;

	for (size_t i = 0; key.s && i < p->count; i++)
		if (json_text_is(key, p->fields[i].name))
			return pick_field(p, &p->fields[i], value, e);
	return 0;
}

int
json_pick(const char *text, size_t len, uint64_t base,
	  struct json_field *fields, size_t count, struct err *e)
{
	struct pick p = { text, base, fields, count };
	uint64_t at;
	size_t start = 0;

	if (json_each(text, len, base, pick_member, &p, e) < 0)
		return -1;
	while (strchr(" \t\r\n", text[start]))
		start++;
	if (text[start] == '{')
		return 0;
	at = base + start;
	return err_set(e, ERR_USAGE,
		       "at byte %llu: expected an object, found %s",
		       (unsigned long long)at,
		       kind_name((struct json_text){ text + start, 1 }));
}
