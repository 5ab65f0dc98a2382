/* config/yaml: what text stands for, what is refused and where. */
#include "tap.h"

#include "base/buf.h"
#include "base/mem.h"
#include "config/yaml.h"

struct text {
	const char *s;
	size_t len;
};

#define T(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

/* A tree on one line: strings quoted, and with `places` where things stand. */
static void
dump(const struct value *v, bool places, struct buf *out)
{
	if (places)
		buf_addf(out, "%d:%d ", v->line, v->col);
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
		buf_addf(out, "real %g", v->u.real);
		break;
	case VALUE_STRING:
	case VALUE_RAW:
		buf_addc(out, '"');
		for (size_t i = 0; i < v->u.string.len; i++)
			if (v->u.string.s[i])
				buf_addc(out, v->u.string.s[i]);
			else
				buf_adds(out, "\\0");
		buf_addc(out, '"');
		break;
	case VALUE_ARRAY:
		buf_addc(out, '[');
		for (size_t i = 0; i < v->u.array.n; i++) {
			buf_adds(out, i ? ", " : "");
			dump(v->u.array.items[i], places, out);
		}
		buf_addc(out, ']');
		break;
	case VALUE_OBJECT:
		buf_addc(out, '{');
		for (size_t i = 0; i < v->u.object.n; i++) {
			const struct value_member *m = &v->u.object.members[i];

			buf_adds(out, i ? ", " : "");
			if (places)
				buf_addf(out, "%d:%d ", m->line, m->col);
			buf_addf(out, "%s: ", m->key);
			dump(m->value, places, out);
		}
		buf_addc(out, '}');
		break;
	}
}

/* From memory of just that length, so that the sanitizer sees its end. */
static int
decode(const struct text *in, int line, int cols, struct value **v,
       struct err *e)
{
	char *copy = memcpy(malloc(in->len + !in->len), in->s, in->len);
	int r = yaml_decode(copy, in->len, line, cols, v, e);

	free(copy);
	return r;
}

static const struct {
	const char *title;
	struct text in;
	const char *want;
} good[] = {
	{ "nothing", T(""), "null" },
	{ "white space", T("\n  \n"), "null" },
	{ "comments", T("# one\n  # two\n"), "null" },
	{ "a document of nothing", T("---\n"), "null" },
	{ "a document, ended", T("--- 1\n...\n"), "1" },
	{ "YAML 1.1", T("%YAML 1.1\n--- a\n"), "\"a\"" },
	{ "YAML 1.2", T("# x\n\n%YAML 1.2\n---\na\n"), "\"a\"" },
	{ "a percent sign that is no directive", T("---\na: |\n  x\n  %y\n"),
	  "{a: \"x\n%y\n\"}" },
	{ "a byte order mark",
	  T("\xef\xbb\xbf"
	    "a: 1\n"),
	  "{a: 1}" },
	{ "carriage returns", T("a: 1\r\nb: 2\r\n"), "{a: 1, b: 2}" },
	{ "JSON", T("{\"a\": [1, true, null, \"x\"], \"b\": {}}"),
	  "{a: [1, true, null, \"x\"], b: {}}" },
	{ "nested blocks", T("a:\n  b:\n  - 1\n  - c: 2\n    d: 3\n"),
	  "{a: {b: [1, {c: 2, d: 3}]}}" },
	{ "a key that is quoted", T("\"1\": x\n'true': y\n"),
	  "{1: \"x\", true: \"y\"}" },
	{ "a key after a question mark", T("? a\n: 1\n"), "{a: 1}" },
	{ "keys that only YAML 1.1 takes for booleans", T("on: 1\ny: 2\n"),
	  "{on: 1, y: 2}" },
	{ "an empty key in quotes", T("\"\": 1\n"), "{: 1}" },
	{ "<< in quotes", T("\"<<\": 1\n"), "{<<: 1}" },
	{ "an emoji", T("a: \xf0\x9f\x98\x80\n"), "{a: \"\xf0\x9f\x98\x80\"}" },
	{ "a NUL in a string", T("a: \"x\\0y\"\n"), "{a: \"x\\0y\"}" },

	{ "null, all ways", T("[~, null, Null, NULL, nULL]"),
	  "[null, null, null, null, \"nULL\"]" },
	{ "a value left out", T("a:\n"), "{a: null}" },
	{ "booleans, all ways", T("[true, True, TRUE, false, False, FALSE]"),
	  "[true, true, true, false, false, false]" },
	{ "what YAML 1.1 took for booleans", T("[yes, no, on, off, y, tRUE]"),
	  "[\"yes\", \"no\", \"on\", \"off\", \"y\", \"tRUE\"]" },
	{ "decimal numbers", T("[0, 7, -7, +7, -0]"), "[0, 7, -7, 7, 0]" },
	{ "the largest and the smallest",
	  T("[9223372036854775807, -9223372036854775808]"),
	  "[9223372036854775807, -9223372036854775808]" },
	{ "octal numbers", T("[0o17, 0o0, 0o8, 0o]"),
	  "[15, 0, \"0o8\", \"0o\"]" },
	{ "hexadecimal numbers", T("[0xfF, 0x0, 0xg, 0x, -0x1]"),
	  "[255, 0, \"0xg\", \"0x\", \"-0x1\"]" },
	{ "the largest hexadecimal number", T("0x7fffffffffffffff"),
	  "9223372036854775807" },
	{ "what YAML 1.1 took for numbers", T("[1_000, 12:30:45, 0b11]"),
	  "[\"1_000\", \"12:30:45\", \"0b11\"]" },
	{ "reals", T("[1.5, -1.5, +.5, 5., 1e3, 1E-2, 1.e+2, 00.5]"),
	  "[real 1.5, real -1.5, real 0.5, real 5, real 1000, real 0.01, "
	  "real 100, real 0.5]" },
	{ "what looks like reals", T("[., +, -., e5, 1e, 1e+, 1.2.3, 0x1p3]"),
	  "[\".\", \"+\", \"-.\", \"e5\", \"1e\", \"1e+\", \"1.2.3\", "
	  "\"0x1p3\"]" },
	{ "a real that is too small", T("1e-999"), "real 0" },
	{ "units", T("[10s, 64MiB]"), "[\"10s\", \"64MiB\"]" },
	{ "quoted scalars", T("['1', \"true\", \"\", '~', '007', '.inf']"),
	  "[\"1\", \"true\", \"\", \"~\", \"007\", \".inf\"]" },
	{ "block scalars", T("- |\n  1\n- >-\n  a\n  b\n"),
	  "[\"1\n\", \"a b\"]" },
	{ "!!str", T("a: !!str 1\nb: !!str\n!!str c: 2\n!!str 1: 3\n"),
	  "{a: \"1\", b: \"\", c: 2, 1: 3}" },
};

