/* plugin/header: where a header is found, and what is said where it is wrong.
 */
#include "tap.h"

#include "base/buf.h"
#include "base/mem.h"
#include "plugin/header.h"

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
	const char *want; /* the YAML; NULL: none or an error */
	int line, cols;
	const char *want_error; /* NULL: none */
} cases[] = {
	{ "a header in Python",
	  T("# /// devops_agent\n# name: x\n# ///\ncode\n"), "name: x\n", 2, 2,
	  NULL },
	{ "one behind a first line and an empty one",
	  T("#!/bin/sh\n\n# /// devops_agent\n# name: x\n# ///\n"), "name: x\n",
	  4, 2, NULL },
	{ "the leader #", T("#/// devops_agent\n#name: x\n#///\n"), "name: x\n",
	  2, 1, NULL },
	{ "the leader //", T("// /// devops_agent\n// a: 1\n// ///\n"),
	  "a: 1\n", 2, 3, NULL },
	{ "the leader --", T("-- /// devops_agent\n-- a: 1\n-- ///\n"),
	  "a: 1\n", 2, 3, NULL },
	{ "the leader ;;", T(";; /// devops_agent\n;; a: 1\n;; ///\n"),
	  "a: 1\n", 2, 3, NULL },
	{ "the leader of a block comment in C",
	  T("/*\n * /// devops_agent\n * a: 1\n *\n * b: 2\n * ///\n */\n"),
	  "a: 1\n\nb: 2\n", 3, 3, NULL },
	{ "the leader %", T("% /// devops_agent\n% a: 1\n% ///\n"), "a: 1\n", 2,
	  2, NULL },
	{ "the leader of Vim", T("\" /// devops_agent\n\" a: 1\n\" ///\n"),
	  "a: 1\n", 2, 2, NULL },
	{ "an indented comment with a tab",
	  T("\t# /// devops_agent\n\t# a: 1\n\t# ///\n"), "a: 1\n", 2, 3,
	  NULL },
	{ "a line that is the leader alone is empty",
	  T("# /// devops_agent\n# a: 1\n#\n# \n# b: 2\n# ///\n"),
	  "a: 1\n\n\nb: 2\n", 2, 2, NULL },
	{ "indentation is kept",
	  T("# /// devops_agent\n# a:\n#   b: 1\n# ///\n"), "a:\n  b: 1\n", 2,
	  2, NULL },
	{ "a comment within", T("# /// devops_agent\n# # b\n# a: 1\n# ///\n"),
	  "# b\na: 1\n", 2, 2, NULL },
	{ "blanks behind the marks",
	  T("# /// devops_agent  \n# a: 1\n# /// \t\n"), "a: 1\n", 2, 2, NULL },
	{ "an empty header", T("# /// devops_agent\n# ///\n"), "", 2, 2, NULL },
	{ "no line feed at the end", T("# /// devops_agent\n# a: 1\n# ///"),
	  "a: 1\n", 2, 2, NULL },
	{ "NUL bytes behind the header",
	  T("# /// devops_agent\n# a: 1\n# ///\nexit\n\0\0\1\n"), "a: 1\n", 2,
	  2, NULL },
	{ "another tool's block", T("# /// script\n# a: 1\n# ///\n"), NULL, 0,
	  0, NULL },
	{ "no header", T("print(1)\n"), NULL, 0, 0, NULL },
	{ "an empty file", T(""), NULL, 0, 0, NULL },
	{ "the mark within a line of code",
	  T("x = '/// devops_agent'\ny # /// devops_agent\n"), NULL, 0, 0,
	  NULL },
	{ "the mark with more behind it", T("# /// devops_agent 2\n# ///\n"),
	  NULL, 0, 0, NULL },
	{ "a leader that is too long",
	  T("################################# /// devops_agent\n"), NULL, 0, 0,
	  NULL },

	{ "a header without a comment's sign",
	  T("\"\"\"\n/// devops_agent\nname: x\n///\n\"\"\"\n"), NULL, 0, 0,
	  "2:1: a header stands in comment lines" },
	{ "a header behind blanks", T("  /// devops_agent\n  name: x\n  ///\n"),
	  NULL, 0, 0, "1:1: a header stands in comment lines" },
	{ "a header that never ends", T("\n# /// devops_agent\n# a: 1\n"), NULL,
	  0, 0, "2:1: the header that begins here never ends" },
	{ "code within the header",
	  T("# /// devops_agent\n# a: 1\nimport os\n# ///\n"), NULL, 0, 0,
	  "3:1: this line of the header does not begin with '# '" },
	{ "an empty line within the header",
	  T("# /// devops_agent\n# a: 1\n\n# ///\n"), NULL, 0, 0, "3:1: this" },
	{ "another leader", T("# /// devops_agent\n// a: 1\n# ///\n"), NULL, 0,
	  0, "2:1: this line of the header" },
	{ "the leader without its blank",
	  T("# /// devops_agent\n#a: 1\n# ///\n"), NULL, 0, 0, "2:1: this" },
	{ "an end with another leader", T("# /// devops_agent\n# a: 1\n#///\n"),
	  NULL, 0, 0, "3:1: this" },
	{ "a second header",
	  T("# /// devops_agent\n# ///\n\n# /// devops_agent\n# ///\n"), NULL,
	  0, 0, "4:1: a second header; the first one is in line 1" },
	{ "a second header with another leader",
	  T("# /// devops_agent\n# ///\n// /// devops_agent\n"), NULL, 0, 0,
	  "3:1: a second header" },
	{ "CR LF", T("# /// devops_agent\r\n# a: 1\r\n# ///\r\n"), NULL, 0, 0,
	  "1:19: the lines end in CR LF" },
	{ "CR LF within", T("# /// devops_agent\n# a: 1\r\n# ///\n"), NULL, 0,
	  0, "2:7: the lines end in CR LF" },
	{ "a byte order mark",
	  T("\xef\xbb\xbf# /// devops_agent\n# a: 1\n# ///\n"), NULL, 0, 0,
	  "1:1: the file begins with a byte order mark" },
	{ "a binary", T("\177ELF\2\1\1\0\0\0"), NULL, 0, 0,
	  "1:8: a NUL byte, so this is no text" },
	{ "a NUL within the header", T("# /// devops_agent\n# a\0: 1\n# ///\n"),
	  NULL, 0, 0, "2:4: a NUL byte" },
};

