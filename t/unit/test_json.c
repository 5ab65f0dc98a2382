/* proto/json: what is JSON, what a text says, and how trees are written. */
#include "tap.h"

#include "base/mem.h"
#include "proto/json.h"

/* Most inputs are literals; those with a NUL in them say how long they are. */
struct text {
	const char *s;
	size_t len;
};

#define T(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct {
	const char *title;
	struct text in;
	const char *want; /* error; NULL: accepted */
} checks[] = {
	{ "null", T("null"), NULL },
	{ "white space of all four kinds", T(" \t\r\n[ \n1 ,\t2 ]\r "), NULL },
	{ "an empty object", T("{}"), NULL },
	{ "an empty array", T("[]"), NULL },
	{ "nested empties", T("[[],{},[{}]]"), NULL },
	{ "an empty key", T("{\"\":1}"), NULL },
	{ "a member given twice", T("{\"a\":1,\"a\":2}"), NULL },
	{ "zero", T("0"), NULL },
	{ "minus zero", T("-0"), NULL },
	{ "2^64", T("18446744073709551616"), NULL },
	{ "a number of every part", T("-12.034e+056"), NULL },
	{ "a number too large for a double", T("1e999"), NULL },
	{ "every short escape", T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), NULL },
	{ "an escape of four digits", T("\"\\u00e9\\uABCD\\u0000\""), NULL },
	{ "a surrogate pair", T("\"\\ud83d\\uDE00\""), NULL },
	{ "DEL and C1 in a string", T("\"\x7f\xc2\x80\""), NULL },
	{ "two bytes of UTF-8", T("\"\xc2\x80\xdf\xbf\""), NULL },
	{ "three bytes of UTF-8",
	  T("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""), NULL },
	{ "four bytes of UTF-8", T("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
	  NULL },
	{ "a quote after seven and after eight bytes",
	  T("[\"1234567\",\"12345678\",\"123456789\"]"), NULL },

	{ "nothing", T(""), "at byte 0: expected a value, found the end" },
	{ "white space only", T("  \n"),
	  "at byte 3: expected a value, found the end" },
	{ "a word", T("hello"), "at byte 0: expected a value, found 'h'" },
	{ "a word that starts right", T("nul"),
	  "at byte 0: expected a value, found 'n'" },
	{ "a word that goes on", T("nullx"),
	  "at byte 4: expected the end, found 'x'" },
	{ "a word in upper case", T("NULL"), "at byte 0: expected a value" },
	{ "two values", T("1 2"), "at byte 2: expected the end, found '2'" },
	{ "an open array", T("[1"),
	  "at byte 2: expected ',' or ']', found the end" },
	{ "an open object", T("{\"a\":1"),
	  "at byte 6: expected ',' or '}', found the end" },
	{ "an array closed as an object", T("[1}"),
	  "at byte 2: expected ',' or ']', found '}'" },
	{ "an object closed as an array", T("{\"a\":1]"),
	  "at byte 6: expected ',' or '}', found ']'" },
	{ "a closed array, closed again", T("[]]"),
	  "at byte 2: expected the end, found ']'" },
	{ "a comma before the end of an array", T("[1,]"),
	  "at byte 3: expected a value, found ']'" },
	{ "a comma before the end of an object", T("{\"a\":1,}"),
	  "at byte 7: expected a string as key, found '}'" },
	{ "a comma first", T("[,1]"), "at byte 1: expected a value" },
	{ "two commas", T("[1,,2]"), "at byte 3: expected a value" },
	{ "no comma", T("[1 2]"), "at byte 3: expected ',' or ']'" },
	{ "a number as a key", T("{1:2}"),
	  "at byte 1: expected a string as key or '}', found '1'" },
	{ "no colon", T("{\"a\" 1}"), "at byte 5: expected ':', found '1'" },
	{ "two colons", T("{\"a\"::1}"), "at byte 5: expected a value" },
	{ "a key alone", T("{\"a\"}"), "at byte 4: expected ':', found '}'" },
	{ "a colon in an array", T("[\"a\":1]"),
	  "at byte 4: expected ',' or ']', found ':'" },
	{ "a NUL", T("\0"), "at byte 0: expected a value, found byte 0x00" },
	{ "a NUL behind a value", T("1\0"),
	  "at byte 1: expected the end, found byte 0x00" },
	{ "a NUL in an array", T("[\0]"), "at byte 1: expected a value" },
	{ "a vertical tab as white space", T("\v1"),
	  "at byte 0: expected a value, found byte 0x0b" },
	{ "a no-break space as white space", T("\xc2\xa0"), "at byte 0" },
	{ "a comment", T("[1] // x"), "at byte 4: expected the end" },

	{ "a plus sign", T("+1"), "at byte 0: expected a value, found '+'" },
	{ "a minus sign alone", T("-"), "at byte 0: expected a value" },
	{ "two minus signs", T("--1"), "at byte 0: expected a value" },
	{ "a leading zero", T("01"),
	  "at byte 1: a digit after a leading zero" },
	{ "minus and a leading zero", T("-012"), "at byte 2: a digit after" },
	{ "a point first", T(".5"), "at byte 0: expected a value" },
	{ "a point last", T("[5.]"), "at byte 3: expected a digit, found ']'" },
	{ "an exponent without digits", T("1e"),
	  "at byte 2: expected a digit, found the end" },
	{ "an exponent with a sign alone", T("1e+"), "at byte 3" },
	{ "a hexadecimal number", T("0x10"), "at byte 1: expected the end" },
	{ "NaN", T("[NaN]"),
	  "at byte 1: expected a value, found NaN, which JSON has not" },
	{ "Infinity", T("Infinity"), "found Infinity, which JSON has not" },
	{ "-Infinity", T("-Infinity"), "found -Infinity, which JSON has not" },
	{ "True of Python", T("[True]"), "which JSON writes true" },
	{ "None of Python", T("[None]"), "which JSON writes null" },
	{ "single quotes", T("{'a':1}"),
	  "found a single quote; JSON has double ones" },
	{ "a byte order mark", T("\xef\xbb\xbf{}"),
	  "at byte 0: expected a value, found a byte order mark" },

	{ "an open string", T("\"abc"),
	  "at byte 4: expected the end of a string, found the end" },
	{ "a string that ends in a backslash", T("\"abc\\"),
	  "at byte 5: expected one of" },
	{ "a string whose quote is escaped", T("\"abc\\\""),
	  "at byte 6: expected the end of a string" },
	{ "a line feed in a string", T("\"a\nb\""),
	  "at byte 2: control character 0x0a in a string; write \\u000a" },
	{ "a NUL in a string", T("\"a\0b\""), "at byte 2: control character" },
	{ "byte 0x1f in a string", T("\"abcdefgh\x1f\""), "at byte 9" },
	{ "an unknown escape", T("\"\\x41\""),
	  "at byte 2: expected one of \"\\/bfnrtu after a backslash, found "
	  "'x'" },
	{ "an escaped NUL byte", T("\"\\\0\""), "at byte 2: expected one of" },
	{ "an escape in upper case", T("\"\\N\""), "at byte 2" },
	{ "\\u with no digit", T("\"\\u\""), "at byte 1: \\u without four" },
	{ "\\u with three digits", T("\"\\u123\""), "at byte 1: \\u without" },
	{ "\\u with a letter that is no digit", T("\"\\u12g4\""), "at byte 1" },
	{ "\\u cut by the end", T("\"\\u12"), "at byte 1: \\u without four" },
	{ "a high surrogate alone", T("\"\\ud800\""),
	  "at byte 1: half of a surrogate pair, \\ud800" },
	{ "a low surrogate alone", T("\"\\udfff\""),
	  "at byte 1: half of a surrogate pair, \\udfff" },
	{ "a high surrogate and a letter", T("\"\\ud83dxxxxxx\""), "half of" },
	{ "a high surrogate and another escape", T("\"\\ud83d\\n12345\""),
	  "half of" },
	{ "two high surrogates", T("\"\\ud83d\\ud83d\""), "at byte 1: half" },
	{ "surrogates the wrong way round", T("\"\\ude00\\ud83d\""),
	  "at byte 1: half" },
	{ "a pair cut by the end", T("\"\\ud83d\\ude0"), "at byte 1: half" },
	{ "a lone surrogate in a key", T("{\"\\ud800\":1}"), "at byte 2" },

	{ "a continuation byte alone", T("\"\x80\""),
	  "at byte 1: invalid UTF-8, byte 0x80" },
	{ "an overlong slash, two bytes", T("\"\xc0\xaf\""), "byte 0xc0" },
	{ "an overlong letter, two bytes", T("\"\xc1\xbf\""), "byte 0xc1" },
	{ "an overlong sequence of three", T("\"\xe0\x9f\xbf\""), "byte 0xe0" },
	{ "an overlong sequence of four", T("\"\xf0\x8f\xbf\xbf\""),
	  "byte 0xf0" },
	{ "a surrogate in UTF-8", T("\"\xed\xa0\x80\""), "byte 0xed" },
	{ "the last surrogate in UTF-8", T("\"\xed\xbf\xbf\""), "byte 0xed" },
	{ "a code point past the last", T("\"\xf4\x90\x80\x80\""),
	  "byte 0xf4" },
	{ "a lead byte of five", T("\"\xf8\x88\x80\x80\x80\""), "byte 0xf8" },
	{ "byte 0xff", T("\"\xff\""), "byte 0xff" },
	{ "two of three bytes", T("\"\xe2\x82\""), "at byte 1: invalid UTF-8" },
	{ "two of three bytes, at the end", T("\"\xe2\x82"), "at byte 1" },
	{ "three of four bytes", T("\"\xf0\x9f\x98\""), "at byte 1" },
	{ "a wrong third byte", T("\"\xe2\x82\x28\""), "at byte 1" },
	{ "a wrong fourth byte", T("\"\xf0\x9f\x98\x28\""), "at byte 1" },
	{ "invalid UTF-8 outside of a string", T("[\xff]"),
	  "at byte 1: expected a value, found byte 0xff" },
	{ "invalid UTF-8 in a key", T("{\"\xff\":1}"), "at byte 2: invalid" },
};

static void
test_check(void)
{
	for (size_t i = 0; i < TAP_COUNT(checks); i++) {
		struct err e = ERR_INIT;
		/* its own memory, so that the sanitizer sees its end */
		size_t len = checks[i].in.len;
		char *copy = memcpy(malloc(len ? len : 1), checks[i].in.s, len);
		int r = json_check(copy, len, &e);

		free(copy);
		if (!checks[i].want)
			is_str(e.msg, "", "%s is accepted", checks[i].title);
		else if (is_int(r, -1, "%s is refused", checks[i].title))
			has_str(e.msg, checks[i].want,
				"... and it is said "
				"where and why");
	}
}

/* `open` so many times, `middle`, `close` as often. */
static char *
nest(size_t depth, const char *open, const char *middle, const char *close)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < depth; i++)
		buf_adds(&b, open);
	buf_adds(&b, middle);
	for (size_t i = 0; i < depth; i++)
		buf_adds(&b, close);
	return buf_steal(&b);
}

