/* The scanner: one pass, no memory, no recursion. */
#include "proto/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

_Static_assert(VALUE_MAX_DEPTH <= 64, "scan.objects has a bit for each level");

/* What people write that is not JSON, and what to say of it. */
static const struct {
	const char *text;
	const char *what;
} foreign[] = {
	{ "NaN", "NaN, which JSON has not" },
	{ "Infinity", "Infinity, which JSON has not" },
	{ "-Infinity", "-Infinity, which JSON has not" },
	{ "None", "None, which JSON writes null" },
	{ "True", "True, which JSON writes true" },
	{ "False", "False, which JSON writes false" },
	{ "'", "a single quote; JSON has double ones" },
	{ "\xef\xbb\xbf", "a byte order mark" },
};

static bool
starts_with(const struct scan *s, const char *word)
{
	size_t n = strlen(word);

	return s->len - s->at >= n && memcmp(s->text + s->at, word, n) == 0;
}

/* Name what stands at `at`. */
static void
describe(const struct scan *s, char *buf, size_t size)
{
	unsigned char c;

	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		if (starts_with(s, foreign[i].text)) {
			snprintf(buf, size, "%s", foreign[i].what);
			return;
		}
	}
	if (s->at >= s->len) {
		snprintf(buf, size, "the end");
		return;
	}
	c = (unsigned char)s->text[s->at];
	if (c > 0x20 && c < 0x7f)
		snprintf(buf, size, "'%c'", c);
	else
		snprintf(buf, size, "byte 0x%02x", c);
}

static unsigned long long
position(const struct scan *s)
{
	return s->base + s->at;
}

static int
expected(const struct scan *s, const char *what)
{
	char found[64];

	describe(s, found, sizeof(found));
	return err_set(s->e, ERR_USAGE, "at byte %llu: expected %s, found %s",
		       position(s), what, found);
}

__attribute__((format(printf, 2, 3))) static int
wrong(const struct scan *s, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(s->e, ERR_USAGE, "at byte %llu: %s", position(s), what);
}

/* --- Strings -------------------------------------------------------------- */

#define EACH(byte) (0x0101010101010101ULL * (byte))

/* Whether one of eight bytes is a control, '"', '\\' or not ASCII. */
static bool
any_special(uint64_t w)
{
	uint64_t quote = w ^ EACH('"'), slash = w ^ EACH('\\');

	return (w | (w - EACH(0x20)) | (quote - EACH(1)) | (slash - EACH(1))) &
	       EACH(0x80);
}

/* Step over bytes that stand for themselves. */
static void
skip_plain(struct scan *s)
{
	const char *p = s->text + s->at, *end = s->text + s->len;

	for (uint64_t w; end - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		if (any_special(w))
			break;
	}
	while (p < end && (unsigned char)*p >= 0x20 && *p != '"' &&
	       *p != '\\' && (unsigned char)*p < 0x80)
		p++;
	s->at = (size_t)(p - s->text);
}

/* The four digits after \u; -1 where they are none. */
static int
hex4(const struct scan *s, size_t at)
{
	int code = 0;

	for (size_t i = at; i < at + 4; i++) {
		int c = i < s->len ? s->text[i] : 0;

		if (c >= '0' && c <= '9')
			code = code * 16 + c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			code = code * 16 + (c | 32) - 'a' + 10;
		else
			return -1;
	}
	return code;
}

/* \uXXXX, at the backslash. */
static int
scan_unicode(struct scan *s)
{
	int code = hex4(s, s->at + 2), low = -1;

	if (code < 0)
		return wrong(s, "\\u without four hexadecimal digits");
	if (code >= 0xd800 && code < 0xdc00 && s->len - s->at >= 12 &&
	    s->text[s->at + 6] == '\\' && s->text[s->at + 7] == 'u')
		low = hex4(s, s->at + 8);
	if (low >= 0xdc00 && low < 0xe000) {
		s->at += 12;
		return 0;
	}
	if (code >= 0xd800 && code < 0xe000)
		return wrong(s, "half of a surrogate pair, \\u%04x", code);
	s->at += 6;
	return 0;
}

static int
scan_escape(struct scan *s)
{
	char c = s->at + 1 < s->len ? s->text[s->at + 1] : 0;

	if (c == 'u')
		return scan_unicode(s);
	if (!c || !strchr("\"\\/bfnrt", c)) {
		s->at++;
		return expected(s, "one of \"\\/bfnrtu after a backslash");
	}
	s->at += 2;
	return 0;
}

/* The rest of a string, after its first quote. */
static int
scan_string(struct scan *s)
{
	for (;;) {
		unsigned char c;
		size_t n = 1;

		skip_plain(s);
		if (s->at >= s->len)
			return expected(s, "the end of a string");
		c = (unsigned char)s->text[s->at];
		if (c == '"') {
			s->at++;
			return 0;
		}
		if (c == '\\') {
			if (scan_escape(s) < 0)
				return -1;
			continue;
		}
		if (c < 0x20)
			return wrong(s,
				     "control character 0x%02x in a string; "
				     "write \\u%04x",
				     c, c);
		n = text_utf8(s->text + s->at, s->len - s->at, NULL);
		if (!n)
			return wrong(s, "invalid UTF-8, byte 0x%02x", c);
		s->at += n;
	}
}

/* --- Numbers and words ---------------------------------------------------- */

