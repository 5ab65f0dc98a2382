/*
 * table.h: rows and columns on standard output.
 *
 *	_cleanup_(table_release) struct table t = { .columns = columns };
 *
 *	table_add(&t, STYLE_GREEN, "succeeded");	cell by cell
 *	table_print(&t);
 *
 * Columns are as wide as their widest cell.  On a terminal the head is bold,
 * and lines end at the terminal's edge; elsewhere they are whole and plain.
 * Cells are hostile text, and stay on one line.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/terminal.h"
#include "model/value.h"

#define TABLE_COLUMNS 16

struct column {
	const char *name;
	bool right; /* numbers */
};

struct table {
	const struct column *columns; /* ends with a NULL name */
	size_t widths[TABLE_COLUMNS];
	struct cell {
		char *text;
		size_t width;
		enum terminal_style style;
	} * cells;
	size_t n, room;
};

void table_add(struct table *t, enum terminal_style style, const char *text);
void table_addf(struct table *t, enum terminal_style style, const char *fmt,
		...) __attribute__((format(printf, 3, 4)));
void table_print(struct table *t);
void table_release(struct table *t); /* cleanup function */

/* "name        value": one of the facts about one thing; it is hostile. */
void table_field(const char *name, enum terminal_style style, const char *text);
void table_fieldf(const char *name, enum terminal_style style, const char *fmt,
		  ...) __attribute__((format(printf, 3, 4)));

/* One object a line, instead of a table. */
void table_print_json(const struct value *v);

#endif