static void
test_good(void)
{
	for (size_t i = 0; i < TAP_COUNT(good); i++) {
		struct err e = ERR_INIT;
		_value_ struct value *v = NULL;
		_buf_ struct buf b = { 0 };

		if (!is_int(decode(&good[i].in, 1, 0, &v, &e), 0, "%s is read",
			    good[i].title)) {
			diag("%s", e.msg);
			continue;
		}
		dump(v, false, &b);
		is_str(b.data, good[i].want, "... and is what it should be");
	}
}

static const struct {
	const char *title;
	struct text in;
	const char *want;
} bad[] = {
	{ "an open list", T("a: [1,\n"),
	  "2:1: not YAML: did not find expected node content while parsing a "
	  "flow node that starts on line 2" },
	{ "an open quote", T("a: \"x\n"),
	  "2:1: not YAML: found unexpected end of stream while scanning a "
	  "quoted scalar that starts on line 1" },
	{ "a wrong indent", T("a:\n  b: 1\n c: 2\n"),
	  "3:2: not YAML: did not find expected key while parsing a block "
	  "mapping that starts on line 1" },
	{ "a map in a value", T("a: b: c\n"),
	  "1:5: not YAML: mapping values are not allowed in this context" },
	{ "a tab as indent", T("a:\n\tb: 1\n"),
	  "2:1: not YAML: found character that cannot start any token (a tab "
	  "does not indent; use spaces) while scanning for the next token that "
	  "starts on line 2" },
	{ "a tab as indent of a list", T("a:\n\t- b\n"), "2:1: not YAML: " },
	{ "a tab after characters of more bytes", T("\xc3\xa9:\n\t- b\n"),
	  "2:1: not YAML: found character that cannot start any token (a tab" },
	{ "an at sign first", T("a: @b\n"),
	  "1:4: not YAML: found character that cannot start any token (quote "
	  "text that starts with" },
	{ "an unknown escape", T("a: \"\\q\"\n"),
	  "1:5: not YAML: found unknown escape character" },
	{ "a value after a scalar", T("a: 1\n b\n  : 2\n"), "3:" },
	{ "two documents", T("a: 1\n---\nb: 2\n"),
	  "2:1: a second document; there may be one only" },
	{ "a second document of nothing", T("a: 1\n---\n"), "2:1: a second" },
	{ "a directive after the document", T("a: 1\n...\n%YAML 1.2\n--- 2\n"),
	  "3:1: a second document" },
	{ "%TAG", T("# x\n%TAG ! tag:x,2000:\n--- !y 1\n"),
	  "2:1: directives are not taken, except %YAML 1.2" },
	{ "an unknown directive", T("%FOO\n---\n"), "1:1: directives are" },
	{ "YAML 2", T("%YAML 2.0\n---\n"), "1:1: directives are" },
	{ "YAML 1.9", T("%YAML 1.9\n---\n"),
	  "1:1: not YAML: found incompatible YAML document" },
	{ "a directive, cut", T("%YAML 1."), "1:1: directives are" },
	{ "a directive twice", T("%YAML 1.2\n%YAML 1.2\n---\n"),
	  "2:1: not YAML: found duplicate %YAML directive" },

	{ "an anchor on a scalar", T("a: &x 1\n"),
	  "1:4: anchors (&x) are not taken" },
	{ "an anchor on a list", T("a: &x [1]\n"), "1:4: anchors (&x)" },
	{ "an anchor on a map", T("&x a: 1\n"), "1:1: anchors (&x)" },
	{ "an anchor on all", T("--- &x\na: 1\n"), "1:5: anchors (&x)" },
	{ "an alias", T("a: *x\n"), "1:4: aliases (*x) are not taken" },
	{ "an alias as a key", T("*x : 1\n"), "1:1: aliases (*x)" },
	{ "a tag for an object", T("a: !!python/object:os.system x\n"),
	  "1:4: tags are not taken, except !!str before text" },
	{ "a tag for a number", T("a: !!int 1\n"), "1:4: tags are not taken" },
	{ "a tag of no kind", T("a: ! 1\n"), "1:4: tags are not taken" },
	{ "!!str before a list", T("!!str [1]\n"), "1:1: tags are not taken" },
	{ "!!map", T("!!map {a: 1}\n"), "1:1: tags are not taken" },
	{ "a tag on a key", T("!!int 1: 1\n"), "1:1: tags are not taken" },
	{ "a merge key", T("a: 1\n<<: {b: 2}\n"),
	  "2:1: merge keys (<<) are not taken" },

	{ "a key twice", T("a: 1\nb: 2\na: 3\n"),
	  "3:1: the key 'a' is here twice, first on line 1" },
	{ "two keys twice", T("b: 1\na: 2\nb: 3\na: 4\n"),
	  "3:1: the key 'b' is here twice, first on line 1" },
	{ "a key thrice", T("a: 1\na: 2\na: 3\n"),
	  "2:1: the key 'a' is here twice, first on line 1" },
	{ "a key twice, quoted", T("{a: 1,\n 'a': 2}\n"),
	  "2:2: the key 'a' is here twice, first on line 1" },
	{ "a key twice, further in", T("x:\n  - a: 1\n    a: 2\n"),
	  "3:5: the key 'a' is here twice, first on line 2" },
	{ "a number as a key", T("a: 1\n8080: x\n"),
	  "2:1: the key 8080 is not a string; quote it" },
	{ "a boolean as a key", T("true: x\n"), "1:1: the key true is not" },
	{ "null as a key", T("~: x\n"), "1:1: the key ~ is not a string" },
	{ "a number too large as a key", T("1e999: x\n"),
	  "1:1: the key 1e999" },
	{ "no key", T("?\n: x\n"), "1:2: a key is missing" },
	{ "a list as a key", T("[a]: x\n"),
	  "1:1: a key must be a string, not a list" },
	{ "a map as a key", T("? {a: 1}\n: x\n"),
	  "1:3: a key must be a string, not a map" },
	{ "a NUL in a key", T("a: 1\n\"b\\0\": 1\n"),
	  "2:1: a key with a NUL in it" },

	{ "2^63", T("a: 9223372036854775808\n"),
	  "1:4: 9223372036854775808 is a number of more than 64 bits" },
	{ "-2^63 - 1", T("-9223372036854775809"), "1:1: -92233720368" },
	{ "a hexadecimal number of 2^63", T("[1,\n 0x8000000000000000]"),
	  "2:2: 0x8000000000000000 is a number of more than 64 bits" },
	{ "a hexadecimal number beyond", T("0x10000000000000000"), "1:1: 0x1" },
	{ "an octal number beyond", T("0o2000000000000000000000"), "1:1: 0o2" },
	{ "a leading zero", T("mode: 0755\n"),
	  "1:7: 0755 is a number with a leading zero, which is octal in one "
	  "version of YAML and decimal in another; quote it, or write 0o for "
	  "octal" },
	{ "a leading zero after a sign", T("-01"),
	  "1:1: -01 is a number with" },
	{ "zeros", T("00"), "1:1: 00 is a number with a leading zero" },
	{ "infinity", T("[.inf]"),
	  "1:2: .inf is a number that is not finite; quote it if it is text" },
	{ "infinity with a sign", T("-.INF"), "1:1: -.INF is a number that" },
	{ "not a number", T(".NaN"), "1:1: .NaN is a number that is not" },
	{ "a real that is too large", T("1e999"),
	  "1:1: 1e999 is a number that is too large" },

	{ "a byte that starts no character", T("a: 1\nb: \x80\n"),
	  "2:4: not YAML: invalid leading UTF-8 octet (0x80)" },
	{ "a character cut by the end", T("a: \xe2\x82"),
	  "1:4: not YAML: incomplete UTF-8 octet sequence" },
	{ "a character cut short", T("\xc3\xa9: \xe2\x82x\n"),
	  "1:5: not YAML: invalid trailing UTF-8 octet (0x78)" },
	{ "an overlong character", T("a: \xc0\xaf\n"), "1:4: not YAML: " },
	{ "a surrogate", T("a: \xed\xa0\x80\n"),
	  "1:4: not YAML: invalid Unicode character (0xd800)" },
	{ "a NUL", T("a: \0\n"),
	  "1:4: not YAML: control characters are not allowed (0x00)" },
	{ "a bell", T("a:\r\n\r\n  \a\n"),
	  "3:3: not YAML: control characters are not allowed (0x07)" },
	{ "an escape sequence in a comment", T("a: 1 # \x1b[2J\r\rb: 1\n"),
	  "1:8: not YAML: control characters are not allowed (0x1b)" },
	{ "UTF-16", T("\xff\xfe\x61\x00"),
	  "1:1: not YAML: invalid leading UTF-8 octet (0xff)" },
};

