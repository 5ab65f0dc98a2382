/*
 * terminal.h: what people see: log lines, progress, colours.
 *
 * It goes to standard error where nothing else is said.  Whatever a plugin says
 * is made harmless for a terminal, wherever it goes (a file may be shown
 * later).
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/logbook.h"

enum terminal_style {
	STYLE_PLAIN,
	STYLE_DIM,
	STYLE_BOLD,
	STYLE_RED,
	STYLE_YELLOW,
	STYLE_GREEN,
};

/* Whether a stream is a terminal that wants colours and bars. */
bool terminal_is_rich(int fd);

/* Start and end of a style on that stream; "" where it is not rich. */
const char *terminal_style(int fd, enum terminal_style style);
const char *terminal_plain(int fd);

/* A line of a job's log; to standard output with its time. */
void terminal_log(const struct logbook_entry *entry);
void terminal_print_log(const struct logbook_entry *entry);

/* Columns that text without controls takes; the bytes that fit into so many. */
size_t terminal_width(const char *s, size_t len);
size_t terminal_fit(const char *s, size_t len, size_t columns);
/* How many there are; 80 where that can't be said. */
size_t terminal_columns(int fd);

/* "LABEL: text" in the style; text is hostile. */
void terminal_say(enum terminal_style style, const char *label,
		  const char *text);

/* A bar, drawn over the one before; only on a terminal. */
void terminal_progress(double fraction, const char *message);
/* Take the bar away, before other output and at the end. */
void terminal_clear(void);

#endif
