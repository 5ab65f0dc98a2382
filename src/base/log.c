#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_parts.h"
#include "base/mem.h"
#include "base/text.h"

#define WINDOW_MS 10000
#define BUFFER (64U << 10)

static enum log_level threshold = LOG_LEVEL_WARN;

/* The service's log. Its process: a child that was forked does not own it. */
static pid_t owner;
static enum log_style style;
static uint64_t lines;
static uint64_t lost_said; /* of log_sink_lost() */

void (*log_changed)(void);

void
log_set_level(enum log_level level)
{
	threshold = level;
}

static bool
is_open(void)
{
	return owner && owner == getpid();
}

static void
changed(void)
{
	if (log_changed)
		log_changed();
}

/* --- The command line: standard error ----------------------------------------
 */

/* One write a line, so that lines of several processes never mix. */
static void
say_plain(const char *prefix, const char *text)
{
	char line[2048];
	int n = snprintf(line, sizeof(line), "devops_agent: %s%s", prefix,
			 text);
	size_t len = n < 0 ? 0 : (size_t)n;

	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20)
			line[i] = ' ';
	line[len] = '\n';
	if (write(STDERR_FILENO, line, len + 1) < 0)
		return; /* nowhere left to say it */
}

/* --- The service: lines
 * ------------------------------------------------------- */

static void
say_line(const struct log_entry *e)
{
	_buf_ struct buf line = { 0 };

	log_add_line(&line, style, clock_real_ms(), e);
	if (log_sink_add(line.data, line.len))
		lines++;
}

/* How many lines went missing, once there is room to say it. */
static void
say_lost(void)
{
	uint64_t lost = log_sink_lost();
	char text[128];
	struct log_entry e = { .level = LOG_LEVEL_WARN,
			       .component = "log",
			       .message = text };

	if (lost == lost_said)
		return;
	snprintf(text, sizeof(text),
		 "%llu lines were lost: standard output did not take them",
		 (unsigned long long)(lost - lost_said));
	say_line(&e);
	/* if that was lost as well, the next one counts it too */
	if (log_sink_lost() == lost)
		lost_said = lost;
}

static void
say_entry(const struct log_entry *e)
{
	struct log_entry with = *e;
	_buf_ struct buf message = { 0 };

	say_lost();
	if (e->repeated) {
		buf_addf(&message, "%s (repeated %u times)", e->message,
			 e->repeated);
		with.message = message.data;
	}
	say_line(&with);
	log_sink_write();
}

/* `text` without secrets, on one line, of a length that a line may have. */
static void
clean(struct buf *out, const char *text)
{
	size_t len;

	log_hide_secrets(out, text);
	buf_add(out, "", 0);
	while (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	len = text_cut(out->data, out->len, LOG_MESSAGE_MAX);
	if (len == out->len)
		return;
	out->len = len;
	buf_adds(out, "...");
}

static void
say_structured(enum log_level level, const struct log_about *about,
	       const char *text)
{
	static const struct log_about nothing;
	_buf_ struct buf message = { 0 };
	struct log_entry e = { .level = level };

	if (!about)
		about = &nothing;
	clean(&message, text);
	e.component = about->component ? about->component : "";
	e.plugin = about->plugin ? about->plugin : "";
	e.job = about->job;
	e.message = message.data;
	if (!log_repeat_hold(&e, clock_mono_ms()))
		say_entry(&e);
	changed();
}

/* --- Both
 * ----------------------------------------------------------------------- */

static const char *const prefixes[] = {
	[LOG_LEVEL_DEBUG] = "debug: ",
	[LOG_LEVEL_INFO] = "",
	[LOG_LEVEL_WARN] = "warning: ",
	[LOG_LEVEL_ERROR] = "",
};

static void
say_hidden(const char *prefix, const char *text)
{
	_buf_ struct buf hidden = { 0 };

	if (!log_has_secrets()) {
		say_plain(prefix, text);
		return;
	}
	log_hide_secrets(&hidden, text);
	say_plain(prefix, hidden.data ? hidden.data : "");
}

__attribute__((format(printf, 3, 0))) static void
log_at(enum log_level level, const struct log_about *about, const char *fmt,
       va_list ap)
{
	_free_ char *text = NULL;

	if (level < threshold)
		return;
	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	if (is_open())
		say_structured(level, about, text);
	else
		say_hidden(prefixes[level], text);
}

void
log_event(enum log_level level, const struct log_about *about, const char *fmt,
	  ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(level, about, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_LEVEL_DEBUG, NULL, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_LEVEL_INFO, NULL, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_LEVEL_WARN, NULL, fmt, ap);
	va_end(ap);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_LEVEL_ERROR, NULL, fmt, ap);
	va_end(ap);
}

/* The last line: to the service's log if it takes it, or to standard error. */
static void
say_fatal(const char *text)
{
	_buf_ struct buf message = { 0 };
	uint64_t lost = log_sink_lost();
	int fd;

	if (is_open()) {
		buf_addf(&message, "fatal: %s", text);
		log_repeat_flush(true, clock_mono_ms());
		say_structured(LOG_LEVEL_ERROR, NULL, message.data);
		if (!log_sink_pending(&fd) && log_sink_lost() == lost)
			return;
	}
	say_hidden("fatal: ", text);
}

void
fatal(const char *fmt, ...)
{
	static bool dying; /* without memory, saying so may fail in here */
	char *text = NULL;
	va_list ap;

	if (dying) {
		say_plain("fatal: ", "out of memory");
		_exit(125);
	}
	dying = true;
	log_changed = NULL;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		say_plain("fatal: ", "out of memory");
	else
		say_fatal(text);
	va_end(ap);
	_exit(125);
}

/* --- Opening, closing
 * ------------------------------------------------------------ */

static enum log_style
choose_style(const struct log_options *o)
{
	const char *no = getenv("NO_COLOR");
	bool tty = isatty(o->fd);

	if (o->format == LOG_JSON || (o->format == LOG_AUTO && !tty))
		return LOG_STYLE_JSON;
	return tty && (!no || !*no) ? LOG_STYLE_COLOUR : LOG_STYLE_TEXT;
}

void
log_open(const struct log_options *o)
{
	/* a loop lets the old descriptor go before it is closed */
	owner = 0;
	changed();
	threshold = o->level;
	style = choose_style(o);
	lost_said = log_sink_lost();
	log_repeat_open(o->window_ms ? o->window_ms : WINDOW_MS, say_entry);
	log_sink_open(o->fd, o->buffer ? o->buffer : BUFFER);
	owner = getpid();
	changed();
}

void
log_close(void)
{
	if (is_open()) {
		log_flush(true);
		log_write();
	}
	owner = 0;
	changed();
	log_repeat_open(-1, say_entry);
	log_sink_close();
}

int
log_pending_fd(void)
{
	int fd;

	return is_open() && log_sink_pending(&fd) ? fd : -1;
}

void
log_write(void)
{
	int fd;

	if (!is_open())
		return;
	log_sink_write();
	if (!log_sink_pending(&fd)) {
		say_lost();
		log_sink_write();
	}
	changed();
}

int64_t
log_next_flush_ms(void)
{
	return is_open() ? log_repeat_next_ms() : -1;
}

void
log_flush(bool all)
{
	if (!is_open())
		return;
	log_repeat_flush(all, clock_mono_ms());
	changed();
}

void
log_get_stats(struct log_stats *out)
{
	*out = (struct log_stats){ .lines = lines,
				   .repeated = log_repeat_count(),
				   .dropped = log_sink_lost() };
}