static void
test_bad(void)
{
	for (size_t i = 0; i < TAP_COUNT(bad); i++) {
		struct err e = ERR_INIT;
		struct value *v = NULL;

		if (!is_int(decode(&bad[i].in, 1, 0, &v, &e), -1,
			    "%s is refused", bad[i].title)) {
			value_free(v);
			continue;
		}
		ok(!strncmp(e.msg, bad[i].want, strlen(bad[i].want)) && !v &&
			   e.kind == ERR_USAGE,
		   "... and it is said where and why");
		if (strncmp(e.msg, bad[i].want, strlen(bad[i].want)) != 0)
			diag("   got: %s\n  want: %s", e.msg, bad[i].want);
	}
}

static const struct {
	const char *title;
	struct text in;
	int line, cols;
	const char *want; /* tree with places, or error */
} placed[] = {
	{ "the end of nothing", T(""), 7, 2, "7:3 null" },
	{ "blocks and keys", T("a: 1\nb:\n  - x\n  -  {c: 2}\n"), 1, 0,
	  "1:1 {1:1 a: 1:4 1, 2:1 b: 3:3 [3:5 \"x\", 4:6 {4:7 c: 4:10 2}]}" },
	{ "characters of more bytes", T("{\xc3\xa9: \"\xe2\x82\xac\", b: 1}"),
	  1, 0, "1:1 {1:2 \xc3\xa9: 1:5 \"\xe2\x82\xac\", 1:10 b: 1:13 1}" },
	{ "a header behind \"# \"", T("name: x\nparams:\n  a: 1\n"), 3, 2,
	  "3:3 {3:3 name: 3:9 \"x\", 4:3 params: 5:5 {5:5 a: 5:8 1}}" },
	{ "an error behind \"# \"", T("name: x\nname: y\n"), 3, 2,
	  "4:3: the key 'name' is here twice, first on line 3" },
	{ "no UTF-8 behind \"# \"", T("name: x\nb: \xff\n"), 3, 2,
	  "4:6: not YAML: invalid leading UTF-8 octet (0xff)" },
	{ "no YAML behind \"# \"", T("a:\n  b: 1\n c: 2\n"), 3, 2,
	  "5:4: not YAML: did not find expected key while parsing a block "
	  "mapping that starts on line 3" },
	{ "a byte order mark counts for nothing",
	  T("\xef\xbb\xbf"
	    "a: 1"),
	  1, 0, "1:1 {1:1 a: 1:4 1}" },
};

