/* proto/logbook, base/text: a bounded log, and text for terminals. */
#include "tap.h"

#include "base/mem.h"
#include "base/text.h"
#include "proto/logbook.h"

static int
note(void *arg, const struct logbook_entry *entry)
{
	struct buf *b = arg;

	buf_addf(b, "%lld %s %s ", (long long)entry->time_ms,
		 logbook_level_name(entry->level),
		 logbook_stream_name(entry->stream));
	buf_add(b, entry->message, entry->len);
	if (entry->message[entry->len] != '\0')
		buf_adds(b, " (no NUL)");
	if (entry->fields)
		buf_addf(b, " %s", entry->fields);
	if (entry->left_out)
		buf_addf(b, " +%llu", (unsigned long long)entry->left_out);
	buf_addc(b, '\n');
	return 0;
}

static void
add(struct logbook *b, int64_t time, const char *message)
{
	logbook_add(b, &(struct logbook_entry){
			       .time_ms = time,
			       .level = LOG_LEVEL_INFO,
			       .stream = LOGBOOK_STDERR,
			       .message = message,
			       .len = strlen(message),
		       });
}

static void
test_entries(void)
{
	struct logbook b;
	_buf_ struct buf got = { 0 };

	logbook_init(&b, 1 << 20);
	is_int(logbook_each(&b, note, &got), 0, "an empty book has no entry");
	is_int((intmax_t)got.len, 0, "... and says nothing");
	add(&b, 1, "one");
	logbook_add(&b, &(struct logbook_entry){
				.time_ms = 2,
				.level = LOG_LEVEL_ERROR,
				.stream = LOGBOOK_LOG,
				.message = "two",
				.len = 3,
				.fields = "{\"a\":1}rest",
				.fields_len = 7,
				.left_out = 9,
			});
	add(&b, 3, "");
	add(&b, 4, "\xff\xe2\x82x");
	logbook_each(&b, note, &got);
	is_str(got.data,
	       "1 info stderr one\n2 error log two {\"a\":1} +9\n"
	       "3 info stderr \n"
	       "4 info stderr \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\n",
	       "entries come back in order, with all they had, as UTF-8");
	is_int((intmax_t)b.lines, 4, "... and were counted");
	ok(b.head.cap + b.tail.cap <= 512, "... in little memory");
	logbook_release(&b);
}

static int
stop(void *arg, const struct logbook_entry *entry)
{
	(void)entry;
	return --*(int *)arg ? 0 : -7;
}

/* 100 entries of 100 bytes and their cost into 2,000 bytes. */
static void
test_gap(void)
{
	struct logbook b;
	_buf_ struct buf got = { 0 };
	int calls = 8;

	logbook_init(&b, 2000);
	for (int i = 0; i < 100; i++) {
		char line[101];

		snprintf(line, sizeof(line), "%0100d", i);
		add(&b, i, line);
	}
	logbook_each(&b, note, &got);
	has_str(got.data, "0 info stderr 000", "the first line is kept");
	has_str(got.data, "5 info stderr 000", "... and those of one half");
	ok(!strstr(got.data, "\n6 info"), "... but no more");
	has_str(got.data,
		"5\n0 warning agent 88 lines (8800 bytes) dropped here\n94 ",
		"what was dropped between is counted in its place");
	has_str(got.data, "\n99 info stderr 000", "the last line is kept");
	is_int((intmax_t)(b.dropped_lines + 12), (intmax_t)b.lines,
	       "every line was kept or counted");
	is_int(logbook_each(&b, stop, &calls), -7, "reading may be stopped");
	logbook_release(&b);
}

