#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum log_level threshold = LOG_LEVEL_WARN;

void
log_set_level(enum log_level level)
{
	threshold = level;
}

/* One write a line, so that lines of several processes never mix. */
__attribute__((format(printf, 2, 0))) static void
emit(const char *prefix, const char *fmt, va_list ap)
{
	char line[2048];
	int head, body;
	size_t len;

	head = snprintf(line, sizeof(line), "devops_agent: %s", prefix);
	body = vsnprintf(line + head, sizeof(line) - (size_t)head, fmt, ap);
	if (body < 0)
		return;
	len = (size_t)head + (size_t)body;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20)
			line[i] = ' ';
	line[len] = '\n';
	if (write(STDERR_FILENO, line, len + 1) < 0)
		return;	/* nowhere left to say it */
}

#define LEVEL_FUNCTION(name, level, prefix)				\
	void name(const char *fmt, ...)					\
	{								\
		va_list ap;						\
									\
		if (level < threshold)					\
			return;						\
		va_start(ap, fmt);					\
		emit(prefix, fmt, ap);					\
		va_end(ap);						\
	}

LEVEL_FUNCTION(log_debug, LOG_LEVEL_DEBUG, "debug: ")
LEVEL_FUNCTION(log_info, LOG_LEVEL_INFO, "")
LEVEL_FUNCTION(log_warn, LOG_LEVEL_WARN, "warning: ")
LEVEL_FUNCTION(log_error, LOG_LEVEL_ERROR, "")

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("fatal: ", fmt, ap);
	va_end(ap);
	_exit(125);
}