static bool
is_digit(const struct scan *s)
{
	return s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9';
}

static int
scan_digits(struct scan *s)
{
	if (!is_digit(s))
		return expected(s, "a digit");
	while (is_digit(s))
		s->at++;
	return 0;
}

static bool
skip_char(struct scan *s, const char *set)
{
	if (s->at >= s->len || !memchr(set, s->text[s->at], strlen(set)))
		return false;
	s->at++;
	return true;
}

static int
scan_number(struct scan *s)
{
	size_t start = s->at;

	skip_char(s, "-");
	if (skip_char(s, "0")) {
		if (is_digit(s))
			return wrong(s, "a digit after a leading zero");
	} else if (scan_digits(s) < 0) {
		s->at = start;
		return expected(s, "a value");
	}
	if (skip_char(s, ".") && scan_digits(s) < 0)
		return -1;
	if (skip_char(s, "eE")) {
		skip_char(s, "+-");
		return scan_digits(s);
	}
	return 0;
}

static int
scan_word(struct scan *s, const char *word)
{
	if (!starts_with(s, word))
		return expected(s, "a value");
	s->at += strlen(word);
	return 0;
}

/* --- Structure -------------------------------------------------------------
 */

static bool
in_object(const struct scan *s)
{
	return s->depth && (s->objects >> (s->depth - 1) & 1);
}

static int
scan_open(struct scan *s, bool object)
{
	uint64_t bit;

	if (s->depth == VALUE_MAX_DEPTH) {
		s->too_deep = true;
		return wrong(s, "nested deeper than %d", VALUE_MAX_DEPTH);
	}
	bit = UINT64_C(1) << s->depth++;
	s->objects = object ? s->objects | bit : s->objects & ~bit;
	s->next = object ? SCAN_KEY_OR_END : SCAN_VALUE_OR_END;
	s->at++;
	return 0;
}

/* A value ended: is it one that is waited for? */
static int
value_done(struct scan *s)
{
	struct json_text key = { 0 }, value;

	s->next = s->depth ? SCAN_COMMA_OR_END : SCAN_END;
	if (s->depth != 1 || !s->fn)
		return 0;
	if (in_object(s))
		key = (struct json_text){ s->text + s->key, s->key_len };
	value = (struct json_text){ s->text + s->value, s->at - s->value };
	return s->fn(s->arg, key, value, s->e);
}

static int
scan_close(struct scan *s, char c)
{
	bool object = in_object(s);

	if (c != (object ? '}' : ']'))
		return expected(s, object ? "',' or '}'" : "',' or ']'");
	s->depth--;
	s->at++;
	return value_done(s);
}

static int
scan_scalar(struct scan *s, char c)
{
	switch (c) {
	case '"':
		s->at++;
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		return scan_number(s);
	}
}

static int
scan_value(struct scan *s, char c)
{
	size_t start = s->at;

	if (s->depth == 1)
		s->value = start;
	if (c == '{' || c == '[')
		return scan_open(s, c == '{');
	if (scan_scalar(s, c) < 0)
		return -1;
	if (s->scalar && s->scalar(s, start, false) < 0)
		return -1;
	return value_done(s);
}

static int
scan_key(struct scan *s, char c)
{
	size_t start = s->at;

	if (c != '"')
		return expected(s, s->next == SCAN_KEY_OR_END ?
					   "a string as key or '}'" :
					   "a string as key");
	s->at++;
	if (scan_string(s) < 0)
		return -1;
	if (s->scalar && s->scalar(s, start, true) < 0)
		return -1;
	if (s->depth == 1) {
		s->key = start;
		s->key_len = s->at - start;
	}
	s->next = SCAN_COLON;
	return 0;
}

/* One step: `c` is what comes next that is no white space, 0 at the end. */
static int
scan_step(struct scan *s, char c)
{
	switch (s->next) {
	case SCAN_VALUE_OR_END:
		return c == ']' ? scan_close(s, c) : scan_value(s, c);
	case SCAN_VALUE:
		return scan_value(s, c);
	case SCAN_KEY_OR_END:
		return c == '}' ? scan_close(s, c) : scan_key(s, c);
	case SCAN_KEY:
		return scan_key(s, c);
	case SCAN_COLON:
		if (c != ':')
			return expected(s, "':'");
		break;
	case SCAN_COMMA_OR_END:
		if (c != ',')
			return scan_close(s, c);
		break;
	case SCAN_END:
		return expected(s, "the end");
	}
	s->next =
		s->next == SCAN_COLON || !in_object(s) ? SCAN_VALUE : SCAN_KEY;
	s->at++;
	return 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
scan_run(struct scan *s)
{
	s->next = SCAN_VALUE;
	for (;;) {
		while (s->at < s->len && is_space(s->text[s->at]))
			s->at++;
		if (s->at >= s->len && s->next == SCAN_END)
			return 0;
		if (scan_step(s, s->at < s->len ? s->text[s->at] : 0) < 0)
			return -1;
	}
}

int
json_each(const char *text, size_t len, uint64_t base, json_each_fn *fn,
	  void *arg, struct err *e)
{
	struct scan s = {
		.text = text,
		.len = len,
		.base = base,
		.fn = fn,
		.arg = arg,
		.e = e,
	};

	return scan_run(&s);
}

int
json_check(const char *text, size_t len, struct err *e)
{
	return json_each(text, len, 0, NULL, NULL, e);
}
