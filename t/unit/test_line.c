/* proto/line: lines out of pieces, bounded, and in linear time. */
#include "tap.h"

#include <time.h>

#include "base/mem.h"
#include "proto/line.h"

/* Every line as "at:text", then "+left_out" where it was cut, and ';'. */
static int
note(void *arg, const struct line *line, struct err *e)
{
	struct buf *b = arg;

	(void)e;
	buf_addf(b, "%llu:", (unsigned long long)line->at);
	buf_add(b, line->s, line->len);
	if (line->left_out)
		buf_addf(b, "+%llu", (unsigned long long)line->left_out);
	buf_addc(b, ';');
	return 0;
}

static int
refuse_b(void *arg, const struct line *line, struct err *e)
{
	++*(int *)arg;
	return *line->s == 'b' ? err_set(e, ERR_USAGE, "b came") : 0;
}

static const struct {
	const char *title, *in;
	const char *want; /* the lines, then the error, if any */
} cases[] = {
	{ "lines", "a\nbc\n\nd\n", "0:a;2:bc;5:;6:d;" },
	{ "nothing", "", "" },
	{ "a line feed alone", "\n", "0:;" },
	{ "a line of just the bound", "12345678\nx\n", "0:12345678;9:x;" },
	{ "a line over the bound", "a\n123456789\nb\n",
	  "0:a;at byte 2: a line of more than 8 bytes" },
	{ "a line over the bound that never ends", "a\n123456789012345",
	  "0:a;at byte 2: a line of more than 8 bytes" },
	{ "an end within a line", "a\nbcd",
	  "0:a;at byte 2: a line without its end (3 bytes)" },
};

/* Feed in pieces of `piece` bytes, each in memory of its own. */
static char *
split(const char *in, size_t len, size_t piece)
{
	struct buf b = { 0 };
	struct line_splitter s;
	struct err e = ERR_INIT;
	int r = 0;

	line_init(&s, 8);
	for (size_t at = 0; at < len && r == 0; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		char *copy = memcpy(malloc(n), in + at, n);

		r = line_feed(&s, copy, n, note, &b, &e);
		free(copy);
	}
	if (r == 0)
		line_end(&s, &e);
	buf_adds(&b, e.msg);
	line_release(&s);
	return buf_steal(&b);
}

static void
test_splitter(void)
{
	for (size_t i = 0; i < TAP_COUNT(cases); i++) {
		size_t len = strlen(cases[i].in), same = 0;

		for (size_t piece = 1; piece <= len + 1; piece++) {
			_free_ char *got = split(cases[i].in, len, piece);

			same += strcmp(got, cases[i].want) == 0;
			if (piece > len)
				is_str(got, cases[i].want, "%s",
				       cases[i].title);
		}
		is_int((intmax_t)same, (intmax_t)len + 1,
		       "... in pieces of every length too");
	}
}

static void
test_stop(void)
{
	struct line_splitter s;
	struct err e = ERR_INIT;
	int calls = 0;

	line_init(&s, 8);
	is_int(line_feed(&s, "a\nb\nc\n", 6, refuse_b, &calls, &e), -1,
	       "the one who is given lines may stop");
	is_str(e.msg, "b came", "... with an error");
	is_int(calls, 2, "... and gets no more");
	line_release(&s);
}

/* 100 MiB without a line feed: refused within the bound, cut within its. */
static void
test_flood(void)
{
	static char piece[65536];
	struct line_splitter s;
	struct line_cutter c;
	struct err e = ERR_INIT;
	struct buf b = { 0 };
	size_t most = 0;
	int fed = 0;

	memset(piece, 'x', sizeof(piece));
	line_init(&s, 1 << 20);
	while (line_feed(&s, piece, sizeof(piece), note, &b, &e) == 0)
		fed++;
	is_int(fed, 16, "a line over 1 MiB is refused once it is that long");
	ok(s.pending.cap <= 3 << 19, "... and takes no more than 1.5 MiB");
	line_release(&s);

	line_cutter_init(&c);
	for (int i = 0; i < 1600; i++) {
		line_cutter_feed(&c, piece, sizeof(piece), note, &b, &e);
		most = c.pending.cap > most ? c.pending.cap : most;
	}
	ok(most <= 3 << 15, "a text line of 100 MiB takes 96 KiB at most");
	line_cutter_feed(&c, "\n", 1, note, &b, &e);
	is_int((intmax_t)b.len, 2 + LINE_CUT + 1 + 9 + 1,
	       "... and becomes one cut line");
	has_str(b.data + 2 + LINE_CUT, "+104792064;",
		"... with the count of what was cut off");
	line_cutter_release(&c);
	buf_release(&b);
}

