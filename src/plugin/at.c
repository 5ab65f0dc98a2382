#include "plugin/at.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/units.h"

__attribute__((format(printf, 4, 0))) static int
set_at(struct err *e, int line, int col, const char *fmt, va_list ap)
{
	char text[sizeof(e->msg)];

	vsnprintf(text, sizeof(text), fmt, ap);
	err_set(e, ERR_USAGE, "%s", text);
	return at_prefix(e, line, col);
}

int
at_line(struct err *e, int line, int col, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_at(e, line, col, fmt, ap);
	va_end(ap);
	return -1;
}

int
at_value(struct err *e, const struct value *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_at(e, v->line, v->col, fmt, ap);
	va_end(ap);
	return -1;
}

/* Like err_wrap(), which would put a blank behind the colon. */
static int
put_before(struct err *e, const char *prefix)
{
	const struct err inner = *e;

	err_set(e, inner.kind, "%s%s", prefix, inner.msg);
	e->errnum = inner.errnum;
	return inner.hint[0] ? err_hint(e, "%s", inner.hint) : -1;
}

int
at_prefix(struct err *e, int line, int col)
{
	char prefix[32];

	if (line <= 0)
		return -1;
	snprintf(prefix, sizeof(prefix), "%d:%d: ", line, col);
	return put_before(e, prefix);
}

int
at_file(struct err *e, const char *file)
{
	char prefix[sizeof(e->msg) / 2];

	snprintf(prefix, sizeof(prefix), "%s:", file);
	return put_before(e, prefix);
}

int
at_unknown(struct err *e, int line, int col, const char *what, const char *word,
	   struct words known)
{
	const char *near = units_nearest(word, known.words, known.n);
	_buf_ struct buf list = { 0 };

	if (near)
		return at_line(e, line, col,
			       "unknown %s '%.64s'; did you mean '%s'?", what,
			       word, near);
	for (size_t i = 0; i < known.n; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", known.words[i]);
	return at_line(e, line, col, "unknown %s '%.64s'; known are %s", what,
		       word, list.data ? list.data : "none");
}
