#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Messages may quote hostile bytes: keep control characters off terminals. */
static void
defang(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

int
err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	e->kind = kind;
	e->errnum = 0;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	defang(e->msg);
	return -1;
}

int
err_errno(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	size_t len;
	va_list ap;

	e->kind = ERR_AGENT;
	e->errnum = saved;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	len = strlen(e->msg);
	snprintf(e->msg + len, sizeof(e->msg) - len, ": %s", strerror(saved));
	defang(e->msg);
	errno = saved;
	return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[sizeof(e->msg)];
	size_t len;
	va_list ap;

	memcpy(inner, e->msg, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	defang(e->msg);
	len = strlen(e->msg);
	snprintf(e->msg + len, sizeof(e->msg) - len, ": %.*s",
		 (int)(sizeof(e->msg) - len), inner);
	return -1;
}

int
err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	defang(e->hint);
	return -1;
}

int
err_exit_status(const struct err *e)
{
	static const int status[ERR_KINDS] = {
		[ERR_NONE] = 0,		[ERR_AGENT] = 125,
		[ERR_USAGE] = 2,	[ERR_DENIED] = 3,
		[ERR_NOT_FOUND] = 4,	[ERR_CONFLICT] = 2,
		[ERR_TOO_MANY] = 2,	[ERR_UNAVAILABLE] = 125,
		[ERR_UNAUTHORIZED] = 3, [ERR_FORBIDDEN] = 3,
	};

	return status[e->kind];
}
