/* Trees and checked text to JSON, compact or indented. */
#include "proto/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/*
 * All output goes through these few calls, whether it comes from a tree or
 * from text: what is between them decides the layout.
 */
struct writer {
	struct buf *out;
	bool pretty;
	bool empty; /* nothing yet in the array or object just opened */
	int depth;
};

static void
new_line(struct writer *w)
{
	if (!w->pretty)
		return;
	buf_addc(w->out, '\n');
	for (int i = 0; i < w->depth; i++)
		buf_adds(w->out, "  ");
}

static void
put_open(struct writer *w, char c)
{
	buf_addc(w->out, c);
	w->depth++;
	w->empty = true;
}

/* Before each item or key. */
static void
put_item(struct writer *w)
{
	if (!w->empty)
		buf_addc(w->out, ',');
	w->empty = false;
	new_line(w);
}

static void
put_close(struct writer *w, char c)
{
	w->depth--;
	if (!w->empty)
		new_line(w);
	w->empty = false;
	buf_addc(w->out, c);
}

static void
put_colon(struct writer *w)
{
	buf_adds(w->out, w->pretty ? ": " : ":");
}

/* --- Strings ---------------------------------------------------------------
 */

static void
put_escape(struct buf *out, uint32_t code)
{
	static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
	const char *found =
		code && code < 0x80 ? strchr(from, (int)code) : NULL;

	if (found)
		buf_addf(out, "\\%c", to[found - from]);
	else
		buf_addf(out, "\\u%04x", (unsigned)code);
}

/* `escaped`: what is between the quotes of checked text already. */
static void
put_text(struct buf *out, const char *s, size_t len, bool escaped)
{
	size_t clean = 0; /* bytes before `at` that are not added yet */

	for (size_t at = 0; at < len;) {
		uint32_t code = 0;
		size_t n = text_utf8(s + at, len - at, &code);

		if (n && !text_is_control(code) &&
		    (escaped || (code != '"' && code != '\\'))) {
			clean += n;
			at += n;
			continue;
		}
		buf_add(out, s + at - clean, clean);
		clean = 0;
		if (n)
			put_escape(out, code);
		else
			buf_adds(out, "\xef\xbf\xbd");
		at += n ? n : 1;
	}
	buf_add(out, s + len - clean, clean);
}

void
json_encode_string(const char *s, size_t len, struct buf *out)
{
	buf_addc(out, '"');
	put_text(out, s, len, false);
	buf_addc(out, '"');
}

/* --- Checked text -----------------------------------------------------------
 */

/* The length of a string or another scalar, which starts at `s`. */
static size_t
scalar_length(const char *s, size_t len)
{
	size_t n = 1;

	if (*s != '"') {
		while (n < len && !memchr(" \t\r\n,:]}", s[n], 8))
			n++;
		return n;
	}
	while (s[n] != '"')
		n += s[n] == '\\' ? 2 : 1;
	return n + 1;
}

/* Returns how much of the text it took. */
static size_t
put_scalar(struct writer *w, const char *s, size_t len)
{
	size_t n = scalar_length(s, len);

	put_text(w->out, s, n, true);
	return n;
}

static void
put_raw(struct writer *w, const char *s, size_t len)
{
	bool item = false; /* one comes next, unless the array is closed */

	for (size_t at = 0; at < len; at++) {
		char c = s[at];

		if (memchr(" \t\r\n", c, 4))
			continue;
		if (c == ']' || c == '}')
			put_close(w, c);
		else if (c == ':')
			put_colon(w);
		else if (c != ',' && item)
			put_item(w);
		if (c == '[' || c == '{')
			put_open(w, c);
		else if (!memchr("]}:,", c, 4))
			at += put_scalar(w, s + at, len - at) - 1;
		item = c == '[' || c == '{' || c == ',';
	}
}

/* --- Trees -------------------------------------------------------------------
 */

/* As few digits as give the same number back, and never an integer. */
static void
put_real(struct buf *out, double d)
{
	char text[32];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		/* also -0.0 is to be the same; d is finite */
		if (strtod(text, NULL) == d)
			break;
	}
	buf_adds(out, text);
	if (!strpbrk(text, ".e"))
		buf_adds(out, ".0");
}

static void put_value(struct writer *w, const struct value *v);

static void
put_array(struct writer *w, const struct value *v)
{
	put_open(w, '[');
	for (size_t i = 0; i < v->u.array.n; i++) {
		put_item(w);
		put_value(w, v->u.array.items[i]);
	}
	put_close(w, ']');
}

static void
put_object(struct writer *w, const struct value *v)
{
	put_open(w, '{');
	for (size_t i = 0; i < v->u.object.n; i++) {
		const struct value_member *m = &v->u.object.members[i];

		put_item(w);
		json_encode_string(m->key, strlen(m->key), w->out);
		put_colon(w);
		put_value(w, m->value);
	}
	put_close(w, '}');
}

static void
put_value(struct writer *w, const struct value *v)
{
	switch (v->type) {
	case VALUE_NULL:
		buf_adds(w->out, "null");
		break;
	case VALUE_BOOL:
		buf_adds(w->out, v->u.boolean ? "true" : "false");
		break;
	case VALUE_INT:
		buf_addf(w->out, "%lld", (long long)v->u.integer);
		break;
	case VALUE_REAL:
		put_real(w->out, v->u.real);
		break;
	case VALUE_STRING:
		json_encode_string(v->u.string.s, v->u.string.len, w->out);
		break;
	case VALUE_RAW:
		put_raw(w, v->u.string.s, v->u.string.len);
		break;
	case VALUE_ARRAY:
		put_array(w, v);
		break;
	case VALUE_OBJECT:
		put_object(w, v);
		break;
	}
}

void
json_encode(const struct value *v, struct buf *out)
{
	put_value(&(struct writer){ .out = out }, v);
}

void
json_encode_pretty(const struct value *v, struct buf *out)
{
	put_value(&(struct writer){ .out = out, .pretty = true }, v);
}
