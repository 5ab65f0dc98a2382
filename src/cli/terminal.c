#include "cli/terminal.h"

#include <sys/ioctl.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/when.h"

#define BAR 24

static bool bar_shown;

bool
terminal_is_rich(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

const char *
terminal_style(int fd, enum terminal_style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",	     [STYLE_DIM] = "\x1b[2m",
		[STYLE_BOLD] = "\x1b[1m",    [STYLE_RED] = "\x1b[31m",
		[STYLE_YELLOW] = "\x1b[33m", [STYLE_GREEN] = "\x1b[32m",
	};

	return terminal_is_rich(fd) ? codes[style] : "";
}

const char *
terminal_plain(int fd)
{
	return terminal_is_rich(fd) ? "\x1b[0m" : "";
}

void
terminal_say(enum terminal_style style, const char *label, const char *text)
{
	_buf_ struct buf line = { 0 };

	terminal_clear();
	text_add_terminal(&line, text, strlen(text), *label ? "\n    " : "\n");
	while (line.len && line.data[line.len - 1] == '\n')
		line.data[--line.len] = '\0';
	fprintf(stderr, "%s%s%s%s%s\n", terminal_style(2, style), label,
		terminal_plain(2), *label ? ": " : "",
		line.data ? line.data : "");
}

static void
print_fields(FILE *to, const struct logbook_entry *entry)
{
	_buf_ struct buf text = { 0 };
	int fd = fileno(to);

	if (!entry->fields_len)
		return;
	text_add_terminal(&text, entry->fields, entry->fields_len, NULL);
	fprintf(to, " %s%s%s", terminal_style(fd, STYLE_DIM), text.data,
		terminal_plain(fd));
}

/* Free text stands as it is; what has a level says so. */
static void
print_log(FILE *to, const struct logbook_entry *entry)
{
	static const enum terminal_style styles[] = {
		[LOG_LEVEL_DEBUG] = STYLE_DIM,
		[LOG_LEVEL_INFO] = STYLE_BOLD,
		[LOG_LEVEL_WARN] = STYLE_YELLOW,
		[LOG_LEVEL_ERROR] = STYLE_RED,
	};
	_buf_ struct buf text = { 0 };
	int fd = fileno(to);

	text_add_terminal(&text, entry->message, entry->len, "\n    ");
	if (entry->stream == LOGBOOK_LOG || entry->stream == LOGBOOK_AGENT)
		fprintf(to, "%s%s:%s ",
			terminal_style(fd, styles[entry->level]),
			logbook_level_name(entry->level), terminal_plain(fd));
	fputs(text.data ? text.data : "", to);
	if (entry->left_out)
		fprintf(to, " ... and %llu bytes more",
			(unsigned long long)entry->left_out);
	print_fields(to, entry);
	fputc('\n', to);
}

void
terminal_log(const struct logbook_entry *entry)
{
	terminal_clear();
	print_log(stderr, entry);
}

void
terminal_print_log(const struct logbook_entry *entry)
{
	char time[WHEN_TEXT];

	printf("%s%s%s ", terminal_style(1, STYLE_DIM),
	       when_local(entry->time_ms, time), terminal_plain(1));
	print_log(stdout, entry);
}

/* --- How wide ----------------------------------------------------------- */

/* wcwidth() knows characters by the locale; the program's own is "C". */
static locale_t
utf8_locale(void)
{
	static locale_t locale;

	if (!locale)
		locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return locale;
}

/* How many bytes of `s` there are until `columns` are full; *used of them. */
static size_t
measure(const char *s, size_t len, size_t columns, size_t *used)
{
	locale_t utf8 = utf8_locale(), old = (locale_t)0;
	size_t i = 0, n = 0;

	if (utf8)
		old = uselocale(utf8);
	while (i < len) {
		uint32_t code;
		size_t step = text_utf8(s + i, len - i, &code);
		int width = step && utf8 ? wcwidth((wchar_t)code) : 1;

		width = width < 0 ? 1 : width;
		if (n + (size_t)width > columns)
			break;
		n += (size_t)width;
		i += step ? step : 1;
	}
	if (utf8)
		uselocale(old);
	*used = n;
	return i;
}

size_t
terminal_width(const char *s, size_t len)
{
	size_t used;

	measure(s, len, SIZE_MAX, &used);
	return used;
}

size_t
terminal_fit(const char *s, size_t len, size_t columns)
{
	size_t used;

	return measure(s, len, columns, &used);
}

size_t
terminal_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

/* --- Progress ----------------------------------------------------------- */

void
terminal_progress(double fraction, const char *message)
{
	_buf_ struct buf text = { 0 };
	int full = (int)(fraction * BAR + 0.5);
	size_t columns = terminal_columns(2), room;
	char bar[BAR + 1];

	if (!terminal_is_rich(2) || columns < BAR + 10)
		return;
	room = columns - BAR - 10;
	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)full);
	bar[BAR] = '\0';
	text_add_terminal(&text, message, strlen(message), " ");
	if (text.len)
		text.data[terminal_fit(text.data, text.len, room)] = '\0';
	fprintf(stderr, "\r\x1b[K[%s] %3d%% %s", bar, (int)(fraction * 100),
		text.data ? text.data : "");
	fflush(stderr);
	bar_shown = true;
}

void
terminal_clear(void)
{
	if (bar_shown)
		fputs("\r\x1b[K", stderr);
	bar_shown = false;
}
