#include "config/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/log.h"
#include "base/mem.h"

struct reader {
	yaml_parser_t parser;
	const char *text; /* without a byte order mark */
	size_t len;
	int first_line, left_cols;
	size_t nodes;
	struct err *e;
};

#define _reader_ _cleanup_(reader_release)
#define _event_ _cleanup_(yaml_event_delete)

static void
reader_release(struct reader *r)
{
	yaml_parser_delete(&r->parser);
}

/* --- Errors ------------------------------------------------------------- */

static int
line_of(const struct reader *r, yaml_mark_t at)
{
	return r->first_line + (int)at.line;
}

static int
col_of(const struct reader *r, yaml_mark_t at)
{
	return r->left_cols + 1 + (int)at.column;
}

__attribute__((format(printf, 3, 4))) static int
fail(const struct reader *r, yaml_mark_t at, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(r->e, ERR_USAGE, "%d:%d: %s", line_of(r, at), col_of(r, at),
		what);
	return -1;
}

static bool
is_start_of_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* The place of a byte, which is all that libyaml's reader knows. */
static yaml_mark_t
mark_of(const struct reader *r, size_t offset)
{
	yaml_mark_t at = { 0 };

	for (size_t i = 0; i < offset && i < r->len; i++) {
		char c = r->text[i];
		bool pair =
			c == '\r' && i + 1 < r->len && r->text[i + 1] == '\n';

		if (c == '\n' || (c == '\r' && !pair)) {
			at.line++;
			at.column = 0;
		} else if (is_start_of_character(c)) {
			at.column++;
		}
	}
	return at;
}

static char
character_at(const struct reader *r, size_t index)
{
	size_t i = 0;

	for (; i < r->len; i++)
		if (is_start_of_character(r->text[i]) && index-- == 0)
			break;
	return i < r->len ? r->text[i] : '\0';
}

/* What people run into most, in their words; "" where libyaml's will do. */
static const char *
explain(const struct reader *r)
{
	const yaml_parser_t *p = &r->parser;

	if (!strstr(p->problem, "cannot start any token"))
		return "";
	switch (character_at(r, p->problem_mark.index)) {
	case '\t':
		return " (a tab does not indent; use spaces)";
	case '%':
	case '@':
	case '`':
		return " (quote text that starts with %, @ or `)";
	default:
		return "";
	}
}

static int
fail_by_parser(const struct reader *r)
{
	const yaml_parser_t *p = &r->parser;

	if (p->error == YAML_MEMORY_ERROR)
		fatal("out of memory");
	if (p->error == YAML_READER_ERROR && p->problem_value != -1)
		return fail(r, mark_of(r, p->problem_offset),
			    "not YAML: %s (0x%02x)", p->problem,
			    (unsigned)p->problem_value);
	if (p->error == YAML_READER_ERROR)
		return fail(r, mark_of(r, p->problem_offset), "not YAML: %s",
			    p->problem);
	if (p->context)
		return fail(r, p->problem_mark,
			    "not YAML: %s%s %s that starts on line %d",
			    p->problem, explain(r), p->context,
			    line_of(r, p->context_mark));
	return fail(r, p->problem_mark, "not YAML: %s%s", p->problem,
		    explain(r));
}

/* --- Nodes -------------------------------------------------------------- */

static int
next_event(struct reader *r, yaml_event_t *ev)
{
	return yaml_parser_parse(&r->parser, ev) ? 0 : fail_by_parser(r);
}

static bool
is_plain(const yaml_event_t *ev)
{
	return ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       !ev->data.scalar.tag;
}

static int
read_scalar(struct reader *r, const yaml_event_t *ev, struct value **out)
{
	const char *s = (const char *)ev->data.scalar.value;
	const char *wrong;

	if (!is_plain(ev)) {
		*out = value_string_n(s, ev->data.scalar.length);
		return 0;
	}
	wrong = yaml_plain(s, out);
	return wrong ? fail(r, ev->start_mark, "%.40s is %s", s, wrong) : 0;
}

/* Anchors are only good for aliases, which may blow up; tags name types. */
static int
check_properties(const struct reader *r, const yaml_event_t *ev,
		 const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return fail(r, ev->start_mark, "anchors (&%.40s) are not taken",
			    (const char *)anchor);
	if (tag && (ev->type != YAML_SCALAR_EVENT ||
		    strcmp((const char *)tag, YAML_STR_TAG) != 0))
		return fail(r, ev->start_mark,
			    "tags are not taken, except !!str before text");
	return 0;
}