static void
test_places(void)
{
	for (size_t i = 0; i < TAP_COUNT(placed); i++) {
		struct err e = ERR_INIT;
		_value_ struct value *v = NULL;
		_buf_ struct buf b = { 0 };

		if (decode(&placed[i].in, placed[i].line, placed[i].cols, &v,
			   &e) < 0)
			buf_adds(&b, e.msg);
		else
			dump(v, true, &b);
		is_str(b.data, placed[i].want, "%s: places are right",
		       placed[i].title);
	}
}

/* `part` so many times, between `first` and `last`; %zu is its number. */
static char *
repeat(const char *first, const char *part, size_t n, const char *last)
{
	struct buf b = { 0 };

	buf_adds(&b, first);
	for (size_t i = 0; i < n; i++) {
		const char *hash = strchr(part, '@');

		if (!hash)
			buf_adds(&b, part);
		else
			buf_addf(&b, "%.*s%zu%s", (int)(hash - part), part, i,
				 hash + 1);
	}
	buf_adds(&b, last);
	return buf_steal(&b);
}

static const struct {
	const char *title, *first, *part;
	size_t n;
	const char *last;
	const char *want; /* NULL: accepted */
} bounds[] = {
	{ "lists of depth 64", "", "- ", 64, "1", NULL },
	{ "lists of depth 65", "", "- ", 65, "1",
	  "1:129: nested deeper than 64" },
	{ "brackets of depth 65", "", "[", 65, "", "1:65: nested deeper" },
	{ "a million brackets", "", "[", 1000000, "", "1:65: nested deeper" },
	{ "a million braces", "", "{a: ", 1000000, "", "nested deeper" },
	{ "a million explicit keys", "", "? ", 1000000, "", "a key must be" },
	{ "a million dashes", "", "- ", 1000000, "", "nested deeper" },
	{ "999998 items", "[", "1,", 999998, "1]", NULL },
	{ "1000000 items", "[", "1,", 999999, "1]",
	  "more than 1000000 values" },
	{ "499999 keys", "", "k@:\n", 499999, "", NULL },
	{ "500000 keys", "", "k@:\n", 500000, "",
	  "500000:9: more than 1000000" },
	{ "40000 keys, the last one twice", "k39998: 1\n", "k@:\n", 39999, "",
	  "40000:1: the key 'k39998' is here twice, first on line 1" },
	{ "a scalar of 16 MB", "", "0123456789abcdef", 1UL << 20, "", NULL },
	{ "a text of more", "", "0123456789abcdef", 1UL << 20, "x",
	  "1:1: a text of more than 16777216 bytes" },
	{ "a key of more than 1024 characters", "", "x", 1025, ": 1",
	  "1:1026: not YAML: mapping values are not allowed" },
	{ "a million anchors", "", "&a ", 1000000, "", "1:1: anchors (&a)" },
	{ "a thousand %TAG", "", "%TAG !a@! x\n", 1000, "---\n",
	  "1:1: directives are not taken" },
};