static void
test_depth(void)
{
	static const struct {
		const char *title, *open, *middle, *close;
		size_t depth;
		const char *want;
	} cases[] = {
		{ "64 arrays", "[", "", "]", 64, NULL },
		{ "65 arrays", "[", "", "]", 65,
		  "at byte 64: nested deeper than 64" },
		{ "64 objects", "{\"a\":", "1", "}", 64, NULL },
		{ "65 objects", "{\"a\":", "1", "}", 65,
		  "at byte 320: nested deeper than 64" },
		{ "a mixture of 64", "[{\"a\":", "1", "}]", 32, NULL },
		{ "a mixture closed wrongly", "[{\"a\":", "1", "]}", 32,
		  "expected ',' or '}', found ']'" },
		{ "500,000 arrays", "[", "", "]", 500000,
		  "at byte 64: nested deeper than 64" },
		{ "500,000 objects, never closed", "{\"a\":", "1", "", 500000,
		  "nested deeper than 64" },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct err e = ERR_INIT;
		_value_ struct value *v = NULL;
		_free_ char *text = nest(cases[i].depth, cases[i].open,
					 cases[i].middle, cases[i].close);
		int r = json_check(text, strlen(text), &e);

		is_int(r, cases[i].want ? -1 : 0, "%s: %s", cases[i].title,
		       cases[i].want ? "refused" : "accepted");
		if (cases[i].want)
			has_str(e.msg, cases[i].want, "... as it should be");
		is_int(json_decode(text, strlen(text), &v, &e), r,
		       "... and a tree the same");
	}
}

