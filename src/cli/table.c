#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/json.h"

#define GAP 2
#define CUT "..."

static size_t
count_columns(const struct table *t)
{
	size_t n = 0;

	while (t->columns[n].name)
		n++;
	return n;
}

void
table_add(struct table *t, enum terminal_style style, const char *text)
{
	_buf_ struct buf shown = { 0 };
	size_t column = t->n % count_columns(t);
	struct cell *cell;

	text_add_terminal(&shown, text, strlen(text), " ");
	for (size_t i = 0; i < shown.len; i++)
		if (shown.data[i] == '\t')
			shown.data[i] = ' ';
	if (t->n == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		t->cells = xrealloc(t->cells, t->room, sizeof(*t->cells));
	}
	cell = &t->cells[t->n++];
	cell->width = terminal_width(shown.len ? shown.data : "", shown.len);
	cell->text = buf_steal(&shown);
	cell->style = style;
	if (cell->width > t->widths[column])
		t->widths[column] = cell->width;
}

void
table_addf(struct table *t, enum terminal_style style, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	table_add(t, style, text);
}

/* --- Lines -------------------------------------------------------------- */

/* Where a line is, and where it must end; room 0: nowhere. */
struct line_at {
	size_t at, room;
	size_t blanks; /* owed; dropped at the end of the line */
};

static void
put_blanks(struct line_at *l)
{
	printf("%*s", (int)l->blanks, "");
	l->at += l->blanks;
	l->blanks = 0;
}

/* One cell; false where the line is full. */
static bool
put(struct line_at *l, enum terminal_style style, const char *text,
    size_t width)
{
	size_t len = strlen(text), left;
	bool whole;

	if (!width)
		return true;
	if (l->room && l->at + l->blanks >= l->room)
		return false;
	put_blanks(l);
	left = l->room ? l->room - l->at : width;
	whole = width <= left;
	if (!whole)
		len = terminal_fit(text, len,
				   left > strlen(CUT) ? left - strlen(CUT) : 0);
	printf("%s%.*s%s%s", terminal_style(1, style), (int)len, text,
	       whole || left <= strlen(CUT) ? "" : CUT,
	       style == STYLE_PLAIN ? "" : terminal_plain(1));
	l->at += width;
	return whole;
}

static void
put_head(const struct table *t, size_t n, struct line_at l)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = t->columns[i].name;
		size_t pad = t->widths[i] - strlen(name);

		if (t->columns[i].right)
			l.blanks += pad;
		if (!put(&l, STYLE_BOLD, name, strlen(name)))
			break;
		l.blanks += GAP + (t->columns[i].right ? 0 : pad);
	}
	putchar('\n');
}

static void
put_row(const struct table *t, const struct cell *row, size_t n,
	struct line_at l)
{
	for (size_t i = 0; i < n; i++) {
		size_t pad = t->widths[i] - row[i].width;

		if (t->columns[i].right)
			l.blanks += pad;
		if (!put(&l, row[i].style, row[i].text, row[i].width))
			break;
		l.blanks += GAP + (t->columns[i].right ? 0 : pad);
	}
	putchar('\n');
}

void
table_print(struct table *t)
{
	struct line_at start = { .room = isatty(1) ? terminal_columns(1) : 0 };
	size_t n = count_columns(t);

	for (size_t i = 0; i < n; i++)
		if (strlen(t->columns[i].name) > t->widths[i])
			t->widths[i] = strlen(t->columns[i].name);
	put_head(t, n, start);
	for (size_t i = 0; i + n <= t->n; i += n)
		put_row(t, &t->cells[i], n, start);
}

void
table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	t->cells = NULL;
	t->n = t->room = 0;
}

void
table_field(const char *name, enum terminal_style style, const char *text)
{
	_buf_ struct buf shown = { 0 };

	text_add_terminal(&shown, text, strlen(text), "\n            ");
	printf("%s%-11s%s %s%s%s\n", terminal_style(1, STYLE_BOLD), name,
	       terminal_plain(1), terminal_style(1, style),
	       shown.data ? shown.data : "",
	       style == STYLE_PLAIN ? "" : terminal_plain(1));
}

void
table_fieldf(const char *name, enum terminal_style style, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	table_field(name, style, text);
}

void
table_print_json(const struct value *v)
{
	_buf_ struct buf text = { 0 };

	json_encode(v, &text);
	buf_addc(&text, '\n');
	fwrite(text.data, 1, text.len, stdout);
}