static void
test_flood(void)
{
	struct logbook b;
	_buf_ struct buf got = { 0 };
	static char line[200001];
	size_t most = 0;

	memset(line, 'x', sizeof(line) - 1);
	logbook_init(&b, 1 << 20);
	for (int i = 0; i < 1000000; i++) {
		add(&b, i, "");
		most = b.head.cap + b.tail.cap > most ?
			       b.head.cap + b.tail.cap :
			       most;
	}
	for (int i = 0; i < 2000; i++) {
		add(&b, i, line);
		most = b.head.cap + b.tail.cap > most ?
			       b.head.cap + b.tail.cap :
			       most;
	}
	ok(most <= 2 << 20, "a flood takes no more than twice the limit");
	logbook_each(&b, note, &got);
	has_str(got.data, " +134464\n", "long lines are cut");
	ok(got.len < 2 << 20, "what is left is within the limit");
	is_int((intmax_t)b.lines, 1002000, "every line was counted");
	logbook_release(&b);
}

/* At every small limit: nothing overflows, every line is kept or counted. */
static int
count(void *arg, const struct logbook_entry *entry)
{
	*(uint64_t *)arg += entry->stream != LOGBOOK_AGENT;
	return 0;
}

static void
test_small(void)
{
	size_t right = 0;

	for (size_t max = 0; max < 400; max++) {
		struct logbook b;
		uint64_t kept = 0;

		logbook_init(&b, max);
		for (int i = 0; i < 50; i++) {
			char line[50] = "";

			memset(line, 'x', (size_t)i);
			add(&b, i, line);
		}
		logbook_each(&b, count, &kept);
		right += kept + b.dropped_lines == 50 && b.lines == 50 &&
			 !b.head.overflow && !b.tail.overflow;
		logbook_release(&b);
	}
	is_int((intmax_t)right, 400, "limits of 0 to 399 bytes hold");
}

/* --- Text
 * ---------------------------------------------------------------------- */