static const char rich[] =
	"{\"a\":[1,-2.5e3,true,false,null,{\"k\\u00e9\":\"\\ud83d\\ude00\"}],"
	"\"\xc3\xa9\":\"\xe2\x82\xac \\\"x\\\"\",\"c\":{}}";

static void
test_prefixes(void)
{
	size_t len = sizeof(rich) - 1, accepted = 0;
	struct err e = ERR_INIT;

	is_int(json_check(rich, len, &e), 0, "a rich text is accepted");
	for (size_t n = 0; n < len; n++) {
		char *copy = memcpy(malloc(n ? n : 1), rich, n);

		accepted += json_check(copy, n, &e) == 0;
		free(copy);
	}
	is_int((intmax_t)accepted, 0, "no shorter start of it is");
}

/* --- Members ----------------------------------------------------------------
 */

static int
note(void *arg, struct json_text key, struct json_text value, struct err *e)
{
	struct buf *b = arg;

	(void)e;
	buf_add(b, key.s ? key.s : "-", key.s ? key.len : 1);
	buf_addc(b, '=');
	buf_add(b, value.s, value.len);
	buf_addc(b, ';');
	return 0;
}

static int
stop(void *arg, struct json_text key, struct json_text value, struct err *e)
{
	(void)arg, (void)key, (void)value;
	return err_set(e, ERR_USAGE, "enough");
}