static int
check_event(struct reader *r, const yaml_event_t *ev)
{
	if (++r->nodes > YAML_MAX_NODES)
		return fail(r, ev->start_mark, "more than %d values",
			    YAML_MAX_NODES);
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return check_properties(r, ev, ev->data.scalar.anchor,
					ev->data.scalar.tag);
	case YAML_SEQUENCE_START_EVENT:
		return check_properties(r, ev, ev->data.sequence_start.anchor,
					ev->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return check_properties(r, ev, ev->data.mapping_start.anchor,
					ev->data.mapping_start.tag);
	case YAML_ALIAS_EVENT:
		return fail(r, ev->start_mark, "aliases (*%.40s) are not taken",
			    (const char *)ev->data.alias.anchor);
	default:
		fatal("libyaml: event %d where a node stands", (int)ev->type);
	}
}

static int read_node(struct reader *r, const yaml_event_t *ev, int depth,
		     struct value **out);

static int
read_sequence(struct reader *r, int depth, struct value *array)
{
	for (;;) {
		_event_ yaml_event_t ev = { 0 };
		struct value *item = NULL;

		if (next_event(r, &ev) < 0)
			return -1;
		if (ev.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (read_node(r, &ev, depth, &item) < 0)
			return -1;
		value_append(array, item);
	}
}

static int
check_key_text(const struct reader *r, const yaml_event_t *ev)
{
	const char *s = (const char *)ev->data.scalar.value;
	_value_ struct value *v = NULL;

	if (strlen(s) != ev->data.scalar.length)
		return fail(r, ev->start_mark, "a key with a NUL in it");
	if (!is_plain(ev))
		return 0;
	if (strcmp(s, "<<") == 0)
		return fail(r, ev->start_mark, "merge keys (<<) are not taken");
	if (*s == '\0')
		return fail(r, ev->start_mark, "a key is missing");
	if (yaml_plain(s, &v) || v->type != VALUE_STRING)
		return fail(r, ev->start_mark,
			    "the key %.40s is not a string; quote it", s);
	return 0;
}

static int
check_key(struct reader *r, const yaml_event_t *ev)
{
	if (check_event(r, ev) < 0)
		return -1;
	if (ev->type != YAML_SCALAR_EVENT)
		return fail(
			r, ev->start_mark, "a key must be a string, not a %s",
			ev->type == YAML_SEQUENCE_START_EVENT ? "list" : "map");
	return check_key_text(r, ev);
}

static int
read_member(struct reader *r, const yaml_event_t *key, int depth,
	    struct value *object)
{
	_event_ yaml_event_t ev = { 0 };
	struct value_member *m;
	struct value *v = NULL;

	if (check_key(r, key) < 0 || next_event(r, &ev) < 0 ||
	    read_node(r, &ev, depth, &v) < 0)
		return -1;
	m = value_add(object, (const char *)key->data.scalar.value, v);
	m->line = line_of(r, key->start_mark);
	m->col = col_of(r, key->start_mark);
	return 0;
}

/* By key, and equal ones in the order of the text. */
static int
compare_members(const void *a, const void *b)
{
	const struct value_member *x = *(const struct value_member *const *)a;
	const struct value_member *y = *(const struct value_member *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x > y) - (x < y);
}

static int
check_unique(const struct reader *r, const struct value *object)
{
	size_t n = object->u.object.n;
	_free_ const struct value_member **m = xcalloc(n + 1, sizeof(*m));
	const struct value_member *first = NULL, *again = NULL;

	for (size_t i = 0; i < n; i++)
		m[i] = &object->u.object.members[i];
	qsort(m, n, sizeof(const struct value_member *), compare_members);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(m[i - 1]->key, m[i]->key) != 0 ||
		    (again && m[i] > again))
			continue;
		first = m[i - 1];
		again = m[i];
	}
	if (!again)
		return 0;
	return err_set(r->e, ERR_USAGE,
		       "%d:%d: the key '%.40s' is here twice, first on line %d",
		       again->line, again->col, again->key, first->line);
}

static int
read_mapping(struct reader *r, int depth, struct value *object)
{
	for (;;) {
		_event_ yaml_event_t key = { 0 };

		if (next_event(r, &key) < 0)
			return -1;
		if (key.type == YAML_MAPPING_END_EVENT)
			return check_unique(r, object);
		if (read_member(r, &key, depth, object) < 0)
			return -1;
	}
}

