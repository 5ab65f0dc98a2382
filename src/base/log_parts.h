/*
 * log_parts.h: the pieces of log.c; private to base/log*.c.
 *
 * A message is formatted, rid of secrets and cut (log.c), held if it repeats
 * (log_repeat.c), made a line (log_line.c) and written (log_sink.c).
 */
#ifndef BASE_LOG_PARTS_H
#define BASE_LOG_PARTS_H

#include "base/buf.h"
#include "base/log.h"

/* What a line says: strings are the caller's, "" or NULL where absent. */
struct log_entry {
	enum log_level level;
	const char *component, *plugin, *message;
	int64_t job;
	unsigned repeated; /* > 0: it stands for so many */
};

/* --- log_secret.c -----------------------------------------------------------
 */

bool log_has_secrets(void);
/* Add `text` with each secret in it, and what overlaps it, as "***". */
void log_hide_secrets(struct buf *out, const char *text);

/* --- log_line.c
 * --------------------------------------------------------------- */

enum log_style { LOG_STYLE_JSON, LOG_STYLE_TEXT, LOG_STYLE_COLOUR };

/* Add one line, with its line feed. */
void log_add_line(struct buf *out, enum log_style style, int64_t real_ms,
		  const struct log_entry *e);

/* --- log_repeat.c
 * ------------------------------------------------------------- */

/* Called to say what was held. */
typedef void log_say_fn(const struct log_entry *e);

void log_repeat_open(int64_t window_ms, log_say_fn *say);
/* Whether the entry is held; otherwise say it: e->repeated may be set. */
bool log_repeat_hold(struct log_entry *e, int64_t mono_ms);
void log_repeat_flush(bool all, int64_t mono_ms);
int64_t log_repeat_next_ms(void);
uint64_t log_repeat_count(void); /* lines held, ever */

/* --- log_sink.c
 * --------------------------------------------------------------- */

void log_sink_open(int fd, size_t max);
void log_sink_close(void);
/* Keep the line to be written; false if there is no room, and it is lost. */
bool log_sink_add(const char *line, size_t len);
/* Write what can be without waiting. */
void log_sink_write(void);
/* Whether something is left that becomes writable; *fd is what to watch. */
bool log_sink_pending(int *fd);
uint64_t log_sink_lost(void); /* lines, ever */

/* What log_attach() wants to be called after anything changed; or NULL. */
extern void (*log_changed)(void);

#endif