/* Byte by byte must not cost more for long lines than for short ones. */
static void
test_linear(void)
{
	struct line_splitter s;
	struct err e = ERR_INIT;
	int lines = 0;
	clock_t start = clock();

	line_init(&s, 8 << 20);
	for (size_t i = 0; i < 8 << 20; i++)
		line_feed(&s, "a", 1, refuse_b, &lines, &e);
	line_feed(&s, "\n", 1, refuse_b, &lines, &e);
	is_int(lines, 1, "a line of 8 MiB comes byte by byte");
	/* a second look at each byte so far would take an hour */
	ok(clock() - start < 20 * CLOCKS_PER_SEC, "... in linear time");
	ok(s.pending.cap <= 64 << 10, "... and its memory is given back");
	line_release(&s);
}

static const struct {
	const char *title, *in, *want;
} texts[] = {
	{ "text lines", "a\nb\n", "0:a;2:b;" },
	{ "a carriage return is taken off", "a\r\n\r\nb\r\r\n",
	  "0:a;3:;5:b\r;" },
	{ "a carriage return elsewhere stays", "a\rb\n", "0:a\rb;" },
	{ "the last line needs no end", "a\nbc", "0:a;2:bc;" },
	{ "there is no line after the last end", "a\n", "0:a;" },
	{ "nothing", "", "" },
};

static void
test_cutter(void)
{
	for (size_t i = 0; i < TAP_COUNT(texts); i++) {
		size_t len = strlen(texts[i].in);

		for (size_t piece = 1; piece <= len + 1;
		     piece += len ? len : 1) {
			_buf_ struct buf b = { 0 };
			struct line_cutter c;
			struct err e = ERR_INIT;

			buf_addc(&b, '>');
			line_cutter_init(&c);
			for (size_t at = 0; at < len; at += piece)
				line_cutter_feed(&c, texts[i].in + at,
						 piece > len ? len : piece,
						 note, &b, &e);
			line_cutter_end(&c, note, &b, &e);
			is_str(b.data + 1, texts[i].want, "%s, %s",
			       texts[i].title,
			       piece == 1 ? "byte by byte" : "whole");
			line_cutter_release(&c);
		}
	}
}

/* Around the cut: a line of just that length, one more, and one that ends in
 * a carriage return there. */
static void
test_cut(void)
{
	static char text[LINE_CUT + 8];
	static const struct {
		size_t len;
		const char *end;
		unsigned long long left_out;
	} edges[] = {
		{ LINE_CUT, "\n", 0 },
		{ LINE_CUT, "\r\n", 1 },
		{ LINE_CUT + 1, "\n", 1 },
		{ LINE_CUT + 5, "\n", 5 },
	};

	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < TAP_COUNT(edges); i++) {
		_buf_ struct buf b = { 0 };
		struct line_cutter c;
		struct err e = ERR_INIT;
		char want[64];

		line_cutter_init(&c);
		line_cutter_feed(&c, text, edges[i].len, note, &b, &e);
		line_cutter_feed(&c, edges[i].end, strlen(edges[i].end), note,
				 &b, &e);
		line_cutter_feed(&c, "y\n", 2, note, &b, &e);
		snprintf(want, sizeof(want), "+%llu;%zu:y;", edges[i].left_out,
			 edges[i].len + strlen(edges[i].end));
		has_str(b.data + 2 + LINE_CUT,
			want + (edges[i].left_out ? 0 : 2),
			"a line of %zu bytes is cut by %llu", edges[i].len,
			edges[i].left_out);
		line_cutter_release(&c);
	}
}

int
main(void)
{
	test_splitter();
	test_stop();
	test_flood();
	test_linear();
	test_cutter();
	test_cut();
	return tap_done();
}
