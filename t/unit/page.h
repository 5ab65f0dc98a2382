/*
 * page.h: pages of docs/ with a part that is made from a table of the source.
 *
 * The part stands between two lines of comment. page_check() says whether it
 * is what `write` makes; page_write() makes it anew.
 */
#ifndef UNIT_PAGE_H
#define UNIT_PAGE_H

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "tap.h"

struct page {
	const char *path;
	const char *start, *end; /* lines, with their line feeds */
	void (*write)(struct buf *out);
};

/* The page with its part anew; NULL where it has no such part. */
static char *
page_make(const struct page *p, const char *text)
{
	const char *start = strstr(text, p->start);
	const char *end = strstr(text, p->end);
	struct buf b = { 0 };

	if (!start || !end)
		return NULL;
	buf_add(&b, text, (size_t)(start - text));
	buf_adds(&b, p->start);
	buf_adds(&b, "\n");
	p->write(&b);
	buf_adds(&b, "\n");
	buf_adds(&b, end);
	return buf_steal(&b);
}

static void
page_check(const struct page *p, const char *program)
{
	_buf_ struct buf text = { 0 };
	_free_ char *made = NULL;
	struct err e = ERR_INIT;

	ok(file_read(p->path, &text, &e) == 0, "there is %s", p->path);
	made = page_make(p, text.data ? text.data : "");
	if (!ok(made && text.data && strcmp(text.data, made) == 0,
		"%s is up to date", p->path))
		diag("build/t/%s --write makes it anew", program);
}

static int
page_write(const struct page *p)
{
	_buf_ struct buf text = { 0 };
	_free_ char *made = NULL;
	struct err e = ERR_INIT;

	if (file_read(p->path, &text, &e) == 0) {
		made = page_make(p, text.data);
		if (made &&
		    file_replace(p->path, made, strlen(made), 0644, &e) == 0)
			return 0;
	}
	fprintf(stderr, "%s: %s\n", p->path,
		e.msg[0] ? e.msg : "it lacks the lines around the part");
	return 1;
}

#endif