static void
test_each(void)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "{ \"a\" : 1 , \"b\\n\":[ 1,{\"c\":2}] ,\"d\":{\"e\": []} }",
		  "\"a\"=1;\"b\\n\"=[ 1,{\"c\":2}];\"d\"={\"e\": []};" },
		{ "[1, \"x\" ,[2,3],{\"a\":1}]",
		  "-=1;-=\"x\";-=[2,3];-={\"a\":1};" },
		{ "{}", "" },
		{ "[]", "" },
		{ " 12 ", "" },
		{ "\"x\"", "" },
	};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_buf_ struct buf b = { 0 };

		json_each(cases[i].in, strlen(cases[i].in), 0, note, &b, &e);
		is_str(b.data ? b.data : "", cases[i].want,
		       "the members of %s are told", cases[i].in);
	}
	is_int(json_each("[1]", 3, 0, stop, NULL, &e), -1,
	       "the one who is told may stop the scan");
	is_str(e.msg, "enough", "... and says why");
	is_int(json_each("[1,", 3, 1000, NULL, NULL, &e), -1,
	       "a text within a stream is scanned");
	has_str(e.msg, "at byte 1003: ", "... and positions are the stream's");
}

static void
test_pick(void)
{
	static const struct {
		const char *title, *in, *want;
	} cases[] = {
		{ "members are found in any order",
		  "{\"other\":{\"id\":9},\"name\":\"x\",\"id\":7}",
		  "id=7 name=\"x\"" },
		{ "an escaped key is the same key",
		  "{\"\\u0069\\u0064\":7,\"n\\u0061me\":\"x\"}",
		  "id=7 name=\"x\"" },
		{ "a key with a NUL behind it is another", "{\"id\\u0000\":7}",
		  "id=- name=-" },
		{ "a longer key is another", "{\"idx\":7,\"i\":7}",
		  "id=- name=-" },
		{ "absent members are none", "{}", "id=- name=-" },
		{ "null may be allowed", "{\"id\":null}", "id=null name=-" },
		{ "a member twice is refused", "{\"id\":1,\"i\\u0064\":2}",
		  "at byte 118: \"id\" is there twice" },
		{ "a wrong kind is refused", "{\"id\":[7]}",
		  "at byte 106: \"id\" must be a number or null, not an "
		  "array" },
		{ "another wrong kind is refused", "{\"name\":{}}",
		  "at byte 108: \"name\" must be a string, not an object" },
		{ "an array is no object", " [1]",
		  "at byte 101: expected an object, found an array" },
		{ "a number is no object", "1",
		  "at byte 100: expected an object, found a number" },
		{ "what follows is checked", "{\"id\":1}x",
		  "at byte 108: expected the end, found 'x'" },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct json_field f[] = {
			{ "id", JSON_IS_NUMBER | JSON_IS_NULL, { 0 } },
			{ "name", JSON_IS_STRING, { 0 } },
		};
		struct err e = ERR_INIT;
		char got[sizeof(e.msg)];

		if (json_pick(cases[i].in, strlen(cases[i].in), 100, f, 2,
			      &e) == 0)
			snprintf(got, sizeof(got), "id=%.*s name=%.*s",
				 f[0].value.s ? (int)f[0].value.len : 1,
				 f[0].value.s ? f[0].value.s : "-",
				 f[1].value.s ? (int)f[1].value.len : 1,
				 f[1].value.s ? f[1].value.s : "-");
		else
			snprintf(got, sizeof(got), "%s", e.msg);
		is_str(got, cases[i].want, "%s", cases[i].title);
	}
}

