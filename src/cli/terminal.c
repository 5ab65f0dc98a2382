#include "cli/terminal.h"

#include <sys/ioctl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

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
print_fields(const struct logbook_entry *entry)
{
	_buf_ struct buf text = { 0 };

	if (!entry->fields_len)
		return;
	text_add_terminal(&text, entry->fields, entry->fields_len, NULL);
	fprintf(stderr, " %s%s%s", terminal_style(2, STYLE_DIM), text.data,
		terminal_plain(2));
}

/* Free text stands as it is; what has a level says so. */
void
terminal_log(const struct logbook_entry *entry)
{
	static const enum terminal_style styles[] = {
		[LOG_LEVEL_DEBUG] = STYLE_DIM,
		[LOG_LEVEL_INFO] = STYLE_BOLD,
		[LOG_LEVEL_WARN] = STYLE_YELLOW,
		[LOG_LEVEL_ERROR] = STYLE_RED,
	};
	_buf_ struct buf text = { 0 };

	terminal_clear();
	text_add_terminal(&text, entry->message, entry->len, "\n    ");
	if (entry->stream == LOGBOOK_LOG || entry->stream == LOGBOOK_AGENT)
		fprintf(stderr, "%s%s:%s ",
			terminal_style(2, styles[entry->level]),
			logbook_level_name(entry->level), terminal_plain(2));
	fputs(text.data ? text.data : "", stderr);
	if (entry->left_out)
		fprintf(stderr, " ... and %llu bytes more",
			(unsigned long long)entry->left_out);
	print_fields(entry);
	fputc('\n', stderr);
}

static int
columns(void)
{
	struct winsize size;

	if (ioctl(2, TIOCGWINSZ, &size) < 0 || size.ws_col < 40)
		return 80;
	return size.ws_col;
}

void
terminal_progress(double fraction, const char *message)
{
	_buf_ struct buf text = { 0 };
	int full = (int)(fraction * BAR + 0.5);
	size_t room = (size_t)columns() - BAR - 10;
	char bar[BAR + 1];

	if (!terminal_is_rich(2))
		return;
	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)full);
	bar[BAR] = '\0';
	text_add_terminal(&text, message, strlen(message), " ");
	if (text.len > room)
		text.data[text_cut(text.data, text.len, room)] = '\0';
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