static int
read_collection(struct reader *r, const yaml_event_t *ev, int depth,
		struct value *v)
{
	if (depth > VALUE_MAX_DEPTH)
		return fail(r, ev->start_mark, "nested deeper than %d",
			    VALUE_MAX_DEPTH);
	return v->type == VALUE_ARRAY ? read_sequence(r, depth, v) :
					read_mapping(r, depth, v);
}

/* `depth` is that of the collection around the node. */
static int
read_node(struct reader *r, const yaml_event_t *ev, int depth,
	  struct value **out)
{
	_value_ struct value *v = NULL;

	if (check_event(r, ev) < 0)
		return -1;
	if (ev->type == YAML_SCALAR_EVENT) {
		if (read_scalar(r, ev, &v) < 0)
			return -1;
	} else {
		v = ev->type == YAML_SEQUENCE_START_EVENT ? value_array() :
							    value_object();
		if (read_collection(r, ev, depth + 1, v) < 0)
			return -1;
	}
	v->line = line_of(r, ev->start_mark);
	v->col = col_of(r, ev->start_mark);
	*out = steal_ptr(&v);
	return 0;
}

/* --- The document ------------------------------------------------------- */

static bool
is_version(const char *line, size_t len)
{
	static const char version[] = "%YAML 1.";

	return len >= sizeof(version) &&
	       memcmp(line, version, sizeof(version) - 1) == 0;
}

/*
 * Directives stand before anything else; libyaml would compare each %TAG with
 * each before it.
 */
static int
check_directives(const struct reader *r)
{
	size_t len;

	for (size_t at = 0; at < r->len; at += len + 1) {
		const char *line = r->text + at;
		size_t blank = 0;

		for (len = 0; at + len < r->len; len++)
			if (line[len] == '\n' || line[len] == '\r')
				break;
		while (blank < len &&
		       (line[blank] == ' ' || line[blank] == '\t'))
			blank++;
		if (blank == len || line[blank] == '#')
			continue;
		if (*line != '%')
			return 0;
		if (!is_version(line, len))
			return fail(r, mark_of(r, at),
				    "directives are not taken, except "
				    "%%YAML 1.2");
	}
	return 0;
}

static int
read_document(struct reader *r, struct value **out)
{
	_event_ yaml_event_t ev = { 0 };
	_event_ yaml_event_t end = { 0 };

	if (next_event(r, &ev) < 0 || read_node(r, &ev, 0, out) < 0)
		return -1;
	return next_event(r, &end); /* the document's: nothing else is left */
}

static int
read_stream(struct reader *r, struct value **out)
{
	_event_ yaml_event_t start = { 0 };
	_event_ yaml_event_t first = { 0 };
	_event_ yaml_event_t second = { 0 };

	if (next_event(r, &start) < 0 || next_event(r, &first) < 0)
		return -1;
	if (first.type == YAML_STREAM_END_EVENT) {
		*out = value_null();
		(*out)->line = r->first_line;
		(*out)->col = r->left_cols + 1;
		return 0;
	}
	if (read_document(r, out) < 0 || next_event(r, &second) < 0)
		return -1;
	if (second.type == YAML_STREAM_END_EVENT)
		return 0;
	return fail(r, second.start_mark,
		    "a second document; there may be "
		    "one only");
}

static size_t
byte_order_mark(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

int
yaml_decode(const char *text, size_t len, int first_line, int left_cols,
	    struct value **out, struct err *e)
{
	size_t mark = byte_order_mark(text, len);
	_reader_ struct reader r = {
		.text = text + mark,
		.len = len - mark,
		.first_line = first_line,
		.left_cols = left_cols,
		.e = e,
	};
	_value_ struct value *v = NULL;

	if (len > YAML_MAX_TEXT)
		return err_set(e, ERR_USAGE,
			       "%d:%d: a text of more than %lu bytes",
			       first_line, left_cols + 1, YAML_MAX_TEXT);
	if (!yaml_parser_initialize(&r.parser))
		fatal("out of memory");
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text,
				     r.len);
	if (check_directives(&r) < 0 || read_stream(&r, &v) < 0)
		return -1;
	*out = steal_ptr(&v);
	return 0;
}