static const struct {
	const char *in;
	size_t len;
	uint32_t code;
} sequences[] = {
	{ "a", 1, 'a' },
	{ "\x7f", 1, 0x7f },
	{ "\xc2\x80", 2, 0x80 },
	{ "\xdf\xbf", 2, 0x7ff },
	{ "\xe0\xa0\x80", 3, 0x800 },
	{ "\xed\x9f\xbf", 3, 0xd7ff },
	{ "\xee\x80\x80", 3, 0xe000 },
	{ "\xef\xbf\xbf", 3, 0xffff },
	{ "\xf0\x90\x80\x80", 4, 0x10000 },
	{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	{ "\x80", 0, 0 },
	{ "\xbf\x80", 0, 0 },
	{ "\xc0\x80", 0, 0 },
	{ "\xc1\xbf", 0, 0 },
	{ "\xc2", 0, 0 },
	{ "\xc2\x7f", 0, 0 },
	{ "\xc2\xc0", 0, 0 },
	{ "\xe0\x9f\xbf", 0, 0 },
	{ "\xe1\x80", 0, 0 },
	{ "\xe1\x80\x7f", 0, 0 },
	{ "\xed\xa0\x80", 0, 0 },
	{ "\xf0\x8f\xbf\xbf", 0, 0 },
	{ "\xf1\x80\x80", 0, 0 },
	{ "\xf1\x80\x80\xc0", 0, 0 },
	{ "\xf4\x90\x80\x80", 0, 0 },
	{ "\xf5\x80\x80\x80", 0, 0 },
	{ "\xfe", 0, 0 },
	{ "\xff", 0, 0 },
};

static void
test_utf8(void)
{
	size_t same = 0, valid = 0;

	for (size_t i = 0; i < TAP_COUNT(sequences); i++) {
		size_t n = strlen(sequences[i].in);
		char *copy = memcpy(malloc(n), sequences[i].in, n);
		uint32_t code = 0;

		is_int((intmax_t)text_utf8(copy, n, &code),
		       (intmax_t)sequences[i].len,
		       "sequence %zu is of that length", i);
		ok(code == sequences[i].code, "... and has that code point");
		free(copy);
	}
	for (uint32_t code = 0; code < 0x110000; code++) {
		char s[4];
		uint32_t back = 0;
		size_t n = text_encode(code, s);

		if (text_utf8(s, n, &back) == n) {
			valid++;
			same += back == code;
		}
	}
	is_int((intmax_t)valid, 0x110000 - 0x800,
	       "all code points but surrogates have a sequence");
	is_int((intmax_t)same, (intmax_t)valid, "... and come back from it");
	is_int((intmax_t)text_utf8("", 0, NULL), 0, "nothing is no sequence");
}

static void
test_cut(void)
{
	static const struct {
		const char *in;
		size_t max, want;
	} cases[] = {
		{ "abc", 5, 3 },
		{ "abc", 3, 3 },
		{ "abc", 2, 2 },
		{ "abc", 0, 0 },
		{ "a\xe2\x82\xac", 3, 1 },
		{ "a\xe2\x82\xac", 2, 1 },
		{ "a\xe2\x82\xac", 1, 1 },
		{ "a\xe2\x82\xac"
		  "b",
		  4, 4 },
		{ "\xf0\x9f\x98\x80", 3, 0 },
		{ "\xf0\x9f\x98\x80", 1, 0 },
		{ "\x80\x80\x80\x80\x80\x80", 4, 4 },
		{ "ab\x80\x80\x80", 4, 4 },
		{ "a\xe2\x82", 2, 2 },
	};

	for (size_t i = 0; i < TAP_COUNT(cases); i++)
		is_int((intmax_t)text_cut(cases[i].in, strlen(cases[i].in),
					  cases[i].max),
		       (intmax_t)cases[i].want,
		       "text %zu is cut between "
		       "characters",
		       i);
}

static void
test_terminal(void)
{
	static const struct {
		const char *title, *in, *newline, *want;
	} cases[] = {
		{ "plain text stays", "a b\tc~", NULL, "a b\tc~" },
		{ "letters of all lengths stay",
		  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", NULL,
		  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "ESC is shown", "\x1b[31mred", NULL, "\\x1b[31mred" },
		{ "bell, backspace, return and DEL are shown", "\a\b\r\x7f",
		  NULL, "\\x07\\x08\\x0d\\x7f" },
		{ "C1 is shown",
		  "\xc2\x9b"
		  "2J",
		  NULL, "\\x9b2J" },
		{ "bytes that are no UTF-8 are shown", "\x9b\xff\xe2\x82", NULL,
		  "\\x9b\\xff\\xe2\\x82" },
		{ "bidi controls are shown",
		  "\xe2\x80\xae"
		  "a\xe2\x81\xa9\xe2\x80\x8f\xd8\x9c",
		  NULL, "\\u202ea\\u2069\\u200f\\u061c" },
		{ "neighbours of bidi controls stay",
		  "\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa", NULL,
		  "\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa" },
		{ "a line feed is shown", "a\nb", NULL, "a\\x0ab" },
		{ "a line feed becomes what is asked for", "a\nb\n", "\n  ",
		  "a\n  b\n  " },
	};
	char excerpt[TEXT_EXCERPT], hostile[200];
	_buf_ struct buf nul = { 0 };

	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		_buf_ struct buf b = { 0 };

		text_add_terminal(&b, cases[i].in, strlen(cases[i].in),
				  cases[i].newline);
		is_str(b.data, cases[i].want, "%s", cases[i].title);
	}
	text_add_terminal(&nul, "a\0b", 3, NULL);
	is_str(nul.data, "a\\x00b", "a NUL is shown");
	is_str(text_excerpt("short", 5, excerpt), "short",
	       "a short text is quoted whole");
	memset(hostile, '\x1b', sizeof(hostile));
	text_excerpt(hostile, sizeof(hostile), excerpt);
	is_int((intmax_t)strlen(excerpt), 243,
	       "of a long one 60 bytes are, escaped, and dots");
	is_str(excerpt + 236, "\\x1b...", "... at its end");
}

int
main(void)
{
	test_entries();
	test_gap();
	test_flood();
	test_small();
	test_utf8();
	test_cut();
	test_terminal();
	return tap_done();
}