static void
test_bounds(void)
{
	for (size_t i = 0; i < TAP_COUNT(bounds); i++) {
		struct err e = ERR_INIT;
		_value_ struct value *v = NULL;
		_free_ char *s = repeat(bounds[i].first, bounds[i].part,
					bounds[i].n, bounds[i].last);
		int r = yaml_decode(s, strlen(s), 1, 0, &v, &e);

		is_int(r, bounds[i].want ? -1 : 0, "%s: %s", bounds[i].title,
		       bounds[i].want ? "refused" : "accepted");
		has_str(e.msg, bounds[i].want ? bounds[i].want : "", "... %s",
			bounds[i].want ? "for that" : "at ease");
	}
}

/* A member set later finds the room that value_set() expects. */
static void
test_growth(void)
{
	for (size_t n = 1; n < 20; n++) {
		struct err e = ERR_INIT;
		_value_ struct value *v = NULL;
		_free_ char *s = repeat("", "k@: 1\n", n, "");

		yaml_decode(s, strlen(s), 1, 0, &v, &e);
		value_set(v, "more", value_int(2));
		value_set(v, "k0", value_int(3));
		ok(v->u.object.n == n + 1 && value_get_int(v, "k0", 0) == 3,
		   "a mapping of %zu keys takes one more", n);
	}
}

int
main(void)
{
	test_good();
	test_bad();
	test_places();
	test_bounds();
	test_growth();
	return tap_done();
}