/* --- Scalars ----------------------------------------------------------------
 */

static void
test_strings(void)
{
	static const struct {
		const char *in;
		size_t max;
		const char *want;
		size_t left_out;
	} cases[] = {
		{ "\"\"", 10, "", 0 },
		{ "\"abc\"", 10, "abc", 0 },
		{ "\"abc\"", 3, "abc", 0 },
		{ "\"abc\"", 2, "ab", 1 },
		{ "\"abc\"", 0, "", 3 },
		{ "\"a\\tb\\\"c\\\\d\\/e\"", 20, "a\tb\"c\\d/e", 0 },
		{ "\"\\b\\f\\n\\r\\t\"", 20, "\b\f\n\r\t", 0 },
		{ "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", 20,
		  "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 0 },
		{ "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", 9,
		  "A\xc3\xa9\xe2\x82\xac", 4 },
		{ "\"a\xe2\x82\xac"
		  "b\"",
		  3, "a", 4 },
		{ "\"a\xe2\x82\xac"
		  "b\"",
		  4, "a\xe2\x82\xac", 1 },
		{ "\"\\ud83d\\ude00x\"", 3, "", 5 },
		{ "\"abc\\ndef\"", 5, "abc\nd", 2 },
		{ "\"ab\\u20ac\\n\"", 4, "ab", 4 },
		{ "\"\\uffff\\ud800\\udc00\\udbff\\udfff\"", 20,
		  "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 0 },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct json_text t = { cases[i].in, strlen(cases[i].in) };
		_buf_ struct buf b = { 0 };
		size_t left_out = json_add_string(&b, t, cases[i].max);

		is_str(b.data ? b.data : "", cases[i].want,
		       "%s is read, at most %zu bytes", cases[i].in,
		       cases[i].max);
		is_int((intmax_t)left_out, (intmax_t)cases[i].left_out,
		       "... and %zu bytes are left out", cases[i].left_out);
	}
}

static void
test_numbers(void)
{
	static const struct {
		const char *in;
		bool is_int, is_real;
		int64_t want;
	} cases[] = {
		{ "0", true, true, 0 },
		{ "-0", true, true, 0 },
		{ "-12", true, true, -12 },
		{ "9223372036854775807", true, true, INT64_MAX },
		{ "-9223372036854775808", true, true, INT64_MIN },
		{ "9223372036854775808", false, true, 0 },
		{ "-9223372036854775809", false, true, 0 },
		{ "1.0", false, true, 0 },
		{ "1e2", false, true, 0 },
		{ "1E2", false, true, 0 },
		{ "1e308", false, true, 0 },
		{ "1e309", false, false, 0 },
		{ "-1e309", false, false, 0 },
		{ "1e-999", false, true, 0 },
		{ "\"1\"", false, false, 0 },
		{ "true", false, false, 0 },
		{ "null", false, false, 0 },
	};
	_free_ char *long_number = nest(500, "1", "", "");
	struct json_text t = { long_number, 500 };
	int64_t n;
	double d;

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		struct json_text number = { cases[i].in, strlen(cases[i].in) };

		n = 0;
		is_int(json_to_int(number, &n), cases[i].is_int,
		       "%s is %san integer", cases[i].in,
		       cases[i].is_int ? "" : "not ");
		ok(n == cases[i].want, "... and has its value");
		is_int(json_to_real(number, &d), cases[i].is_real,
		       "... and is %sfinite", cases[i].is_real ? "" : "not ");
	}
	ok(!json_to_int(t, &n) && !json_to_real(t, &d),
	   "a number of 500 digits is neither");
}

/* --- Trees ------------------------------------------------------------------
 */

static void
test_decode(void)
{
	static const struct {
		const char *title;
		struct text in;
		const char *want; /* encoded again, or the error */
	} cases[] = {
		{ "every type",
		  T(" {\"a\": [1, -2.5, true, false, null, \"x\"],"
		    " \"b\": {}} "),
		  "{\"a\":[1,-2.5,true,false,null,\"x\"],\"b\":{}}" },
		{ "the order of members", T("{\"z\":1,\"a\":2,\"m\":3}"),
		  "{\"z\":1,\"a\":2,\"m\":3}" },
		{ "the greatest integer", T("9223372036854775807"),
		  "9223372036854775807" },
		{ "the least integer", T("-9223372036854775808"),
		  "-9223372036854775808" },
		{ "a real with no fraction", T("[1.0,1e2,1e300]"),
		  "[1.0,100.0,1e+300]" },
		{ "reals as short as they may be", T("[0.1,1.10,3.14159]"),
		  "[0.1,1.1,3.14159]" },
		{ "a real of all its digits", T("0.30000000000000004"),
		  "0.30000000000000004" },
		{ "minus zero as a real", T("-0.0"), "-0.0" },
		{ "a NUL in a string", T("\"a\\u0000b\""), "\"a\\u0000b\"" },
		{ "characters by escapes", T("\"\\u00e9\\ud83d\\ude00\\/\""),
		  "\"\xc3\xa9\xf0\x9f\x98\x80/\"" },
		{ "a backslash before u0000 in a key", T("{\"\\\\u0000\":1}"),
		  "{\"\\\\u0000\":1}" },

		{ "what is no JSON", T("[1,]"),
		  "at byte 3: expected a value, found ']'" },
		{ "2^63", T("[9223372036854775808]"),
		  "at byte 1: 9223372036854775808 does not fit 64 bits" },
		{ "below the least", T("-9223372036854775809"),
		  "at byte 0: -9223372036854775809 does not fit 64 bits" },
		{ "a real past a double", T("{\"a\":1e999}"),
		  "at byte 5: 1e999 is too large a number" },
		{ "a member twice", T("{\"a\":1,\"a\":2}"),
		  "duplicate object key" },
		{ "a NUL in a key", T("{\"a\\u0000\":1}"),
		  "at byte 1: \"a\\u0000\" has a NUL, as a key" },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_value_ struct value *v = NULL;
		_buf_ struct buf b = { 0 };
		struct err e = ERR_INIT;

		if (json_decode(cases[i].in.s, cases[i].in.len, &v, &e) == 0)
			json_encode(v, &b);
		has_str(b.data ? b.data : e.msg, cases[i].want, "%s: %s",
			cases[i].title, b.data ? "read" : "refused");
	}
}

static void
test_decode_many(void)
{
	_buf_ struct buf b = { 0 }, again = { 0 };
	_value_ struct value *v = NULL;
	struct err e = ERR_INIT;

	buf_addc(&b, '{');
	for (int i = 0; i < 100000; i++)
		buf_addf(&b, "%s\"k%d\":%d", i ? "," : "", i, i);
	buf_addc(&b, '}');
	is_int(json_decode(b.data, b.len, &v, &e), 0,
	       "an object of 100,000 members is read, in no quadratic time");
	json_encode(v, &again);
	is_str(again.data, b.data, "... and written the same");
	value_free(v);
	v = NULL;
	is_int(json_decode("{\"a\":1,\"b\":2,\"c\":3}", 19, &v, &e), 0,
	       "an object of three is read");
	value_set(v, "d", value_int(4));
	value_set(v, "e", value_int(5));
	is_int(value_get_int(v, "e", 0), 5, "... and takes more members");
}

static void
test_encode(void)
{
	static const char hostile[] = "\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\xe2\x81"
				      "\xa6\xd8\x9c\"\\\b\f\n\r\t\x01\xff/";
	_buf_ struct buf b = { 0 };
	_value_ struct value *v = value_string_n("a\0b", 3);

	json_encode_string(hostile, sizeof(hostile) - 1, &b);
	is_str(b.data,
	       "\"\\u001b[2J\\u007f\\u009b\\u202e\\u2066\\u061c\\\"\\\\\\b\\f"
	       "\\n\\r\\t\\u0001\xef\xbf\xbd/\"",
	       "what would harm a terminal is escaped, what is no UTF-8 "
	       "replaced");
	b.len = 0;
	json_encode(v, &b);
	is_str(b.data, "\"a\\u0000b\"", "a NUL is written");
	b.len = 0;
	json_encode_string("\xe2\x80\xa8\xc3\xa9\xf0\x9f\x98\x80", 9, &b);
	is_str(b.data, "\"\xe2\x80\xa8\xc3\xa9\xf0\x9f\x98\x80\"",
	       "all other characters stay as they are");
}

static void
test_layout(void)
{
	static const struct {
		const char *in, *compact, *pretty;
	} cases[] = {
		{ "1.10", "1.10", "1.10" },
		{ "\"x\"", "\"x\"", "\"x\"" },
		{ "[ ]", "[]", "[]" },
		{ "{ \r\n}", "{}", "{}" },
		{ "[ 1 ,\t2 ]", "[1,2]", "[\n  1,\n  2\n]" },
		{ "[[],{},[[]]]", "[[],{},[[]]]",
		  "[\n  [],\n  {},\n  [\n    []\n  ]\n]" },
		{ "{\"a\" : 18446744073709551616, \"b\":[ 1e+05 ,{\"c\":null}]}",
		  "{\"a\":18446744073709551616,\"b\":[1e+05,{\"c\":null}]}",
		  "{\n  \"a\": 18446744073709551616,\n  \"b\": [\n    1e+05,\n"
		  "    {\n      \"c\": null\n    }\n  ]\n}" },
		{ "{\"a,]}:[\" : \"  \\\" , \\\\\" ,\"b\":\"\"}",
		  "{\"a,]}:[\":\"  \\\" , \\\\\",\"b\":\"\"}",
		  "{\n  \"a,]}:[\": \"  \\\" , \\\\\",\n  \"b\": \"\"\n}" },
		{ "[\"\x7f\xc2\x9b\xe2\x80\xae\\u001b\xe2\x82\xac\"]",
		  "[\"\\u007f\\u009b\\u202e\\u001b\xe2\x82\xac\"]",
		  "[\n  \"\\u007f\\u009b\\u202e\\u001b\xe2\x82\xac\"\n]" },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_value_ struct value *raw =
			value_raw(cases[i].in, strlen(cases[i].in));
		_buf_ struct buf compact = { 0 }, pretty = { 0 };

		json_encode(raw, &compact);
		is_str(compact.data, cases[i].compact, "%s on one line",
		       cases[i].in);
		json_encode_pretty(raw, &pretty);
		is_str(pretty.data, cases[i].pretty, "... and indented");
	}
}

/* A tree with text in it looks as if it were all one or the other. */
static void
test_mixed(void)
{
	_value_ struct value *v = value_object();
	_buf_ struct buf b = { 0 };

	value_append(value_set(v, "a", value_array()), value_raw("[ 1,{}]", 7));
	value_set(v, "b", value_object());
	value_set(v, "c", value_array());
	value_set(v, "d", value_real(2));
	json_encode_pretty(v, &b);
	is_str(b.data,
	       "{\n  \"a\": [\n    [\n      1,\n      {}\n    ]\n  ],\n"
	       "  \"b\": {},\n  \"c\": [],\n  \"d\": 2.0\n}",
	       "text within a tree is indented like the rest");
	b.len = 0;
	json_encode(v, &b);
	is_str(b.data, "{\"a\":[[1,{}]],\"b\":{},\"c\":[],\"d\":2.0}",
	       "... and compact like the rest");
	buf_release(&b);
	buf_init(&b, 10);
	json_encode(v, &b);
	ok(b.overflow, "a buffer that is too small says so");
}

static void
test_arguments(void)
{
	static const struct {
		const char *in, *want; /* encoded, or the error */
	} cases[] = {
		{ "hello", "\"hello\"" },
		{ "", "\"\"" },
		{ "5", "5" },
		{ "-1.50", "-1.5" },
		{ "true", "true" },
		{ "null", "null" },
		{ "True", "\"True\"" },
		{ "007", "\"007\"" },
		{ "1.2.3.4", "\"1.2.3.4\"" },
		{ "+1", "\"+1\"" },
		{ "NaN", "\"NaN\"" },
		{ "\"x\"", "\"\\\"x\\\"\"" },
		{ " 5", "\" 5\"" },
		{ "5\n", "\"5\\n\"" },
		{ "[1, \"a\"]", "[1,\"a\"]" },
		{ " {\"a\":\n1} ", "{\"a\":1}" },
		{ "[1,]", "\"[1,]\"" },
		{ "{a:1}", "\"{a:1}\"" },
		{ "[", "\"[\"" },
		{ " ", "\" \"" },
		{ "\xc3\xa9", "\"\xc3\xa9\"" },
		{ "18446744073709551616", "does not fit 64 bits" },
		{ "1e999", "is too large a number" },
		{ "{\"a\":1,\"a\":2}", "duplicate object key" },
		{ "a\xff", "at byte 1: invalid UTF-8, byte 0xff" },
	};
	_free_ char *deep = nest(65, "[", "", "]");
	struct err e = ERR_INIT;
	struct value *none = NULL;

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_value_ struct value *v = NULL;
		_buf_ struct buf b = { 0 };

		e = (struct err)ERR_INIT;
		if (json_parse_argument(cases[i].in, &v, &e) == 0)
			json_encode(v, &b);
		has_str(b.data ? b.data : e.msg, cases[i].want,
			"the argument %s becomes %s", cases[i].in,
			cases[i].want);
		if (b.data)
			is_int((intmax_t)b.len, (intmax_t)strlen(cases[i].want),
			       "... and nothing else");
	}
	is_int(json_parse_argument(deep, &none, &e), -1,
	       "an argument nested too deep is refused, and no string");
	has_str(e.msg, "nested deeper than 64", "... with the reason");
}

int
main(void)
{
	test_check();
	test_depth();
	test_prefixes();
	test_each();
	test_pick();
	test_strings();
	test_numbers();
	test_decode();
	test_decode_many();
	test_encode();
	test_layout();
	test_mixed();
	test_arguments();
	return tap_done();
}