/* In memory of its own, so that the sanitizer sees its end. */
static int
find(const char *s, size_t len, struct header *h, struct err *e)
{
	char *copy = memcpy(malloc(len ? len : 1), s, len);
	int r = header_find(copy, len, h, e);

	free(copy);
	return r;
}

static void
test_cases(void)
{
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_cleanup_(header_release) struct header h = { 0 };
		struct err e = ERR_INIT;
		int want = cases[i].want ? 1 : cases[i].want_error ? -1 : 0;
		int r = find(cases[i].in.s, cases[i].in.len, &h, &e);

		if (!is_int(r, want, "%s: %s", cases[i].title,
			    want > 0 ? "found" :
			    want     ? "an error" :
				       "no header"))
			diag("%s", e.msg);
		if (want < 0)
			has_str(e.msg, cases[i].want_error, "... that says so");
		if (want <= 0 || r != want)
			continue;
		is_str(h.yaml, cases[i].want, "... with its text");
		is_int(h.first_line, cases[i].line, "... and its first line");
		is_int(h.left_cols, cases[i].cols, "... and what was cut off");
	}
}

/* So many lines, then a header. */
static char *
behind(size_t lines, const char *line, size_t *len)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < lines; i++)
		buf_adds(&b, line);
	buf_adds(&b, "# /// devops_agent\n# a: 1\n# ///\n");
	*len = b.len;
	return buf_steal(&b);
}

static void
test_bounds(void)
{
	static const struct {
		const char *title, *line;
		size_t lines;
		int want;
	} bounds[] = {
		{ "a header that begins in line 100 is found", "x\n", 99, 1 },
		{ "one that begins in line 101 is not", "x\n", 100, 0 },
		{ "one in the middle of a line is not", "x = 1 ", 3, 0 },
	};

	for (size_t i = 0; i < TAP_COUNT(bounds); i++) {
		_cleanup_(header_release) struct header h = { 0 };
		struct err e = ERR_INIT;
		size_t len;
		_free_ char *s = behind(bounds[i].lines, bounds[i].line, &len);

		is_int(find(s, len, &h, &e), bounds[i].want, "%s",
		       bounds[i].title);
	}
}

static void
test_size(void)
{
	_buf_ struct buf b = { 0 };
	struct header h = { 0 };
	struct err e = ERR_INIT;

	buf_adds(&b, "# /// devops_agent\n");
	while (b.len < HEADER_READ)
		buf_adds(&b, "# # filler filler filler filler filler filler\n");
	buf_adds(&b, "# ///\n");
	is_int(find(b.data, b.len, &h, &e), -1,
	       "a header past the first 64 KiB is not looked for further");
	has_str(e.msg, "1:1: the header that begins here never ends",
		"... and said to have no end");
}

int
main(void)
{
	test_cases();
	test_bounds();
	test_size();
	return tap_done();
}
